"""How the cells of the table of checkpoints are drawn."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRectF, Qt
from PySide6.QtGui import QFont, QPainter, QPalette
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from desktop.base import theme
from desktop.checkpoints.checkpoint_table import COLUMNS, KEYS, RECORD, CheckpointFilter

INDENT = " " * 3  # before the name of a checkpoint that stands below another of its run
Index = QModelIndex | QPersistentModelIndex


class CheckpointCells(QStyledItemDelegate):
    """A coloured star, a badge for the best of a run, and numbers whose digits stand under each other."""

    def __init__(self, model: CheckpointFilter, parent: QObject) -> None:
        super().__init__(parent)
        self._filter = model

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        super().initStyleOption(option, index)
        key = KEYS[index.column()]
        if key == "star" or key == "best":
            option.text = ""
        elif key in ("run", "model", "date", "size", "epoch"):
            _set_text(option, theme.theme().muted)
        elif key == "id":
            option.font.setWeight(QFont.Weight.DemiBold)
            if self._filter.follows_in_run(index.row()):
                option.text = f"{INDENT}{option.text}"
        if COLUMNS[key].number:
            # Inter and most system fonts have digits of one width on request.
            option.font.setFeature(QFont.Tag("tnum"), 1)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        super().paint(painter, option, index)
        key, record = KEYS[index.column()], index.data(RECORD)
        if key == "star":
            # Painted here, since a style sheet gives all words of a selected row one colour.
            painter.save()
            painter.setFont(_resize_font(option.font, 17))
            painter.setPen(theme.theme().warning if record.star else theme.theme().disabled)
            painter.drawText(option.rect, Qt.AlignmentFlag.AlignCenter, index.data())
            painter.restore()
        elif key == "best" and record.best:
            _paint_badge(painter, option, "best")
        if index.row() and self._filter.starts_run(index.row()):
            painter.save()
            painter.setPen(theme.theme().border)
            painter.drawLine(option.rect.topLeft(), option.rect.topRight())
            painter.restore()


def _paint_badge(painter: QPainter, option: QStyleOptionViewItem, text: str) -> None:
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    badge = QRectF(0, 0, 40, 19)
    badge.moveCenter(QRectF(option.rect).center())
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.theme().good)
    painter.drawRoundedRect(badge, 9, 9)
    font = _resize_font(option.font, 11)
    font.setWeight(QFont.Weight.DemiBold)
    painter.setFont(font)
    painter.setPen(theme.text_on(theme.theme().good))
    painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()


def _resize_font(font: QFont, pixels: int) -> QFont:
    sized = QFont(font)
    sized.setPixelSize(pixels)
    return sized


def _set_text(option: QStyleOptionViewItem, color: object) -> None:
    option.palette.setColor(QPalette.ColorRole.Text, color)
    option.palette.setColor(QPalette.ColorRole.HighlightedText, color)
