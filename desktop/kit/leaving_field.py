"""Fields beside the image that give the keys back to it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit


class LeavingField(QLineEdit):
    """Enter and Esc leave it; Esc takes back what was typed."""

    left = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.take_back()
            return
        super().keyPressEvent(event)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.left.emit()

    def take_back(self) -> None:
        while self.isUndoAvailable():
            self.undo()
        self.left.emit()


class SearchField(LeavingField):
    """Esc clears it first, and leaves it when it is empty."""

    def take_back(self) -> None:
        if self.text():
            self.clear()
        else:
            self.left.emit()
