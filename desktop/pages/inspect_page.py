"""Look hard at what a checkpoint gets wrong: its detections beside the truth, image by image, worst first."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QSize, Qt
from PySide6.QtGui import QAction, QColor, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.changes import Changes
from core.errors import InputError
from core.imaging.decode import decode
from core.project.records import CheckpointRecord
from desktop import theme
from desktop.canvas.pyramid import Pyramid, make_pyramid
from desktop.models.inspect_list import ICON, SORTS, InspectList
from desktop.services import Services
from desktop.session import Session
from desktop.widgets import inspect_cache, inspect_data, inspect_load
from desktop.widgets.inspect_bar import InspectBar
from desktop.widgets.inspect_data import InspectData, Mark, Tally
from desktop.widgets.inspect_job import PredictJob, Wanted
from desktop.widgets.inspect_load import SPLITS, Loaded, Request
from desktop.widgets.inspect_panel import LabelTable, MarkPanel, MetricStrip
from desktop.widgets.inspect_stage import InspectStage
from desktop.widgets.inspect_view import Names

LOAD = "inspect load"
PICTURE = "inspect picture"
AHEAD = "inspect next picture"
KEPT = 6  # pictures in memory: going back and forth between neighbours is instant


class InspectPage(QWidget):
    """List of images on the left, the image in the middle, numbers on the right."""

    title = "Inspect"

    def __init__(self, session: Session, services: Services) -> None:
        super().__init__(objectName="page")
        self._session = session
        self._tasks = services.tasks
        self._loaded: Loaded | None = None
        self._tally: Tally | None = None
        self._names = Names((), ())
        self._label: int | None = None
        self._position: int | None = None  # of the image on the stage, in the data
        self._mark: Mark | None = None
        self._judged = ""  # the checkpoint whose best threshold was taken
        self._dirty = True
        self._wanted_checkpoint: str | None = None
        self._pictures: OrderedDict[Path, Pyramid] = OrderedDict()
        self._job = PredictJob(services.tasks, self)
        self._list = InspectList(services.thumbnails, self)
        self._bar = InspectBar()
        self._stage = InspectStage()
        self._strip, self._labels, self._panel = MetricStrip(), LabelTable(), MarkPanel()
        self._lay_out()
        self._actions = self._make_actions()
        self._connect()
        self._project_changed()

    # -- for the main window

    def activated(self) -> None:
        """The page came to the front: what was changed meanwhile is read now."""
        if self._dirty:
            self._fill_checkpoints()

    def deactivated(self) -> None:
        """A prediction goes on in the background."""

    def shut_down(self) -> None:
        """End the prediction that runs, if one does."""
        self._job.stop_and_wait()

    def actions(self) -> list[QAction]:
        return list(self._actions)

    def show_checkpoint(self, checkpoint_id: str) -> None:
        """Choose a checkpoint to look at."""
        self._wanted_checkpoint = checkpoint_id
        self._fill_checkpoints()

    # -- building

    def _lay_out(self) -> None:
        self._empty = QLabel()
        self._empty.setProperty("role", "muted")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.setChildrenCollapsible(False)
        for widget in (self._make_list(), self._stage, self._make_side()):
            splitter.addWidget(widget)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([300, 700, 344])
        self._stack = QStackedWidget()
        self._stack.addWidget(splitter)
        self._stack.addWidget(self._empty)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._bar)
        layout.addWidget(self._stack, 1)

    def _make_list(self) -> QWidget:
        table = QTableView()
        table.setModel(self._list)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setFrameShape(QFrame.Shape.NoFrame)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        table.setIconSize(QSize(ICON, ICON))
        table.setTabKeyNavigation(False)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.verticalHeader().hide()
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.verticalHeader().setDefaultSectionSize(ICON + 6)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column, width in ((1, 58), (2, 50), (3, 50)):
            header.resizeSection(column, width)
        self._table = table
        self._sorts = QComboBox()
        self._sorts.addItems(SORTS)
        self._sorts.setToolTip("The order of the images")
        self._only_errors = QCheckBox("Only with errors")
        self._count = QLabel()
        self._count.setProperty("role", "small")
        bar = QFrame()
        bar.setProperty("role", "bar")
        row = QHBoxLayout(bar)
        row.setContentsMargins(theme.GAP, 4, theme.GAP, 4)
        row.setSpacing(theme.GAP)
        row.addWidget(self._sorts)
        row.addWidget(self._only_errors)
        row.addStretch(1)
        row.addWidget(self._count)
        pane = QFrame()
        pane.setProperty("role", "panel")
        pane.setMinimumWidth(280)
        layout = QVBoxLayout(pane)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(bar)
        layout.addWidget(table, 1)
        return pane

    def _make_side(self) -> QWidget:
        content = QWidget(objectName="scrolled")
        layout = QVBoxLayout(content)
        layout.setContentsMargins(theme.PAD, theme.PAD, theme.PAD, theme.PAD)
        layout.setSpacing(theme.GAP)
        layout.addWidget(self._strip)
        layout.addSpacing(4)
        row = QHBoxLayout()
        row.addWidget(_section("By label"))
        row.addStretch(1)
        self._all_labels = QToolButton()
        self._all_labels.setText("Show all labels")
        self._all_labels.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._all_labels.hide()
        row.addWidget(self._all_labels)
        layout.addLayout(row)
        layout.addWidget(self._labels)
        layout.addSpacing(theme.GAP)
        layout.addWidget(_section("At the box"))
        layout.addWidget(self._panel)
        layout.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        pane = QFrame()
        pane.setProperty("role", "panel")
        pane.setMinimumWidth(330)
        outer = QVBoxLayout(pane)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)
        return pane

    def _make_actions(self) -> list[QAction]:
        stage = self._stage
        actions = []
        for text, keys, call, repeats in (
            ("Next image", ["D", "PgDown"], lambda: self._go(1), True),
            ("Previous image", ["A", "PgUp"], lambda: self._go(-1), True),
            ("Truth", ["T"], lambda: stage.toggle("truth"), False),
            ("Lower threshold", ["["], lambda: stage.step_threshold(-1), True),
            ("Higher threshold", ["]"], lambda: stage.step_threshold(1), True),
            ("Side by side", ["B"], stage.side_by_side.toggle, False),
            ("Fit to the window", ["F", "Ctrl+F"], stage.fit, False),
            ("Correct on the Label page", ["E"], self._open_on_label_page, False),
            ("No selection", ["Esc"], lambda: stage.select(None), False),
        ):
            action = QAction(text, self)
            action.setShortcuts([QKeySequence(key) for key in keys])
            action.setAutoRepeat(repeats)
            # The other pages have the same keys for the same things.
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            action.triggered.connect(call)
            self.addAction(action)
            actions.append(action)
        return actions

    def _connect(self) -> None:
        self._session.project_changed.connect(self._project_changed)
        self._session.changed.connect(self._changed)
        self._session.inspect_requested.connect(self.show_checkpoint)
        self._bar.chosen.connect(self._load)
        self._bar.predict.connect(self._predict)
        self._bar.cancel.connect(self._cancel)
        self._job.progress.connect(self._show_progress)
        self._job.ended.connect(self._job_ended)
        self._table.selectionModel().currentRowChanged.connect(self._row_chosen)
        self._sorts.currentTextChanged.connect(self._set_list_view)
        self._only_errors.toggled.connect(self._set_list_view)
        self._stage.threshold_changed.connect(self._count_errors)
        self._stage.iou_changed.connect(self._load)
        self._stage.best_threshold_wanted.connect(self._take_best_threshold)
        self._stage.open_wanted.connect(self._open_on_label_page)
        self._stage.pointed.connect(self._show_mark)
        self._labels.label_chosen.connect(self._choose_label)
        self._all_labels.clicked.connect(lambda: self._choose_label(None))
        theme.notifier.theme_changed.connect(self._count_errors)

    # -- what there is to see

    def _project_changed(self) -> None:
        self._job.stop_and_wait()
        self._bar.set_progress(None)
        self._tasks.cancel(LOAD)
        self._pictures.clear()
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
                "Open a project to inspect its models." if project is None
                else "No checkpoints yet.\n\nTrain a model on the Train page; then see here what it gets right and wrong."
            )  # fmt: skip
            return
        request = Request(record, self._bar.split, self._stage.iou)
        self._dirty = False
        self._tasks.run(LOAD, lambda: inspect_load.load(project, request), self._take, self._load_failed)

    def _load_failed(self, error: Exception) -> None:
        if not isinstance(error, InputError):
            raise error
        self._show(None)
        self._bar.set_predictable(False, wanted=True, why=str(error))
        self._say(str(error))

    def _take(self, loaded: Loaded) -> None:
        self._show(loaded)
        project = self._session.project
        writable = project is not None and not project.read_only
        name = SPLITS[loaded.request.split].lower()
        wanted = loaded.data is None or loaded.unpredicted > 0
        self._bar.set_notes(inspect_load.notes(loaded))
        why = f"Run {loaded.request.checkpoint.id} on {loaded.usable:,} images in the background"
        if not writable:
            why = "The project is open read-only"
        self._bar.set_predictable(writable and loaded.usable > 0, wanted=wanted, why=why)
        if loaded.usable == 0:
            self._say(f"No labelled or clean image is in: {name}.\n\nAssign splits, or choose other images above.")
        elif loaded.data is None:
            self._say(
                f"{loaded.request.checkpoint.id} has not looked at these {loaded.usable:,} images yet ({name}).\n\n"
                "Press Predict above. Going on working meanwhile is fine."
            )

    def _say(self, text: str) -> None:
        self._empty.setText(text)
        self._stack.setCurrentIndex(1)
        if self._loaded is None:
            self._bar.set_notes([])

    def _show(self, loaded: Loaded | None) -> None:
        """Show other data, on the image that was shown before where it is among them."""
        before = self._image_id()
        self._loaded = loaded if loaded is not None and loaded.data is not None else None
        self._position = None
        data = self._data()
        self._list.set_images(data.image_ids if data else (), loaded.paths if loaded and data else ())
        if data is None or loaded is None:
            self._tally = None
            self._stage.set_image(None)
            return
        self._stack.setCurrentIndex(0)
        self._set_names(data)
        if self._judged != loaded.request.checkpoint.id:
            self._judged = loaded.request.checkpoint.id
            self._take_best_threshold()
        self._count_errors()
        self._go_to(before)

    def _set_names(self, data: InspectData) -> None:
        project = self._session.project
        assert project is not None
        colors = {label.name: QColor(label.color) for label in project.labels()}
        names = Names(data.label_names, tuple(colors.get(name, theme.theme().muted) for name in data.label_names))
        if names.names != self._names.names:
            self._label = None
        self._names = names
        self._labels.set_labels(names)
        self._choose_label(self._label)

    def _data(self) -> InspectData | None:
        return self._loaded.data if self._loaded is not None else None

    def _image_id(self) -> int | None:
        data = self._data()
        return data.image_ids[self._position] if data is not None and self._position is not None else None

    # -- counting

    def _take_best_threshold(self) -> None:
        if (data := self._data()) is not None:
            self._stage.set_threshold(inspect_data.best_threshold(data))

    def _count_errors(self) -> None:
        """Bring everything to the threshold. Called at every step of the slider."""
        data = self._data()
        if data is None:
            return
        counts = self._tally = inspect_data.tally(data, self._stage.threshold)
        columns = slice(None) if self._label is None else slice(self._label, self._label + 1)
        missed, false, right = (part[:, columns].sum(axis=1) for part in (counts.missed, counts.false, counts.right))
        keep = None if self._label is None else missed + false + right > 0
        self._list.set_counts(missed, false, right, keep)
        average = data.evaluation.map
        if self._label is not None:
            average = data.evaluation.labels[data.label_names[self._label]].ap
        self._strip.set_score(inspect_data.score(counts, self._label), average, data.iou)
        scores = [inspect_data.score(counts, label) for label in range(len(data.label_names))]
        self._labels.set_scores(scores, [data.evaluation.labels[name].ap for name in data.label_names])
        self._show_count()
        self._draw_marks()

    def _choose_label(self, label: int | None) -> None:
        self._label = label
        self._labels.set_chosen(label)
        self._all_labels.setVisible(label is not None)
        self._stage.set_label(label)
        if self._tally is not None:
            self._count_errors()

    def _set_list_view(self) -> None:
        self._list.set_view(self._sorts.currentText(), self._only_errors.isChecked())
        self._show_count()
        if (current := self._table.currentIndex()).isValid():
            self._table.scrollTo(current)

    def _show_count(self) -> None:
        data, shown = self._data(), self._list.rowCount()
        total = len(data.image_ids) if data else 0
        self._count.setText(f"{total:,}" if shown == total else f"{shown:,} of {total:,}")

    # -- the image on the stage

    def _go(self, step: int) -> None:
        """To the next or previous image in the order of the list."""
        rows = self._list.rowCount()
        if rows:
            current = self._table.currentIndex()
            row = current.row() + step if current.isValid() else 0
            self._table.selectRow(min(max(row, 0), rows - 1))

    def _go_to(self, image_id: int | None) -> None:
        row = self._list.row_of(image_id) if image_id is not None else None
        if self._list.rowCount() == 0:
            self._stage.set_image(None, "No image has errors here.")
            return
        index = self._list.index(row or 0, 0)
        flags = QItemSelectionModel.SelectionFlag
        self._table.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
        if self._position is None:
            # The row is the current one already, so nothing was announced.
            self._row_chosen(index)

    def _row_chosen(self, index: QModelIndex, _before: QModelIndex | None = None) -> None:
        if not index.isValid() or self._loaded is None:
            return
        position = self._list.position(index.row())
        if position == self._position:
            return
        self._position = position
        self._table.scrollTo(index)
        path = self._loaded.paths[position]
        if (picture := self._pictures.get(path)) is not None:
            self._pictures.move_to_end(path)
            self._tasks.cancel(PICTURE)
            self._show_picture(path, picture)
        else:
            self._tasks.run(
                PICTURE, lambda: make_pyramid(decode(path)), lambda picture: self._show_picture(path, picture), self._no_picture
            )

    def _show_picture(self, path: Path, picture: Pyramid) -> None:
        self._keep(path, picture)
        self._stage.set_image(picture)
        self._draw_marks()
        self._look_ahead()

    def _no_picture(self, error: Exception) -> None:
        if not isinstance(error, InputError):
            raise error
        self._stage.set_image(None, str(error))

    def _keep(self, path: Path, picture: Pyramid) -> None:
        self._pictures[path] = picture
        while len(self._pictures) > KEPT:
            self._pictures.popitem(last=False)

    def _look_ahead(self) -> None:
        """Decode the next image of the list, so that D shows it at once."""
        row = self._table.currentIndex().row() + 1
        if self._loaded is None or not 0 < row < self._list.rowCount():
            return
        path = self._loaded.paths[self._list.position(row)]
        if path not in self._pictures:
            # A next image that cannot be read is told when it is looked at.
            self._tasks.run(
                AHEAD, lambda: make_pyramid(decode(path)), lambda picture: self._keep(path, picture), lambda _error: None,
                priority=-1,
            )  # fmt: skip

    def _draw_marks(self) -> None:
        data = self._data()
        if data is None or self._position is None or not self._stage.left.has_image:
            return
        match = data.table.at(self._stage.threshold).image(self._position)
        self._stage.set_marks(inspect_data.marks(data, self._position, match), self._names)

    def _show_mark(self, mark: Mark | None) -> None:
        self._panel.set_mark(self._data(), self._position or 0, mark, self._names, self._stage.threshold)

    def _open_on_label_page(self) -> None:
        if (image_id := self._image_id()) is not None:
            self._session.select_image(image_id)
            self._session.page_requested.emit("Label")

    # -- predicting

    def _predict(self) -> None:
        project, record = self._session.project, self._checkpoint()
        if project is None or record is None:
            return
        split, root = self._bar.split, inspect_load.cache_root(project)
        snapshot = inspect_load.take_snapshot(project)
        try:
            folder = inspect_cache.job_folder(root, record.id, record.path, split, snapshot.hash)
            inspect_cache.discard_stale(root, record.id, record.path)
        except InputError as error:
            self._say(str(error))
            return
        self._bar.set_progress((0, 0), "Starting…")
        self._job.start(Wanted(record.path, split, folder), snapshot)

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
        else:
            self._bar.status.setText("The prediction failed")
            self._bar.set_notes([f"The prediction failed. {reason}"])


def _section(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "section")
    return label
