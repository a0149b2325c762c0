"""Name, colour and key of a label."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QButtonGroup,
    QColorDialog,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QGridLayout,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.project.palette import COLORS, SHORTCUTS
from core.types import Label, label_name_fault
from desktop.base.theme import GAP, PAD
from desktop.kit.formatting import sentence
from desktop.kit.parts import restyle, swatch, words


class LabelDialog(QDialog):
    """Edits one label of `labels`; `value` is what was entered once the dialog was accepted."""

    def __init__(self, label: Label, labels: Sequence[Label], *, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self._label = label
        self._others = [other for other in labels if other.id != label.id]
        self._name = QLineEdit(label.name if label in labels else "")
        self._name.setPlaceholderText("scratch")
        self._name.setMinimumWidth(260)
        self._key = QComboBox()
        self._key.addItem("none", "")
        for digit in SHORTCUTS:
            taken = next((other.name for other in self._others if other.shortcut == digit), None)
            self._key.addItem(f"{digit}   (now {taken})" if taken else digit, digit)
        self._key.setCurrentIndex(self._key.findData(label.shortcut))
        self._colors = ColorChoice(label.color)
        self._problem = words("", "error", wrap=True)
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        form = QFormLayout()
        form.setSpacing(PAD)
        form.addRow("Name", self._name)
        form.addRow("Colour", self._colors)
        form.addRow("Key", self._key)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * PAD, 2 * PAD, 2 * PAD, PAD + GAP)
        layout.setSpacing(PAD)
        layout.addLayout(form)
        layout.addWidget(self._problem)
        layout.addWidget(self._buttons)
        self._name.textChanged.connect(self._check_value)
        self._check_value()
        self._problem.clear()

    def value(self) -> Label:
        """The label as entered."""
        return Label(self._label.id, self._name.text().strip(), self._colors.color, self._key.currentData())

    def _check_value(self) -> None:
        name = self._name.text().strip()
        fault = label_name_fault(name)
        if any(other.name == name for other in self._others):
            fault = f"there is a label “{name}” already"
        self._problem.setText(sentence(fault or ""))
        restyle(self._name, "invalid", bool(fault and name))
        self._buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(fault is None)


class ColorChoice(QWidget):
    """The colours of the palette as squares, and any other."""

    def __init__(self, color: str) -> None:
        super().__init__()
        self._color = color
        self._group = QButtonGroup(self)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for index, shade in enumerate(COLORS):
            button = QToolButton()
            button.setCheckable(True)
            button.setChecked(shade.lower() == color.lower())
            button.setIcon(swatch(QColor(shade)))
            button.setIconSize(QSize(20, 20))
            button.setToolTip(shade)
            button.setAccessibleName(f"Colour {shade}")
            button.clicked.connect(lambda _checked=False, shade=shade: self._take_color(shade))
            self._group.addButton(button)
            layout.addWidget(button, index // 6, index % 6)
        other = QPushButton("Other…")
        other.clicked.connect(self._ask_color)
        layout.addWidget(other, 0, 6, 2, 1)

    @property
    def color(self) -> str:
        return self._color

    def _take_color(self, color: str) -> None:
        self._color = color

    def _ask_color(self) -> None:
        chosen = QColorDialog.getColor(QColor(self._color), self, "Colour of the label")
        if chosen.isValid():
            self._color = chosen.name()
            self._group.setExclusive(False)
            for button in self._group.buttons():
                button.setChecked(False)
            self._group.setExclusive(True)
