"""How a box looks in the list: its labels as chips, and its size."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from core.types import Label
from desktop.base.theme import SMALL_PX, icon_pixmap, text_on, theme
from desktop.label.boxes.box_table import CHIPS, DIFFICULT, HIDDEN, LABELS, LOCKED, NO_LABEL

ROW = 30
CHIP = 20  # height
WIDEST = 150
NARROWEST = 30


class BoxDelegate(QStyledItemDelegate):
    """Draws one cell."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(80, ROW)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        colors = theme()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        if selected or option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(option.rect, colors.selected if selected else colors.hover)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.fillRect(option.rect.left(), option.rect.top(), option.rect.width(), 1, colors.accent)
            painter.fillRect(option.rect.left(), option.rect.bottom(), option.rect.width(), 1, colors.accent)
        small = QFont(option.font)
        small.setPixelSize(SMALL_PX)
        painter.setFont(small)
        if index.data(HIDDEN):
            painter.setOpacity(0.45)
        if index.column() == LABELS:
            room = option.rect.adjusted(8, 0, -4, 0)
            for name, shown in (("lock", index.data(LOCKED)), ("hide", index.data(HIDDEN))):
                if shown:
                    sign = icon_pixmap(name, colors.muted, 15, painter.device().devicePixelRatioF())
                    painter.drawPixmap(room.right() - 15, room.center().y() - 7, sign)
                    room.setRight(room.right() - 20)
            if index.data(DIFFICULT):
                painter.setFont(small)
                painter.setPen(colors.muted)
                painter.drawText(room, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), "difficult")
                room.setRight(room.right() - QFontMetrics(small).horizontalAdvance("difficult") - 6)
            paint_chips(painter, room, small, index.data(CHIPS))
        else:
            painter.setPen(colors.muted)
            side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(option.rect.adjusted(0, 0, -10, 0), int(side), str(index.data()))
        painter.restore()


def chip_widths(wanted: list[int], room: int, gap: int = 4) -> list[int]:
    """Widths of chips side by side in `room`; the widest give way first. Chips without room are left out, and
    the last place says how many: the result is then shorter than `wanted`."""
    shown = [min(width, WIDEST) for width in wanted]
    while shown and sum(shown) + gap * (len(shown) - 1) + (NARROWEST if len(shown) < len(wanted) else 0) > room:
        widest = max(range(len(shown)), key=shown.__getitem__)
        over = sum(shown) + gap * (len(shown) - 1) + (NARROWEST if len(shown) < len(wanted) else 0) - room
        if shown[widest] > NARROWEST:
            shown[widest] = max(shown[widest] - max(over // len(shown), 1), NARROWEST)
        else:
            shown.pop()
    return shown


def paint_chips(painter: QPainter, room: QRect, font: QFont, labels: list[Label]) -> None:
    """The labels as coloured chips, with a number for those that there is no room for."""
    metrics = QFontMetrics(font)
    middle = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
    if not labels:
        painter.setPen(theme().muted)
        painter.drawText(room, middle, NO_LABEL)
        return
    widths = chip_widths([metrics.horizontalAdvance(label.name) + 14 for label in labels], room.width())
    left = float(room.left())
    for label, width in zip(labels, widths, strict=False):
        chip = QRectF(left, room.center().y() - CHIP / 2 + 0.5, width, CHIP)
        ground = QColor(label.color)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(chip, 5, 5)
        painter.setPen(text_on(ground))
        name = metrics.elidedText(label.name, Qt.TextElideMode.ElideRight, width - 12)
        painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, name)
        left += width + 4
    if len(widths) < len(labels):
        painter.setPen(theme().muted)
        painter.drawText(QRectF(left, room.top(), NARROWEST, room.height()), middle, f"+{len(labels) - len(widths)}")
