"""On the Label page: an image that takes long is labelled on its preview, and one without says how long it takes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from core.project.project import Project
from desktop.base.session import Session
from desktop.label.label_page import LabelPage
from desktop.services import Services
from tests.builders import write_picture
from tests.desktop.label.label_builders import at, boxes_of, draw_by_hand
from tests.desktop.viewer.test_slow_pictures import gate, write_large

__all__ = ["gate"]


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    (tmp_path / "images").mkdir()
    write_large(tmp_path / "images" / "1 large.jpg")
    write_large(tmp_path / "images" / "2 large.png")
    write_picture(tmp_path / "images" / "3 small.png")
    project = Project.create(tmp_path / "project", ["scratch"])
    project.files.add_images([tmp_path / "images"])
    session = Session()
    session.adopt(project)
    yield session
    session.close()


@pytest.fixture
def page(qtbot: QtBot, session: Session, services: Services, gate: threading.Event) -> LabelPage:
    page = LabelPage(session, services)
    qtbot.addWidget(page)
    page.resize(1200, 700)
    page.show()
    qtbot.waitExposed(page)
    page.activated()
    return page


def test_boxes_are_drawn_on_the_preview_and_a_drag_outlives_it(
    qtbot: QtBot, page: LabelPage, session: Session, gate: threading.Event
) -> None:
    qtbot.waitUntil(lambda: page.canvas.view.has_image)
    assert page.canvas.view.image_size.width() == 1600 and page.canvas.view.rgb_at(5, 5) is None
    draw_by_hand(qtbot, page, (100, 200), (500, 600))
    assert boxes_of(session)[0].xyxy == pytest.approx((100, 200, 500, 600), abs=3)
    view, place = page.canvas.view, at(page, 300, 400)
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=place)
    QTest.mouseMove(view, at(page, 400, 450))
    gate.set()
    qtbot.waitUntil(lambda: view.rgb_at(5, 5) is not None)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=at(page, 400, 450))
    (box,) = boxes_of(session)
    assert box.xyxy == pytest.approx((200, 250, 600, 650), abs=6)


def test_an_image_without_a_preview_says_how_large_it_is_and_the_next_is_there_at_once(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    qtbot.waitUntil(lambda: page.canvas.view.has_image)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_D)
    qtbot.waitUntil(lambda: page.canvas.view.message.startswith("Reading 1,600 × 1,200 pixels, 2 megapixels"))
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_D)
    qtbot.waitUntil(lambda: page.canvas.view.has_image)
    draw_by_hand(qtbot, page, (5, 6), (30, 36))
    assert len(boxes_of(session)) == 1
    assert page.canvas.view.message == ""


class Paints(QObject):
    """Counts how often a widget is painted."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.Paint
        return False


def test_a_drag_on_a_small_image_is_drawn_at_every_step_while_a_large_one_is_decoded(
    qtbot: QtBot, page: LabelPage, session: Session, gate: threading.Event
) -> None:
    view = page.canvas.view
    qtbot.waitUntil(lambda: view.has_image)
    qtbot.keyClick(view, Qt.Key.Key_D)
    qtbot.waitUntil(lambda: view.message.startswith("Reading"))
    qtbot.keyClick(view, Qt.Key.Key_D)
    qtbot.waitUntil(lambda: view.has_image)
    paints = Paints(view)
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=at(page, 5, 6))
    for step in range(1, 6):
        before = paints.count
        QTest.mouseMove(view, at(page, 5 + 5 * step, 6 + 6 * step))
        qtbot.waitUntil(lambda before=before: paints.count > before, timeout=2000)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=at(page, 30, 36))
    assert boxes_of(session)[0].xyxy == pytest.approx((5, 6, 30, 36), abs=2)
    assert not gate.is_set() and view.rgb_at(5, 5) is not None
