"""What the Train page tries beside trainings: learning rates, and strategies against each other."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from core.changes import Changes
from core.errors import InputError
from core.jobs.events import Event, StudyRunEnded, StudyRunStarted, StudyStarted
from core.jobs.folder import JobFolder
from core.operations.run_study import create_study, studies_folder
from core.operations.start_run import prepare_range_test
from core.project.project import Project
from core.study.study import study_folders
from desktop.base.job_runner import JobRunner
from desktop.base.session import Session
from desktop.kit.progress_dialog import result_behind_dialog
from desktop.services import Services
from desktop.train.recipe.recipe_draft import RecipeDraft
from desktop.train.run.live_training import LiveTraining
from desktop.train.trials.lr_finder_dialog import RangeTestDialog
from desktop.train.trials.speed_trials import SpeedTrials
from desktop.train.trials.study_dialog import StudyDialog
from desktop.train.trials.study_request import StudyRequest

BUSY = "A training runs, and both would share the device. Wait for it, or pause it, and try again."


class Trials(QObject):
    """Opens the dialogs, and keeps their jobs apart from the training that runs."""

    changed = Signal()  # whether one runs
    runs_changed = Signal()  # a study has made, begun or ended a run
    run_requested = Signal(str)
    error_changed = Signal(str)  # why what was asked for cannot begin; empty once something has

    def __init__(
        self,
        session: Session,
        services: Services,
        live: LiveTraining,
        draft: RecipeDraft,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session, self._tasks, self._live = session, services.tasks, live
        self._draft, self._window = draft, window
        self.dialog: StudyDialog | None = None
        self._rate_job = JobRunner(services.launcher, self)
        self.study_job = JobRunner(services.launcher, self)
        for job in (self._rate_job, self.study_job):
            job.ended.connect(self._ended)
        self.study_job.progressed.connect(self._study_goes_on)
        self.speed = SpeedTrials(session, services, live, draft, window)
        self.speed.find_busy = self._find_busy
        self.speed.changed.connect(self.changed)
        self.speed.error_changed.connect(self.error_changed)

    @property
    def running(self) -> bool:
        return self._rate_job.running or self.study_job.running or self.speed.running

    @property
    def study(self) -> str:
        """The id of the study that runs; empty without one."""
        return self.study_job.folder.path.name if self.study_job.folder is not None else ""

    def set_project(self, project: Project | None) -> None:
        """Another project, or none: what runs for the former one is ended; a study that was left going is taken up."""
        if self.dialog is not None:
            self.dialog.close()
        self.stop_and_wait()
        if project is None or project.read_only:
            return
        for folder in study_folders(studies_folder(project.folder)):
            job = JobFolder(folder)
            if job.owner_here() is not None and job.state() == "running":
                self.study_job.attach(job)
                self._session.message.emit(f"Study {folder.name} was left going, and goes on")
                return

    def find_rate(self) -> None:
        """Find a learning rate for the recipe by trying, and put it into the recipe if the user takes it."""
        project = self._writable()
        if project is None:
            return
        if busy := self._find_busy():
            self.error_changed.emit(busy)
            return
        try:
            recipe = self._draft.require_recipe()
            self._session.require_written()
            folder = prepare_range_test(project, recipe, self._session.apply)
        except InputError as error:
            self.error_changed.emit(str(error))
            return
        self.error_changed.emit("")
        dialog = RangeTestDialog(folder, recipe, self._rate_job, self._window, self._live.warm.take_child())
        self.changed.emit()
        if dialog.exec():
            self._draft.model.set_rate(dialog.rate())
        dialog.deleteLater()
        self.changed.emit()

    def open_study(self) -> None:
        """Show the studies of the project, the one that runs first, or the way to a new one."""
        project = self._writable()
        if project is None:
            return
        if self.dialog is not None:
            self.dialog.raise_()
            self.dialog.activateWindow()
            return
        try:
            base = self._draft.require_recipe()
        except InputError as error:
            self.error_changed.emit(str(error))
            return
        dialog = self.dialog = StudyDialog(
            studies_folder(project.folder),
            project.runs.folder,
            base,
            self._make_study,
            self.study_job,
            self._tasks,
            self._window,
        )
        dialog.run_requested.connect(self.run_requested)
        dialog.finished.connect(self._forget_dialog)
        dialog.show()

    def leave(self) -> None:
        """Let the study go on when the program ends."""
        self.study_job.leave()

    def stop_and_wait(self) -> None:
        """End what runs; returns when no process is left. A study can be gone on with."""
        self._rate_job.stop_and_wait()
        self.study_job.stop_and_wait()
        self.speed.stop_and_wait()

    def _find_busy(self) -> str:
        """Why nothing can be tried now; empty if it can."""
        if self._live.running:
            return BUSY
        if self.study_job.running:
            return BUSY.replace("training", "study")
        return BUSY.replace("training", "trial") if self.running else ""

    def _make_study(self, request: StudyRequest) -> JobFolder:
        """Raises InputError where the study cannot be begun."""
        project = self._writable()
        assert project is not None
        self._session.require_written()
        changes: list[Changes] = []
        recipe, arms, seeds = request.recipe, request.list_arms(), request.seed_numbers()
        try:
            # A run for each strategy and seed, each with its own copy of the annotations: seconds on a large project.
            folder = result_behind_dialog(
                self.dialog,
                self._tasks,
                "Making the runs of the study",
                lambda: create_study(project, recipe, arms, seeds, lambda edit: changes.append(project.apply(edit))),
            )
        finally:
            for change in changes:  # images were divided, which views must hear of, in the window's own thread
                self._session.notify(change, None)
        self.runs_changed.emit()
        return folder

    def _study_goes_on(self, events: list[Event]) -> None:
        if any(isinstance(event, StudyStarted) for event in events):
            self.changed.emit()
        if any(isinstance(event, StudyRunStarted | StudyRunEnded) for event in events):
            self.runs_changed.emit()

    def _ended(self, _name: str, _state: str) -> None:
        self.changed.emit()
        self.runs_changed.emit()

    def _forget_dialog(self) -> None:
        if self.dialog is not None:
            self.dialog.deleteLater()
            self.dialog = None

    def _writable(self) -> Project | None:
        project = self._session.project
        return None if project is None or project.read_only else project
