"""What a gesture controller is given: the view it works on, its timers, and who hears of what gestures come to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QPointF, QRect, QRectF, QSize

from core.types import Box
from desktop.label.canvas import interaction as act
from desktop.label.canvas.shaping import XYXY


class GestureView(Protocol):
    """What a gesture must know of the view that shows the image."""

    @property
    def has_image(self) -> bool: ...
    @property
    def image_size(self) -> QSize: ...
    @property
    def scale(self) -> float: ...
    @property
    def panning(self) -> bool: ...
    @property
    def holds_image(self) -> bool: ...
    def rect(self) -> QRect: ...
    def to_image(self, point: QPointF) -> QPointF: ...
    def visible_rect(self) -> QRectF: ...
    def scroll_by(self, delta: QPointF) -> None: ...
    def bring_into_view(self, xyxy: XYXY) -> None: ...


class NudgeSequence(Protocol):
    """Knows when a sequence of nudges is over, and calls `end_nudging` then."""

    def begin(self) -> None: ...
    def end(self) -> None: ...


class EdgeTimer(Protocol):
    """Calls `scroll_at_edge` again and again while it runs."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class GestureEvents:
    """Who hears of what gestures come to."""

    drawn: Callable[[XYXY], None]  # corners of a new box
    edited: Callable[[tuple[Box, ...], str], None]  # all boxes after the edit, and its name
    selection_changed: Callable[[], None]
    boxes_changed: Callable[[], None]  # shown elsewhere, or others are, also in the middle of a gesture
    tool_changed: Callable[[act.Tool, act.Tool], None]  # the tool before, and the one now
    remarked: Callable[[str], None]  # why what was tried does nothing; empty: that is over
    pointer_moved: Callable[[QPointF | None], None]  # image pixels; None: not on the image
    look_changed: Callable[[bool], None]  # True: only the mouse has moved, over the same thing as before
