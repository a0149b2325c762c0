"""The canvas as a widget: the image, the boxes, and what mouse and keys do."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QWheelEvent
from PySide6.QtWidgets import QApplication, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from core.types import Box, ImageRecord, Label
from desktop.base.theme import text_on
from desktop.label.canvas.annotation_canvas import AnnotationCanvas
from desktop.label.canvas.nudging import NUDGE_ENDS
from desktop.viewer.box_painter import paint_box, tag_origin
from desktop.viewer.pictures import worth_fetching
from desktop.viewer.pyramid import make_pyramid
from desktop.viewer.view import ImageView
from tests.desktop.mouse import drag, move

BIG = Box(1, 10, 10, 90, 70, frozenset({1}))
SMALL = Box(2, 30, 30, 50, 50, frozenset({1, 2}))
CONTROL, ALT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier


# -- view


def test_zooming_keeps_the_point_under_the_mouse(qtbot: QtBot) -> None:
    view = _shown(qtbot, ImageView())
    at = QPointF(123, 77)
    before = view.to_image(at)
    view.zoom_to(view.scale * 3, at)
    after = view.to_image(at)
    assert after.x() == pytest.approx(before.x()) and after.y() == pytest.approx(before.y())


def test_a_fitted_image_lies_whole_in_the_view_and_follows_its_size(qtbot: QtBot) -> None:
    view = _shown(qtbot, ImageView())
    for size in ((400, 300), (240, 500)):
        view.resize(*size)
        frame = view.rect_to_widget((0, 0, 100, 80))
        assert QRectF(view.rect()).contains(frame)
        assert frame.width() > size[0] * 0.6 or frame.height() > size[1] * 0.6


def test_an_image_cannot_be_lost_by_panning(qtbot: QtBot) -> None:
    view = _shown(qtbot, ImageView())
    view.pan_by(QPointF(1e6, -1e6))
    assert view.rect_to_widget((0, 0, 100, 80)).intersects(QRectF(view.rect()))


def test_a_click_is_announced_in_image_pixels_and_a_drag_is_not(qtbot: QtBot) -> None:
    view = _shown(qtbot, ImageView())
    clicks: list[QPointF] = []
    view.image_clicked.connect(clicks.append)
    at = view.to_widget(QPointF(25, 40)).toPoint()
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=at)
    drag(qtbot, view, at, at + QPoint(60, 0))
    assert len(clicks) == 1
    assert clicks[0].x() == pytest.approx(25, abs=1) and clicks[0].y() == pytest.approx(40, abs=1)


def test_a_large_image_is_drawn_from_a_level_with_enough_pixels() -> None:
    pyramid = make_pyramid(np.zeros((3000, 4100, 3), np.uint8))
    assert [level.shape[1::-1] for level in pyramid.levels] == [
        (4100, 3000),
        (2050, 1500),
        (1025, 750),
        (512, 375),
    ]
    assert [pyramid.level_for(scale) for scale in (2.0, 0.6, 0.5, 0.2, 0.01)] == [0, 0, 1, 2, 3]


def test_only_neighbours_that_fit_in_memory_are_fetched_ahead() -> None:
    small = [ImageRecord(n, f"{n}.png", 640, 640) for n in range(3)]
    huge = [ImageRecord(n, f"{n}.png", 8000, 8000) for n in range(3, 6)]
    assert worth_fetching(small) == small
    assert worth_fetching([small[0], *huge], 300e6) == [small[0], huge[0]]


def test_another_image_replaces_the_pixels_on_the_screen(qtbot: QtBot) -> None:
    view = _shown(qtbot, ImageView())
    view.set_image(np.full((80, 100, 3), (255, 0, 0), np.uint8))
    assert view.grab().toImage().pixelColor(view.rect().center()) == QColor(255, 0, 0)
    view.set_image(None)
    assert view.grab().toImage().pixelColor(view.rect().center()) != QColor(255, 0, 0)


# -- boxes on the screen


def test_a_box_with_two_labels_shows_both_colours_on_its_outline() -> None:
    image = _painted([QColor("#ff0000"), QColor("#0000ff")], ["scratch", "pit"])
    along = {image.pixelColor(x, 50).name() for x in range(60, 240)}
    assert {"#ff0000", "#0000ff"} <= along


def test_a_box_shows_every_name_and_a_box_without_labels_says_so() -> None:
    def ink(names: list[str]) -> int:
        image = _painted([QColor("#ff0000")] * len(names), names)
        return sum(image.pixelColor(x, 40).name() != "#808080" for x in range(300))

    assert ink(["scratch", "pit"]) > ink(["scratch"]) > 40
    assert ink([]) > 60


def test_a_tag_stays_in_sight() -> None:
    bounds, size = QRectF(0, 0, 200, 100), QSizeF(80, 18)
    for rect in (QRectF(-20, -5, 50, 50), QRectF(180, 2, 60, 95), QRectF(0, 0, 200, 100), QRectF(90, 50, 20, 20)):
        assert bounds.contains(QRectF(tag_origin(rect, size, bounds), size))


def test_text_on_a_colour_contrasts_with_it() -> None:
    assert text_on(QColor("#f2dc4e")).lightness() < 40
    assert text_on(QColor("#1c2440")).lightness() > 200


# -- the canvas


def test_dragging_on_the_bare_image_draws(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (SMALL,))
    with qtbot.waitSignal(canvas.drawn) as drawn:
        drag(qtbot, canvas.view, _at(canvas, 60, 20), _at(canvas, 80, 26))
    assert drawn.args == [pytest.approx((60, 20, 80, 26), abs=0.6)]


def test_a_click_on_the_bare_image_draws_nothing_and_clears_the_selection(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (SMALL,))
    canvas.select_boxes({2})
    with qtbot.assertNotEmitted(canvas.drawn):
        qtbot.mouseClick(canvas.view, Qt.MouseButton.LeftButton, pos=_at(canvas, 80, 20))
    assert canvas.selected == frozenset()


def test_dragging_a_box_moves_it_and_announces_one_edit(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (BIG, SMALL))
    edits: list[tuple[tuple[Box, ...], str]] = []
    canvas.edited.connect(lambda boxes, name: edits.append((boxes, name)))
    drag(qtbot, canvas.view, _at(canvas, 40, 40), _at(canvas, 50, 45), steps=4)
    ((boxes, name),) = edits
    assert name == "Move box"
    assert boxes[0] == BIG
    assert boxes[1].xyxy == pytest.approx((40, 35, 60, 55), abs=0.6)


def test_dragging_a_handle_resizes(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (SMALL,))
    canvas.select_boxes({2})
    with qtbot.waitSignal(canvas.edited) as edited:
        drag(qtbot, canvas.view, _at(canvas, 50, 50), _at(canvas, 60, 65))
    assert edited.args[0][0].xyxy == pytest.approx((30, 30, 60, 65), abs=0.6)


def test_armed_the_next_drag_draws_over_a_box_and_disarms(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (BIG,))
    canvas.arm(True)
    with qtbot.waitSignal(canvas.drawn), qtbot.assertNotEmitted(canvas.edited):
        drag(qtbot, canvas.view, _at(canvas, 20, 20), _at(canvas, 40, 40))
    assert not canvas.armed


def test_armed_two_clicks_draw(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (BIG,))
    canvas.arm(True)
    qtbot.mouseClick(canvas.view, Qt.MouseButton.LeftButton, pos=_at(canvas, 20, 20))
    with qtbot.waitSignal(canvas.drawn) as drawn:
        qtbot.mouseClick(canvas.view, Qt.MouseButton.LeftButton, pos=_at(canvas, 70, 60))
    assert drawn.args == [pytest.approx((20, 20, 70, 60), abs=0.6)]


def test_a_sequence_of_nudges_is_one_edit(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (SMALL,))
    canvas.select_boxes({2})
    edits: list[tuple[tuple[Box, ...], str]] = []
    canvas.edited.connect(lambda boxes, name: edits.append((boxes, name)))
    for _ in range(3):
        qtbot.keyClick(canvas.view, Qt.Key.Key_Right)
    qtbot.keyClick(canvas.view, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert edits == []
    qtbot.wait(NUDGE_ENDS + 150)
    ((boxes, name),) = edits
    assert (boxes[0].xyxy, name) == ((33, 40, 53, 60), "Nudge box")


def test_an_arrow_that_is_held_is_one_edit_though_the_keyboard_waits_before_it_repeats(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (SMALL,))
    canvas.select_boxes({2})
    edits: list[tuple[tuple[Box, ...], str]] = []
    canvas.edited.connect(lambda boxes, name: edits.append((boxes, name)))
    qtbot.keyPress(canvas.view, Qt.Key.Key_Right)
    qtbot.wait(NUDGE_ENDS + 250)
    qtbot.keyPress(canvas.view, Qt.Key.Key_Right)
    assert edits == []
    qtbot.keyRelease(canvas.view, Qt.Key.Key_Right)
    qtbot.wait(NUDGE_ENDS + 150)
    assert [boxes[0].x1 for boxes, _ in edits] == [32]


def test_escape_gives_up_a_drag_and_then_the_selection(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (SMALL,))
    qtbot.mousePress(canvas.view, Qt.MouseButton.LeftButton, pos=_at(canvas, 40, 40))
    move(canvas.view, QPointF(_at(canvas, 60, 60)))
    assert canvas.boxes != (SMALL,)
    with qtbot.assertNotEmitted(canvas.edited):
        qtbot.keyClick(canvas.view, Qt.Key.Key_Escape)
        qtbot.mouseRelease(canvas.view, Qt.MouseButton.LeftButton, pos=_at(canvas, 60, 60))
    assert canvas.boxes == (SMALL,)
    canvas.select_boxes({2})
    qtbot.keyClick(canvas.view, Qt.Key.Key_Escape)
    assert canvas.selected == frozenset()


def test_read_only_boxes_can_be_selected_but_not_changed(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (SMALL,))
    canvas.set_editable(False)
    with qtbot.assertNotEmitted(canvas.edited), qtbot.assertNotEmitted(canvas.drawn):
        drag(qtbot, canvas.view, _at(canvas, 40, 40), _at(canvas, 60, 60))
        drag(qtbot, canvas.view, _at(canvas, 70, 10), _at(canvas, 90, 25))
        qtbot.mouseClick(canvas.view, Qt.MouseButton.LeftButton, pos=_at(canvas, 40, 40))
        qtbot.keyClick(canvas.view, Qt.Key.Key_Right)
        qtbot.wait(NUDGE_ENDS + 100)
    assert canvas.selected == {2}


def test_tab_selects_overlapping_boxes_in_turn(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (BIG, SMALL))
    qtbot.mouseClick(canvas.view, Qt.MouseButton.LeftButton, pos=_at(canvas, 40, 40))
    assert canvas.selected == {2}
    qtbot.keyClick(canvas.view, Qt.Key.Key_Tab)
    assert canvas.selected == {1}
    qtbot.keyClick(canvas.view, Qt.Key.Key_Tab)
    assert canvas.selected == {2}


def test_a_frame_can_begin_on_a_box_and_a_ctrl_click_there_still_toggles_it(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (BIG, SMALL))
    drag(qtbot, canvas.view, _at(canvas, 40, 40), _at(canvas, 40, 40) + QPoint(1, 1), modifiers=CONTROL)
    assert canvas.selected == {2}
    drag(qtbot, canvas.view, _at(canvas, 35, 35), _at(canvas, 60, 60), modifiers=CONTROL)
    assert canvas.selected == {1, 2}
    qtbot.mouseClick(canvas.view, Qt.MouseButton.LeftButton, CONTROL, _at(canvas, 40, 40))
    assert canvas.selected == {1}


def test_clicking_again_at_the_same_place_selects_the_next_box_there(qtbot: QtBot) -> None:
    canvas, seen = _canvas(qtbot, (BIG, SMALL)), []
    for at in ((40, 40), (40, 40), (40, 40), (35, 45)):
        qtbot.mouseClick(canvas.view, Qt.MouseButton.LeftButton, pos=_at(canvas, *at))
        seen += canvas.selected
    assert seen == [2, 1, 2, 2]


def test_the_box_that_was_cycled_to_is_the_one_that_a_drag_moves(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (BIG, SMALL))
    for _ in range(2):
        qtbot.mouseClick(canvas.view, Qt.MouseButton.LeftButton, pos=_at(canvas, 40, 40))
    with qtbot.waitSignal(canvas.edited):
        drag(qtbot, canvas.view, _at(canvas, 40, 40), _at(canvas, 45, 45))
    assert canvas.boxes[0] != BIG and canvas.boxes[1] == SMALL


def test_a_tremble_draws_nothing_and_says_so(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, ())
    with qtbot.assertNotEmitted(canvas.drawn):
        qtbot.mousePress(canvas.view, Qt.MouseButton.LeftButton, pos=_at(canvas, 50, 40))
        for by in (QPointF(6, 0), QPointF(2, 0)):
            move(canvas.view, QPointF(_at(canvas, 50, 40)) + by)
        assert "draws nothing" in canvas.hint
        qtbot.mouseRelease(canvas.view, Qt.MouseButton.LeftButton, pos=_at(canvas, 50, 40) + QPoint(2, 0))
    assert "too small" in canvas.hint


def test_a_second_click_too_near_the_first_lets_one_go_on_drawing(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, ())
    canvas.arm(True)
    for _ in range(2):
        qtbot.mouseClick(canvas.view, Qt.MouseButton.LeftButton, pos=_at(canvas, 20, 20))
    with qtbot.waitSignal(canvas.drawn):
        qtbot.mouseClick(canvas.view, Qt.MouseButton.LeftButton, pos=_at(canvas, 50, 50))


def test_a_box_drawn_to_near_the_border_reaches_it_unless_alt_is_held(qtbot: QtBot) -> None:
    canvas, drawn = _canvas(qtbot, ()), []
    canvas.drawn.connect(drawn.append)
    for modifiers in (Qt.KeyboardModifier.NoModifier, ALT):
        start, end = canvas.view.to_widget(QPointF(50, 40)), canvas.view.to_widget(QPointF(100, 80)) - QPointF(4, 4)
        drag(qtbot, canvas.view, start.toPoint(), end.toPoint(), modifiers=modifiers)
    assert drawn[0][2:] == (100, 80)
    assert 98 < drawn[1][2] < 100 and 78 < drawn[1][3] < 80


def test_locked_boxes_cannot_be_moved_resized_or_drawn_but_selected(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (SMALL,))
    canvas.set_state(locked=True)
    with qtbot.assertNotEmitted(canvas.edited), qtbot.assertNotEmitted(canvas.drawn):
        drag(qtbot, canvas.view, _at(canvas, 40, 40), _at(canvas, 60, 60))
        drag(qtbot, canvas.view, _at(canvas, 70, 10), _at(canvas, 90, 25))
        qtbot.mouseClick(canvas.view, Qt.MouseButton.LeftButton, pos=_at(canvas, 40, 40))
        assert canvas.selected == {2}
        drag(qtbot, canvas.view, _at(canvas, 50, 50), _at(canvas, 60, 60))
        canvas.select_boxes({2})
        qtbot.keyClick(canvas.view, Qt.Key.Key_Right)
        canvas.arm(True)
        qtbot.wait(NUDGE_ENDS + 100)
    assert not canvas.armed and canvas.boxes == (SMALL,)
    assert "locked" in canvas.hint
    canvas.set_state(locked=False)
    with qtbot.waitSignal(canvas.edited):
        drag(qtbot, canvas.view, _at(canvas, 40, 40), _at(canvas, 60, 60))


def test_locking_gives_up_what_is_being_drawn(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, ())
    canvas.arm(True)
    qtbot.mouseClick(canvas.view, Qt.MouseButton.LeftButton, pos=_at(canvas, 20, 20))
    canvas.set_state(locked=True)
    assert not canvas.armed
    with qtbot.assertNotEmitted(canvas.drawn):
        qtbot.mouseClick(canvas.view, Qt.MouseButton.LeftButton, pos=_at(canvas, 70, 60))


def test_while_boxes_are_hidden_a_drag_moves_the_image_and_nothing_is_hit(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (BIG,))
    canvas.set_state(hidden=True)
    before = canvas.view.to_widget(QPointF(0, 0))
    with qtbot.assertNotEmitted(canvas.edited), qtbot.assertNotEmitted(canvas.drawn):
        drag(qtbot, canvas.view, _at(canvas, 40, 40), _at(canvas, 45, 40))
    assert canvas.view.to_widget(QPointF(0, 0)).x() > before.x() + 5
    assert canvas.selected == frozenset()


def test_hidden_boxes_hidden_names_and_locks_show_a_sign_that_ends_them(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (BIG,))
    qtbot.addWidget(canvas.strip)
    canvas.strip.resize(600, canvas.strip.height())
    canvas.strip.show()
    for state, name in (("hidden", "hide"), ("names_hidden", "hide_names"), ("locked", "lock")):
        canvas.set_state(**{state: True})
        button = next(one for one in canvas.strip.findChildren(QToolButton) if one.isVisible())
        with qtbot.waitSignal(canvas.badge_clicked) as clicked:
            qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        assert clicked.args == [name]
        assert button.accessibleName() and canvas.strip.rect().contains(button.parentWidget().geometry())
        canvas.set_state(**{state: False})
        assert not any(one.isVisible() for one in canvas.strip.findChildren(QToolButton))


def test_names_are_hidden_without_the_boxes(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (Box(1, 20, 40, 80, 70, frozenset({1})),))
    above = QRectF(canvas.view.rect_to_widget((20, 40, 80, 70)).topLeft() - QPointF(0, 14), QSizeF(30, 8)).toRect()

    def ink() -> int:
        image = canvas.view.grab(above).toImage()
        return sum(image.pixelColor(x, y).name() != "#808080" for x in range(30) for y in range(8))

    assert ink() > 100
    canvas.set_state(names_hidden=True)
    assert ink() == 0


def test_measuring_tells_a_distance_and_draws_or_moves_nothing(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (BIG,))
    canvas.set_measuring(True)
    with qtbot.assertNotEmitted(canvas.edited), qtbot.assertNotEmitted(canvas.drawn):
        drag(qtbot, canvas.view, _at(canvas, 20, 20), _at(canvas, 50, 60))
    measure = canvas.measure
    assert measure is not None and measure.length == pytest.approx(50, abs=1)
    drag(qtbot, canvas.view, _at(canvas, 20, 20), _at(canvas, 50, 23), modifiers=Qt.KeyboardModifier.ShiftModifier)
    assert canvas.measure is not None and canvas.measure.dy == pytest.approx(0, abs=1e-6)
    qtbot.keyClick(canvas.view, Qt.Key.Key_Escape)
    assert canvas.measure is None and canvas.measuring
    qtbot.keyClick(canvas.view, Qt.Key.Key_Escape)
    assert not canvas.measuring


def test_ctrl_arrows_stretch_the_selected_box(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (SMALL,))
    canvas.select_boxes({2})
    with qtbot.waitSignal(canvas.edited) as edited:
        qtbot.keyClick(canvas.view, Qt.Key.Key_Right, CONTROL)
        qtbot.keyClick(canvas.view, Qt.Key.Key_Up, CONTROL | Qt.KeyboardModifier.ShiftModifier)
        canvas.finish_nudging()
    assert (edited.args[0][0].xyxy, edited.args[1]) == ((30, 30, 51, 40), "Resize box")


@pytest.mark.parametrize("what", ["key", "wheel", "press", "elsewhere"])
def test_nudges_are_announced_at_once_when_a_hand_does_anything_else(qtbot: QtBot, what: str) -> None:
    canvas = _canvas(qtbot, (SMALL,))
    canvas.select_boxes({2})
    edits: list[str] = []
    canvas.edited.connect(lambda _boxes, name: edits.append(name))
    other = QWidget()
    qtbot.addWidget(other)
    other.show()
    qtbot.keyClick(canvas.view, Qt.Key.Key_Right)
    qtbot.keyPress(canvas.view, Qt.Key.Key_Shift)
    assert edits == []
    if what == "key":
        qtbot.keyClick(canvas.view, Qt.Key.Key_F9)
    elif what == "wheel":
        at = QPointF(canvas.view.rect().center())
        wheel = QWheelEvent(
            at,
            canvas.view.mapToGlobal(at),
            QPoint(),
            QPoint(0, 120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(canvas.view, wheel)
    else:
        qtbot.mousePress(canvas.view if what == "press" else other, Qt.MouseButton.LeftButton, pos=QPoint(2, 2))
    assert edits == ["Nudge box"]


def test_a_box_can_be_drawn_by_keys_alone(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, ())
    canvas.arm(True)
    with qtbot.waitSignal(canvas.drawn) as drawn:
        qtbot.keyClick(canvas.view, Qt.Key.Key_Return)
    x1, y1, x2, y2 = drawn.args[0]
    assert ((x1 + x2) / 2, (y1 + y2) / 2) == pytest.approx((50, 40)) and not canvas.armed


def test_zooming_while_a_box_is_dragged_keeps_it_under_the_mouse(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (SMALL,))
    qtbot.mousePress(canvas.view, Qt.MouseButton.LeftButton, pos=_at(canvas, 40, 40))
    held = QPointF(_at(canvas, 45, 42))
    move(canvas.view, held)
    canvas.view.zoom_to(canvas.view.scale * 2, QPointF(10, 10))
    middle = canvas.view.rect_to_widget(canvas.boxes[0].xyxy).center()
    assert (middle - held).manhattanLength() < 3


def test_moving_over_the_same_box_paints_nothing_anew(qtbot: QtBot) -> None:
    canvas = _canvas(qtbot, (BIG,))
    paints: list[int] = []
    canvas.view.add_overlay(lambda _painter: paints.append(1))
    move(canvas.view, QPointF(_at(canvas, 40, 40)), Qt.MouseButton.NoButton)
    qtbot.wait(50)
    assert paints
    paints.clear()
    move(canvas.view, QPointF(_at(canvas, 50, 50)), Qt.MouseButton.NoButton)
    qtbot.wait(50)
    assert paints == []
    move(canvas.view, QPointF(_at(canvas, 95, 75)), Qt.MouseButton.NoButton)
    qtbot.wait(50)
    assert paints


def _shown(qtbot: QtBot, view: ImageView) -> ImageView:
    qtbot.addWidget(view)
    view.resize(400, 320)
    view.show()
    view.set_image(np.full((80, 100, 3), 128, np.uint8))
    return view


def _canvas(qtbot: QtBot, boxes: tuple[Box, ...]) -> AnnotationCanvas:
    canvas = AnnotationCanvas()
    _shown(qtbot, canvas.view)
    canvas.set_labels((Label(1, "scratch", "#ff0000", "1"), Label(2, "pit", "#0000ff", "2")))
    canvas.set_boxes(boxes)
    return canvas


def _at(canvas: AnnotationCanvas, x: float, y: float) -> QPoint:
    return canvas.view.to_widget(QPointF(x, y)).toPoint()


def _painted(colors: list[QColor], names: list[str]) -> QImage:
    image = QImage(300, 120, QImage.Format.Format_RGB32)
    image.fill(QColor("#808080"))
    painter = QPainter(image)
    paint_box(painter, QRectF(50, 50, 200, 60), colors, names)
    painter.end()
    return image
