"""A Label page on a real project, for tests of labels and boxes."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, Qt
from pytestqt.qtbot import QtBot

from core.project.project import Project
from core.types import Box
from desktop.base.session import Session
from desktop.label.label_page import LabelPage
from desktop.services import Services
from tests.desktop.mouse import drag

CONTROL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
KEYS = {str(digit): Qt.Key(Qt.Key.Key_0 + digit) for digit in range(10)}


def shown_page(qtbot: QtBot, session: Session, services: Services) -> LabelPage:
    """The page on the screen, with its first image decoded and the keys on the canvas."""
    page = LabelPage(session, services)
    qtbot.addWidget(page)
    page.resize(1200, 700)
    page.show()
    qtbot.waitExposed(page)
    page.activated()
    loaded(qtbot, page)
    return page


def loaded(qtbot: QtBot, page: LabelPage) -> None:
    qtbot.waitUntil(lambda: page.canvas.view.has_image, timeout=10_000)


def at(page: LabelPage, x: float, y: float) -> QPoint:
    return page.canvas.view.to_widget(QPointF(x, y)).toPoint()


def draw_by_hand(qtbot: QtBot, page: LabelPage, start: tuple[float, float], end: tuple[float, float]) -> None:
    drag(qtbot, page.canvas.view, at(page, *start), at(page, *end))


def project_of(session: Session) -> Project:
    assert session.project is not None
    return session.project


def boxes_of(session: Session) -> tuple[Box, ...]:
    """The boxes of the current image as they are on the disk."""
    assert session.image_id is not None
    return project_of(session).boxes(session.image_id)


def names(session: Session, box: Box) -> list[str]:
    return [label.name for label in project_of(session).labels() if label.id in box.labels]


def next_image(qtbot: QtBot, page: LabelPage) -> None:
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_D)
    loaded(qtbot, page)
