"""The depth window: which of a camera's 65,536 values are shown, trained on and predicted from as black and as white."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError

Window = tuple[int, int]  # what becomes 0 and what becomes 255, of values from 0 to 65,535

HIGHEST = 2**16 - 1
_SAMPLED = 4_000_000  # samples that a suggestion is made from


def checked_window(value: object, where: str) -> Window | None:
    """A window that came from a file; None stays None. Raises InputError naming `where`."""
    if value is None:
        return None
    if isinstance(value, list | tuple) and len(value) == 2 and all(type(end) is int for end in value):
        low, high = value
        if 0 <= low < high <= HIGHEST:
            return (low, high)
    raise InputError(f"{where}: {value!r} is no window; give two whole numbers, 0 <= low < high <= {HIGHEST}")


def through_window(samples: NDArray[np.uint16], window: Window) -> NDArray[np.uint8]:
    """Samples of any shape as bytes: `low` and below become 0, `high` and above 255."""
    low, high = window
    return tabled(samples, np.clip(np.round((np.arange(HIGHEST + 1) - low) * 255 / (high - low)), 0, 255))


def tabled(samples: NDArray[np.uint16], table: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Each sample replaced by its entry in `table` (65,536 values from 0 to 255)."""
    small = table.astype(np.uint8)
    result = np.empty(samples.shape, np.uint8)
    # Row by row in bundles: numpy widens indices to 8 bytes, which for a whole image would be half a gigabyte.
    step = max(1, 1_000_000 // max(1, int(np.prod(samples.shape[1:]))))
    for top in range(0, len(samples), step):
        result[top : top + step] = small[samples[top : top + step]]
    return result


def suggestion_for(samples: NDArray[np.uint16]) -> Window:
    """A window that shows all but the 0.5 per cent darkest and lightest values, with a little room about them."""
    flat = samples.ravel()
    counts = np.bincount(flat[:: max(1, flat.size // _SAMPLED)], minlength=HIGHEST + 1).cumsum()
    low, high = (int(np.searchsorted(counts, counts[-1] * share)) for share in (0.005, 0.995))
    room = (high - low) // 20
    low, high = max(0, low - room), min(HIGHEST, high + room)
    return (low, high) if low < high else (max(0, low - 1), min(HIGHEST, high + 1))
