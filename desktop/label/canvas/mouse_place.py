"""Where the mouse is on the canvas, and what lies under it."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import QPointF, QRectF, Qt

from desktop.label.canvas import interaction as act
from desktop.label.canvas.canvas_boxes import CanvasBoxes
from desktop.label.canvas.canvas_state import ViewState
from desktop.label.canvas.gesture_ports import GestureView
from desktop.label.canvas.shaping import Point

ADDING = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier
NO_MODIFIER = Qt.KeyboardModifier.NoModifier


class MousePlace:
    """One per canvas. Places are widget positions; they become image pixels at the zoom of the moment."""

    def __init__(self, view: GestureView, boxes: CanvasBoxes) -> None:
        self._view = view
        self._boxes = boxes
        self.at: QPointF | None = None
        self.modifiers = NO_MODIFIER
        self.clicked_at: QPointF | None = None  # where the last click selected something
        self.under: act.Target = act.NOTHING

    @property
    def adds(self) -> bool:
        """A key is held with which a click adds to the selection."""
        return bool(self.modifiers & ADDING)

    @property
    def is_straight(self) -> bool:
        """The key is held that keeps a measure straight."""
        return bool(self.modifiers & Qt.KeyboardModifier.ShiftModifier)

    @property
    def bounds(self) -> Point:
        """Width and height of the image."""
        size = self._view.image_size
        return (float(size.width()), float(size.height()))

    @property
    def snap_reach(self) -> float:
        """How near, in image pixels, the image's border draws an edge to it."""
        free = self.modifiers & Qt.KeyboardModifier.AltModifier
        return 0.0 if free else act.SNAP_REACH / self._view.scale

    def leave_view(self) -> None:
        self.at, self.under = None, act.NOTHING

    def to_image(self, at: QPointF) -> Point:
        point = self._view.to_image(at)
        return (point.x(), point.y())

    def find_point(self, at: QPointF) -> QPointF | None:
        """The point of the image at `at`; None beside it."""
        point = self._view.to_image(at)
        return point if self._view.has_image and QRectF(0, 0, *self.bounds).contains(point) else None

    def find_target(self, at: QPointF, state: ViewState, selected: Collection[int] | None = None) -> act.Target:
        """What lies at `at`. `selected`: the boxes that may have handles, those that are selected unless given."""
        if state.hidden or not self._view.has_image:
            return act.NOTHING
        if selected is None:
            # Handles are there only where they can be used.
            able = state.editable and not state.locked
            selected = self._boxes.find_movable(self._boxes.selected) if able else ()
        return act.find_target(self.to_image(at), self._boxes.visible, selected, self._view.scale)

    def look_under(self, state: ViewState) -> bool:
        """Find out again what is under the mouse; whether that is something else than before."""
        before, self.under = self.under, act.NOTHING if self.at is None else self.find_target(self.at, state)
        return before != self.under

    def is_again(self, at: QPointF | None) -> bool:
        """Whether a click at `at` would be at the place of the last one."""
        return at is not None and self.clicked_at is not None and not are_apart(at, self.clicked_at)


def are_apart(one: QPointF, other: QPointF) -> bool:
    """Whether two places of the widget are too far apart for one click."""
    return (one - other).manhattanLength() >= act.CLICK_REACH
