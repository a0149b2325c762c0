"""The canvas of the Label page: shows boxes, and turns mouse and keys into edits that the page makes durable."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QWidget

from core.imaging.adjust import Adjustment
from core.types import Box, Label
from desktop.canvas import hints, shaping
from desktop.canvas import interaction as act
from desktop.canvas.badges import Badges
from desktop.canvas.box_picture import CanvasStyle
from desktop.canvas.canvas_painting import CanvasPainting, Situation
from desktop.canvas.canvas_state import ViewState, badges
from desktop.canvas.measure import Measure, straightened
from desktop.canvas.minimap import Minimap, is_wanted
from desktop.canvas.nudging import ARROWS, Nudging
from desktop.canvas.nudging import NUDGE_ENDS as NUDGE_ENDS
from desktop.canvas.overlay import RULER
from desktop.canvas.port import Port
from desktop.canvas.pyramid import Pyramid
from desktop.canvas.view import ImageView

REMARK_STAYS = 3500  # ms
EDGE_STEP = 30  # ms between two steps of the image while something is dragged beyond the view
CORNER = 12  # widget pixels between the corner of the view and what is written there

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
ADDING = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier


class AnnotationCanvas(ImageView):
    """Dragging on the bare image draws; dragging a box moves it; the eight handles of a selected box resize it.

    Once armed, the next drag, or two clicks, draws a box also where there are boxes already. What the mouse does is
    decided in `interaction`, where boxes come to lie in `shaping`, and what is said about it in `hints`.
    """

    drawn = Signal(object)  # corners of a new box: x1, y1, x2, y2 in image pixels
    edited = Signal(object, str)  # all boxes after the edit, and its name
    selection_changed = Signal()
    boxes_changed = Signal()  # they are shown elsewhere, or others are, also in the middle of a gesture
    armed_changed = Signal(bool)
    measuring_changed = Signal(bool)
    hint_changed = Signal(str)  # what the hand can do now
    pointer_moved = Signal(object)  # image pixels, or None
    labels_wanted = Signal()  # Enter on a selection
    cancelled = Signal()  # Esc with nothing left here to cancel
    badge_clicked = Signal(str)  # the action that ends the state which a badge shows

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._still = act.Boxes(())
        self._shown: act.Boxes | None = None  # in the middle of a gesture or a sequence of nudges
        self._selected: frozenset[int] = frozenset()
        self._next_labels: frozenset[int] = frozenset()
        self._labels_kept = False
        self._off_key = ""
        self._highlighted: int | None = None
        self._tool: act.Tool = "select"
        self._gesture: act.Gesture | None = None
        self._pressed_point: QPointF | None = None
        self._dragged = False
        self._clicked_at: QPointF | None = None  # where the last click selected something
        self._pointer: QPointF | None = None
        self._under: act.Target = act.NOTHING
        self._modifiers = Qt.KeyboardModifier.NoModifier
        self._measure: Measure | None = None
        self._state = ViewState()
        self._style = CanvasStyle()
        self._keys: Mapping[str, str] = hints.KEYS
        self._mm_per_pixel: float | None = None
        self._remark, self._hint = "", ""
        self._comparing: Adjustment | None = None  # set aside to see the image as it is
        self._painting = CanvasPainting()
        self._nudges = Nudging(self)
        self._nudges.ended.connect(self._end_nudging)
        self._nudge_name = "Nudge"
        self._remark_timer = QTimer(self, singleShot=True, interval=REMARK_STAYS)
        self._remark_timer.timeout.connect(lambda: self._say(""))
        self._edge_timer = QTimer(self, interval=EDGE_STEP)
        self._edge_timer.timeout.connect(self._pan_at_edge)
        self._badges = Badges(self)
        self._badges.clicked.connect(self.badge_clicked)
        self._minimap = Minimap(self)
        self._minimap.wanted.connect(self.center_on)
        self._overview_known = False
        self.view_changed.connect(self._view_has_changed)
        self.setAccessibleName("Image with its boxes")

    # -- what is shown

    def set_image(self, image: NDArray[np.uint8] | Pyramid | None, *, keep_view: bool = False) -> None:
        """Show an image, or nothing; a measure on another image is gone."""
        self._overview_known, self._measure = False, None
        self._painting.grid.forget()
        super().set_image(image, keep_view=keep_view)

    def set_adjustment(self, adjustment: Adjustment | None) -> None:
        """Show images with other brightness, contrast or channels. None: as they are."""
        self._comparing = None
        self._adjust(adjustment)

    def compare(self, on: bool) -> None:
        """Show the image as it is for a moment, without its adjustment."""
        if on and self.adjustment is not None and self._comparing is None:
            self._comparing = self.adjustment
            self._adjust(None)
        elif not on and self._comparing is not None:
            self.set_adjustment(self._comparing)

    def _adjust(self, adjustment: Adjustment | None) -> None:
        self._overview_known = False
        super().set_adjustment(adjustment)
        self._place_minimap()
        self._refresh()

    def set_boxes(self, boxes: Sequence[Box]) -> None:
        """Show the boxes as they are in the project, ending any gesture."""
        self._still = act.Boxes(tuple(boxes))
        self._gesture, self._shown, self._pressed_point = None, None, None
        self._nudges.end()
        if not self._selected <= self._still.rows.keys():
            self.select(self._selected & self._still.rows.keys())
        self.boxes_changed.emit()
        self._look_under()

    def set_labels(self, labels: Sequence[Label]) -> None:
        self._painting.boxes.set_labels(labels)
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

    def set_editable(self, editable: bool) -> None:
        """Whether the project may be changed; otherwise boxes can only be selected."""
        self.set_state(editable=editable)

    def set_state(self, **switched: bool) -> None:
        """Switch what `ViewState` names: `set_state(hidden=True)`."""
        state = replace(self._state, **switched)
        if state == self._state:
            return
        self.finish_nudging()
        self._state = state
        if self._gesture is not None and not self._hand().changes:
            self.cancel()
        if not self._hand().changes:
            self.arm(False)
        self._place_minimap()
        self._look_under()

    def set_style(self, style: CanvasStyle) -> None:
        self._style = style
        self.update()

    def set_keys(self, keys: Mapping[str, str]) -> None:
        """The keys of the actions that hints and badges name, by the action's name; empty for none."""
        self._keys = keys
        self._refresh()

    def set_mm_per_pixel(self, mm_per_pixel: float | None) -> None:
        """How large an image pixel is on the part, for lengths in mm; None where that is not known."""
        self._mm_per_pixel = mm_per_pixel
        self.update()

    @property
    def state(self) -> ViewState:
        return self._state

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The boxes as shown, in the middle of a gesture too."""
        return self._now.all

    @property
    def chosen(self) -> list[Box]:
        """The selected boxes as shown."""
        return self._now.chosen(self._selected)

    @property
    def mm_per_pixel(self) -> float | None:
        return self._mm_per_pixel

    @property
    def selected(self) -> frozenset[int]:
        return self._selected

    @property
    def armed(self) -> bool:
        """Whether the next drag draws a box whatever is under the mouse."""
        return self._tool == "draw"

    @property
    def measuring(self) -> bool:
        """Whether the mouse measures distances."""
        return self._tool == "measure"

    @property
    def measure(self) -> Measure | None:
        """What was measured last, while it is shown."""
        return self._measure

    @property
    def _now(self) -> act.Boxes:
        return self._shown if self._shown is not None else self._still

    # -- tools and selection

    def select(self, ids: Collection[int]) -> None:
        chosen = frozenset(ids)
        if chosen != self._selected:
            self.finish_nudging()
            self._selected = chosen
            self._look_under()
            self.selection_changed.emit()

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
        self._gesture, self._shown, self._pressed_point = None, None, None
        if tool != "measure":
            self._measure = None
        self._look_under()
        if "draw" in (before, tool):
            self.armed_changed.emit(tool == "draw")
        if "measure" in (before, tool):
            self.measuring_changed.emit(tool == "measure")

    def may_change(self) -> bool:
        """Whether boxes may be changed now; where they may not, the hint says why and how to go on."""
        self._say(hints.refusal(self._hand(), self._keys))
        return self._hand().changes

    def cancel(self) -> bool:
        """Give up the innermost thing under way: gesture, tool, measure, selection. False when there was none."""
        if self._gesture is not None:
            self._gesture, self._shown, self._pressed_point = None, None, None
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

    def cycle(self, step: int) -> None:
        """Select the next of the boxes that overlap under the mouse, or of all where there are none; and show it."""
        target = act.NOTHING if self._pointer is None or self._state.hidden else self._target(self._pointer, ())
        here = target.box_ids if isinstance(target, act.OnBoxes) and len(target.box_ids) > 1 else ()
        self.select(act.cycled(here or [box.id for box in self.boxes], self._selected, step))
        if chosen := self._now.chosen(self._selected):
            self._bring_into_view(self.rect_to_widget(chosen[0].xyxy))

    def zoom_to_selection(self) -> None:
        """Bring the selected boxes into the middle, as large as leaves some surroundings visible."""
        if chosen := self._now.chosen(self._selected):
            self.show_rect(shaping.union(chosen))
        else:
            self._say("Select a box first, then this brings it near")

    def _bring_into_view(self, rect: QRectF) -> None:
        room = QRectF(self.rect()).adjusted(30, 30, -30, -30)
        if not room.intersects(rect):
            self.pan_by(room.center() - rect.center())

    # -- nudging

    def nudge(self, dx: float, dy: float, *, stretch: bool = False) -> None:
        """Shift the selected boxes, or with `stretch` their right and lower sides; one edit when the nudging pauses."""
        if not self._selected or self._gesture is not None or not self.may_change():
            return
        change = shaping.stretched if stretch else shaping.moved
        self._shown = act.Boxes(change(self.boxes, self._selected, dx, dy, self._bounds()))
        self._nudge_name = "Resize" if stretch else "Nudge"
        self._nudges.begin()
        self.boxes_changed.emit()
        self._look_under()

    def finish_nudging(self) -> None:
        """Announce the nudges made so far, before anything else reads the boxes."""
        self._nudges.end()

    def _end_nudging(self) -> None:
        if self._shown is not None and self._gesture is None:
            self._announce(self._nudge_name)

    def _announce(self, verb: str) -> None:
        shown, self._shown = self._shown, None
        if shown is not None and shown.all != self._still.all:
            count = len(self._selected)
            # Shown at once: the project's answer comes through `set_boxes`.
            self._still = shown
            self.edited.emit(shown.all, f"{verb} box" if count == 1 else f"{verb} {count} boxes")
        self._look_under()

    # -- mouse

    def left_pressed(self, at: QPointF, event: QMouseEvent) -> None:
        if not self.has_image:
            return
        self.finish_nudging()
        self._say("")
        if self._state.hidden and self._tool != "measure":
            super().left_pressed(at, event)  # moves the image
            return
        self._modifiers = event.modifiers()
        self._pressed_point, self._dragged, self._pointer = at, False, at
        if isinstance(self._gesture, act.Drawing) and self._gesture.by_clicks:
            return
        point, add = self._image_point(at), bool(event.modifiers() & ADDING)
        changes = self._hand().changes
        self._gesture, selected = act.begun(
            self._target(at), point, self._selected, tool=self._tool, changes=changes, add=add
        )
        self.select(selected)
        self._refresh()

    def left_moved(self, at: QPointF, event: QMouseEvent) -> None:
        self._modifiers = event.modifiers()
        if self._pressed_point is not None and _far(at, self._pressed_point):
            self._dragged = True
        self._point_at(at)
        if self._gesture is not None and not QRectF(self.rect()).contains(at):
            self._edge_timer.start()

    def left_released(self, at: QPointF, event: QMouseEvent) -> None:
        if self._pressed_at is not None:
            super().left_released(at, event)
            self._refresh()
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
            self._gesture, self._shown = None, None
            if not dragged:
                self._click(gesture, at)
        self._look_under()

    def _click(self, gesture: act.Gesture, at: QPointF) -> None:
        """The button was let go where it went down."""
        again = self._clicked_at is not None and not _far(at, self._clicked_at)
        self._clicked_at = at
        if isinstance(gesture, act.Moving):
            self.select(act.clicked(self._target(at, ()), self._selected, add=False, again=again))
        elif isinstance(gesture, act.Banding):
            self.select(act.clicked(gesture.over, self._selected, add=gesture.add, again=again))

    def _end_drawing(self, gesture: act.Drawing, at: QPointF, dragged: bool) -> None:
        if not dragged and not gesture.by_clicks:
            if self.armed:
                self._gesture = act.Drawing(gesture.start, by_clicks=True)
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
            self._say("Nothing was drawn: that is too small for a box. Draw farther, or zoom in")

    def _drawn(self, gesture: act.Drawing, at: QPointF) -> act.XYXY | None:
        return shaping.drawn(gesture.start, self._image_point(at), self._bounds(), self._snap())

    def _follow(self, at: QPointF) -> None:
        """Let the gesture under way go on to a place of the widget."""
        gesture, point = self._gesture, self._image_point(at)
        if isinstance(gesture, act.Measuring) and self._dragged:
            straight = self._modifiers & Qt.KeyboardModifier.ShiftModifier
            end = straightened(gesture.start, point) if straight else point
            self._measure = Measure(gesture.start, end)
        elif isinstance(gesture, act.Banding) and self._dragged:
            self.select(act.banded(self._still, gesture, point))
        elif isinstance(gesture, act.Moving | act.Resizing) and self._dragged:
            self._shown = act.Boxes(act.preview(self._still.all, gesture, point, self._bounds(), self._snap()))
            self.boxes_changed.emit()

    def _pan_at_edge(self) -> None:
        """Let the image come when something is dragged beyond the view."""
        room, at = QRectF(self.rect()), self._pointer
        if self._gesture is None or self._pressed_point is None or at is None or room.contains(at):
            self._edge_timer.stop()
            return
        away = QPointF(min(at.x() - room.left(), 0) or max(at.x() - room.right(), 0),
                       min(at.y() - room.top(), 0) or max(at.y() - room.bottom(), 0))  # fmt: skip
        self.scroll_by(QPointF(math.copysign(min(abs(away.x()), 40), -away.x()) if away.x() else 0,
                               math.copysign(min(abs(away.y()), 40), -away.y()) if away.y() else 0))  # fmt: skip

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
        elif event.key() in (Qt.Key.Key_Alt, Qt.Key.Key_Shift) and self._gesture is not None:
            self._change_modifiers(event, held=True)
        else:
            super().keyPressEvent(event)
        self._refresh()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Alt, Qt.Key.Key_Shift) and self._gesture is not None:
            self._change_modifiers(event, held=False)
        else:
            super().keyReleaseEvent(event)
        self._refresh()

    def _enter(self) -> None:
        if self.armed:
            # By keys alone: a box in the middle of what is seen, to be nudged and stretched into place.
            seen = self.visible_rect()
            middle, side = seen.center(), QPointF(seen.width() / 8, seen.height() / 8)
            low, high = middle - side, middle + side
            xyxy = shaping.drawn((low.x(), low.y()), (high.x(), high.y()), self._bounds())
            self.arm(False)
            if xyxy is not None:
                self.drawn.emit(xyxy)
        elif self._selected:
            self.labels_wanted.emit()

    def _change_modifiers(self, event: QKeyEvent, *, held: bool) -> None:
        """Snapping and straightness follow their keys without a move of the mouse."""
        modifier = {
            int(Qt.Key.Key_Alt): Qt.KeyboardModifier.AltModifier,
            int(Qt.Key.Key_Shift): Qt.KeyboardModifier.ShiftModifier,
        }[event.key()]
        self._modifiers = self._modifiers | modifier if held else self._modifiers & ~modifier
        event.accept()
        if self._pointer is not None:
            self._follow(self._pointer)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.finish_nudging()
        super().focusOutEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._pointer, self._under = None, act.NOTHING
        self.pointer_moved.emit(None)
        self._refresh()
        super().leaveEvent(event)

    # -- drawing

    def paint_overlay(self, painter: QPainter) -> None:
        gesture, pointer = self._gesture, self._pointer
        drawing = gesture if isinstance(gesture, act.Drawing) and (self._dragged or gesture.by_clicks) else None
        hand = self._hand()
        under = self._under.box_ids[0] if isinstance(self._under, act.OnBoxes) else None
        free = gesture is None and self._tool == "select" and not hand.panning
        now = Situation(
            port=self._port(), still=self._still, shown=self._now, selected=self._selected,
            hovered=under if free and not self._selected.intersection({under}) else None,
            handles=hand.changes, gesture=gesture, pointer=pointer,
            new=self._drawn(drawing, pointer) if drawing is not None and pointer is not None else None,
            guides=self._guides(hand), measure=self._measure, highlighted=self._highlighted,
            next_labels=self._next_labels, labels_kept=self._labels_kept, off_key=self._off_key,
            size=(self.image_size.width(), self.image_size.height()), mm_per_pixel=self._mm_per_pixel,
            edge=self._edge(),
        )  # fmt: skip
        self._painting.paint(painter, now, self._state, self._style, self.rgb_at)

    def _guides(self, hand: hints.Hand) -> bool:
        if hand.panning or isinstance(self._gesture, act.Moving | act.Banding):
            return False
        working = self.armed or self.measuring or isinstance(self._gesture, act.Drawing | act.Resizing)
        return working or (self._style.guides and hand.changes)

    def _port(self) -> Port:
        corner = self.to_widget(QPointF(0, 0))
        return Port(self.scale, corner.x(), corner.y(), self.width(), self.height(), self.devicePixelRatioF())

    def _edge(self) -> int:
        """Where the image begins beside the rulers."""
        return int(RULER) if self._state.rulers else 0

    def _view_has_changed(self) -> None:
        self._clicked_at = None
        self._place_badges()
        self._place_minimap()
        if self._pointer is not None:
            self._point_at(self._pointer)

    def _place_minimap(self) -> None:
        size = self.image_size
        seen = self.visible_rect()
        wanted = self._state.minimap and is_wanted(seen, size.width(), size.height(), self.size())
        if wanted:
            if not self._overview_known:
                self._overview_known = True
                self._minimap.show_image(self.overview(), size.width(), size.height())
            self._minimap.follow(seen)
        self._minimap.setVisible(wanted)

    def _place_badges(self) -> None:
        """In the upper right corner, below what is said about the next box where both have no room beside each other."""
        words = self._labels_kept or (self._next_labels and not self._selected)
        left = self.width() - self._badges.width() - CORNER
        self._badges.move(left, self._edge() + CORNER + (44 if words and left < 520 else 0))

    # -- hints

    def update_cursor(self) -> None:
        """Show by the cursor what the left button would do."""
        self.setCursor(CURSORS[hints.cursor(self._hand())])

    def hint(self) -> str:
        """What the hand can do now, in one line."""
        return hints.hint(self._hand(), self._keys)

    def _hand(self) -> hints.Hand:
        fits = True
        if isinstance(self._gesture, act.Drawing) and self._pointer is not None:
            xyxy = self._drawn(self._gesture, self._pointer)
            fits = xyxy is not None and shaping.is_meant(xyxy, self.scale)
        state = self._state
        return hints.Hand(
            has_image=self.has_image, editable=state.editable, locked=state.locked, hidden=state.hidden,
            tool=self._tool, gesture=self._gesture, fits=fits, under=self._under, selected=self._selected,
            panning=self.panning, held=self._pan_from is not None, remark=self._remark,
        )  # fmt: skip

    def _say(self, remark: str) -> None:
        """Show `remark` in place of the hint for a moment."""
        self._remark = remark
        if remark:
            self._remark_timer.start()
        self._refresh()

    def _refresh(self) -> None:
        """Let cursor, hint, badges and picture follow."""
        self.update_cursor()
        if (hint := self.hint()) != self._hint:
            self._hint = hint
            self.hint_changed.emit(hint)
        adjustment = self._comparing or self.adjustment
        self._badges.show_badges(
            badges(self._state, measuring=self.measuring, adjustment=adjustment, keys=self._keys,
                   comparing=self._comparing is not None)
        )  # fmt: skip
        self._place_badges()
        self.update()

    # -- helpers

    def _point_at(self, at: QPointF) -> None:
        """The mouse is at a place of the widget now, or the image has moved under it."""
        self._pointer = at
        if self._gesture is not None:
            self._follow(at)
        point = self.to_image(at)
        inside = self.has_image and QRectF(0, 0, *self._bounds()).contains(point)
        self.pointer_moved.emit(point if inside else None)
        self._look_under(moved=True)

    def _look_under(self, *, moved: bool = False) -> None:
        """Find out anew what is under the mouse; after a mere move nothing is drawn where nothing looks different."""
        before = self._under
        self._under = act.NOTHING if self._pointer is None else self._target(self._pointer)
        still = moved and before == self._under and self._gesture is None
        if still and not (self._guides(self._hand()) or self._state.rulers):
            return
        self._refresh()

    def _target(self, at: QPointF, selected: Collection[int] | None = None) -> act.Target:
        if self._state.hidden or not self.has_image:
            return act.NOTHING
        # Handles are there only where they can be used.
        usable = self._selected if self._hand_free() else ()
        chosen = usable if selected is None else selected
        return act.target_at(self._image_point(at), self._now, chosen, self.scale)

    def _hand_free(self) -> bool:
        return self._state.editable and not self._state.locked

    def _image_point(self, at: QPointF) -> act.Point:
        point = self.to_image(at)
        return (point.x(), point.y())

    def _bounds(self) -> act.Point:
        return (float(self.image_size.width()), float(self.image_size.height()))

    def _snap(self) -> float:
        """How near, in image pixels, the image's border draws an edge to it."""
        free = self._modifiers & Qt.KeyboardModifier.AltModifier
        return 0.0 if free else act.SNAP_REACH / self.scale


def _far(one: QPointF, other: QPointF) -> bool:
    return (one - other).manhattanLength() >= act.CLICK_REACH
