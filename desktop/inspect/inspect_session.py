"""What the Inspect page looks at: the choice, what is known of it, and the prediction that adds to it."""

from __future__ import annotations

from typing import Any, Literal

from PySide6.QtCore import QCoreApplication, QObject, Signal

from core.changes import Changes
from core.errors import InputError
from core.inspection.load_inspection import Inspection, InspectionRequest, load_inspection
from core.inspection.prediction_job import prepare_prediction
from core.jobs.folder import JobFolder
from core.jobs.launcher import JobLauncher
from core.project.records import CheckpointRecord
from core.types import Split
from desktop.base.background import Tasks
from desktop.base.job_runner import JobRunner
from desktop.base.session import Session

LOAD = "inspect load"
PREPARE = "inspect prepare prediction"
NO_REASON = "The prediction ended without a word; its log is in the cache folder."

Outcome = Literal["", "stopped", "failed"]


class InspectSession(QObject):
    """Loads what is known of a checkpoint on the images of a split, and predicts them, at most one split at a time.

    It reads the project's checkpoints again after a change only while the page is in front (`activate`).
    """

    checkpoints_changed = Signal()  # other checkpoints are there to choose from, or another is chosen
    loaded = Signal()  # another `inspection`, or none
    state_changed = Signal()  # what can be said or done is different: loaded, predicting or ended
    progressed = Signal(int, int)  # images predicted, of how many; 0 of 0 while the model is being loaded
    prediction_ended = Signal(str, str)  # core.jobs.folder.State, and the reason where it failed

    def __init__(self, session: Session, tasks: Tasks, launcher: JobLauncher, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._tasks = session, tasks
        self._runner = JobRunner(launcher, self)
        self._active = False
        self._outdated = True
        self._checkpoint_id: str | None = None
        self._split = Split.VAL.value
        self._iou = 0.5
        self._predicted: tuple[str, str] | None = None  # checkpoint and split of the prediction that runs
        self.checkpoints: list[CheckpointRecord] = []  # the newest first
        self.inspection: Inspection | None = None
        self.problem = ""  # why nothing could be loaded
        self.outcome: Outcome = ""  # of the last prediction, where it did not finish
        self.failure = ""  # its reason
        self._runner.progressed.connect(self._take_events)
        self._runner.ended.connect(self._end_job)
        session.project_changed.connect(self.set_project)
        session.changed.connect(self._take_changes)
        session.inspect_requested.connect(self.show_checkpoint)
        application = QCoreApplication.instance()
        assert application is not None
        # A thread must not outlive the program.
        application.aboutToQuit.connect(self.stop_and_wait)

    # -- what is chosen

    @property
    def has_project(self) -> bool:
        return self._session.project is not None

    @property
    def writable(self) -> bool:
        """Whether predictions can be kept."""
        return self._session.project is not None and not self._session.project.read_only

    @property
    def checkpoint(self) -> CheckpointRecord | None:
        return next((record for record in self.checkpoints if record.id == self._checkpoint_id), None)

    @property
    def split(self) -> str:
        return self._split

    def choose_images(self, checkpoint_id: str | None, split: str) -> None:
        """Look at a checkpoint on the images of a split."""
        self._checkpoint_id, self._split = checkpoint_id, split
        self._forget_outcome()
        self._load_choice()

    def choose_iou(self, iou: float) -> None:
        """Judge by another overlap."""
        self._iou = iou
        self._load_choice()

    def show_checkpoint(self, checkpoint_id: str) -> None:
        """Look at a checkpoint that may be new."""
        self._read_checkpoints(checkpoint_id)

    def activate(self) -> None:
        """The page came to the front: what was changed meanwhile is read now."""
        self._active = True
        if self._outdated:
            self._read_checkpoints()

    def deactivate(self) -> None:
        """The page is away; a prediction goes on."""
        self._active = False

    # -- loading

    def set_project(self) -> None:
        """Look at the project that is open now, or at none."""
        self.stop_and_wait()
        self._tasks.cancel(LOAD)
        self._read_checkpoints()

    def _take_changes(self, changes: Changes, _initiator: object) -> None:
        if not (changes.boxes or changes.status or changes.labels or changes.image_list or changes.runs):
            return
        self._outdated = True
        if self._active:
            self._read_checkpoints()

    def _read_checkpoints(self, wanted: str | None = None) -> None:
        """Read which checkpoints there are; choose `wanted`, or what was chosen, or the newest."""
        project = self._session.project
        records = project.checkpoints() if project is not None else []
        self.checkpoints = sorted(records, key=lambda record: (record.created, record.best), reverse=True)
        ids = [record.id for record in self.checkpoints]
        wanted = wanted or self._checkpoint_id
        self._checkpoint_id = wanted if wanted in ids else next(iter(ids), None)
        self.checkpoints_changed.emit()
        self._forget_outcome()
        self._load_choice()

    def _load_choice(self) -> None:
        """Read what is known of the choice, in a thread."""
        self._outdated = False
        project, checkpoint = self._session.project, self.checkpoint
        if project is None or checkpoint is None:
            self._tasks.cancel(LOAD)
            self._set_inspection(None)
            return
        request = InspectionRequest(checkpoint, self._split, self._iou)
        self._tasks.run(LOAD, lambda: load_inspection(project, request), self._set_inspection, self._fail_loading)

    def _set_inspection(self, inspection: Inspection | None) -> None:
        self.inspection, self.problem = inspection, ""
        self.loaded.emit()
        self.state_changed.emit()

    def _fail_loading(self, error: Exception) -> None:
        if not isinstance(error, InputError):
            raise error
        self.inspection, self.problem = None, str(error)
        self.loaded.emit()
        self.state_changed.emit()

    # -- predicting

    @property
    def predicting(self) -> bool:
        return self._predicted is not None

    @property
    def predicts_choice(self) -> bool:
        """Whether what is being predicted is what is chosen."""
        return self._predicted is not None and self._predicted == (self._checkpoint_id, self._split)

    @property
    def job_folder(self) -> JobFolder | None:
        """Of the prediction that runs, once its process is started."""
        return self._runner.folder

    def predict_images(self) -> None:
        """Predict the chosen images in a process of its own; one that runs is stopped before."""
        project, checkpoint, split = self._session.project, self.checkpoint, self._split
        if project is None or checkpoint is None:
            return
        self.stop_and_wait()
        self._forget_outcome()
        self._predicted = (checkpoint.id, split)
        self.state_changed.emit()
        self.progressed.emit(0, 0)
        self._tasks.run(
            PREPARE, lambda: prepare_prediction(project, checkpoint, split), self._runner.start, self._fail_preparing
        )

    def cancel_prediction(self) -> None:
        """Ask the prediction to end; `prediction_ended` says when it has."""
        if self._runner.running:
            self._runner.stop()
        elif self.predicting:
            self._tasks.cancel(PREPARE)
            self._end_prediction("stopped")

    def stop_and_wait(self) -> None:
        """End the prediction now, without a signal; returns when no process is left."""
        self._tasks.cancel(PREPARE)
        self._runner.stop_and_wait()
        self._predicted = None

    def _fail_preparing(self, error: Exception) -> None:
        if not isinstance(error, InputError):
            raise error
        self.failure = str(error)
        self._end_prediction("failed")

    def _take_events(self, events: list[dict[str, Any]]) -> None:
        for event in events:
            if event.get("event") == "progress":
                self.progressed.emit(int(event["done"]), int(event["total"]))
            elif event.get("event") == "failed":
                self.failure = " ".join(filter(None, (str(event.get("reason", "")), str(event.get("advice", "")))))

    def _end_job(self, _folder: str, state: str) -> None:
        self._end_prediction(state)

    def _end_prediction(self, state: str) -> None:
        self._predicted = None
        if state == "interrupted":
            self.failure = self.failure or NO_REASON
        if state == "finished":
            self._session.message.emit("Prediction finished")
        else:
            self.outcome = "stopped" if state == "stopped" else "failed"
        self.state_changed.emit()
        self.prediction_ended.emit(state, self.failure)
        if self.outcome != "failed":
            self._load_choice()

    def _forget_outcome(self) -> None:
        if not self.predicting:
            self.outcome, self.failure = "", ""
