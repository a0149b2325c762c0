"""Keys that an action of the page has and whoever has the focus needs itself.

Space as a key of an action, as in labelImg, beside what Space does already: hold it to move the image, press a button.
Over the image a tap sets the action off, on release. In the list of images the key does so at once. Anywhere else
Space stays what it is there. Home and End go to the first and the last image, but within another list to its ends.
"""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QApplication, QComboBox, QWidget

ENDS = (Qt.Key.Key_Home, Qt.Key.Key_End)
SPACE = QKeySequence(Qt.Key.Key_Space)


def trigger_space(actions: Iterable[QAction]) -> None:
    """Set off the action that has Space, if one has."""
    for action in actions:
        if SPACE in action.shortcuts():
            action.trigger()


def keeps_key(event: QEvent, images: QWidget) -> bool:
    """Whether `event`, which asks if a key is an action's, is about a key that whoever has the focus needs itself.

    A page accepts such an event; Qt then leaves the key to the widget with the focus.
    """
    focused = QApplication.focusWidget()
    if not isinstance(event, QKeyEvent) or event.modifiers() or focused is None:
        return False
    if event.key() == Qt.Key.Key_Space:
        return isinstance(focused, QAbstractButton | QComboBox) or not images.isAncestorOf(focused)
    if event.key() in ENDS:
        return isinstance(focused, QAbstractItemView | QComboBox) and not images.isAncestorOf(focused)
    return False
