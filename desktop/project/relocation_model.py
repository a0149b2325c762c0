"""Images whose files are gone or changed, and what was found for them, as a table with a tick for each that is taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from core.project.images.relocating import Found
from core.types import ImageRecord
from desktop.base.theme import theme
from desktop.kit.problem_table import visible

Index = QModelIndex | QPersistentModelIndex
NO_PARENT = QModelIndex()
TITLES = ("Image", "Now", "Found", "Told by")
IMAGE, NOW, FOUND, BY = range(4)
State = Literal["missing", "changed"]
_STATES = {"missing": "missing", "changed": "other content"}
_BY = {
    "content": "same content",
    "name and size": "name and size; other content",
    "name": "name only; other content",
}


@dataclass(slots=True)
class Row:
    """One image that is looked for."""

    image: ImageRecord
    state: State
    found: Found | None = None
    taken: bool = False

    @property
    def is_certain(self) -> bool:
        """Whether the found file holds what was labelled."""
        return self.found is not None and self.found.by == "content"


class RelocationModel(QAbstractTableModel):
    """What has other content is never ticked by itself."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Row] = []

    @property
    def rows(self) -> Sequence[Row]:
        return self._rows

    def set_images(self, images: Iterable[tuple[ImageRecord, State]]) -> None:
        self.beginResetModel()
        self._rows = [Row(image, state) for image, state in images]
        self.endResetModel()

    def set_found(self, found: Iterable[Found]) -> None:
        """Show what was found; files with the same content are ticked."""
        by_image = {one.image_id: one for one in found}
        self.beginResetModel()
        for row in self._rows:
            row.found = by_image.get(row.image.id)
            row.taken = row.is_certain
        # What a user has to decide on comes first.
        self._rows.sort(key=lambda row: (row.found is None, row.is_certain))
        self.endResetModel()

    def take_uncertain(self, take: bool) -> None:
        """Tick, or not, everything that was found with other content."""
        for row in self._rows:
            if row.found is not None and not row.is_certain:
                row.taken = take
        if self._rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, 0))

    def list_taken(self, *, certain: bool) -> dict[int, Path]:
        """Ticked files by image id: those of the same content, or the others."""
        return {
            row.image.id: row.found.path
            for row in self._rows
            if row.taken and row.found is not None and row.is_certain == certain
        }

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(TITLES)

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if index.isValid() and index.column() == IMAGE and self._rows[index.row()].found is not None:
            flags |= Qt.ItemFlag.ItemIsUserCheckable
        return flags

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        if not index.isValid():
            return None
        row, column = self._rows[index.row()], index.column()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return self._cell_text(row, column)
        if role == Qt.ItemDataRole.CheckStateRole and column == IMAGE and row.found is not None:
            return Qt.CheckState.Checked if row.taken else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.ForegroundRole and column in (NOW, BY):
            if column == BY and row.found is not None:
                return theme().good if row.is_certain else theme().warning
            return theme().muted if column == BY else theme().warning
        return None

    def setData(self, index: Index, value: Any, role: int = int(Qt.ItemDataRole.EditRole)) -> bool:
        if role != Qt.ItemDataRole.CheckStateRole or not index.isValid():
            return False
        self._rows[index.row()].taken = Qt.CheckState(value) == Qt.CheckState.Checked
        self.dataChanged.emit(index, index)
        return True

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = int(Qt.ItemDataRole.DisplayRole)
    ) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return TITLES[section]
        return None

    @staticmethod
    def _cell_text(row: Row, column: int) -> str:
        if column == IMAGE:
            return visible(row.image.path)
        if column == NOW:
            return _STATES[row.state]
        if row.found is None:
            return "–" if column == FOUND else ""
        return visible(str(row.found.path)) if column == FOUND else _BY[row.found.by]
