"""How an image looks in the grid: its thumbnail as large as the cell, with signs and the name below."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from core.types import ImageRecord
from desktop.base.theme import SMALL_PX, theme
from desktop.kit.eliding import elide_name
from desktop.label.images.image_delegate import find_sign, paint_focus, paint_ground, paint_thumbnail, status_pixmap
from desktop.label.images.image_list import OUTDATED, RECORD

CELL_WIDTH = 116  # at least
CELL_HEIGHT = 128
WORDS = 20  # height of the line below the picture
EDGE = 5


class GridDelegate(QStyledItemDelegate):
    """Draws one cell."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(CELL_WIDTH, CELL_HEIGHT)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        record: ImageRecord = index.data(RECORD)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        cell = option.rect.adjusted(2, 2, -2, -2)
        paint_ground(painter, cell, option.state)
        if index.data(OUTDATED):
            painter.setOpacity(0.5)
        paint_thumbnail(painter, cell.adjusted(EDGE, EDGE, -EDGE, -EDGE - WORDS), index)
        line = QRect(cell.left() + EDGE, cell.bottom() - WORDS - 1, cell.width() - 2 * EDGE, WORDS)
        self._paint_words(painter, line, option.font, record)
        painter.setOpacity(1.0)
        paint_focus(painter, cell, option.state)
        painter.restore()

    def _paint_words(self, painter: QPainter, line: QRect, font: QFont, record: ImageRecord) -> None:
        ratio = painter.device().devicePixelRatioF()
        painter.drawPixmap(line.left(), line.top() + 2, status_pixmap(record.status, 15, ratio))
        room = line.adjusted(19, 0, 0, 0)
        if record.note:
            painter.drawPixmap(room.right() - 14, line.top() + 2, find_sign("note", theme().muted.name(), 15, ratio))
            room.setRight(room.right() - 18)
        small = QFont(font)
        small.setPixelSize(SMALL_PX)
        painter.setFont(small)
        painter.setPen(theme().text)
        name = record.path.rsplit("/", 1)[-1]
        shown = elide_name(name, QFontMetrics(small), room.width())
        painter.drawText(room, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), shown)
