"""The prediction that runs for the Inspect page, in a process of its own."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QCoreApplication, QObject, Signal

from core.errors import InputError
from core.inspection.prediction_job import prepare_prediction
from core.jobs.events import Event, JobProgress, RunFailed
from core.jobs.folder import JobFolder
from core.jobs.launcher import JobLauncher
from core.project.project import Project
from core.project.records import CheckpointRecord
from desktop.base.background import Tasks
from desktop.base.job_runner import JobRunner
from desktop.base.warm_child import WarmKeeper

PREPARE = "inspect prepare prediction"
NO_REASON = "The prediction ended without a word; its log is in the cache folder."

Outcome = Literal["", "stopped", "failed"]


class Prediction(QObject):
    """Predicts the images of one split at a time: makes the job's folder in a thread, then runs the job."""

    progressed = Signal(
        int, int, float
    )  # images done, of how many, how many a second; 0 of 0 while the model is loaded
    ended = Signal(str, str)  # core.jobs.folder.State, and the reason where it failed

    def __init__(self, tasks: Tasks, launcher: JobLauncher, warm: WarmKeeper, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks, self._warm = tasks, warm
        self._runner = JobRunner(launcher, self)
        self.images_per_second = 0.0  # of the prediction that runs or ran last, from when the model was loaded
        self._target: tuple[str, str] | None = None
        self.outcome: Outcome = ""  # of the last prediction, where it did not finish
        self.failure = ""  # its reason
        self._runner.progressed.connect(self._take_events)
        self._runner.ended.connect(lambda _folder, state: self._end(state))
        application = QCoreApplication.instance()
        assert application is not None
        # A thread must not outlive the program.
        application.aboutToQuit.connect(self.stop_and_wait)

    @property
    def target(self) -> tuple[str, str] | None:
        """Checkpoint id and split of what is being predicted; None where nothing is."""
        return self._target

    @property
    def job_folder(self) -> JobFolder | None:
        """Of the process that predicts, once it is started."""
        return self._runner.folder

    def start(self, project: Project, checkpoint: CheckpointRecord, split: str) -> None:
        """Predict the images of a split; a prediction that runs is ended before."""
        self.stop_and_wait()
        self.forget_outcome()
        self._target = (checkpoint.id, split)
        self.images_per_second = 0.0
        self.progressed.emit(0, 0, 0.0)
        self._tasks.run(
            PREPARE, lambda: prepare_prediction(project, checkpoint, split), self._start_job, self._fail_preparing
        )

    def cancel(self) -> None:
        """Ask the prediction to end; `ended` says when it has."""
        if self._runner.running:
            self._runner.stop()
        elif self._target is not None:
            self._tasks.cancel(PREPARE)
            self._end("stopped")

    def stop_and_wait(self) -> None:
        """End the prediction now, without a signal; returns when no process is left."""
        self._tasks.cancel(PREPARE)
        self._runner.stop_and_wait()
        self._target = None

    def forget_outcome(self) -> None:
        """Say no more how the last prediction ended."""
        if self._target is None:
            self.outcome, self.failure = "", ""

    def _start_job(self, folder: JobFolder) -> None:
        self._runner.start_kept(folder, self._warm)

    def _fail_preparing(self, error: Exception) -> None:
        if not isinstance(error, InputError):
            raise error
        self.failure = str(error)
        self._end("failed")

    def _take_events(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, JobProgress):
                self.images_per_second = event.per_second
                self.progressed.emit(event.done, event.total, event.per_second)
            elif isinstance(event, RunFailed):
                self.failure = " ".join(filter(None, (event.reason, event.advice)))

    def _end(self, state: str) -> None:
        self._target = None
        if state == "interrupted":
            self.failure = self.failure or NO_REASON
        if state != "finished":
            self.outcome = "stopped" if state == "stopped" else "failed"
        self.ended.emit(state, self.failure)
