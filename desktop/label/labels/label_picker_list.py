"""The rows of the label picker: tick, name with the typed letters marked, number of boxes, key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from desktop.base.theme import SMALL_PX, icon_pixmap, theme
from desktop.label.canvas.interaction import find_tri_state
from desktop.label.labels.label_delegate import paint_key, paint_name, paint_tick
from desktop.label.labels.label_match import Match

ROW = 30
PICK = int(Qt.ItemDataRole.UserRole) + 1  # the label, or None on the row that creates one
CREATE = PICK + 1  # the name of the label that the row creates
CHECKED = PICK + 2  # True, False, or None where only some of the boxes carry it
COUNT = PICK + 3
LETTERS = PICK + 4  # places of the typed letters in the name
LAST_RECENT = PICK + 5  # a line below the row divides recent labels from the others

Index = QModelIndex | QPersistentModelIndex
NO_PARENT = QModelIndex()


class PickerModel(QAbstractListModel):
    """The labels that fit what is typed, and at the end the one that would be new."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._matches: list[Match] = []
        self._sets: tuple[frozenset[int], ...] = ()
        self._counts: Mapping[str, int] = {}
        self._create = ""
        self._recent = 0

    def show_matches(
        self,
        found: Sequence[Match],
        sets: Sequence[frozenset[int]],
        counts: Mapping[str, int],
        create: str,
        recent: int,
    ) -> None:
        """`create` is the name of a label that could be made, or empty; the first `recent` rows were used lately."""
        self.beginResetModel()
        self._matches, self._sets, self._counts = list(found), tuple(sets), counts
        self._create, self._recent = create, recent
        self.endResetModel()

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._matches) + bool(self._create)

    def is_ticked(self, row: int) -> bool:
        return bool(self.index(row).data(CHECKED))

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        if not index.isValid():
            return None
        if index.row() == len(self._matches):
            text = f"Create “{self._create}”"
            return {Qt.ItemDataRole.DisplayRole: text, CREATE: self._create}.get(role)
        match = self._matches[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return match.label.name
        if role == PICK:
            return match.label
        if role == CHECKED:
            return find_tri_state(self._sets, match.label.id)
        if role == COUNT:
            return self._counts.get(match.label.name, 0)
        if role == LAST_RECENT:
            return index.row() + 1 == self._recent < len(self._matches)
        return match.letters if role == LETTERS else None


def tick_rect(row: QRect) -> QRect:
    """Where a click ticks without closing the picker."""
    return QRect(row.left(), row.top(), 34, row.height())


class PickerDelegate(QStyledItemDelegate):
    """Draws one row."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(160, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        colors = theme()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        row = option.rect.adjusted(2, 1, -2, -1)
        current = bool(option.state & QStyle.StateFlag.State_Selected)
        if current or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(QPen(colors.accent, 1.2) if current else Qt.PenStyle.NoPen)
            painter.setBrush(colors.selected if current else colors.hover)
            painter.drawRoundedRect(QRectF(row).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        square = QRectF(row.left() + 8, row.center().y() - 7.5, 16, 16)
        label = index.data(PICK)
        right = row.right() - 8
        if label is None:
            ratio = painter.device().devicePixelRatioF()
            painter.drawPixmap(square.topLeft(), icon_pixmap("add", colors.accent, 16, ratio))
        else:
            paint_tick(painter, square, QColor(label.color), index.data(CHECKED))
            right = self._paint_right(painter, row, option.font, label.shortcut, index.data(COUNT))
        room = QRect(row.left() + 34, row.top(), right - row.left() - 34 - 8, row.height())
        paint_name(painter, room, option.font, str(index.data()), index.data(LETTERS) or frozenset())
        if index.data(LAST_RECENT):
            painter.setPen(QPen(colors.strong_border, 1))
            painter.drawLine(row.left() + 6, option.rect.bottom(), row.right() - 6, option.rect.bottom())
        painter.restore()

    def _paint_right(self, painter: QPainter, row: QRect, font: QFont, key: str, count: int) -> int:
        """Draws key and count; returns where they begin."""
        small = QFont(font)
        small.setPixelSize(SMALL_PX)
        painter.setFont(small)
        if key:
            paint_key(painter, QRectF(row.right() - 26, row.center().y() - 9, 20, 19), key)
        text = f"{count:,}"
        left = row.right() - 34 - QFontMetrics(small).horizontalAdvance(text)
        painter.setPen(theme().muted)
        painter.drawText(QRect(left, row.top(), row.width(), row.height()), int(Qt.AlignmentFlag.AlignVCenter), text)
        return left
