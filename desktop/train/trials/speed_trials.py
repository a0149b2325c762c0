"""Trials of some seconds: how fast the recipe learns here, and what recipe the user's time asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from core.errors import InputError
from core.jobs.events import Event, JobProgress, RunFailed, SpeedMeasured
from core.jobs.folder import JobFolder
from core.operations.propose import ProposalRequest, forget_trial, prepare_trial, request_proposal
from core.project.project import Project
from core.project.snapshot import take_snapshot
from core.recipe.recipe import Recipe
from core.training.data.speed import SPEEDS_FILE, save_speed, speed_key
from desktop.base.job_runner import JobRunner
from desktop.base.session import Session
from desktop.services import Services
from desktop.train.recipe.recipe_draft import RecipeDraft
from desktop.train.run.live_training import LiveTraining
from desktop.train.trials.propose_dialog import ProposalSource, ProposeDialog

USUAL_MINUTES = 30.0  # that are offered where the recipe has no time limit


class SpeedTrials(QObject):
    """Opens the dialog of proposals, and measures the recipe that is in the form."""

    changed = Signal()  # whether one runs
    error_changed = Signal(str)  # why what was asked for cannot be; empty once something has begun
    progressed = Signal(str)  # how the measuring goes, in words; empty when it has ended
    measured = Signal()  # the time and memory of the recipe are known now

    def __init__(
        self, session: Session, services: Services, live: LiveTraining, draft: RecipeDraft, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session, self._tasks, self._live = session, services.tasks, live
        self._draft, self._window = draft, window
        self.find_busy: Callable[[], str] = str  # why no trial can run now; empty if one can
        self.proposal_job = JobRunner(services.launcher, self)
        self.speed_job = JobRunner(services.launcher, self)
        self.dialog: ProposeDialog | None = None
        self._recipe: Recipe | None = None  # that is being measured
        self._project: Project | None = None
        self._found: SpeedMeasured | None = None
        self._folder: JobFolder | None = None
        self.speed_job.progressed.connect(self._take_in)
        self.speed_job.ended.connect(self._end)

    @property
    def running(self) -> bool:
        return self.proposal_job.running or self.speed_job.running

    def stop_and_wait(self) -> None:
        """End what runs; returns when no process is left."""
        if self.dialog is not None:
            self.dialog.reject()
        self.proposal_job.stop_and_wait()
        self.speed_job.stop_and_wait()
        self._forget_trial()

    def propose_recipe(self) -> None:
        """Ask for minutes, and take over the recipe that is proposed for them if the user accepts it."""
        project = self._may_begin()
        if project is None:
            return
        before = self._draft.model.settle_recipe()
        source = ProposalSource(
            lambda minutes: request_proposal(project, minutes, before),
            lambda request: _make_trial(project, request),
            self._live.warm.take_child,
        )
        minutes = before.limits.time_minutes or USUAL_MINUTES
        self.dialog = ProposeDialog(source, self.proposal_job, self._tasks, minutes, self._window)
        self.changed.emit()
        accepted, dialog, self.dialog = self.dialog.exec(), self.dialog, None
        if accepted and dialog.proposal is not None:
            self._draft.model.replace_recipe(dialog.proposal.recipe)
        dialog.deleteLater()
        self.changed.emit()
        self.measured.emit()

    def measure_speed(self) -> None:
        """Measure how long the recipe in the form takes, and how much memory."""
        project = self._may_begin()
        if project is None:
            return
        try:
            self._recipe = self._draft.require_recipe()
            self._folder = prepare_trial(project, self._recipe, take_snapshot(project))
        except InputError as error:
            self.error_changed.emit(str(error))
            return
        self._project, self._found = project, None
        self.progressed.emit("Measuring: the model is loaded…")
        self.speed_job.start(self._folder, self._live.warm.take_child())
        self.changed.emit()

    def _may_begin(self) -> Project | None:
        """The project, if a trial can begin; error_changed says why not."""
        project = self._session.project
        if project is None or project.read_only:
            return None
        busy = self.find_busy()
        self.error_changed.emit(busy)
        return None if busy else project

    def _take_in(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, JobProgress):
                self.progressed.emit(f"Measuring: step {event.done} of {event.total}…")
            elif isinstance(event, SpeedMeasured):
                self._found = event
            elif isinstance(event, RunFailed):
                self.error_changed.emit(f"{event.reason} {event.advice}".strip())

    def _end(self, _name: str, _state: str) -> None:
        if self._found is not None and self._recipe is not None and self._project is not None:
            save_speed(self._project.folder / "cache" / SPEEDS_FILE, speed_key(self._recipe), asdict(self._found))
        self._forget_trial()
        self.progressed.emit("")
        self.changed.emit()
        self.measured.emit()

    def _forget_trial(self) -> None:
        if self._folder is not None:
            forget_trial(self._folder)
            self._folder = None


def _make_trial(project: Project, request: ProposalRequest) -> JobFolder:
    return prepare_trial(project, request.recipe, request.snapshot)
