"""Choosing the depth window by eye: a histogram with two ends to drag, numbers, and the image through it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPixmap, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from core.imaging.window import HIGHEST, Window, suggestion_for, through_window
from desktop.base.theme import GAP, theme
from desktop.kit.number_fields import WholeSpinBox
from desktop.kit.parts import words
from desktop.viewer.pyramid import to_qimage

BINS = 256
PREVIEW = 720  # samples on the longer side: enough to judge by, few enough to follow the mouse
GRAB = 10  # pixels beside an end from which it is dragged


class DepthChooser(QWidget):
    """Low and high of the window; what is between them becomes black to white."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._samples: NDArray[np.uint16] | None = None
        self._low, self._high = _build_field("Black at"), _build_field("White at")
        self._high.setValue(HIGHEST)
        self._histogram = Histogram()
        self._picture = _Picture()
        self._suggest = QPushButton("Suggest")
        self._suggest.setAutoDefault(False)
        self._suggest.setToolTip("Everything but the 0.5% darkest and lightest values of this image")
        self._suggest.clicked.connect(self.suggest)
        whole = QPushButton("Whole range")
        whole.setAutoDefault(False)
        whole.clicked.connect(lambda: self.set_window((0, HIGHEST)))
        row = QHBoxLayout()
        row.setSpacing(GAP)
        for name, field in (("Black at", self._low), ("White at", self._high)):
            label = words(name)
            label.setBuddy(field)
            row.addWidget(label)
            row.addWidget(field)
        row.addStretch(1)
        row.addWidget(self._suggest)
        row.addWidget(whole)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        layout.addLayout(row)
        layout.addWidget(self._histogram)
        layout.addWidget(self._picture, 1)
        self._low.valueChanged.connect(lambda low: self._set_window(low, max(self._high.value(), low + 1)))
        self._high.valueChanged.connect(lambda high: self._set_window(min(self._low.value(), high - 1), high))
        self._histogram.dragged.connect(self._set_window)
        self.show_samples(None)

    @property
    def chosen(self) -> Window:
        return self._low.value(), self._high.value()

    @property
    def preview(self) -> QPixmap | None:
        """The image through the window; None where there is none."""
        return self._picture.pixmap_shown

    def set_window(self, window: Window) -> None:
        self._set_window(*window)

    def show_samples(self, samples: NDArray[np.uint16] | None) -> None:
        """Show an image of 16 bits, (h, w) or (h, w, 3); None: there is none."""
        if samples is not None:
            step = max(1, -(-max(samples.shape[:2]) // PREVIEW))
            samples = np.ascontiguousarray(samples[::step, ::step])
        self._samples = samples
        self._histogram.show_samples(samples)
        self._suggest.setEnabled(samples is not None)
        self._show_preview()

    def suggest(self) -> None:
        """Take a window that shows nearly all of the image."""
        if self._samples is not None:
            self._set_window(*suggestion_for(self._samples))

    def _set_window(self, low: int, high: int) -> None:
        low = max(0, min(low, HIGHEST - 1))
        high = max(low + 1, min(high, HIGHEST))
        for field, value in ((self._low, low), (self._high, high)):
            # Each end pushes the other along, which must not come back as a wish of the user's.
            field.blockSignals(True)
            field.setValue(value)
            field.blockSignals(False)
        self._show_preview()
        self.changed.emit()

    def _show_preview(self) -> None:
        self._histogram.show_window(self.chosen)
        if self._samples is None:
            self._picture.show_pixmap(None)
            return
        seen = through_window(self._samples, self.chosen)
        rgb = seen if seen.ndim == 3 else np.repeat(seen[:, :, None], 3, axis=2)
        self._picture.show_pixmap(QPixmap.fromImage(to_qimage(rgb)))


class Histogram(QWidget):
    """How often each value comes, on a logarithmic scale; its two ends are dragged."""

    dragged = Signal(int, int)

    def __init__(self) -> None:
        super().__init__()
        self._heights: NDArray[np.float64] = np.zeros(BINS)
        self._window: Window = (0, HIGHEST)
        self._top = HIGHEST  # the value at the right edge
        self._end = -1  # which end is held: 0 low, 1 high
        self.setFixedHeight(84)
        self.setMouseTracking(True)
        self.setAccessibleName("How often each value comes, and the window on it")
        self.setToolTip("Drag the two lines: values left of the first are black, right of the second white")

    def show_samples(self, samples: NDArray[np.uint16] | None) -> None:
        # Most cameras fill only the lower bits: what they cannot reach would leave no room for the rest.
        self._top = 2 ** max(8, int(samples.max()).bit_length()) - 1 if samples is not None else HIGHEST
        bins = (samples.ravel().astype(np.int64) * BINS) // (self._top + 1) if samples is not None else np.zeros(0, int)
        counts = np.bincount(bins, minlength=BINS)
        heights = np.log1p(counts)
        self._heights = heights / max(1.0, float(heights.max()))
        self.update()

    def show_window(self, window: Window) -> None:
        self._window = window
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._end = self._find_nearest_end(event.position().x())
        self._drag_end(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._end >= 0:
            self._drag_end(event.position().x())
        near = min(abs(self._find_x(value) - event.position().x()) for value in self._window) <= GRAB
        self.setCursor(Qt.CursorShape.SizeHorCursor if near or self._end >= 0 else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._end = -1

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme().field)
        room = self.height() - 6
        step = self.width() / BINS
        outline = [QPointF(0, self.height())]
        for place, height in enumerate(self._heights):
            top = self.height() - room * float(height)
            outline += [QPointF(place * step, top), QPointF((place + 1) * step, top)]
        outline.append(QPointF(self.width(), self.height()))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().muted)
        painter.drawPolygon(QPolygonF(outline))
        veil = QColor(theme().panel)
        veil.setAlpha(190)
        low, high = self._find_x(self._window[0]), self._find_x(self._window[1])
        painter.fillRect(QRectF(0, 0, low, self.height()), veil)
        painter.fillRect(QRectF(high, 0, self.width() - high, self.height()), veil)
        for x in (low, high):
            painter.fillRect(QRectF(min(max(x - 1, 0), self.width() - 2), 0, 2, self.height()), theme().accent)
        painter.end()

    def _find_x(self, value: int) -> float:
        return min(value / self._top, 1.0) * self.width()

    def _find_nearest_end(self, x: float) -> int:
        low, high = (abs(self._find_x(value) - x) for value in self._window)
        return 0 if low < high or (low == high and x < self._find_x(self._window[0])) else 1

    def _drag_end(self, x: float) -> None:
        value = round(min(max(x / max(1, self.width()), 0.0), 1.0) * self._top)
        low, high = self._window
        if self._end == 0:
            self.dragged.emit(min(value, high - 1), high)
        else:
            self.dragged.emit(low, max(value, low + 1))


class _Picture(QLabel):
    """A picture scaled into the room that there is."""

    def __init__(self) -> None:
        super().__init__()
        self.pixmap_shown: QPixmap | None = None
        self.setMinimumHeight(180)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("The image through the window")

    def show_pixmap(self, pixmap: QPixmap | None) -> None:
        self.pixmap_shown = pixmap
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(480, 300)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme().canvas)
        if self.pixmap_shown is None:
            painter.setPen(theme().muted)
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "No image of 16 bits is on the screen")
        else:
            size = self.pixmap_shown.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
            left, top = (self.width() - size.width()) // 2, (self.height() - size.height()) // 2
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawPixmap(left, top, size.width(), size.height(), self.pixmap_shown)
        painter.end()


def _build_field(name: str) -> WholeSpinBox:
    field = WholeSpinBox(0, HIGHEST)
    field.setAccessibleName(name)
    field.setSingleStep(16)
    field.setGroupSeparatorShown(True)
    field.setMinimumWidth(110)
    field.lineEdit().setTextMargins(6, 0, 0, 0)
    return field
