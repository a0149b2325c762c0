"""While one works on an image nothing moves it, and what is said of it is true."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF, Qt
from pytestqt.qtbot import QtBot

from core.changes import Changes
from desktop.base.session import Session
from desktop.label.adjust_panel import AdjustPanel
from desktop.label.canvas.overlay import HANDLE
from desktop.label.canvas.tags import place_tags
from desktop.label.label_page import LabelPage
from desktop.viewer.view import SETTLED_MS
from tests.builders import draw, project_with_pictures
from tests.desktop.label.label_builders import loaded
from tests.desktop.label.page_driver import find_action, find_only

MANY_BOXES = 60


@pytest.fixture
def session(tmp_path: Path) -> Session:
    project = project_with_pictures(tmp_path / "parts", 2)
    for image_id in project.image_ids():
        for number in range(MANY_BOXES):
            draw(project, image_id, (number % 20, number // 20 * 8, number % 20 + 5, number // 20 * 8 + 7))
    session = Session()
    session.adopt(project)
    return session


def test_a_notice_leaves_the_image_where_it_is_on_the_screen(qtbot: QtBot, page: LabelPage) -> None:
    view = page.canvas.view
    qtbot.wait(SETTLED_MS + 50)
    before = view.mapToGlobal(view.to_widget(QPointF(10, 10)))
    scale = view.scale
    page.notice.show_notice("Something happened that takes a line to say.", "warning")
    qtbot.waitUntil(lambda: page.notice.height() > 0 and view.y() > page.notice.y())
    assert view.scale == scale
    assert view.mapToGlobal(view.to_widget(QPointF(10, 10))) == before
    page.notice.clear()
    qtbot.waitUntil(lambda: view.mapToGlobal(view.to_widget(QPointF(10, 10))) == before)


def test_another_size_of_the_window_fits_the_image_again(qtbot: QtBot, page: LabelPage) -> None:
    qtbot.wait(SETTLED_MS + 50)
    before = page.canvas.view.scale
    page.resize(page.width() - 200, page.height() - 200)
    qtbot.waitUntil(lambda: page.canvas.view.scale < before)


def test_esc_closes_the_adjustment_when_there_is_nothing_else_to_cancel(qtbot: QtBot, page: LabelPage) -> None:
    find_action(page, "adjust").trigger()
    panel = find_only(page.canvas.view, AdjustPanel)
    page.canvas.select_boxes([page.canvas.boxes[0].id])
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_Escape)
    assert panel.isVisible() and not page.canvas.selected
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_Escape)
    assert not panel.isVisible() and not find_action(page, "adjust").isChecked()


def test_the_list_of_boxes_keeps_its_place_on_an_image_and_begins_anew_on_the_next(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    bar = page.box_list.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    bar.setValue(bar.maximum() // 2)
    place = bar.value()
    assert session.project is not None and session.image_id is not None
    page.canvas.select_boxes([])
    find_action(page, "select_all").trigger()
    page.canvas.select_boxes([])
    bar.setValue(place)
    draw_one_more(session)
    assert bar.value() == place
    find_action(page, "next").trigger()
    loaded(qtbot, page)
    assert bar.value() == 0


def draw_one_more(session: Session) -> None:
    assert session.project is not None and session.image_id is not None
    draw(session.project, session.image_id)
    session.notify(Changes(images=frozenset({session.image_id})))


def test_behind_another_page_the_canvas_says_nothing_in_the_status_bar(page: LabelPage, session: Session) -> None:
    said: list[str] = []
    session.hint.connect(said.append)
    page.hide()
    page.canvas.set_state(hidden=True)
    assert said == []
    page.show()
    page.canvas.set_state(hidden=False)
    assert said


@pytest.mark.parametrize("rect", [(200, 150, 400, 300), (2, 2, 90, 60), (300, 2, 420, 398), (2, 2, 498, 398)])
def test_no_name_lies_on_a_handle(rect: tuple[float, float, float, float]) -> None:
    bounds, (x1, y1, x2, y2) = QRectF(0, 0, 500, 400), rect
    (tag,) = place_tags(np.array([rect], float), {0: (60.0, 20.0)}, bounds, [0], HANDLE)
    across, down = ((x1, (x1 + x2) / 2, x2), (y1, (y1 + y2) / 2, y2))
    handles = [QRectF(x - HANDLE / 2, y - HANDLE / 2, HANDLE, HANDLE) for x in across for y in down]
    del handles[4]  # the middle
    name = QRectF(tag.x, tag.y, 60, 20)
    assert bounds.contains(name) and not any(name.intersects(handle) for handle in handles)
