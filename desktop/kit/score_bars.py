"""Named values between 0 and 1 as bars: average precision by label, or the scores of one detection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from desktop.base import theme
from desktop.kit import formatting

ROW = 24
BAR = 8


@dataclass(frozen=True, slots=True)
class Bar:
    """One row. `value` is None where there is nothing to judge; `verdict` is a short word beside the value."""

    name: str
    value: float | None
    color: QColor
    verdict: str = ""
    verdict_color: QColor | None = None
    faint: bool = False
    tooltip: str = ""
    mark: float | None = None  # a line across the bar, such as at the score threshold


class ScoreBars(QWidget):
    """Rows of name, bar and value; the names share one width, so that the bars can be compared."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bars: tuple[Bar, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.notifier.theme_changed.connect(self.update)

    @property
    def bars(self) -> tuple[Bar, ...]:
        return self._bars

    def set_bars(self, bars: Sequence[Bar]) -> None:
        resized = len(bars) != len(self._bars)
        self._bars = tuple(bars)
        self.setAccessibleDescription(
            "; ".join(f"{bar.name} {formatting.metric(bar.value)} {bar.verdict}" for bar in bars)
        )
        if resized:
            self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(220, ROW * len(self._bars))

    def minimumSizeHint(self) -> QSize:
        return QSize(140, ROW * len(self._bars))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = self.fontMetrics()
        widest = max((metrics.horizontalAdvance(bar.name) for bar in self._bars), default=0)
        names = min(widest + 10, int(self.width() * 0.42))
        values = metrics.horizontalAdvance("0.000") + 6
        verdicts = max((metrics.horizontalAdvance(bar.verdict) + 8 for bar in self._bars if bar.verdict), default=0)
        track = max(20, self.width() - names - values - verdicts)
        for row, bar in enumerate(self._bars):
            top = row * ROW
            painter.setPen(theme.theme().muted if bar.faint else theme.theme().text)
            name = metrics.elidedText(bar.name, Qt.TextElideMode.ElideRight, names - 8)
            painter.drawText(QRectF(0, top, names, ROW), Qt.AlignmentFlag.AlignVCenter, name)
            self._paint_bar(painter, QRectF(names, top + (ROW - BAR) / 2, track, BAR), bar)
            right = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
            painter.setPen(theme.theme().muted if bar.faint or bar.value is None else theme.theme().text)
            painter.drawText(QRectF(names + track, top, values, ROW), right, formatting.metric(bar.value))
            if bar.verdict:
                painter.setPen(bar.verdict_color or theme.theme().muted)
                painter.drawText(QRectF(names + track + values, top, verdicts, ROW), right, bar.verdict)

    def _paint_bar(self, painter: QPainter, rect: QRectF, bar: Bar) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.theme().border)
        painter.drawRoundedRect(rect, BAR / 2, BAR / 2)
        if bar.value:
            color = QColor(bar.color)
            color.setAlphaF(0.45 if bar.faint else 1.0)
            painter.setBrush(color)
            painter.drawRoundedRect(
                QRectF(rect.x(), rect.y(), max(BAR, rect.width() * bar.value), BAR), BAR / 2, BAR / 2
            )
        if bar.mark is not None:
            x = rect.x() + rect.width() * bar.mark
            painter.setPen(QPen(theme.theme().text, 1.5))
            painter.drawLine(int(x), int(rect.y() - 4), int(x), int(rect.bottom() + 4))

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            row = event.pos().y() // ROW
            if 0 <= row < len(self._bars):
                bar = self._bars[row]
                QToolTip.showText(event.globalPos(), bar.tooltip or f"{bar.name}: {formatting.metric(bar.value)}", self)
                return True
        return super().event(event)
