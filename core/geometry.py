"""Pure functions on boxes in x1 y1 x2 y2 order. They know no pixels, images or projects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def box_area(boxes: Floats) -> Floats:
    """Areas of `boxes` (n, 4), shape (n,); an inverted box has area 0."""
    sides: Floats = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return sides[:, 0] * sides[:, 1]


def box_intersection(first: Floats, second: Floats) -> Floats:
    """Overlap areas of every pair of `first` (n, 4) and `second` (m, 4), shape (n, m)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides: Floats = np.maximum(high - low, 0)
    return sides[..., 0] * sides[..., 1]


def box_iou(first: Floats, second: Floats) -> Floats:
    """Intersection over union of every pair of `first` (n, 4) and `second` (m, 4), shape (n, m)."""
    overlap = box_intersection(first, second)
    union = box_area(first)[:, None] + box_area(second)[None, :] - overlap
    result: Floats = np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0)
    return result


def clip_boxes(boxes: Floats, width: float, height: float) -> Floats:
    """`boxes` (n, 4) cut to an image of `width` x `height`."""
    limits = np.array([width, height, width, height], boxes.dtype)
    clipped: Floats = np.clip(boxes, 0, limits)
    return clipped


def hit_boxes(boxes: Floats, x: float, y: float) -> list[int]:
    """Rows of `boxes` (n, 4) that contain the point, smallest area first: a box in a box stays reachable."""
    inside = (boxes[:, 0] <= x) & (x <= boxes[:, 2]) & (boxes[:, 1] <= y) & (y <= boxes[:, 3])
    rows = np.flatnonzero(inside)
    return [int(row) for row in rows[np.argsort(box_area(boxes)[rows], kind="stable")]]


def as_array(boxes: Sequence[tuple[float, float, float, float]]) -> NDArray[np.float32]:
    """Boxes as an array of shape (n, 4), also when there are none."""
    return np.asarray(boxes, np.float32).reshape(-1, 4)
