"""A strategy as a picture: a row for each part of the network, the epochs in which it learns, and its rate."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from desktop.base.theme import GAP, SMALL_PX, notifier, theme
from desktop.train.recipe.strategy_picture import Picture, Row, count_text, describe_picture, rate_text
from desktop.train.recipe.unfreezing import Beginnings, as_settings, move_beginning

ROW = 24
BAR = 18
_AXIS = 20  # height of the epochs below the bars
_GRIP = 7  # pixels beside an edge within which the mouse takes it
_LARGE_STEP = 5  # epochs, with Shift


class StrategyView(QWidget):
    """Shows a Picture. Where it is editable, the left ends of the bars can be dragged, or moved by the arrow keys."""

    unfreeze_changed = Signal(object)  # tuple of Unfreeze, after a change by the user

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture = Picture((), (), 1, 0, editable=False)
        self._current = 1  # index of the row that the arrow keys move
        self._dragged: str = ""
        self.setAccessibleName("What learns, by epoch")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        notifier.theme_changed.connect(self.update)

    def show_picture(self, picture: Picture) -> None:
        self._picture = picture
        self._current = min(max(1, self._current), max(1, len(picture.rows) - 1))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if picture.editable else Qt.FocusPolicy.NoFocus)
        self.setAccessibleDescription(describe_picture(picture))
        if not picture.editable:
            self._dragged = ""
            self.unsetCursor()
        self.updateGeometry()
        self.update()

    @property
    def picture(self) -> Picture:
        return self._picture

    def sizeHint(self) -> QSize:
        return QSize(240, ROW * len(self._picture.rows) + _AXIS + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, self.sizeHint().height())

    # -- geometry ----------------------------------------------------------------------------------------------

    def _left(self) -> float:
        """Where the bars begin: right of the names and sizes."""
        metrics = self._small_metrics()
        names = max((metrics.horizontalAdvance(row.name) for row in self._picture.rows), default=0)
        sizes = max((metrics.horizontalAdvance(count_text(row.parameters)) for row in self._picture.rows), default=0)
        known = any(row.parameters for row in self._picture.rows)
        return 6 + names + (GAP + sizes if known else 0) + GAP

    def x_of(self, epoch: float) -> float:
        """The left edge of an epoch (from 1) in pixels; the end of the run is that of epoch + 1."""
        left, right = self._left(), self.width() - 2
        return left + (right - left) * (epoch - 1) / max(1, self._picture.epochs)

    def y_of(self, place: int) -> float:
        """The middle of a row."""
        return 2 + ROW * (place + 0.5)

    def epoch_at(self, x: float) -> int | None:
        """The epoch whose left edge is nearest; None right of the last one: never."""
        left, right = self._left(), self.width() - 2
        epoch = 1 + round((x - left) / max(1.0, right - left) * self._picture.epochs)
        return max(1, epoch) if epoch <= self._picture.epochs else None

    def _row_at(self, y: float) -> int | None:
        place = int((y - 2) // ROW)
        return place if 0 <= place < len(self._picture.rows) else None

    def _grip_at(self, position: QPointF) -> str:
        """The stage whose left end lies under the mouse."""
        place = self._row_at(position.y())
        if not self._picture.editable or place is None or place == 0:
            return ""
        row = self._picture.rows[place]
        edge = self.x_of(row.begin if row.begin is not None else self._picture.epochs + 1)
        return row.name if abs(position.x() - edge) <= _GRIP else ""

    # -- editing -----------------------------------------------------------------------------------------------

    def move_stage(self, stage: str, epoch: int | None) -> None:
        """Move the beginning of a stage; None: it never learns."""
        begins: Beginnings = {row.name: row.begin for row in reversed(self._picture.rows[1:])}
        changed = move_beginning(begins, stage, epoch, self._picture.epochs)
        if changed != begins:
            self.unfreeze_changed.emit(as_settings(changed))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or not self._picture.editable:
            return
        self._dragged = self._grip_at(event.position())
        if (place := self._row_at(event.position().y())) is not None and place > 0:
            self._current = place
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragged:
            self.move_stage(self._dragged, self.epoch_at(event.position().x()))
            return
        self.setCursor(Qt.CursorShape.SizeHorCursor if self._grip_at(event.position()) else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._dragged = ""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        rows, key = self._picture.rows, event.key()
        if not self._picture.editable or len(rows) < 2:
            super().keyPressEvent(event)
            return
        row = rows[self._current]
        step = _LARGE_STEP if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._current = min(max(1, self._current + (1 if key == Qt.Key.Key_Down else -1)), len(rows) - 1)
            self.update()
        elif key == Qt.Key.Key_Left:
            self.move_stage(row.name, (row.begin if row.begin is not None else self._picture.epochs + 1) - step)
        elif key == Qt.Key.Key_Right and row.begin is not None:
            later = row.begin + step
            self.move_stage(row.name, later if later <= self._picture.epochs else None)
        elif key == Qt.Key.Key_Delete:
            self.move_stage(row.name, None)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()
        super().focusOutEvent(event)

    def event(self, event: object) -> bool:
        if isinstance(event, QHelpEvent) and (place := self._row_at(event.pos().y())) is not None:
            QToolTip.showText(event.globalPos(), self._tip(self._picture.rows[place]), self)
            return True
        return super().event(event)  # type: ignore[arg-type]

    def _tip(self, row: Row) -> str:
        size = f"{row.parameters:,} parameters. " if row.parameters else ""
        if row.begin is None:
            learns = "Keeps what it knows: it never learns."
        else:
            since = "from the beginning" if row.begin == 1 else f"from epoch {row.begin} on"
            share = "" if row.factor == 1 else f", {row.factor:.3g} of the head's"
            learns = f"Learns {since}, at a rate of up to {rate_text(row.rate)}{share}."
        edit = " Drag the left end of its bar, or use the arrow keys, to change that." if self._picture.editable else ""
        return f"<p><b>{row.name}</b>: {size}{learns}{edit if row is not self._picture.rows[0] else ''}</p>"

    # -- painting ----------------------------------------------------------------------------------------------

    def _small_metrics(self) -> QFontMetricsF:
        font = self.font()
        font.setPixelSize(SMALL_PX)
        return QFontMetricsF(font)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = self.font()
        font.setPixelSize(SMALL_PX)
        painter.setFont(font)
        for place, row in enumerate(self._picture.rows):
            self._paint_row(painter, place, row)
        self._paint_axis(painter)
        painter.end()

    def _paint_row(self, painter: QPainter, place: int, row: Row) -> None:
        colors, middle, left = theme(), self.y_of(place), self._left()
        on = self.isEnabled()
        if self._picture.editable and place == self._current and self.hasFocus():
            painter.setPen(QPen(colors.link, 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(0.75, middle - ROW / 2 + 0.75, self.width() - 1.5, ROW - 1.5), 5, 5)
        line = QRectF(6, middle - ROW / 2, left - GAP - 6, ROW)
        painter.setPen(colors.text if on else colors.disabled)
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, row.name)
        if row.parameters:
            painter.setPen(colors.muted if on else colors.disabled)
            painter.drawText(
                line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, count_text(row.parameters)
            )
        end = self.x_of(self._picture.epochs + 1)
        frozen = QRectF(left, middle - BAR / 2, end - left, BAR)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colors.hover)
        painter.drawRoundedRect(frozen, 4, 4)
        begin = self.x_of(row.begin) if row.begin is not None else end
        self._paint_words(painter, QRectF(left, frozen.top(), begin - left, BAR), "frozen", colors.muted)
        if row.begin is not None:
            self._paint_bar(painter, QRectF(begin, frozen.top(), end - begin, BAR), row, place)
        if self._picture.editable and place > 0:
            painter.setPen(QPen(colors.text if on else colors.disabled, 2))
            painter.drawLine(QPointF(begin, frozen.top() + 3), QPointF(begin, frozen.bottom() - 3))

    def _paint_bar(self, painter: QPainter, bar: QRectF, row: Row, place: int) -> None:
        strength = _strength(row.factor)
        color = _mixed(theme().hover, theme().accent, 0.3 + 0.7 * strength)
        if not self.isEnabled():
            color = theme().strong_border
        path = QPainterPath()
        path.addRoundedRect(bar, 4, 4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.fillPath(path, color)
        word = f"rate {rate_text(row.rate)}" if place == 0 else rate_text(row.rate)
        self._paint_words(painter, bar, word, theme().accent_text if strength > 0.55 else theme().text)

    def _paint_words(self, painter: QPainter, room: QRectF, words: str, color: QColor) -> None:
        if painter.fontMetrics().horizontalAdvance(words) + 10 <= room.width():
            painter.setPen(color if self.isEnabled() else theme().disabled)
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter, words)

    def _paint_axis(self, painter: QPainter) -> None:
        """Epochs at which something changes, and the last one; those that would touch are left out."""
        epochs, metrics = self._picture.epochs, painter.fontMetrics()
        top, left, right = 2 + ROW * len(self._picture.rows), self._left(), self.width() - 2
        painter.setPen(theme().muted)
        marks = [*sorted({phase.epoch for phase in self._picture.phases} - {1}, reverse=True)]
        last = str(epochs)
        painter.drawText(
            QRectF(0, top, right, _AXIS), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, last
        )
        limit = float(right - metrics.horizontalAdvance(last) - GAP)
        begin = left + metrics.horizontalAdvance("1") + GAP
        painter.drawText(QRectF(left, top, right - left, _AXIS), Qt.AlignmentFlag.AlignVCenter, "1")
        painter.drawText(
            QRectF(6, top, left - GAP - 6, _AXIS), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, "epoch"
        )
        for epoch in marks:
            width, x = float(metrics.horizontalAdvance(str(epoch))), self.x_of(epoch)
            if x - width / 2 < begin or x + width / 2 > limit:
                continue
            painter.drawText(QRectF(x - width / 2, top, width + 1, _AXIS), Qt.AlignmentFlag.AlignVCenter, str(epoch))
            limit = x - width / 2 - GAP


def _strength(factor: float) -> float:
    """How strong the colour of a rate is: 1 for the head's, less by a third for each factor of ten below it."""
    return max(0.0, 1 + math.log10(max(factor, 1e-6)) / 3)


def _mixed(first: QColor, second: QColor, share: float) -> QColor:
    parts = [
        round(a + (b - a) * share)
        for a, b in zip(first.getRgb()[:3], second.getRgb()[:3], strict=True)  # type: ignore[index]
    ]
    return QColor(*parts)
