"""The middle of a dialog, which scrolls where the screen is too low for all of it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QStyle, QVBoxLayout, QWidget

from desktop.kit.screen_room import find_room

LOWEST = 80  # pixels that stay of the middle, however low the screen is


class BodyScroll(QScrollArea):
    """As high as its content needs, up to what the screen leaves beside the rest of the dialog."""

    def __init__(self, spacing: int, measure_rest: Callable[[], int]) -> None:
        """`measure_rest` gives the height of what the dialog has above and below, in pixels."""
        super().__init__()
        self._measure_rest = measure_rest
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._content = _Content(self)
        self.body = self._content.body
        self.body.setSpacing(spacing)
        self.setWidget(self._content)

    def sizeHint(self) -> QSize:
        return self._limit_height(self._content.sizeHint())

    def minimumSizeHint(self) -> QSize:
        return self._limit_height(self._content.minimumSizeHint())

    def _limit_height(self, wanted: QSize) -> QSize:
        most = max(LOWEST, find_room(self).height() - self._measure_rest())
        if wanted.height() <= most:
            return wanted
        return QSize(wanted.width() + self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent), most)


class _Content(QWidget):
    """Tells what is around it when it needs more or less room, as a layout does but a scrolled widget does not."""

    def __init__(self, around: QWidget) -> None:
        super().__init__()
        self.setObjectName("scrolled")  # the dialog shows through
        self._around = around
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(0, 0, 0, 0)

    def heightForWidth(self, width: int) -> int:
        # A scroll area takes it for what must be there, but tables can do with less room than they like.
        return self.body.minimumSize().height()

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.LayoutRequest:
            self._around.updateGeometry()
        return super().event(event)
