"""The left column of the Label page: search, filter by status, and the images."""

from __future__ import annotations

from collections import Counter

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from core.changes import Changes
from core.types import Status
from desktop.models.image_list import IMAGE_ID, ImageFilterModel, ImageListModel
from desktop.services import Services
from desktop.session import Session
from desktop.theme import GAP, PAD, icon, notifier, theme
from desktop.widgets.image_delegate import ImageDelegate, status_pixmap
from desktop.widgets.parts import ElidedLabel, surface, words

ANY = "All images"


class ImageListPanel(QWidget):
    """Shows the images, and makes the chosen one the session's current image."""

    menu_requested = Signal(object, QPoint)  # chosen image ids, position on the screen

    def __init__(self, session: Session, services: Services) -> None:
        super().__init__()
        self._session = session
        self._filtering = False
        self.model = ImageListModel(session, services.thumbnails, self)
        self.shown = ImageFilterModel(self.model, self)
        self._search = QLineEdit(placeholderText="Search file names", clearButtonEnabled=True)
        self._search.setProperty("role", "search")
        self._search_icon = self._search.addAction(QIcon(), QLineEdit.ActionPosition.LeadingPosition)
        self._status = QComboBox()
        self._status.setAccessibleName("Show images of this status")
        self._view = self._make_view()
        self._count = ElidedLabel("", "small")
        self._nothing = words("", "muted", wrap=True)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._place()
        self._search.textChanged.connect(self._filter)
        self._status.currentIndexChanged.connect(self._filter)
        session.image_changed.connect(self._show_current)
        session.changed.connect(self._refresh)
        session.project_changed.connect(self._start_over)
        notifier.theme_changed.connect(self._tint)
        self._tint()
        self._start_over()

    # -- for the page

    def step(self, by: int) -> bool:
        """Go `by` images on among those shown; False at the end."""
        at = self.shown.index_of(self._session.image_id)
        row = at.row() + by if at.isValid() else (0 if by > 0 else self.shown.rowCount() - 1)
        if not 0 <= row < self.shown.rowCount():
            return False
        self._session.select_image(self.shown.index(row, 0).data(IMAGE_ID))
        return True

    def neighbours(self, ahead: int = 2, behind: int = 1) -> list[int]:
        """The images that will probably be looked at next."""
        at = self.shown.index_of(self._session.image_id).row()
        rows = [*range(at + 1, at + 1 + ahead), *range(at - 1, at - 1 - behind, -1)]
        return [self.shown.index(row, 0).data(IMAGE_ID) for row in rows if 0 <= row < self.shown.rowCount()]

    def position(self) -> tuple[int, int]:
        """(place of the current image among those shown from 1, or 0; how many are shown)."""
        return self.shown.index_of(self._session.image_id).row() + 1, self.shown.rowCount()

    # -- inside

    def _make_view(self) -> QListView:
        view = QListView()
        view.setModel(self.shown)
        view.setItemDelegate(ImageDelegate(view))
        view.setUniformItemSizes(True)
        view.setMouseTracking(True)
        view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(self._ask_menu)
        view.setAccessibleName("Images")
        view.selectionModel().currentChanged.connect(self._chosen)
        return view

    def _place(self) -> None:
        top = QVBoxLayout()
        top.setContentsMargins(PAD, PAD, PAD, GAP)
        top.setSpacing(GAP)
        top.addWidget(self._search)
        top.addWidget(self._status)
        body = QWidget()
        self._body = QStackedLayout(body)
        self._body.addWidget(self._view)
        empty = QWidget()
        inner = QVBoxLayout(empty)
        inner.setContentsMargins(2 * PAD, 0, 2 * PAD, 4 * PAD)
        inner.addWidget(self._nothing)
        self._body.addWidget(empty)
        foot = surface("foot")
        line = QHBoxLayout(foot)
        line.setContentsMargins(PAD, 6, PAD, 6)
        line.addWidget(self._count)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(body, 1)
        layout.addWidget(foot)

    def _start_over(self) -> None:
        self._search.clear()
        self._fill_statuses()
        self._status.setCurrentIndex(0)
        self._filter()
        self._show_current()

    def _fill_statuses(self) -> None:
        counts = Counter(self.model.record(row).status for row in range(self.model.rowCount()))
        if not self._status.count():
            self._status.addItem(ANY, None)
            for status in Status:
                self._status.addItem(status.value, status)
        self._status.setItemText(0, f"{ANY}  ({self.model.rowCount():,})")
        ratio = self.devicePixelRatioF()
        for row, status in enumerate(Status, start=1):
            self._status.setItemText(row, f"{status.value.capitalize()}  ({counts[status]:,})")
            self._status.setItemIcon(row, QIcon(status_pixmap(status, 16, ratio)))
        done = self.model.rowCount() - counts[Status.UNLABELLED]
        self._count.setText(self._count_text(done))

    def _count_text(self, done: int) -> str:
        total = self.model.rowCount()
        if self.shown.filtering:
            return f"{self.shown.rowCount():,} of {total:,} images shown"
        return f"{done:,} of {total:,} labelled or clean" if total else "No images"

    def _filter(self) -> None:
        chosen = self._status.currentData()
        self._filtering = True
        self.shown.set_text(self._search.text())
        self.shown.set_statuses(frozenset({Status(chosen)}) if chosen is not None else frozenset())
        self._filtering = False
        self._fill_statuses()
        self._show_nothing()
        self._show_current()

    def _show_nothing(self) -> None:
        if self.model.rowCount():
            self._nothing.setText("No image passes the filter.")
        else:
            self._nothing.setText("No images yet.")
        self._body.setCurrentIndex(0 if self.shown.rowCount() else 1)

    def _refresh(self, changes: Changes, _initiator: object) -> None:
        if changes.image_list:
            self._filter()
        elif changes.status or changes.boxes:
            self._fill_statuses()

    def _show_current(self) -> None:
        index = self.shown.index_of(self._session.image_id)
        if index.isValid() and index != self._view.currentIndex():
            self._view.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        if index.isValid():
            self._view.scrollTo(index)
        else:
            self._view.clearSelection()

    def _chosen(self, current: QModelIndex, _previous: QModelIndex) -> None:
        # While a filter is applied the view passes through rows that nobody chose.
        if current.isValid() and not self._filtering:
            self._session.select_image(current.data(IMAGE_ID))

    def _ask_menu(self, at: QPoint) -> None:
        ids = [index.data(IMAGE_ID) for index in self._view.selectedIndexes()]
        if ids:
            self.menu_requested.emit(ids, self._view.viewport().mapToGlobal(at))

    def _tint(self) -> None:
        self._search_icon.setIcon(icon("search", theme().muted, size=16))
        self._fill_statuses()
