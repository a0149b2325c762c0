"""The boxes of an image for Qt's views: their labels and their size."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from core.types import Box, Label
from desktop.label.canvas.box_rules import NO_RULES, BoxRules

BOX = int(Qt.ItemDataRole.UserRole) + 1
CHIPS = BOX + 1  # the labels of the box, in the project's order
SORT_KEY = BOX + 2
HIDDEN = BOX + 3  # whether the box is out of sight
LOCKED = BOX + 4  # whether it is held in place
DIFFICULT = BOX + 5  # whether training and judging ignore it
LABELS, SIZE = range(2)  # columns
NO_LABEL = "no label yet"

Index = QModelIndex | QPersistentModelIndex
NO_PARENT = QModelIndex()


class BoxTableModel(QAbstractTableModel):
    """One row a box, in the order in which they were drawn."""

    SORT = SORT_KEY

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._boxes: tuple[Box, ...] = ()
        self._labels: tuple[Label, ...] = ()
        self._mm: float | None = None
        self._rules = NO_RULES

    def set_rules(self, rules: BoxRules) -> None:
        """Say which boxes are hidden or locked."""
        self._rules = rules
        if self._boxes:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._boxes) - 1, SIZE))

    def show_boxes(self, boxes: Sequence[Box], labels: Sequence[Label], mm_per_pixel: float | None = None) -> None:
        same = [box.id for box in boxes] == [box.id for box in self._boxes] and mm_per_pixel == self._mm
        if not same:
            self.beginResetModel()
        self._boxes, self._labels, self._mm = tuple(boxes), tuple(labels), mm_per_pixel
        if not same:
            self.endResetModel()
        elif self._boxes:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._boxes) - 1, SIZE))

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._boxes)

    def columnCount(self, parent: Index = NO_PARENT) -> int:
        return 2

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = int(Qt.ItemDataRole.DisplayRole)
    ) -> object:
        if orientation == Qt.Orientation.Vertical:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(
                (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight)[section] | Qt.AlignmentFlag.AlignVCenter
            )
        if role == Qt.ItemDataRole.DisplayRole:
            return ("Labels", "Size, mm" if self._mm else "Size, px")[section]
        return None

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        if not index.isValid():
            return None
        box = self._boxes[index.row()]
        if role == BOX:
            return box
        if role == CHIPS:
            return self._list_chips(box)
        if role == DIFFICULT:
            return box.difficult
        if role in (HIDDEN, LOCKED):
            return self._rules.hides(box) if role == HIDDEN else self._rules.locks(box)
        if role == SORT_KEY:
            area = (box.x2 - box.x1) * (box.y2 - box.y1)
            return area if index.column() == SIZE else self._list_names(box).casefold()
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._describe_box(box)
        if role == Qt.ItemDataRole.DisplayRole:
            names = self._list_names(box) + (" (difficult)" if box.difficult else "")
            return names if index.column() == LABELS else size_text(box, self._mm)
        return None

    def _list_chips(self, box: Box) -> list[Label]:
        return [label for label in self._labels if label.id in box.labels]

    def _list_names(self, box: Box) -> str:
        return ", ".join(label.name for label in self._list_chips(box)) or NO_LABEL

    def _describe_box(self, box: Box) -> str:
        sizes = f"{size_text(box, None)} px" + (f" = {size_text(box, self._mm)} mm" if self._mm else "")
        hidden = "\nHidden" if self._rules.hides(box) else ""
        locked = "\nLocked" if self._rules.locks(box) else ""
        hidden = ("\nDifficult: ignored in training and judging" if box.difficult else "") + hidden
        return f"{self._list_names(box)}\n{sizes}, at x {box.x1:.0f}, y {box.y1:.0f}{hidden}{locked}"


def size_text(box: Box, mm_per_pixel: float | None) -> str:
    """Width and height of a box in px, or in mm with two decimals where the project has a scale."""
    wide, high = box.x2 - box.x1, box.y2 - box.y1
    if mm_per_pixel:
        return f"{wide * mm_per_pixel:.2f} × {high * mm_per_pixel:.2f}"
    return f"{wide:.0f} × {high:.0f}"
