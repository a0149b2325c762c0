"""What the Inspect page looks at: the choice, what is known of it, and the prediction that adds to it."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from core.changes import Changes
from core.errors import InputError, StorageError
from core.inspection.kept_evaluations import keep_inspection
from core.inspection.load_inspection import Inspection, InspectionRequest, find_replaced, load_inspection
from core.project.records import CheckpointRecord
from core.types import Split
from desktop.base.session import Session
from desktop.inspect.prediction import Prediction
from desktop.kit import formatting
from desktop.services import Services

LOAD = "inspect load"
LOOK = "inspect look at files"
KEEP = "inspect keep evaluation"


class InspectSession(QObject):
    """Loads what is known of a checkpoint on the images of a split, and lets them be predicted.

    It reads the project's checkpoints again after a change only while the page is in front (`activate`).
    """

    checkpoints_changed = Signal()  # other checkpoints are there to choose from, or another is chosen
    loaded = Signal()  # another `inspection`, or none
    state_changed = Signal()  # what can be said or done is different: loaded, predicting or ended

    def __init__(self, session: Session, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._tasks, self._warm = session, services.tasks, services.warm
        self.prediction = Prediction(services.tasks, services.launcher, services.warm, self)
        self._active = False
        self._outdated = True
        self._loading = False
        self._checkpoint_id: str | None = None
        self._split = Split.VAL.value
        self._iou = 0.5
        self.checkpoints: list[CheckpointRecord] = []  # the newest first
        self.inspection: Inspection | None = None
        self.problem = ""  # why nothing could be loaded
        self.prediction.ended.connect(self._end_prediction)
        session.project_changed.connect(self.set_project)
        session.changed.connect(self._take_changes)
        session.inspect_requested.connect(self.show_checkpoint)

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
    def is_loading(self) -> bool:
        """Whether what is chosen is being read, and nothing of it is there yet."""
        return self._loading and self.inspection is None

    @property
    def predicts_choice(self) -> bool:
        """Whether what is being predicted is what is chosen."""
        return self.prediction.target is not None and self.prediction.target == (self._checkpoint_id, self._split)

    def choose_images(self, checkpoint_id: str | None, split: str) -> None:
        """Look at a checkpoint on the images of a split."""
        self._checkpoint_id, self._split = checkpoint_id, split
        self.prediction.forget_outcome()
        self._load_choice()

    def choose_iou(self, iou: float) -> None:
        """Judge by another overlap."""
        self._iou = iou
        self._load_choice()

    def show_checkpoint(self, checkpoint_id: str) -> None:
        """Look at a checkpoint that may be new."""
        self._read_checkpoints(checkpoint_id)

    def activate(self) -> None:
        """The page came to the front: what was changed meanwhile is read now, and a process kept ready to predict."""
        self._active = True
        if self._outdated:
            self._read_checkpoints()
        else:
            self._look_at_files()
        self._keep_warm()

    def deactivate(self) -> None:
        """The page is away; a prediction goes on."""
        self._active = False
        self._warm.release_later()

    def close(self) -> None:
        """End what runs and what waits; returns when no process is left."""
        self.prediction.stop_and_wait()
        self._warm.dismiss_child()

    # -- loading

    def reload(self) -> None:
        """Read again what is known, since files of images changed: at once where the page is in front."""
        self._outdated = True
        if self._active:
            self._load_choice()

    def _look_at_files(self) -> None:
        """Read again if other files than before hold another picture, found in a thread."""
        project, inspection = self._session.project, self.inspection
        if project is None or inspection is None:
            return
        before = frozenset(str(one.path) for one in inspection.replaced)

        def compare(replaced: frozenset[str]) -> None:
            if replaced != before and self.inspection is inspection:
                self.reload()

        self._tasks.run(LOOK, lambda: find_replaced(project, inspection.request.split), compare, self._fail_loading)

    def set_project(self) -> None:
        """Look at the project that is open now, or at none."""
        self.prediction.stop_and_wait()
        self._tasks.cancel(LOAD)
        self._tasks.cancel(LOOK)
        if self._session.project is None:
            self._warm.dismiss_child()
        self._read_checkpoints()

    def _take_changes(self, changes: Changes, initiator: object) -> None:
        if initiator is self or not (
            changes.boxes or changes.status or changes.labels or changes.image_list or changes.runs
        ):
            return
        self._outdated = True
        if self._active:
            self._read_checkpoints()

    def _read_checkpoints(self, wanted: str | None = None) -> None:
        """Read which checkpoints there are; choose `wanted`, or what was chosen, or the newest."""
        project = self._session.project
        records = project.runs.list_checkpoints() if project is not None else []
        self.checkpoints = sorted(records, key=lambda record: (record.created, record.best), reverse=True)
        ids = [record.id for record in self.checkpoints]
        wanted = wanted or self._checkpoint_id
        self._checkpoint_id = wanted if wanted in ids else next(iter(ids), None)
        self.checkpoints_changed.emit()
        self.prediction.forget_outcome()
        self._load_choice()

    def _load_choice(self) -> None:
        """Read what is known of the choice, in a thread."""
        self._outdated = False
        project, checkpoint = self._session.project, self.checkpoint
        if project is None or checkpoint is None:
            self._tasks.cancel(LOAD)
            self._tasks.cancel(LOOK)
            self._set_inspection(None)
            return
        shows = self.inspection.request if self.inspection is not None else None
        if shows is not None and (shows.checkpoint.id, shows.split) != (checkpoint.id, self._split):
            self.inspection, self.problem = None, ""  # figures of one never stand under the name of another
            self.loaded.emit()
        self._loading = True
        self.state_changed.emit()
        request = InspectionRequest(checkpoint, self._split, self._iou)
        shown = self._session.shown  # with the edits that wait for the disk
        self._tasks.run(
            LOAD, lambda: load_inspection(project, request, shown), self._set_inspection, self._fail_loading
        )

    def _set_inspection(self, inspection: Inspection | None) -> None:
        self.inspection, self.problem, self._loading = inspection, "", False
        self.loaded.emit()
        self.state_changed.emit()
        if inspection is not None and self.writable:
            self._tasks.run(KEEP, lambda: keep_inspection(inspection), self._tell_kept, self._fail_keeping)

    def _tell_kept(self, written: bool) -> None:
        if written:
            self._session.notify(Changes(runs=True), self)

    def _fail_keeping(self, error: Exception) -> None:
        if not isinstance(error, InputError):
            raise error
        self._session.message.emit(str(error))

    def _fail_loading(self, error: Exception) -> None:
        if not isinstance(error, InputError):
            raise error
        self.inspection, self.problem, self._loading = None, str(error), False
        self.loaded.emit()
        self.state_changed.emit()

    # -- predicting

    def _is_written(self) -> bool:
        """Whether every edit is on the disk, where a prediction reads the project; the status bar says so where not."""
        try:
            self._session.require_written()
        except StorageError as error:
            self._session.message.emit(str(error))
            return False
        return True

    def predict_images(self) -> None:
        """Predict the images that are chosen."""
        project, checkpoint = self._session.project, self.checkpoint
        if project is not None and checkpoint is not None and self._is_written():
            self.prediction.start(project, checkpoint, self._split)
            self.state_changed.emit()

    def _keep_warm(self) -> None:
        """Have a process ready where a prediction may be asked for; only one that predicts needs none besides."""
        if self._active and self.writable and self.checkpoints and self.prediction.target is None:
            self._warm.keep_child()

    def _end_prediction(self, state: str, _reason: str) -> None:
        if state == "finished":
            speed = self.prediction.images_per_second
            self._session.message.emit(f"Prediction finished{f': {formatting.rate(speed)}' if speed else ''}")
        self._keep_warm()
        self.state_changed.emit()
        if self.prediction.outcome != "failed":
            self._load_choice()
