"""How a label looks in the list: tick in its colour, name, key, number of boxes."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QPainter,
    QPen,
    QTextCharFormat,
    QTextLayout,
    QTextOption,
)
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from core.types import Label
from desktop.base.theme import SMALL_PX, icon_pixmap, text_on, theme
from desktop.label.labels.label_list import CHECKED, COUNT, HIDDEN, LABEL, LOCKED

ROW = 31
MENU_WIDTH = 34
KEY_WIDTH = 30  # at the right end


def menu_rect(row: QRect) -> QRect:
    """Where the three dots of a row are: in place of the number of boxes, while the mouse is on the row."""
    return QRect(row.right() - KEY_WIDTH - MENU_WIDTH, row.top(), MENU_WIDTH, row.height())


class LabelDelegate(QStyledItemDelegate):
    """Draws one label."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(160, ROW)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        label: Label = index.data(LABEL)
        checked: bool | None = index.data(CHECKED)
        colors = theme()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        row = option.rect.adjusted(6, 1, -6, -1)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        focused = bool(option.state & QStyle.StateFlag.State_HasFocus)
        if hovered or focused or checked is not False:
            painter.setPen(QPen(colors.accent, 1.2) if focused else Qt.PenStyle.NoPen)
            painter.setBrush(colors.hover if hovered else colors.selected if checked is not False else colors.panel)
            painter.drawRoundedRect(QRectF(row).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        paint_tick(painter, QRectF(row.left() + 8, row.center().y() - 8, 17, 17), QColor(label.color), checked)
        right = self._paint_right(painter, row, option.font, label, index.data(COUNT), hovered)
        right = _paint_signs(painter, row, right, hidden=index.data(HIDDEN), locked=index.data(LOCKED))
        room = QRect(row.left() + 34, row.top(), right - row.left() - 34 - 6, row.height())
        font = QFont(option.font)
        font.setWeight(QFont.Weight.DemiBold if checked else QFont.Weight.Normal)
        paint_name(painter, room, font, label.name)
        painter.restore()

    def _paint_right(self, painter: QPainter, row: QRect, font: QFont, label: Label, count: int, hovered: bool) -> int:
        """Draws key, and the count or the dots; returns where they begin."""
        colors = theme()
        dots = menu_rect(row)
        small = QFont(font)
        small.setPixelSize(SMALL_PX)
        painter.setFont(small)
        if label.shortcut:
            paint_key(painter, QRectF(row.right() - KEY_WIDTH + 4, row.center().y() - 9, 20, 19), label.shortcut)
        if hovered:
            ratio = painter.device().devicePixelRatioF()
            sign = icon_pixmap("more", colors.text, 16, ratio)
            painter.drawPixmap(dots.center().x() - 8, dots.center().y() - 8, sign)
            return dots.left()
        text = f"{count:,}"
        width = QFontMetrics(small).horizontalAdvance(text)
        painter.setPen(colors.muted)
        left = dots.right() - width - 4
        painter.drawText(QRect(left, row.top(), width, row.height()), int(Qt.AlignmentFlag.AlignVCenter), text)
        return left


def _paint_signs(painter: QPainter, row: QRect, right: int, *, hidden: bool, locked: bool) -> int:
    """That the boxes of a label are hidden or locked; returns where the signs begin."""
    ratio = painter.device().devicePixelRatioF()
    for name, shown in (("lock", locked), ("hide", hidden)):
        if shown:
            right -= 20
            painter.drawPixmap(right, row.center().y() - 7, icon_pixmap(name, theme().warning, 15, ratio))
    return right


def paint_key(painter: QPainter, place: QRectF, key: str) -> None:
    """The key of a label, as a cap."""
    painter.setPen(QPen(theme().strong_border, 1))
    painter.setBrush(theme().field)
    painter.drawRoundedRect(place, 4, 4)
    painter.setPen(theme().muted)
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, key)


def paint_name(painter: QPainter, room: QRect, font: QFont, name: str, letters: frozenset[int] = frozenset()) -> None:
    """One line of `name`, cut at the end where there is no room, with the places `letters` of it marked."""
    shown = QFontMetrics(font).elidedText(name, Qt.TextElideMode.ElideRight, room.width())
    layout = QTextLayout(shown, font)
    # Also a name that is written from right to left begins at the tick it belongs to.
    layout.setTextOption(QTextOption(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignAbsolute))
    marked = QTextCharFormat()
    marked.setFontWeight(QFont.Weight.Bold)
    marked.setForeground(theme().link)
    ranges = []
    for place in sorted(letters):
        if place < len(shown) and shown[place] == name[place]:
            part = QTextLayout.FormatRange()
            part.start, part.length, part.format = place, 1, marked
            ranges.append(part)
    layout.setFormats(ranges)
    layout.beginLayout()
    line = layout.createLine()
    if line.isValid():
        line.setLineWidth(room.width() + 40)  # bold letters may be wider than what was measured
        line.setPosition(QPointF(0, 0))
    layout.endLayout()
    painter.save()
    painter.setClipRect(room)
    painter.setPen(theme().text)
    layout.draw(painter, QPointF(room.left(), room.center().y() - layout.boundingRect().height() / 2 + 1))
    painter.restore()


def paint_tick(painter: QPainter, square: QRectF, color: QColor, checked: bool | None) -> None:
    """A tick box in the label's colour: full, half (None) or empty."""
    painter.setPen(QPen(color, 2))
    painter.setBrush(color if checked else Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(square, 4, 4)
    if checked:
        mark = QPen(text_on(color), 2.2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
        painter.setPen(mark)
        x, y, side = square.left(), square.top(), square.width()
        painter.drawPolyline(
            [
                QPointF(x + side * 0.26, y + side * 0.52),
                QPointF(x + side * 0.43, y + side * 0.69),
                QPointF(x + side * 0.75, y + side * 0.34),
            ]
        )
    elif checked is None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawRoundedRect(square.adjusted(4, 7, -4, -7), 1.5, 1.5)
