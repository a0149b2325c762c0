"""Mouse gestures that qtbot does not have."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

NONE = Qt.KeyboardModifier.NoModifier
LEFT = Qt.MouseButton.LeftButton


def drag(
    qtbot: QtBot, view: QWidget, start: QPoint, end: QPoint, steps: int = 2, modifiers: Qt.KeyboardModifier = NONE
) -> None:
    qtbot.mousePress(view, LEFT, modifiers, start)
    for step in range(1, steps + 1):
        move(view, QPointF(start) + QPointF(end - start) * (step / steps), modifiers=modifiers)
    qtbot.mouseRelease(view, LEFT, modifiers, end)


def move(view: QWidget, at: QPointF, held: Qt.MouseButton = LEFT, modifiers: Qt.KeyboardModifier = NONE) -> None:
    """Move with a button held, the left one unless told."""
    event = QMouseEvent(QEvent.Type.MouseMove, at, view.mapToGlobal(at), Qt.MouseButton.NoButton, held, modifiers)
    QApplication.sendEvent(view, event)
