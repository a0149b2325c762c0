"""Which columns of a table hold the image, the label and the box, where its headers do not tell."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from core.formats.csv_columns import BOX, FORMS, ColumnsError
from desktop.kit.dialog_frame import add_row, new_form

_TITLES = ("Two corners: x1, y1, x2, y2", "Centre and size: cx, cy, w, h", "Upper left corner and size: x, y, w, h")
_UNSET = "Choose a column"


class ColumnChooser(QWidget):
    """A field for each column that is not known by its name; says `changed` once all of them are chosen."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._rows = new_form()
        layout.addLayout(self._rows)
        self._form = QComboBox()
        for title, fields in zip(_TITLES, FORMS, strict=True):
            self._form.addItem(title, fields)
        self._fields = {
            name: QComboBox() for name in dict.fromkeys(("image", "label", *(n for form in FORMS for n in form)))
        }
        for name in ("image", "label"):
            add_row(self._rows, f"{name.capitalize()} column", self._fields[name])
        add_row(self._rows, "Box is given by", self._form)
        for name, field in self._fields.items():
            if name not in ("image", "label"):
                add_row(self._rows, f"{name} column", field)
            field.currentIndexChanged.connect(self._choice_changed)
        self._missing: tuple[str, ...] = ()
        self._form.currentIndexChanged.connect(self._form_changed)
        self.hide()

    @property
    def columns(self) -> dict[str, str]:
        """Names of columns by our names; empty until all are chosen."""
        asked = [self._fields[name] for name in self._list_asked()]
        if not asked or any(field.currentIndex() <= 0 for field in asked):
            return {}
        return {name: self._fields[name].currentText() for name in self._list_asked()}

    def ask(self, error: ColumnsError) -> None:
        """Show a field for each column that the table lacks."""
        self._missing = error.missing
        for field in self._fields.values():
            field.clear()
            field.addItems([_UNSET, *(name.strip() for name in error.header)])
        self._show_asked()
        self.show()

    def clear(self) -> None:
        """Ask for nothing."""
        self._missing = ()
        self.hide()

    def _list_asked(self) -> list[str]:
        names = [name for name in self._missing if name != BOX]
        return [*names, *self._form.currentData()] if BOX in self._missing else names

    def _show_asked(self) -> None:
        asked = set(self._list_asked())
        self._rows.setRowVisible(self._form, BOX in self._missing)
        for name, field in self._fields.items():
            self._rows.setRowVisible(field, name in asked)

    def _form_changed(self) -> None:
        self._show_asked()
        self._choice_changed()

    def _choice_changed(self) -> None:
        if self.columns:
            self.changed.emit()
