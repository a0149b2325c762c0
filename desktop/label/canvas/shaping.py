"""Where boxes come to lie when they are drawn, moved and resized: pure functions on image pixels.

A box that was inside the image stays inside, keeps its corners in order and at least
`SMALLEST_SIDE` of each side. `bounds` is always (width, height) of the image, and `snap` how near, in image pixels,
an edge must come to the image's border to be drawn to it; 0 switches that off.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Literal

from core.types import Box

Point = tuple[float, float]
XYXY = tuple[float, float, float, float]
Handle = Literal["nw", "n", "ne", "e", "se", "s", "sw", "w"]

SMALLEST_SIDE = 1.0  # of a box, in image pixels
SMALLEST_DRAG = 4.0  # the longer side of a drawn box, in widget pixels; below this it is a click that trembled


def clamp_point(point: Point, bounds: Point) -> Point:
    """The nearest point of the image."""
    return (min(max(point[0], 0.0), bounds[0]), min(max(point[1], 0.0), bounds[1]))


def snap_point(point: Point, bounds: Point, snap: float) -> Point:
    """The nearest point of the image, on its border where that is near."""
    x, y = clamp_point(point, bounds)
    return (_to_border(x, bounds[0], snap), _to_border(y, bounds[1], snap))


def shape_drawn_box(start: Point, end: Point, bounds: Point, snap: float = 0.0) -> XYXY | None:
    """The box between two corners, cut to the image; None when it has no area."""
    (ax, ay), (bx, by) = snap_point(start, bounds, snap), snap_point(end, bounds, snap)
    x1, x2, y1, y2 = min(ax, bx), max(ax, bx), min(ay, by), max(ay, by)
    if x2 - x1 < SMALLEST_SIDE or y2 - y1 < SMALLEST_SIDE:
        return None
    return (x1, y1, x2, y2)


def shape_box_amid(seen: XYXY, bounds: Point) -> XYXY | None:
    """A box in the middle of `seen`, a quarter as wide and as high, or as small as a box may be."""
    x, y = (seen[0] + seen[2]) / 2, (seen[1] + seen[3]) / 2
    half_x, half_y = (max((high - low) / 8, SMALLEST_SIDE / 2) for low, high in (seen[0::2], seen[1::2]))
    return shape_drawn_box((x - half_x, y - half_y), (x + half_x, y + half_y), bounds)


def is_meant(xyxy: XYXY, scale: float) -> bool:
    """Whether a drawn box is one, at `scale` widget pixels an image pixel: a thin scratch is, a tremble is not."""
    return max(xyxy[2] - xyxy[0], xyxy[3] - xyxy[1]) * scale >= SMALLEST_DRAG


def move_boxes(
    boxes: Sequence[Box], ids: Collection[int], dx: float, dy: float, bounds: Point, snap: float = 0.0
) -> tuple[Box, ...]:
    """`boxes` with those of `ids` shifted together, stopping where the first would leave the image."""
    chosen = [box for box in boxes if box.id in ids]
    if not chosen:
        return tuple(boxes)
    left, top, right, bottom = enclose_boxes(chosen)
    dx, dy = _limit_shift(left, right, dx, bounds[0], snap), _limit_shift(top, bottom, dy, bounds[1], snap)
    return tuple(
        replace(box, x1=box.x1 + dx, y1=box.y1 + dy, x2=box.x2 + dx, y2=box.y2 + dy) if box.id in ids else box
        for box in boxes
    )


def resize_box(xyxy: XYXY, handle: Handle, dx: float, dy: float, bounds: Point, snap: float = 0.0) -> XYXY:
    """A box after its `handle` was dragged. It may be dragged through its opposite side, which turns it over."""
    x1, y1, x2, y2 = xyxy
    if "w" in handle:
        x1, x2 = _drag_side(x1 + dx, x2, bounds[0], snap)
    elif "e" in handle:
        x2, x1 = _drag_side(x2 + dx, x1, bounds[0], snap)
    if "n" in handle:
        y1, y2 = _drag_side(y1 + dy, y2, bounds[1], snap)
    elif "s" in handle:
        y2, y1 = _drag_side(y2 + dy, y1, bounds[1], snap)
    return (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))


def stretch_boxes(boxes: Sequence[Box], ids: Collection[int], dx: float, dy: float, bounds: Point) -> tuple[Box, ...]:
    """`boxes` with the right and lower sides of those of `ids` shifted by keys: they stop, and turn nothing over."""
    return tuple(
        replace(box, x2=_stretch_side(box.x1, box.x2, dx, bounds[0]), y2=_stretch_side(box.y1, box.y2, dy, bounds[1]))
        if box.id in ids
        else box
        for box in boxes
    )


def are_same_place(one: Box | None, other: Box | None) -> bool:
    """Whether both boxes are there, with the same corners."""
    return one is not None and other is not None and one.xyxy == other.xyxy


def place_boxes_as(boxes: Sequence[Box], held: Sequence[Box]) -> tuple[Box, ...]:
    """`boxes` with the corners that those of `held` have there, and everything else as it is."""
    corners = {box.id: box.xyxy for box in held}
    return tuple(set_corners(box, corners[box.id]) if box.id in corners else box for box in boxes)


def set_corners(box: Box, xyxy: XYXY) -> Box:
    return replace(box, x1=xyxy[0], y1=xyxy[1], x2=xyxy[2], y2=xyxy[3])


def enclose_boxes(boxes: Sequence[Box]) -> XYXY:
    """The smallest rectangle around `boxes`, of which there is at least one."""
    return (
        min(box.x1 for box in boxes),
        min(box.y1 for box in boxes),
        max(box.x2 for box in boxes),
        max(box.y2 for box in boxes),
    )


def _to_border(value: float, limit: float, snap: float) -> float:
    if snap > 0 and min(value, limit - value) <= snap:
        return 0.0 if value <= limit - value else limit
    return value


def _limit_shift(low: float, high: float, by: float, limit: float, snap: float) -> float:
    """How far a span low..high may be shifted within 0..limit, and then to a border that is near."""
    # A box that already reaches out of the image may stay where it is.
    by = min(max(by, min(-low, 0.0)), max(limit - high, 0.0))
    before, after = low + by, limit - (high + by)
    if 0 <= before <= snap and before <= abs(after):
        return -low
    if 0 <= after <= snap:
        return limit - high
    return by


def _drag_side(side: float, opposite: float, limit: float, snap: float) -> tuple[float, float]:
    side = _to_border(min(max(side, 0.0), limit), limit, snap)
    if abs(side - opposite) < SMALLEST_SIDE:
        room_below = opposite - SMALLEST_SIDE >= 0
        side = opposite - SMALLEST_SIDE if side < opposite and room_below else opposite + SMALLEST_SIDE
        if side > limit:
            side = opposite - SMALLEST_SIDE
    return side, opposite


def _stretch_side(low: float, high: float, by: float, limit: float) -> float:
    # What is thinner than the smallest side, or reaches out of the image, came so from elsewhere and may stay so.
    return max(min(high + by, max(limit, high)), low + min(SMALLEST_SIDE, high - low))
