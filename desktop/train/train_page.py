"""Choose a recipe, press Train, and watch the model learn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QProgressDialog, QWidget

from core.changes import Changes
from core.errors import InputError
from core.jobs.folder import JobFolder
from core.models.gpus import device_words, gpu_names
from core.operations.resume_run import run_to_resume
from core.operations.start_run import prepare_run
from core.project.project import Project
from desktop.base.actions import TRAIN, build_actions
from desktop.base.session import Session
from desktop.kit.parts import restyle
from desktop.services import Services
from desktop.train.closing_training import ask_how_to_close
from desktop.train.recipe.recipe_column import RecipeColumn
from desktop.train.run.live_training import LiveTraining
from desktop.train.run.queue_keeper import QueueKeeper
from desktop.train.run.run_column import RunColumn
from desktop.train.trials.trials import Trials

_SYNC_MS = 1500  # the Checkpoints page hears of new checkpoints this soon


class TrainPage(QWidget):
    """The recipe at the left, the run at the right. Decides which run is begun, and when."""

    title = "Train"

    def __init__(self, session: Session, services: Services) -> None:
        super().__init__()
        self.setObjectName("page")
        self._session = session
        self._services = services
        self._project: Project | None = None
        self._live = LiveTraining(services.launcher, self)
        self._queue = QueueKeeper(services.launcher, self)
        self._active = False
        self._gpus: list[str] | None = None
        self._recipe = RecipeColumn(session)
        self._side = RunColumn(session, services.tasks, self._live)
        self._trials = Trials(session, services, self._live, self._recipe, self)
        self._view, self._runs = self._side.view, self._side.picker
        self._sync_timer = QTimer(self, singleShot=True, interval=_SYNC_MS)
        self._sync_timer.timeout.connect(self._sync_runs)
        self._actions = build_actions(
            self,
            TRAIN,
            {
                "train": self.train,
                "pause_training": self.pause,
                "stop_training": self.stop,
                "resume_training": lambda: self.resume(self._side.own_run),
                "watch_run": self._side.choose_watched,
                "delete_run": self._side.delete_shown,
                "use_recipe": self._side.request_recipe,
                "find_rate": self._trials.find_rate,
                "study": self._trials.open_study,
            },
        )
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        # Of a wide window the recipe takes a fifth, as far as it has use for it.
        layout.addWidget(self._recipe, 1)
        layout.addWidget(self._side, 4)
        self._connect()
        self.set_project()

    # -- for the main window -----------------------------------------------------------------------------------

    def activated(self) -> None:
        """The page came to the front."""
        self._active = True
        self._recipe.load_draft()
        self._recipe.show_data()
        self._sync_runs()
        self._keep_warm()
        self._queue.refresh()
        self._services.tasks.run("train:gpus", gpu_names, self._know_gpus)

    def deactivated(self) -> None:
        self._active = False
        self._recipe.save_draft()
        self._live.warm.release_later()

    def actions(self) -> list[QAction]:
        return list(self._actions.values())

    def may_close(self) -> bool:
        """Whether the window may close. The person chooses what becomes of a training."""
        training = self._live.running
        if training or self._trials.study:
            how = self.ask_how_to_close()
            if how == "cancel":
                return False
            if how == "leave":
                self._trials.leave()
            if training:
                self._leave_going() if how == "leave" else self._stop_with_patience()
        self._trials.stop_and_wait()
        self._recipe.save_draft()
        self._live.warm.dismiss()
        self._side.end_watch()
        return True

    def ask_how_to_close(self) -> Literal["stop", "leave", "cancel"]:
        """Ask what becomes of the training that runs. A test puts its own answer here."""
        name = self._live.run or f"of study {self._trials.study}"
        return ask_how_to_close(self, name, 0 if self._queue.held else len(self._queue.waiting))

    @property
    def training(self) -> bool:
        return self._live.running

    @property
    def _busy(self) -> bool:
        """Whether something computes that a training would have to share the device with."""
        return self._live.running or self._trials.running

    # -- training ----------------------------------------------------------------------------------------------

    def train(self) -> None:
        """Train with the recipe and the data as they are now: at once, or after the training that runs."""
        project = self._session.project
        if project is None or project.read_only:
            return
        folder = self._tried(lambda: self._prepare_run(project))
        if folder is not None:
            self._begin_or_queue(folder)

    def resume(self, run: str) -> None:
        """Go on with a run that was paused, stopped or interrupted: at once, or after the training that runs."""
        project = self._session.project
        if project is None or project.read_only or not run:
            return
        folder = self._tried(lambda: run_to_resume(project.runs_folder, run))
        if folder is not None:
            self._begin_or_queue(folder)

    def _use_recipe(self, run: Path) -> None:
        before, notice = self._recipe.take_recipe(run), self._side.notice
        if before is None:
            return

        def undo() -> None:
            self._recipe.panel.put_recipe(before)
            notice.clear()

        notice.show_notice(f"The form has the recipe of {run.name} now.", "info", offer=("Undo", undo))

    def pause(self) -> None:
        """Pause the training that runs: it saves and frees the device. The queue waits as well."""
        self._queue.hold(True)
        self._live.pause()
        self._show_live_state()
        self._enable()

    def stop(self) -> None:
        """Stop the training that runs; what was learnt is kept."""
        self._live.stop()
        self._show_live_state()
        self._enable()

    def _prepare_run(self, project: Project) -> JobFolder:
        """The folder of a new run, with its recipe and snapshot. Raises InputError where something is missing."""
        recipe = self._recipe.ready_recipe()
        self._session.settle.emit()
        return prepare_run(project, recipe, self._session.apply)

    def _tried(self, work: Callable[[], JobFolder]) -> JobFolder | None:
        """What `work` gives; None, and the reason is shown, where it cannot be done."""
        try:
            folder = work()
        except InputError as error:
            self._recipe.show_error(str(error))
            return None
        except OSError as error:
            self._recipe.show_error(f"{error.filename or 'disk'}: {error.strerror}. Free some space and try again.")
            return None
        self._recipe.show_error("")
        return folder

    def _begin_or_queue(self, folder: JobFolder) -> None:
        if not self._busy:
            self._start(folder)
            return
        try:
            self._queue.add(folder)
        except (InputError, OSError) as error:
            self._recipe.show_error(str(error))
            return
        self._sync_runs()
        self._session.message.emit(f"{folder.path.name} waits for {self._live.run or 'the study'} to end")

    def _start(self, folder: JobFolder, *, show: bool = True) -> None:
        self._live.start(folder)
        self._queue.refresh()
        if show:
            self._side.show_live()
        self._list_runs()
        self._enable()
        self._session.message.emit(f"Training {self._live.run} started")

    def _begin_next(self, *, show: bool = True) -> None:
        """Begin the run whose turn it is, if any; `show` it in place of the one that is looked at."""
        project = self._session.project
        if project is None or project.read_only or self._busy:
            return
        if (folder := self._queue.next()) is not None:
            self._start(folder, show=show)

    def _hold_queue(self, held: bool) -> None:
        self._queue.hold(held)
        self._begin_next()

    def _on_progress(self, events: list[dict[str, object]]) -> None:
        if self._side.shows_live:
            if self._view.state == "starting":
                self._show_live_state()
            self._view.refresh()
        if any(event.get("event") == "checkpoint" for event in events) and not self._sync_timer.isActive():
            self._sync_timer.start()

    def _on_ended(self, run: str, state: str) -> None:
        if self._side.shown == run:
            self._view.set_state(state)
        self._session.message.emit(f"Training {run} {state}")
        self._begin_next(show=self._side.shown == run)
        self._enable()
        self._sync_runs()
        self._keep_warm()

    def _leave_going(self) -> None:
        self._queue.hand_over()
        self._live.leave()

    def _stop_with_patience(self) -> None:
        self._queue.hold(True)  # the next run must not begin in a window that closes
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
        if self._active and project is not None and not project.read_only and not self._busy:
            self._live.warm.keep()

    # -- the project -------------------------------------------------------------------------------------------

    def set_project(self) -> None:
        """Another project, or none. The former one is still open while this runs."""
        if self._project is not None and self._project is not self._session.project:
            self._live.stop_and_wait()
        self._project = project = self._session.project
        self._trials.set_project(project)
        self._recipe.set_project(project)
        self._side.set_project(project)
        going = self._queue.take(project.runs_folder if project is not None and not project.read_only else None)
        if going is not None:
            self._live.attach(going)
            self._side.show_live()
            self._session.message.emit(f"Training {self._live.run} was left going, and is shown again")
        self._list_runs()
        self._enable()
        if project is None:
            self._active = False  # the window shows its welcome, and later the first page
            self._live.warm.dismiss()
        else:
            self._begin_next()
            self._keep_warm()

    def _on_changed(self, changes: Changes, initiator: object) -> None:
        if changes.runs and initiator is not self:
            self._list_runs()

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
        checkpoints = project.checkpoints() if project is not None else []
        self._recipe.set_checkpoints(checkpoints)
        self._side.list_runs(list(reversed(project.runs())) if project is not None else [], checkpoints)

    # -- looks -------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        self._session.project_changed.connect(self.set_project)
        self._session.changed.connect(self._on_changed)
        self._session.continue_requested.connect(self._recipe.continue_from)
        self._recipe.train_button.clicked.connect(self.train)
        self._recipe.pause_button.clicked.connect(self.pause)
        self._recipe.stop_button.clicked.connect(self.stop)
        self._recipe.panel.recipe_changed.connect(lambda _recipe: self._show_device())
        self._side.resume_requested.connect(self.resume)
        self._side.recipe_requested.connect(self._use_recipe)
        self._side.queue.moved.connect(self._queue.move)
        self._side.queue.removed.connect(self._queue.remove)
        self._side.queue.held_changed.connect(self._hold_queue)
        self._queue.changed.connect(self._show_queue)
        self._recipe.panel.form.rate_wanted.connect(self._trials.find_rate)
        self._recipe.panel.form.study_wanted.connect(self._trials.open_study)
        self._trials.changed.connect(self._trials_changed)
        self._trials.runs_changed.connect(self._sync_runs)
        self._trials.run_requested.connect(self._side.show_run)
        self._live.progressed.connect(self._on_progress)
        self._live.ended.connect(self._on_ended)

    def _trials_changed(self) -> None:
        self._begin_next()
        self._enable()
        self._keep_warm()

    def _show_queue(self) -> None:
        self._side.queue.show_queue(self._queue.waiting, held=self._queue.held, training=self._live.running)

    def _show_live_state(self) -> None:
        if self._side.shows_live:
            self._view.set_state(self._live.state)

    def _know_gpus(self, gpus: list[str]) -> None:
        self._gpus = gpus
        self._recipe.panel.form.set_gpus(gpus)
        self._show_device()

    def _show_device(self) -> None:
        """Say what the next training computes on."""
        if self._gpus is not None:
            text, wasted = device_words(self._recipe.panel.accepted.device, self._gpus)
            self._recipe.device.setText(text)
            restyle(self._recipe.device, "role", "warning" if wasted else "small")

    def _enable(self) -> None:
        project = self._session.project
        writable = project is not None and not project.read_only
        running, leaving = self._live.running, self._live.state in ("stopping", "pausing")
        for button, name, enabled in (
            (self._recipe.train_button, "train", writable),
            (self._recipe.pause_button, "pause_training", running and not leaving),
            (self._recipe.stop_button, "stop_training", running and self._live.state != "stopping"),
        ):
            button.setEnabled(enabled)
            self._actions[name].setEnabled(enabled)
        for name in ("resume_training", "use_recipe", "delete_run"):
            self._actions[name].setEnabled(writable)
        self._actions["watch_run"].setEnabled(project is not None)
        self._recipe.train_button.setText("Add to queue" if self._busy else "Train")
        self._recipe.pause_button.setText("Pausing…" if self._live.state == "pausing" else "Pause")
        self._recipe.stop_button.setText("Stopping…" if self._live.state == "stopping" else "Stop")
        self._recipe.set_editable(writable)
        self._view.summary.set_resumable(writable, "Add to queue" if self._busy else "Resume")
        self._show_queue()
