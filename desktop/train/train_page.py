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
from core.models.gpus import gpu_names
from core.operations.resume_run import run_to_resume
from core.operations.start_run import prepare_run
from core.project.project import Project
from desktop.base.actions import TRAIN, build_actions
from desktop.base.session import Session
from desktop.services import Services
from desktop.train.closing_training import ask_how_to_close
from desktop.train.recipe.recipe_column import Controls, RecipeColumn
from desktop.train.recipe.recipe_draft import RecipeDraft
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
        self.live = LiveTraining(services.launcher, self)
        self.queue = QueueKeeper(services.launcher, self)
        self._active = False
        self.draft = RecipeDraft(self)
        self.recipe_column = RecipeColumn(session, self.draft)
        self.run_column = RunColumn(session, services.tasks, self.live)
        self.trials = Trials(session, services, self.live, self.draft, self)
        self._view, self._runs = self.run_column.view, self.run_column.picker
        self._sync_timer = QTimer(self, singleShot=True, interval=_SYNC_MS)
        self._sync_timer.timeout.connect(self._sync_runs)
        self._actions = build_actions(
            self,
            TRAIN,
            {
                "train": self.train,
                "pause_training": self.pause,
                "stop_training": self.stop,
                "resume_training": lambda: self.resume(self.run_column.own_run),
                "watch_run": self.run_column.choose_watched,
                "delete_run": self.run_column.delete_shown,
                "use_recipe": self.run_column.request_recipe,
                "find_rate": self.trials.find_rate,
                "study": self.trials.open_study,
            },
        )
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        # Of a wide window the recipe takes a fifth, as far as it has use for it.
        layout.addWidget(self.recipe_column, 1)
        layout.addWidget(self.run_column, 4)
        self._connect()
        self.set_project()

    # -- for the main window -----------------------------------------------------------------------------------

    def activated(self) -> None:
        """The page came to the front."""
        self._active = True
        self.draft.refresh_draft()
        self.recipe_column.show_data()
        self._sync_runs()
        self._keep_warm()
        self.queue.refresh()
        self._services.tasks.run("train:gpus", gpu_names, self.recipe_column.set_gpus)

    def deactivated(self) -> None:
        self._active = False
        self.draft.save_draft()
        self.live.warm.release_later()

    def actions(self) -> list[QAction]:
        return list(self._actions.values())

    def may_close(self) -> bool:
        """Whether the window may close. The person chooses what becomes of a training."""
        training = self.live.running
        if training or self.trials.study:
            how = self.ask_how_to_close()
            if how == "cancel":
                return False
            if how == "leave":
                self.trials.leave()
            if training:
                self._leave_going() if how == "leave" else self._stop_with_patience()
        self.trials.stop_and_wait()
        self.draft.save_draft()
        self.live.warm.dismiss()
        self.run_column.end_watch()
        return True

    def ask_how_to_close(self) -> Literal["stop", "leave", "cancel"]:
        """Ask what becomes of the training that runs. A test puts its own answer here."""
        name = self.live.run or f"of study {self.trials.study}"
        return ask_how_to_close(self, name, 0 if self.queue.held else len(self.queue.waiting))

    @property
    def training(self) -> bool:
        return self.live.running

    @property
    def _busy(self) -> bool:
        """Whether something computes that a training would have to share the device with."""
        return self.live.running or self.trials.running

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
        before, notice = self.draft.take_recipe(run), self.run_column.notice
        if before is None:
            return

        def undo() -> None:
            self.draft.model.replace_recipe(before)
            notice.clear()

        notice.show_notice(f"The form has the recipe of {run.name} now.", "info", offer=("Undo", undo))

    def pause(self) -> None:
        """Pause the training that runs: it saves and frees the device. The queue waits as well."""
        self.queue.hold(True)
        self.live.pause()
        self._show_live_state()
        self._enable()

    def stop(self) -> None:
        """Stop the training that runs; what was learnt is kept."""
        self.live.stop()
        self._show_live_state()
        self._enable()

    def _prepare_run(self, project: Project) -> JobFolder:
        """The folder of a new run, with its recipe and snapshot. Raises InputError where something is missing."""
        recipe = self.draft.require_recipe()
        self._session.settle.emit()
        return prepare_run(project, recipe, self._session.apply)

    def _tried(self, work: Callable[[], JobFolder]) -> JobFolder | None:
        """What `work` gives; None, and the reason is shown, where it cannot be done."""
        try:
            folder = work()
        except InputError as error:
            self.recipe_column.show_error(str(error))
            return None
        except OSError as error:
            self.recipe_column.show_error(
                f"{error.filename or 'disk'}: {error.strerror}. Free some space and try again."
            )
            return None
        self.recipe_column.show_error("")
        return folder

    def _begin_or_queue(self, folder: JobFolder) -> None:
        if not self._busy:
            self._start(folder)
            return
        try:
            self.queue.add(folder)
        except (InputError, OSError) as error:
            self.recipe_column.show_error(str(error))
            return
        self._sync_runs()
        self._session.message.emit(f"{folder.path.name} waits for {self.live.run or 'the study'} to end")

    def _start(self, folder: JobFolder, *, show: bool = True) -> None:
        self.live.start(folder)
        self.queue.refresh()
        if show:
            self.run_column.show_live()
        self._list_runs()
        self._enable()
        self._session.message.emit(f"Training {self.live.run} started")

    def _begin_next(self, *, show: bool = True) -> None:
        """Begin the run whose turn it is, if any; `show` it in place of the one that is looked at."""
        project = self._session.project
        if project is None or project.read_only or self._busy:
            return
        if (folder := self.queue.next()) is not None:
            self._start(folder, show=show)

    def _hold_queue(self, held: bool) -> None:
        self.queue.hold(held)
        self._begin_next()

    def _on_progress(self, events: list[dict[str, object]]) -> None:
        if self.run_column.shows_live:
            if self._view.state == "starting":
                self._show_live_state()
            self._view.refresh()
        if any(event.get("event") == "checkpoint" for event in events) and not self._sync_timer.isActive():
            self._sync_timer.start()

    def _on_ended(self, run: str, state: str) -> None:
        if self.run_column.shown == run:
            self._view.set_state(state)
        self._session.message.emit(f"Training {run} {state}")
        self._begin_next(show=self.run_column.shown == run)
        self._enable()
        self._sync_runs()
        self._keep_warm()

    def _leave_going(self) -> None:
        self.queue.hand_over()
        self.live.leave()

    def _stop_with_patience(self) -> None:
        self.queue.hold(True)  # the next run must not begin in a window that closes
        self.stop()
        wait = QProgressDialog("Stopping the training and saving what was learnt…", "", 0, 0, self)
        wait.setCancelButton(None)
        wait.setWindowModality(Qt.WindowModality.WindowModal)
        wait.setMinimumDuration(300)
        self.live.stop_and_repaint()
        wait.close()
        wait.deleteLater()

    def _keep_warm(self) -> None:
        project = self._session.project
        if self._active and project is not None and not project.read_only and not self._busy:
            self.live.warm.keep()

    # -- the project -------------------------------------------------------------------------------------------

    def set_project(self) -> None:
        """Another project, or none. The former one is still open while this runs."""
        if self._project is not None and self._project is not self._session.project:
            self.live.stop_and_wait()
        self._project = project = self._session.project
        self.trials.set_project(project)
        self.draft.set_project(project)
        self.recipe_column.set_project(project)
        self.run_column.set_project(project)
        going = self.queue.take(project.runs_folder if project is not None and not project.read_only else None)
        if going is not None:
            self.live.attach(going)
            self.run_column.show_live()
            self._session.message.emit(f"Training {self.live.run} was left going, and is shown again")
        self._list_runs()
        self._enable()
        if project is None:
            self._active = False  # the window shows its welcome, and later the first page
            self.live.warm.dismiss()
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
        self.recipe_column.show_error(str(error))

    def _list_runs(self) -> None:
        """Fill the list of runs, newest first, and keep the one that is shown."""
        project = self._session.project
        checkpoints = project.checkpoints() if project is not None else []
        self.recipe_column.set_checkpoints(checkpoints)
        self.run_column.list_runs(list(reversed(project.runs())) if project is not None else [], checkpoints)

    # -- looks -------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        self._session.project_changed.connect(self.set_project)
        self._session.changed.connect(self._on_changed)
        self._session.continue_requested.connect(self.draft.continue_from)
        self.recipe_column.train_wanted.connect(self.train)
        self.recipe_column.pause_wanted.connect(self.pause)
        self.recipe_column.stop_wanted.connect(self.stop)
        self.recipe_column.rate_wanted.connect(self.trials.find_rate)
        self.recipe_column.study_wanted.connect(self.trials.open_study)
        self.run_column.resume_requested.connect(self.resume)
        self.run_column.recipe_requested.connect(self._use_recipe)
        self.run_column.queue.moved.connect(self.queue.move)
        self.run_column.queue.removed.connect(self.queue.remove)
        self.run_column.queue.held_changed.connect(self._hold_queue)
        self.queue.changed.connect(self._show_queue)
        self.trials.error_changed.connect(self.recipe_column.show_error)
        self.trials.changed.connect(self._trials_changed)
        self.trials.runs_changed.connect(self._sync_runs)
        self.trials.run_requested.connect(self.run_column.show_run)
        self.live.progressed.connect(self._on_progress)
        self.live.ended.connect(self._on_ended)

    def _trials_changed(self) -> None:
        self._begin_next()
        self._enable()
        self._keep_warm()

    def _show_queue(self) -> None:
        self.run_column.queue.show_queue(self.queue.waiting, held=self.queue.held, training=self.live.running)

    def _show_live_state(self) -> None:
        if self.run_column.shows_live:
            self._view.set_state(self.live.state)

    def _enable(self) -> None:
        project = self._session.project
        writable = project is not None and not project.read_only
        running, leaving = self.live.running, self.live.state in ("stopping", "pausing")
        for name in ("train", "resume_training", "use_recipe", "delete_run"):
            self._actions[name].setEnabled(writable)
        self._actions["pause_training"].setEnabled(running and not leaving)
        self._actions["stop_training"].setEnabled(running and self.live.state != "stopping")
        self._actions["watch_run"].setEnabled(project is not None)
        self.recipe_column.show_controls(Controls(writable, self._busy, self.live.state))
        self._view.summary.set_resumable(writable, "Add to queue" if self._busy else "Resume")
        self._show_queue()
