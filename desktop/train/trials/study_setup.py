"""The first half of the study dialog: which strategies, how many seeds, how long."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from core.recipe.recipe import Recipe
from core.study.study import USUAL
from desktop.base.theme import GAP, PAD
from desktop.kit.dialog_frame import Paragraph, add_row, new_form, numeric
from desktop.kit.number_fields import DecimalSpinBox, WholeSpinBox
from desktop.kit.parts import words
from desktop.train.trials.study_request import WORDS, StudyRequest, list_strategies, why_not
from desktop.train.trials.study_variants import StudyVariants

NO_WEIGHTS = (
    "This recipe starts from random weights, so there is nothing to transfer. Close this, choose starting weights or a "
    "checkpoint for the model, and come back."
)


class StudySetup(QWidget):
    """Asks for a StudyRequest."""

    changed = Signal()

    def __init__(self, base: Recipe, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._base = base
        self.boxes: dict[str, QCheckBox] = {}
        self.seeds = WholeSpinBox(1, 20, 3)
        self.epochs = WholeSpinBox(1, 100_000, base.schedule.epochs)
        self.minutes = DecimalSpinBox(0, 100_000, 0)
        self.minutes.setSpecialValueText("no limit")
        self.minutes.setSuffix(" min")
        self.minutes.setValue(base.limits.time_minutes)
        self.variants = StudyVariants()
        self._summary = Paragraph("", "muted")
        self._lay_out()
        for box in self.boxes.values():
            box.toggled.connect(self._announce_change)
        self.variants.changed.connect(self._announce_change)
        for field in (self.seeds, self.epochs, self.minutes):
            field.valueChanged.connect(self._announce_change)
        self._announce_change()

    def read_request(self) -> StudyRequest:
        names = tuple(name for name, box in self.boxes.items() if box.isChecked())
        budget = (self.seeds.value(), self.epochs.value(), self.minutes.value())
        return StudyRequest(self._base, names, *budget, self.variants.read_variants())

    def _announce_change(self) -> None:
        self._summary.setText(self.read_request().describe_budget())
        self.changed.emit()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        layout.addWidget(words("Strategies", "section"))
        if self._base.weights.source == "none":
            layout.addWidget(Paragraph(NO_WEIGHTS, "warning"))
        for name in list_strategies():
            title, about = WORDS[name]
            reason = why_not(name, self._base)
            box = QCheckBox(title)
            box.setEnabled(not reason)
            box.setChecked(not reason and name in USUAL)
            box.setAccessibleDescription(reason or about)
            self.boxes[name] = box
            layout.addWidget(box)
            told = reason and self._base.weights.source != "none"
            line = Paragraph(f"Not with this recipe: {reason}." if told else about, "small")
            line.setContentsMargins(24, 0, 0, GAP // 2)
            layout.addWidget(line)
        layout.addWidget(self.variants)
        form = new_form()
        for title, field, tip in (
            (
                "Seeds",
                self.seeds,
                "Each strategy is trained this often: without the spread over seeds, luck looks like skill.",
            ),
            ("Epochs", self.epochs, "The same for all strategies."),
            ("Time limit", self.minutes, "For each run; its schedule is fitted to end within."),
        ):
            numeric(field, title)
            field.setToolTip(f"<p>{tip}</p>")
            add_row(form, title, field)
        layout.addSpacing(PAD)
        layout.addLayout(form)
        layout.addSpacing(GAP)
        layout.addWidget(self._summary)
        layout.addStretch(1)
