"""Gestures without a window: what presses, moves and keys make of boxes, and who hears of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt

from core.types import Box
from desktop.label.canvas.canvas_boxes import CanvasBoxes
from desktop.label.canvas.canvas_state import ViewState
from desktop.label.canvas.edge_scroll import LONGEST_STEP, find_scroll_step
from desktop.label.canvas.gesture_controller import GestureController
from desktop.label.canvas.gesture_ports import GestureEvents

BIG = Box(1, 10, 10, 90, 70, frozenset({1}))
SMALL = Box(2, 30, 30, 50, 50, frozenset({1, 2}))
NONE = Qt.KeyboardModifier.NoModifier
ALT, CONTROL = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ControlModifier


@dataclass
class Sheet:
    """An image of 100 x 80 in a view of 200 x 160, at two widget pixels an image pixel."""

    scale: float = 2.0
    has_image: bool = True
    panning: bool = False
    holds_image: bool = False
    scrolled: list[QPointF] = field(default_factory=list)
    brought: list[tuple[float, ...]] = field(default_factory=list)

    @property
    def image_size(self) -> QSize:
        return QSize(100, 80)

    def rect(self) -> QRect:
        return QRect(0, 0, 200, 160)

    def to_image(self, point: QPointF) -> QPointF:
        return point / self.scale

    def visible_rect(self) -> QRectF:
        return QRectF(0, 0, 100, 80)

    def scroll_by(self, delta: QPointF) -> None:
        self.scrolled.append(delta)

    def bring_into_view(self, xyxy: tuple[float, ...]) -> None:
        self.brought.append(xyxy)


@dataclass
class Pause:
    """A sequence of nudges that pauses when it is told, and a timer that never fires by itself."""

    desk: Desk
    running: bool = False

    def begin(self) -> None:
        self.running = True

    def end(self) -> None:
        if self.running:
            self.running = False
            self.desk.gestures.end_nudging()

    start = begin

    def stop(self) -> None:
        self.running = False


class Desk:
    """A controller, what it works on and what it said."""

    def __init__(self, *boxes: Box) -> None:
        self.view, self.boxes = Sheet(), CanvasBoxes()
        self.drawn: list[tuple[float, ...]] = []
        self.edits: list[tuple[tuple[Box, ...], str]] = []
        self.tools: list[tuple[str, str]] = []
        self.remarks: list[str] = []
        self.pointed: list[QPointF | None] = []
        self.still: list[bool] = []
        self.nudging, self.edge_timer = Pause(self), Pause(self)
        events = GestureEvents(
            drawn=self.drawn.append,
            edited=lambda found, name: self.edits.append((found, name)),
            selection_changed=lambda: None,
            boxes_changed=lambda: None,
            tool_changed=lambda before, now: self.tools.append((before, now)),
            remarked=self.remarks.append,
            pointer_moved=self.pointed.append,
            look_changed=self.still.append,
        )
        self.gestures = GestureController(self.view, self.boxes, events, self.nudging, self.edge_timer)
        self.gestures.set_boxes(boxes)

    def press(self, x: float, y: float, modifiers: Qt.KeyboardModifier = NONE) -> bool:
        return self.gestures.press_button(QPointF(x, y) * self.view.scale, modifiers)

    def move(self, x: float, y: float, modifiers: Qt.KeyboardModifier = NONE, *, is_down: bool = True) -> None:
        self.gestures.move_mouse(QPointF(x, y) * self.view.scale, modifiers, is_down=is_down)

    def release(self, x: float, y: float, modifiers: Qt.KeyboardModifier = NONE) -> None:
        self.gestures.release_button(QPointF(x, y) * self.view.scale, modifiers)

    def drag(self, start: tuple[float, float], end: tuple[float, float], modifiers: Qt.KeyboardModifier = NONE) -> None:
        self.press(*start, modifiers)
        self.move(*end, modifiers)
        self.release(*end, modifiers)


def test_a_drag_on_the_bare_image_is_a_new_box_and_no_edit_of_another() -> None:
    desk = Desk(SMALL)
    desk.drag((60, 20), (80, 40))
    assert desk.drawn == [(60, 20, 80, 40)] and desk.edits == []
    assert desk.gestures.gesture is None and desk.boxes.shown.all == (SMALL,)


def test_a_box_that_is_dragged_is_shown_there_before_the_project_answers() -> None:
    desk = Desk(BIG, SMALL)
    desk.press(40, 40)
    desk.move(45, 42)
    assert desk.boxes.shown.all[1].xyxy == (35, 32, 55, 52) and desk.boxes.saved.all == (BIG, SMALL)
    desk.release(45, 42)
    ((boxes, name),) = desk.edits
    assert name == "Move box" and boxes == desk.boxes.saved.all == desk.boxes.shown.all


def test_a_click_selects_and_edits_nothing() -> None:
    desk = Desk(BIG, SMALL)
    desk.press(40, 40)
    desk.release(40, 40)
    assert desk.boxes.selected == {2} and desk.edits == [] and desk.drawn == []


def test_a_frame_selects_what_it_touches_and_its_end_by_esc_brings_back_what_was_selected() -> None:
    desk = Desk(BIG, SMALL)
    desk.gestures.select_boxes([1])
    desk.press(25, 25, CONTROL)
    desk.move(60, 60, CONTROL)
    assert desk.boxes.selected == {1, 2}
    assert desk.gestures.cancel() and desk.boxes.selected == {1}


def test_nudges_are_one_edit_when_they_pause() -> None:
    desk = Desk(SMALL)
    desk.gestures.select_boxes([2])
    for _ in range(3):
        desk.gestures.nudge(1, 0)
    assert desk.edits == [] and desk.boxes.shown.all[0].x1 == 33
    desk.gestures.finish_nudging()
    assert [(boxes[0].x1, name) for boxes, name in desk.edits] == [(33, "Nudge box")]


@pytest.mark.parametrize("refusing", [{"locked": True}, {"editable": False}, {"hidden": True}])
def test_where_boxes_may_not_be_changed_nothing_is_and_the_remark_says_why(refusing: dict[str, bool]) -> None:
    desk = Desk(SMALL)
    desk.gestures.select_boxes([2])
    desk.gestures.set_state(ViewState(**refusing))
    desk.gestures.nudge(1, 0)
    desk.gestures.arm(True)
    assert desk.gestures.tool == "select" and desk.edits == [] and not desk.boxes.has_preview
    assert desk.remarks[-1]
    moves_image = desk.press(40, 40) is False
    assert moves_image == ("hidden" in refusing)


def test_hidden_while_a_box_is_dragged_it_goes_back_to_where_it_was() -> None:
    desk = Desk(SMALL)
    desk.press(40, 40)
    desk.move(60, 60)
    desk.gestures.set_state(ViewState(hidden=True))
    assert desk.gestures.gesture is None and desk.boxes.shown.all == (SMALL,)
    desk.release(60, 60)
    assert desk.edits == []


def test_an_edge_snaps_to_the_border_unless_alt_is_held_also_where_only_the_key_changes() -> None:
    desk = Desk(SMALL)
    desk.press(40, 40)
    desk.move(88, 40)
    assert desk.boxes.shown.all[0].x2 == 100
    assert desk.gestures.change_modifier(ALT, held=True)
    assert desk.boxes.shown.all[0].x2 == 98


def test_a_move_over_the_same_thing_says_that_nothing_looks_different() -> None:
    desk = Desk(BIG)
    desk.move(20, 20, is_down=False)
    desk.move(22, 22, is_down=False)
    desk.move(95, 75, is_down=False)
    assert desk.still[-3:] == [False, True, False]
    desk.move(120, 75, is_down=False)
    assert desk.pointed[-1] is None and desk.pointed[-2] == QPointF(95, 75)


def test_beyond_the_view_the_image_comes_along_until_the_mouse_is_back() -> None:
    desk = Desk(SMALL)
    desk.press(40, 40)
    desk.move(105, 40)
    assert desk.edge_timer.running
    desk.gestures.scroll_at_edge()
    assert desk.view.scrolled == [QPointF(-10, 0)]
    desk.move(60, 40)
    desk.gestures.scroll_at_edge()
    assert len(desk.view.scrolled) == 1 and not desk.edge_timer.running


def test_the_farther_beyond_the_view_the_faster_but_not_without_an_end() -> None:
    room = QRectF(0, 0, 200, 160)
    assert find_scroll_step(room, QPointF(100, 80)) == QPointF(0, 0)
    assert find_scroll_step(room, QPointF(-7, 163)) == QPointF(7, -3)
    assert find_scroll_step(room, QPointF(-900, 900)) == QPointF(LONGEST_STEP, -LONGEST_STEP)


def test_the_next_box_that_is_selected_by_key_is_brought_into_view() -> None:
    desk = Desk(BIG, SMALL)
    desk.gestures.select_next(1)
    desk.gestures.select_next(1)
    assert desk.boxes.selected == {2} and desk.view.brought == [BIG.xyxy, SMALL.xyxy]


def test_tools_say_what_they_were_before() -> None:
    desk = Desk()
    desk.gestures.arm(True)
    desk.gestures.set_measuring(True)
    assert desk.gestures.cancel() and not desk.gestures.cancel()
    assert desk.tools == [("select", "draw"), ("draw", "measure"), ("measure", "select")]
