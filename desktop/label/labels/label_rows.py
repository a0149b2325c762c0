"""The list of labels in the label panel: ticks by mouse and keys, and is put into another order by dragging."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractItemView, QApplication, QListView

from desktop.base.theme import theme
from desktop.label.labels.label_delegate import ROW, LabelDelegate, menu_rect

Index = QModelIndex | QPersistentModelIndex
SCROLL_ZONE = 18  # how near the edge a drag scrolls, in pixels
MOVES = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_Home: -1_000_000, Qt.Key.Key_End: 1_000_000}
OWN_KEYS = frozenset(
    {*MOVES, Qt.Key.Key_F2, Qt.Key.Key_Delete, Qt.Key.Key_Backspace, Qt.Key.Key_Space, Qt.Key.Key_Escape}
)


class LabelRows(QListView):
    """A click ticks; the dots and the right button open the menu; a drag moves. Rows are of the model."""

    toggled = Signal(int)  # row
    menu_wanted = Signal(int, QPoint)  # row, position on the screen
    edit_wanted = Signal(int)  # row
    delete_wanted = Signal(int)  # row
    moved = Signal(int, int)  # row, and the place before which it goes (0 .. rows)
    pointed = Signal(int)  # row under the mouse or the keys; -1: none
    left = Signal()  # Esc: back to the image

    def __init__(self) -> None:
        super().__init__()
        self.setItemDelegate(LabelDelegate(self))
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        # A click leaves the keys with the image.
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setAccessibleName("Labels")
        self.movable = True
        self._pressed: QPoint | None = None
        self._row = -1  # pressed
        self._target = -1  # place before which a drag would put it; -1: no drag
        self._scroll = QTimer(self, interval=40)
        self._scroll.timeout.connect(self._scroll_on)
        self._scroll_by = 0

    def sizeHint(self) -> QSize:
        return QSize(160, self.model().rowCount() * ROW + 4)

    # -- mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.position().toPoint()
        index = self.indexAt(at)
        if not index.isValid():
            return
        row = self.visualRect(index).adjusted(6, 1, -6, -1)
        if event.button() == Qt.MouseButton.LeftButton and not menu_rect(row).contains(at):
            self._pressed, self._row = at, index.row()
        elif event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton):
            self.menu_wanted.emit(index.row(), self.viewport().mapToGlobal(at))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position().toPoint()
        if self._pressed is None:
            super().mouseMoveEvent(event)
            self._point_at(self.indexAt(at))
            return
        far = (at - self._pressed).manhattanLength() >= QApplication.startDragDistance()
        if self.movable and (far or self._target >= 0):
            self._drag_to(at)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        row, target, pressed = self._row, self._target, self._pressed
        self._end_drag()
        if event.button() != Qt.MouseButton.LeftButton or pressed is None:
            return
        if target >= 0:
            if target not in (row, row + 1):
                self.moved.emit(row, target)
        elif self.indexAt(event.position().toPoint()).row() == row:
            self.toggled.emit(row)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        # Two quick clicks are two ticks.
        self.mousePressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if event.reason() == QContextMenuEvent.Reason.Keyboard and self.currentIndex().isValid():
            at = self.viewport().mapToGlobal(self.visualRect(self.currentIndex()).center())
            self.menu_wanted.emit(self.currentIndex().row(), at)

    def leaveEvent(self, event: QEvent) -> None:
        self.pointed.emit(-1)
        super().leaveEvent(event)

    def _point_at(self, index: Index) -> None:
        self.pointed.emit(index.row() if index.isValid() else -1)

    # -- dragging

    def _drag_to(self, at: QPoint) -> None:
        index = self.indexAt(QPoint(self.viewport().width() // 2, at.y()))
        rows = self.model().rowCount()
        if index.isValid():
            self._target = index.row() + (at.y() > self.visualRect(index).center().y())
        else:
            self._target = 0 if at.y() < 0 else rows
        height = self.viewport().height()
        self._scroll_by = -1 if at.y() < SCROLL_ZONE else 1 if at.y() > height - SCROLL_ZONE else 0
        if self._scroll_by and not self._scroll.isActive():
            self._scroll.start()
        self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
        self.viewport().update()

    def _scroll_on(self) -> None:
        bar = self.verticalScrollBar()
        bar.setValue(bar.value() + 8 * self._scroll_by)
        if not self._scroll_by or self._target < 0:
            self._scroll.stop()

    def _end_drag(self) -> None:
        self._pressed, self._row, self._target = None, -1, -1
        self._scroll.stop()
        self.viewport().unsetCursor()
        self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._target < 0:
            return
        last = self.model().rowCount() - 1
        rect = self.visualRect(self.model().index(min(self._target, last), 0))
        y = rect.top() if self._target <= last else rect.bottom()
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme().accent, 3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(10, y, self.viewport().width() - 10, y)
        painter.end()

    # -- keys

    def event(self, event: QEvent) -> bool:
        # The page has other plans with some of these keys; while the list is worked with, they are its own.
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.AltModifier)
            if plain and Qt.Key(event.key()) in OWN_KEYS:
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, row = Qt.Key(event.key()), self.currentIndex().row()
        if key == Qt.Key.Key_Escape:
            if self._target >= 0:
                self._end_drag()
            else:
                self.left.emit()
        elif event.modifiers() & Qt.KeyboardModifier.AltModifier and key in MOVES:
            if row >= 0 and self.movable:
                self._move_by(row, MOVES[key])
        elif row >= 0 and key in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.toggled.emit(row)
        elif row >= 0 and key == Qt.Key.Key_F2:
            self.edit_wanted.emit(row)
        elif row >= 0 and key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.delete_wanted.emit(row)
        else:
            super().keyPressEvent(event)

    def _move_by(self, row: int, by: int) -> None:
        last = self.model().rowCount() - 1
        to = min(max(row + by, 0), last)
        if to != row:
            self.moved.emit(row, to if to < row else to + 1)
            self.setCurrentIndex(self.model().index(to, 0))

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        if self.hasFocus():
            self.pointed.emit(current.row())

    def take_focus(self) -> None:
        """Begin to work with the list by keys."""
        if not self.currentIndex().isValid():
            self.setCurrentIndex(self.model().index(0, 0))
        self.setFocus(Qt.FocusReason.ShortcutFocusReason)
