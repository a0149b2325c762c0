"""How an image looks in the list: its thumbnail, name, status and number of boxes."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPainterPath, QPen, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from core.types import ImageRecord, Split, Status
from desktop.base.theme import SMALL_PX, icon_pixmap, theme
from desktop.kit.eliding import elide_name
from desktop.label.images.image_list import OUTDATED, PROBLEM, RECORD

PICTURE = 52
ROW = 64

STATUS_COLORS = {
    Status.UNLABELLED: "muted",
    Status.LABELLED: "link",
    Status.REVIEWED: "good",
    Status.CLEAN: "good",
}


def status_pixmap(status: Status, size: int = 16, ratio: float = 1.0) -> QPixmap:
    """The sign of a status; the shapes differ as well as the colours."""
    return find_sign(f"status-{status.value}", getattr(theme(), STATUS_COLORS[status]).name(), size, ratio)


@lru_cache(maxsize=64)
def find_sign(name: str, color: str, size: int, ratio: float) -> QPixmap:
    """An icon in one colour, kept."""
    # A list paints dozens of them while it scrolls, and each would be drawn from its SVG each time.
    return icon_pixmap(name, QColor(color), size, ratio)


class ImageDelegate(QStyledItemDelegate):
    """Draws one row; rows are all equally high, so that a list of 100,000 images opens at once."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(160, ROW)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        record: ImageRecord = index.data(RECORD)
        painter.save()
        row = option.rect.adjusted(6, 1, -6, -1)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_ground(painter, row, option.state)
        frame = QRect(row.left() + 5, row.top() + (row.height() - PICTURE) // 2, PICTURE, PICTURE)
        paint_thumbnail(painter, frame, index)
        text = row.adjusted(PICTURE + 14, 9, -8, -9)
        if index.data(OUTDATED):
            # Edited out of the filter: still here, so that it is found where it was, but no longer one of the others.
            painter.setOpacity(0.5)
        self._paint_words(painter, text, option.font, record)
        painter.setOpacity(1.0)
        paint_focus(painter, row, option.state)
        painter.restore()

    def _paint_words(self, painter: QPainter, room: QRect, font: QFont, record: ImageRecord) -> None:
        colors = theme()
        small = QFont(font)
        small.setPixelSize(SMALL_PX)
        painter.setFont(font)
        painter.setPen(colors.text)
        name = record.path.rsplit("/", 1)[-1]
        shown = elide_name(name, QFontMetrics(font), room.width())
        painter.drawText(room, int(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft), shown)
        below = QRect(room.left(), room.bottom() - 17, room.width(), 18)
        ratio = painter.device().devicePixelRatioF()
        painter.drawPixmap(below.left(), below.top() + 1, status_pixmap(record.status, 16, ratio))
        painter.setFont(small)
        painter.setPen(colors.muted)
        metrics = QFontMetrics(small)
        if record.note:
            below = self._paint_note(painter, below, ratio)
        right = record.split.value if record.split != Split.NONE else ""
        painter.drawText(below, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), right)
        left = below.adjusted(21, 0, -metrics.horizontalAdvance(right) - 6, 0)
        # The sign tells the status; the word stands where there is no number to tell.
        about = boxes_text(record) or record.status.value
        status = metrics.elidedText(about, Qt.TextElideMode.ElideRight, left.width())
        painter.drawText(left, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), status)

    def _paint_note(self, painter: QPainter, line: QRect, ratio: float) -> QRect:
        """The sign that there is a note, at the right end; what is left of the line."""
        painter.drawPixmap(line.right() - 14, line.top() + 1, find_sign("note", theme().muted.name(), 15, ratio))
        return line.adjusted(0, 0, -20, 0)


def paint_ground(painter: QPainter, area: QRect, state: QStyle.StateFlag) -> None:
    """What lies under an image that is selected or pointed at."""
    painter.setPen(Qt.PenStyle.NoPen)
    if state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
        colors = theme()
        painter.setBrush(colors.selected if state & QStyle.StateFlag.State_Selected else colors.hover)
        painter.drawRoundedRect(area, 6, 6)


def paint_focus(painter: QPainter, area: QRect, state: QStyle.StateFlag) -> None:
    """The frame of the image that has the keyboard."""
    if state & QStyle.StateFlag.State_HasFocus:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme().accent, 1.5))
        painter.drawRoundedRect(QRectF(area).adjusted(1, 1, -1, -1), 6, 6)


def paint_thumbnail(painter: QPainter, frame: QRect, index: QModelIndex | QPersistentModelIndex) -> None:
    """The thumbnail in the middle of a rounded frame; a sign where the file cannot be shown."""
    colors = theme()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colors.canvas)
    painter.drawRoundedRect(frame, 4, 4)
    picture: QPixmap | None = index.data(Qt.ItemDataRole.DecorationRole)
    if picture is not None:
        size = picture.size().scaled(frame.size(), Qt.AspectRatioMode.KeepAspectRatio)
        target = QRect(QPoint(0, 0), size)
        target.moveCenter(frame.center())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        # The corners of the picture must not stand out of the rounded frame.
        corners = QPainterPath()
        corners.addRoundedRect(QRectF(frame), 4, 4)
        painter.save()
        painter.setClipPath(corners)
        painter.drawPixmap(target, picture)
        painter.restore()
    elif index.data(PROBLEM):
        sign = find_sign("warning", colors.warning.name(), 20, painter.device().devicePixelRatioF())
        painter.drawPixmap(frame.center() - QPoint(10, 10), sign)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(colors.border, 1))
    painter.drawRoundedRect(frame, 4, 4)


def boxes_text(record: ImageRecord) -> str:
    """How many boxes an image has, in words; nothing where there are none."""
    if not record.box_count:
        return ""
    return "1 box" if record.box_count == 1 else f"{record.box_count:,} boxes"
