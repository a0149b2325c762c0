"""A view of a list whose rows are all equally high, or of a grid whose cells are all equally large.

Qt's own list view lays out every row again whenever one changes, which takes 100 ms and more for 100,000 rows, again
for each thumbnail that arrives. Here a row's place is a multiplication.
"""

from __future__ import annotations

import math

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    Qt,
)
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QRegion, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyleOptionViewItem

Index = QModelIndex | QPersistentModelIndex
NO_ROW = -1


class RowsView(QAbstractItemView):
    """One column, as wide as the view, or as many as have room; the delegate paints.

    A row is an image, as in the model; a line holds one row for each column.
    """

    def __init__(self, row_height: int) -> None:
        super().__init__()
        self._height = row_height
        self._least_width: int | None = None  # of a cell; None: one column
        self._hovered = NO_ROW
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMouseTracking(True)

    def setModel(self, model: QAbstractItemModel | None) -> None:
        super().setModel(model)
        if model is not None:
            # What is scrolled to right after must find the new range already.
            for change in (model.modelReset, model.rowsInserted, model.rowsRemoved, model.layoutChanged):
                change.connect(self.updateGeometries)
        self.updateGeometries()

    def set_cells(self, height: int, least_width: int | None = None) -> None:
        """Show rows of a height, or with a width, cells in columns."""
        self._height, self._least_width = height, least_width
        self._hovered = NO_ROW
        self.updateGeometries()
        self.scrollTo(self.currentIndex())
        self.viewport().update()

    # -- where rows are

    @property
    def columns(self) -> int:
        return max(1, self.viewport().width() // self._least_width) if self._least_width else 1

    def visualRect(self, index: Index) -> QRect:
        if not index.isValid():
            return QRect()
        line, column = divmod(index.row(), self.columns)
        width = self.viewport().width() // self.columns
        return QRect(column * width, line * self._height - self.verticalOffset(), width, self._height)

    def indexAt(self, point: QPoint) -> QModelIndex:
        columns, width = self.columns, self.viewport().width() // self.columns
        if not 0 <= point.x() < columns * width:
            return QModelIndex()
        row = (point.y() + self.verticalOffset()) // self._height * columns + point.x() // width
        if not 0 <= row < self._count_rows():
            return QModelIndex()
        return self.model().index(row, 0)

    def scrollTo(
        self, index: Index, hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible
    ) -> None:
        if not index.isValid():
            return
        bar, room = self.verticalScrollBar(), self.viewport().height()
        top = index.row() // self.columns * self._height
        lowest, highest = top, top + self._height - room
        if hint == QAbstractItemView.ScrollHint.PositionAtTop:
            bar.setValue(lowest)
        elif hint == QAbstractItemView.ScrollHint.PositionAtBottom:
            bar.setValue(highest)
        elif hint == QAbstractItemView.ScrollHint.PositionAtCenter:
            bar.setValue((lowest + highest) // 2)
        else:
            bar.setValue(max(min(bar.value(), lowest), highest))

    def horizontalOffset(self) -> int:
        return 0

    def verticalOffset(self) -> int:
        return self.verticalScrollBar().value()

    def isIndexHidden(self, index: Index) -> bool:
        return False

    # -- keys and selection

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        count, at = self._count_rows(), self.currentIndex().row()
        if not count:
            return QModelIndex()
        line = self.columns
        page = line * max(1, self.viewport().height() // self._height - 1)
        move = QAbstractItemView.CursorAction
        rows = {
            move.MoveUp: at - line if at >= line else at,
            move.MovePrevious: at - 1,
            move.MoveDown: at + line if at + line < count else at,
            move.MoveNext: at + 1,
            move.MoveLeft: at - (line > 1),
            move.MoveRight: at + (line > 1),
            move.MovePageUp: at - page,
            move.MovePageDown: at + page,
            move.MoveHome: 0,
            move.MoveEnd: count - 1,
        }
        return self.model().index(min(max(rows.get(action, at), 0), count - 1), 0)

    def setSelection(self, rect: QRect, command: QItemSelectionModel.SelectionFlag) -> None:
        selection = QItemSelection()
        for first, last in self._runs_in(rect.normalized()):
            selection.select(self.model().index(first, 0), self.model().index(last, 0))
        self.selectionModel().select(selection, command)

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:
        first, last = self._rows_in(self.viewport().rect())
        region = QRegion()
        for part in selection.toList():
            top, bottom = max(first, part.top()), min(last, part.bottom())
            if top <= bottom:
                above = self.visualRect(self.model().index(top, 0))
                whole = above.united(self.visualRect(self.model().index(bottom, 0)))
                if self.columns > 1 and top // self.columns != bottom // self.columns:
                    whole.setLeft(0)
                    whole.setRight(self.viewport().width())
                region += QRegion(whole)
        return region

    # -- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        option = QStyleOptionViewItem()
        self.initViewItemOption(option)
        usual = option.state & ~(QStyle.StateFlag.State_HasFocus | QStyle.StateFlag.State_MouseOver)
        selected, current, focused = self.selectionModel(), self.currentIndex(), self.hasFocus()
        first, last = self._rows_in(event.rect())
        for row in range(first, last + 1):
            index = self.model().index(row, 0)
            state = usual
            if selected.isSelected(index):
                state |= QStyle.StateFlag.State_Selected
            if row == self._hovered:
                state |= QStyle.StateFlag.State_MouseOver
            if focused and index == current:
                state |= QStyle.StateFlag.State_HasFocus
            option.state = state
            option.rect = self.visualRect(index)
            self.itemDelegate().paint(painter, option, index)
        painter.end()

    def updateGeometries(self) -> None:
        super().updateGeometries()
        bar, room = self.verticalScrollBar(), self.viewport().height()
        bar.setSingleStep(self._height // 2)
        bar.setPageStep(room)
        bar.setRange(0, max(0, math.ceil(self._count_rows() / self.columns) * self._height - room))

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        self._hover_row(NO_ROW)
        self.viewport().scroll(0, dy)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.updateGeometries()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._hover_row(self.indexAt(event.position().toPoint()).row())

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self._hover_row(NO_ROW)
        return super().viewportEvent(event)

    # -- inside

    def _count_rows(self) -> int:
        model = self.model()
        return model.rowCount() if model is not None else 0

    def _rows_in(self, rect: QRect) -> tuple[int, int]:
        """The first and the last row of the lines that `rect` of the viewport touches; the last lies before the first
        if there are none.
        """
        first = (rect.top() + self.verticalOffset()) // self._height * self.columns
        last = ((rect.bottom() + self.verticalOffset()) // self._height + 1) * self.columns - 1
        return max(0, first), min(last, self._count_rows() - 1)

    def _runs_in(self, rect: QRect) -> list[tuple[int, int]]:
        """The rows that `rect` touches, as first and last of each piece."""
        first, last = self._rows_in(rect)
        columns = self.columns
        if columns == 1:
            return [(first, last)] if first <= last else []
        width = self.viewport().width() // columns
        left, right = max(rect.left() // width, 0), min(rect.right() // width, columns - 1)
        lines = range(first, last + 1, columns) if left <= right else ()
        return [(line + left, min(line + right, last)) for line in lines if line + left <= last]

    def _hover_row(self, row: int) -> None:
        before, self._hovered = self._hovered, row
        for changed in {before, row} - {NO_ROW} if before != row else ():
            self.viewport().update(self.visualRect(self.model().index(changed, 0)))
