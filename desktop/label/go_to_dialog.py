"""Asks for the number of an image in the list."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from desktop.kit.dialog_frame import DialogFrame, add_row, numeric
from desktop.kit.number_fields import WholeSpinBox


class GoToDialog(DialogFrame):
    """Afterwards `place` is the number that was chosen, counted from 1."""

    def __init__(self, place: int, count: int, parent: QWidget | None = None) -> None:
        super().__init__("Go to image", confirm="Go", parent=parent, width=340)
        self._number = WholeSpinBox(1, count, place)
        self._number.setGroupSeparatorShown(True)
        numeric(self._number, "Number of the image")
        add_row(self.add_form(), f"Number, 1 to {count:,}", self._number)
        self._number.selectAll()
        self._number.setFocus()

    @property
    def place(self) -> int:
        return self._number.value()
