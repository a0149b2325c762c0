"""The middle of a dialog, which scrolls where the screen is too low for all of it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QStyle, QVBoxLayout, QWidget

from desktop.kit.screen_room import find_room

LOWEST = 80  # pixels that stay of the middle, however low the screen is


class BodyScroll(QScrollArea):
    """As high as its content needs, up to what the screen leaves beside the rest of the dialog."""

    def __init__(self, beside: Sequence[QWidget], margins: int, spacing: int) -> None:
        """`beside` is what stays above and below, `margins` the pixels around and between all of it."""
        super().__init__()
        self._beside = beside
        self._margins = margins
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._content = _Content()
        self.body = self._content.body
        self.body.setSpacing(spacing)
        self.setWidget(self._content)

    def sizeHint(self) -> QSize:
        return self._limit_height(self._content.sizeHint())

    def minimumSizeHint(self) -> QSize:
        return self._limit_height(self._content.minimumSizeHint())

    def _limit_height(self, wanted: QSize) -> QSize:
        heights = [max(one.minimumHeight(), one.minimumSizeHint().height()) for one in self._beside]
        most = max(LOWEST, find_room(self).height() - sum(heights) - self._margins)
        if wanted.height() <= most:
            return wanted
        return QSize(wanted.width() + self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent), most)


class _Content(QWidget):
    """Tells what is around it when it needs more or less room, as a layout does but a scrolled widget does not."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("scrolled")  # the dialog shows through
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(0, 0, 0, 0)

    def heightForWidth(self, width: int) -> int:
        # A scroll area takes it for what must be there, but tables can do with less room than they like.
        return self.body.minimumSize().height()

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.LayoutRequest:
            viewport = self.parentWidget()
            around = viewport.parentWidget() if viewport is not None else None
            if around is not None:
                around.updateGeometry()
        return super().event(event)
