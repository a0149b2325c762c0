"""What the mouse and the keys mean on the Label page: pure functions on boxes and points in image pixels.

Nothing here knows a widget, so all of it is tested without one. A gesture is what a pressed button has begun;
`preview_gesture` tells what the boxes would be if it ended now.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.geometry import as_array, hit_boxes
from core.types import Box
from desktop.label.canvas.shaping import XYXY, Handle, Point, move_boxes, resize_box, set_corners

HANDLES: tuple[Handle, ...] = ("nw", "n", "ne", "e", "se", "s", "sw", "w")
HANDLE_REACH = 7.0  # how near the mouse must come to a handle, in widget pixels
HANDLE_ROOM = 34.0  # the least side of the rectangle that the handles stand around, in widget pixels
EDGE_REACH = 3.0  # how far outside its outline a box still answers, in widget pixels
CLICK_REACH = 4.0  # a press and release within this is a click, and two clicks within it are at the same place
SNAP_REACH = 6.0  # how near the image's border draws an edge to it, in widget pixels


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """The boxes of an image, and what every move of the mouse asks about all of them, worked out once."""

    all: tuple[Box, ...]
    xyxy: NDArray[np.float32] = field(init=False)  # (n, 4)
    rows: dict[int, int] = field(init=False)  # by box id

    def __post_init__(self) -> None:
        object.__setattr__(self, "xyxy", as_array([box.xyxy for box in self.all]))
        object.__setattr__(self, "rows", {box.id: row for row, box in enumerate(self.all)})

    def box(self, box_id: int) -> Box | None:
        """The box of that id, if it is in this image."""
        row = self.rows.get(box_id)
        return self.all[row] if row is not None else None

    def chosen(self, ids: Collection[int]) -> list[Box]:
        """The boxes of `ids`, in their order in the image."""
        return [self.all[row] for row in sorted(self.rows[box_id] for box_id in ids if box_id in self.rows)]


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
NOTHING = OnNothing()


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
    """A frame is being drawn to select what it touches, besides what was selected before.

    `over`: what the button went down on; let go without a drag, it is a click on that.
    """

    start: Point
    before: frozenset[int]
    over: Target = NOTHING
    add: bool = True


@dataclass(frozen=True, slots=True)
class Measuring:
    """A distance is being measured."""

    start: Point


Gesture = Drawing | Moving | Resizing | Banding | Measuring
Tool = Literal["select", "draw", "measure"]


def find_target(point: Point, boxes: Boxes, selected: Collection[int], scale: float) -> Target:
    """What lies under `point` at a zoom of `scale` widget pixels an image pixel."""
    if len(selected) == 1 and (chosen := boxes.box(next(iter(selected)))) is not None:
        handle = find_handle(point, chosen.xyxy, scale)
        if handle is not None:
            return OnHandle(chosen.id, handle)
    reach = EDGE_REACH / scale
    rows = hit_boxes(boxes.xyxy + np.array([-reach, -reach, reach, reach], np.float32), *point)
    return OnBoxes(tuple(boxes.all[row].id for row in rows)) if rows else NOTHING


def begin_gesture(
    target: Target, point: Point, selected: frozenset[int], *, tool: Tool, changes: bool, add: bool
) -> tuple[Gesture, frozenset[int]]:
    """What a press of the left button begins, and what is selected from then on.

    `changes`: whether boxes may be changed. `add`: Ctrl or Shift is held.
    """
    if tool == "measure":
        return Measuring(point), selected
    if tool == "draw":
        return Drawing(point), selected
    if add:
        return Banding(point, selected, target), selected
    if not changes:
        # The frame selects from nothing, and only once it is drawn: until then this may be a click.
        return Banding(point, frozenset(), target, add=False), selected
    if isinstance(target, OnHandle):
        return Resizing(point, target.box_id, target.handle), selected
    if isinstance(target, OnBoxes):
        held = selected if selected.intersection(target.box_ids) else frozenset({target.box_ids[0]})
        return Moving(point, held), held
    return Drawing(point), selected


def place_handles(xyxy: XYXY, scale: float) -> dict[Handle, Point]:
    """Where the eight handles of a box stand: on its outline, or around it where that is too small for all of them."""
    x, y = (xyxy[0] + xyxy[2]) / 2, (xyxy[1] + xyxy[3]) / 2
    half_x = max(xyxy[2] - xyxy[0], HANDLE_ROOM / scale) / 2
    half_y = max(xyxy[3] - xyxy[1], HANDLE_ROOM / scale) / 2
    x1, y1, x2, y2 = x - half_x, y - half_y, x + half_x, y + half_y
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


def find_handle(point: Point, xyxy: XYXY, scale: float) -> Handle | None:
    """The nearest handle within reach of `point`."""
    near: list[tuple[float, Handle]] = []
    for handle, (x, y) in place_handles(xyxy, scale).items():
        distance = max(abs(point[0] - x), abs(point[1] - y)) * scale
        if distance <= HANDLE_REACH:
            near.append((distance, handle))
    return min(near)[1] if near else None


def preview_gesture(
    boxes: Sequence[Box], gesture: Gesture, point: Point, bounds: Point, snap: float = 0.0
) -> tuple[Box, ...]:
    """The boxes as they would be if `gesture` ended at `point`. Only moving and resizing change any."""
    dx, dy = point[0] - gesture.start[0], point[1] - gesture.start[1]
    if isinstance(gesture, Moving):
        return move_boxes(boxes, gesture.box_ids, dx, dy, bounds, snap)
    if isinstance(gesture, Resizing):
        return tuple(
            set_corners(box, resize_box(box.xyxy, gesture.handle, dx, dy, bounds, snap))
            if box.id == gesture.box_id
            else box
            for box in boxes
        )
    return tuple(boxes)


def select_in_frame(boxes: Boxes, gesture: Banding, point: Point) -> frozenset[int]:
    """The selection when the frame ends at `point`: what was selected and every box that it touches."""
    x1, x2 = sorted((gesture.start[0], point[0]))
    y1, y2 = sorted((gesture.start[1], point[1]))
    corners = boxes.xyxy
    touched = (corners[:, 0] <= x2) & (corners[:, 2] >= x1) & (corners[:, 1] <= y2) & (corners[:, 3] >= y1)
    return gesture.before | {boxes.all[row].id for row in np.flatnonzero(touched)}


def select_by_click(target: Target, selected: frozenset[int], *, add: bool, again: bool = False) -> frozenset[int]:
    """The selection after a click without a drag.

    With `add` (Shift or Ctrl) the box joins or leaves it. `again`: the click before was at the same place, so that
    of boxes that overlap there the next one is meant.
    """
    if isinstance(target, OnHandle):
        return selected
    if isinstance(target, OnNothing):
        return selected if add else frozenset()
    if add:
        return selected ^ {target.box_ids[0]}
    return select_next(target.box_ids, selected) if again else frozenset({target.box_ids[0]})


def select_next(ids: Sequence[int], selected: Collection[int], step: int = 1) -> frozenset[int]:
    """The next of `ids` after the one selected, round and round; the first where none or several are selected."""
    if not ids:
        return frozenset()
    at = [index for index, box_id in enumerate(ids) if box_id in selected]
    if len(at) != 1:
        return frozenset({ids[0 if step > 0 else -1]})
    return frozenset({ids[(at[0] + step) % len(ids)]})


def duplicate_boxes(boxes: Sequence[Box], new_ids: Sequence[int], offset: float, bounds: Point) -> tuple[Box, ...]:
    """Copies of `boxes` under `new_ids`, shifted by `offset` pixels to where there is room."""
    copies = [replace(box, id=new_id) for box, new_id in zip(boxes, new_ids, strict=True)]
    ids = {copy.id for copy in copies}
    shifted = move_boxes(copies, ids, offset, offset, bounds)
    if [box.xyxy for box in shifted] == [box.xyxy for box in copies]:
        # In the lower right corner there is room only the other way.
        shifted = move_boxes(copies, ids, -offset, -offset, bounds)
    return shifted


def toggle_label(labels: frozenset[int], label_id: int) -> frozenset[int]:
    """A set of labels after one of them was toggled."""
    return labels ^ {label_id}


def find_tri_state(sets: Sequence[frozenset[int]], label_id: int) -> bool | None:
    """Whether all of `sets` (True), none (False) or some (None) hold a label."""
    having = sum(label_id in labels for labels in sets)
    return None if 0 < having < len(sets) else bool(having)
