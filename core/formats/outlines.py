"""The box around what other programs draw: polygons, lines, turned boxes, ellipses and masks.

Boxes are x1 y1 x2 y2, x to the right and y down. What is not finite gives a box that is not: the collector refuses it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Corners = list[float]

_THINNEST = 1.0  # pixels: a line has a place, and a box needs an area
_LARGEST_MASK = 2**31  # pixels


class OutlineError(Exception):
    """There is no box around it; the text says why."""


def box_around_points(points: Sequence[tuple[float, float]]) -> Corners:
    """The box around two points or more. Raises OutlineError."""
    if len(points) < 2:
        raise OutlineError(f"{'a point' if points else 'an outline without points'} covers no area")
    if not all(math.isfinite(value) for point in points for value in point):
        return [math.nan] * 4
    across, down = [x for x, _ in points], [y for _, y in points]
    return [min(across), min(down), max(across), max(down)]


def box_around_line(points: Sequence[tuple[float, float]]) -> Corners:
    """The box around a line, at least one pixel wide and high. Raises OutlineError."""
    x1, y1, x2, y2 = box_around_points(points)
    wider, higher = max(0.0, _THINNEST - (x2 - x1)) / 2, max(0.0, _THINNEST - (y2 - y1)) / 2
    return [x1 - wider, y1 - higher, x2 + wider, y2 + higher]


def box_around_ellipse(x: float, y: float, across: float, down: float, degrees: float = 0.0) -> Corners:
    """The box around an ellipse by its centre and radii, turned by `degrees`."""
    if not all(map(math.isfinite, (x, y, across, down, degrees))):
        return [math.nan] * 4
    turn = math.radians(degrees)
    half_width = math.hypot(across * math.cos(turn), down * math.sin(turn))
    half_height = math.hypot(across * math.sin(turn), down * math.cos(turn))
    return [x - half_width, y - half_height, x + half_width, y + half_height]


def box_around_turned(corners: Sequence[float], degrees: float) -> Corners:
    """The box around the box `corners`, turned about its centre by `degrees`."""
    if not all(map(math.isfinite, (*corners, degrees))):
        return [math.nan] * 4
    x1, y1, x2, y2 = corners
    turn = math.radians(degrees)
    width, height = abs(x2 - x1), abs(y2 - y1)
    half_width = (width * abs(math.cos(turn)) + height * abs(math.sin(turn))) / 2
    half_height = (width * abs(math.sin(turn)) + height * abs(math.cos(turn))) / 2
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    return [x - half_width, y - half_height, x + half_width, y + half_height]


def is_turned(degrees: float | None) -> bool:
    """True for an angle that makes another box of a box."""
    return degrees is not None and not (math.isfinite(degrees) and abs(math.remainder(degrees, 180.0)) < 1e-6)


def pair_points(values: Iterable[float]) -> list[tuple[float, float]]:
    """Points of x y x y ... Raises OutlineError for an odd number."""
    numbers = list(values)
    if len(numbers) % 2:
        raise OutlineError("its outline has an odd number of coordinates")
    return list(zip(numbers[::2], numbers[1::2], strict=True))


# Masks by run lengths


def box_around_runs(counts: Sequence[int] | str, height: int, width: int) -> Corners:
    """The box around a mask in COCO's run lengths: column by column, 0 and 1 in turn. Raises OutlineError.

    `counts` is the list, or the text that pycocotools makes of it.
    """
    if height <= 0 or width <= 0 or height * width > _LARGEST_MASK:
        raise OutlineError("its mask has no size")
    runs = _decode_counts(counts) if isinstance(counts, str) else _check_counts(counts)
    ends = np.cumsum(runs)
    if (runs < 0).any() or (len(ends) and ends[-1] != height * width) or not len(ends):
        raise OutlineError(f"its mask does not fill {width} x {height} pixels")
    starts, lengths = ends[:-1][::2], runs[1::2]
    starts, lengths = starts[lengths > 0], lengths[lengths > 0]
    if not len(starts):
        raise OutlineError("its mask is empty")
    last = starts + lengths - 1
    first_columns, last_columns = starts // height, last // height
    # A run that goes on in the next column touches the lower edge and the upper one.
    wraps = bool((first_columns != last_columns).any())
    top = 0 if wraps else int((starts % height).min())
    bottom = height if wraps else int((last % height).max()) + 1
    return [float(first_columns.min()), float(top), float(last_columns.max() + 1), float(bottom)]


def _check_counts(counts: Sequence[int]) -> NDArray[np.int64]:
    if not all(
        isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= _LARGEST_MASK for count in counts
    ):
        raise OutlineError("its mask is no list of run lengths")
    return np.array(counts, np.int64)


def _decode_counts(text: str) -> NDArray[np.int64]:
    """Run lengths from COCO's text: groups of five bits, and from the fourth on the difference to the one but last.

    After rleFrString of cocoapi (common/maskApi.c).
    """
    runs: list[int] = []
    value, shift = 0, 0
    for letter in text:
        bits = ord(letter) - 48
        if not 0 <= bits < 64 or shift > 60:
            raise OutlineError("its mask is no text of run lengths")
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        if not 0 <= runs[-1] <= _LARGEST_MASK:
            raise OutlineError("its mask is no text of run lengths")
        value, shift = 0, 0
    if shift:
        raise OutlineError("the text of its mask ends in the middle")
    return np.array(runs, np.int64)
