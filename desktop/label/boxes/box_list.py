"""The boxes of the current image as a table: labels as chips and size; selects what is selected on the canvas."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QAction, QContextMenuEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTreeView

from core.types import Box, Label
from desktop.label.boxes.box_delegate import BoxDelegate
from desktop.label.boxes.box_table import BOX, LABELS, SIZE, BoxTableModel
from desktop.label.canvas.box_rules import BoxRules

SIZE_WIDTH = 104
Index = QModelIndex | QPersistentModelIndex


class BoxList(QTreeView):
    """Announces what the user selects here; `show_selection` follows the canvas without announcing."""

    chosen = Signal(object)  # frozenset of box ids
    opened = Signal(int)  # box id, double-clicked: show it large
    pointed = Signal(object)  # id of the box under the mouse, or None
    left = Signal()  # Esc: back to the image

    def __init__(self) -> None:
        super().__init__()
        self.boxes = BoxTableModel(self)
        self.sorted = QSortFilterProxyModel(self)
        self.sorted.setSourceModel(self.boxes)
        self.sorted.setSortRole(BoxTableModel.SORT)
        self._following = False
        self._menu_actions: Callable[[], Sequence[QAction]] = lambda: ()
        self.setModel(self.sorted)
        self.setItemDelegate(BoxDelegate(self))
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keys with the image
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setAllColumnsShowFocus(True)
        self.setAccessibleName("Boxes of this image")
        self._set_up_header()
        self.selectionModel().selectionChanged.connect(self._announce_chosen)
        self.doubleClicked.connect(lambda index: self.opened.emit(index.data(BOX).id))
        self.entered.connect(lambda index: self.pointed.emit(index.data(BOX).id))

    def _set_up_header(self) -> None:
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(LABELS, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(SIZE, QHeaderView.ResizeMode.Fixed)
        header.resizeSection(SIZE, SIZE_WIDTH)
        header.setSectionsClickable(True)
        header.setToolTip("Click to sort; a third click goes back to the order in which the boxes were drawn")
        header.setSortIndicatorClearable(True)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        self.sorted.sort(-1)

    def use_menu(self, actions: Callable[[], Sequence[QAction]]) -> None:
        """What the right button offers for the selected boxes; called when it is asked for."""
        self._menu_actions = actions

    # -- following the canvas

    def show_boxes(
        self,
        boxes: Sequence[Box],
        labels: Sequence[Label],
        selected: Collection[int],
        mm_per_pixel: float | None = None,
    ) -> None:
        """`mm_per_pixel`: sizes are told in mm where the project has a scale."""
        self._following = True
        place = self.verticalScrollBar().value()
        self.boxes.show_boxes(boxes, labels, mm_per_pixel)
        self._following = False
        self.verticalScrollBar().setValue(place)
        self.show_selection(selected)

    def show_rules(self, rules: BoxRules) -> None:
        """Say which boxes are hidden or locked."""
        self.boxes.set_rules(rules)

    def show_selection(self, selected: Collection[int]) -> None:
        if selected == self._list_chosen():
            return
        self._following = True
        rows = [row for row in range(self.sorted.rowCount()) if self._box_at(row).id in selected]
        selection = QItemSelection()
        for row in rows:
            selection.select(self.sorted.index(row, 0), self.sorted.index(row, 1))
        self.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        if rows:
            self.selectionModel().setCurrentIndex(
                self.sorted.index(rows[0], 0), QItemSelectionModel.SelectionFlag.NoUpdate
            )
            self.scrollTo(self.sorted.index(rows[0], 0))
        self._following = False

    def _box_at(self, row: int) -> Box:
        box: Box = self.sorted.index(row, 0).data(BOX)
        return box

    def _list_chosen(self) -> frozenset[int]:
        return frozenset(index.data(BOX).id for index in self.selectionModel().selectedRows())

    def _announce_chosen(self) -> None:
        if not self._following:
            self.chosen.emit(self._list_chosen())

    # -- mouse and keys

    def leaveEvent(self, event: QEvent) -> None:
        self.pointed.emit(None)
        super().leaveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        # The right button on a selected row keeps the selection, on another takes that row.
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.RightButton and self.selectionModel().isSelected(index):
            return
        super().mousePressEvent(event)
        if not index.isValid():
            self.clearSelection()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if not self._list_chosen():
            return
        at = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            at = self.viewport().mapToGlobal(self.visualRect(self.currentIndex()).center() + QPoint(0, 8))
        menu = QMenu(self)
        first = min(self._list_chosen())
        menu.addAction("Show large", lambda: self.opened.emit(first)).setEnabled(len(self._list_chosen()) == 1)
        menu.addSeparator()
        menu.addActions(list(self._menu_actions()))
        menu.exec(at)
        menu.deleteLater()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.opened.emit(self.currentIndex().data(BOX).id)
        else:
            super().keyPressEvent(event)

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        if self.hasFocus() and current.isValid():
            self.pointed.emit(current.data(BOX).id)

    def take_focus(self) -> None:
        """Begin to work with the list by keys."""
        if not self.currentIndex().isValid() and self.sorted.rowCount():
            self.setCurrentIndex(self.sorted.index(0, 0))
        self.setFocus(Qt.FocusReason.ShortcutFocusReason)
