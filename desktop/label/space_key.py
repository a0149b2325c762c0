"""Space as a key of an action, as in labelImg, beside what Space does already: hold it to move the image, press a button.

Over the image a tap sets the action off, on release. In the list of images the key does so at once. Anywhere else
Space stays what it is there.
"""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QWidget

SPACE = QKeySequence(Qt.Key.Key_Space)


def trigger_space(actions: Iterable[QAction]) -> None:
    """Set off the action that has Space, if one has."""
    for action in actions:
        if SPACE in action.shortcuts():
            action.trigger()


def keeps_space(event: QEvent, images: QWidget) -> bool:
    """Whether `event`, which asks if a key is an action's, is about Space and whoever has the focus needs that itself.

    A page accepts such an event; Qt then leaves the key to the widget with the focus.
    """
    if not isinstance(event, QKeyEvent):
        return False
    plain = event.key() == Qt.Key.Key_Space and event.modifiers() == Qt.KeyboardModifier.NoModifier
    focused = QApplication.focusWidget()
    if not plain or focused is None:
        return False
    return isinstance(focused, QAbstractButton | QComboBox) or not images.isAncestorOf(focused)
