"""The runs of the project as a table that sorts, and takes names and notes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from core.project.records import CheckpointRecord, RunRecord
from desktop.kit import formatting
from desktop.kit.formatting import model_title
from desktop.train.run.run_picker import state_word

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
ROOT = QModelIndex()
SORT = int(Role.UserRole) + 1


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run with its best checkpoint, if it has one that was judged."""

    run: RunRecord
    best: CheckpointRecord | None = None

    @property
    def map50(self) -> float | None:
        return self.best.map50 if self.best is not None else None

    @property
    def map(self) -> float | None:
        return self.best.map if self.best is not None else None


@dataclass(frozen=True, slots=True)
class RunTableColumn:
    """What a column shows, and what it sorts by."""

    title: str
    text: Callable[[RunRow], str]
    sort: Callable[[RunRow], Any]
    number: bool = False
    editable: bool = False


def _count_epochs(row: RunRow) -> str:
    schedule = row.run.recipe.get("schedule")
    planned = schedule.get("epochs", "?") if isinstance(schedule, dict) else "?"
    return f"{row.run.epochs} of {planned}"


def _put_missing_last(value: float | None) -> float:
    return -1.0 if value is None else value


COLUMNS: dict[str, RunTableColumn] = {
    "run": RunTableColumn("Run", lambda r: r.run.id, lambda r: (len(r.run.id), r.run.id)),
    "name": RunTableColumn("Name", lambda r: r.run.name, lambda r: r.run.name.casefold(), editable=True),
    "model": RunTableColumn("Model", lambda r: model_title(r.run.model), lambda r: model_title(r.run.model).casefold()),
    "state": RunTableColumn("State", lambda r: state_word(r.run), lambda r: state_word(r.run)),
    "epochs": RunTableColumn("Epochs", _count_epochs, lambda r: r.run.epochs, number=True),
    "map50": RunTableColumn(
        "mAP@0.5", lambda r: formatting.metric(r.map50), lambda r: _put_missing_last(r.map50), number=True
    ),
    "map": RunTableColumn("mAP", lambda r: formatting.metric(r.map), lambda r: _put_missing_last(r.map), number=True),
    "begun": RunTableColumn(
        "Begun", lambda r: formatting.date(r.run.created, datetime.now().astimezone()), lambda r: r.run.created
    ),
    "note": RunTableColumn("Note", lambda r: r.run.note, lambda r: r.run.note.casefold(), editable=True),
}
KEYS = tuple(COLUMNS)


class RunTable(QAbstractTableModel):
    """Rows are runs. Names and notes are asked for by signal; the new rows come back by `set_rows`."""

    words_edited = Signal(str, str, str)  # run, name, note

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[RunRow] = []
        self._editable = True

    def set_rows(self, rows: Sequence[RunRow], *, editable: bool) -> None:
        """Show `rows`. Where the same runs stay, selection and editors stay too."""
        self._editable = editable
        same = [row.run.id for row in rows] == [row.run.id for row in self._rows]
        if same:
            self._rows = list(rows)
            if rows:
                self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(KEYS) - 1))
            return
        self.beginResetModel()
        self._rows = list(rows)
        self.endResetModel()

    def row(self, number: int) -> RunRow:
        return self._rows[number]

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(KEYS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Role.DisplayRole:
            return COLUMNS[KEYS[section]].title
        return None

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, column = self._rows[index.row()], COLUMNS[KEYS[index.column()]]
        if role in (Role.DisplayRole, Role.EditRole, Role.ToolTipRole):
            return column.text(row)
        if role == Role.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column.number else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return column.sort(row) if role == SORT else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        editable = self._editable and index.isValid() and COLUMNS[KEYS[index.column()]].editable
        return flags | Qt.ItemFlag.ItemIsEditable if editable else flags

    def setData(self, index: Index, value: Any, role: int = Role.EditRole) -> bool:
        if role != Role.EditRole or not self.flags(index) & Qt.ItemFlag.ItemIsEditable:
            return False
        run, key, text = self._rows[index.row()].run, KEYS[index.column()], str(value).strip()
        words = {"name": run.name, "note": run.note} | {key: text}
        if (words["name"], words["note"]) != (run.name, run.note):
            self.words_edited.emit(run.id, words["name"], words["note"])
        return True
