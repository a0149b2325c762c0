"""One curve in a plot, with its points and its switch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QToolButton

from desktop.base.theme import theme
from desktop.train.run.curve_style import CurveStyle

_EPOCH_MARK = 7  # diameter of a marker in pixels
_COMPARED_MARK = 5
_SMALL_MARK = 3  # where there are more points than can be told apart
_CROWD = 60  # points


class CurveItem:
    """Keeps its points also while it is hidden."""

    def __init__(self, style: CurveStyle, plot: Any) -> None:
        self.style = style
        self.shown = style.shown
        self.x = np.zeros(0)
        self.y = np.zeros(0)
        self.button: QToolButton | None = None
        self.action: Any = None
        self._logarithmic = False
        self._crowded = False
        self.line = pg.PlotDataItem(connect="finite", antialias=True)
        # Thousands of steps on a few hundred pixels: the least and the largest of each column are drawn.
        self.line.setDownsampling(auto=True, method="peak")
        self.line.setClipToView(True)
        self.line.setVisible(self.shown)
        self.line.setZValue(10 if style.marks else 5)
        plot.addItem(self.line)

    def remove(self, plot: Any) -> None:
        plot.removeItem(self.line)

    def set_data(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        self.x, self.y = x, y
        if self.shown:
            self._draw()

    def set_logarithmic(self, on: bool) -> None:
        """The plot's y axis counts powers of ten; what is not above nothing has no place there."""
        self._logarithmic = on
        self._draw()

    def show(self, shown: bool) -> None:
        self.shown = shown
        self.line.setVisible(shown)
        if shown:
            self._draw()

    def switch(self, shown: bool) -> None:
        self.show(shown)
        for switch in (self.button, self.action):
            if switch is not None and switch.isChecked() != shown:
                switch.setChecked(shown)

    def has_points(self) -> bool:
        return bool(np.isfinite(self.y).any())

    def last_x(self) -> float:
        return float(self.x[-1]) if len(self.x) else 0.0

    def value_at(self, epoch: float) -> float | None:
        """The value at exactly this epoch; of a curve through steps the last value up to it, while the curve lasts."""
        if self.style.marks:
            found = np.flatnonzero(self.x == epoch)
            return float(self.y[found[-1]]) if len(found) else None
        before = int(np.searchsorted(self.x, epoch, side="right")) - 1
        ended = not len(self.x) or epoch > self.x[-1]
        return None if before < 0 or ended or not np.isfinite(self.y[before]) else float(self.y[before])

    def describe_value(self, epoch: float) -> tuple[str, str, float | None] | None:
        """Title, colour and value at this epoch; None for a curve that is not read out, or has no value anywhere."""
        if not (self.shown and self.style.read_out and self.has_points()):
            return None
        color = self.style.pen_color()
        color.setAlphaF(1.0)
        return self.style.title, color.name(), self.value_at(epoch)

    def paint(self) -> None:
        color = self.style.pen_color()
        pen = pg.mkPen(color, width=self.style.width)
        if self.style.dashed:
            pen.setStyle(Qt.PenStyle.DashLine)
        self.line.setPen(pen)
        if self.style.marks:
            self.line.setSymbol("o")
            self.line.setSymbolBrush(color)
            self._size_marks()
        for switch in (self.button, self.action):
            if switch is not None:
                switch.setIcon(swatch(pen))

    def _size_marks(self) -> None:
        crowded = self._crowded = len(self.x) > _CROWD
        usual = _COMPARED_MARK if self.style.follows else _EPOCH_MARK
        self.line.setSymbolSize(_SMALL_MARK if crowded else usual)
        self.line.setSymbolPen(None if crowded else pg.mkPen(theme().plot_background, width=1.5))

    def _draw(self) -> None:
        y = np.where(self.y > 0, self.y, np.nan) if self._logarithmic else self.y
        self.line.setData(self.x, y)
        if self.style.marks and (len(self.x) > _CROWD) != self._crowded:
            self._size_marks()


def swatch(pen: QPen) -> QIcon:
    """A short piece of the curve, for its switch; faint where the curve is hidden."""
    icon = QIcon()
    for state, opacity in ((QIcon.State.On, 1.0), (QIcon.State.Off, 0.25)):
        pixmap = QPixmap(QSize(32, 32))
        pixmap.setDevicePixelRatio(2)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setOpacity(opacity)
        color = QColor(pen.color())
        color.setAlphaF(1.0)
        if pen.style() == Qt.PenStyle.DashLine:
            painter.setPen(QPen(color, 3, Qt.PenStyle.DotLine))
            painter.drawLine(1, 8, 15, 8)
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color)
            painter.drawRoundedRect(QRectF(2, 6, 12, 4), 2, 2)
        painter.end()
        icon.addPixmap(pixmap, QIcon.Mode.Normal, state)
    return icon
