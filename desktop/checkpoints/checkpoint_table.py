"""The project's checkpoints as a table that sorts, filters, and takes stars and notes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)

from core.counting import format_count
from core.inspection.kept_evaluations import CheckpointStandings, EvaluationStanding
from core.models.registry import is_detector
from core.project.records import CheckpointRecord
from desktop.kit import formatting

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
ROOT = QModelIndex()

SORT = int(Role.UserRole) + 1
RECORD = int(Role.UserRole) + 2
NOT_JUDGED = CheckpointStandings()


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what it shows, and what it sorts by."""

    title: str
    tooltip: str
    text: Callable[[CheckpointRecord], str]
    sort: Callable[[CheckpointRecord], Any]
    number: bool = False


def _put_missing_last(value: float | None) -> float:
    return -1.0 if value is None else value


def _format_date(record: CheckpointRecord) -> str:
    return formatting.date(record.created, datetime.now().astimezone())


COLUMNS: dict[str, Column] = {
    "star": Column("★", "Your favourites; click to star (S)", lambda r: "★" if r.star else "☆", lambda r: r.star),
    "id": Column("Checkpoint", "Its name on the command line", lambda r: r.id, lambda r: r.id),
    "run": Column("Run", "The training that saved it", lambda r: r.run, lambda r: r.run),
    "epoch": Column("Epoch", "Saved after this epoch", lambda r: f"{r.epoch:,}", lambda r: r.epoch, number=True),
    "model": Column(
        "Model",
        "The kind of network",
        lambda r: formatting.model_title(r.model),
        lambda r: formatting.model_title(r.model),
    ),
    "date": Column("Saved", "When it was saved", _format_date, lambda r: r.created),
    "map50": Column(
        "mAP@0.5",
        "Mean average precision at IoU 0.5 on the validation images; models that tell labels of images have none",
        lambda r: formatting.metric(r.map50),
        lambda r: _put_missing_last(r.map50),
        number=True,
    ),
    "map": Column(
        "mAP",
        "Mean average precision on the validation images: over IoU 0.50 to 0.95, or of the labels of images",
        lambda r: formatting.metric(r.map),
        lambda r: _put_missing_last(r.map),
        number=True,
    ),
    "judged": Column(
        "Judged since",
        "The newest figure of the Inspect page or of 'defectdesk evaluate': mAP@0.5 on the images of a split, or mAP of "
        "labels of images. An asterisk: images, boxes, labels or the file changed since",
        lambda r: "",
        lambda r: 0,
    ),
    "best": Column("", "The best of its run", lambda r: "best" if r.best else "", lambda r: r.best),
    "size": Column(
        "Size", "Size of the file", lambda r: formatting.size(r.size_bytes), lambda r: r.size_bytes, number=True
    ),
    "note": Column("Note", "Your words; double-click or F2 to edit", lambda r: r.note, lambda r: r.note.casefold()),
}
KEYS = tuple(COLUMNS)


def find_column(key: str) -> int:
    """The place of a column."""
    return KEYS.index(key)


def describe_checkpoint(record: CheckpointRecord, judged: CheckpointStandings = NOT_JUDGED) -> str:
    """The tooltip of a row: how well the checkpoint finds each label, and how it was judged since its training."""
    measure = "Average precision at IoU 0.5" if is_detector(record.model) else "Average precision of the labels"
    lines = [f"{record.id}: {formatting.model_title(record.model)}, epoch {record.epoch:,}", measure]
    lines += [f"    {name}   {formatting.metric(value)}" for name, value in record.label_ap50.items()]
    since = [describe_evaluation(one) for one in judged.standings]
    return "\n".join([*(lines if record.label_ap50 else lines[:1] if since else [lines[0], "Not evaluated"]), *since])


