"""The left column of the Label page: what is asked for, how far the work has come, and the images."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from core.changes import Changes
from core.inspection.prediction_cache import prediction_root
from core.project.images.query import Filter, SortKey
from core.types import Status
from desktop.base.session import Session
from desktop.base.theme import GAP, PAD
from desktop.kit.parts import ElidedLabel, bar_button, surface, words
from desktop.label.images import predicted_images
from desktop.label.images.bulk_bar import BulkBar, ImageActs
from desktop.label.images.filter_bar import FilterBar
from desktop.label.images.grid_delegate import CELL_HEIGHT, CELL_WIDTH, GridDelegate
from desktop.label.images.image_delegate import ROW, ImageDelegate
from desktop.label.images.image_list import IMAGE_ID, ImageListModel
from desktop.label.images.progress_strip import ProgressStrip
from desktop.label.images.rows_view import RowsView
from desktop.services import Services
from desktop.viewer.pictures import Travel

EMPTY = "No images yet."


class ImageListPanel(QWidget):
    """Shows the images, and makes the chosen one the session's current image."""

    menu_requested = Signal(object, QPoint)  # chosen image ids, position on the screen
    left = Signal()  # the keys are wanted by the image again
    listed = Signal()  # other images are shown, or in another order

    def __init__(self, session: Session, services: Services, acts: ImageActs, grid_action: QAction) -> None:
        """A button of `grid_action` switches between the list and the grid, by `set_grid`."""
        super().__init__()
        self._grid_action = grid_action
        self._session = session
        self._services = services
        self._moving = False
        self._predictions: Path | None = None  # the file that the model's flags are from
        self.shown = ImageListModel(session, services.thumbnails, self)
        self.filter_bar = FilterBar()
        self.progress = ProgressStrip()
        self.bulk = BulkBar(acts)
        self.view = self._make_view()
        self._count = ElidedLabel("", "small")
        self._again = QPushButton()
        self._again.setProperty("role", "link")
        self._again.setToolTip(
            "Images that were changed and no longer pass stay in sight until the filter is applied again"
        )
        self._nothing = words("", "muted", wrap=True)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._all = QPushButton("Show all images")
        self._place_parts()
        self._connect_parts()
        self._start_over()

    # -- for the page

    def step(self, by: int) -> bool:
        """Go `by` images on among those shown; False at the end."""
        at = self.shown.row_of(self._session.image_id)
        row = at + by if at >= 0 else (0 if by > 0 else self.shown.rowCount() - 1)
        if not 0 <= row < self.shown.rowCount():
            return False
        self._go_to(row)
        return True

    def go_to_place(self, place: int) -> bool:
        """Go to the image at a place among those shown, counted from 1, or from the end by -1; False where none is."""
        count = self.shown.rowCount()
        row = place - 1 if place > 0 else count + place
        if not 0 <= row < count:
            return False
        self._go_to(row)
        return True

    def step_unlabelled(self, by: int) -> str:
        """Go to the next unlabelled image among those shown, round the end; what there is to say about it."""
        at = self.shown.row_of(self._session.image_id)
        row = self.shown.next_unlabelled(at, by)
        if row is None:
            hidden = self.shown.images.status_counts()[Status.UNLABELLED]
            if not self.shown.total:
                return "There are no images"
            return f"None of the images shown is unlabelled; {hidden:,} others are" if hidden else "All images are done"
        if row == at:
            return "This is the only unlabelled image" + (" of those shown" if self.shown.filter else "")
        self._go_to(row)
        return "Went round to the other end" if at >= 0 and (row - at) * by < 0 else ""

    def neighbours(self, travel: Travel) -> list[int]:
        """The images that will probably be looked at next."""
        return self.shown.image_ids(travel.next_rows(self.shown.row_of(self._session.image_id), self.shown.rowCount()))

    def image_before(self) -> int | None:
        """The image before the current one in the list."""
        row = self.shown.row_of(self._session.image_id) - 1
        return self.shown.image_ids([row])[0] if row >= 0 else None

    def groups(self) -> list[str]:
        """The names of all groups, in natural order."""
        return [name for name, _ in self.shown.images.group_counts() if name]

    def position(self) -> tuple[int, int]:
        """(place of the current image among those shown from 1, or 0; how many are shown)."""
        return self.shown.row_of(self._session.image_id) + 1, self.shown.rowCount()

    def chosen(self) -> list[int]:
        """The images that are selected, in order."""
        # Ranges, not indexes: of these there would be one for each of 100,000 rows.
        parts = self.view.selectionModel().selection().toList()
        ranges = [range(part.top(), part.bottom() + 1) for part in parts]
        rows = np.sort(np.concatenate([np.asarray(part) for part in ranges])) if ranges else np.zeros(0, int)
        return self.shown.image_ids(rows)

    def set_filter(self, wanted: Filter) -> None:
        """Ask for other images."""
        self.filter_bar.set_value(wanted)

    def set_grid(self, grid: bool) -> None:
        """Show thumbnails in a grid, or a list."""
        delegate = GridDelegate(self.view) if grid else ImageDelegate(self.view)
        self.view.setItemDelegate(delegate)
        if grid:
            self.view.set_cells(CELL_HEIGHT, CELL_WIDTH)
        else:
            self.view.set_cells(ROW)

    def focus_search(self) -> None:
        self.filter_bar.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.filter_bar.search.selectAll()

    # -- building

    def _make_view(self) -> _ImagesView:
        view = _ImagesView()
        view.setModel(self.shown)
        view.setItemDelegate(ImageDelegate(view))
        view.customContextMenuRequested.connect(self._ask_menu)
        view.selectionModel().currentChanged.connect(self._current_changed)
        view.selectionModel().selectionChanged.connect(self._show_chosen)
        return view

    def _place_parts(self) -> None:
        top = QVBoxLayout()
        top.setContentsMargins(PAD, PAD, PAD, GAP)
        top.setSpacing(GAP)
        top.addWidget(self.filter_bar)
        top.addWidget(self.progress)
        body = QWidget()
        self._body = QStackedLayout(body)
        self._body.addWidget(self.view)
        empty = QWidget()
        inner = QVBoxLayout(empty)
        inner.setContentsMargins(2 * PAD, 0, 2 * PAD, 4 * PAD)
        inner.addStretch(1)
        inner.addWidget(self._nothing)
        inner.addWidget(self._all, 0, Qt.AlignmentFlag.AlignCenter)
        inner.addStretch(1)
        self._body.addWidget(empty)
        foot = surface("foot")
        line = QHBoxLayout(foot)
        line.setContentsMargins(PAD, 4, GAP, 4)
        line.addWidget(self._count, 1)
        line.addWidget(self._again)
        line.addWidget(bar_button(self._grid_action))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(body, 1)
        layout.addWidget(self.bulk)
        layout.addWidget(foot)

        # From top to bottom, whatever the order in which these were made.
        fields = [*self.filter_bar.fields(), *self.progress.fields(), self.view, *self.bulk.fields(), self._again]
        for one, other in pairwise(fields):
            QWidget.setTabOrder(one, other)

    def _connect_parts(self) -> None:
        session = self._session
        self.filter_bar.changed.connect(self._apply_filter)
        self.filter_bar.sorted.connect(self._apply_sorting)
        self.filter_bar.offers_wanted.connect(self._show_offers)
        self.progress.pressed.connect(self._toggle_status)
        self._again.clicked.connect(lambda: self._apply_filter(self.shown.filter))
        self._all.clicked.connect(lambda: self.set_filter(Filter()))
        self.view.left.connect(self.left)
        self.filter_bar.search.left.connect(self.left)
        self.filter_bar.search.returnPressed.connect(self._go_to_found)
        self._services.files.states_changed.connect(self._files_changed)
        session.image_changed.connect(self._show_current)
        session.images_requested.connect(self.set_filter)
        session.changed.connect(self._follow_changes)
        session.project_changed.connect(self._start_over)

    # -- following

    def _start_over(self) -> None:
        self._predictions = None
        self.filter_bar.start_over()
        self._show_labels()
        self._show_all()
        self._show_current()

    def _show_labels(self) -> None:
        project = self._session.shown
        self.filter_bar.show_labels(project.labels() if project is not None else ())

    def _follow_changes(self, changes: Changes, _initiator: object) -> None:
        if changes.labels:
            self._show_labels()
        if changes.image_list:
            self._show_current()
        if changes.image_list or changes.images:
            self._show_all()

    def _apply_filter(self, wanted: Filter) -> None:
        if wanted.predicted is not None:
            self._look_for_predictions()
        self._moving = True
        self.shown.set_filter(wanted)
        self._moving = False
        self._show_all()
        self._show_current()
        self.listed.emit()

    def _apply_sorting(self, by: SortKey, descending: bool) -> None:
        self._moving = True
        self.shown.set_sorting(by, descending=descending)
        self._moving = False
        self._show_all()
        self._show_current()
        self.listed.emit()

    def _toggle_status(self, status: Status) -> None:
        wanted = self.filter_bar.value
        self.set_filter(replace(wanted, statuses=wanted.statuses ^ {status}))

    def _show_all(self) -> None:
        """Bring counts and texts to what the model shows."""
        model = self.shown
        self.progress.show_counts(model.images.status_counts(), model.filter.statuses)
        self.filter_bar.popup.show_count(model.rowCount(), model.total)
        all_of_them = not model.filter and model.rowCount() == model.total
        # Beside the way to apply the filter again there is room for the numbers only.
        shown = f"{model.rowCount():,} of {model.total:,}"
        self._count.setText(
            f"{model.total:,} images" if all_of_them else shown if model.outdated else f"{shown} images shown"
        )
        self._again.setText(f"Apply again ({model.outdated:,})")
        self._again.setVisible(model.outdated > 0)
        self._nothing.setText("No image passes the filter." if model.total else EMPTY)
        self._all.setVisible(model.total > 0)
        self._body.setCurrentIndex(0 if model.rowCount() else 1)
        self._show_chosen()

    def _files_changed(self) -> None:
        self.shown.set_flag("missing", self._services.files.missing)
        self._show_all()

    def _show_offers(self) -> None:
        index = self.shown.images
        self.filter_bar.show_offers(index.group_counts(), index.split_counts())
        self._look_for_predictions()

    def _look_for_predictions(self) -> None:
        project = self._session.project
        file = predicted_images.newest(prediction_root(project)) if project is not None else None
        if project is None or file is None or file == self._predictions:
            return
        self._predictions = file
        folder, records = project.folder, list(self.shown.images.records)
        self._services.tasks.run(
            "predicted images", lambda: predicted_images.predicted_ids(file, folder, records), self._take_predicted
        )

    def _take_predicted(self, image_ids: frozenset[int]) -> None:
        self.shown.set_flag("predicted", image_ids)
        if self.shown.filter.predicted is not None:
            self._apply_filter(self.shown.filter)

    # -- the current image and the selection

    def _go_to(self, row: int) -> None:
        self._session.select_image(self.shown.index(row).data(IMAGE_ID))

    def _go_to_found(self) -> None:
        """Where the current image is not among those that were searched for, go to the first that is."""
        if self.shown.row_of(self._session.image_id) < 0 and self.shown.rowCount():
            self._go_to(0)

    def _show_current(self) -> None:
        row = self.shown.row_of(self._session.image_id)
        index = self.shown.index(row)
        if row < 0:
            self.view.clearSelection()
            return
        if index != self.view.currentIndex():
            self._moving = True
            self.view.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
            self._moving = False
        self.view.scrollTo(index)

    def _current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        # While a filter is applied the view passes through rows that nobody chose.
        if current.isValid() and not self._moving:
            self._session.select_image(current.data(IMAGE_ID))

    def _show_chosen(self) -> None:
        project = self._session.project
        self.bulk.show_chosen(self.chosen(), editable=project is not None and not project.read_only)

    def _ask_menu(self, at: QPoint) -> None:
        if chosen := self.chosen():
            self.menu_requested.emit(chosen, self.view.viewport().mapToGlobal(at))


class _ImagesView(RowsView):
    """Takes Ctrl+A for itself, though the page has an action on these keys; letters are the page's."""

    left = Signal()

    def __init__(self) -> None:
        super().__init__(ROW)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setAccessibleName("Images")

    def event(self, event: QEvent) -> bool:
        overrides = event.type() == QEvent.Type.ShortcutOverride
        if overrides and isinstance(event, QKeyEvent) and event.matches(QKeySequence.StandardKey.SelectAll):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        elif (
            event.text().isprintable() and event.text() and not event.modifiers() & Qt.KeyboardModifier.ControlModifier
        ):
            # A letter is a command of the page, never a search for a name that begins with it.
            event.ignore()
        else:
            super().keyPressEvent(event)
