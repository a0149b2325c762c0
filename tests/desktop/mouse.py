"""Mouse gestures that qtbot does not have."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot


def drag(qtbot: QtBot, view: QWidget, start: QPoint, end: QPoint, steps: int = 2) -> None:
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, steps + 1):
        move(view, QPointF(start) + QPointF(end - start) * (step / steps))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=end)


def move(view: QWidget, at: QPointF) -> None:
    """Move with the left button held."""
    none, left = Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton
    kept = Qt.KeyboardModifier.NoModifier
    event = QMouseEvent(QEvent.Type.MouseMove, at, view.mapToGlobal(at), none, left, kept)
    QApplication.sendEvent(view, event)
