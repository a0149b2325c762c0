"""All keys on one sheet, built from the table of actions."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from desktop import actions
from desktop.theme import GAP, PAD, mono_font
from desktop.widgets.parts import words

Row = tuple[str, str]  # keys, what they do


def rows_of(specs: Iterable[actions.ActionSpec]) -> list[Row]:
    """The actions that have keys."""
    rows = []
    for spec in specs:
        if spec.keys:
            native = QKeySequence.SequenceFormat.NativeText
            keys = ", ".join(QKeySequence(key).toString(native) for key in spec.keys)
            rows.append((keys, spec.text.rstrip("…")))
    return rows


class ShortcutsDialog(QDialog):
    """Two columns: images and boxes, and the window."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        columns = QHBoxLayout()
        columns.setSpacing(3 * PAD)
        for title, rows in (
            ("Images and boxes", rows_of((*actions.LABEL_BOXES, *actions.LABEL_VIEW, *actions.LABEL_IMAGES))),
            ("Mouse and hand", list(actions.MORE_KEYS)),
            ("Window", rows_of(actions.WINDOW)),
        ):
            columns.addLayout(_column(title, rows), 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * PAD, 2 * PAD, 2 * PAD, PAD + GAP)
        layout.setSpacing(PAD)
        layout.addLayout(columns)
        layout.addWidget(buttons)


def _column(title: str, rows: list[Row]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(PAD)
    grid.setVerticalSpacing(6)
    grid.addWidget(words(title, "heading"), 0, 0, 1, 2)
    for number, (keys, text) in enumerate(rows, start=1):
        key = words(keys, "muted", wrap=True)
        key.setFont(mono_font())
        key.setMinimumWidth(120)
        meaning = words(text, wrap=True)
        meaning.setMinimumWidth(150)
        grid.addWidget(key, number, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(meaning, number, 1, Qt.AlignmentFlag.AlignTop)
    grid.setColumnStretch(1, 1)
    grid.setRowStretch(len(rows) + 1, 1)
    return grid
