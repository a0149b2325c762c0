"""The help's window: topics, links, a search over all topics, keys, and the place that is remembered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from core.help_topics import find_topic, load_sections, load_topics
from core.settings import Settings
from desktop.base import actions
from desktop.base.theme import apply_theme
from desktop.services import Services
from desktop.shell.help.help_window import HelpWindow
from desktop.shell.main_window import MainWindow
from tests.desktop.shell.help_driver import HelpDriver

ALT = Qt.KeyboardModifier.AltModifier


@pytest.fixture
def help_driver(qtbot: QtBot, services: Services) -> Iterator[HelpDriver]:
    parent = QWidget()
    qtbot.addWidget(parent)
    yield open_help(qtbot, services.settings, parent)


def open_help(qtbot: QtBot, settings: Settings, parent: QWidget) -> HelpDriver:
    window = HelpWindow(settings, parent)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    return HelpDriver(window)


def test_all_topics_are_listed_and_one_is_read_by_choosing_it(help_driver: HelpDriver) -> None:
    assert help_driver.rows == [topic.title for topic in load_topics()]
    assert help_driver.topic == "start" and help_driver.first_line == "The way through"
    help_driver.press(Qt.Key.Key_Down)
    help_driver.press(Qt.Key.Key_Down)
    assert help_driver.topic == "keys" and "Draw a box" in help_driver.window.text.toPlainText()


def test_a_link_leads_to_a_heading_of_another_topic_and_back(help_driver: HelpDriver) -> None:
    help_driver.window.show_topic("troubleshooting")
    help_driver.follow("strategies.md#transfer-studies")
    assert help_driver.topic == "strategies" and help_driver.first_line == "Transfer studies"
    help_driver.press(Qt.Key.Key_Left, ALT)
    assert help_driver.topic == "troubleshooting"
    help_driver.press(Qt.Key.Key_Right, ALT)
    assert help_driver.topic == "strategies" and help_driver.first_line == "Transfer studies"


def test_every_section_can_be_scrolled_to(help_driver: HelpDriver) -> None:
    bar = help_driver.window.text.verticalScrollBar()
    for section in load_sections():
        help_driver.window.show_topic(section.topic, section.anchor)
        assert help_driver.first_line in (section.title, "") or bar.value() == bar.maximum(), section


def test_a_link_to_the_web_is_opened_by_the_desktop(help_driver: HelpDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(QUrl(url).toString()))
    help_driver.window.show_topic("files")
    help_driver.follow("https://github.com/huggingface/safetensors")
    assert opened == ["https://github.com/huggingface/safetensors"] and help_driver.topic == "files"


def test_the_search_lists_hits_of_all_topics_and_shows_the_chosen_one(help_driver: HelpDriver) -> None:
    help_driver.search("slurm")
    assert help_driver.rows[0].startswith("Many GPUs and machines › Slurm\n")
    help_driver.press(Qt.Key.Key_Return)
    assert help_driver.topic == "clusters" and help_driver.first_line == "Slurm"
    assert help_driver.window.text.hasFocus() and help_driver.window.text.extraSelections()
    help_driver.search("learning rate")
    assert len({hit.section.topic for hit in help_driver.window.shown_hits()}) > 2
    help_driver.search("no such words")
    assert help_driver.rows == [] and help_driver.topic == "clusters"


def test_escape_ends_the_search_and_then_closes_the_help(help_driver: HelpDriver) -> None:
    help_driver.search("anchor")
    help_driver.press(Qt.Key.Key_Escape)
    assert help_driver.rows == [topic.title for topic in load_topics()] and help_driver.window.isVisible()
    help_driver.press(Qt.Key.Key_Escape)
    assert not help_driver.window.isVisible()


def test_the_place_is_remembered_for_the_next_start(qtbot: QtBot, services: Services, help_driver: HelpDriver) -> None:
    help_driver.window.show_topic("clusters", "kubernetes")
    help_driver.window.close()
    again = open_help(qtbot, Settings(services.settings.path.parent), help_driver.window.parentWidget())
    assert again.topic == "clusters"
    qtbot.waitUntil(lambda: again.window.place == help_driver.window.place)


def test_the_text_follows_the_theme_and_stays_where_it_is(help_driver: HelpDriver, qapp: QApplication) -> None:
    apply_theme(qapp, "light")
    help_driver.window.show_topic("strategies", "transfer-studies")
    place, light = help_driver.window.place, help_driver.window.text.toHtml()
    apply_theme(qapp, "dark")
    assert help_driver.window.text.toHtml() != light and help_driver.window.place == place


def test_the_help_menu_opens_one_window_that_closes_with_the_program(window: MainWindow, services: Services) -> None:
    (action,) = [one for one in window.actions() if one.objectName() == "help"]
    action.trigger()
    action.trigger()
    (opened,) = window.findChildren(HelpWindow)
    assert opened.isVisible() and opened.windowModality() == Qt.WindowModality.NonModal
    window.close()
    assert not opened.isVisible() and services.settings.values.help_topic == "start"


def test_the_topic_of_keys_names_the_keys_that_the_program_has() -> None:
    lines = find_topic("keys").text.splitlines()
    for scope, specs in actions.SCOPES.items():
        title = lines.index(f"## {actions.SCOPE_TITLES[scope]}")
        rows = "\n".join(
            lines[title : next((n for n in range(title + 1, len(lines)) if lines[n].startswith("## ")), None)]
        )
        for spec in specs.values():
            if spec.keys and spec not in actions.LABEL_DIGITS:
                row = f"| {', '.join(f'`{key}`' for key in spec.keys)} | "
                assert f"{row}{spec.text.rstrip('…').split()[0]}" in rows, spec
    for keys, text in actions.MORE_KEYS:
        assert f"| {keys} | {text} |" in lines
