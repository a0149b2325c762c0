"""The command palette: type a few letters of any action, a label or an image, and press Enter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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
from PySide6.QtGui import QAction, QFocusEvent, QFont, QFontMetrics, QIcon, QKeyEvent, QKeySequence, QPainter, QPalette
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

from desktop.base.theme import GAP, PAD, SMALL_PX, mono_font, theme
from desktop.kit.parts import words
from desktop.shell.fuzzy import rank_items

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

    @property
    def able(self) -> bool:
        return self.action.isEnabled()

    @property
    def icon(self) -> QIcon:
        return self.action.icon()

    @property
    def tip(self) -> str:
        return self.action.toolTip().split("   ")[0].split("\n")[0]


@dataclass(frozen=True, slots=True)
class PaletteResult:
    """Something else that can be gone to."""

    section: str
    text: str
    place: str  # what is said about it beside its name
    go: Callable[[], object]
    icon: QIcon
    tip: str
    keys: str = ""
    able: bool = True
    why: str = ""


Entry = Command | PaletteResult
Row = Entry | str  # a text is the heading of what follows


def arrange_rows(commands: Sequence[Command], found: Iterable[PaletteResult], query: str) -> list[Row]:
    """Actions that read as typed, then what else was found, then actions that the letters may mean all the same."""
    sections: dict[str, list[Row]] = {}
    for one in found:
        sections.setdefault(one.section, []).append(one)
    if not sections:
        return list(commands)
    words = query.casefold().split()
    literal = [one for one in commands if all(word in one.text.casefold() for word in words)]
    others = [one for one in commands if one not in literal]
    rows: list[Row] = ["Actions", *literal] if literal else []
    for section, entries in sections.items():
        rows += [section, *entries]
    return [*rows, "Other actions" if literal else "Actions", *others] if others else rows


def list_offered(commands: Sequence[Command], query: str, recent: Sequence[str]) -> list[Command]:
    """What fits `query`, what can be done before what cannot; without a query the recent ones come first."""
    order = {name: place for place, name in enumerate(recent)}
    by_recency = sorted(commands, key=lambda command: order.get(command.id, len(order)))
    found = (
        rank_items(query, by_recency, lambda command: f"{command.text} {command.place}")
        if query.strip()
        else by_recency
    )
    return sorted(found, key=lambda command: not command.action.isEnabled())


class CommandPalette(QFrame):
    """Lies over the window. Up and Down go through the list, Enter chooses, Esc or a click beside it leaves.

    Whoever made it runs what was `chosen`; by then the focus is where it was before.
    """

    chosen = Signal(object)  # the Command to run, or the PaletteResult to go to

    def __init__(self, window: QWidget) -> None:
        # A part of the window, since on some desktops a program cannot place a window of its own.
        super().__init__(window)
        self.setProperty("role", "palette")
        self.setAccessibleName("Run an action")
        self._commands: Sequence[Command] = ()
        self._recent: Sequence[str] = ()
        self._find: Callable[[str], Iterable[PaletteResult]] = lambda _query: ()
        self._window = window
        self._focus_before: QWidget | None = None
        self.search = _Search()
        self.search.setPlaceholderText("Type an action, a label or an image")
        self.search.setAccessibleName("Action, label or image")
        self.search.stepped.connect(self._step_rows)
        self.search.entered.connect(self.run_current)
        self.search.left.connect(self.close_palette)
        self.search.textChanged.connect(self._filter_rows)
        self.list = QListView()
        self.list.setAccessibleName("What fits")
        self.list.setModel(_Model(self.list))
        self.list.setItemDelegate(_Delegate(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.clicked.connect(lambda _index: self.run_current())
        self.about = words("", "small")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(PAD, PAD, PAD, GAP)
        layout.setSpacing(GAP)
        layout.addWidget(self.search)
        layout.addWidget(self.list)
        layout.addWidget(self.about)
        self.list.selectionModel().currentChanged.connect(lambda _now, _before: self._explain_row())
        self.search.lost.connect(self.hide)
        self.hide()

    def open_with(
        self,
        commands: Sequence[Command],
        recent: Sequence[str],
        find: Callable[[str], Iterable[PaletteResult]] = lambda _query: (),
    ) -> None:
        """Offer `commands`, ready to be typed into; the `recent` ones, the latest first, come before the others.

        `find` says what else fits what is typed.
        """
        self._commands, self._recent, self._find = commands, recent, find
        self._focus_before = QApplication.focusWidget()
        self.search.clear()
        self._filter_rows("")
        self.show()
        self.raise_()
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)

    def close_palette(self) -> None:
        """Close, and give the focus back."""
        before, self._focus_before = self._focus_before, None
        self.hide()
        if before is not None and shiboken6.isValid(before):
            before.setFocus(Qt.FocusReason.PopupFocusReason)

    @property
    def shown(self) -> list[Entry]:
        """What is offered now, the best first."""
        model = self.list.model()
        assert isinstance(model, _Model)
        return [row for row in model.rows if not isinstance(row, str)]

    def run_current(self) -> None:
        """Choose what is in front. What cannot be done now keeps the palette open, with the reason below."""
        command: Entry | None = self.list.currentIndex().data(COMMAND)
        if command is None or not command.able:
            return
        self.close_palette()
        self.chosen.emit(command)

    def _place_over_window(self) -> None:
        window = self._window
        width = min(WIDTH, window.width() - 40)
        rows = min(self.list.model().rowCount(), ROWS)
        self.list.setVisible(rows > 0)
        self.list.setFixedHeight(min(rows * ROW + 4, window.height() - 200))
        height = self.sizeHint().height()
        self.setGeometry((window.width() - width) // 2, min(72, window.height() // 10), width, height)

    def _step_rows(self, by: int) -> None:
        count = self.list.model().rowCount()
        if not count:
            return
        row = self.list.currentIndex().row()
        # One step past an end comes round; a page stops there.
        row = (row + by) % count if abs(by) == 1 else max(0, min(count - 1, row + by))
        self._highlight_row(row, 1 if by > 0 else -1)

    def _highlight_row(self, row: int, way: int) -> None:
        """Highlight a row, or where it is a heading the next one that is none."""
        model = self.list.model()
        assert isinstance(model, _Model)
        while model.rows and isinstance(model.rows[row], str):
            row = (row + way) % len(model.rows)
        self.list.setCurrentIndex(model.index(row, 0))
        if row == 1:
            self.list.scrollToTop()

    def _filter_rows(self, query: str) -> None:
        model = self.list.model()
        assert isinstance(model, _Model)
        model.show_rows(arrange_rows(list_offered(self._commands, query, self._recent), self._find(query), query))
        self._highlight_row(0, 1)
        self._explain_row()
        self._place_over_window()

    def _explain_row(self) -> None:
        command: Entry | None = self.list.currentIndex().data(COMMAND)
        if command is None:
            self.about.setText("Nothing reads like that")
        else:
            self.about.setText(command.tip if command.able else command.why)


class _Search(QLineEdit):
    """Leaves to the list the keys that are for it."""

    stepped = Signal(int)  # rows to go on
    entered = Signal()
    left = Signal()  # Esc
    lost = Signal()  # the focus went elsewhere in the window

    def event(self, event: QEvent) -> bool:
        # Tab would leave for the next widget before keyPressEvent saw it.
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and self._take_key(Qt.Key(event.key()))
        ):
            return True
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() not in STAYS:
            self.lost.emit()

    def _take_key(self, key: Qt.Key) -> bool:
        page = ROWS - 1
        steps = {
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_Tab: 1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_Backtab: -1,
            Qt.Key.Key_PageDown: page,
            Qt.Key.Key_PageUp: -page,
        }
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
        self.rows: list[Row] = []

    def show_rows(self, rows: list[Row]) -> None:
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def flags(self, index: Index) -> Qt.ItemFlag:
        heading = index.isValid() and isinstance(self.rows[index.row()], str)
        return Qt.ItemFlag.NoItemFlags if heading else super().flags(index)

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        command = self.rows[index.row()]
        if isinstance(command, str):
            return command if role == Qt.ItemDataRole.DisplayRole else None
        if role == COMMAND:
            return command
        if role == Qt.ItemDataRole.DisplayRole:
            return command.text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            state = "" if command.able else f", not possible: {command.why}"
            return f"{command.text}, {command.place} {command.keys}{state}"
        return None


class _Delegate(QStyledItemDelegate):
    """Icon and text at the left, where it belongs after it, the keys at the right."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        command: Entry | None = index.data(COMMAND)
        if command is None:
            _paint_heading(painter, option, str(index.data()))
            return
        able = command.able
        painter.save()
        row = option.rect.adjusted(0, 1, 0, -1)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme().selected)
            painter.drawRoundedRect(row, 6, 6)
        inner = row.adjusted(PAD, 0, -PAD, 0)
        picture = QRect(inner.left(), inner.center().y() - 8, 17, 17)
        mode = QIcon.Mode.Normal if able else QIcon.Mode.Disabled
        command.icon.paint(painter, picture, Qt.AlignmentFlag.AlignCenter, mode)
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


def _paint_heading(painter: QPainter, option: QStyleOptionViewItem, text: str) -> None:
    painter.save()
    font = QFont(option.font)
    font.setPixelSize(SMALL_PX)
    font.setWeight(QFont.Weight.DemiBold)
    painter.setFont(font)
    painter.setPen(theme().muted)
    place = option.rect.adjusted(PAD, 0, -PAD, -5)
    painter.drawText(place, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom), text)
    painter.restore()


def remember_command(recent: Sequence[str], run: str) -> tuple[str, ...]:
    """The recent commands with `run` at their head."""
    return (run, *(name for name in recent if name != run))[:RECENT_KEPT]
