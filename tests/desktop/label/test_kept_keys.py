"""Where Space marks an image as reviewed, a tap does it, and holding it still moves the image."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from core.types import Status
from desktop.base.session import Session
from desktop.label.label_page import LabelPage
from desktop.services import Services
from tests.builders import project_with_pictures
from tests.desktop.label.label_builders import KEYS, draw_by_hand, project_of, shown_page


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    session = Session()
    session.adopt(project_with_pictures(tmp_path / "parts", 2))
    yield session
    session.close()


@pytest.fixture
def page(qtbot: QtBot, session: Session, services: Services) -> LabelPage:
    services.settings.update(shortcut_preset="labelImg")
    made = shown_page(qtbot, session, services)
    services.keymap.attach_actions("label", made, made.actions())
    draw_by_hand(qtbot, made, (5, 5), (40, 30))
    qtbot.keyClick(made.canvas.view, KEYS["1"])
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    made.canvas.view.setFocus()
    return made


def first_status(session: Session) -> Status:
    project = project_of(session)
    return project.image(project.image_ids()[0]).status


def test_a_tap_over_the_image_reviews_it_on_release(page: LabelPage, session: Session) -> None:
    QTest.keyPress(page.canvas.view, Qt.Key.Key_Space)
    assert first_status(session) is Status.LABELLED and page.canvas.view.panning
    QTest.keyRelease(page.canvas.view, Qt.Key.Key_Space)
    assert first_status(session) is Status.REVIEWED and not page.canvas.view.panning


def test_space_held_to_move_the_image_reviews_nothing(page: LabelPage, session: Session) -> None:
    page.canvas.view.zoom_by(40)
    before = page.canvas.view.visible_rect()
    QTest.keyPress(page.canvas.view, Qt.Key.Key_Space)
    QTest.mousePress(page.canvas.view, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    QTest.mouseMove(page.canvas.view, QPoint(140, 120))
    QTest.mouseRelease(page.canvas.view, Qt.MouseButton.LeftButton, pos=QPoint(140, 120))
    QTest.keyRelease(page.canvas.view, Qt.Key.Key_Space)
    assert page.canvas.view.visible_rect() != before
    assert first_status(session) is Status.LABELLED


def test_space_held_for_long_is_no_tap(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    QTest.keyPress(page.canvas.view, Qt.Key.Key_Space)
    qtbot.wait(450)
    QTest.keyRelease(page.canvas.view, Qt.Key.Key_Space)
    assert first_status(session) is Status.LABELLED


def test_space_presses_the_button_that_has_the_focus(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    pressed: list[bool] = []
    button = QPushButton("Other", page)
    button.clicked.connect(lambda: pressed.append(True))
    button.show()
    button.setFocus()
    QTest.keyClick(button, Qt.Key.Key_Space)
    assert len(pressed) == 1
    assert first_status(session) is Status.LABELLED


def test_in_the_list_of_images_space_reviews_at_once(page: LabelPage, session: Session) -> None:
    page.images.view.setFocus()
    QTest.keyClick(page.images.view, Qt.Key.Key_Space)
    assert first_status(session) is Status.REVIEWED


def test_without_such_a_preset_a_tap_does_nothing(page: LabelPage, session: Session, services: Services) -> None:
    services.settings.update(shortcut_preset="defectdesk")
    assert all(QKeySequence(Qt.Key.Key_Space) not in action.shortcuts() for action in page.actions())
    QTest.keyClick(page.canvas.view, Qt.Key.Key_Space)
    assert first_status(session) is Status.LABELLED
