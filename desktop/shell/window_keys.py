"""Keys that reach the window because nothing in it took them: the page in front has them wherever the focus is."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QWidget


class WindowKeys(QObject):
    """Leaves Space to the button that has the focus, and hands Esc to the page in front."""

    def __init__(self, window: QWidget, press_escape: Callable[[], object]) -> None:
        super().__init__(window)
        self._press_escape = press_escape
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not isinstance(event, QKeyEvent):
            return False
        if event.type() == QEvent.Type.ShortcutOverride and event.key() == Qt.Key.Key_Space:
            # Where Space is a key of the page, a button of the rail or of a notice is still pressed by it.
            if isinstance(QApplication.focusWidget(), QAbstractButton | QComboBox) and not event.modifiers():
                event.accept()
                return True
        elif event.type() == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Escape:
            self._press_escape()
            return True
        return False
