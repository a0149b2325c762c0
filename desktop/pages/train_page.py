"""Choose a recipe, press Train, and watch the model learn."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMessageBox, QProgressDialog, QVBoxLayout, QWidget

from core.changes import Changes
from core.errors import InputError
from core.jobs.folder import JobFolder
from core.jobs.process import CHILD_MODULE
from core.launching import prepare_run
from core.project.project import Project
from desktop.actions import TRAIN, build
from desktop.live_training import LiveTraining
from desktop.models.run_history import RunHistory
from desktop.pages.recipe_side import RecipeSide
from desktop.services import Services
from desktop.session import Session
from desktop.theme import GAP, PAD
from desktop.widgets.parts import words
from desktop.widgets.run_picker import RunPicker
from desktop.widgets.run_view import RunView

_SYNC_MS = 1500  # the Checkpoints page hears of new checkpoints this soon


class TrainPage(QWidget):
    """The recipe at the left, the run at the right."""

    title = "Train"

    def __init__(self, session: Session, services: Services, *, child_module: str = CHILD_MODULE) -> None:
        super().__init__()
        self.setObjectName("page")
        self._session = session
        self._services = services
        self._project: Project | None = None
        self._live = LiveTraining(child_module, self)
        self._shown_run = ""
        self._active = False
        self._recipe = RecipeSide(session)
        self._view = RunView()
        self._runs = RunPicker()
        self._sync_timer = _single_shot(self, _SYNC_MS, self._sync_runs)
        self._actions = build(self, TRAIN, {"train": self.train, "stop_training": self.stop})
        self._lay_out()
        self._connect()
        self._take_project()

    # -- for the main window -----------------------------------------------------------------------------------

    def activated(self) -> None:
        """The page came to the front."""
        self._active = True
        self._recipe.load_draft()
        self._recipe.show_data()
        self._sync_runs()
        self._keep_warm()

    def deactivated(self) -> None:
        self._active = False
        self._recipe.save_draft()
        self._live.warm.release_later()

    def actions(self) -> list[QAction]:
        return list(self._actions.values())

    def may_close(self) -> bool:
        """Whether the window may close. A training is stopped first, if the person agrees."""
        if self._live.running:
            if not self.ask_to_stop():
                return False
            self._stop_with_patience()
        self._recipe.save_draft()
        self._live.warm.dismiss()
        return True

    def ask_to_stop(self) -> bool:
        """Ask whether the training that runs may be stopped. A test puts its own answer here."""
        box = QMessageBox(self)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("A training is running")
        box.setText("Stop the training and close?")
        box.setInformativeText("What was learnt so far is kept in the last checkpoint.")
        stop = box.addButton("Stop and close", QMessageBox.ButtonRole.AcceptRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.exec()
        return box.clickedButton() is stop

    @property
    def training(self) -> bool:
        return self._live.running

    # -- training ----------------------------------------------------------------------------------------------

    def train(self) -> None:
        """Start a training with the recipe and the data as they are now."""
        project = self._session.project
        if project is None or self._live.running:
            return
        try:
            folder = self._prepare_run(project)
        except InputError as error:
            self._recipe.show_error(str(error))
            return
        except OSError as error:
            self._recipe.show_error(
                f"{error.filename or project.folder}: {error.strerror}. Free some space and try again."
            )
            return
        self._recipe.show_error("")
        self._start(folder)

    def _prepare_run(self, project: Project) -> JobFolder:
        """The folder of a new run, with its recipe and snapshot. Raises InputError where something is missing."""
        recipe = self._recipe.ready_recipe()
        self._session.settle.emit()
        return prepare_run(project, recipe, self._session.apply)

    def _start(self, folder: JobFolder) -> None:
        self._live.start(folder)
        self._show_live()
        self._list_runs()
        self._enable()
        self._session.message.emit(f"Training {self._live.run} started")

    def stop(self) -> None:
        """Stop the training that runs; what was learnt is kept."""
        self._live.stop()
        self._show_live_state()
        self._enable()

    def _on_progress(self, events: list[dict[str, object]]) -> None:
        if self._shows_live():
            if self._view.state == "starting":
                self._show_live_state()
            self._view.refresh()
        if any(event.get("event") == "checkpoint" for event in events) and not self._sync_timer.isActive():
            self._sync_timer.start()

    def _on_ended(self, run: str, state: str) -> None:
        if self._shown_run == run:
            self._view.set_state(state)
        self._enable()
        self._sync_runs()
        self._keep_warm()
        self._session.message.emit(f"Training {run} {state}")

    def _stop_with_patience(self) -> None:
        self.stop()
        wait = QProgressDialog("Stopping the training and saving what was learnt…", "", 0, 0, self)
        wait.setCancelButton(None)
        wait.setWindowModality(Qt.WindowModality.WindowModal)
        wait.setMinimumDuration(300)
        self._live.stop_and_repaint()
        wait.close()
        wait.deleteLater()

    def _keep_warm(self) -> None:
        project = self._session.project
        if self._active and project is not None and not project.read_only and not self._live.running:
            self._live.warm.keep()

    # -- the project -------------------------------------------------------------------------------------------

    def _take_project(self) -> None:
        """Another project, or none. The former one is still open while this runs."""
        if self._project is not None and self._project is not self._session.project:
            self._live.stop_and_wait()
        self._project = self._session.project
        self._recipe.take_project(self._project)
        self._shown_run = ""
        self._view.show_run(RunHistory(), "", {})
        self._list_runs()
        self._enable()
        if self._project is None:
            self._active = False  # the window shows its welcome, and later the first page
            self._live.warm.dismiss()
        else:
            self._keep_warm()

    def _on_changed(self, changes: Changes, initiator: object) -> None:
        if changes.runs and initiator is not self:
            self._list_runs()

    # -- runs --------------------------------------------------------------------------------------------------

    def _sync_runs(self) -> None:
        project = self._session.project
        if project is None:
            return
        if project.read_only:
            self._list_runs()
            return
        self._services.tasks.run(
            "train:sync",
            project.sync_runs,
            lambda changes: self._synced(project, changes),
            lambda error: self._not_synced(project, error),
        )

    def _synced(self, project: Project, changes: Changes) -> None:
        if project is not self._session.project:
            return
        self._list_runs()
        self._session.notify(changes, self)

    def _not_synced(self, project: Project, error: Exception) -> None:
        if project is not self._session.project:
            return  # it was closed meanwhile
        if not isinstance(error, InputError | OSError):
            raise error
        self._recipe.show_error(str(error))

    def _list_runs(self) -> None:
        """Fill the list of runs, newest first, and keep the one that is shown."""
        project = self._session.project
        records = list(reversed(project.runs())) if project is not None else []
        checkpoints = project.checkpoints() if project is not None else []
        self._recipe.set_checkpoints(checkpoints)
        self._runs.set_runs(records, checkpoints, self._live.run)
        if not self._shown_run and records:
            self._show_run(records[0].id)
        self._runs.show_run(self._shown_run)

    def _show_run(self, run: str) -> None:
        project = self._session.project
        if not run or project is None:
            return
        self._runs.show_run(run)
        if run == self._live.run:
            self._show_live()
            return
        self._shown_run = run
        folder = JobFolder(project.runs_folder / run)

        def shown(found: tuple[RunHistory, str]) -> None:
            if self._shown_run == run and self._session.project is project:
                self._view.show_run(*found, self._label_colors())

        self._services.tasks.run("train:run", lambda: (RunHistory.of(folder.read()[0]), folder.state()), shown)

    def _show_live(self) -> None:
        self._services.tasks.cancel("train:run")
        self._shown_run = self._live.run
        self._view.show_run(self._live.history, self._live.state, self._label_colors())

    def _show_live_state(self) -> None:
        if self._shows_live():
            self._view.set_state(self._live.state)

    def _shows_live(self) -> bool:
        return self._live.running and self._shown_run == self._live.run

    def _label_colors(self) -> dict[str, str]:
        project = self._session.project
        return {label.name: label.color for label in project.labels()} if project is not None else {}

    # -- looks -------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        self._session.project_changed.connect(self._take_project)
        self._session.changed.connect(self._on_changed)
        self._session.continue_requested.connect(self._recipe.continue_from)
        self._runs.chosen.connect(self._show_run)
        self._recipe.train_button.clicked.connect(self.train)
        self._recipe.stop_button.clicked.connect(self.stop)
        self._live.progressed.connect(self._on_progress)
        self._live.ended.connect(self._on_ended)
        self._view.inspect_requested.connect(self._session.inspect_requested)
        self._view.checkpoints_requested.connect(lambda: self._session.page_requested.emit("Checkpoints"))

    def _enable(self) -> None:
        project = self._session.project
        idle = project is not None and not project.read_only and not self._live.running
        stopping = self._live.state == "stopping"
        for button, action, enabled in (
            (self._recipe.train_button, self._actions["train"], idle),
            (self._recipe.stop_button, self._actions["stop_training"], self._live.running and not stopping),
        ):
            button.setEnabled(enabled)
            action.setEnabled(enabled)
        self._recipe.stop_button.setText("Stopping…" if stopping else "Stop")
        self._recipe.set_editable(idle)

    def _lay_out(self) -> None:
        run = QHBoxLayout()
        run.addWidget(words("Run", "section"))
        run.addWidget(self._runs)
        run.addStretch(1)
        right = QVBoxLayout()
        right.setContentsMargins(PAD, PAD, PAD, PAD)
        right.setSpacing(GAP)
        right.addLayout(run)
        right.addWidget(self._view, 1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._recipe)
        layout.addLayout(right, 1)


def _single_shot(parent: QObject, interval: int, then: object) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(interval)
    timer.timeout.connect(then)
    return timer
