"""All runs of the project in a table: to find one, and to give it a name and a note."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QSortFilterProxyModel, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from core.settings import Settings
from desktop.kit.dialog_frame import DialogFrame
from desktop.kit.screen_room import resize_within_screen
from desktop.train.run.run_table import KEYS, SORT, Index, RunRow, RunTable

_WIDTHS = {"run": 84, "name": 150, "model": 150, "state": 92, "epochs": 84, "map50": 84, "map": 72, "begun": 120}

_USUAL_WIDTH = 1000


class RunListDialog(DialogFrame):
    """Stays open while runs are looked at; its order is kept over a restart."""

    run_chosen = Signal(str)
    words_edited = Signal(str, str, str)  # run, name, note

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(
            "Runs",
            "A press on a title sorts. Double-click a name or a note, or press F2, to change it.",
            confirm="Show",
            dismiss="Close",
            parent=parent,
        )
        self._settings = settings
        self.table = RunTable(self)
        self._sorted = _SortedRuns(self.table)
        self.view = QTableView()
        self.view.setModel(self._sorted)
        self.view.setAccessibleName("Runs")
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.view.setTabKeyNavigation(False)
        self.view.setAlternatingRowColors(True)
        self.view.verticalHeader().hide()
        self.view.setMinimumHeight(300)
        header = self.view.horizontalHeader()
        header.setStretchLastSection(True)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        for key, width in _WIDTHS.items():
            self.view.setColumnWidth(KEYS.index(key), width)
        key, down = settings.values.train_run_order
        self.view.setSortingEnabled(True)
        order = Qt.SortOrder.DescendingOrder if down else Qt.SortOrder.AscendingOrder
        self.view.sortByColumn(KEYS.index(key) if key in KEYS else 0, order)
        header.sortIndicatorChanged.connect(self._keep_order)
        self.view.doubleClicked.connect(self._show_where_fixed)
        self.view.selectionModel().currentRowChanged.connect(self._offer_run)
        self.table.words_edited.connect(self.words_edited)
        self.body.addWidget(self.view, 1)
        self._offer_run()
        resize_within_screen(self, _USUAL_WIDTH, self.sizeHint().height())

    def show_runs(self, rows: Sequence[RunRow], *, editable: bool) -> None:
        """List these runs; the chosen one stays chosen."""
        chosen = self.chosen_run
        self.table.set_rows(rows, editable=editable)
        self.choose_run(chosen)

    @property
    def run_order(self) -> list[str]:
        """The ids of the runs from the top."""
        return [self._row(row).run.id for row in range(self._sorted.rowCount())]

    @property
    def chosen_run(self) -> str:
        """The run of the chosen row; empty without one."""
        index = self.view.currentIndex()
        return self._row(index.row()).run.id if index.isValid() else ""

    def choose_run(self, run: str) -> None:
        """Choose the row of a run, if it is listed."""
        if run in self.run_order and run != self.chosen_run:
            self.view.setCurrentIndex(self._sorted.index(self.run_order.index(run), 0))
        self._offer_run()

    def sort_by(self, key: str, *, down: bool) -> None:
        """Press a title."""
        order = Qt.SortOrder.DescendingOrder if down else Qt.SortOrder.AscendingOrder
        self.view.sortByColumn(KEYS.index(key), order)

    def accept(self) -> None:
        """Show the chosen run; the table stays."""
        if self.chosen_run:
            self.run_chosen.emit(self.chosen_run)

    def _row(self, row: int) -> RunRow:
        return self.table.row(self._sorted.mapToSource(self._sorted.index(row, 0)).row())

    def _show_where_fixed(self, index: QModelIndex) -> None:
        if not index.flags() & Qt.ItemFlag.ItemIsEditable:
            self.accept()

    def _offer_run(self, *_indexes: object) -> None:
        self.confirm.setEnabled(bool(self.chosen_run))

    def _keep_order(self, column: int, order: Qt.SortOrder) -> None:
        self._settings.update(train_run_order=(KEYS[column], order == Qt.SortOrder.DescendingOrder))


class _SortedRuns(QSortFilterProxyModel):
    """Sorts by what a column means."""

    def __init__(self, source: RunTable) -> None:
        super().__init__(source)
        self.setSourceModel(source)
        self.setDynamicSortFilter(True)

    def lessThan(self, left: Index, right: Index) -> bool:
        # Qt compares Python objects of no type it knows as equal.
        return bool(left.data(SORT) < right.data(SORT))
