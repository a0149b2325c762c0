"""The list of inspected images: the worst first, or as the user likes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QFrame,
    QHeaderView,
    QLabel,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from core.settings import Settings
from desktop.base import theme
from desktop.inspect.inspect_list import ICON, IMAGE_ID, SORTS, Counts, InspectList
from desktop.kit.chips import FlowLayout
from desktop.kit.eliding import elide_name
from desktop.viewer.thumbnails import ThumbnailLoader

Index = QModelIndex | QPersistentModelIndex
CELL_MARGINS = 18  # around picture and name, in pixels
NUMBERS = {1: 56, 2: 44, 3: 44}  # widths of the columns with counts, in pixels


class InspectImages(QFrame):
    """A table with the order and a filter above it. `position` counts as in `set_images`."""

    chosen = Signal(int)  # position of the image that became current

    def __init__(self, thumbnails: ThumbnailLoader, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setMinimumWidth(260)
        self.model = InspectList(thumbnails, self)
        self._settings = settings
        self._total = 0
        self._current: int | None = None  # position of the image that is looked at, which a filter may hide
        self._row = 0  # where it stood last
        self._top: int | None = None  # image at the top of the list before it was filled again
        self.table = self._make_table()
        self.sorts = QComboBox()
        self.sorts.addItems(SORTS)
        self.sorts.setMinimumContentsLength(11)
        self.sorts.setToolTip("The order of the images")
        self.only_errors = QCheckBox("Errors only")
        self.only_errors.setToolTip("Leave out images in which nothing is missed or false")
        self._count = QLabel()
        self._count.setProperty("role", "small")
        bar = QFrame()
        bar.setProperty("role", "bar")
        column = QVBoxLayout(bar)
        column.setContentsMargins(theme.GAP, 4, theme.GAP, 4)
        row = FlowLayout(spacing=theme.GAP)
        row.addWidget(self.sorts)
        row.addWidget(self.only_errors)
        row.addWidget(self._count)
        column.addLayout(row)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(bar)
        layout.addWidget(self.table, 1)
        self.sorts.setCurrentText(settings.values.inspect_order)
        self.only_errors.setChecked(settings.values.inspect_only_errors)
        self.model.set_view(self.sorts.currentText(), self.only_errors.isChecked())
        self.sorts.currentTextChanged.connect(self._set_view)
        self.only_errors.toggled.connect(self._set_view)
        self.table.selectionModel().currentRowChanged.connect(self._row_changed)

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setAccessibleName("Images with their errors")
        table.setModel(self.model)
        table.setItemDelegate(_ImageCells(table))
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setFrameShape(QFrame.Shape.NoFrame)
        # The program's table has a border and wide cells; this one is narrow and fills its pane.
        table.setStyleSheet(
            "QTableView { border: none; border-radius: 0; } QTableView::item { padding: 2px 4px; }"
            "QHeaderView::section { padding: 5px 4px; }"
        )
        table.setShowGrid(False)
        table.setWordWrap(False)
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
        for column, width in NUMBERS.items():
            header.resizeSection(column, width)
        return table

    def set_images(self, image_ids: Sequence[int], paths: Sequence[Path], stale: Sequence[str] = ()) -> None:
        """Show other images; none is current until `choose_image`. The last ones are `stale`, for these reasons."""
        top = self.table.rowAt(0)
        self._top = self.image_id(top) if 0 <= top < self.shown else None
        self._current, self._row = None, 0
        self._total = len(image_ids)
        self.model.set_images(image_ids, paths, stale)
        self._show_count()

    def set_counts(self, tp: Counts, fp: Counts, fn: Counts, keep: NDArray[np.bool_] | None) -> None:
        """New counts, by image; the current image stays current, and the order follows the counts."""
        self.model.set_counts(tp, fp, fn, keep)
        self._follow_current()
        self._show_count()

    @property
    def shown(self) -> int:
        """How many images the filters let through."""
        return self.model.rowCount()

    def choose_image(self, image_id: int | None) -> None:
        """Make an image current, or the first where it is not shown. A list that was filled again stays where it was."""
        if self.shown == 0:
            return
        if self._top is not None and (top := self.model.row_of(self._top)) is not None:
            self.table.scrollTo(self.model.index(top, 0), QAbstractItemView.ScrollHint.PositionAtTop)
        self._top = None
        row = self.model.row_of(image_id) if image_id is not None else None
        index = self.model.index(row or 0, 0)
        flags = QItemSelectionModel.SelectionFlag
        self.table.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
        # Where the row is the current one already, nothing was announced.
        self._row_changed(index)

    def step_image(self, steps: int) -> None:
        """To the next or previous image in the order of the list."""
        current = self.table.currentIndex()
        # Where a filter hides the current image, the next is what took its place.
        row = current.row() + steps if current.isValid() else self._row + (steps if steps < 0 else steps - 1)
        if self.shown:
            self.table.selectRow(min(max(row, 0), self.shown - 1))

    def next_position(self) -> int | None:
        """The image that a step would show, or None at the end."""
        row = self.table.currentIndex().row() + 1
        return self.model.find_position(row) if 0 < row < self.shown else None

    def _row_changed(self, index: QModelIndex, _before: QModelIndex | None = None) -> None:
        if not index.isValid():
            return
        position = self.model.find_position(index.row())
        self._row = index.row()
        if position != self._current:
            self._current = position
            self.table.scrollTo(index)
            self.chosen.emit(position)

    def _set_view(self) -> None:
        order, only_errors = self.sorts.currentText(), self.only_errors.isChecked()
        self.model.set_view(order, only_errors)
        self._settings.update(inspect_order=order, inspect_only_errors=only_errors)
        self._follow_current()
        self._show_count()
        if (current := self.table.currentIndex()).isValid():
            self.table.scrollTo(current)

    def _follow_current(self) -> None:
        """Mark the image that is looked at again where a filter let it back in; none where it is hidden."""
        row = None if self._current is None else self.model.find_row(self._current)
        if row is None:
            self.table.clearSelection()
            self.table.setCurrentIndex(QModelIndex())
        elif row != self.table.currentIndex().row():
            flags = QItemSelectionModel.SelectionFlag
            self.table.selectionModel().setCurrentIndex(self.model.index(row, 0), flags.ClearAndSelect | flags.Rows)
        else:
            self._row = row

    def _show_count(self) -> None:
        self._count.setText(f"{self._total:,}" if self.shown == self._total else f"{self.shown:,}/{self._total:,}")
        self._count.setToolTip(f"{self.shown:,} of {self._total:,} images are listed")

    def image_id(self, row: int) -> int:
        """The image of a row."""
        return int(self.model.index(row, 0).data(IMAGE_ID))


class _ImageCells(QStyledItemDelegate):
    """Names are cut beside their numbers. Counts keep their colours in the selected row, where a style sheet would paint
    all words alike."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        super().initStyleOption(option, index)
        if index.column() in NUMBERS:
            option.text = ""
        else:
            room = option.rect.width() - ICON - CELL_MARGINS
            option.text = elide_name(option.text, QFontMetrics(option.font), room)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        super().paint(painter, option, index)
        if index.column() in NUMBERS:
            color = index.data(Qt.ItemDataRole.ForegroundRole)
            assert isinstance(color, QColor)
            painter.save()
            painter.setPen(color)
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(option.rect.adjusted(0, 0, -8, 0), right, index.data())
            painter.restore()
