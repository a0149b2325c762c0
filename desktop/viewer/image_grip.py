"""What holds an image to move it: the middle button, Space with the left one, or the left one where it is free."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

TAP_MS = 350  # Space held longer than this was held to move the image, also where it did not
NO_BUTTON = Qt.MouseButton.NoButton


class ImageGrip:
    """One per view, which tells it of every press and release."""

    def __init__(self) -> None:
        self._from: QPointF | None = None
        self._button = NO_BUTTON  # that holds the image, whatever the other buttons do
        self._clicking_at: QPointF | None = None  # of a left button that moves the image, or is a click
        self._space_held = False
        self._space_tap = QElapsedTimer()  # runs while Space may still turn out to be a tap

    @property
    def space_held(self) -> bool:
        """The next press of the left button holds the image."""
        return self._space_held

    @property
    def holds_image(self) -> bool:
        """A button holds the image."""
        return self._from is not None

    @property
    def is_clicking(self) -> bool:
        """The left button is down and moves the image, or is a click."""
        return self._clicking_at is not None

    @property
    def cursor(self) -> Qt.CursorShape | None:
        """The shape that says so; None where nothing holds the image, or might with the next press."""
        if self._button is not NO_BUTTON:
            return Qt.CursorShape.ClosedHandCursor
        return Qt.CursorShape.OpenHandCursor if self._space_held else None

    # -- buttons

    def take_press(self, event: QMouseEvent) -> bool:
        """Hold the image, if this button does; it may be one among others that are down."""
        self._space_tap.invalidate()
        with_space = event.button() == Qt.MouseButton.LeftButton and self._space_held
        if event.button() != Qt.MouseButton.MiddleButton and not with_space:
            return False
        self._from, self._button = event.position(), event.button()
        return True

    def begin_click(self, at: QPointF) -> None:
        """The left button went down where it moves the image, or is a click."""
        self._clicking_at = self._from = at

    def take_step(self, event: QMouseEvent) -> QPointF | None:
        """How far the mouse moved the image since the last call; None where nothing holds it any more."""
        if self._from is None or event.buttons() == NO_BUTTON:
            self._from, self._button = None, NO_BUTTON
            return None
        step, self._from = event.position() - self._from, event.position()
        return step

    def take_release(self, event: QMouseEvent) -> bool:
        """Let go of the image, if this is the button that holds it."""
        if self._button is NO_BUTTON or event.button() != self._button:
            return False
        self._from, self._button = None, NO_BUTTON
        return True

    def end_click(self, at: QPointF) -> bool:
        """The left button of `begin_click` went up; whether that was a click."""
        pressed, self._clicking_at, self._from = self._clicking_at, None, None
        return pressed is not None and (at - pressed).manhattanLength() <= QApplication.startDragDistance()

    # -- Space

    def hold_space(self) -> None:
        self._space_held = True
        self._space_tap.start()

    def release_space(self) -> bool:
        """Whether it was a tap: short, and without moving the image."""
        tapped = self._space_tap.isValid() and self._space_tap.elapsed() < TAP_MS
        self.forget_space()
        return tapped

    def forget_space(self) -> None:
        """Space came up, or its coming up will not be heard of."""
        self._space_held = False
        self._space_tap.invalidate()
