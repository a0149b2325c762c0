"""What takes mouse and keys on an image view."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent


class ViewInput:
    """Takes nothing; an input handler overrides what it needs. Zooming and moving the image are the view's own."""

    def press_left(self, at: QPointF, event: QMouseEvent) -> bool:
        """The left button went down at widget position `at`. False: the view moves the image with it."""
        return False

    def double_click_left(self, at: QPointF, event: QMouseEvent) -> bool:
        """The left button went down for the second time. False: it is a press like any other."""
        return False

    def track_mouse(self, at: QPointF) -> None:
        """The mouse is at `at` now, also while the image is moved."""

    def move_mouse(self, at: QPointF, event: QMouseEvent) -> None:
        """The mouse moved without moving the image, with or without the left button."""

    def release_left(self, at: QPointF, event: QMouseEvent) -> None:
        """The left button went up that `press_left` took."""

    def press_key(self, event: QKeyEvent) -> bool:
        """Whether the key, Tab included, is taken."""
        return False

    def release_key(self, event: QKeyEvent) -> bool:
        """Whether the key is taken."""
        return False

    def leave_view(self) -> None:
        """The mouse is elsewhere now."""

    def lose_focus(self) -> None:
        """Keys go elsewhere from now on."""

    def choose_cursor(self) -> Qt.CursorShape | None:
        """The shape that says what the left button would do; None: the view's own."""
        return None
