"""Which run trains, and when: at once, after the one that trains, or when its turn in the queue has come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from core.errors import InputError
from core.jobs.folder import JobFolder
from core.jobs.launcher import JobLauncher
from core.operations.resume_run import run_to_resume
from core.operations.start_run import prepare_run
from core.project.project import Project
from desktop.base.session import Session
from desktop.train.closing_training import wait_for_stop
from desktop.train.recipe.recipe_draft import RecipeDraft
from desktop.train.run.live_training import LiveTraining
from desktop.train.run.queue_keeper import QueueKeeper
from desktop.train.trials.trials import Trials

_AGAIN_MS = 1000  # milliseconds between looks at whether another program still trains


class TrainingControl(QObject):
    """Begins, pauses and stops trainings, and works the queue off."""

    changed = Signal()  # what can be begun, paused or stopped
    begun = Signal(bool)  # the live training; whether the user asked for it just now, or its turn in the queue has come
    runs_changed = Signal()  # in their folders: the project does not know yet
    error_changed = Signal(str)  # why what was asked for cannot be done; empty once something could

    def __init__(
        self,
        session: Session,
        launcher: JobLauncher,
        live: LiveTraining,
        draft: RecipeDraft,
        trials: Trials,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._live = live
        self._draft = draft
        self._trials = trials
        self._project: Project | None = None
        self._page_in_front = False
        self.queue = QueueKeeper(launcher, self)
        self._again = QTimer(self, singleShot=True, interval=_AGAIN_MS)
        self._again.timeout.connect(self._begin_next)
        live.ended.connect(self._follow_end)
        trials.changed.connect(self._follow_trials)

    @property
    def busy(self) -> bool:
        """Whether something computes that a training would have to share the device with."""
        return self._live.running or self._trials.running

    @property
    def writable(self) -> bool:
        """Whether a project is open that can be trained."""
        return self._project is not None and not self._project.read_only

    def set_project(self, project: Project | None) -> None:
        """Take up the queue of another project, or none, and a training of it that was left going.

        The training of the former one, which is still open, is stopped.
        """
        if self._project is not None and self._project is not project:
            self._live.stop_and_wait()
        self._project = project
        self.queue.set_project(project if self.writable else None)
        if (going := self.queue.find_running()) is not None:
            self._live.attach(going)
            self.begun.emit(True)
            self._session.message.emit(f"Training {self._live.run} was left going, and is shown again")
        self.changed.emit()
        if project is None:
            self._page_in_front = False  # the window shows its welcome, and later the first page
            self._live.warm.dismiss_child()
        else:
            self._begin_next()
            self._keep_warm()

    def set_in_front(self, on: bool) -> None:
        """Whether the page is in use: then a process is kept ready."""
        self._page_in_front = on
        if on:
            self._keep_warm()
            self.queue.refresh_queue()
        else:
            self._live.warm.release_later()

    def take_in_added(self) -> None:
        """Another program has let runs wait: begin the first, unless the queue is held."""
        self.queue.take_in_added()
        self.runs_changed.emit()
        self._begin_next()

    # -- what the user does ------------------------------------------------------------------------------------

    def begin_training(self) -> None:
        """Train with the recipe and the data as they are now."""
        if (project := self._project) is not None and self.writable:
            self._begin_or_queue(lambda: self._prepare_run(project))

    def resume_run(self, run: str) -> None:
        """Go on with a run that was paused, stopped or interrupted."""
        if (project := self._project) is not None and self.writable and run:
            self._begin_or_queue(lambda: run_to_resume(project.runs.folder, run))

    def pause_training(self) -> None:
        """Pause the training that runs: it saves and frees the device. The queue waits as well."""
        self.queue.hold_runs(True)
        self._live.pause()
        self.changed.emit()

    def stop_training(self) -> None:
        """Stop the training that runs; what was learnt is kept."""
        self._live.stop()
        self.changed.emit()

    def hold_queue(self, held: bool) -> None:
        """Begin none of the runs that wait, or let them go on."""
        self.queue.hold_runs(held)
        self._begin_next(asked=True)

    def end_training(self, how: Literal["stop", "leave"], window: QWidget) -> None:
        """Stop the training that runs, or let it go on without `window`, which closes."""
        if not self._live.running:
            return
        if how == "leave":
            self.queue.hand_over()
            self._live.leave()
            return
        self.queue.hold_runs(True)  # the next run must not begin in a window that closes
        self.stop_training()
        wait_for_stop(self._live, window)

    # -- what follows ------------------------------------------------------------------------------------------

    def _prepare_run(self, project: Project) -> JobFolder:
        """The folder of a new run, with its recipe and snapshot. Raises InputError where something is missing."""
        recipe = self._draft.require_recipe()
        self._session.require_written()
        return prepare_run(project, recipe, self._session.apply)

    def _begin_or_queue(self, prepare: Callable[[], JobFolder]) -> None:
        """Begin the run that `prepare` gives, or let it wait; the reason is told where that cannot be."""
        try:
            folder = prepare()
            self.error_changed.emit("")
            if self.busy or not self.queue.claim(folder):
                self.queue.add_run(folder)
                self.runs_changed.emit()
                before = self._live.run or self.queue.name_running() or "the study"
                self._session.message.emit(f"{folder.path.name} waits for {before} to end")
                return
        except InputError as error:
            self.error_changed.emit(str(error))
            return
        except OSError as error:
            self.error_changed.emit(f"{error.filename or 'disk'}: {error.strerror}. Free some space and try again.")
            return
        self._begin(folder, asked=True)

    def _begin(self, folder: JobFolder, *, asked: bool) -> None:
        self._live.start(folder)
        self.queue.refresh_queue()
        self.begun.emit(asked)
        self.changed.emit()
        self._session.message.emit(f"Training {self._live.run} started")

    def _begin_next(self, *, asked: bool = False) -> None:
        """Begin the run whose turn it is, if any. While another program trains, it is asked again and again."""
        if self.writable and not self.busy and (folder := self.queue.claim_next()) is not None:
            self._begin(folder, asked=asked)
        if self.writable and not self.busy and self.queue.waiting and not self.queue.held:
            self._again.start()

    def _follow_end(self, run: str, state: str) -> None:
        self._session.message.emit(f"Training {run} {state}")
        self._begin_next()
        self.changed.emit()
        self.runs_changed.emit()
        self._keep_warm()

    def _follow_trials(self) -> None:
        self._begin_next()
        self.changed.emit()
        self._keep_warm()

    def _keep_warm(self) -> None:
        if self._page_in_front and self.writable and not self.busy:
            self._live.warm.keep_child()
