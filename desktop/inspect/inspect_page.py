"""Look hard at what a checkpoint gets wrong: its detections beside the truth, image by image, worst first."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QColor
from PySide6.QtWidgets import (
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from core.changes import Changes
from core.errors import InputError
from core.inspection import prediction_cache
from core.inspection.error_counts import ErrorCounts, count_errors, find_best_threshold, sum_counts
from core.inspection.load_inspection import Inspection, InspectionRequest, load_inspection
from core.inspection.marks import Mark, list_marks
from core.inspection.matched_images import MatchedImages
from core.project.records import CheckpointRecord
from core.project.snapshot import take_snapshot
from desktop.base import theme
from desktop.base.actions import INSPECT, build_actions
from desktop.base.session import Session
from desktop.inspect.inspect_bar import SPLITS, InspectBar
from desktop.inspect.inspect_column import InspectColumn
from desktop.inspect.inspect_images import InspectImages
from desktop.inspect.inspect_job import PredictionRequest, PredictJob
from desktop.inspect.inspect_notes import list_notes
from desktop.inspect.inspect_stage import InspectStage
from desktop.inspect.inspect_view import Names
from desktop.kit.parts import words
from desktop.services import Services
from desktop.viewer.pictures import PictureLoader

LOAD = "inspect load"
HINT = (
    "{next} / {previous}: next and previous image    {truth}: truth    {lower} {higher}: threshold    "
    "{side_by_side}: side by side    {correct}: correct the labels"
)


class InspectPage(QWidget):
    """List of images on the left, the image in the middle, numbers on the right."""

    title = "Inspect"

    def __init__(self, session: Session, services: Services) -> None:
        super().__init__()
        self.setObjectName("page")
        self._session = session
        self._tasks = services.tasks
        self._loaded: Inspection | None = None
        self._tally: ErrorCounts | None = None
        self._names = Names((), ())
        self._label: int | None = None
        self._position: int | None = None  # of the image on the stage, in the data
        self._judged = ""  # the checkpoint whose best threshold was taken
        self._sized = False
        self._dirty = True
        self._wanted_checkpoint: str | None = None
        self._keymap = services.keymap
        self._pictures = PictureLoader(services.tasks, self)
        # One image at a time is looked at here: most of the memory is the Label page's.
        self._pictures.follow(session, services.settings, share=0.25)
        self._job = PredictJob(services.tasks, services.launcher, self)
        self._images = InspectImages(services.thumbnails)
        self._bar = InspectBar()
        self._stage = InspectStage()
        self._side = InspectColumn()
        self._lay_out()
        self._actions = self._make_actions()
        self._connect()
        self._set_project()

    # -- for the main window

    def activated(self) -> None:
        """The page came to the front: what was changed meanwhile is read now."""
        if self._dirty:
            self._fill_checkpoints()
        if not self._sized:
            # Once, when the room is known: on a large screen names and numbers need not be cramped.
            extra = min(max(0, self.width() - 1300) // 8, 110)
            left, right = 300 + extra, 324 + extra // 2
            self._splitter.setSizes([left, self.width() - left - right, right])
            self._sized = True
        self._images.table.setFocus()
        names = ("next", "previous", "truth", "lower", "higher", "side_by_side", "correct")
        self._session.hint.emit(self._keymap.named(HINT, **{name: f"inspect.{name}" for name in names}))

    def deactivated(self) -> None:
        """A prediction goes on in the background."""

    def may_close(self) -> bool:
        """Always: a prediction that runs is ended, and can be made again."""
        self._job.stop_and_wait()
        return True

    def actions(self) -> list[QAction]:
        return list(self._actions)

    def show_checkpoint(self, checkpoint_id: str) -> None:
        """Choose a checkpoint to look at."""
        self._wanted_checkpoint = checkpoint_id
        self._fill_checkpoints()

    # -- building

    def _lay_out(self) -> None:
        self._empty = words(role="muted", wrap=True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        splitter = self._splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.setChildrenCollapsible(False)
        for widget in (self._images, self._stage, self._side):
            splitter.addWidget(widget)
        splitter.setStretchFactor(1, 1)
        self._stack = QStackedWidget()
        self._stack.addWidget(splitter)
        self._stack.addWidget(self._empty)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._bar)
        layout.addWidget(self._stack, 1)

    def _make_actions(self) -> list[QAction]:
        stage = self._stage
        handlers = {
            "next": lambda: self._images.step(1),
            "previous": lambda: self._images.step(-1),
            "truth": lambda: stage.toggle("truth"),
            "lower": lambda: stage.step_threshold(-1),
            "higher": lambda: stage.step_threshold(1),
            "side_by_side": stage.side_by_side.toggle,
            "fit": stage.fit,
            "correct": self._open_on_label_page,
            "nothing": lambda: stage.select(None),
        }
        # Only on this page: the others have the same keys for the same things.
        return list(build_actions(self, INSPECT, handlers, Qt.ShortcutContext.WidgetWithChildrenShortcut).values())

    def _connect(self) -> None:
        self._session.project_changed.connect(self._set_project)
        self._session.changed.connect(self._changed)
        self._session.inspect_requested.connect(self.show_checkpoint)
        self._bar.chosen.connect(self._load)
        self._bar.predict.connect(self._predict)
        self._bar.cancel.connect(self._cancel)
        self._job.progress.connect(self._show_progress)
        self._job.ended.connect(self._job_ended)
        self._images.chosen.connect(self._image_chosen)
        self._pictures.outdated.connect(self._read_again)
        self._pictures.ready.connect(self._show_picture)
        self._pictures.failed.connect(self._show_picture)
        self._stage.threshold_changed.connect(self._count_errors)
        self._stage.iou_changed.connect(self._load)
        self._stage.best_threshold_wanted.connect(self._take_best_threshold)
        self._stage.open_wanted.connect(self._open_on_label_page)
        self._stage.pointed.connect(self._show_mark)
        self._side.labels.label_chosen.connect(self._choose_label)
        theme.notifier.theme_changed.connect(self._count_errors)

    # -- what there is to see

    def _set_project(self) -> None:
        self._job.stop_and_wait()
        self._bar.set_progress(None)
        self._tasks.cancel(LOAD)
        self._pictures.forget()
        self._judged = ""
        self._wanted_checkpoint = None
        self._fill_checkpoints()

    def _changed(self, changes: Changes, _initiator: object) -> None:
        if not (changes.boxes or changes.status or changes.labels or changes.image_list or changes.runs):
            return
        self._dirty = True
        if self.isVisible():
            self._fill_checkpoints()

    def _fill_checkpoints(self) -> None:
        project = self._session.project
        self._bar.set_checkpoints(project.checkpoints() if project is not None else [], self._wanted_checkpoint)
        self._wanted_checkpoint = None
        self._load()

    def _checkpoint(self) -> CheckpointRecord | None:
        project, wanted = self._session.project, self._bar.checkpoint_id
        records = project.checkpoints() if project is not None else []
        return next((record for record in records if record.id == wanted), None)

    def _load(self) -> None:
        """Read what is known of the choice, in a thread."""
        project, record = self._session.project, self._checkpoint()
        self._bar.setVisible(record is not None)
        if project is None or record is None:
            self._dirty = False
            self._show(None)
            self._say(
                "Open a project to inspect its models."
                if project is None
                else "No checkpoints yet.\n\nTrain a model on the Train page, and see here what it gets wrong."
            )
            return
        request = InspectionRequest(record, self._bar.split, self._stage.iou)
        self._dirty = False
        self._tasks.run(LOAD, lambda: load_inspection(project, request), self._take, self._load_failed)

    def _load_failed(self, error: Exception) -> None:
        if not isinstance(error, InputError):
            raise error
        self._show(None)
        self._bar.set_predictable(False, wanted=True, why=str(error))
        self._say(str(error))

    def _take(self, loaded: Inspection) -> None:
        self._show(loaded)
        project = self._session.project
        writable = project is not None and not project.read_only
        name = SPLITS[loaded.request.split].lower()
        wanted = loaded.images is None or loaded.unpredicted > 0
        self._bar.set_notes(list_notes(loaded))
        why = f"Run {loaded.request.checkpoint.id} on {loaded.usable:,} images in the background"
        if not writable:
            why = "The project is open read-only"
        self._bar.set_predictable(writable and loaded.usable > 0, wanted=wanted, why=why)
        if loaded.usable == 0:
            self._say(f"No labelled or clean image is in: {name}.\n\nAssign splits, or choose other images above.")
        elif loaded.images is None and not self._job.running:
            self._say(
                f"{loaded.request.checkpoint.id} has not looked at these {loaded.usable:,} images yet ({name}).\n\n"
                "Press Predict above. Going on working meanwhile is fine."
            )

    def _say(self, text: str) -> None:
        self._empty.setText(text)
        self._stack.setCurrentIndex(1)
        if self._loaded is None:
            self._bar.set_notes([])

    def _show(self, loaded: Inspection | None) -> None:
        """Show other data, on the image that was shown before where it is among them."""
        before = self._image_id()
        self._loaded = loaded if loaded is not None and loaded.images is not None else None
        self._position = None
        data = self._data()
        self._images.set_images(data.image_ids if data else (), loaded.paths if loaded and data else ())
        if data is None or loaded is None:
            self._tally = None
            self._stage.set_image(None)
            return
        self._stack.setCurrentIndex(0)
        self._stage.set_is_detector(data.is_detector)
        self._side.set_is_detector(data.is_detector)
        self._set_names(data)
        if self._judged != loaded.request.checkpoint.id:
            self._judged = loaded.request.checkpoint.id
            self._take_best_threshold()
        self._count_errors()
        self._go_to(before)

    def _iou(self) -> float | None:
        """The overlap by which boxes are judged; None where labels of images are."""
        assert self._loaded is not None and self._loaded.images is not None
        return self._loaded.images.iou if self._loaded.images.is_detector else None

    def _set_names(self, data: MatchedImages) -> None:
        project = self._session.project
        assert project is not None
        colors = {label.name: QColor(label.color) for label in project.labels()}
        names = Names(data.label_names, tuple(colors.get(name, theme.theme().muted) for name in data.label_names))
        if names.names != self._names.names:
            self._label = None
        self._names = names
        self._side.labels.set_labels(names)
        self._choose_label(self._label)

    def _data(self) -> MatchedImages | None:
        return self._loaded.images if self._loaded is not None else None

    def _image_id(self) -> int | None:
        data = self._data()
        return data.image_ids[self._position] if data is not None and self._position is not None else None

    # -- counting

    def _take_best_threshold(self) -> None:
        if (data := self._data()) is not None:
            self._stage.set_threshold(find_best_threshold(data))

    def _count_errors(self) -> None:
        """Bring everything to the threshold. Called at every step of the slider."""
        data = self._data()
        if data is None:
            return
        counts = self._tally = count_errors(data, self._stage.threshold)
        columns = slice(None) if self._label is None else slice(self._label, self._label + 1)
        tp, fp, fn = (part[:, columns].sum(axis=1) for part in (counts.tp, counts.fp, counts.fn))
        keep = None if self._label is None else tp + fp + fn > 0
        self._images.set_counts(tp, fp, fn, keep)
        average = data.mean_ap if self._label is None else data.label_ap[self._label]
        self._side.strip.set_score(sum_counts(counts, self._label), average, self._iou())
        scores = [sum_counts(counts, label) for label in range(len(data.label_names))]
        self._side.labels.set_scores(scores, data.label_ap)
        self._draw_marks()

    def _choose_label(self, label: int | None) -> None:
        self._label = label
        self._side.set_chosen(label)
        self._stage.set_label(label)
        if self._tally is not None:
            self._count_errors()

    # -- the image on the stage

    def _go_to(self, image_id: int | None) -> None:
        if self._images.shown == 0:
            self._stage.set_image(None, "No image has errors here.")
        self._images.choose(image_id)

    def _image_chosen(self, position: int) -> None:
        if self._loaded is None:
            return
        self._position = position
        self._stage.set_image(None)
        self._show_picture()
        following = self._images.next_position()
        # The next image of the list is decoded ahead, so that D shows it at once.
        self._pictures.want(self._loaded.paths[position], [] if following is None else [self._loaded.paths[following]])

    def _read_again(self) -> None:
        if self._position is not None:
            self._image_chosen(self._position)

    def _show_picture(self) -> None:
        if self._loaded is None or self._position is None or self._stage.left.has_image:
            return
        path = self._loaded.paths[self._position]
        picture = self._pictures.get(path)
        self._stage.set_image(picture, self._pictures.problem(path) or "")
        if picture is not None:
            self._draw_marks()

    def _draw_marks(self) -> None:
        data = self._data()
        if data is None or self._position is None or not self._stage.left.has_image:
            return
        self._stage.set_marks(list_marks(data, self._position, self._stage.threshold), self._names)

    def _show_mark(self, mark: Mark | None) -> None:
        self._side.panel.set_mark(self._data(), self._position or 0, mark, self._names, self._stage.threshold)

    def _open_on_label_page(self) -> None:
        if (image_id := self._image_id()) is not None:
            self._session.select_image(image_id)
            self._session.page_requested.emit("Label")

    # -- predicting

    def _predict(self) -> None:
        project, record = self._session.project, self._checkpoint()
        if project is None or record is None:
            return
        split, root = self._bar.split, prediction_cache.prediction_root(project)
        snapshot = take_snapshot(project)
        try:
            folder = prediction_cache.find_job_folder(root, record.id, record.path, split, snapshot.hash)
            prediction_cache.discard_stale_predictions(root, record.id, record.path)
        except InputError as error:
            self._say(str(error))
            return
        self._bar.set_progress((0, 0), "Loading the model…")
        self._bar.set_notes([])
        if self._data() is None:
            self._say(f"{record.id} is looking at the images.\n\nGoing on working meanwhile is fine.")
        self._job.start(PredictionRequest(record.path, split, folder), snapshot)

    def _cancel(self) -> None:
        self._bar.cancel_button.setEnabled(False)
        self._bar.status.setText("Stopping…")
        self._job.stop()

    def _show_progress(self, done: int, total: int) -> None:
        self._bar.set_progress((done, total), f"{done:,} of {total:,} images")

    def _job_ended(self, state: str, reason: str) -> None:
        self._bar.set_progress(None)
        if state == "finished":
            self._session.message.emit("Prediction finished")
            self._load()
        elif state == "stopped":
            self._bar.status.setText("Cancelled")
            self._load()
        else:
            self._bar.status.setText("The prediction failed")
            if self._data() is None:
                self._say("There is nothing to see yet.")
            self._bar.set_notes([f"The prediction failed. {reason}"])
