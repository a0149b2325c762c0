"""Measurements of several strategies side by side: a dot for each seed, the mean, and how far they spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.base.theme import GAP, SMALL_PX, notifier, theme

ROW, AXIS, DOT = 30, 22, 4.5  # pixels
_NAME = 180  # pixels at most
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)


@dataclass(frozen=True, slots=True)
class SpreadRow:
    """One strategy: its measurements, their mean and their standard deviation."""

    name: str
    values: tuple[float, ...] = ()
    mean: float | None = None
    deviation: float | None = None
    best: bool = False  # better than the others beyond the spread


class SpreadPlot(QWidget):
    """A row for each strategy over one axis of the measure."""

    def __init__(self, measure: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._measure = measure
        self._rows: Sequence[SpreadRow] = ()
        self.setAccessibleName(f"{measure} by strategy")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        notifier.theme_changed.connect(self.update)

    def show_rows(self, rows: Sequence[SpreadRow]) -> None:
        self._rows = rows
        told = [f"{row.name}: {row.mean:.3f}" for row in rows if row.mean is not None]
        self.setAccessibleDescription(", ".join(told) or "nothing yet")
        self.updateGeometry()
        self.update()

    @property
    def rows(self) -> Sequence[SpreadRow]:
        return self._rows

    def sizeHint(self) -> QSize:
        return QSize(420, ROW * len(self._rows) + AXIS + 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(260, self.sizeHint().height())

    def range(self) -> tuple[float, float]:
        """Ends of the axis: all that is shown, and some room beside it."""
        ends = [value for row in self._rows for value in row.values]
        for row in self._rows:
            if row.mean is not None and row.deviation is not None:
                ends += [row.mean - row.deviation, row.mean + row.deviation]
        if not ends:
            return 0.0, 1.0
        room = max(0.1 * (max(ends) - min(ends)), 0.01)
        return max(0.0, min(ends) - room), min(1.0, max(ends) + room)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = self.font()
        font.setPixelSize(SMALL_PX)
        painter.setFont(font)
        metrics = painter.fontMetrics()
        name = min(_NAME, max((metrics.horizontalAdvance(row.name) for row in self._rows), default=0))
        number = metrics.horizontalAdvance("0.000 ± 0.000") + GAP
        field = QRectF(name + 2 * GAP, 0, max(40, self.width() - name - number - 3 * GAP), ROW * len(self._rows))
        low, high = self.range()
        self._paint_axis(painter, field, low, high)
        for place, row in enumerate(self._rows):
            self._paint_row(painter, field, place, row, (low, high))
        painter.end()

    def _paint_axis(self, painter: QPainter, field: QRectF, low: float, high: float) -> None:
        colors = theme()
        wanted = (high - low) / max(2.0, field.width() / 70)
        step = next((one for one in _STEPS if one >= wanted), _STEPS[-1])
        tick = round(low / step) * step
        while tick <= high + 1e-9:
            if tick >= low - 1e-9:
                x = _x(field, tick, low, high)
                painter.setPen(QPen(colors.grid, 1))
                painter.drawLine(QPointF(x, field.top()), QPointF(x, field.bottom()))
                painter.setPen(colors.muted)
                room = QRectF(x - 30, field.bottom(), 60, AXIS)
                painter.drawText(room, Qt.AlignmentFlag.AlignCenter, f"{tick:.2f}")
            tick += step
        painter.setPen(colors.muted)
        side = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(0, field.bottom(), field.left() - GAP, AXIS), side, self._measure)

    def _paint_row(
        self, painter: QPainter, field: QRectF, place: int, row: SpreadRow, ends: tuple[float, float]
    ) -> None:
        colors, middle = theme(), field.top() + ROW * (place + 0.5)
        line = QRectF(0, middle - ROW / 2, field.left() - GAP, ROW)
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.setPen(colors.text)
        text = painter.fontMetrics().elidedText(row.name, Qt.TextElideMode.ElideRight, round(line.width()))
        painter.drawText(line, left, text)
        color = QColor(colors.good if row.best else colors.series[0])
        words = "–"
        if row.mean is not None:
            words = f"{row.mean:.3f}"
            if row.deviation is not None:
                words += f" ± {row.deviation:.3f}"
                bar = QColor(color)
                bar.setAlphaF(0.28)
                begin, end = (_x(field, row.mean + sign * row.deviation, *ends) for sign in (-1, 1))
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(bar)
                painter.drawRoundedRect(QRectF(begin, middle - 7, max(2.0, end - begin), 14), 3, 3)
            painter.setPen(QPen(color, 2.5))
            x = _x(field, row.mean, *ends)
            painter.drawLine(QPointF(x, middle - 10), QPointF(x, middle + 10))
        painter.setBrush(colors.panel)
        painter.setPen(QPen(color, 1.8))
        for value in row.values:
            painter.drawEllipse(QPointF(_x(field, value, *ends), middle), DOT, DOT)
        painter.setPen(colors.text if row.mean is not None else colors.muted)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(0, middle - ROW / 2, self.width() - 2, ROW), right, words)


def _x(field: QRectF, value: float, low: float, high: float) -> float:
    return field.left() + field.width() * (value - low) / max(high - low, 1e-9)