def describe_evaluation(standing: EvaluationStanding) -> str:
    """An evaluation in a line, and why it is no longer true where it is not."""
    one = standing.evaluation
    figures = [("mAP@0.5", one.measure("map50")), ("mAP", one.measure("map"))]
    shown = ", ".join(f"{name} {value:.3f}" for name, value in figures if value is not None) or "nothing to judge by"
    left = f", {one.left_out:,} left out" if one.left_out else ""
    maker = "on Inspect" if one.made_by == "inspect" else "by defectdesk evaluate"
    moment = formatting.date(one.made, datetime.now().astimezone())
    text = f"{one.key.split}: {shown} on {format_count(one.images, 'image')}{left}, {maker}, {moment}"
    return f"{text}. Outdated: {standing.outdated}" if standing.outdated else text


def describe_judged(judged: CheckpointStandings) -> str:
    """The newest evaluation in the room of a cell."""
    if not judged.standings:
        return ""
    one = judged.standings[0]
    return f"{one.evaluation.key.split} {formatting.metric(one.evaluation.best_known)}{'*' if one.outdated else ''}"


class CheckpointTable(QAbstractTableModel):
    """Rows are checkpoints. A note is asked for by signal; the new rows come back by `set_records`."""

    note_edited = Signal(str, str)  # checkpoint id, text

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._records: list[CheckpointRecord] = []
        self._judged: Mapping[Path, CheckpointStandings] = {}
        self.editable = True

    def set_records(self, records: Sequence[CheckpointRecord], *, editable: bool) -> None:
        """Show `records`, whose notes can be edited or not. Where the same checkpoints stay, selection and editors stay too."""
        self.editable = editable
        if [record.id for record in records] == [record.id for record in self._records]:
            self._records = list(records)
            if records:
                self.dataChanged.emit(self.index(0, 0), self.index(len(records) - 1, len(KEYS) - 1))
            return
        self.beginResetModel()
        self._records = list(records)
        self.endResetModel()

    def set_judged(self, judged: Mapping[Path, CheckpointStandings]) -> None:
        """Show the evaluations of checkpoints, by the path of the file."""
        self._judged = judged
        if self._records:
            column = find_column("judged")
            self.dataChanged.emit(self.index(0, column), self.index(len(self._records) - 1, column))

    def find_judged(self, record: CheckpointRecord) -> CheckpointStandings:
        return self._judged.get(record.path, NOT_JUDGED)

    def record(self, row: int) -> CheckpointRecord:
        return self._records[row]

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._records)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(KEYS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        shown = COLUMNS[KEYS[section]]
        match role:
            case Role.DisplayRole:
                return shown.title
            case Role.ToolTipRole:
                return shown.tooltip
            case Role.TextAlignmentRole:
                return _find_alignment(KEYS[section])
        return None

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        record, key = self._records[index.row()], KEYS[index.column()]
        match role:
            case Role.DisplayRole | Role.EditRole if key == "judged":
                return describe_judged(self.find_judged(record))
            case Role.DisplayRole | Role.EditRole:
                return COLUMNS[key].text(record)
            case Role.ToolTipRole:
                return (
                    record.note
                    if key == "note" and record.note
                    else describe_checkpoint(record, self.find_judged(record))
                )
            case Role.TextAlignmentRole:
                return _find_alignment(key)
        if role == SORT and key == "judged":
            found = self.find_judged(record).standings
            return _put_missing_last(found[0].evaluation.best_known if found else None)
        if role == SORT:
            return COLUMNS[key].sort(record)
        if role == RECORD:
            return record
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        editable = self.editable and index.isValid() and KEYS[index.column()] == "note"
        return flags | Qt.ItemFlag.ItemIsEditable if editable else flags

    def setData(self, index: Index, value: Any, role: int = Role.EditRole) -> bool:
        if not index.isValid() or role != Role.EditRole or KEYS[index.column()] != "note" or not self.editable:
            return False
        record, text = self._records[index.row()], str(value).strip()
        if text != record.note:
            self.note_edited.emit(record.id, text)
        return True


class CheckpointFilter(QSortFilterProxyModel):
    """Sorts by what a column means, and hides what does not fit the text, the model and the toggles.

    With `by_run`, checkpoints of a run stand together, the best first; runs are sorted by the one of theirs that comes
    first by the column.
    """

    def __init__(self, source: CheckpointTable, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._words: list[str] = []
        self._model = ""
        self._best = False
        self._starred = False
        self._by_run = False
        self._ranks: dict[str, Any] = {}  # of each run, what it is sorted by
        self._table = source
        self.setSourceModel(source)
        self.setSortRole(SORT)
        self.setDynamicSortFilter(True)

    def set_filter(self, text: str, model: str, best: bool, starred: bool) -> None:
        """Show rows that hold every word of `text`, of `model` (any where empty), best or starred ones only."""
        self._words, self._model, self._best, self._starred = text.casefold().split(), model, best, starred
        self._ranks.clear()
        self.invalidate()

    def set_by_run(self, by_run: bool) -> None:
        """Whether checkpoints of a run stand together."""
        self._by_run = by_run
        self._ranks.clear()
        self.invalidate()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._ranks.clear()
        super().sort(column, order)

    def forget_ranks(self) -> None:
        """Find the places of runs again, since figures that they are sorted by are about to change."""
        self._ranks.clear()

    def starts_run(self, row: int) -> bool:
        """Whether a row is the first of its run, where runs stand together."""
        return self._by_run and (row == 0 or self.record(row - 1).run != self.record(row).run)

    def follows_in_run(self, row: int) -> bool:
        """Whether a row stands below another of its run."""
        return self._by_run and not self.starts_run(row)

    def record(self, row: int) -> CheckpointRecord:
        """The checkpoint that a row shows."""
        return self._table.record(self.mapToSource(self.index(row, 0)).row())

    def filterAcceptsRow(self, row: int, parent: Index) -> bool:
        return self._accepts(self._table.record(row))

    def _accepts(self, record: CheckpointRecord) -> bool:
        return accepts_record(record, self._words, self._model, self._best, self._starred)

    def lessThan(self, left: Index, right: Index) -> bool:
        one, two = self._table.record(left.row()), self._table.record(right.row())
        if not self._by_run:
            # Qt compares Python objects of no type it knows as equal.
            return bool(left.data(SORT) < right.data(SORT))
        if one.run != two.run:
            return bool((self._find_rank(one.run), one.run) < (self._find_rank(two.run), two.run))
        # In a run the best comes first whatever the order is, which Qt turns around.
        first, second = ((not record.best, -record.epoch) for record in (one, two))
        return first < second if self.sortOrder() == Qt.SortOrder.AscendingOrder else second < first

    def _find_rank(self, run: str) -> Any:
        """What the first of a run has in the column that is sorted by; of those that the filter lets through."""
        if run not in self._ranks:
            rows = [row for row in range(self._table.rowCount()) if self._table.record(row).run == run]
            shown = [row for row in rows if self._accepts(self._table.record(row))] or rows
            choose = min if self.sortOrder() == Qt.SortOrder.AscendingOrder else max
            self._ranks[run] = choose(self._table.index(row, max(self.sortColumn(), 0)).data(SORT) for row in shown)
        return self._ranks[run]


def accepts_record(record: CheckpointRecord, words: Sequence[str], model: str, best: bool, starred: bool) -> bool:
    """Whether a checkpoint passes the filter; `words` are casefolded, each must occur somewhere in its texts."""
    if (model and record.model != model) or (best and not record.best) or (starred and not record.star):
        return False
    named = (record.id, record.run, record.model, formatting.model_title(record.model), record.note, *record.labels)
    text = " ".join(named).casefold()
    return all(word in text for word in words)


def _find_alignment(key: str) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if COLUMNS[key].number else Qt.AlignmentFlag.AlignLeft
    if key in ("star", "best"):
        side = Qt.AlignmentFlag.AlignHCenter
    return side | Qt.AlignmentFlag.AlignVCenter
