"""The canvas of the Label page: shows boxes, and turns mouse and keys into edits that the page makes durable."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from core.types import Box, Label
from desktop.canvas import interaction as act
from desktop.canvas.badge import paint_halo, paint_next_labels
from desktop.canvas.box_painter import paint_box, paint_handles
from desktop.canvas.view import ImageView
from desktop.theme import theme

NUDGE_ENDS = 350  # after so many ms without a key a sequence of nudges is one finished edit
CROWD = 60  # with more boxes in sight than this, only large and selected ones carry their names

ARROWS = {
    Qt.Key.Key_Left: (-1.0, 0.0),
    Qt.Key.Key_Right: (1.0, 0.0),
    Qt.Key.Key_Up: (0.0, -1.0),
    Qt.Key.Key_Down: (0.0, 1.0),
}
HANDLE_CURSORS: Mapping[act.Handle, Qt.CursorShape] = {
    "nw": Qt.CursorShape.SizeFDiagCursor,
    "se": Qt.CursorShape.SizeFDiagCursor,
    "ne": Qt.CursorShape.SizeBDiagCursor,
    "sw": Qt.CursorShape.SizeBDiagCursor,
    "n": Qt.CursorShape.SizeVerCursor,
    "s": Qt.CursorShape.SizeVerCursor,
    "e": Qt.CursorShape.SizeHorCursor,
    "w": Qt.CursorShape.SizeHorCursor,
}


class AnnotationCanvas(ImageView):
    """Dragging on the bare image draws; dragging a box moves it; the eight handles of a selected box resize it.

    Once armed, the next drag, or two clicks, draws a box also where there are boxes already.
    """

    drawn = Signal(object)  # corners of a new box: x1, y1, x2, y2 in image pixels
    edited = Signal(object, str)  # all boxes after the edit, and its name
    selection_changed = Signal()
    armed_changed = Signal(bool)
    hint_changed = Signal(str)  # what the hand can do now
    pointer_moved = Signal(object)  # image pixels, or None
    labels_wanted = Signal()  # Enter on a selection
    cancelled = Signal()  # Esc with nothing left here to cancel

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._boxes: tuple[Box, ...] = ()
        self._shown: tuple[Box, ...] | None = None  # in the middle of a gesture or a sequence of nudges
        self._labels: dict[int, Label] = {}
        self._selected: frozenset[int] = frozenset()
        self._next_labels: frozenset[int] = frozenset()
        self._labels_kept = False
        self._off_key = ""
        self._highlighted: int | None = None
        self._gesture: act.Gesture | None = None
        self._pressed_point: QPointF | None = None
        self._dragged = False
        self._pointer: QPointF | None = None
        self._armed = False
        self._hidden = False
        self._editable = True
        self._hint = ""
        self._nudge_timer = QTimer(self, singleShot=True, interval=NUDGE_ENDS)
        self._nudge_timer.timeout.connect(self.finish_nudging)
        self.setAccessibleName("Image with its boxes")

    # -- what is shown

    def set_boxes(self, boxes: Sequence[Box]) -> None:
        """Show the boxes as they are in the project, ending any gesture."""
        self._boxes = tuple(boxes)
        self._shown = None
        self._gesture = None
        self._nudge_timer.stop()
        known = {box.id for box in self._boxes}
        if not self._selected <= known:
            self.select(self._selected & known)
        self._refresh()

    def set_labels(self, labels: Sequence[Label]) -> None:
        self._labels = {label.id: label for label in labels}
        self.update()

    def set_next_labels(self, labels: frozenset[int], *, kept: bool = False, off_key: str = "") -> None:
        """The labels that the next box will carry, shown large in the corner while there are any.

        `kept`: every box will carry them until that is switched off (by `off_key`); said loudly, and always.
        """
        self._next_labels, self._labels_kept, self._off_key = labels, kept, off_key
        self.update()

    def set_highlighted(self, box_id: int | None) -> None:
        """The box that the mouse is on in a list."""
        self._highlighted = box_id
        self.update()

    def set_hidden(self, hidden: bool) -> None:
        """Hide the boxes, to see the bare image."""
        self._hidden = hidden
        self._refresh()

    def set_editable(self, editable: bool) -> None:
        """Whether the project may be changed; otherwise boxes can only be selected."""
        self._editable = editable
        self._refresh()

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The boxes as shown, in the middle of a gesture too."""
        return self._shown if self._shown is not None else self._boxes

    @property
    def selected(self) -> frozenset[int]:
        return self._selected

    @property
    def armed(self) -> bool:
        """Whether the next drag draws a box whatever is under the mouse."""
        return self._armed

    def select(self, ids: Collection[int]) -> None:
        chosen = frozenset(ids)
        if chosen != self._selected:
            self.finish_nudging()
            self._selected = chosen
            self._refresh()
            self.selection_changed.emit()

    def arm(self, armed: bool) -> None:
        if armed != self._armed:
            self._armed = armed and self._editable
            self._gesture = None if not armed else self._gesture
            self._refresh()
            self.armed_changed.emit(self._armed)

    def cancel(self) -> bool:
        """Give up the innermost thing under way: gesture, armed tool, selection. False when there was none."""
        if self._gesture is not None:
            self._gesture, self._shown, self._pressed_point = None, None, None
            self.arm(False)
        elif self._armed:
            self.arm(False)
        elif self._selected:
            self.select(())
        else:
            return False
        self._refresh()
        return True

    def nudge(self, dx: float, dy: float) -> None:
        """Shift the selected boxes; announced as one edit when the nudging pauses."""
        if self._selected and self._editable and self._gesture is None:
            self._shown = act.moved(self.boxes, self._selected, dx, dy, self._bounds())
            self._nudge_timer.start()
            self.update()

    def finish_nudging(self) -> None:
        """Announce the nudges made so far. The page calls this before anything else reads the boxes."""
        self._nudge_timer.stop()
        if self._shown is not None and self._gesture is None:
            self._announce("Nudge")

    def cycle(self, step: int) -> None:
        """Select the next of the boxes under the mouse, or of all where there is none."""
        ids: Sequence[int] = ()
        if self._pointer is not None:
            target = act.target_at(self._image_point(self._pointer), self.boxes, (), self.scale)
            ids = target.box_ids if isinstance(target, act.OnBoxes) else ()
        self.select(act.cycled(ids or [box.id for box in self.boxes], self._selected, step))

    # -- mouse

    def left_pressed(self, at: QPointF, event: QMouseEvent) -> None:
        if not self.has_image:
            return
        self.finish_nudging()
        self._pressed_point, self._dragged, self._pointer = at, False, at
        if isinstance(self._gesture, act.Drawing) and self._gesture.by_clicks:
            return
        point = self._image_point(at)
        add = bool(event.modifiers() & (Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier))
        target = self._target(at)
        self._gesture = None
        if self._armed:
            self._gesture = act.Drawing(act.clamp(point, self._bounds()))
        elif isinstance(target, act.OnHandle) and self._editable:
            self._gesture = act.Resizing(point, target.box_id, target.handle)
        elif isinstance(target, act.OnBoxes) and add:
            self.select(act.clicked(target, self._selected, add=True))
        elif isinstance(target, act.OnBoxes):
            if not self._selected.intersection(target.box_ids):
                self.select(act.clicked(target, self._selected, add=False))
            self._gesture = act.Moving(point, self._selected) if self._editable else None
        elif add:
            self._gesture = act.Banding(point, self._selected)
        elif self._editable and not self._hidden:
            self._gesture = act.Drawing(act.clamp(point, self._bounds()))
        self._refresh()

    def left_moved(self, at: QPointF, event: QMouseEvent) -> None:
        self._pointer = at
        if self._pressed_point is not None and (at - self._pressed_point).manhattanLength() >= act.SMALLEST_DRAG:
            self._dragged = True
        if self._gesture is not None and (self._dragged or isinstance(self._gesture, act.Drawing)):
            point = self._image_point(at)
            self._shown = act.preview(self._boxes, self._gesture, point, self._bounds())
            if isinstance(self._gesture, act.Banding):
                self.select(act.banded(self._boxes, self._gesture, point))
        inside = self.has_image and QRectF(0, 0, *self._bounds()).contains(self.to_image(at))
        self.pointer_moved.emit(self.to_image(at) if inside else None)
        self._refresh()

    def left_released(self, at: QPointF, event: QMouseEvent) -> None:
        gesture, dragged = self._gesture, self._dragged
        if self._pressed_point is None:
            return
        self._pressed_point = None
        if isinstance(gesture, act.Drawing):
            self._end_drawing(gesture, at, dragged)
        elif gesture is not None and dragged:
            self._shown = act.preview(self._boxes, gesture, self._image_point(at), self._bounds())
            self._gesture = None
            self._announce("Resize box" if isinstance(gesture, act.Resizing) else "Move")
        else:
            self._gesture, self._shown = None, None
            if isinstance(gesture, act.Moving):
                self.select(act.clicked(self._target(at), self._selected, add=False))
            elif gesture is None and not self._editable and isinstance(self._target(at), act.OnNothing):
                self.select(())
        self._refresh()

    def _end_drawing(self, gesture: act.Drawing, at: QPointF, dragged: bool) -> None:
        if not dragged and not gesture.by_clicks:
            if self._armed:
                self._gesture = act.Drawing(gesture.start, by_clicks=True)
            else:
                self._gesture = None
                self.select(())
            return
        xyxy = act.drawn(gesture.start, self._image_point(at), self._bounds())
        self._gesture, self._shown = None, None
        self.arm(False)
        if xyxy is not None:
            self.drawn.emit(xyxy)

    def _announce(self, name: str) -> None:
        boxes, self._shown = self._shown, None
        if boxes is not None and boxes != self._boxes:
            if name in ("Move", "Nudge"):
                name = f"{name} box" if len(self._selected) == 1 else f"{name} {len(self._selected)} boxes"
            # Shown at once: the project's answer comes through `set_boxes`.
            self._boxes = boxes
            self.edited.emit(boxes, name)
        self.update()

    # -- keys

    def event(self, event: QEvent) -> bool:
        # Tab would leave for the next widget before keyPressEvent saw it.
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            step = {Qt.Key.Key_Tab: 1, Qt.Key.Key_Backtab: -1}.get(Qt.Key(event.key()))
            if step is not None and self.boxes:
                self.cycle(step)
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = ARROWS.get(Qt.Key(event.key()))
        if step is not None and self._selected:
            pixels = 10.0 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
            self.nudge(step[0] * pixels, step[1] * pixels)
        elif event.key() == Qt.Key.Key_Escape:
            if not self.cancel():
                self.cancelled.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._selected:
            self.labels_wanted.emit()
        else:
            super().keyPressEvent(event)
        self.update_cursor()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.finish_nudging()
        super().focusOutEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._pointer = None
        self.pointer_moved.emit(None)
        self._refresh()
        super().leaveEvent(event)

    # -- drawing

    def paint_overlay(self, painter: QPainter) -> None:
        boxes = () if self._hidden else self.boxes
        crowded = len(boxes) > CROWD
        # Selected boxes are drawn last, so that nothing covers their handles.
        for box in sorted(boxes, key=lambda box: box.id in self._selected):
            rect = self.rect_to_widget(box.xyxy)
            if rect.intersects(QRectF(self.rect()).adjusted(-400, -40, 400, 40)):
                selected = box.id in self._selected
                named = selected or not crowded or rect.width() > 60
                colors, names = self._look(box.labels)
                paint_box(painter, rect, colors, names, selected=selected, tag=named)
                if selected and len(self._selected) == 1 and self._editable:
                    points = act.handle_points(box.xyxy)
                    shown = [points[handle] for handle in act.shown_handles(box.xyxy, self.scale)]
                    paint_handles(painter, [self.to_widget(QPointF(*point)) for point in shown])
                if box.id == self._highlighted:
                    paint_halo(painter, rect)
        self._paint_gesture(painter)
        if self._labels_kept or (self._next_labels and not self._selected):
            colors, names = self._look(self._next_labels)
            paint_next_labels(painter, self.width(), colors, names, kept=self._labels_kept, off_key=self._off_key)

    def _paint_gesture(self, painter: QPainter) -> None:
        drawing = isinstance(self._gesture, act.Drawing) and (self._dragged or self._gesture.by_clicks)
        if (self._armed or drawing) and self._pointer is not None:
            painter.setPen(QPen(QColor(255, 255, 255, 130), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(0, self._pointer.y()), QPointF(self.width(), self._pointer.y()))
            painter.drawLine(QPointF(self._pointer.x(), 0), QPointF(self._pointer.x(), self.height()))
        if self._gesture is None or self._pointer is None:
            return
        end = self._image_point(self._pointer)
        if isinstance(self._gesture, act.Drawing) and drawing:
            xyxy = act.drawn(self._gesture.start, end, self._bounds())
            if xyxy is not None:
                colors, names = self._look(self._next_labels)
                size = f"{xyxy[2] - xyxy[0]:.0f} × {xyxy[3] - xyxy[1]:.0f} px"
                paint_box(painter, self.rect_to_widget(xyxy), colors, names, selected=True, caption=size)
        elif isinstance(self._gesture, act.Banding):
            frame = QRectF(self.to_widget(QPointF(*self._gesture.start)), self._pointer).normalized()
            wash = QColor(theme().accent)
            wash.setAlpha(50)
            painter.fillRect(frame, wash)
            painter.setPen(QPen(theme().accent, 1))
            painter.drawRect(frame)

    def _look(self, labels: Collection[int]) -> tuple[list[QColor], list[str]]:
        """Colours and names of a set of labels, in the project's order."""
        shown = [label for label in self._labels.values() if label.id in labels]
        return [QColor(label.color) for label in shown], [label.name for label in shown]

    # -- hints

    def update_cursor(self) -> None:
        if self.panning or not self.has_image:
            super().update_cursor()
        elif self._armed or isinstance(self._gesture, act.Drawing):
            self.setCursor(Qt.CursorShape.CrossCursor)
        elif isinstance(self._gesture, act.Resizing):
            self.setCursor(HANDLE_CURSORS[self._gesture.handle])
        elif self._pointer is not None:
            self.setCursor(self._hover_cursor(self._target(self._pointer)))

    def _hover_cursor(self, target: act.Target) -> Qt.CursorShape:
        if isinstance(target, act.OnHandle) and self._editable:
            return HANDLE_CURSORS[target.handle]
        if isinstance(target, act.OnBoxes):
            held = self._editable and self._selected.intersection(target.box_ids)
            return Qt.CursorShape.SizeAllCursor if held else Qt.CursorShape.PointingHandCursor
        return Qt.CursorShape.CrossCursor if self._editable and not self._hidden else Qt.CursorShape.ArrowCursor

    def hint(self) -> str:
        """What the hand can do now, in one line."""
        if not self.has_image:
            return ""
        if not self._editable:
            return "Read-only: click selects, the wheel zooms, Space-drag pans"
        if isinstance(self._gesture, act.Drawing) and self._gesture.by_clicks:
            return "Click the opposite corner · Esc cancels"
        if self._armed:
            return "Drag, or click two corners, to draw a box, also over other boxes · Esc cancels"
        if self._hidden:
            return "The boxes are hidden · H shows them again"
        if len(self._selected) == 1:
            return "Digits toggle its labels · drag moves it, handles resize it, arrows nudge it · Del deletes it"
        if self._selected:
            count = len(self._selected)
            return f"{count} boxes: digits toggle labels on all · drag or arrows move them · Del deletes them"
        return "Drag to draw a box · W draws over boxes · digits set the next box's labels · Space-drag pans"

    # -- helpers

    def _refresh(self) -> None:
        self.update_cursor()
        if (hint := self.hint()) != self._hint:
            self._hint = hint
            self.hint_changed.emit(hint)
        self.update()

    def _target(self, at: QPointF) -> act.Target:
        boxes = () if self._hidden else self.boxes
        return act.target_at(self._image_point(at), boxes, self._selected, self.scale)

    def _image_point(self, at: QPointF) -> act.Point:
        point = self.to_image(at)
        return (point.x(), point.y())

    def _bounds(self) -> act.Point:
        return (float(self.image_size.width()), float(self.image_size.height()))
