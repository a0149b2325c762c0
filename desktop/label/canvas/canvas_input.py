"""Mouse and keys on the canvas, as Qt tells of them, in the words of the gesture controller."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent

from desktop.label.canvas import hints
from desktop.label.canvas.canvas_boxes import CanvasBoxes
from desktop.label.canvas.gesture_controller import GestureController
from desktop.label.canvas.nudging import ARROWS
from desktop.viewer.view_input import ViewInput

MODIFIERS = {
    Qt.Key.Key_Alt: Qt.KeyboardModifier.AltModifier,
    Qt.Key.Key_Shift: Qt.KeyboardModifier.ShiftModifier,
    Qt.Key.Key_Control: Qt.KeyboardModifier.ControlModifier,
}
TAB_STEPS = {Qt.Key.Key_Tab: 1, Qt.Key.Key_Backtab: -1}
CURSORS: Mapping[hints.Cursor, Qt.CursorShape] = {
    "arrow": Qt.CursorShape.ArrowCursor,
    "cross": Qt.CursorShape.CrossCursor,
    "point": Qt.CursorShape.PointingHandCursor,
    "move": Qt.CursorShape.SizeAllCursor,
    "open hand": Qt.CursorShape.OpenHandCursor,
    "closed hand": Qt.CursorShape.ClosedHandCursor,
    "diagonal": Qt.CursorShape.SizeFDiagCursor,
    "counter": Qt.CursorShape.SizeBDiagCursor,
    "across": Qt.CursorShape.SizeHorCursor,
    "down": Qt.CursorShape.SizeVerCursor,
}


class CanvasInput(ViewInput):
    """The input handler of the canvas's view."""

    def __init__(
        self,
        gestures: GestureController,
        boxes: CanvasBoxes,
        *,
        labels_wanted: Callable[[], None],
        cancelled: Callable[[], None],
    ) -> None:
        """`labels_wanted`: Enter was pressed on a selection, or a box was clicked twice; `cancelled`: Esc, with nothing
        left here to cancel.
        """
        self._gestures = gestures
        self._boxes = boxes
        self._labels_wanted = labels_wanted
        self._cancelled = cancelled

    def press_left(self, at: QPointF, event: QMouseEvent) -> bool:
        return self._gestures.press_button(at, event.modifiers())

    def double_click_left(self, at: QPointF, event: QMouseEvent) -> bool:
        wanted = self._gestures.picks_box(at, event.modifiers())
        if wanted:
            self._labels_wanted()
        return wanted

    def track_mouse(self, at: QPointF) -> None:
        self._gestures.mouse.at = at

    def move_mouse(self, at: QPointF, event: QMouseEvent) -> None:
        is_down = bool(event.buttons() & Qt.MouseButton.LeftButton)
        self._gestures.move_mouse(at, event.modifiers(), is_down=is_down)

    def release_left(self, at: QPointF, event: QMouseEvent) -> None:
        self._gestures.release_button(at, event.modifiers())

    def press_key(self, event: QKeyEvent) -> bool:
        taken = self._take_key(event)
        self._gestures.look_under()
        return taken

    def _take_key(self, event: QKeyEvent) -> bool:
        key = Qt.Key(event.key())
        if key in TAB_STEPS:
            self._gestures.select_next(TAB_STEPS[key])
            return bool(self._boxes.visible.all)
        if key in ARROWS and self._boxes.selected:
            (dx, dy), held = ARROWS[key], event.modifiers()
            pixels = 10.0 if held & Qt.KeyboardModifier.ShiftModifier else 1.0
            self._gestures.nudge(dx * pixels, dy * pixels, stretch=bool(held & Qt.KeyboardModifier.ControlModifier))
        elif key == Qt.Key.Key_Escape:
            if not self._gestures.cancel():
                self._cancelled()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if not self._gestures.confirm() and self._boxes.selected:
                self._labels_wanted()
        else:
            return key in MODIFIERS and self._gestures.change_modifier(MODIFIERS[key], held=True)
        return True

    def release_key(self, event: QKeyEvent) -> bool:
        key = Qt.Key(event.key())
        taken = key in MODIFIERS and self._gestures.change_modifier(MODIFIERS[key], held=False)
        self._gestures.look_under()
        return taken

    def leave_view(self) -> None:
        self._gestures.leave_view()

    def lose_focus(self) -> None:
        self._gestures.lose_focus()

    def choose_cursor(self) -> Qt.CursorShape:
        return CURSORS[hints.choose_cursor(self._gestures.tool_state())]
