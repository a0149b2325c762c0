"""The boxes of the current image as a list: colours, names and size; selects what is selected on the canvas."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import (
    QAbstractListModel,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from core.types import Box, Label
from desktop.canvas.box_painter import NO_LABEL
from desktop.theme import SMALL_PX, theme

BOX = int(Qt.ItemDataRole.UserRole) + 1
COLORS = BOX + 1

Index = QModelIndex | QPersistentModelIndex
NO_PARENT = QModelIndex()


class BoxListModel(QAbstractListModel):
    """One row a box, in the order in which they were drawn."""

    def __init__(self) -> None:
        super().__init__()
        self._boxes: tuple[Box, ...] = ()
        self._labels: tuple[Label, ...] = ()

    def show_boxes(self, boxes: Sequence[Box], labels: Sequence[Label]) -> None:
        self.beginResetModel()
        self._boxes, self._labels = tuple(boxes), tuple(labels)
        self.endResetModel()

    def boxes(self) -> tuple[Box, ...]:
        return self._boxes

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._boxes)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        if not index.isValid():
            return None
        box = self._boxes[index.row()]
        shown = [label for label in self._labels if label.id in box.labels]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return ", ".join(label.name for label in shown) or NO_LABEL
        if role == COLORS:
            return [QColor(label.color) for label in shown]
        return box if role == BOX else None


class BoxList(QListView):
    """Announces what a person selects here; `show_selection` follows the canvas without announcing."""

    chosen = Signal(object)  # frozenset of box ids
    opened = Signal(int)  # box id, double-clicked: show it large

    def __init__(self) -> None:
        super().__init__()
        self.boxes = BoxListModel()
        self._following = False
        self.setModel(self.boxes)
        self.setItemDelegate(_BoxDelegate(self))
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Boxes of this image")
        self.selectionModel().selectionChanged.connect(self._announce)
        self.doubleClicked.connect(lambda index: self.opened.emit(index.data(BOX).id))

    def show_boxes(self, boxes: Sequence[Box], labels: Sequence[Label], selected: Collection[int]) -> None:
        self._following = True
        self.boxes.show_boxes(boxes, labels)
        self._following = False
        self.show_selection(selected)

    def show_selection(self, selected: Collection[int]) -> None:
        self._following = True
        rows = [row for row, box in enumerate(self.boxes.boxes()) if box.id in selected]
        selection = QItemSelection()
        for row in rows:
            selection.select(self.boxes.index(row), self.boxes.index(row))
        self.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        if rows:
            self.scrollTo(self.boxes.index(rows[0]))
        self._following = False

    def _announce(self) -> None:
        if not self._following:
            self.chosen.emit(frozenset(index.data(BOX).id for index in self.selectedIndexes()))


class _BoxDelegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(160, 30)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        colors = theme()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        row = option.rect.adjusted(6, 1, -6, -1)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setBrush(colors.selected)
            painter.drawRoundedRect(row, 6, 6)
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(colors.hover)
            painter.drawRoundedRect(row, 6, 6)
        shades: list[QColor] = index.data(COLORS) or [colors.strong_border]
        left = row.left() + 8.0
        for shade in shades:
            painter.setBrush(shade)
            painter.drawRoundedRect(QRectF(left, row.center().y() - 5, 11, 11), 3, 3)
            left += 13
        box: Box = index.data(BOX)
        small = QFont(option.font)
        small.setPixelSize(SMALL_PX)
        size = f"{box.x2 - box.x1:.0f} × {box.y2 - box.y1:.0f}"
        width = QFontMetrics(small).horizontalAdvance(size)
        painter.setFont(small)
        painter.setPen(colors.muted)
        to_the_right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(row.adjusted(0, 0, -8, 0), to_the_right, size)
        room = row.adjusted(int(left) - row.left() + 5, 0, -width - 16, 0)
        painter.setFont(option.font)
        painter.setPen(colors.text if index.data(COLORS) else colors.muted)
        names = QFontMetrics(option.font).elidedText(str(index.data()), Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), names)
        painter.restore()
