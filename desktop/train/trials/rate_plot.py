"""The plot of a learning-rate range test: loss over rate, and the rate that is chosen as a line to be moved."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.base.theme import notifier, theme
from desktop.train.recipe.strategy_picture import rate_text
from desktop.train.run.plot_parts import AXIS_WIDTH, overlay_label

_STEP = 0.05  # of a decade, for an arrow key
_MARK = "rate {}"


class RatePlot(QWidget):
    """Loss over learning rate. The chosen rate is dragged, or moved by the arrow keys."""

    rate_chosen = Signal(float)  # by the user

    def __init__(self, empty: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rate: float | None = None
        self.plot = _plot()
        self.curve = pg.PlotDataItem(connect="finite")
        self.plot.addItem(self.curve)
        self._line = pg.InfiniteLine(
            angle=90, movable=True, label="", labelOpts={"position": 0.94, "anchors": [(0, 0), (1, 0)]}
        )
        self._line.setVisible(False)
        self._line.sigDragged.connect(self._dragged)
        self.plot.addItem(self._line, ignoreBounds=True)
        self._empty = overlay_label(empty, self.plot)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Loss over learning rate")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.addWidget(self.plot)
        notifier.theme_changed.connect(self._paint)
        self._paint()

    def show_points(self, rates: Sequence[float], losses: Sequence[float]) -> None:
        """The curve; rates rise."""
        x = np.log10(np.asarray(rates, np.float64))
        y = np.asarray(losses, np.float64)
        self.curve.setData(x, y)
        finite = y[np.isfinite(y)]
        self._empty.setVisible(not len(finite))
        if len(finite):
            low, first = float(finite.min()), float(finite[0])
            # The explosion at the end would press the descent, which matters, to the floor.
            high = max(first, low) + 0.6 * max(first - low, 0.1 * abs(first), 1e-6)
            self.plot.getViewBox().setRange(
                xRange=(x[0], max(x[-1], x[0] + 1)), yRange=(low, min(high, float(finite.max()) or high)), padding=0.06
            )

    def show_rate(self, rate: float | None) -> None:
        """Put the line at a rate, without telling `rate_chosen`."""
        self._rate = rate
        self._line.setVisible(rate is not None)
        if rate is not None:
            self._line.setPos(math.log10(rate))
            self._line.label.setFormat(_MARK.format(rate_text(rate)))
            self.setAccessibleDescription(_MARK.format(rate_text(rate)))

    @property
    def rate(self) -> float | None:
        return self._rate

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if steps is None or self._rate is None:
            super().keyPressEvent(event)
            return
        self._choose(self._rate * 10 ** (steps * _STEP))

    def _dragged(self) -> None:
        self._choose(10 ** float(self._line.value()))

    def _choose(self, rate: float) -> None:
        rounded = float(f"{min(max(rate, 1e-9), 10.0):.2g}")
        self.show_rate(rounded)
        self.rate_chosen.emit(rounded)

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self._paint(focused=event.type() == QEvent.Type.FocusIn)
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._empty.setGeometry(self.plot.rect().adjusted(AXIS_WIDTH + 20, 0, -20, -40))

    def _paint(self, focused: bool = False) -> None:
        colors = theme()
        self.plot.setBackground(colors.plot_background)
        for name in ("left", "bottom"):
            axis = self.plot.getAxis(name)
            axis.setPen(pg.mkPen(colors.grid))
            axis.setTextPen(pg.mkPen(colors.muted))
        self.curve.setPen(pg.mkPen(QColor(colors.series[0]), width=2))
        self._line.setPen(pg.mkPen(colors.link if focused else colors.good, width=3 if focused else 2))
        self._line.setHoverPen(pg.mkPen(colors.link, width=3))
        self._line.label.setColor(colors.text)
        self._empty.setStyleSheet(f"color: {colors.muted.name()}")


class _RateAxis(pg.AxisItem):
    """Powers of ten."""

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        first, last = math.ceil(low - 1e-9), math.floor(high + 1e-9)
        return [(1.0, [float(power) for power in range(first, last + 1)])]

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        return [rate_text(10.0 ** round(value)) for value in values]


def _plot() -> Any:
    plot = pg.PlotWidget(axisItems={"bottom": _RateAxis("bottom")})
    plot.setFrameShape(pg.QtWidgets.QFrame.Shape.NoFrame)
    plot.setMenuEnabled(False)
    plot.setMouseEnabled(x=False, y=False)
    plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the widget around it takes the keys
    plot.viewport().setFocusPolicy(Qt.FocusPolicy.NoFocus)
    plot.hideButtons()
    plot.showGrid(x=True, y=True, alpha=0.45)
    plot.setMinimumHeight(220)
    plot.getPlotItem().setContentsMargins(0, 6, 10, 2)
    plot.setLabel("left", "Loss, smoothed")
    plot.setLabel("bottom", "Learning rate")
    plot.getAxis("left").setWidth(AXIS_WIDTH)
    for name in ("left", "bottom"):
        plot.getAxis(name).enableAutoSIPrefix(False)
    return plot
