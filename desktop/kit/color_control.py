"""A colour in a form: a swatch that opens the colour dialog, and its code."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QColorDialog, QLineEdit, QPushButton, QToolButton

from desktop.base.theme import notifier
from desktop.kit.field_controls import Control
from desktop.kit.parts import icon_button, swatch

CODE_WIDTH = 116


class ColorControl(Control):
    """A colour as #rrggbb. With `follows`, a sentence, it may be empty as well: then the program chooses it."""

    def __init__(self, follows: str = "") -> None:
        super().__init__()
        self.button = QPushButton()
        self.button.setIconSize(QSize(18, 18))
        self.button.setAutoDefault(False)
        self.button.setToolTip("Choose a colour")
        self.button.clicked.connect(self._ask_color)
        self.code = QLineEdit()
        self.code.setFixedWidth(CODE_WIDTH)
        self.code.setPlaceholderText(follows)
        self.code.textEdited.connect(self._take_typed)
        self._hold_child(self.code)
        self._hold_child(self.button)
        self.clear: QToolButton | None = None
        if follows:
            self.clear = icon_button("close", follows)
            self.clear.clicked.connect(lambda: self.take_value(""))
            self._row.addWidget(self.clear)
        self._row.addStretch(1)
        notifier.theme_changed.connect(self._tint_button)

    def setAccessibleName(self, name: str) -> None:
        super().setAccessibleName(name)
        self.code.setAccessibleName(f"{name}, as #rrggbb")
        self.button.setAccessibleName(f"Choose: {name}")

    def _display_value(self, value: object) -> None:
        if self.code.text() != str(value):
            self.code.setText(str(value))
        if self.clear is not None:
            self.clear.setEnabled(bool(value))
        self._tint_button()

    def _tint_button(self) -> None:
        color = QColor(str(self._shown or ""))
        self.button.setIcon(swatch(color if color.isValid() else QColor(0, 0, 0, 0), 18))

    def _take_typed(self, text: str) -> None:
        self.take_value(text.strip())

    def _ask_color(self) -> None:
        chosen = QColorDialog.getColor(QColor(str(self._shown or "#808080")), self, self.accessibleName())
        if chosen.isValid():
            self.take_value(chosen.name())
