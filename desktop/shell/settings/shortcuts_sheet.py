"""All keys on one sheet that can be searched: those in force, by where they are heard."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from desktop.base import actions
from desktop.base.key_choice import KeyChoice, to_native
from desktop.base.theme import GAP, PAD, mono_font
from desktop.kit.parts import words
from desktop.kit.screen_room import resize_within_screen

Row = tuple[str, str]  # keys, what they do
HAND = "Mouse and hand"


def rows_of(choice: KeyChoice, scope: str) -> list[Row]:
    """The actions of a scope that have keys, the digits of labels in one row."""
    rows, digits = [], []
    for name, spec in actions.SCOPES[scope].items():
        keys = to_native(choice.find_keys(f"{scope}.{name}"))
        if keys and spec in actions.LABEL_DIGITS:
            digits.append(keys[0])
        elif keys:
            rows.append((", ".join(keys), spec.text.rstrip("…")))
    if digits:
        rows.append(
            (f"{digits[0]} … {digits[-1]}", "Toggle the label of that digit on the selected boxes or the next box")
        )
    return rows


def groups_of(choice: KeyChoice, page: str) -> list[tuple[str, list[Row]]]:
    """Titles and rows: the page in front, what the user does, what is heard everywhere, and the other pages."""
    order = [scope for scope in (page, "window", *actions.SCOPES) if scope]
    groups = [(actions.SCOPE_TITLES[scope], rows_of(choice, scope)) for scope in dict.fromkeys(order)]
    groups.insert(min(1, len(groups)), (HAND, list(actions.MORE_KEYS)))
    return [(title, rows) for title, rows in groups if rows]


class ShortcutsDialog(QDialog):
    """Typing narrows the sheet down to what matches, by name or by key."""

    change_wanted = Signal()  # the keys are to be changed

    def __init__(self, choice: KeyChoice, page: str, parent: QWidget | None = None) -> None:
        """`page` is the scope of the page in front; empty for none."""
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        resize_within_screen(self, 980, 640)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find an action or a key")
        self.search.setAccessibleName("Find an action or a key")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter_groups)
        self._groups = [_Group(title, rows) for title, rows in groups_of(choice, page)]
        self._nothing = words("No action or key reads like that.", "muted")
        self._nothing.hide()
        self._scroll = self._make_columns()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        change = buttons.addButton("Change keys…", QDialogButtonBox.ButtonRole.ActionRole)
        change.setAutoDefault(False)
        change.clicked.connect(self._ask_change)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * PAD, 2 * PAD, 2 * PAD, PAD + GAP)
        layout.setSpacing(PAD)
        layout.addWidget(self.search)
        layout.addWidget(self._nothing)
        layout.addWidget(self._scroll, 1)
        layout.addWidget(buttons)
        self.search.setFocus()

    def shown_rows(self) -> list[Row]:
        """What the search has left."""
        return [row for group in self._groups for row in group.shown_rows()]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        pages = {Qt.Key.Key_PageDown: 1, Qt.Key.Key_PageUp: -1, Qt.Key.Key_Down: 0.2, Qt.Key.Key_Up: -0.2}
        step = pages.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        bar = self._scroll.verticalScrollBar()
        bar.setValue(bar.value() + round(step * bar.pageStep()))

    def _ask_change(self) -> None:
        self.accept()
        self.change_wanted.emit()

    def _filter_groups(self, text: str) -> None:
        wanted = text.casefold().split()
        for group in self._groups:
            group.filter(wanted)
        self._nothing.setVisible(not self.shown_rows())

    def _make_columns(self) -> QScrollArea:
        inside = QWidget()
        inside.setObjectName("scrolled")
        columns = QHBoxLayout(inside)
        columns.setContentsMargins(0, 0, PAD, 0)
        columns.setSpacing(3 * PAD)
        for groups in _balance_columns(self._groups):
            column = QVBoxLayout()
            column.setSpacing(2 * PAD)
            for group in groups:
                column.addWidget(group)
            column.addStretch(1)
            columns.addLayout(column, 1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        return scroll


class _Group(QWidget):
    """A title and its rows."""

    def __init__(self, title: str, rows: Sequence[Row]) -> None:
        super().__init__()
        self.rows = rows
        self._title = title
        self._labels: list[tuple[QLabel, QLabel]] = []
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(PAD)
        grid.setVerticalSpacing(6)
        grid.addWidget(words(title, "heading"), 0, 0, 1, 2)
        for number, (keys, text) in enumerate(rows, start=1):
            key = words(keys, "muted", wrap=True)
            key.setFont(mono_font())
            key.setFixedWidth(150)
            meaning = words(text, wrap=True)
            grid.addWidget(key, number, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(meaning, number, 1, Qt.AlignmentFlag.AlignTop)
            self._labels.append((key, meaning))
        grid.setColumnStretch(1, 1)

    def filter(self, wanted: Sequence[str]) -> None:
        """Hide the rows that do not hold all of the words."""
        for (keys, text), labels in zip(self.rows, self._labels, strict=True):
            shown = all(word in f"{keys} {text} {self._title}".casefold() for word in wanted)
            for label in labels:
                label.setVisible(shown)
        self.setVisible(bool(self.shown_rows()))

    def shown_rows(self) -> list[Row]:
        return [row for row, (key, _) in zip(self.rows, self._labels, strict=True) if not key.isHidden()]


def _balance_columns(groups: Sequence[_Group]) -> tuple[list[_Group], list[_Group]]:
    """Two columns of about the same height, in order."""
    heights = [len(group.rows) + 2 for group in groups]
    cut = min(range(len(groups) + 1), key=lambda at: abs(sum(heights[:at]) - sum(heights[at:])))
    return list(groups[:cut]), list(groups[cut:])
