"""The connected parts of a mask, each of which becomes a box."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from core.formats.outlines import Corners

_LARGEST = 2**27  # pixels of a mask


def explain_size(width: int, height: int) -> str:
    """What is wrong with the size of a mask; empty if nothing is."""
    return f"{width} x {height} pixels are more than a mask may have" if width * height > _LARGEST else ""


def list_parts(pixels: NDArray[np.uint8]) -> Iterator[tuple[int, Corners]]:
    """(number from 1, x1 y1 x2 y2) of each connected part of what is not 0 in `pixels` (h, w)."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(pixels, connectivity=8)
    for number, (left, top, width, height, _) in enumerate(stats[1:].tolist(), start=1):
        yield number, [float(left), float(top), float(left + width), float(top + height)]
