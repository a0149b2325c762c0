"""The overview in the corner, and the bars above and below the canvas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from core.types import Box, ImageRecord
from desktop.base.actions import LABEL, ActionSet
from desktop.base.theme import apply_theme, set_icon
from desktop.kit.parts import ElidedLabel
from desktop.label.canvas.annotation_canvas import AnnotationCanvas
from desktop.label.canvas.minimap import LONGEST, Minimap, is_wanted, shown_size, to_image, to_minimap
from desktop.label.canvas_bars import GIVING_WAY, GROUPS, MORE, VERDICTS, CanvasBar, PointerBar, giving_way
from tests.desktop.label.page_driver import find_only
from tests.desktop.mouse import move

WIDE = QSize(900, 700)


def test_it_is_wanted_where_a_part_of_the_image_is_out_of_sight_and_there_is_room() -> None:
    whole, part = QRectF(0, 0, 1000, 800), QRectF(0, 0, 400, 800)
    assert not is_wanted(whole, 1000, 800, WIDE)
    assert is_wanted(part, 1000, 800, WIDE)
    assert not is_wanted(part, 1000, 800, QSize(300, 250))
    assert not is_wanted(QRectF(), 0, 0, WIDE)


@given(st.integers(1, 40_000), st.integers(1, 40_000), st.floats(0, 1), st.floats(0, 1))
def test_a_point_and_its_place_on_the_map_belong_together(width: int, height: int, x: float, y: float) -> None:
    size = shown_size(width, height, WIDE)
    assert max(size.width(), size.height()) <= LONGEST + 1e-6 and min(size.width(), size.height()) >= 30 - 1e-6
    there = to_minimap(QRectF(x * width, y * height, 0, 0), width, height, size).center()
    back = to_image(there, width, height, size)
    assert (back.x(), back.y()) == pytest.approx((x * width, y * height), abs=width * 1e-6 + height * 1e-6 + 1e-6)


def test_what_is_seen_has_a_frame_that_can_be_seen_at_any_zoom() -> None:
    size = shown_size(30_000, 2_000, WIDE)
    frame = to_minimap(QRectF(100, 100, 20, 20), 30_000, 2_000, size)
    assert frame.width() >= 6 and frame.height() >= 6


def _canvas(qtbot: QtBot, width: int = 3000, height: int = 2000) -> tuple[AnnotationCanvas, Minimap]:
    canvas = AnnotationCanvas()
    qtbot.addWidget(canvas.view)
    canvas.view.resize(WIDE)
    canvas.view.show()
    canvas.set_image(np.full((height, width, 3), 128, np.uint8))
    minimap = canvas.view.findChild(Minimap)
    assert minimap is not None
    return canvas, minimap


def test_it_comes_with_zooming_in_and_goes_with_fitting(qtbot: QtBot) -> None:
    canvas, minimap = _canvas(qtbot)
    assert not minimap.isVisible()
    canvas.view.zoom_to(1.0, QPointF(100, 100))
    assert minimap.isVisible() and canvas.view.rect().contains(minimap.geometry())
    canvas.view.resize(700, 500)
    assert canvas.view.rect().contains(minimap.geometry())
    canvas.set_state(minimap=False)
    assert not minimap.isVisible()
    canvas.set_state(minimap=True)
    canvas.view.fit_image()
    assert not minimap.isVisible()


def test_a_click_goes_there_and_a_drag_of_the_frame_moves_the_view(qtbot: QtBot) -> None:
    canvas, minimap = _canvas(qtbot)
    canvas.view.zoom_to(1.0, QPointF(0, 0))
    qtbot.mouseClick(minimap, Qt.MouseButton.LeftButton, pos=minimap.rect().center())
    middle = canvas.view.visible_rect().center()
    assert (middle.x(), middle.y()) == pytest.approx((1500, 1000), abs=40)
    qtbot.mousePress(minimap, Qt.MouseButton.LeftButton, pos=minimap.rect().center())
    taken = canvas.view.visible_rect().center()
    assert (taken - middle).manhattanLength() < 1  # taking the frame does not move it
    move(minimap, QPointF(minimap.rect().center()) + QPointF(20, 0))
    assert canvas.view.visible_rect().center().x() > taken.x() + 200


def test_a_press_on_the_map_draws_no_box(qtbot: QtBot) -> None:
    canvas, minimap = _canvas(qtbot)
    canvas.view.zoom_to(1.0, QPointF(0, 0))
    with qtbot.assertNotEmitted(canvas.drawn):
        qtbot.mousePress(minimap, Qt.MouseButton.LeftButton, pos=QPoint(20, 20))
        move(minimap, QPointF(90, 90))
        qtbot.mouseRelease(minimap, Qt.MouseButton.LeftButton, pos=QPoint(90, 90))


def test_it_gives_way_to_a_hand_that_draws_there(qtbot: QtBot) -> None:
    canvas, minimap = _canvas(qtbot)
    canvas.view.zoom_to(1.0, QPointF(0, 0))
    middle = QPointF(minimap.geometry().center())
    qtbot.mousePress(canvas.view, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    move(canvas.view, middle)
    assert not minimap.isVisible()
    qtbot.mouseRelease(canvas.view, Qt.MouseButton.LeftButton, pos=middle.toPoint())
    assert minimap.isVisible()


def test_it_is_smaller_in_a_small_view() -> None:
    sides = [shown_size(3000, 2000, QSize(side, side)).width() for side in (400, 700, 2000)]
    assert sides == pytest.approx([120, 168, LONGEST])


def test_another_image_is_another_map(qtbot: QtBot) -> None:
    canvas, minimap = _canvas(qtbot)
    canvas.view.zoom_to(1.0, QPointF(0, 0))
    before = minimap.source
    canvas.set_image(np.full((2000, 3000, 3), 200, np.uint8), keep_view=True)
    assert minimap.isVisible() and minimap.source is not before


# -- bars


def test_the_names_of_files_are_given_room_by_leaving_tools_to_the_menu() -> None:
    widths = dict.fromkeys(GIVING_WAY, 30)
    assert giving_way(1000, widths, 300) == frozenset()
    left_out = [len(giving_way(room, widths, 300)) for room in range(300 + 30 * len(widths), 270, -30)]
    assert left_out == list(range(len(widths) + 1))
    assert giving_way(0, widths, 300) == frozenset(GIVING_WAY)


def test_whatever_gives_way_on_the_bar_is_in_its_menu() -> None:
    offered = {name for group in MORE for name in group}
    tools = {name for group in GROUPS for name in group}
    assert set(GIVING_WAY) - {"words", "delete"} <= offered
    assert tools - {"draw", "delete"} <= offered


@pytest.mark.parametrize("width", [420, 640, 1000, 1600])
def test_the_bar_keeps_the_name_readable_in_narrow_and_wide_windows(
    qtbot: QtBot, qapp: QApplication, width: int
) -> None:
    apply_theme(qapp, "dark")  # whose style sheet says how wide buttons are
    names = ["previous", "next", "go_to_image", *(name for group in (*GROUPS, *MORE) for name in group), *VERDICTS]
    around = QWidget()
    qtbot.addWidget(around)
    actions = {name: QAction(name.title(), around) for name in names}
    for action in actions.values():
        set_icon(action, "draw")
    bar = CanvasBar(actions, around)
    around.show()
    for way in (width - 300, width + 500, width):
        bar.resize(way, 46)
        bar.show_record(ImageRecord(1, "images/a-rather-long-file-name-0001.png", 10, 10), 1234, 12345)
        qtbot.wait(20)
    inside = [one for one in bar.findChildren(QToolButton) if one.isVisible()]
    assert all(bar.rect().contains(one.geometry()) for one in inside)
    assert find_only(bar, ElidedLabel).width() >= (120 if width >= 640 else 24)
    shown = any(one.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonTextBesideIcon for one in inside)
    assert shown == (width >= 1000)


def test_the_bar_below_tells_pixel_value_size_and_zoom(qtbot: QtBot) -> None:
    canvas, _ = _canvas(qtbot, 300, 200)
    host = QWidget()
    qtbot.addWidget(host)
    foot = PointerBar(ActionSet(host, LABEL), host)
    foot.follow_canvas(canvas)
    canvas.set_mm_per_pixel(0.1)
    canvas.set_boxes([Box(1, 10, 10, 60, 40, frozenset())])
    canvas.select_boxes({1})
    assert foot.texts.size == "50 × 30 px · 5.00 × 3.00 mm"
    move(canvas.view, canvas.view.to_widget(QPointF(20.7, 30.2)), Qt.MouseButton.NoButton)
    assert (foot.texts.place, foot.texts.value) == ("x 20  y 30", "128")
    canvas.view.zoom_to(2.0, QPointF(10, 10))
    assert foot.texts.zoom == "200%"
    foot.clear()
    assert not any(foot.texts)
