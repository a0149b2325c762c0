"""The edits that can be undone and redone, newest first, with a row that says where the project is now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Literal

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from core.counting import format_count
from core.project.edits.edit import HistoryEntry
from desktop.kit import formatting

POSITION = int(Qt.ItemDataRole.UserRole) + 1  # what `Session.go_to` takes, or None on the row "now"
KIND = POSITION + 1
ABOUT = POSITION + 2  # when, and what it touched

Kind = Literal["undone", "now", "done", "start"]
Index = QModelIndex | QPersistentModelIndex
NO_PARENT = QModelIndex()


class HistoryRows(QAbstractListModel):
    """Above the row "now" is what was undone, below it what is done; the last row is before all of it."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: tuple[HistoryEntry, ...] = ()
        self._undone = 0
        self._image_of: Callable[[int], str] = lambda _position: ""
        self._images: dict[int, str] = {}  # by position, of the rows that were seen

    def show_entries(
        self, entries: Sequence[HistoryEntry], image_of: Callable[[int], str] = lambda _position: ""
    ) -> None:
        """`entries` oldest first; `image_of` names the one image of the edit at a position, when its row is seen."""
        self.beginResetModel()
        self._image_of = image_of
        self._images.clear()
        self._entries = tuple(entries)
        self._undone = sum(not entry.done for entry in entries)
        self.endResetModel()

    @property
    def now(self) -> int:
        """The row that says where the project is."""
        return self._undone

    @property
    def counts(self) -> tuple[int, int]:
        """(edits that are done, edits that were undone)."""
        return len(self._entries) - self._undone, self._undone

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() or not self._entries else len(self._entries) + 2

    def kind(self, row: int) -> Kind:
        if row == self._undone:
            return "now"
        if row == len(self._entries) + 1:
            return "start"
        return "undone" if row < self._undone else "done"

    def flags(self, index: Index) -> Qt.ItemFlag:
        chosen = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return Qt.ItemFlag.NoItemFlags if self.kind(index.row()) == "now" else chosen

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        if not index.isValid():
            return None
        kind = self.kind(index.row())
        if role == KIND:
            return kind
        if kind == "now":
            return "Now" if role == Qt.ItemDataRole.DisplayRole else None
        if kind == "start":
            values: dict[int, object] = {
                int(Qt.ItemDataRole.DisplayRole): "Before all of these",
                POSITION: self._entries[0].position - 1,
                ABOUT: "as far back as can be undone",
            }
            return values.get(role)
        entry = self._entries[-1 - index.row() + (kind == "done")]
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.name
        if role == POSITION:
            # What was undone is done again up to and with the row; of what is done, the row stays.
            return entry.position
        if role == ABOUT:
            return about(entry, datetime.now(UTC).astimezone(), self._find_image(entry))
        if role == Qt.ItemDataRole.ToolTipRole:
            named = "\nUndone and redone here, or after a question: not by one more Ctrl+Z" if entry.by_name else ""
            does = "Click to redo up to here" if kind == "undone" else "Click to undo everything after this"
            return (
                f"{entry.name}\n{about(entry, datetime.now(UTC).astimezone(), self._find_image(entry))}\n{does}{named}"
            )
        return None

    def _find_image(self, entry: HistoryEntry) -> str:
        if entry.images != 1:
            return ""
        if entry.position not in self._images:
            self._images[entry.position] = self._image_of(entry.position)
        return self._images[entry.position]


def about(entry: HistoryEntry, now: datetime, image: str = "") -> str:
    """When an edit was made, which `image` or how many it touched, and whether it waits for the disk."""
    touched = image or (format_count(entry.images, "image") if entry.images else "labels")
    touched += " · not written yet" if entry.waits else ""
    return f"{formatting.date(entry.time, now)} · {touched}" if entry.time else touched
