"""The table of checkpoints under the bar that filters it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QItemSelection, QItemSelectionModel, QModelIndex, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from core.counting import format_count
from core.inspection.kept_evaluations import CheckpointStandings
from core.project.records import CheckpointRecord
from core.settings import Settings
from desktop.base import theme
from desktop.checkpoints.checkpoint_cells import CheckpointCells
from desktop.checkpoints.checkpoint_table import KEYS, RECORD, CheckpointFilter, CheckpointTable, find_column
from desktop.kit import formatting
from desktop.kit.parts import words

WIDTHS = {
    "star": 34,
    "id": 104,
    "run": 56,
    "epoch": 62,
    "model": 150,
    "date": 108,
    "map50": 94,
    "map": 62,
    "judged": 112,
    "best": 50,
    "size": 84,
}

# What gives way where the window is narrow, the first first: the side tells of it as well.
GIVING_WAY = ("size", "best", "run", "judged", "model", "date")
NOTE_ROOM = 90  # pixels for the last column, whose width is what is left


class CheckpointList(QWidget):
    """Shows and selects checkpoints. Stars and notes are asked for by signal; `set_checkpoints` brings them back."""

    selection_changed = Signal()
    open_requested = Signal()  # the selected checkpoint, by Enter or a double click
    star_requested = Signal(str, bool)  # checkpoint id, starred or not
    note_requested = Signal(str, str)  # checkpoint id, text

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = CheckpointTable(self)
        self._filter = CheckpointFilter(self._model, self)
        self.table = _make_table(self._filter)
        self.search = QLineEdit(placeholderText="Filter by name, model, label or note", clearButtonEnabled=True)
        self.search.setProperty("role", "search")
        self.search.setAccessibleName("Find checkpoints")
        self.search.setMinimumWidth(110)
        self.models = QComboBox()
        self.models.setMinimumContentsLength(9)
        self.models.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.models.setToolTip("Show one kind of network")
        self.best = QCheckBox("Best")
        self.best.setToolTip("Show the best of each run only")
        self.starred = QCheckBox("Starred")
        self.by_run = QCheckBox("By run")
        self.by_run.setToolTip("Keep the best and the last of a run together")
        self._settings = settings
        self.count = QLabel()
        self.count.setProperty("role", "small")
        self.absence = words("No checkpoint passes the filter.", "muted", wrap=True)
        self.absence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        QVBoxLayout(self.table.viewport()).addWidget(self.absence)
        self._lay_out()
        self._model.note_edited.connect(self.note_requested)
        self.table.clicked.connect(self._click_cell)
        self.table.doubleClicked.connect(self._double_click_cell)
        self.table.installEventFilter(self)
        self.table.selectionModel().selectionChanged.connect(self.selection_changed)
        self.search.textChanged.connect(self._apply_filter)
        self.models.currentIndexChanged.connect(self._apply_filter)
        self.best.toggled.connect(self._apply_filter)
        self.starred.toggled.connect(self._apply_filter)
        self._restore_order()
        self.by_run.toggled.connect(self._group_runs)
        self.table.horizontalHeader().sortIndicatorChanged.connect(self._keep_order)

    def _lay_out(self) -> None:
        bar = QFrame()
        bar.setProperty("role", "bar")
        row = QHBoxLayout(bar)
        row.setContentsMargins(theme.PAD, theme.GAP, theme.PAD, theme.GAP)
        row.setSpacing(theme.GAP)
        row.addWidget(self.search, 1)
        for widget in (self.models, self.best, self.starred, self.by_run, self.count):
            row.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(bar)
        layout.addWidget(self.table, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        header = self.table.horizontalHeader()
        needed = NOTE_ROOM + sum(header.sectionSize(find_column(key)) or WIDTHS[key] for key in WIDTHS)
        for key in GIVING_WAY:
            column = find_column(key)
            self.table.setColumnHidden(column, needed > self.width())
            if needed > self.width():
                needed -= WIDTHS[key]

    # -- what is shown and selected

    def set_checkpoints(self, records: Sequence[CheckpointRecord], *, editable: bool) -> None:
        """List `records`; what was selected stays selected where it is still there, else the first is in its place.

        Announced by `selection_changed` also where the same ones are selected, since they may be different by now.
        """
        selected = {record.id for record in self.list_selected()}
        replaces = bool(selected) or not self._model.rowCount()
        self._model.set_records(records, editable=editable)
        self._offer_models(records)
        self._filter_rows(selected, or_first=replaces)

    def set_judged(self, judged: Mapping[Path, CheckpointStandings]) -> None:
        """Show the evaluations of checkpoints, by the path of the file."""
        self._filter.forget_ranks()
        self._model.set_judged(judged)

    def list_selected(self) -> list[CheckpointRecord]:
        """The selected checkpoints, in the order of the table."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        return [self._filter.record(row) for row in rows]

    def list_shown(self) -> list[CheckpointRecord]:
        """The checkpoints that the filter lets through, in the order of the table."""
        return [self._filter.record(row) for row in range(self._filter.rowCount())]

    def find_cell(self, checkpoint_id: str, column: str) -> QModelIndex:
        """The cell of a checkpoint that is listed."""
        row = [record.id for record in self.list_shown()].index(checkpoint_id)
        return self._filter.index(row, find_column(column))

    def sort_by(self, column: str, order: Qt.SortOrder) -> None:
        self.table.sortByColumn(find_column(column), order)

    def _offer_models(self, records: Sequence[CheckpointRecord]) -> None:
        names = ["", *sorted({record.model for record in records})]
        if [self.models.itemData(row) for row in range(self.models.count())] == names:
            return
        chosen = self.models.currentData()
        self.models.clear()
        for name in names:
            self.models.addItem(formatting.model_title(name) if name else "All models", name)
        self.models.setCurrentIndex(max(0, self.models.findData(chosen)))

    def _restore_order(self) -> None:
        kept = self._settings.values
        column, descending = kept.checkpoint_order
        self.by_run.setChecked(kept.checkpoints_by_run)
        self._filter.set_by_run(kept.checkpoints_by_run)
        order = Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder
        self.sort_by(column if column in WIDTHS or column == "note" else "date", order)

    def _keep_order(self, column: int, order: Qt.SortOrder) -> None:
        self._settings.update(checkpoint_order=(KEYS[column], order == Qt.SortOrder.DescendingOrder))

    def _group_runs(self, by_run: bool) -> None:
        self._settings.update(checkpoints_by_run=by_run)
        selected = {record.id for record in self.list_selected()}
        self._filter.set_by_run(by_run)
        self._select_rows(selected)

    def _apply_filter(self) -> None:
        """Show what passes the filter. What is out of sight is not selected: nothing happens to it by a key."""
        self._filter_rows({record.id for record in self.list_selected()})

    def _filter_rows(self, selected: set[str], *, or_first: bool = False) -> None:
        """Show what passes the filter, and select these where they pass; the first instead where none does, if so wanted."""
        self._filter.set_filter(
            self.search.text(), self.models.currentData() or "", self.best.isChecked(), self.starred.isChecked()
        )
        listed = [record.id for record in self.list_shown()]
        self._select_rows(set(listed[:1]) if or_first and selected.isdisjoint(listed) else selected)
        shown, total = self._filter.rowCount(), self._model.rowCount()
        self.count.setText(f"{total:,}" if shown == total else f"{shown:,} of {total:,}")
        self.absence.setVisible(total > 0 and shown == 0)
        self.count.setToolTip(f"{format_count(shown, 'checkpoint')} shown, {total:,} in the project")

    def _select_rows(self, ids: set[str]) -> None:
        """Select these where they are shown, and nothing else."""
        selection = self.table.selectionModel()
        rows = [row for row, record in enumerate(self.list_shown()) if record.id in ids]
        if {index.row() for index in selection.selectedRows()} == set(rows):
            self.selection_changed.emit()  # Qt announces no rows that left with the filter
            return
        flags = QItemSelectionModel.SelectionFlag
        chosen = QItemSelection()
        for row in rows:
            chosen.select(self._filter.index(row, 0), self._filter.index(row, 0))
        selection.select(chosen, flags.ClearAndSelect | flags.Rows)
        if rows:
            selection.setCurrentIndex(self._filter.index(rows[0], find_column("id")), flags.NoUpdate)

    # -- mouse and keys

    def _click_cell(self, index: QModelIndex) -> None:
        if index.column() == find_column("star") and self._model.editable:
            record: CheckpointRecord = index.data(RECORD)
            self.star_requested.emit(record.id, not record.star)

    def _double_click_cell(self, index: QModelIndex) -> None:
        if index.column() not in (find_column("star"), find_column("note")):
            self.open_requested.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # The number pad's Enter is another key than Return, which is an action.
        if watched is self.table and isinstance(event, QKeyEvent):
            enter = event.type() == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Enter
            if enter:
                self.open_requested.emit()
                return True
        return super().eventFilter(watched, event)


def _make_table(model: CheckpointFilter) -> QTableView:
    table = QTableView()
    table.setAccessibleName("Checkpoints")
    table.setModel(model)
    table.setItemDelegate(CheckpointCells(model, table))
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed)
    table.setSortingEnabled(True)
    table.sortByColumn(find_column("date"), Qt.SortOrder.DescendingOrder)
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.setFrameShape(QFrame.Shape.NoFrame)
    # Cells have an inner margin that headers lack: without it titles would stand beside their columns.
    table.setStyleSheet("QTableView { border: none; border-radius: 0; } QHeaderView::section { padding: 6px 11px; }")
    table.setMouseTracking(True)
    table.setTabKeyNavigation(False)
    table.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(34)
    header = table.horizontalHeader()
    header.setHighlightSections(False)
    header.setMinimumSectionSize(32)
    for key, width in WIDTHS.items():
        header.resizeSection(find_column(key), width)
    header.setSectionResizeMode(find_column("star"), QHeaderView.ResizeMode.Fixed)
    header.setStretchLastSection(True)
    return table
