"""Coordinates that are shares of an image's width and height where the format wants pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_EDGE = 0.1  # a share may be this far outside: boxes drawn over the edge, and rounding


def scale_shares(
    boxes: NDArray[np.float64], sizes: NDArray[np.float64], starts: Sequence[int], may_be: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Scale, in place, the boxes (n, 4) of each part of which all lie in 0..1; which rows were scaled.

    `sizes` (n, 4) are width, height, width, height of each box's image; a part begins at each of `starts`. A part with
    a box that cannot be a share (`may_be` False) stays as it is.
    """
    scaled = np.zeros(len(boxes), bool)
    for start, end in zip(starts, [*starts[1:], len(boxes)], strict=True):
        part = boxes[start:end]
        # Pixels would be boxes of at most one, in the corner of every image: shares are what is meant.
        if len(part) and may_be[start:end].all() and part.min() >= -_EDGE and part.max() <= 1 + _EDGE:
            part *= sizes[start:end]
            scaled[start:end] = True
    return scaled
