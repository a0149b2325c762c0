"""How often the boxes of the current image are read from the project's database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from desktop.base.session import Session
from desktop.label.label_page import LabelPage
from desktop.shell.main_window import MainWindow
from tests.builders import project_with_pictures
from tests.desktop.label.label_builders import boxes_of, draw_by_hand, loaded, next_image, shown_page
from tests.desktop.mouse import drag
from tests.desktop.window_builders import make_services

Statements = list[str]


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Statements:
    """The SQL of every project that is opened from now on, as it is run."""
    run: Statements = []
    connect = sqlite3.connect

    def connect_traced(*args: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*args, **options)
        connection.set_trace_callback(run.append)
        return connection

    monkeypatch.setattr(sqlite3, "connect", connect_traced)
    return run


@pytest.fixture
def page(qtbot: QtBot, tmp_path: Path, session: Session, statements: Statements) -> Iterator[LabelPage]:
    services = make_services(tmp_path)
    session.adopt(project_with_pictures(tmp_path / "parts", 2))
    yield shown_page(qtbot, session, services)
    services.tasks.shut_down()


@pytest.fixture
def session() -> Iterator[Session]:
    session = Session()
    yield session
    session.close()


def count_box_reads(statements: Statements) -> int:
    return sum("SELECT" in statement and "FROM boxes" in statement for statement in statements)


def test_a_drawn_box_reads_the_boxes_of_its_image_once(
    qtbot: QtBot, page: LabelPage, session: Session, statements: Statements
) -> None:
    for number in range(1, 4):
        statements.clear()
        draw_by_hand(qtbot, page, (4, 14 * number - 10), (24, 14 * number))
        page.canvas.view.repaint()
        assert count_box_reads(statements) == 1
        assert page.canvas.boxes == boxes_of(session) and len(page.canvas.boxes) == number


def test_in_a_whole_window_whose_other_pages_follow_it_is_read_once_as_well(
    qtbot: QtBot, statements: Statements, window: MainWindow, tmp_path: Path
) -> None:
    session = window.session
    session.adopt(project_with_pictures(tmp_path / "parts", 2))
    page = window.get_page("Label")
    assert isinstance(page, LabelPage)
    loaded(qtbot, page)
    statements.clear()
    draw_by_hand(qtbot, page, (5, 5), (25, 25))
    page.canvas.view.repaint()
    assert count_box_reads(statements) == 1
    assert page.canvas.boxes == boxes_of(session) and len(page.canvas.boxes) == 1


def test_a_moved_box_reads_the_boxes_of_its_image_once(
    qtbot: QtBot, page: LabelPage, session: Session, statements: Statements
) -> None:
    draw_by_hand(qtbot, page, (5, 5), (25, 25))
    statements.clear()
    view = page.canvas.view
    start = view.rect_to_widget(page.canvas.boxes[0].xyxy).center().toPoint()
    drag(qtbot, view, start, start * 1.2)
    view.repaint()
    assert count_box_reads(statements) == 1
    assert page.canvas.boxes == boxes_of(session)


def test_an_image_that_is_gone_to_reads_its_boxes_once(qtbot: QtBot, page: LabelPage, statements: Statements) -> None:
    statements.clear()
    next_image(qtbot, page)
    page.canvas.view.repaint()
    assert count_box_reads(statements) == 1
