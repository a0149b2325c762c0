"""Text that is read and copied, and lines that are only ever added at the end."""

from __future__ import annotations

from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QFrame, QPlainTextEdit

from desktop.base.theme import SMALL_PX, mono_font, notifier, theme
from desktop.train.run.run_history import LogLine

LOG_LINES = 5000


class ReadingText(QPlainTextEdit):
    """Text to read and to copy, of even letters unless it is prose. The same text again leaves scroll and selection alone."""

    def __init__(self, name: str, empty: str, *, prose: bool = False) -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setPlaceholderText(empty)
        if not prose:
            self.setFont(mono_font(SMALL_PX - 1))
        self.setAccessibleName(name)
        self.setMinimumHeight(40)
        self.setTabChangesFocus(True)

    def show_text(self, text: str) -> None:
        if text != self.toPlainText():
            self.setPlainText(text)

    def text(self) -> str:
        return self.toPlainText()


class LogLines(ReadingText):
    """Lines in the colour of their level. Follows the end, unless the user has scrolled up to read."""

    def __init__(self, name: str, empty: str, *, prose: bool = False) -> None:
        super().__init__(name, empty, prose=prose)
        self.setMaximumBlockCount(LOG_LINES)
        self._shown: list[LogLine] = []
        self._at_end = True
        bar = self.verticalScrollBar()
        bar.valueChanged.connect(self._scrolled)
        bar.rangeChanged.connect(self._grown)
        notifier.theme_changed.connect(self._repaint)

    def clear(self) -> None:
        self._shown = []
        super().clear()

    def show_lines(self, lines: list[LogLine]) -> None:
        if lines[: len(self._shown)] != self._shown:
            self.clear()
        for line in lines[len(self._shown) :]:
            self._add(line)
        self._shown = list(lines)

    def _add(self, line: LogLine) -> None:
        colors: dict[str, QColor] = {"info": theme().text, "warning": theme().warning, "error": theme().bad}
        look = QTextCharFormat()
        look.setForeground(colors[line.level])
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        if not self.document().isEmpty():
            cursor.insertBlock()
        cursor.insertText(line.text, look)

    def _scrolled(self, value: int) -> None:
        self._at_end = value >= self.verticalScrollBar().maximum()

    def _grown(self, _low: int, high: int) -> None:
        if self._at_end:
            self.verticalScrollBar().setValue(high)

    def _repaint(self) -> None:
        lines = self._shown
        self.clear()
        self.show_lines(lines)
