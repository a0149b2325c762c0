"""The palette finds an action by a few letters, runs it by Enter, and says why one cannot be run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from core.project.project import Project
from desktop.main_window import MainWindow
from desktop.models.fuzzy import rank, score
from desktop.services import Services
from desktop.session import Session
from desktop.widgets.palette import Command, CommandPalette, offered, remembered
from tests.desktop.window_builders import make_services

WORDS = st.text("abcde ", min_size=1, max_size=12)


@pytest.fixture
def host(qtbot: QtBot) -> Iterator[QWidget]:
    widget = QWidget()
    widget.resize(800, 600)
    widget.show()
    yield widget
    widget.close()


@given(WORDS, WORDS)
def test_a_word_fits_where_its_letters_come_in_order(word: str, text: str) -> None:
    letters = iter(text)
    assert (score(word, text) is not None) == all(letter in letters for letter in word)


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("np", "New project"),
        ("next", "Next image"),
        ("image next", "Next image"),
        ("add fo", "Add a folder of images"),
        ("dup", "Duplicate"),
        ("sett", "Settings"),
    ],
)
def test_what_a_person_means_comes_first(query: str, best: str) -> None:
    texts = [
        "Open project", "New project", "Add images", "Add a folder of images", "Previous image", "Next image",
        "Duplicate", "Delete", "Settings", "Fit to the window", "Unselect", "Take out of the project",
    ]  # fmt: skip
    assert rank(query, texts, lambda text: text)[0] == best


def test_what_can_be_done_comes_before_what_cannot_and_the_recent_before_the_rest(qapp: QApplication) -> None:
    commands = [_command(name, enabled=name != "b") for name in "abcd"]
    assert [one.id for one in offered(commands, "", ["d", "b"])] == ["d", "a", "c", "b"]
    assert [one.id for one in offered(commands, "action", ["c"])] == ["c", "a", "d", "b"]
    assert remembered(("a", "b"), "b") == ("b", "a")
    assert len(remembered(tuple("abcdefghij"), "x")) == 8


def test_letters_and_enter_choose_the_action_in_front(host: QWidget) -> None:
    palette, chosen = _palette(host, [_command("fit"), _command("grow"), _command("grip")])
    QTest.keyClicks(palette.search, "gr")
    assert [one.id for one in palette.shown] == ["grow", "grip"]
    QTest.keyClick(palette.search, Qt.Key.Key_Down)
    QTest.keyClick(palette.search, Qt.Key.Key_Return)
    assert chosen == ["grip"] and palette.isHidden()


def test_an_action_that_cannot_be_done_is_not_run_and_says_why(host: QWidget) -> None:
    palette, chosen = _palette(host, [_command("fit", enabled=False)])
    assert palette.about.text() == "needs more"
    QTest.keyClick(palette.search, Qt.Key.Key_Return)
    assert chosen == [] and palette.isVisible()
    QTest.keyClick(palette.search, Qt.Key.Key_Escape)
    assert not palette.isVisible()


def test_the_ends_of_the_list_meet(host: QWidget) -> None:
    palette, _ = _palette(host, [_command(name) for name in "abc"])
    QTest.keyClick(palette.search, Qt.Key.Key_Up)
    assert palette.list.currentIndex().row() == 2
    QTest.keyClick(palette.search, Qt.Key.Key_Down)
    assert palette.list.currentIndex().row() == 0


def test_leaving_gives_the_focus_back_and_a_click_beside_closes(qtbot: QtBot, host: QWidget) -> None:
    field, other = QLineEdit(host), QLineEdit(host)
    for one in (field, other):
        one.show()
    host.activateWindow()
    qtbot.waitUntil(host.isActiveWindow)
    field.setFocus()
    palette, _ = _palette(host, [_command("a")])
    assert palette.search.hasFocus()
    QTest.keyClick(palette.search, Qt.Key.Key_Escape)
    assert field.hasFocus()
    palette.open([_command("a")], ())
    other.setFocus()
    assert palette.isHidden() and other.hasFocus()


# -- in the window


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = make_services(tmp_path)
    yield made
    made.tasks.shut_down()


@pytest.fixture
def window(qtbot: QtBot, services: Services) -> Iterator[MainWindow]:
    session = Session()
    made = MainWindow(session, services)
    qtbot.addWidget(made)
    made.show()
    yield made
    session.close()


def test_the_window_offers_its_actions_and_those_of_the_page_in_front(window: MainWindow, tmp_path: Path) -> None:
    ids = {command.id for command in window._dialogs.commands(window._actions)}
    assert "window.new_project" in ids and "window.palette" not in ids
    assert not any(name.startswith("label.") for name in ids)
    window._session.adopt(Project.create(tmp_path / "parts"))
    ids = {command.id for command in window._dialogs.commands(window._actions)}
    assert {"label.draw", "label.next", "window.close_project"} <= ids
    window.show_page(2)
    ids = {command.id for command in window._dialogs.commands(window._actions)}
    assert "train.train" in ids and "label.draw" not in ids


def test_it_says_what_an_action_needs(window: MainWindow, tmp_path: Path) -> None:
    def why(name: str) -> str:
        return next(one.why for one in window._dialogs.commands(window._actions) if one.id == name)

    assert why("window.add_images") == "Open a project first."
    assert why("window.new_project") == ""
    window._session.adopt(Project.create(tmp_path / "parts"))
    assert why("window.add_images") == ""
    assert why("label.fit") == "The project has no images yet."


def test_what_was_run_is_remembered_and_done(window: MainWindow, services: Services, tmp_path: Path) -> None:
    window._session.adopt(Project.create(tmp_path / "parts"))

    window._actions["palette"].trigger()
    palette = window.findChild(CommandPalette)
    assert palette is not None
    QTest.keyClicks(palette.search, "close pro")
    QTest.keyClick(palette.search, Qt.Key.Key_Return)
    assert window._session.project is None
    assert services.settings.values.recent_actions == ("window.close_project",)


def _command(name: str, *, enabled: bool = True) -> Command:
    action = QAction(f"{name} action")
    action.setEnabled(enabled)
    return Command(name, action, "", "" if enabled else "needs more")


def _palette(host: QWidget, commands: list[Command]) -> tuple[CommandPalette, list[str]]:
    palette = CommandPalette(host)
    chosen: list[str] = []
    palette.chosen.connect(lambda command: chosen.append(command.id))
    palette.open(commands, ())
    return palette, chosen
