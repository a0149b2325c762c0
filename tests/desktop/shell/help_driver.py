"""Reads and searches the help's window as a user does."""

from __future__ import annotations

from PySide6.QtCore import Qt, QUrl
from PySide6.QtTest import QTest

from desktop.shell.help.help_window import HelpWindow


class HelpDriver:
    """The help's window and what is read in it."""

    def __init__(self, window: HelpWindow) -> None:
        self.window = window

    @property
    def topic(self) -> str:
        return self.window.place.topic

    @property
    def rows(self) -> list[str]:
        return [self.window.list.item(row).text() for row in range(self.window.list.count())]

    @property
    def first_line(self) -> str:
        """What stands at the top of the visible text."""
        text = self.window.text
        return text.cursorForPosition(text.viewport().rect().topLeft()).block().text()

    def search(self, words: str) -> None:
        self.window.search.clear()
        QTest.keyClicks(self.window.search, words)

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """Press a key where the keys go."""
        QTest.keyClick(self.window.focusWidget() or self.window, key, modifier)

    def follow(self, target: str) -> None:
        """Click on the link to `target`."""
        self.window.text.anchorClicked.emit(QUrl(target))
