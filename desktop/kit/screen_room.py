"""How much of the screen a dialog may take."""

from __future__ import annotations

from PySide6.QtCore import QRect
from PySide6.QtWidgets import QWidget

TITLE_BAR = 40  # pixels that a window manager may put above a dialog; none are known before it is shown


def find_room(widget: QWidget) -> QRect:
    """Where the window of `widget` may lie, without what a window manager puts around it."""
    window = widget.window()
    frame = window.frameGeometry().height() - window.height() if window.isVisible() else TITLE_BAR
    return widget.screen().availableGeometry().adjusted(0, 0, 0, -frame)


def resize_within_screen(window: QWidget, width: int, height: int) -> None:
    """Give a window this size, or what the screen has of it."""
    room = find_room(window)
    window.resize(min(width, room.width()), min(height, room.height()))
