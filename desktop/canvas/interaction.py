"""What the mouse and the keys mean on the Label page: pure functions on boxes and points in image pixels.

Nothing here knows a widget, so all of it is tested without one. A gesture is what a pressed button has begun;
`preview` tells what the boxes would be if it ended now.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from core.geometry import as_array, hit
from core.types import Box

Point = tuple[float, float]
XYXY = tuple[float, float, float, float]
Handle = Literal["nw", "n", "ne", "e", "se", "s", "sw", "w"]

HANDLES: tuple[Handle, ...] = ("nw", "n", "ne", "e", "se", "s", "sw", "w")
HANDLE_REACH = 7.0  # how near the mouse must come to a handle, in widget pixels
EDGE_REACH = 3.0  # how far outside its outline a box still answers, in widget pixels
SMALLEST_SIDE = 1.0  # of a box, in image pixels
SMALLEST_DRAG = 4.0  # below this a press and release is a click, in widget pixels


@dataclass(frozen=True, slots=True)
class OnHandle:
    """The mouse is on a resize handle."""

    box_id: int
    handle: Handle


@dataclass(frozen=True, slots=True)
class OnBoxes:
    """The mouse is on one or more boxes, smallest first."""

    box_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OnNothing:
    """The mouse is on the bare image, or beside it."""


Target = OnHandle | OnBoxes | OnNothing


@dataclass(frozen=True, slots=True)
class Drawing:
    """A new box is being drawn. `by_clicks`: the first corner was clicked and the second is still to come."""

    start: Point
    by_clicks: bool = False


@dataclass(frozen=True, slots=True)
class Moving:
    """The boxes are being dragged."""

    start: Point
    box_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class Resizing:
    """A box is being resized by one of its handles."""

    start: Point
    box_id: int
    handle: Handle


@dataclass(frozen=True, slots=True)
class Banding:
    """A frame is being drawn to select what it touches, besides what was selected."""

    start: Point
    before: frozenset[int]


Gesture = Drawing | Moving | Resizing | Banding


def target_at(point: Point, boxes: Sequence[Box], selected: Collection[int], scale: float) -> Target:
    """What lies under `point` at a zoom of `scale` widget pixels an image pixel."""
    if len(selected) == 1:
        chosen = next((box for box in boxes if box.id in selected), None)
        if chosen is not None and (handle := handle_at(point, chosen.xyxy, scale)) is not None:
            return OnHandle(chosen.id, handle)
    reach = EDGE_REACH / scale
    outer = as_array([box.xyxy for box in boxes]) + np.array([-reach, -reach, reach, reach], np.float32)
    rows = hit(outer, *point)
    return OnBoxes(tuple(boxes[row].id for row in rows)) if rows else OnNothing()


def handle_points(xyxy: XYXY) -> dict[Handle, Point]:
    """Where the eight handles of a box are."""
    x1, y1, x2, y2 = xyxy
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    return {
        "nw": (x1, y1),
        "n": (x, y1),
        "ne": (x2, y1),
        "e": (x2, y),
        "se": (x2, y2),
        "s": (x, y2),
        "sw": (x1, y2),
        "w": (x1, y),
    }


def shown_handles(xyxy: XYXY, scale: float) -> tuple[Handle, ...]:
    """The handles that have room: the corners always, those of the sides where the sides are long enough."""
    wide, high = (xyxy[2] - xyxy[0]) * scale, (xyxy[3] - xyxy[1]) * scale
    least = 4 * HANDLE_REACH
    return tuple(
        handle for handle in HANDLES if len(handle) == 2 or (wide >= least if handle in ("n", "s") else high >= least)
    )


def handle_at(point: Point, xyxy: XYXY, scale: float) -> Handle | None:
    """The handle within reach of `point`, the nearest one; None inside a box too small to be grabbed elsewhere."""
    points = handle_points(xyxy)
    near: list[tuple[float, Handle]] = []
    for handle in shown_handles(xyxy, scale):
        x, y = points[handle]
        distance = max(abs(point[0] - x), abs(point[1] - y)) * scale
        if distance <= HANDLE_REACH:
            near.append((distance, handle))
    if not near:
        return None
    middle = max(abs(point[0] - (xyxy[0] + xyxy[2]) / 2), abs(point[1] - (xyxy[1] + xyxy[3]) / 2)) * scale
    # On a tiny box every point is near a handle; its middle must still move it.
    return min(near)[1] if min(near)[0] <= middle else None


def drawn(start: Point, end: Point, bounds: Point) -> XYXY | None:
    """The box between two corners, cut to an image of `bounds` (width, height); None when it has no area."""
    (ax, ay), (bx, by) = clamp(start, bounds), clamp(end, bounds)
    x1, x2, y1, y2 = min(ax, bx), max(ax, bx), min(ay, by), max(ay, by)
    if x2 - x1 < SMALLEST_SIDE or y2 - y1 < SMALLEST_SIDE:
        return None
    return (x1, y1, x2, y2)


def clamp(point: Point, bounds: Point) -> Point:
    """The nearest point of the image."""
    return (min(max(point[0], 0.0), bounds[0]), min(max(point[1], 0.0), bounds[1]))


def moved(boxes: Sequence[Box], ids: Collection[int], dx: float, dy: float, bounds: Point) -> tuple[Box, ...]:
    """`boxes` with those of `ids` shifted together, stopping where the first would leave the image."""
    chosen = [box for box in boxes if box.id in ids]
    if not chosen:
        return tuple(boxes)
    left, top = min(box.x1 for box in chosen), min(box.y1 for box in chosen)
    right, bottom = max(box.x2 for box in chosen), max(box.y2 for box in chosen)
    # A box that already reaches out of the image may stay where it is.
    dx = min(max(dx, min(-left, 0.0)), max(bounds[0] - right, 0.0))
    dy = min(max(dy, min(-top, 0.0)), max(bounds[1] - bottom, 0.0))
    return tuple(
        replace(box, x1=box.x1 + dx, y1=box.y1 + dy, x2=box.x2 + dx, y2=box.y2 + dy) if box.id in ids else box
        for box in boxes
    )


def resized(xyxy: XYXY, handle: Handle, dx: float, dy: float, bounds: Point) -> XYXY:
    """A box after its `handle` was dragged; it may be turned inside out, but keeps some area and stays in the image."""
    x1, y1, x2, y2 = xyxy
    if "w" in handle:
        x1, x2 = _drag_side(x1 + dx, x2, bounds[0])
    elif "e" in handle:
        x2, x1 = _drag_side(x2 + dx, x1, bounds[0])
    if "n" in handle:
        y1, y2 = _drag_side(y1 + dy, y2, bounds[1])
    elif "s" in handle:
        y2, y1 = _drag_side(y2 + dy, y1, bounds[1])
    return (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))


def _drag_side(side: float, opposite: float, limit: float) -> tuple[float, float]:
    side = min(max(side, 0.0), limit)
    if abs(side - opposite) < SMALLEST_SIDE:
        room_below = opposite - SMALLEST_SIDE >= 0
        side = opposite - SMALLEST_SIDE if side < opposite and room_below else opposite + SMALLEST_SIDE
        if side > limit:
            side = opposite - SMALLEST_SIDE
    return side, opposite


def preview(boxes: Sequence[Box], gesture: Gesture, point: Point, bounds: Point) -> tuple[Box, ...]:
    """The boxes as they would be if `gesture` ended at `point`. Drawing and banding change none of them."""
    dx, dy = point[0] - gesture.start[0], point[1] - gesture.start[1]
    if isinstance(gesture, Moving):
        return moved(boxes, gesture.box_ids, dx, dy, bounds)
    if isinstance(gesture, Resizing):
        return tuple(
            _with_corners(box, resized(box.xyxy, gesture.handle, dx, dy, bounds)) if box.id == gesture.box_id else box
            for box in boxes
        )
    return tuple(boxes)


def banded(boxes: Sequence[Box], gesture: Banding, point: Point) -> frozenset[int]:
    """The selection when the frame ends at `point`: what was selected and every box that it touches."""
    x1, x2 = sorted((gesture.start[0], point[0]))
    y1, y2 = sorted((gesture.start[1], point[1]))
    touched = {box.id for box in boxes if box.x1 <= x2 and box.x2 >= x1 and box.y1 <= y2 and box.y2 >= y1}
    return gesture.before | touched


def clicked(target: Target, selected: frozenset[int], *, add: bool) -> frozenset[int]:
    """The selection after a click without a drag; with `add` (Shift or Ctrl) the box joins or leaves it."""
    if isinstance(target, OnHandle):
        return selected
    if isinstance(target, OnNothing):
        return selected if add else frozenset()
    first = target.box_ids[0]
    if add:
        return selected ^ {first}
    return frozenset({first})


def cycled(ids: Sequence[int], selected: Collection[int], step: int = 1) -> frozenset[int]:
    """The next of `ids` after the one selected, round and round; the first where none or several are selected."""
    if not ids:
        return frozenset()
    at = [index for index, box_id in enumerate(ids) if box_id in selected]
    if len(at) != 1:
        return frozenset({ids[0 if step > 0 else -1]})
    return frozenset({ids[(at[0] + step) % len(ids)]})


def duplicated(boxes: Sequence[Box], new_ids: Sequence[int], offset: float, bounds: Point) -> tuple[Box, ...]:
    """Copies of `boxes` under `new_ids`, shifted by `offset` pixels to where there is room."""
    copies = [replace(box, id=new_id) for box, new_id in zip(boxes, new_ids, strict=True)]
    ids = {copy.id for copy in copies}
    shifted = moved(copies, ids, offset, offset, bounds)
    if [box.xyxy for box in shifted] == [box.xyxy for box in copies]:
        # In the lower right corner there is room only the other way.
        shifted = moved(copies, ids, -offset, -offset, bounds)
    return shifted


def pasted(
    boxes: Sequence[Box], new_ids: Sequence[int], known: Collection[int], offset: float, bounds: Point
) -> tuple[Box, ...]:
    """Copies of `boxes`, maybe of another image or project: cut to this image, with `known` labels only."""
    copies = []
    for box, new_id in zip(boxes, new_ids, strict=True):
        xyxy = drawn((box.x1, box.y1), (box.x2, box.y2), bounds)
        if xyxy is not None:
            copies.append(Box(new_id, *xyxy, box.labels & frozenset(known)))
    return duplicated(copies, [copy.id for copy in copies], offset, bounds) if offset else tuple(copies)


def toggled(labels: frozenset[int], label_id: int) -> frozenset[int]:
    """A set of labels after one of them was toggled."""
    return labels ^ {label_id}


def tri_state(sets: Sequence[frozenset[int]], label_id: int) -> bool | None:
    """Whether all of `sets` (True), none (False) or some (None) hold a label."""
    having = sum(label_id in labels for labels in sets)
    return None if 0 < having < len(sets) else bool(having)


def _with_corners(box: Box, xyxy: XYXY) -> Box:
    return replace(box, x1=xyxy[0], y1=xyxy[1], x2=xyxy[2], y2=xyxy[3])
