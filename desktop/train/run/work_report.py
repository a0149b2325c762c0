"""Tells the other pages what the Train page computes: a training, or a study."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from core.jobs.events import Event, StudyEpochDone, StudyRunEnded, StudyRunStarted
from desktop.base.job_runner import JobRunner
from desktop.base.running_work import RunningWork, WorkStatus
from desktop.train.run.live_training import LiveTraining
from desktop.train.run.run_history import RunHistory
from desktop.train.run.run_status import describe_activity

_STATES = {"starting": "loading", "pausing": "pausing", "stopping": "stopping"}


def describe_training(run: str, history: RunHistory, state: str) -> WorkStatus:
    """How far a training is. `state`: as LiveTraining has it."""
    doing = _STATES.get(state, "")
    if not doing:
        activity = history.activity.activity if history.activity is not None else "learning"
        doing = describe_activity(history) if activity == "judging" else activity
    place = f"epoch {history.epoch} of {history.total_epochs}" if history.epoch else ""
    share = history.progress if history.total_epochs else None
    return WorkStatus(run, doing, place, share, history.seconds_left if state == "running" else None)


class StudyProgress:
    """How far a study is, by what its runs say."""

    def __init__(self) -> None:
        self._started: StudyRunStarted | None = None
        self._epoch: StudyEpochDone | None = None
        self._took: list[float] = []  # seconds, of the runs that ended

    def add(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case StudyRunStarted():
                    self._started, self._epoch = event, None
                case StudyEpochDone():
                    self._epoch = event
                case StudyRunEnded():
                    self._took += [event.seconds] if event.seconds is not None else []

    def describe(self, study: str) -> WorkStatus:
        started, epoch = self._started, self._epoch
        if started is None:
            return WorkStatus(f"study {study}", "loading")
        place = f"run {started.number} of {started.of}"
        done, left = 0.0, None
        if epoch is not None:
            place += f" · epoch {epoch.epoch} of {epoch.epochs}"
            done, left = epoch.epoch / max(1, epoch.epochs), epoch.seconds_left
            if later := started.of - started.number:
                left = left + later * sum(self._took) / len(self._took) if self._took else None
        return WorkStatus(f"study {study}", "learning", place, (started.number - 1 + done) / max(1, started.of), left)


class WorkReport(QObject):
    """Follows the training and the study of the Train page."""

    def __init__(
        self, live: LiveTraining, study_job: JobRunner, running: RunningWork, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._live, self._study_job, self._running = live, study_job, running
        self._study = StudyProgress()
        live.progressed.connect(lambda _events: self.tell_training())
        live.ended.connect(lambda run, state: self._tell_end(self.tell_training, f"Training {run}", state))
        study_job.progressed.connect(self._follow_study)
        study_job.ended.connect(lambda study, state: self._tell_end(self.tell_study, f"Study {study}", state))

    def tell_training(self) -> None:
        """Say how far the training is, or that there is none."""
        live = self._live
        self._running.report(
            "training", describe_training(live.run, live.history, live.state) if live.running else None
        )

    def tell_study(self) -> None:
        """Say how far the study is, or that there is none."""
        folder = self._study_job.folder
        if folder is None:
            self._study = StudyProgress()
        self._running.report("study", None if folder is None else self._study.describe(folder.path.name))

    def _follow_study(self, events: list[Event]) -> None:
        self._study.add(events)
        self.tell_study()

    def _tell_end(self, tell: Callable[[], None], name: str, state: str) -> None:
        tell()  # the next of the queue may have begun by now
        self._running.ended.emit(name, state)
