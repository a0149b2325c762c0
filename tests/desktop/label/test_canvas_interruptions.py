"""The canvas interrupted: other buttons and keys in the middle of a gesture, and edits from elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from core.types import Box, Label
from desktop.label.canvas.annotation_canvas import AnnotationCanvas
from desktop.label.canvas.box_picture import CanvasStyle
from tests.desktop.mouse import LEFT, drag, move

BIG = Box(1, 10, 10, 90, 70, frozenset({1}))
SMALL = Box(2, 30, 30, 50, 50, frozenset({1, 2}))
MIDDLE = Qt.MouseButton.MiddleButton
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.mark.parametrize("middle_first", [False, True])
def test_a_drag_in_which_the_middle_button_moves_the_image_ends_where_the_left_one_is_let_go(
    qtbot: QtBot, middle_first: bool
) -> None:
    canvas = _canvas(qtbot, ())
    drawn: list[tuple[float, ...]] = []
    canvas.drawn.connect(drawn.append)
    start, over, end = _at(canvas, 20, 20), _at(canvas, 40, 40), _at(canvas, 60, 60)
    canvas.view.zoom_to(canvas.view.scale * 2, QPointF(start))
    qtbot.mousePress(canvas.view, LEFT, pos=start)
    move(canvas.view, QPointF(over))
    qtbot.mousePress(canvas.view, MIDDLE, pos=over)
    move(canvas.view, QPointF(end), held=LEFT | MIDDLE)
    corner = canvas.view.to_image(QPointF(end))
    for button in (MIDDLE, LEFT) if middle_first else (LEFT, MIDDLE):
        qtbot.mouseRelease(canvas.view, button, pos=end)
    assert len(drawn) == 1 and drawn[0] == pytest.approx((20, 20, corner.x(), corner.y()), abs=0.6)
    assert corner.x() < 60, "the image was moved meanwhile"
    move(canvas.view, QPointF(start), held=Qt.MouseButton.NoButton)
    assert "Drag to draw" in canvas.hint


def test_another_button_during_a_drag_of_the_image_does_not_end_it(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (BIG,))
    canvas.view.zoom_by(3)
    at = canvas.view.rect().center()
    qtbot.mousePress(canvas.view, MIDDLE, pos=at)
    qtbot.mouseClick(canvas.view, Qt.MouseButton.RightButton, pos=at)
    before = canvas.view.to_image(QPointF(at))
    move(canvas.view, QPointF(at + QPoint(20, 0)), held=MIDDLE)
    assert canvas.view.to_image(QPointF(at)).x() < before.x()
    qtbot.mouseRelease(canvas.view, MIDDLE, pos=at)
    assert not canvas.view.panning


def test_a_drag_whose_button_came_up_unheard_changes_nothing(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (BIG,))
    edits: list[str] = []
    canvas.edited.connect(lambda _boxes, name: edits.append(name))
    qtbot.mousePress(canvas.view, LEFT, pos=_at(canvas, 20, 20))
    move(canvas.view, QPointF(_at(canvas, 24, 30)))
    assert canvas.boxes != (BIG,)
    move(canvas.view, QPointF(_at(canvas, 28, 34)), held=Qt.MouseButton.NoButton)
    assert canvas.boxes == (BIG,) and edits == []


def test_space_pressed_in_a_drag_neither_ends_it_nor_is_said_to_move_the_image(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, ())
    drawn: list[object] = []
    canvas.drawn.connect(drawn.append)
    qtbot.mousePress(canvas.view, LEFT, pos=_at(canvas, 20, 20))
    move(canvas.view, QPointF(_at(canvas, 40, 40)))
    qtbot.keyPress(canvas.view, Qt.Key.Key_Space)
    assert "Let go to draw" in canvas.hint and canvas.view.cursor().shape() is Qt.CursorShape.CrossCursor
    qtbot.mouseRelease(canvas.view, LEFT, pos=_at(canvas, 50, 50))
    assert len(drawn) == 1
    assert canvas.view.cursor().shape() is Qt.CursorShape.OpenHandCursor
    qtbot.keyRelease(canvas.view, Qt.Key.Key_Space)


@pytest.mark.parametrize("by_clicks", [False, True])
def test_what_is_selected_is_let_go_as_soon_as_a_new_box_is_drawn(qtbot: QtBot, by_clicks: bool) -> None:
    canvas = _canvas(qtbot, (SMALL,))
    canvas.select_boxes([2])
    canvas.arm(by_clicks)
    qtbot.mousePress(canvas.view, LEFT, pos=_at(canvas, 60, 60))
    assert canvas.selected == {2}
    if by_clicks:
        qtbot.mouseRelease(canvas.view, LEFT, pos=_at(canvas, 60, 60))
    else:
        move(canvas.view, QPointF(_at(canvas, 70, 70)))
    assert canvas.selected == frozenset(), "labels chosen now would be given to a box that nobody looks at"


def test_labels_given_to_a_box_in_the_hand_leave_it_in_the_hand(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (BIG, SMALL))
    edits: list[tuple[Box, ...]] = []
    canvas.edited.connect(lambda boxes, _name: edits.append(boxes))
    qtbot.mousePress(canvas.view, LEFT, pos=_at(canvas, 40, 40))
    move(canvas.view, QPointF(_at(canvas, 50, 45)))
    in_hand = canvas.chosen[0].xyxy
    assert in_hand != SMALL.xyxy
    relabelled = replace(SMALL, labels=frozenset({2}))
    canvas.set_boxes((BIG, relabelled))
    assert canvas.chosen[0].xyxy == in_hand and canvas.chosen[0].labels == {2}
    qtbot.mouseRelease(canvas.view, LEFT, pos=_at(canvas, 50, 45))
    assert [[box.labels for box in boxes] for boxes in edits] == [[{1}, {2}]]
    assert edits[0][1].xyxy == in_hand


def test_a_box_in_the_hand_that_was_moved_or_deleted_elsewhere_is_let_go(qtbot: QtBot) -> None:
    for truth in ((BIG,), (BIG, replace(SMALL, x2=60.0))):
        canvas = _canvas(qtbot, (BIG, SMALL))
        edits: list[object] = []
        canvas.edited.connect(lambda *edit, edits=edits: edits.append(edit))
        qtbot.mousePress(canvas.view, LEFT, pos=_at(canvas, 40, 40))
        move(canvas.view, QPointF(_at(canvas, 50, 45)))
        canvas.set_boxes(truth)
        assert canvas.boxes == truth
        qtbot.mouseRelease(canvas.view, LEFT, pos=_at(canvas, 50, 45))
        assert edits == [] and canvas.boxes == truth


def test_a_drawing_goes_on_while_nothing_of_this_image_changes_and_ends_with_another_image(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, ())
    drawn: list[object] = []
    canvas.drawn.connect(drawn.append)
    for other_image in (False, True):
        qtbot.mousePress(canvas.view, LEFT, pos=_at(canvas, 20, 20))
        move(canvas.view, QPointF(_at(canvas, 40, 40)))
        canvas.set_boxes(())
        if other_image:
            canvas.set_image(np.zeros((80, 100, 3), np.uint8))
        qtbot.mouseRelease(canvas.view, LEFT, pos=_at(canvas, 50, 50))
        assert len(drawn) == 1


def test_keys_that_select_or_name_boxes_wait_for_the_end_of_a_drag(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (BIG, SMALL))
    wanted: list[None] = []
    canvas.labels_wanted.connect(lambda: wanted.append(None))
    qtbot.mousePress(canvas.view, LEFT, pos=_at(canvas, 40, 40))
    move(canvas.view, QPointF(_at(canvas, 50, 45)))
    qtbot.keyClick(canvas.view, Qt.Key.Key_Tab)
    canvas.select_all()
    qtbot.keyClick(canvas.view, Qt.Key.Key_Return)
    assert canvas.selected == {2} and wanted == []
    qtbot.mouseRelease(canvas.view, LEFT, pos=_at(canvas, 50, 45))
    canvas.select_all()
    assert canvas.selected == {1, 2}


def test_enter_sets_the_second_corner_of_a_box_drawn_by_clicks(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (BIG,))
    drawn: list[tuple[float, ...]] = []
    canvas.drawn.connect(drawn.append)
    canvas.arm(True)
    qtbot.mouseClick(canvas.view, LEFT, pos=_at(canvas, 20, 20))
    move(canvas.view, QPointF(_at(canvas, 40, 50)), held=Qt.MouseButton.NoButton)
    qtbot.keyClick(canvas.view, Qt.Key.Key_Return)
    assert drawn == [pytest.approx((20, 20, 40, 50), abs=0.6)]


def test_esc_in_a_frame_brings_back_what_was_selected(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (BIG, SMALL))
    canvas.select_boxes([1])
    qtbot.mousePress(canvas.view, LEFT, CONTROL, _at(canvas, 25, 25))
    move(canvas.view, QPointF(_at(canvas, 60, 60)), modifiers=CONTROL)
    assert canvas.selected == {1, 2}
    qtbot.keyClick(canvas.view, Qt.Key.Key_Escape)
    qtbot.mouseRelease(canvas.view, LEFT, CONTROL, _at(canvas, 60, 60))
    assert canvas.selected == {1}


@pytest.mark.parametrize(("key", "modifier"), [(Qt.Key.Key_Control, CONTROL), (Qt.Key.Key_Shift, SHIFT)])
def test_a_held_key_that_changes_what_a_click_does_is_told_at_once(
    qtbot: QtBot, key: Qt.Key, modifier: Qt.KeyboardModifier
) -> None:
    canvas = _canvas(qtbot, (BIG,))
    move(canvas.view, QPointF(_at(canvas, 20, 20)), held=Qt.MouseButton.NoButton)
    qtbot.keyPress(canvas.view, key)
    assert "Click adds the box" in canvas.hint
    drag(qtbot, canvas.view, _at(canvas, 20, 20), _at(canvas, 20, 20), modifiers=modifier)
    assert canvas.selected == {1} and "takes the box out" in canvas.hint
    qtbot.keyRelease(canvas.view, key, modifier)
    assert "Drag moves the box" in canvas.hint


def test_the_first_click_at_a_place_is_told_to_select_the_smallest_box(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (BIG, SMALL))
    canvas.select_boxes([1])
    at = _at(canvas, 40, 40)
    move(canvas.view, QPointF(at), held=Qt.MouseButton.NoButton)
    assert "Click selects the smallest of 2" in canvas.hint
    qtbot.mouseClick(canvas.view, LEFT, pos=at)
    assert canvas.selected == {2} and "Click again for the next of 2" in canvas.hint
    qtbot.mouseClick(canvas.view, LEFT, pos=at)
    assert canvas.selected == {1}


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (60, 1)])
def test_a_box_can_be_drawn_by_keys_on_the_smallest_image(qtbot: QtBot, size: tuple[int, int]) -> None:
    canvas = _canvas(qtbot, ())
    canvas.set_image(np.zeros((*size, 3), np.uint8))
    drawn: list[tuple[float, float, float, float]] = []
    canvas.drawn.connect(drawn.append)
    canvas.arm(True)
    qtbot.keyClick(canvas.view, Qt.Key.Key_Return)
    (box,) = drawn
    assert 0 <= box[0] < box[2] <= size[1] and 0 <= box[1] < box[3] <= size[0]


@pytest.mark.parametrize("state", ["hidden", "locked"])
def test_why_nothing_could_be_changed_is_not_said_once_it_can_be(qtbot: QtBot, state: str) -> None:
    canvas = _canvas(qtbot, (BIG,))
    canvas.set_state(**{state: True})
    assert not canvas.may_change() and state in canvas.hint
    canvas.set_state(**{state: False})
    assert state not in canvas.hint


@pytest.mark.parametrize("tool", ["draw", "measure"])
def test_handles_are_shown_only_where_a_drag_would_resize(qtbot: QtBot, tool: str) -> None:
    canvas = _canvas(qtbot, (BIG,))
    canvas.set_style(CanvasStyle(guides=False))
    canvas.select_boxes([1])
    handle = _at(canvas, 50, 10)
    assert canvas.view.grab().toImage().pixelColor(handle).lightness() > 200
    canvas.arm(tool == "draw")
    canvas.set_measuring(tool == "measure")
    assert canvas.view.grab().toImage().pixelColor(handle).lightness() < 200


def _canvas(qtbot: QtBot, boxes: tuple[Box, ...]) -> AnnotationCanvas:
    canvas = AnnotationCanvas()
    qtbot.addWidget(canvas.view)
    canvas.view.resize(400, 320)
    canvas.view.show()
    canvas.view.setFocus()
    QApplication.processEvents()
    canvas.set_image(np.full((80, 100, 3), 128, np.uint8))
    canvas.set_labels((Label(1, "scratch", "#ff0000", "1"), Label(2, "pit", "#0000ff", "2")))
    canvas.set_boxes(boxes)
    return canvas


def _at(canvas: AnnotationCanvas, x: float, y: float) -> QPoint:
    return canvas.view.to_widget(QPointF(x, y)).toPoint()
