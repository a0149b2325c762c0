"""All saved models of the project: compare them, keep notes, and choose one to predict with or to train on from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, QUrl
from PySide6.QtGui import QAction, QColor, QDesktopServices, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QLineEdit,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from core.changes import Changes
from core.counting import format_count
from core.errors import InputError
from core.inspection.judged_images import look_at_judged_images
from core.inspection.kept_evaluations import CheckpointStandings
from core.inspection.snapshot_difference import compare_run_data
from core.operations.evaluations import describe_evaluations
from core.project.records import CheckpointRecord, RunRecord
from desktop.base import theme
from desktop.base.actions import CHECKPOINTS, ActionSet, build_actions
from desktop.base.session import Session
from desktop.base.undo_steps import NoSteps
from desktop.checkpoints.checkpoint_detail import CheckpointDetail
from desktop.checkpoints.checkpoint_list import CheckpointList
from desktop.checkpoints.deletion_texts import ask_deletion, describe_deletion
from desktop.kit.deletion import may_delete
from desktop.kit.parts import words
from desktop.services import Services

ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
JUDGED = "checkpoints judged images"
EVALUATED = "checkpoints evaluations"
COMPARED = "checkpoints compared data"
NO_PROJECT = "Open a project to see its checkpoints."
NO_CHECKPOINT = (
    "No checkpoints yet.\n\nTrain a model on the Train page: the best and the last model of every run appear here."
)


class CheckpointsPage(QWidget):
    """The list of checkpoints, and the selected one beside it."""

    title = "Checkpoints"
    undo_steps = NoSteps()  # edits of images are not seen here

    def __init__(self, session: Session, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._session = session
        self._services = services  # kept for its signals
        self._tasks, self._files = services.tasks, services.files
        self._in_front = False
        self._judged: Mapping[Path, CheckpointStandings] = {}
        self.list = CheckpointList(services.settings)
        self.detail = CheckpointDetail()
        self._absence = words(role="muted", wrap=True)
        self._absence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.addWidget(self.list)
        splitter.addWidget(self.detail)
        splitter.setStretchFactor(0, 1)
        splitter.setCollapsible(0, False)
        self._splitter, self._spread = splitter, False
        self._stack = QStackedWidget()
        self._stack.addWidget(splitter)
        self._stack.addWidget(self._absence)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)
        self._actions = self._make_actions()
        self._connect_signals()
        self._show_checkpoints()

    # -- for the main window

    def activated(self) -> None:
        """The page came to the front: runs that other programs or a command line made are found now."""
        project = self._session.project
        if project is not None and not project.read_only:
            changes = project.runs.sync_folders()
            if changes.runs:
                self._session.notify(changes, self)
        if not self._spread:  # once, when the room is known: on a large screen nothing beside the table need be cramped
            side = 300 + min(max(0, self.width() - 1300) // 5, 140)
            self._splitter.setSizes([self.width() - side, side])
            self._spread = True
        self._in_front = True
        self._show_checkpoints()
        self.list.table.setFocus()

    def deactivated(self) -> None:
        """Nothing goes on here while the page is away."""
        self._in_front = False

    def actions(self) -> list[QAction]:
        return list(self._actions.values())

    @property
    def absence(self) -> str:
        """Why there is nothing to see; empty where there is."""
        return self._absence.text() if self._stack.currentWidget() is self._absence else ""

    def event(self, event: QEvent) -> bool:
        # Fields hold letters, and accept those as their own. Enter they leave to whoever wants it, as buttons do.
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            focused = QApplication.focusWidget()
            if event.key() in ENTER and isinstance(focused, QLineEdit | QAbstractButton | QComboBox):
                event.accept()
                return True
        return super().event(event)

    # -- building

    def _make_actions(self) -> ActionSet:
        handlers = {
            "use": self._inspect_selected,
            "continue_training": self._continue_selected,
            "show_run": self._show_run,
            "star": self._toggle_stars,
            "find_checkpoints": self._find_checkpoints,
            "open_folder": self._reveal_selected,
            "copy_path": self._copy_paths,
            "delete": self._delete_selected,
        }
        actions = build_actions(self, CHECKPOINTS, handlers)
        menu = [action for name, action in actions.items() if name != "find_checkpoints"]
        self.list.table.addActions(menu)  # its context menu
        return actions

    def _connect_signals(self) -> None:
        self._session.project_changed.connect(self._show_checkpoints)
        self._session.changed.connect(self._take_changes)
        self._files.states_changed.connect(self._show_selected)
        self.list.selection_changed.connect(self._show_selected)
        self.list.open_requested.connect(self._inspect_selected)
        self.list.star_requested.connect(self._set_star)
        self.list.note_requested.connect(self._set_note)
        self.detail.predict.connect(self._inspect_selected)
        self.detail.resume.connect(self._continue_selected)
        self.detail.reveal.connect(self._reveal_selected)
        self.detail.delete.connect(self._delete_selected)
        theme.notifier.theme_changed.connect(self._show_selected)

    # -- what is shown

    @property
    def _editable(self) -> bool:
        return self._session.project is not None and not self._session.project.read_only

    def _take_changes(self, changes: Changes, initiator: object) -> None:
        if initiator is not self and (changes.runs or changes.labels):
            self._show_checkpoints()

    def _show_checkpoints(self) -> None:
        project = self._session.project
        records = project.runs.list_checkpoints() if project is not None else []
        self.list.set_checkpoints(records, editable=self._editable)
        self._absence.setText(NO_PROJECT if project is None else NO_CHECKPOINT)
        self._stack.setCurrentIndex(0 if records else 1)
        if self._in_front:
            self._look_at_evaluations(records)

    def _look_at_evaluations(self, records: list[CheckpointRecord]) -> None:
        """Find out in a thread how checkpoints were judged since their training, and whether that is still true."""
        project, shown = self._session.project, self._session.shown
        if project is None:
            self._tasks.cancel(EVALUATED)
            self._take_evaluations({})
            return
        self._tasks.run(EVALUATED, lambda: describe_evaluations(project, records, shown), self._take_evaluations)

    def _take_evaluations(self, judged: Mapping[Path, CheckpointStandings]) -> None:
        if judged == self._judged:
            return
        self._judged = judged
        self.list.set_judged(judged)
        self._show_selected()

    def _show_selected(self) -> None:
        project, records = self._session.project, self.list.list_selected()
        runs: dict[str, RunRecord] = {}
        colors: dict[str, QColor] = {}
        if project is not None:
            colors = {label.name: QColor(label.color) for label in project.labels()}
            if 0 < len(records) <= 2:
                wanted = {record.run for record in records}
                runs = {run.id: run for run in project.runs.list_runs() if run.id in wanted}
        self._enable_actions(records)
        self.detail.set_checkpoints(records, runs, colors, editable=self._editable)
        if len(records) == 1 and (judged := self._judged.get(records[0].path)) is not None:
            self.detail.show_evaluations(records[0], judged, colors)
        self._tasks.cancel(JUDGED)
        self._tasks.cancel(COMPARED)
        if not self._in_front:
            return  # snapshots of many images take seconds to read: `activated` looks at them
        if len(records) == 1:
            self._look_at_judged(records)
        elif len(records) == 2:
            self._compare_data(records)

    def _enable_actions(self, records: list[CheckpointRecord]) -> None:
        """Offer by key, menu and palette what can be done with the selection."""
        for name in ("use", "continue_training", "show_run", "open_folder"):
            self._actions[name].setEnabled(len(records) == 1 and (self._editable or name != "continue_training"))
        self._actions["copy_path"].setEnabled(bool(records))
        for name in ("star", "delete"):
            self._actions[name].setEnabled(bool(records) and self._editable)

    def _compare_data(self, records: list[CheckpointRecord]) -> None:
        """Find out in a thread in what the data of two checkpoints differ."""
        first, second = (record.path.parents[1] for record in records)
        show = self.detail.comparison

        def fail(error: Exception) -> None:
            if not isinstance(error, InputError | OSError):
                raise error
            show.show_no_data(str(error))

        self._tasks.run(COMPARED, lambda: compare_run_data(first, second), show.show_data, fail)

    def _look_at_judged(self, records: list[CheckpointRecord]) -> None:
        """Find out in a thread what the one selected checkpoint was judged by, and whether that is still there."""
        run = records[0].path.parents[1]

        def fail(error: Exception) -> None:
            if not isinstance(error, InputError | OSError):
                raise error  # a run without a snapshot says nothing of its images

        self._tasks.run(JUDGED, lambda: look_at_judged_images(run), self.detail.show_judged, fail)

    # -- what can be done

    def _inspect_selected(self) -> None:
        if len(records := self.list.list_selected()) == 1:
            self._session.inspect_requested.emit(records[0].id)

    def _continue_selected(self) -> None:
        if len(records := self.list.list_selected()) == 1:
            self._session.continue_requested.emit(records[0].id)

    def _reveal_selected(self) -> None:
        for record in self.list.list_selected()[:1]:
            folder = record.path.parent
            if not folder.is_dir() or not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
                self._session.message.emit(f"{folder}: the folder cannot be opened; is it still there?")

    def _show_run(self) -> None:
        if len(records := self.list.list_selected()) == 1:
            self._session.run_requested.emit(records[0].run)

    def _copy_paths(self) -> None:
        if records := self.list.list_selected():
            QApplication.clipboard().setText("\n".join(str(record.path) for record in records))
            self._session.message.emit(f"Copied {format_count(len(records), 'path')}")

    def _find_checkpoints(self) -> None:
        self.list.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.list.search.selectAll()

    def _toggle_stars(self) -> None:
        records = self.list.list_selected()
        if not self._editable:
            return
        star = not all(record.star for record in records)
        for record in records:
            self._set_star(record.id, star)

    def _set_star(self, checkpoint_id: str, star: bool) -> None:
        project = self._session.project
        assert project is not None
        self._session.notify(project.runs.set_star(checkpoint_id, star), self)
        self._show_checkpoints()

    def _set_note(self, checkpoint_id: str, text: str) -> None:
        project = self._session.project
        assert project is not None
        self._session.notify(project.runs.set_note(checkpoint_id, text), self)
        self._show_checkpoints()

    def _delete_selected(self) -> None:
        project, records = self._session.project, self.list.list_selected()
        if project is None or not records or not self._editable:
            return
        if not may_delete(self, ask_deletion(records), describe_deletion(records, project.runs.list_runs())):
            return
        changes, problems = Changes(), []
        for record in records:
            try:
                changes |= project.runs.delete_checkpoint(record.id)
            except InputError as error:
                problems.append(str(error))
        self._session.notify(changes, self)
        self._show_checkpoints()
        done = len(records) - len(problems)
        self._session.message.emit(problems[0] if problems else f"Deleted {format_count(done, 'checkpoint')}")
