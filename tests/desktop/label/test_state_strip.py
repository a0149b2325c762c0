"""What is switched on is said beside the image: it hides no pixel, and the image stays where it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, QRect
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QToolButton
from pytestqt.qtbot import QtBot

from desktop.base.session import Session
from desktop.label.canvas.badges import Badge
from desktop.label.canvas.state_strip import StateStrip
from desktop.label.label_page import LabelPage
from tests.builders import draw, project_with_pictures
from tests.desktop.label.page_driver import find_action


@pytest.fixture
def session(tmp_path: Path) -> Session:
    project = project_with_pictures(tmp_path / "parts", 2)
    for image_id in project.image_ids():
        draw(project, image_id)
    session = Session()
    session.adopt(project)
    return session


STATES = ("hide", "hide_names", "lock", "measure", "keep_labels")


@pytest.mark.parametrize("name", STATES)
def test_no_state_covers_or_moves_the_image(page: LabelPage, name: str) -> None:
    view, strip = page.canvas.view, page.canvas.strip
    before = (view.geometry(), view.to_widget(QPointF(0, 0)), view.scale)
    find_action(page, name).trigger()
    assert (view.geometry(), view.to_widget(QPointF(0, 0)), view.scale) == before
    place = QRect(strip.mapTo(page, QPoint(0, 0)), strip.size())
    assert not place.intersects(QRect(view.mapTo(page, QPoint(0, 0)), view.size()))
    assert page.canvas.badges or "KEEPING" in strip.words


def test_the_labels_of_the_next_box_are_said_at_all_times(page: LabelPage, session: Session) -> None:
    assert page.canvas.strip.words == "Next box: no label yet"
    find_action(page, "keep_labels").trigger()
    assert page.canvas.strip.words.startswith("KEEPING for every next box:")


def test_signs_go_without_words_before_they_are_cut(qtbot: QtBot) -> None:
    strip = StateStrip()
    qtbot.addWidget(strip)
    strip.show()
    strip.show_next(["scratch", "pit"], [QColor("red"), QColor("blue")], kept=True, off_key="K")
    strip.show_badges([Badge(str(number), f"State {number}", "lock", "A tip") for number in range(4)])
    for width in (420, 1200):
        strip.resize(width, strip.height())
        for _ in range(4):
            QApplication.processEvents()
        buttons = [one for one in strip.findChildren(QToolButton) if one.isVisible()]
        assert len(buttons) == 4
        assert not [(one.width(), one.sizeHint().width()) for one in buttons if one.width() < one.sizeHint().width()]
        assert strip.rect().contains(QRect(strip.badges.pos(), strip.badges.size()))
    assert "scratch, pit" in strip.words and "K stops it" in strip.words
