"""The list of edits: what it shows, and going to any point of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from core.project.edits import image_edits
from core.project.edits.edit import HistoryEntry
from core.project.project import Project
from core.types import Status
from desktop.base.session import Session
from desktop.label.history_list import SETTLES, HistoryList
from desktop.label.history_rows import ABOUT, KIND, POSITION, HistoryRows
from tests.builders import draw, project_with_pictures


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    session = Session()
    session.adopt(project_with_pictures(tmp_path / "project", 3))
    yield session
    session.close()


@pytest.fixture
def history(qtbot: QtBot, session: Session) -> HistoryList:
    project = _project(session)
    ids = project.image_ids()
    draw(project, ids[0])
    project.apply(image_edits.set_status(project, ids[1:], Status.CLEAN))
    draw(project, ids[0], (1, 1, 9, 9), ["pit"])
    shown = HistoryList(session)
    qtbot.addWidget(shown)
    shown.resize(270, 400)
    shown.show()
    qtbot.waitExposed(shown)
    return shown


def _project(session: Session) -> Project:
    assert session.project is not None
    return session.project


def _rows(shown: HistoryList) -> list[tuple[str, str]]:
    model = shown.model
    return [(str(model.index(row).data(KIND)), str(model.index(row).data())) for row in range(model.rowCount())]


def _click(qtbot: QtBot, shown: HistoryList, row: int) -> None:
    rect = shown.view.visualRect(shown.model.index(row))
    qtbot.mouseClick(shown.view.viewport(), Qt.MouseButton.LeftButton, pos=rect.topLeft() + QPoint(30, 10))


def test_edits_are_listed_newest_first_below_the_line_of_now(history: HistoryList) -> None:
    assert _rows(history) == [
        ("now", "Now"),
        ("done", "Draw box"),
        ("done", "Mark clean"),
        ("done", "Draw box"),
        ("done", "Add 3 images"),
        ("start", "Before all of these"),
    ]
    about = str(history.model.index(2).data(ABOUT))
    assert about.startswith("today ") and about.endswith("2 images")


def test_a_click_undoes_everything_after_and_a_click_above_redoes_it(
    qtbot: QtBot, session: Session, history: HistoryList
) -> None:
    project = _project(session)
    first, second, _ = project.image_ids()
    _click(qtbot, history, 3)
    assert [kind for kind, _ in _rows(history)] == ["undone", "undone", "now", "done", "done", "start"]
    assert len(project.boxes(first)) == 1 and project.image(second).status is Status.UNLABELLED
    _click(qtbot, history, 1)
    assert [kind for kind, _ in _rows(history)] == ["undone", "now", "done", "done", "done", "start"]
    assert project.image(second).status is Status.CLEAN and len(project.boxes(first)) == 1
    _click(qtbot, history, 0)
    assert len(project.boxes(first)) == 2


def test_the_last_row_takes_everything_back_and_now_does_nothing(
    qtbot: QtBot, session: Session, history: HistoryList
) -> None:
    project = _project(session)
    _click(qtbot, history, 0)
    assert len(project.boxes(project.image_ids()[0])) == 2
    _click(qtbot, history, 5)
    assert project.image_ids() == []
    assert [kind for kind, _ in _rows(history)] == ["undone"] * 4 + ["now", "start"]


def test_keys_go_there_as_well(qtbot: QtBot, session: Session, history: HistoryList) -> None:
    history.view.setFocus()
    assert history.view.currentIndex().row() == 1
    qtbot.keyClick(history.view, Qt.Key.Key_Down)
    qtbot.keyClick(history.view, Qt.Key.Key_Return)
    assert len(_project(session).boxes(_project(session).image_ids()[0])) == 1
    assert history.view.currentIndex().row() == 2
    qtbot.keyClick(history.view, Qt.Key.Key_Up)
    assert history.view.currentIndex().row() == 0  # over the line of now
    qtbot.keyClick(history.view, Qt.Key.Key_Return)
    assert len(_project(session).boxes(_project(session).image_ids()[0])) == 2


def test_it_follows_edits_and_reads_nothing_while_it_is_hidden(
    qtbot: QtBot, session: Session, history: HistoryList
) -> None:
    project = _project(session)
    session.apply(image_edits.set_note(project, project.image_ids()[0], "glare"))
    qtbot.waitUntil(lambda: _rows(history)[1] == ("done", "Set note"), timeout=SETTLES * 20)
    history.hide()
    session.apply(image_edits.set_note(project, project.image_ids()[0], "none"))
    qtbot.wait(SETTLES * 2)
    assert len(_rows(history)) == 7
    history.show()
    assert len(_rows(history)) == 8
    session.close()
    qtbot.waitUntil(lambda: not _rows(history), timeout=SETTLES * 20)


def test_ten_thousand_edits_are_no_burden() -> None:
    entries = [HistoryEntry(n + 1, "Set note", "2026-03-03T10:00:00+00:00", 1, n < 9_000) for n in range(10_000)]
    model = HistoryRows()
    begin = time.perf_counter()
    model.show_entries(entries)
    assert time.perf_counter() - begin < 0.1
    assert model.rowCount() == 10_002 and model.now == 1_000 and model.counts == (9_000, 1_000)
    assert [model.index(row).data(POSITION) for row in (0, 999, 1_000, 1_001, 10_000, 10_001)] == [
        10_000,
        9_001,
        None,
        9_000,
        1,
        0,
    ]


def test_an_edit_of_one_image_names_it(history: HistoryList, session: Session) -> None:
    assert str(history.model.index(1).data(ABOUT)).endswith("part1.png")
    project = _project(session)
    session.apply(image_edits.remove_images(project, [project.image_ids()[0]]))
    history.refresh()
    assert str(history.model.index(2).data(ABOUT)).endswith("1 image")  # of what is not there no name is known


def test_an_edit_after_going_back_says_that_what_was_undone_is_gone(history: HistoryList, session: Session) -> None:
    said: list[str] = []
    session.message.connect(said.append)
    project = _project(session)
    session.undo()
    session.undo()
    session.apply(image_edits.set_status(project, project.image_ids()[2:], Status.CLEAN))
    assert said[-1].startswith("The 2 edits that were undone cannot be redone any more: “Mark clean”")
    said.clear()
    session.apply(image_edits.set_status(project, project.image_ids()[1:2], Status.CLEAN))
    assert said == []
