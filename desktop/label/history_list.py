"""The list of edits: what is done, what was undone, and a way to any point between."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFont, QFontMetrics, QKeyEvent, QPainter, QPen, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListView,
    QStackedLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from core.counting import format_count
from core.errors import InputError
from desktop.base.session import Session
from desktop.base.theme import GAP, PAD, SMALL_PX, text_on, theme
from desktop.kit.parts import words
from desktop.label.history_rows import ABOUT, KIND, POSITION, HistoryRows

ROW = 38
SETTLES = 120  # ms after the last of several changes until the list is read again
NOTHING = "Nothing to undo.\n\nEvery edit is listed here, and the last 200 also after a restart."


class HistoryList(QWidget):
    """Follows the session while it is seen; a click, or Enter, goes to the state after an edit."""

    failed = Signal(str)  # why a point could not be gone to
    left = Signal()  # Esc: back to the image

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._stale = True
        self.model = HistoryRows(self)
        self.view = _View()
        self.view.setModel(self.model)
        self.view.wanted.connect(self._go_to)
        self.view.left.connect(self.left)
        self._count = words("", "small")
        self._nothing = words(NOTHING, "muted", wrap=True)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._place_parts()
        self._timer = QTimer(self, singleShot=True, interval=SETTLES)
        self._timer.timeout.connect(self.refresh)
        session.changed.connect(lambda *_: self._age())
        session.project_changed.connect(self._age)
        session.pending.changed.connect(self._age)

    def _place_parts(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(PAD, GAP, PAD, 4)
        head.addWidget(self._count, 1)
        body = QWidget()
        self._body = QStackedLayout(body)
        self._body.addWidget(self.view)
        self._body.addWidget(self._nothing)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(body, 1)

    def refresh(self) -> None:
        """Read the list again."""
        self._timer.stop()
        self._stale = False
        scrolled = self.view.verticalScrollBar().value()
        at_now = scrolled == 0 or not self.model.rowCount()
        self.model.show_entries(self._session.list_edits(), self._image_of)
        done, undone = self.model.counts
        text = format_count(done, "edit") + (f", {undone:,} undone" if undone else "")
        self._count.setText(f"{text} · click to go there" if done or undone else "")
        self._body.setCurrentIndex(0 if self.model.rowCount() else 1)
        if self.model.rowCount():
            above = self.model.index(max(self.model.now - 1, 0))
            current = self.model.index(min(self.model.now + 1, self.model.rowCount() - 1))
            self.view.setCurrentIndex(current)
            if at_now or undone:
                self.view.scrollTo(above, QAbstractItemView.ScrollHint.PositionAtTop)
            else:
                self.view.verticalScrollBar().setValue(scrolled)

    def _image_of(self, position: int) -> str:
        """The file name of the image of an edit; empty where it is not in the project any more."""
        project, touched = self._session.shown, self._session.images_of_edit(position)
        if project is None or len(touched) != 1:
            return ""
        try:
            return project.image(next(iter(touched))).path.rsplit("/", 1)[-1]
        except KeyError:
            return ""

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self.refresh()

    def _age(self) -> None:
        # Ten thousand edits take longer to read than a stroke of the mouse may take.
        self._stale = True
        if self.isVisible():
            self._timer.start()

    def _go_to(self, row: int) -> None:
        index = self.model.index(row)
        position = index.data(POSITION)
        if position is None or index.data(KIND) == "now" or self._session.project is None:
            return
        if self._session.project.read_only:
            self._session.message.emit("Read-only: nothing can be undone")
            return
        steps = abs(row - self.model.now) - (index.data(KIND) != "undone")
        try:
            self._session.go_to(int(position))
        except InputError as error:
            self.failed.emit(str(error))
            return
        word = "Redone" if index.data(KIND) == "undone" else "Undone"
        if steps:
            self._session.message.emit(f"{word}: {format_count(steps, 'edit')}")
        self.refresh()


class _View(QListView):
    wanted = Signal(int)  # row
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setItemDelegate(_Delegate(self))
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)  # ten thousand rows are not measured one by one
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setAccessibleName("Edits, the newest first")
        self.clicked.connect(lambda index: self.wanted.emit(index.row()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.wanted.emit(self.currentIndex().row())
        elif event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)


class _Delegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(120, ROW)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if index.data(KIND) == "now":
            self._paint_now(painter, option)
        else:
            self._paint_edit(painter, option, index)
        painter.restore()

    def _paint_now(self, painter: QPainter, option: QStyleOptionViewItem) -> None:
        accent, rect = theme().accent, option.rect
        y = rect.center().y()
        painter.setPen(QPen(accent, 2))
        painter.drawLine(rect.left() + PAD, y, rect.right() - PAD, y)
        font = QFont(option.font)
        font.setPixelSize(SMALL_PX)
        font.setWeight(QFont.Weight.DemiBold)
        width = QFontMetrics(font).horizontalAdvance("Now") + 16
        tag = QRect(rect.left() + PAD + 8, y - 9, width, 18)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(accent)
        painter.drawRoundedRect(tag, 9, 9)
        painter.setFont(font)
        painter.setPen(text_on(accent))
        painter.drawText(tag, Qt.AlignmentFlag.AlignCenter, "Now")

    def _paint_edit(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        colors, undone = theme(), index.data(KIND) == "undone"
        row = option.rect.adjusted(6, 1, -6, -1)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        focused = bool(option.state & QStyle.StateFlag.State_HasFocus)
        if hovered or focused:
            painter.setPen(QPen(colors.accent, 1.2) if focused else Qt.PenStyle.NoPen)
            painter.setBrush(colors.hover if hovered else colors.panel)
            painter.drawRoundedRect(row, 6, 6)
        text = row.adjusted(10, 2, -8, -2)
        font = QFont(option.font)
        font.setItalic(undone)
        painter.setFont(font)
        painter.setPen(colors.muted if undone else colors.text)
        name = QFontMetrics(font).elidedText(str(index.data()), Qt.TextElideMode.ElideRight, text.width())
        painter.drawText(text, int(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft), name)
        small = QFont(option.font)
        small.setPixelSize(SMALL_PX)
        painter.setFont(small)
        painter.setPen(colors.muted)
        below = f"undone · {index.data(ABOUT)}" if undone else str(index.data(ABOUT))
        about = QFontMetrics(small).elidedText(below, Qt.TextElideMode.ElideRight, text.width())
        painter.drawText(text, int(Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft), about)
