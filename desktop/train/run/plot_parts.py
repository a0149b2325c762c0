"""What a plot is put together from, in the window's own looks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QToolButton, QWidget

from desktop.base.theme import theme
from desktop.train.run.run_curves import Mark

AXIS_WIDTH = 52  # of the left axis, the same in every plot so that epochs stand above each other
_TICKS_APART = 18  # pixels that a tick of a log scale has at least, on average


class EpochAxis(pg.AxisItem):
    """Counts whole epochs only."""

    def tickSpacing(self, low: float, high: float, size: float) -> list[tuple[float, float]]:
        spacings = super().tickSpacing(low, high, size)
        return [spacing for spacing in spacings if spacing[0] >= 1] or [(1, 0)]


class RoundAxis(pg.AxisItem):
    """On a log scale it has round numbers also where they span less than a power of ten."""

    def logTickValues(self, low: float, high: float, size: float, _usual: object) -> list[tuple[float, list[float]]]:
        values = log_ticks(10.0**low, 10.0**high, max(3, int(size // _TICKS_APART)))
        return [(1.0, [math.log10(value) for value in values])]

    def logTickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [f"{10.0**value * scale:.4g}" for value in values]


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Round values from `low` to `high`, both above 0, for an axis with a log scale: `most` at most.

    Over less than a power of ten they are evenly spaced numbers; over more 1, 2, 5, 10 or, where those are too many,
    powers of ten.
    """
    decades = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    if high / low < 10:
        steps = (mantissa * 10.0**power for power in range(decades[0] - 4, decades[-1] + 1) for mantissa in (1, 2, 5))
        step = next(step for step in steps if (high - low) / step <= most - 1)
        return [number * step for number in range(math.ceil(low / step), math.floor(high / step) + 1)]
    for mantissas in ((1, 2, 5), (1,)):
        found = [value for power in decades for one in mantissas if low <= (value := one * 10.0**power) <= high]
        if len(found) <= most:
            break
    return found[:: math.ceil(len(found) / most)]


def quiet_plot() -> Any:
    """A plot without pyqtgraph's own menu and buttons, which look like no other part of the window."""
    plot = pg.PlotWidget(axisItems={"bottom": EpochAxis("bottom"), "left": RoundAxis("left")})
    plot.setFrameShape(pg.QtWidgets.QFrame.Shape.NoFrame)
    plot.setMenuEnabled(False)
    plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the widget around it takes the keys
    plot.viewport().setFocusPolicy(Qt.FocusPolicy.NoFocus)
    plot.hideButtons()
    plot.showGrid(x=True, y=True, alpha=0.45)
    plot.setMinimumHeight(120)
    plot.getPlotItem().setContentsMargins(0, 6, 10, 2)
    left, bottom = plot.getAxis("left"), plot.getAxis("bottom")
    left.setWidth(AXIS_WIDTH)
    for axis in (left, bottom):
        axis.enableAutoSIPrefix(False)
        axis.setStyle(tickLength=-4)
    return plot


def overlay_label(text: str, over: QWidget) -> QLabel:
    """Words on top of a plot, through which the mouse reaches it."""
    label = QLabel(text, over)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setWordWrap(True)
    label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    return label


def menu_button(text: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setAutoRaise(True)
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    button.setToolTip("Choose further curves to show")
    return button


class MarkLines:
    """Upright lines in a plot, each with its words at the top."""

    def __init__(self, plot: Any) -> None:
        self._plot = plot
        self._marks: list[Mark] = []
        self._lines: list[Any] = []

    @property
    def marks(self) -> list[Mark]:
        return list(self._marks)

    def show(self, marks: Sequence[Mark]) -> None:
        if list(marks) == self._marks:
            return
        for line in self._lines:
            self._plot.removeItem(line)
        self._marks = list(marks)
        self._lines = []
        for mark in marks:
            line = pg.InfiniteLine(
                pos=mark.x,
                angle=90,
                label=mark.text,
                labelOpts={"position": 0.96, "anchors": [(0, 0), (0, 0)], "movable": False},
            )
            line.setZValue(1)
            self._plot.addItem(line, ignoreBounds=True)
            self._lines.append(line)
        self.paint()

    def paint(self) -> None:
        colors = theme()
        for mark, line in zip(self._marks, self._lines, strict=True):
            style = Qt.PenStyle.DotLine if mark.planned else Qt.PenStyle.SolidLine
            line.setPen(pg.mkPen(colors.strong_border, width=1, style=style))
            line.label.setColor(colors.muted)


def span(values: Iterable[NDArray[np.float64]], *, positive: bool = False) -> tuple[float, float] | None:
    """Least and largest finite value, of those above nothing if `positive`; None where there is none.

    The largest two in a hundred are left out of a long series: the first steps of a training would
    press everything after them to the floor.
    """
    lows, highs = [], []
    for value in values:
        finite = value[np.isfinite(value) & (value > 0) if positive else np.isfinite(value)]
        if len(finite):
            lows.append(float(finite.min()))
            highs.append(float(np.quantile(finite, 0.98) if len(finite) > 100 else finite.max()))
    if not highs:
        return None
    return min(lows), max(max(highs), min(lows) + 1e-6)
