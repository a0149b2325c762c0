"""The palette finds an action by a few letters, runs it by Enter, and says why one cannot be run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QIcon
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from core.project.project import Project
from desktop.label.label_page import LabelPage
from desktop.services import Services
from desktop.shell.fuzzy import rank_items, score_word
from desktop.shell.main_window import MainWindow
from desktop.shell.palette import (
    Command,
    CommandPalette,
    Entry,
    PaletteResult,
    Row,
    arrange_rows,
    list_offered,
    remember_command,
)
from tests.builders import draw, project_with_pictures

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
    assert (score_word(word, text) is not None) == all(letter in letters for letter in word)


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
        "Open project",
        "New project",
        "Add images",
        "Add a folder of images",
        "Previous image",
        "Next image",
        "Duplicate",
        "Delete",
        "Settings",
        "Fit to the window",
        "Unselect",
        "Take out of the project",
    ]
    assert rank_items(query, texts, lambda text: text)[0] == best


def test_what_can_be_done_comes_before_what_cannot_and_the_recent_before_the_rest(qapp: QApplication) -> None:
    commands = [_command(name, enabled=name != "b") for name in "abcd"]
    assert [one.id for one in list_offered(commands, "", ["d", "b"])] == ["d", "a", "c", "b"]
    assert [one.id for one in list_offered(commands, "action", ["c"])] == ["c", "a", "d", "b"]
    assert remember_command(("a", "b"), "b") == ("b", "a")
    assert len(remember_command(tuple("abcdefghij"), "x")) == 8


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
    palette.open_with([_command("a")], ())
    other.setFocus()
    assert palette.isHidden() and other.hasFocus()


# -- in the window


def test_the_window_offers_its_actions_and_those_of_the_page_in_front(window: MainWindow, tmp_path: Path) -> None:
    ids = {command.id for command in window.dialogs.list_commands()}
    assert "window.new_project" in ids and "window.palette" not in ids
    assert not any(name.startswith("label.") for name in ids)
    window.session.adopt(Project.create(tmp_path / "parts"))
    ids = {command.id for command in window.dialogs.list_commands()}
    assert {"label.draw", "label.next", "window.close_project"} <= ids
    window.pages.show_page(2)
    ids = {command.id for command in window.dialogs.list_commands()}
    assert "train.train" in ids and "label.draw" not in ids


def test_it_says_what_an_action_needs(window: MainWindow, tmp_path: Path) -> None:
    def why(name: str) -> str:
        return next(one.why for one in window.dialogs.list_commands() if one.id == name)

    assert why("window.add_images") == "Open a project first."
    assert why("window.new_project") == ""
    window.session.adopt(Project.create(tmp_path / "parts"))
    assert why("window.add_images") == ""
    assert why("label.fit") == "The project has no images yet."


def test_what_was_run_is_remembered_and_done(window: MainWindow, services: Services, tmp_path: Path) -> None:
    window.session.adopt(Project.create(tmp_path / "parts"))

    window.action_set["palette"].trigger()
    palette = window.findChild(CommandPalette)
    assert palette is not None
    QTest.keyClicks(palette.search, "close pro")
    QTest.keyClick(palette.search, Qt.Key.Key_Return)
    assert window.session.project is None
    assert services.settings.values.recent_actions == ("window.close_project",)


def test_what_reads_as_typed_comes_before_what_the_letters_may_mean(qapp: QApplication) -> None:
    commands = [_command("stage"), _command("set a grain")]
    found = [_found("Labels", "stain"), _found("Images", "stain_1.png"), _found("Images", "stain_2.png")]
    assert _texts(arrange_rows(commands, found, "sta")) == [
        "Actions",
        "stage action",
        "Labels",
        "stain",
        "Images",
        "stain_1.png",
        "stain_2.png",
        "Other actions",
        "set a grain action",
    ]
    assert _texts(arrange_rows(commands[1:], found[:1], "sta")) == ["Labels", "stain", "Actions", "set a grain action"]
    assert arrange_rows(commands, [], "sta") == commands


def test_headings_are_never_chosen_and_the_list_is_as_high_as_it_needs(host: QWidget) -> None:
    palette, chosen = CommandPalette(host), []
    palette.chosen.connect(lambda entry: chosen.append(entry.text))
    palette.open_with(
        [_command(name) for name in "abcdefghijkl"], (), lambda query: [_found("Labels", "pit")] * bool(query)
    )
    whole = palette.height()
    QTest.keyClicks(palette.search, "pit")
    assert palette.height() < whole / 2
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Return):
        QTest.keyClick(palette.search, key)
    assert chosen == ["pit"]
    palette.open_with([], ())
    QTest.keyClicks(palette.search, "zzz")
    assert palette.list.isHidden() and palette.about.text() == "Nothing reads like that"


def test_images_and_labels_are_found_by_name_and_gone_to(window: MainWindow, tmp_path: Path) -> None:
    project = project_with_pictures(tmp_path / "parts", 12)
    draw(project, project.image_ids()[3], labels=["stain"])
    window.session.adopt(project)
    window.pages.show_page(1)
    assert [one.text for one in _typed(window, "part1")][:4] == [f"part{number}.png" for number in (1, 10, 11, 12)]
    assert "All 12 images that fit, in the list" in [one.text for one in _typed(window, "part")]
    _choose(window, "PART11")
    label_page = window.get_page("Label")
    assert label_page.isVisible() and project.image(window.session.image_id or 0).path.endswith("part11.png")
    _choose(window, "stain")
    assert isinstance(label_page, LabelPage)
    assert label_page.images.shown.image_ids() == [project.image_ids()[3]]
    assert _typed(window, "p") == _typed(window, "p", found=False)  # one letter is in nearly every name


def _typed(window: MainWindow, text: str, *, found: bool = True) -> list[Entry]:
    palette = window.findChild(CommandPalette)
    assert palette is not None
    window.action_set["palette"].trigger()
    QTest.keyClicks(palette.search, text)
    shown = palette.shown
    palette.close_palette()
    return [entry for entry in shown if found or isinstance(entry, Command)]


def _choose(window: MainWindow, text: str) -> None:
    palette = window.findChild(CommandPalette)
    assert palette is not None
    window.action_set["palette"].trigger()
    QTest.keyClicks(palette.search, text)
    QTest.keyClick(palette.search, Qt.Key.Key_Return)


def _found(section: str, text: str) -> PaletteResult:
    return PaletteResult(section, text, "", lambda: None, QIcon(), text)


def _texts(rows: list[Row]) -> list[str]:
    return [row if isinstance(row, str) else row.text for row in rows]


def _command(name: str, *, enabled: bool = True) -> Command:
    action = QAction(f"{name} action")
    action.setEnabled(enabled)
    return Command(name, action, "", "" if enabled else "needs more")


def _palette(host: QWidget, commands: list[Command]) -> tuple[CommandPalette, list[str]]:
    palette = CommandPalette(host)
    chosen: list[str] = []
    palette.chosen.connect(lambda command: chosen.append(command.id))
    palette.open_with(commands, ())
    return palette, chosen
