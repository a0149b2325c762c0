"""What a window shows while it is dressed in other colours, which takes long for one of many widgets."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget

MANY = 150  # widgets, from which on it takes longer than nobody notices
WORDS = "Changing the colours …"


class ThemeCover(QWidget):
    """Covers a window with the new colour and a word. Painted at once, by hand: the style is what is being changed."""

    def __init__(self, window: QWidget, ground: QColor, text: QColor) -> None:
        super().__init__(window)
        self._ground, self._text = ground, text
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setGeometry(window.rect())
        self.show()
        self.raise_()
        self.repaint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._ground)
        painter.setPen(self._text)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, WORDS)
        painter.end()


def cover_windows(app: QApplication, ground: QColor, text: QColor) -> list[ThemeCover]:
    """Cover the windows that are on the screen, where dressing them takes long. Hand the covers to `uncover_windows`."""
    windows = [window for window in app.topLevelWidgets() if _is_window(window)]
    if sum(len(window.findChildren(QWidget)) for window in windows) < MANY:
        return []
    return [ThemeCover(window, ground, text) for window in windows]


def uncover_windows(covers: list[ThemeCover]) -> None:
    for cover in covers:
        cover.hide()
        cover.deleteLater()


def _is_window(window: QWidget) -> bool:
    return window.isVisible() and window.windowType() in (Qt.WindowType.Window, Qt.WindowType.Dialog)
