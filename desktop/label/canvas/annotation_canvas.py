"""The canvas of the Label page: an image view with boxes over it, whose gestures the page makes durable as edits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QPointF, QTimer, Signal
from PySide6.QtGui import QColor, QPainter

from core.imaging.adjust import Adjustment
from core.types import Box, Label
from desktop.label.canvas import hints, shaping
from desktop.label.canvas import interaction as act
from desktop.label.canvas.badges import Badge
from desktop.label.canvas.box_picture import CanvasStyle
from desktop.label.canvas.box_rules import BoxRules
from desktop.label.canvas.canvas_boxes import CanvasBoxes
from desktop.label.canvas.canvas_input import CanvasInput
from desktop.label.canvas.canvas_painting import CanvasPainting, OverlayScene
from desktop.label.canvas.canvas_state import ViewState, list_badges
from desktop.label.canvas.gesture_controller import GestureController
from desktop.label.canvas.gesture_ports import GestureEvents
from desktop.label.canvas.measure import Measure
from desktop.label.canvas.nudging import Nudging
from desktop.label.canvas.overlay import RULER
from desktop.label.canvas.state_strip import StateStrip
from desktop.label.canvas.surroundings import Surroundings
from desktop.label.canvas.view_transform import ViewTransform
from desktop.viewer.pyramid import Pyramid
from desktop.viewer.view import ImageView

REMARK_STAYS = 3500  # ms
EDGE_STEP = 30  # ms between two steps of the image while something is dragged beyond the view


class AnnotationCanvas(QObject):
    """Dragging on the bare image draws; dragging a box moves it; the eight handles of a selected box resize it.

    Once armed, the next drag, or two clicks, draws a box also where there are boxes already. `view` is the widget, which
    knows about zoom and pan; `strip` is the line above it, which the page places.
    """

    drawn = Signal(object)  # corners of a new box: x1, y1, x2, y2 in image pixels
    edited = Signal(object, str)  # all boxes after the edit, and its name
    selection_changed = Signal()
    boxes_changed = Signal()  # they are shown elsewhere, or others are, also in the middle of a gesture
    armed_changed = Signal(bool)
    measuring_changed = Signal(bool)
    pointer_moved = Signal(object)  # image pixels, or None
    labels_wanted = Signal()  # Enter on a selection
    cancelled = Signal()  # Esc with nothing left here to cancel
    hint_changed = Signal(str)  # what mouse and keys can do now
    badge_clicked = Signal(str)  # the action that ends the state which a badge shows

    def __init__(self) -> None:
        view = ImageView()
        super().__init__(view)
        self.view = view
        view.setAccessibleName("Image with its boxes")
        self._boxes = CanvasBoxes()
        self._state = ViewState()
        self._style = CanvasStyle()
        self._keys: Mapping[str, str] = hints.KEYS
        self._mm_per_pixel: float | None = None
        self._next: frozenset[int] = frozenset()
        self._highlighted: int | None = None
        self._comparing: Adjustment | None = None  # set aside to see the image as it is
        self._remark, self._hint = "", ""
        self._remark_timer = QTimer(self, singleShot=True, interval=REMARK_STAYS)
        self._remark_timer.timeout.connect(lambda: self.show_remark(""))
        self._painting = CanvasPainting()
        self._around = Surroundings(view)
        self.strip = StateStrip()
        self.strip.clicked.connect(self.badge_clicked)
        self._gestures = self._make_gestures()
        view.add_overlay(self._paint_overlay)
        view.set_input(
            CanvasInput(
                self._gestures,
                self._boxes,
                labels_wanted=self.labels_wanted.emit,
                cancelled=self.cancelled.emit,
            )
        )
        view.view_changed.connect(self._follow_view)
        view.grip_changed.connect(self.refresh)

    def _make_gestures(self) -> GestureController:
        nudging, edge_timer = Nudging(self), QTimer(self, interval=EDGE_STEP)
        events = GestureEvents(
            drawn=self.drawn.emit,
            edited=self.edited.emit,
            selection_changed=self.selection_changed.emit,
            boxes_changed=self.boxes_changed.emit,
            tool_changed=self._announce_tool,
            remarked=self.show_remark,
            pointer_moved=self.pointer_moved.emit,
            look_changed=self._follow_look,
        )
        gestures = GestureController(self.view, self._boxes, events, nudging, edge_timer)
        nudging.ended.connect(gestures.end_nudging)
        edge_timer.timeout.connect(gestures.scroll_at_edge)
        return gestures

    # -- what is shown

    def set_image(self, image: NDArray[np.uint8] | Pyramid | None, *, keep_view: bool = False) -> None:
        """Show an image, or nothing. What was under way on another image is given up."""
        self._gestures.leave_image()
        self._around.forget_overview()
        self._painting.grid.forget_picture()
        self.view.set_image(image, keep_view=keep_view)
        self._place_around()

    def replace_preview(self, picture: Pyramid) -> bool:
        """Show the picture in place of its preview, and let what is under way go on. False where none is shown."""
        if not self.view.shows_preview_of(picture):
            return False
        self._around.forget_overview()
        self._painting.grid.forget_picture()
        self.view.set_image(picture, keep_view=True)
        self._place_around()
        return True

    def set_boxes(self, boxes: Sequence[Box]) -> None:
        """Show the boxes as they are in the project. What is being dragged stays so, unless it is elsewhere now."""
        self._gestures.set_boxes(boxes)

    def set_labels(self, labels: Sequence[Label]) -> None:
        self._painting.boxes.set_labels(labels)
        self.view.update()

    def set_next_labels(self, labels: frozenset[int], *, kept: bool = False, off_key: str = "") -> None:
        """The labels that the next box will carry, said in the line above the image.

        `kept`: every box will carry them until that is switched off (by `off_key`); said loudly.
        """
        self._next = labels
        look = self._painting.boxes.find_look(labels)
        colors = [QColor(color) for _, color in look]
        self.strip.show_next([name for name, _ in look], colors, kept=kept, off_key=off_key)
        self.view.update()

    def set_highlighted(self, box_id: int | None) -> None:
        """The box that the mouse is on in a list."""
        self._highlighted = box_id
        self.view.update()

    def set_editable(self, editable: bool) -> None:
        """Whether the project may be changed; otherwise boxes can only be selected."""
        self.set_state(editable=editable)

    def set_state(self, **switched: bool) -> None:
        """Switch what `ViewState` names: `set_state(hidden=True)`. What can no longer be ended is given up."""
        self._gestures.finish_nudging()
        before, self._state = self._state, replace(self._state, **switched)
        self._gestures.set_state(self._state)
        if self._state != before:
            self._place_around()
            self.show_remark("")  # it may have been about what is switched now

    def set_rules(self, rules: BoxRules) -> None:
        """Hide and lock boxes by themselves and by their labels."""
        self._gestures.finish_nudging()
        self._gestures.set_rules(rules)

    def set_style(self, style: CanvasStyle) -> None:
        self._style = style
        self.view.update()

    def set_keys(self, keys: Mapping[str, str]) -> None:
        """The keys of the actions that hints and badges name, by the action's name; empty for none."""
        self._keys = keys
        self._gestures.set_keys(keys)
        self.refresh()

    def set_mm_per_pixel(self, mm_per_pixel: float | None) -> None:
        """How large an image pixel is on the part, for lengths in mm; None where that is not known."""
        self._mm_per_pixel = mm_per_pixel
        self.view.update()

    def set_adjustment(self, adjustment: Adjustment | None) -> None:
        """Show images with other brightness, contrast or channels. None: as they are."""
        self._comparing = None
        self._show_adjustment(adjustment)

    def compare_original(self, on: bool) -> None:
        """Show the image as it is for a moment, without its adjustment."""
        if on and self.view.adjustment is not None and self._comparing is None:
            self._comparing = self.view.adjustment
            self._show_adjustment(None)
        elif not on and self._comparing is not None:
            self.set_adjustment(self._comparing)

    def _show_adjustment(self, adjustment: Adjustment | None) -> None:
        self._around.forget_overview()
        self.view.set_adjustment(adjustment)
        self._place_around()
        self.refresh()

    # -- what is asked

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The boxes as shown, in the middle of a gesture too."""
        return self._boxes.shown.all

    @property
    def chosen(self) -> list[Box]:
        """The selected boxes as shown."""
        return self._boxes.chosen

    @property
    def selected(self) -> frozenset[int]:
        return self._boxes.selected

    @property
    def visible_boxes(self) -> tuple[Box, ...]:
        """Of the boxes those that are not hidden one by one or by their labels."""
        return self._boxes.visible.all

    @property
    def is_free(self) -> bool:
        """Whether no gesture is under way."""
        return self._gestures.gesture is None

    def find_movable(self) -> frozenset[int]:
        """The selected boxes that may be changed; where locked ones are among them, the hint says so."""
        movable = self._boxes.find_movable(self.selected)
        if locked := len(self.selected) - len(movable):
            self.show_remark(hints.explain_locked(locked, self._keys))
        return movable

    @property
    def armed(self) -> bool:
        """Whether the next drag draws a box whatever is under the mouse."""
        return self._gestures.tool == "draw"

    @property
    def measuring(self) -> bool:
        """Whether the mouse measures distances."""
        return self._gestures.tool == "measure"

    @property
    def measure(self) -> Measure | None:
        """What was measured last, while it is shown."""
        return self._gestures.measure

    @property
    def state(self) -> ViewState:
        return self._state

    @property
    def mm_per_pixel(self) -> float | None:
        return self._mm_per_pixel

    @property
    def badges(self) -> tuple[Badge, ...]:
        """The signs for what is switched on."""
        return self.strip.badges.shown

    @property
    def hint(self) -> str:
        """What mouse and keys can do now, in one line."""
        return hints.describe_click(self._gestures.tool_state(self._remark), self._keys)

    # -- what actions do

    def select_boxes(self, box_ids: Collection[int]) -> None:
        self._gestures.select_boxes(box_ids)

    def select_for_menu(self, at: QPointF) -> bool:
        """Select the box at a place of the view, unless it is selected already. Whether there is one."""
        self._gestures.finish_nudging()
        return self._gestures.select_for_menu(at)

    def select_all(self) -> None:
        """Select every box of the image, unless a gesture is under way."""
        self._gestures.select_all()

    def zoom_to_selection(self) -> None:
        """Bring the selected boxes into the middle, as large as leaves some surroundings visible."""
        if chosen := self._boxes.chosen:
            self.view.show_rect(shaping.enclose_boxes(chosen))
        else:
            self.show_remark("Select a box first, then this brings it near")

    def arm(self, armed: bool) -> None:
        """Draw with the next drag, also over boxes; where boxes may not be changed, say why not."""
        self._gestures.arm(armed)

    def set_measuring(self, on: bool) -> None:
        """Measure distances with the mouse until that is switched off."""
        self._gestures.set_measuring(on)

    def may_change(self) -> bool:
        """Whether boxes may be changed now; where they may not, the hint says why and how to go on."""
        return self._gestures.may_change()

    def cancel(self) -> bool:
        """Give up the innermost thing under way: gesture, tool, measure, selection. False when there was none."""
        return self._gestures.cancel()

    def press_escape(self) -> None:
        """Give up the innermost thing under way, and where there is none say so by `cancelled`."""
        if not self.cancel():
            self.cancelled.emit()

    def let_go(self) -> None:
        """Leave the boxes as they were before the gesture under way."""
        self._gestures.let_go()

    def finish_nudging(self) -> None:
        """Announce the nudges made so far, before anything else reads the boxes."""
        self._gestures.finish_nudging()

    def _announce_tool(self, before: act.Tool, tool: act.Tool) -> None:
        if "draw" in (before, tool):
            self.armed_changed.emit(tool == "draw")
        if "measure" in (before, tool):
            self.measuring_changed.emit(tool == "measure")

    # -- how it looks

    def show_remark(self, remark: str) -> None:
        """Show `remark` in place of the hint for a moment."""
        self._remark = remark
        if remark:
            self._remark_timer.start()
        self.refresh()

    def refresh(self) -> None:
        """Let cursor, hint, badges and picture follow."""
        if self._gestures.gesture is not None or not self._around.shows_minimap:
            self._place_around()
        self.view.update_cursor()
        if (hint := self.hint) != self._hint:
            self._hint = hint
            self.hint_changed.emit(hint)
        badges = list_badges(
            self._state,
            measuring=self.measuring,
            adjustment=self._comparing or self.view.adjustment,
            comparing=self._comparing is not None,
            keys=self._keys,
            out_of_sight=self._boxes.hidden_count,
        )
        self.strip.show_badges(badges)
        self.view.update()

    def _follow_look(self, still: bool) -> None:
        """`still`: only the mouse has moved, so that nothing is drawn again where nothing looks different."""
        if not still or self._state.rulers or hints.shows_guides(self._gestures.tool_state(), self._style.guides):
            self.refresh()

    def _follow_view(self) -> None:
        self._place_around()
        self._gestures.follow_view()

    def _place_around(self) -> None:
        working_at = self._gestures.mouse.at if self._gestures.gesture is not None else None
        self._around.place_minimap(wanted=self._state.minimap, working_at=working_at)

    @property
    def _edge(self) -> int:
        """Where the image begins beside the rulers."""
        return int(RULER) if self._state.rulers else 0

    def _paint_overlay(self, painter: QPainter) -> None:
        self._painting.paint_scene(painter, self._make_scene(), self._state, self._style, self.view.rgb_at)

    def _make_scene(self) -> OverlayScene:
        view, boxes, gestures, tool = self.view, self._boxes, self._gestures, self._gestures.tool_state()
        corner, size = view.to_widget(QPointF(0, 0)), view.image_size
        return OverlayScene(
            view=ViewTransform(
                view.scale, corner.x(), corner.y(), view.width(), view.height(), view.devicePixelRatioF()
            ),
            saved=boxes.visible_saved,
            shown=boxes.visible,
            selected=boxes.selected,
            hovered=hints.find_hovered(tool),
            handles=tool.changes and tool.tool == "select" and bool(boxes.find_movable(boxes.selected)),
            gesture=gestures.gesture,
            pointer=gestures.mouse.at,
            new=gestures.drawn_box,
            guides=hints.shows_guides(tool, self._style.guides),
            measure=gestures.measure,
            highlighted=self._highlighted,
            next_labels=self._next,
            size=(size.width(), size.height()),
            mm_per_pixel=self._mm_per_pixel,
            edge=self._edge,
            hurried=view.hurried,
        )
