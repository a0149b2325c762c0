"""In which encoding a table is that is no Unicode text: each is shown with what the table says in it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from core.formats.text import ENCODINGS, EncodingError
from desktop.kit.dialog_frame import add_row, new_form

_UNSET = "Choose the one that reads right"


class EncodingChooser(QWidget):
    """One field; says `changed` once an encoding is chosen."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        rows = new_form()
        layout.addLayout(rows)
        self._field = QComboBox()
        self._field.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._field.setMinimumContentsLength(20)
        add_row(rows, "Encoding", self._field)
        self._field.activated.connect(self._choose)
        self.hide()

    @property
    def encoding(self) -> str | None:
        """The chosen encoding; None while nothing is asked, or chosen."""
        name: str | None = self._field.currentData()
        return name

    def ask(self, error: EncodingError) -> None:
        """Show the field with what the table says in each encoding."""
        self._field.clear()
        self._field.addItem(_UNSET, None)
        for name in ENCODINGS:
            if text := error.read_as(name):
                self._field.addItem(f"{name}: {text}", name)
        self.show()

    def choose(self, name: str) -> None:
        """As if a user had chosen the encoding of this name."""
        self._field.setCurrentIndex(self._field.findData(name))
        self._choose()

    def clear(self) -> None:
        """Ask for nothing."""
        self._field.clear()
        self.hide()

    def _choose(self) -> None:
        if self.encoding is not None:
            self.changed.emit()
