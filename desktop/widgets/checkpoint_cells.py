"""How the cells of the table of checkpoints are drawn."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, Qt
from PySide6.QtGui import QFont, QPainter, QPalette
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from desktop import theme
from desktop.models.checkpoint_table import COLUMNS, KEYS, RECORD

Index = QModelIndex | QPersistentModelIndex


class CheckpointCells(QStyledItemDelegate):
    """A coloured star, a badge for the best of a run, and numbers whose digits stand under each other."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        super().initStyleOption(option, index)
        key = KEYS[index.column()]
        if key == "star":
            starred = index.data(RECORD).star
            _set_text(option, theme.theme().warning if starred else theme.theme().disabled)
            option.font = _larger(option.font)
        elif key == "best":
            option.text = ""
        elif key in ("run", "model", "date", "size", "epoch"):
            _set_text(option, theme.theme().muted)
        elif key == "id":
            option.font.setWeight(QFont.Weight.DemiBold)
        if COLUMNS[key].number:
            # Inter and most system fonts have digits of one width on request.
            option.font.setFeature(QFont.Tag("tnum"), 1)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        super().paint(painter, option, index)
        if KEYS[index.column()] != "best" or not index.data(RECORD).best:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(option.rect)
        badge = QRectF(0, 0, 40, 19)
        badge.moveCenter(rect.center())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.theme().good)
        painter.drawRoundedRect(badge, 9, 9)
        font = QFont(option.font)
        font.setPixelSize(11)
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(theme.text_on(theme.theme().good))
        painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, "best")
        painter.restore()


def _larger(font: QFont) -> QFont:
    larger = QFont(font)
    larger.setPixelSize(17)
    return larger


def _set_text(option: QStyleOptionViewItem, color: object) -> None:
    option.palette.setColor(QPalette.ColorRole.Text, color)
    option.palette.setColor(QPalette.ColorRole.HighlightedText, color)
