"""Dividing the images over training, validation and test."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from core.project.edits import assign_splits
from core.project.history import Edit
from core.project.project import Project
from core.types import Split
from desktop.theme import GAP, PAD
from desktop.widgets.parts import words


class SplitImagesDialog(QDialog):
    """Asks for the shares. The training share is what the other two leave."""

    def __init__(self, project: Project, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Split images")
        self._project = project
        self._val = _percent(15)
        self._test = _percent(15)
        self._train = QLabel()
        self._seed = QSpinBox()
        self._seed.setRange(0, 999_999)
        self._seed.lineEdit().setTextMargins(6, 0, 0, 0)
        self._seed.setToolTip("Another number gives another division with the same shares.")
        self._all = QCheckBox("Divide images that have a split anew")
        # With nothing left to divide, only a new division does anything.
        self._all.setChecked(all(image.split is not Split.NONE for image in project.images()))
        self._val.valueChanged.connect(self._show_rest)
        self._test.valueChanged.connect(self._show_rest)
        why = QLabel(
            "Labels are spread evenly over the parts, and images of one group always stay together. "
            "Validation picks the best checkpoint; test is for the last, honest measurement."
        )
        why.setWordWrap(True)
        why.setProperty("role", "muted")
        form = QFormLayout()
        form.setSpacing(GAP)
        form.addRow("Train", self._train)
        form.addRow("Validation", self._val)
        form.addRow("Test", self._test)
        form.addRow("Seed", self._seed)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.button(QDialogButtonBox.StandardButton.Ok).setText("Split")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * PAD, 2 * PAD, 2 * PAD, PAD + GAP)
        layout.setSpacing(PAD)
        layout.addWidget(words("Split images", "heading"))
        layout.addWidget(why)
        layout.addLayout(form)
        layout.addWidget(self._all)
        layout.addWidget(buttons)
        self.setMinimumWidth(420)
        self._show_rest()

    def edit(self) -> Edit:
        """The edit that divides the images as was asked for."""
        val, test = self._val.value() / 100, self._test.value() / 100
        fractions = {"train": 1 - val - test, "val": val, "test": test}
        return assign_splits(self._project, fractions, self._seed.value(), all=self._all.isChecked())

    def _show_rest(self) -> None:
        self._train.setText(f"{100 - self._val.value() - self._test.value()}%")


def _percent(value: int) -> QSpinBox:
    box = QSpinBox()
    box.setRange(0, 45)
    box.setSuffix("%")
    box.lineEdit().setTextMargins(6, 0, 0, 0)
    box.setValue(value)
    return box
