"""All saved models of the project: compare them, keep notes, and choose one to predict with or to train on from."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QObject, Qt, QUrl
from PySide6.QtGui import QAction, QColor, QDesktopServices, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QSplitter,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from core.changes import Changes
from core.errors import InputError
from core.project.records import CheckpointRecord
from desktop.base import theme
from desktop.base.actions import CHECKPOINTS, build_actions
from desktop.base.session import Session
from desktop.checkpoints.checkpoint_cells import CheckpointCells
from desktop.checkpoints.checkpoint_detail import CheckpointDetail
from desktop.checkpoints.checkpoint_table import RECORD, CheckpointFilter, CheckpointTable, column
from desktop.kit import formatting
from desktop.kit.deletion import may_delete
from desktop.services import Services

WIDTHS = {
    "star": 34,
    "id": 104,
    "run": 56,
    "epoch": 62,
    "model": 134,
    "date": 108,
    "map50": 80,
    "map": 62,
    "best": 50,
    "size": 84,
}
NAMED = 8  # files that a confirmation names one by one


class CheckpointsPage(QWidget):
    """A table with filters, and the selected checkpoint beside it."""

    title = "Checkpoints"

    def __init__(self, session: Session, services: Services) -> None:
        super().__init__()
        self.setObjectName("page")
        self._session = session
        self._model = CheckpointTable(self)
        self._filter = CheckpointFilter(self._model, self)
        self._detail = CheckpointDetail()
        self._table = self._make_table()
        self._empty = QLabel()
        self._empty.setProperty("role", "muted")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        self._stack = QStackedWidget()
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.addWidget(self._table_with_bar())
        splitter.addWidget(self._detail)
        splitter.setStretchFactor(0, 1)
        splitter.setCollapsible(0, False)
        splitter.setSizes([900, 300])
        self._stack.addWidget(splitter)
        self._stack.addWidget(self._empty)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)
        self._actions = self._make_actions()
        self._connect()
        self._reload()

    # -- for the main window

    def activated(self) -> None:
        """The page came to the front: runs that other programs or a command line made are found now."""
        project = self._session.project
        if project is not None and not project.read_only:
            changes = project.sync_runs()
            if changes.runs:
                self._session.notify(changes, self)
        self._reload()
        self._table.setFocus()

    def deactivated(self) -> None:
        """Nothing goes on here while the page is away."""

    def actions(self) -> list[QAction]:
        return list(self._actions)

    # -- building

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setAccessibleName("Checkpoints")
        table.setModel(self._filter)
        table.setItemDelegate(CheckpointCells(table))
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        table.setSortingEnabled(True)
        table.sortByColumn(column("date"), Qt.SortOrder.DescendingOrder)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setFrameShape(QFrame.Shape.NoFrame)
        # Cells have an inner margin that headers lack: without it titles would stand beside their columns.
        table.setStyleSheet(
            "QTableView { border: none; border-radius: 0; } QHeaderView::section { padding: 6px 11px; }"
        )
        table.setMouseTracking(True)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(34)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(32)
        for key, width in WIDTHS.items():
            header.resizeSection(column(key), width)
        header.setSectionResizeMode(column("star"), QHeaderView.ResizeMode.Fixed)
        header.setStretchLastSection(True)
        return table

    def _table_with_bar(self) -> QWidget:
        self._search = QLineEdit(placeholderText="Filter by name, model, label or note", clearButtonEnabled=True)
        self._search.setProperty("role", "search")
        self._search.setAccessibleName("Find checkpoints")
        self._models = QComboBox()
        self._models.setToolTip("Show one kind of network")
        self._best = QCheckBox("Best only")
        self._starred = QCheckBox("Starred")
        self._count = QLabel()
        self._count.setProperty("role", "small")
        bar = QFrame()
        bar.setProperty("role", "bar")
        row = QHBoxLayout(bar)
        row.setContentsMargins(theme.PAD, theme.GAP, theme.PAD, theme.GAP)
        row.setSpacing(theme.PAD)
        row.addWidget(self._search, 1)
        for widget in (self._models, self._best, self._starred, self._count):
            row.addWidget(widget)
        whole = QWidget()
        layout = QVBoxLayout(whole)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(bar)
        layout.addWidget(self._table, 1)
        return whole

    def _make_actions(self) -> list[QAction]:
        handlers = {"use": self._inspect, "star": self._toggle_stars, "delete": self._delete}
        # Not in the whole window: a note that is being typed holds an S, and other pages use these keys.
        actions = build_actions(self._table, CHECKPOINTS, handlers, Qt.ShortcutContext.WidgetShortcut)
        self._table.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self._table.installEventFilter(self)
        return list(actions.values())

    def _connect(self) -> None:
        self._session.project_changed.connect(self._reload)
        self._session.changed.connect(self._changed)
        self._model.star_toggled.connect(self._set_star)
        self._model.note_edited.connect(self._set_note)
        self._table.clicked.connect(self._clicked)
        self._table.doubleClicked.connect(self._double_clicked)
        self._table.selectionModel().selectionChanged.connect(self._show_selected)
        self._search.textChanged.connect(self._apply_filter)
        self._models.currentIndexChanged.connect(self._apply_filter)
        self._best.toggled.connect(self._apply_filter)
        self._starred.toggled.connect(self._apply_filter)
        self._detail.predict.connect(self._inspect)
        self._detail.resume.connect(self._continue)
        self._detail.reveal.connect(self._reveal)
        self._detail.delete.connect(self._delete)
        theme.notifier.theme_changed.connect(self._show_selected)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # The number pad's Enter is another key than Return.
        if watched is self._table and isinstance(event, QKeyEvent):
            enter = event.type() == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Enter
            if enter:
                self._inspect()
                return True
        return super().eventFilter(watched, event)

    # -- what is shown

    def _changed(self, changes: Changes, initiator: object) -> None:
        if initiator is not self and (changes.runs or changes.labels):
            self._reload()

    def _reload(self) -> None:
        project = self._session.project
        records = project.checkpoints() if project is not None else []
        selected = {record.id for record in self.selected()}
        self._model.editable = project is not None and not project.read_only
        self._model.set_records(records)
        self._fill_models(records)
        self._select(selected)
        if project is None:
            self._empty.setText("Open a project to see its checkpoints.")
        else:
            self._empty.setText(
                "No checkpoints yet.\n\n"
                "Train a model on the Train page: the best and the last model of every run appear here."
            )
        self._stack.setCurrentIndex(0 if records else 1)
        self._apply_filter()
        self._show_selected()

    def _fill_models(self, records: Sequence[CheckpointRecord]) -> None:
        names = ["", *sorted({record.model for record in records})]
        if [self._models.itemData(row) for row in range(self._models.count())] == names:
            return
        chosen = self._models.currentData()
        self._models.clear()
        for name in names:
            self._models.addItem(name or "All models", name)
        self._models.setCurrentIndex(max(0, self._models.findData(chosen)))

    def _apply_filter(self) -> None:
        self._filter.set_filter(
            self._search.text(), self._models.currentData() or "", self._best.isChecked(), self._starred.isChecked()
        )
        shown, total = self._filter.rowCount(), self._model.rowCount()
        self._count.setText(str(total) if shown == total else f"{shown} of {total}")
        self._count.setToolTip(f"{formatting.plural(shown, 'checkpoint')} shown, {total} in the project")

    def selected(self) -> list[CheckpointRecord]:
        """The selected checkpoints, in the order of the table."""
        rows = sorted(index.row() for index in self._table.selectionModel().selectedRows())
        return [self._filter.index(row, 0).data(RECORD) for row in rows]

    def _select(self, ids: set[str]) -> None:
        """Select the checkpoints that are still there; the first one where none is."""
        model = self._table.selectionModel()
        rows = [row for row in range(self._filter.rowCount()) if self._filter.index(row, 0).data(RECORD).id in ids]
        if not rows and self._filter.rowCount():
            rows = [0]
        if {index.row() for index in model.selectedRows()} == set(rows):
            return
        model.clearSelection()
        flags = QItemSelectionModel.SelectionFlag
        for row in rows:
            model.select(self._filter.index(row, 0), flags.Select | flags.Rows)
        if rows:
            model.setCurrentIndex(self._filter.index(rows[0], column("id")), flags.NoUpdate)

    def _show_selected(self) -> None:
        project, records = self._session.project, self.selected()
        run = None
        colors: dict[str, QColor] = {}
        if project is not None:
            colors = {label.name: QColor(label.color) for label in project.labels()}
            if records:
                run = next((run for run in project.runs() if run.id == records[0].run), None)
        self._detail.set_checkpoints(records, run, colors, editable=self._model.editable)

    # -- what can be done

    def _clicked(self, index: QModelIndex) -> None:
        if index.column() == column("star") and self._model.editable:
            record: CheckpointRecord = index.data(RECORD)
            self._set_star(record.id, not record.star)

    def _double_clicked(self, index: QModelIndex) -> None:
        if index.column() not in (column("star"), column("note")):
            self._inspect()

    def _inspect(self) -> None:
        if len(records := self.selected()) == 1:
            self._session.inspect_requested.emit(records[0].id)

    def _continue(self) -> None:
        if len(records := self.selected()) == 1:
            self._session.continue_requested.emit(records[0].id)

    def _reveal(self) -> None:
        for record in self.selected()[:1]:
            if not record.path.parent.is_dir() or not QDesktopServices.openUrl(
                QUrl.fromLocalFile(str(record.path.parent))
            ):
                self._session.message.emit(f"{record.path.parent}: the folder cannot be opened; is it still there?")

    def _toggle_stars(self) -> None:
        records = self.selected()
        if not self._model.editable:
            return
        star = not all(record.star for record in records)
        for record in records:
            self._set_star(record.id, star)

    def _set_star(self, checkpoint_id: str, star: bool) -> None:
        project = self._session.project
        assert project is not None
        self._session.notify(project.set_star(checkpoint_id, star), self)
        self._reload()

    def _set_note(self, checkpoint_id: str, text: str) -> None:
        project = self._session.project
        assert project is not None
        self._session.notify(project.set_note(checkpoint_id, text), self)
        self._reload()

    def _delete(self) -> None:
        project, records = self._session.project, self.selected()
        if project is None or not records or not self._model.editable:
            return
        if not may_delete(self, delete_question(records), delete_details(records)):
            return
        changes, problems = Changes(), []
        for record in records:
            try:
                changes |= project.delete_checkpoint(record.id)
            except InputError as error:
                problems.append(str(error))
        self._session.notify(changes, self)
        self._reload()
        done = len(records) - len(problems)
        self._session.message.emit(problems[0] if problems else f"Deleted {formatting.plural(done, 'checkpoint')}")


def delete_question(records: Sequence[CheckpointRecord]) -> str:
    """What is about to be deleted, with the size that this frees."""
    total = formatting.size(sum(record.size_bytes for record in records))
    if len(records) == 1:
        return f"Delete {records[0].path.name} of {records[0].run} ({total})?"
    return f"Delete {len(records)} checkpoints ({total} together)?"


def delete_details(records: Sequence[CheckpointRecord]) -> str:
    """The files, and what will be missed."""
    lines = [str(record.path) for record in records[:NAMED]]
    if len(records) > NAMED:
        lines.append(f"and {len(records) - NAMED} more")
    starred = sum(record.star for record in records)
    best = sum(record.best for record in records)
    if starred:
        lines.append(
            f"\n{formatting.plural(starred, 'of them is', 'of them are')} starred."
            if len(records) > 1
            else "\nIt is starred."
        )
    if best:
        lines.append(
            f"\n{formatting.plural(best, 'is', 'are')} the best of a run."
            if len(records) > 1
            else "\nIt is the best of its run."
        )
    return "\n".join(lines)
