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
        images = project.images()
        self._free = sum(1 for image in images if image.split is Split.NONE)
        placed = len(images) - self._free
        self._all = QCheckBox(f"Also divide anew the {placed:,} images that have a split")
        self._all.setVisible(placed > 0)
        # Not ticked beforehand where it would mix images that were kept for measuring into the training.
        kept = any(image.split in (Split.VAL, Split.TEST) for image in images)
        self._all.setChecked(self._free == 0 and not kept)
        self._all.toggled.connect(self._show_what_happens)
        self._what = QLabel()
        self._what.setWordWrap(True)
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
        self._ok = buttons.button(QDialogButtonBox.StandardButton.Ok)
        self._ok.setText("Split")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * PAD, 2 * PAD, 2 * PAD, PAD + GAP)
        layout.setSpacing(PAD)
        layout.addWidget(words("Split images", "heading"))
        layout.addWidget(why)
        layout.addLayout(form)
        layout.addWidget(self._all)
        layout.addWidget(self._what)
        layout.addWidget(buttons)
        self.setMinimumWidth(420)
        self._placed = placed
        self._show_rest()
        self._show_what_happens()

    def edit(self) -> Edit:
        """The edit that divides the images as was asked for."""
        val, test = self._val.value() / 100, self._test.value() / 100
        fractions = {"train": 1 - val - test, "val": val, "test": test}
        return assign_splits(self._project, fractions, self._seed.value(), all=self._all.isChecked())

    def _show_what_happens(self) -> None:
        divided = self._free + (self._placed if self._all.isChecked() else 0)
        self._ok.setEnabled(divided > 0)
        if divided == 0:
            self._what.setText("Every image has a split already.")
        elif self._all.isChecked() and self._placed:
            self._what.setText(f"{divided:,} images are divided; what was kept for measuring may come into the training.")
        else:
            kept = f"; {self._placed:,} keep their split" if self._placed else ""
            self._what.setText(f"{divided:,} images are divided{kept}.")

    def _show_rest(self) -> None:
        self._train.setText(f"{100 - self._val.value() - self._test.value()}%")


def _percent(value: int) -> QSpinBox:
    box = QSpinBox()
    box.setRange(0, 45)
    box.setSuffix("%")
    box.lineEdit().setTextMargins(6, 0, 0, 0)
    box.setValue(value)
    return box
