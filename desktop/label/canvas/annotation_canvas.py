"""The canvas of the Label page: shows boxes, and turns mouse and keys into edits that the page makes durable."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QWidget

from core.types import Box
from desktop.label.canvas import hints, shaping
from desktop.label.canvas import interaction as act
from desktop.label.canvas.box_canvas import ADDING, BoxCanvas, far
from desktop.label.canvas.measure import Measure, straightened
from desktop.label.canvas.nudging import ARROWS, Nudging
from desktop.label.canvas.nudging import NUDGE_ENDS as NUDGE_ENDS
from desktop.viewer.pyramid import Pyramid

MODIFIERS = {
    Qt.Key.Key_Alt: Qt.KeyboardModifier.AltModifier,
    Qt.Key.Key_Shift: Qt.KeyboardModifier.ShiftModifier,
    Qt.Key.Key_Control: Qt.KeyboardModifier.ControlModifier,
}
EDGE_STEP = 30  # ms between two steps of the image while something is dragged beyond the view


class AnnotationCanvas(BoxCanvas):
    """Dragging on the bare image draws; dragging a box moves it; the eight handles of a selected box resize it.

    Once armed, the next drag, or two clicks, draws a box also where there are boxes already. What the mouse does is
    decided in `interaction`, where boxes come to lie in `shaping`, and what is said about it in `hints`.
    """

    drawn = Signal(object)  # corners of a new box: x1, y1, x2, y2 in image pixels
    edited = Signal(object, str)  # all boxes after the edit, and its name
    armed_changed = Signal(bool)
    measuring_changed = Signal(bool)
    pointer_moved = Signal(object)  # image pixels, or None
    labels_wanted = Signal()  # Enter on a selection
    cancelled = Signal()  # Esc with nothing left here to cancel

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pressed_point: QPointF | None = None
        self._nudges = Nudging(self)
        self._nudges.ended.connect(self._end_nudging)
        self._nudge_name = "Nudge"
        self._edge_timer = QTimer(self, interval=EDGE_STEP)
        self._edge_timer.timeout.connect(self._pan_at_edge)
        self.view_changed.connect(self._view_has_changed)

    # -- what is shown

    def set_image(self, image: NDArray[np.uint8] | Pyramid | None, *, keep_view: bool = False) -> None:
        """Show an image, or nothing. What was under way on another image is given up."""
        self._gesture, self._preview_boxes, self._pressed_point = None, None, None
        super().set_image(image, keep_view=keep_view)

    def set_boxes(self, boxes: Sequence[Box]) -> None:
        """Show the boxes as they are in the project. What is in the hand stays there, unless it is elsewhere now."""
        held = self._in_hand()
        fresh = act.Boxes(tuple(boxes))
        if fresh.all == self._saved_boxes.all and (held or self._gesture is not None):
            return  # something else has changed, such as the list of images
        if held and all(shaping.same_place(self._saved_boxes.box(one), fresh.box(one)) for one in held):
            self._preview_boxes = act.Boxes(shaping.placed_as(fresh.all, self._now.chosen(held)))
            self._saved_boxes = fresh
            self.select(self._selected & fresh.rows.keys())
            self.boxes_changed.emit()
            self._look_under()
            return
        self._preview_boxes, self._pressed_point = None, None
        self._nudges.end()
        super().set_boxes(boxes)

    def _in_hand(self) -> frozenset[int]:
        """The boxes that are dragged, or nudged by keys."""
        if isinstance(self._gesture, act.Moving):
            return self._gesture.box_ids
        if isinstance(self._gesture, act.Resizing):
            return frozenset({self._gesture.box_id})
        return self._selected if self._preview_boxes is not None else frozenset()

    def set_state(self, **switched: bool) -> None:
        """Switch what `ViewState` names. Where boxes cannot be changed any more, what was begun is given up."""
        self.finish_nudging()
        super().set_state(**switched)
        if not self.hand().changes:
            if self._gesture is not None:
                self.cancel()
            self.arm(False)
        self._look_under()

    # -- tools

    def arm(self, armed: bool) -> None:
        """Draw with the next drag, also over boxes; where boxes may not be changed, say why not."""
        if armed and not self.may_change():
            self.armed_changed.emit(False)
        elif armed != self.armed:
            self._use("draw" if armed else "select")

    def set_measuring(self, on: bool) -> None:
        """Measure distances with the mouse until that is switched off."""
        if on != self.measuring:
            self._use("measure" if on else "select")

    def _use(self, tool: act.Tool) -> None:
        self.finish_nudging()
        before, self._tool = self._tool, tool
        self._gesture, self._preview_boxes, self._pressed_point = None, None, None
        if tool != "measure":
            self._measure = None
        self._look_under()
        if "draw" in (before, tool):
            self.armed_changed.emit(tool == "draw")
        if "measure" in (before, tool):
            self.measuring_changed.emit(tool == "measure")

    def may_change(self) -> bool:
        """Whether boxes may be changed now; where they may not, the hint says why and how to go on."""
        self.say(hints.refusal(self.hand(), self._keys))
        return self.hand().changes

    def cancel(self) -> bool:
        """Give up the innermost thing under way: gesture, tool, measure, selection. False when there was none."""
        if self._gesture is not None:
            self.let_go()
            self._measure = None
            self.arm(False)
        elif self._tool == "measure" and self._measure is not None:
            self._measure = None
        elif self._tool != "select":
            self._use("select")
        elif self._selected:
            self.select(())
        else:
            return False
        self._look_under()
        return True

    def let_go(self) -> None:
        """Leave the boxes as they were before the gesture under way; the tool stays in the hand."""
        gesture = self._gesture
        if gesture is None:
            return
        self._gesture, self._preview_boxes, self._pressed_point = None, None, None
        if isinstance(gesture, act.Banding):
            self.select(gesture.before)
        self.boxes_changed.emit()
        self._look_under()

    # -- nudging

    def nudge(self, dx: float, dy: float, *, stretch: bool = False) -> None:
        """Shift the selected boxes, or with `stretch` their right and lower sides; one edit when the nudging pauses."""
        if not self._selected or self._gesture is not None or not self.may_change():
            return
        change = shaping.stretched if stretch else shaping.moved
        self._preview_boxes = act.Boxes(change(self.boxes, self._selected, dx, dy, self._bounds()))
        self._nudge_name = "Resize" if stretch else "Nudge"
        self._nudges.begin()
        self.boxes_changed.emit()
        self._look_under()

    def finish_nudging(self) -> None:
        """Announce the nudges made so far, before anything else reads the boxes."""
        self._nudges.end()

    def _end_nudging(self) -> None:
        if self._preview_boxes is not None and self._gesture is None:
            self._announce(self._nudge_name)

    def _announce(self, verb: str) -> None:
        shown, self._preview_boxes = self._preview_boxes, None
        if shown is not None and shown.all != self._saved_boxes.all:
            count = len(self._selected)
            # Shown at once: the project's answer comes through `set_boxes`.
            self._saved_boxes = shown
            self.edited.emit(shown.all, f"{verb} box" if count == 1 else f"{verb} {count} boxes")
        self._look_under()

    # -- mouse

    def left_pressed(self, at: QPointF, event: QMouseEvent) -> None:
        if not self.has_image:
            return
        self.finish_nudging()
        self.say("")
        if self._state.hidden and self._tool != "measure":
            super().left_pressed(at, event)  # moves the image
            return
        self._modifiers = event.modifiers()
        self._pressed_point, self._dragged, self._pointer, self._preview_boxes = at, False, at, None
        if isinstance(self._gesture, act.Drawing) and self._gesture.by_clicks:
            return
        point, add = self._image_point(at), bool(event.modifiers() & ADDING)
        changes = self.hand().changes
        self._gesture, selected = act.begun(
            self._target(at), point, self._selected, tool=self._tool, changes=changes, add=add
        )
        self.select(selected)
        self.refresh()

    def left_moved(self, at: QPointF, event: QMouseEvent) -> None:
        self._modifiers = event.modifiers()
        if self._button_holds() and not event.buttons() & Qt.MouseButton.LeftButton:
            # The button came up where nobody heard of it, such as over a dialog: what was under way is not meant.
            self.cancel()
        if self._pressed_point is not None and not self._dragged and far(at, self._pressed_point):
            self._dragged = True
            if isinstance(self._gesture, act.Drawing):
                self._begin_anew()
        self._point_at(at)
        if self._gesture is not None and not QRectF(self.rect()).contains(at):
            self._edge_timer.start()

    def _begin_anew(self) -> None:
        """From the first move on, labels that are chosen are the new box's and no other's."""
        self.select(())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        # Also while the image is moved, or guides and coordinates would be those of another place.
        self._pointer = event.position()
        super().mouseMoveEvent(event)

    def left_released(self, at: QPointF, event: QMouseEvent) -> None:
        if self._pressed_at is not None:
            super().left_released(at, event)
            self.refresh()
            return
        gesture, dragged = self._gesture, self._dragged
        if self._pressed_point is None or gesture is None:
            return
        self._modifiers = event.modifiers()
        self._pressed_point = None
        self._edge_timer.stop()
        if isinstance(gesture, act.Drawing):
            self._end_drawing(gesture, at, dragged)
        elif isinstance(gesture, act.Measuring):
            self._gesture = None
            self._measure = self._measure if dragged else None
        elif isinstance(gesture, act.Moving | act.Resizing) and dragged:
            self._follow(at)
            self._gesture = None
            self._announce("Resize" if isinstance(gesture, act.Resizing) else "Move")
        else:
            self._gesture, self._preview_boxes = None, None
            if not dragged:
                self._click(gesture, at)
        self._look_under()

    def _click(self, gesture: act.Gesture, at: QPointF) -> None:
        """The button was let go where it went down."""
        again = self._is_again(at)
        self._clicked_at = at
        if isinstance(gesture, act.Moving):
            self.select(act.clicked(self._target(at, ()), self._selected, add=False, again=again))
        elif isinstance(gesture, act.Banding):
            self.select(act.clicked(gesture.over, self._selected, add=gesture.add, again=again))

    def _end_drawing(self, gesture: act.Drawing, at: QPointF, dragged: bool) -> None:
        if not dragged and not gesture.by_clicks:
            if self.armed:
                self._gesture = act.Drawing(gesture.start, by_clicks=True)
                self._begin_anew()
            else:
                self._gesture = None
                self._clicked_at = at
                self.select(())
            return
        xyxy = self._drawn(gesture, at)
        if xyxy is not None and shaping.is_meant(xyxy, self.scale):
            self._gesture = None
            self.arm(False)
            self.drawn.emit(xyxy)
        elif not gesture.by_clicks:
            self._gesture = None
            self.say("Nothing was drawn: that is too small for a box. Draw farther, or zoom in")

    def _follow(self, at: QPointF) -> None:
        """Let the gesture under way go on to a place of the widget."""
        gesture, point = self._gesture, self._image_point(at)
        if isinstance(gesture, act.Measuring) and self._dragged:
            straight = self._modifiers & Qt.KeyboardModifier.ShiftModifier
            end = straightened(gesture.start, point) if straight else point
            self._measure = Measure(gesture.start, end)
        elif isinstance(gesture, act.Banding) and self._dragged:
            self.select(act.banded(self._saved_boxes, gesture, point))
        elif isinstance(gesture, act.Moving | act.Resizing) and self._dragged:
            self._preview_boxes = act.Boxes(
                act.preview(self._saved_boxes.all, gesture, point, self._bounds(), self._snap())
            )
            self.boxes_changed.emit()

    def _pan_at_edge(self) -> None:
        """Let the image come when something is dragged beyond the view."""
        room, at = QRectF(self.rect()), self._pointer
        if self._gesture is None or self._pressed_point is None or at is None or room.contains(at):
            self._edge_timer.stop()
            return
        away = QPointF(
            min(at.x() - room.left(), 0) or max(at.x() - room.right(), 0),
            min(at.y() - room.top(), 0) or max(at.y() - room.bottom(), 0),
        )
        self.scroll_by(
            QPointF(
                math.copysign(min(abs(away.x()), 40), -away.x()) if away.x() else 0,
                math.copysign(min(abs(away.y()), 40), -away.y()) if away.y() else 0,
            )
        )

    # -- keys

    def event(self, event: QEvent) -> bool:
        # Tab would leave for the next widget before keyPressEvent saw it; Ctrl+Tab still does.
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            step = {Qt.Key.Key_Tab: 1, Qt.Key.Key_Backtab: -1}.get(Qt.Key(event.key()))
            if step is not None and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                return self.focusNextPrevChild(step > 0)
            if step is not None and self.boxes:
                self.cycle(step)
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = ARROWS.get(Qt.Key(event.key()))
        if step is not None and self._selected:
            pixels = 10.0 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
            stretch = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            self.nudge(step[0] * pixels, step[1] * pixels, stretch=stretch)
        elif event.key() == Qt.Key.Key_Escape:
            if not self.cancel():
                self.cancelled.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._enter()
        elif event.key() in MODIFIERS:
            self._change_modifiers(event, held=True)
        else:
            super().keyPressEvent(event)
        self.refresh()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() in MODIFIERS:
            self._change_modifiers(event, held=False)
        else:
            super().keyReleaseEvent(event)
        self.refresh()

    def _enter(self) -> None:
        gesture = self._gesture
        if gesture is not None:
            if isinstance(gesture, act.Drawing) and gesture.by_clicks and self._pointer is not None:
                self._end_drawing(gesture, self._pointer, dragged=True)
        elif self.armed:
            # By keys alone: a box in the middle of what is seen, to be nudged and stretched into place.
            seen, least = self.visible_rect(), shaping.SMALLEST_SIDE / 2
            middle, side = seen.center(), QPointF(max(seen.width() / 8, least), max(seen.height() / 8, least))
            low, high = middle - side, middle + side
            xyxy = shaping.drawn((low.x(), low.y()), (high.x(), high.y()), self._bounds())
            self.arm(False)
            if xyxy is not None:
                self.drawn.emit(xyxy)
        elif self._selected:
            self.labels_wanted.emit()

    def _change_modifiers(self, event: QKeyEvent, *, held: bool) -> None:
        """Snapping, straightness and what is said of a click follow their keys without a move of the mouse."""
        modifier = MODIFIERS[Qt.Key(event.key())]
        self._modifiers = self._modifiers | modifier if held else self._modifiers & ~modifier
        if self._gesture is None:
            event.ignore()
            return
        event.accept()
        if self._pointer is not None:
            self._follow(self._pointer)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.finish_nudging()
        self._modifiers = Qt.KeyboardModifier.NoModifier
        super().focusOutEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._pointer, self._under = None, act.NOTHING
        self.pointer_moved.emit(None)
        self.refresh()
        super().leaveEvent(event)

    def _view_has_changed(self) -> None:
        self._clicked_at = None
        if self._pointer is not None:
            self._point_at(self._pointer)

    def _point_at(self, at: QPointF) -> None:
        """The mouse is at a place of the widget now, or the image has moved under it."""
        self._pointer = at
        if self._gesture is not None:
            self._follow(at)
        point = self.to_image(at)
        inside = self.has_image and QRectF(0, 0, *self._bounds()).contains(point)
        self.pointer_moved.emit(point if inside else None)
        self._look_under(moved=True)
