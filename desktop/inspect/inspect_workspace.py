"""The middle of the Inspect page: images on the left, the image with its marks, and the figures on the right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QSplitter, QWidget

from core.inspection.error_counts import ErrorCounts, PrecisionRecall, count_errors, sum_counts
from core.inspection.load_inspection import Inspection, StaleImage
from core.inspection.marks import Mark, list_marks
from core.inspection.matched_images import MatchedImages
from desktop.base import theme
from desktop.base.session import Session
from desktop.inspect.inspect_column import InspectColumn
from desktop.inspect.inspect_images import InspectImages
from desktop.inspect.inspect_stage import InspectStage
from desktop.inspect.mark_tags import Names
from desktop.inspect.mark_texts import describe_ignored
from desktop.inspect.thresholds import Thresholds
from desktop.services import Services
from desktop.viewer.pictures import PictureLoader

ROOM_FOR_SIDES = 1100  # pixels from which on the lists beside the image need not be as narrow as they can be


class InspectWorkspace(QSplitter):
    """Shows one inspection: all of it follows the threshold, the label that is filtered by and the current image."""

    def __init__(self, session: Session, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._session = session
        self._inspection: Inspection | None = None  # with images, or none
        self._counts: ErrorCounts | None = None
        self._names = Names((), ())
        self._label: int | None = None
        self._position: int | None = None  # of the image on the stage, in the inspection
        self._last_images: dict[str, int] = {}  # the image that was looked at last, by split
        self.thresholds = Thresholds(self)
        self.pictures = PictureLoader(services.tasks, self)
        # One image at a time is looked at here: most of the memory is the Label page's.
        self.pictures.follow(session, services.settings, share=0.25)
        self.images = InspectImages(services.thumbnails, services.settings)
        self.stage = InspectStage()
        self.column = InspectColumn()
        self.setChildrenCollapsible(False)
        for widget in (self.images, self.stage, self.column):
            self.addWidget(widget)
        self.setStretchFactor(1, 1)
        self.stage.hide_names.setChecked(not services.settings.values.inspect_names)
        self.stage.hide_names.toggled.connect(lambda hidden: services.settings.update(inspect_names=not hidden))
        self._connect_signals()

    def _connect_signals(self) -> None:
        self._session.project_changed.connect(self._forget_project)
        self.images.chosen.connect(self._show_image)
        self.pictures.outdated.connect(self._read_again)
        self.pictures.ready.connect(self._show_picture)
        self.pictures.failed.connect(self._show_picture)
        self.stage.threshold_changed.connect(self._set_threshold)
        self.stage.reset_wanted.connect(self.thresholds.reset)
        self.stage.score.left.connect(self.images.table.setFocus)
        self.thresholds.changed.connect(self._show_thresholds)
        self.thresholds.failed.connect(self._session.message)
        self.stage.open_wanted.connect(self.correct_image)
        self.stage.pointed.connect(self._show_mark)
        self.column.labels.label_chosen.connect(self._choose_label)
        theme.notifier.theme_changed.connect(self._count_errors)

    @property
    def matched(self) -> MatchedImages | None:
        """The images that are shown."""
        return self._inspection.images if self._inspection is not None else None

    @property
    def image_id(self) -> int | None:
        """The image on the stage."""
        if self.matched is None or self._position is None:
            return None
        stale = self._stale_image
        return stale.image_id if stale is not None else self.matched.image_ids[self._position]

    @property
    def _stale_image(self) -> StaleImage | None:
        """The image on the stage, if it is a stale one: these come behind the others."""
        if self._inspection is None or self._position is None or self._position < len(self._inspection.paths):
            return None
        return self._inspection.stale[self._position - len(self._inspection.paths)]

    def spread_widths(self, width: int) -> None:
        """Divide `width`: on a large screen names and numbers need not be cramped."""
        extra = min(max(0, width - 1300) // 8, 110)
        left, right = (300 + extra, 324 + extra // 2) if width >= ROOM_FOR_SIDES else (260, 312)
        self.setSizes([left, width - left - right, right])

    def show_inspection(self, inspection: Inspection | None) -> None:
        """Show other images, staying on the image of this split that was looked at last where it is among them."""
        self._inspection = inspection if inspection is not None and inspection.images is not None else None
        self._position = None
        matched = self.matched
        if inspection is None or matched is None:
            self.images.set_images((), ())
            self._counts = None
            self.stage.set_image(None)
            return
        self.images.set_images(
            [*matched.image_ids, *(one.image_id for one in inspection.stale)],
            [*inspection.paths, *(one.path for one in inspection.stale)],
            [one.reason for one in inspection.stale],
        )
        self.stage.set_is_detector(matched.is_detector)
        self.stage.show_ignored(any(len(one.ignored) for one in matched.truth))
        self.column.set_is_detector(matched.is_detector)
        self._show_labels(matched)
        project = self._session.project
        if inspection.stored is not None and project is not None:
            self.thresholds.set_checkpoint(
                inspection.request.checkpoint.path,
                inspection.stored,
                inspection.renamed,
                writable=not project.read_only,
            )
        if self.images.shown == 0:
            self.stage.set_image(None, "No image has errors here.")
        self.images.choose_image(self._last_images.get(inspection.request.split))

    def correct_image(self) -> None:
        """Open the image on the Label page, where a wrong label can be mended."""
        if (image_id := self.image_id) is not None:
            self._session.select_image(image_id)
            self._session.page_requested.emit("Label")

    def _forget_project(self) -> None:
        self.thresholds.write_now()
        self.pictures.forget()
        self._last_images.clear()

    # -- counting

    @property
    def _limits(self) -> NDArray[np.float32]:
        """The threshold of each label that is shown."""
        return self.thresholds.list_limits(self._names.names)

    def _set_threshold(self, value: float) -> None:
        """The user moved the slider: of the label that is filtered by, or of all."""
        self.thresholds.set_threshold(None if self._label is None else self._names.names[self._label], value)

    def _show_thresholds(self) -> None:
        limits = self._limits if self._label is None else self._limits[self._label : self._label + 1]
        known = [float(f"{one:.6g}") for one in limits[np.isfinite(limits)].tolist()]
        self.stage.show_thresholds(known, by_hand=self.thresholds.is_set_by_hand)
        if (shown := self._inspection) is not None:
            text = self.thresholds.describe(self._names.names, shown.chosen_here, len(shown.paths))
            self.column.set_point(text)
        self._count_errors()

    def _count_errors(self) -> None:
        """Bring everything to the threshold. Called at every step of the slider."""
        matched = self.matched
        if matched is None:
            return
        counts = self._counts = count_errors(matched, self._limits)
        columns = slice(None) if self._label is None else slice(self._label, self._label + 1)
        tp, fp, fn = (part[:, columns].sum(axis=1) for part in (counts.tp, counts.fp, counts.fn))
        keep = None if self._label is None else tp + fp + fn > 0
        self.images.set_counts(tp, fp, fn, keep)
        average = matched.mean_ap if self._label is None else matched.label_ap[self._label]
        iou = matched.iou if matched.is_detector else None
        unknown = [matched.label_names.index(name) for name in matched.unknown_to_model]
        # A label that the checkpoint does not know has no measures.
        score = PrecisionRecall(0, 0, 0) if self._label in unknown else sum_counts(counts, self._label)
        self.column.strip.set_score(score, average, iou)
        self.column.set_ignored(describe_ignored(matched, counts, self._label))
        scores = [sum_counts(counts, label) for label in range(len(matched.label_names))]
        self.column.labels.set_scores(scores, matched.label_ap, unknown)
        self._draw_marks()

    def _show_labels(self, matched: MatchedImages) -> None:
        project = self._session.shown
        assert project is not None
        colors = {label.name: QColor(label.color) for label in project.labels()}
        muted = theme.theme().muted
        names = Names(matched.label_names, tuple(colors.get(name, muted) for name in matched.label_names))
        if names.names != self._names.names:
            self._label = None
        self._names = names
        self.column.labels.set_labels(names)
        self._choose_label(self._label)

    def _choose_label(self, label: int | None) -> None:
        self._label = label
        self.column.set_chosen(label)
        self.stage.set_label(label)
        if self._counts is not None:
            self._show_thresholds()

    # -- the image on the stage

    def _show_image(self, position: int) -> None:
        if self._inspection is None:
            return
        self._position = position
        if (image_id := self.image_id) is not None:
            self._last_images[self._inspection.request.split] = image_id
        stale = self._stale_image
        if stale is not None:
            # What the file holds now is not what the marks would be of.
            self.stage.set_image(None, f"{stale.path.name} is not judged: {stale.reason}.")
            self.stage.set_marks([], self._names)
            return
        self.stage.set_image(None)
        self._show_picture()
        paths, following = self._inspection.paths, self.images.next_position()
        # The next image of the list is decoded ahead, so that D shows it at once.
        self.pictures.want(
            paths[position], [paths[following]] if following is not None and following < len(paths) else []
        )

    def _read_again(self) -> None:
        if self._position is not None:
            self._show_image(self._position)

    def _show_picture(self) -> None:
        if self._inspection is None or self._position is None or self.stage.left.view.has_image:
            return
        if self._stale_image is not None:
            return
        path = self._inspection.paths[self._position]
        picture = self.pictures.get(path)
        self.stage.set_image(picture, self.pictures.problem(path) or "")
        if picture is not None:
            self._draw_marks()

    def _draw_marks(self) -> None:
        if self.matched is None or self._position is None or not self.stage.left.view.has_image:
            return
        self.stage.set_marks(list_marks(self.matched, self._position, self._limits), self._names)

    def _show_mark(self, mark: Mark | None) -> None:
        self.column.panel.set_mark(
            self.matched,
            0 if self._stale_image is not None else self._position or 0,
            mark,
            self._names,
            self._limits,
        )
