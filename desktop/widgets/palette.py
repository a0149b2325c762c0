"""The command palette: type a few letters of any action and press Enter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import shiboken6
from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QAction, QFocusEvent, QFontMetrics, QIcon, QKeyEvent, QKeySequence, QPainter, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from desktop.models.fuzzy import rank
from desktop.theme import GAP, PAD, mono_font, theme
from desktop.widgets.parts import words

WIDTH, ROWS, ROW = 620, 11, 36
RECENT_KEPT = 8
# Losing the focus closes the palette, but not to another program or to the menu of the text field.
STAYS = (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason)
COMMAND = Qt.ItemDataRole.UserRole
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Command:
    """An action with its name among all actions, where it belongs, and why it cannot be done, if so."""

    id: str
    action: QAction
    place: str
    why: str = ""

    @property
    def text(self) -> str:
        return self.action.text().replace("&", "").rstrip("…")

    @property
    def keys(self) -> str:
        return "  ".join(
            key.toString(QKeySequence.SequenceFormat.NativeText) for key in self.action.shortcuts() if not key.isEmpty()
        )


def offered(commands: Sequence[Command], query: str, recent: Sequence[str]) -> list[Command]:
    """What fits `query`, what can be done before what cannot; without a query the recent ones come first."""
    order = {name: place for place, name in enumerate(recent)}
    by_recency = sorted(commands, key=lambda command: order.get(command.id, len(order)))
    found = rank(query, by_recency, lambda command: f"{command.text} {command.place}") if query.strip() else by_recency
    return sorted(found, key=lambda command: not command.action.isEnabled())


class CommandPalette(QFrame):
    """Lies over the window. Up and Down go through the list, Enter chooses, Esc or a click beside it leaves.

    Whoever made it runs what was `chosen`; by then the focus is where it was before.
    """

    chosen = Signal(object)  # the Command to run

    def __init__(self, window: QWidget) -> None:
        # A part of the window, since on some desktops a program cannot place a window of its own.
        super().__init__(window)
        self.setProperty("role", "palette")
        self.setAccessibleName("Run an action")
        self._commands: Sequence[Command] = ()
        self._recent: Sequence[str] = ()
        self._window = window
        self._focus_before: QWidget | None = None
        self.search = _Search()
        self.search.setPlaceholderText("Type what you want to do")
        self.search.setAccessibleName("What you want to do")
        self.search.stepped.connect(self._go)
        self.search.entered.connect(self.run)
        self.search.left.connect(self.leave)
        self.search.textChanged.connect(self._filter)
        self.list = QListView()
        self.list.setAccessibleName("Actions")
        self.list.setModel(_Model(self.list))
        self.list.setItemDelegate(_Delegate(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.clicked.connect(lambda _index: self.run())
        self.about = words("", "small")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(PAD, PAD, PAD, GAP)
        layout.setSpacing(GAP)
        layout.addWidget(self.search)
        layout.addWidget(self.list)
        layout.addWidget(self.about)
        self.list.selectionModel().currentChanged.connect(lambda _now, _before: self._explain())
        self.search.lost.connect(self.hide)
        self.hide()

    def open(self, commands: Sequence[Command], recent: Sequence[str]) -> None:
        """Offer `commands`, ready to be typed into; the `recent` ones, the latest first, come before the others."""
        self._commands, self._recent = commands, recent
        self._focus_before = QApplication.focusWidget()
        self.search.clear()
        self._filter("")
        self._place()
        self.show()
        self.raise_()
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)

    def leave(self) -> None:
        """Close, and give the focus back."""
        before, self._focus_before = self._focus_before, None
        self.hide()
        if before is not None and shiboken6.isValid(before):
            before.setFocus(Qt.FocusReason.PopupFocusReason)

    @property
    def shown(self) -> list[Command]:
        """What is offered now, the best first."""
        model = self.list.model()
        assert isinstance(model, _Model)
        return list(model.commands)

    def run(self) -> None:
        """Choose the action in front. One that cannot be done now keeps the palette open, with the reason below."""
        command: Command | None = self.list.currentIndex().data(COMMAND)
        if command is None or not command.action.isEnabled():
            return
        self.leave()
        self.chosen.emit(command)

    def _place(self) -> None:
        window = self._window
        width = min(WIDTH, window.width() - 40)
        height = min(ROWS * ROW + 96, window.height() - 80)
        self.setGeometry((window.width() - width) // 2, min(72, window.height() // 10), width, height)

    def _go(self, by: int) -> None:
        count = self.list.model().rowCount()
        if not count:
            return
        row = self.list.currentIndex().row()
        # One step past an end comes round; a page stops there.
        row = (row + by) % count if abs(by) == 1 else max(0, min(count - 1, row + by))
        self.list.setCurrentIndex(self.list.model().index(row, 0))

    def _filter(self, query: str) -> None:
        model = self.list.model()
        assert isinstance(model, _Model)
        model.show_commands(offered(self._commands, query, self._recent))
        self.list.setCurrentIndex(model.index(0, 0))
        self._explain()

    def _explain(self) -> None:
        command: Command | None = self.list.currentIndex().data(COMMAND)
        if command is None:
            self.about.setText("No action reads like that")
        elif not command.action.isEnabled():
            self.about.setText(command.why)
        else:
            self.about.setText(command.action.toolTip().split("   ")[0].split("\n")[0])


class _Search(QLineEdit):
    """Leaves to the list the keys that are for it."""

    stepped = Signal(int)  # rows to go on
    entered = Signal()
    left = Signal()  # Esc
    lost = Signal()  # the focus went elsewhere in the window

    def event(self, event: QEvent) -> bool:
        # Tab would leave for the next widget before keyPressEvent saw it.
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and self._take(Qt.Key(event.key())):
            return True
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() not in STAYS:
            self.lost.emit()

    def _take(self, key: Qt.Key) -> bool:
        page = ROWS - 1
        steps = {
            Qt.Key.Key_Down: 1, Qt.Key.Key_Tab: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_Backtab: -1,
            Qt.Key.Key_PageDown: page, Qt.Key.Key_PageUp: -page,
        }  # fmt: skip
        if key in steps:
            self.stepped.emit(steps[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.entered.emit()
        elif key == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            return False
        return True


class _Model(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.commands: list[Command] = []

    def show_commands(self, commands: list[Command]) -> None:
        self.beginResetModel()
        self.commands = commands
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.commands)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        command = self.commands[index.row()]
        if role == COMMAND:
            return command
        if role == Qt.ItemDataRole.DisplayRole:
            return command.text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            state = "" if command.action.isEnabled() else f", not possible: {command.why}"
            return f"{command.text}, {command.place} {command.keys}{state}"
        return None


class _Delegate(QStyledItemDelegate):
    """Icon and text at the left, where it belongs after it, the keys at the right."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        command: Command = index.data(COMMAND)
        able = command.action.isEnabled()
        painter.save()
        row = option.rect.adjusted(0, 1, 0, -1)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme().selected)
            painter.drawRoundedRect(row, 6, 6)
        inner = row.adjusted(PAD, 0, -PAD, 0)
        picture = QRect(inner.left(), inner.center().y() - 8, 17, 17)
        mode = QIcon.Mode.Normal if able else QIcon.Mode.Disabled
        command.action.icon().paint(painter, picture, Qt.AlignmentFlag.AlignCenter, mode)
        inner.setLeft(picture.right() + PAD)
        painter.setFont(mono_font())
        keys = command.keys
        room = QFontMetrics(painter.font()).horizontalAdvance(keys) + PAD if keys else 0
        painter.setPen(theme().muted if able else theme().disabled)
        painter.drawText(inner, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), keys)
        inner.setRight(inner.right() - room)
        painter.setFont(option.font)
        metrics = QFontMetrics(option.font)
        text = metrics.elidedText(command.text, Qt.TextElideMode.ElideRight, inner.width())
        painter.setPen(option.palette.color(QPalette.ColorRole.Text) if able else theme().disabled)
        painter.drawText(inner, int(Qt.AlignmentFlag.AlignVCenter), text)
        inner.setLeft(inner.left() + metrics.horizontalAdvance(text) + PAD)
        note = command.place if able else command.why
        painter.setPen(theme().muted if able else theme().disabled)
        note = metrics.elidedText(note, Qt.TextElideMode.ElideRight, max(0, inner.width()))
        painter.drawText(inner, int(Qt.AlignmentFlag.AlignVCenter), note)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(WIDTH // 2, ROW)


def remembered(recent: Sequence[str], run: str) -> tuple[str, ...]:
    """The recent commands with `run` at their head."""
    return (run, *(name for name in recent if name != run))[:RECENT_KEPT]
