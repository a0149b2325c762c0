"""The type-ahead picker of labels: opens at a box, filters while one types, ticks by keys or mouse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QRect, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QMouseEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QLineEdit, QListView, QVBoxLayout, QWidget

from core.types import Label, label_name_fault
from desktop.base.theme import GAP
from desktop.kit.parts import icon_button, words
from desktop.label.labels.label_match import find_matches, fold_name, same_name
from desktop.label.labels.label_picker_list import CREATE, PICK, ROW, PickerDelegate, PickerModel, tick_rect

WIDTH = 340
ROWS = 9  # in sight at most
MARGIN = 8  # kept free to the edges of what it opens over
FOOT = "Enter sets and closes · Shift+Enter or Space sets and stays · Esc closes"
STEPS = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -ROWS, Qt.Key.Key_PageDown: ROWS}


@dataclass(frozen=True, slots=True)
class Pickable:
    """What the picker shows: the labels, and how many boxes carry them."""

    labels: tuple[Label, ...]
    sets: tuple[frozenset[int], ...]  # of the boxes that are labelled
    recent: tuple[int, ...] = ()  # label ids, the latest first
    counts: Mapping[str, int] | None = None  # boxes by label name


class LabelPicker(QFrame):
    """Lies over `host`. Announces what is ticked; whoever answers shows the result with `show_labels`."""

    toggled = Signal(int)  # label id
    create_wanted = Signal(str)  # name of a new label, to be ticked as well
    closed = Signal()

    def __init__(self, host: QWidget) -> None:
        super().__init__(host)
        self._host = host
        self.setProperty("role", "popup")
        self.setAccessibleName("Labels of the selected boxes")
        self._about = words("", "section")
        self._field = QLineEdit(placeholderText="Type a label")
        self._field.setAccessibleName("Label to set")
        self._field.setMaxLength(120)
        self._model = PickerModel(self)
        self._view = _List()
        self._view.setModel(self._model)
        self._foot = words(FOOT, "small", wrap=True)
        self._pickable = Pickable((), ())
        self._order: tuple[int, ...] = ()
        self._anchor = QRect()
        self._place_parts()
        self._field.textChanged.connect(self._filter_labels)
        self._field.installEventFilter(self)
        self._view.chosen.connect(self._take_click)
        self.hide()

    def _place_parts(self) -> None:
        close = icon_button("close", "Close")
        close.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        close.clicked.connect(self.dismiss)
        head = QHBoxLayout()
        head.addWidget(self._about, 1)
        head.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GAP, GAP - 2, GAP, GAP)
        layout.setSpacing(6)
        layout.addLayout(head)
        layout.addWidget(self._field)
        layout.addWidget(self._view)
        layout.addWidget(self._foot)
        self.setFixedWidth(WIDTH)

    # -- for whoever opens it

    def open_at(self, anchor: QRect, pickable: Pickable, about: str) -> None:
        """Open beside `anchor` (in the host's pixels), where there is room."""
        self._about.setText(about)
        self._anchor = anchor
        # The order stays while it is open: what was just ticked must not jump away from under the mouse.
        self._order = pickable.recent
        self._pickable = pickable
        self._field.clear()
        self._filter_labels()
        self._highlight_first_open()
        self.show()
        self.raise_()
        self._fit_host()
        self._field.setFocus(Qt.FocusReason.PopupFocusReason)
        QApplication.instance().installEventFilter(self)  # type: ignore[union-attr]

    def show_labels(self, pickable: Pickable) -> None:
        """Show ticks and labels as they are now."""
        self._pickable = pickable
        self._filter_labels(keep=True)

    def dismiss(self) -> None:
        if self.isVisible():
            QApplication.instance().removeEventFilter(self)  # type: ignore[union-attr]
            self.hide()
            self.closed.emit()

    # -- what is listed

    def _filter_labels(self, _typed: str = "", *, keep: bool = False) -> None:
        typed = self._field.text()
        row = self._view.currentIndex().row()
        found = find_matches(self._pickable.labels, typed, self._order)
        name = " ".join(typed.split())
        creatable = bool(name) and same_name(self._pickable.labels, name) is None and not label_name_fault(name)
        recent = len(self._order) if not name else 0
        self._model.show_matches(found, self._pickable.sets, self._pickable.counts or {}, name * creatable, recent)
        self._highlight_row(min(max(row, 0), self._model.rowCount() - 1) if keep else 0)
        self._view.setFixedHeight(min(max(self._model.rowCount(), 1), ROWS) * ROW + 4)
        self._fit_host()

    def _highlight_first_open(self) -> None:
        """At first the latest label that is not set yet: Enter twice sets what was set last."""
        unticked = (row for row in range(self._model.rowCount()) if not self._model.is_ticked(row))
        self._highlight_row(next(unticked, 0))

    def _highlight_row(self, row: int) -> None:
        self._view.setCurrentIndex(self._model.index(row))

    def _fit_host(self) -> None:
        """Beside the anchor: right of it, else left, never over the edge of the host."""
        host = self._host.rect().adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        size = self.sizeHint()
        height = min(size.height(), host.height())
        left = self._anchor.right() + MARGIN
        if left + WIDTH > host.right():
            left = self._anchor.left() - MARGIN - WIDTH
        left = min(max(left, host.left()), max(host.right() - WIDTH, host.left()))
        top = min(max(self._anchor.top(), host.top()), max(host.bottom() - height, host.top()))
        self.setGeometry(left, top, WIDTH, height)

    # -- keys and mouse

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._field:
            if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
                return self._take_key(event)
            if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
                # No key means anything to the page while labels are picked, but for undo and redo.
                if not event.matches(QKeySequence.StandardKey.Undo) and not event.matches(
                    QKeySequence.StandardKey.Redo
                ):
                    event.accept()
                return True
        elif (
            event.type() == QEvent.Type.MouseButtonPress
            and isinstance(watched, QWidget)
            and isinstance(event, QMouseEvent)
            and watched is not self
            and not self.isAncestorOf(watched)
        ):
            self.dismiss()
        return False

    def _take_key(self, event: QKeyEvent) -> bool:
        key = Qt.Key(event.key())
        stays = bool(event.modifiers() & (Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier))
        typed = self._field.text()
        if key in STEPS:
            last = self._model.rowCount() - 1
            row = self._view.currentIndex().row() + STEPS[key]
            # One step round the end is a short way; a leap stops there.
            self._highlight_row(row % (last + 1) if abs(STEPS[key]) == 1 else min(max(row, 0), last))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._take_row(self._view.currentIndex().row(), stays=stays)
        elif key == Qt.Key.Key_Space and not typed:
            self._take_row(self._view.currentIndex().row(), stays=True)
        elif key == Qt.Key.Key_Escape:
            self.dismiss()
        elif key in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
            pass  # there is nowhere else to go in here
        elif not typed and (label := self._label_of_digit(event.text())) is not None:
            self.toggled.emit(label.id)
        else:
            return False
        return True

    def _label_of_digit(self, text: str) -> Label | None:
        """The label whose key this is; None where it may be the first letter of a name."""
        if not text.isdigit() or any(fold_name(label.name)[0].startswith(text) for label in self._pickable.labels):
            return None
        return next((label for label in self._pickable.labels if label.shortcut == text), None)

    def _take_click(self, row: int, stays: bool) -> None:
        self._highlight_row(row)
        self._take_row(row, stays=stays)

    def _take_row(self, row: int, *, stays: bool) -> None:
        """Tick or untick the label of a row, or create it."""
        index = self._model.index(row)
        if not index.isValid():
            return
        pick: Label | None = index.data(PICK)
        name: str = index.data(CREATE)
        if not stays:
            self.dismiss()
        else:
            self._field.clear()
        if pick is not None:
            self.toggled.emit(pick.id)
        else:
            self.create_wanted.emit(name)

    def hideEvent(self, event: QEvent) -> None:
        # Also when the page is left.
        QApplication.instance().removeEventFilter(self)  # type: ignore[union-attr]
        super().hideEvent(event)  # type: ignore[arg-type]


class _List(QListView):
    chosen = Signal(int, bool)  # row; whether the picker stays: the tick was clicked, or a modifier held

    def __init__(self) -> None:
        super().__init__()
        self.setItemDelegate(PickerDelegate(self))
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Labels that fit")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and event.button() == Qt.MouseButton.LeftButton:
            on_tick = tick_rect(self.visualRect(index)).contains(event.position().toPoint())
            self.chosen.emit(index.row(), on_tick or event.modifiers() != Qt.KeyboardModifier.NoModifier)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)
