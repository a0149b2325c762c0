"""Finding a learning rate by trying: loss over rate while it is measured, and the rate that follows from it."""

from __future__ import annotations

import math

from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QWidget

from core.jobs.events import Event, Notice, RangePoint, RangeProposed, RunFailed
from core.jobs.folder import JobFolder
from core.jobs.launcher import WarmChild
from core.recipe.recipe import Recipe
from core.training.lr_finder_result import STEPS
from desktop.base.job_runner import JobRunner
from desktop.base.theme import GAP
from desktop.kit.dialog_frame import DialogFrame, Paragraph, numeric
from desktop.kit.field_controls import MagnitudeSpinBox
from desktop.kit.formatting import sentence
from desktop.kit.parts import restyle, words
from desktop.kit.screen_room import resize_within_screen
from desktop.train.recipe.strategy_picture import rate_text
from desktop.train.trials.rate_plot import RatePlot

ABOUT = (
    "A short training whose rate rises from far too small to far too large. The loss falls where the rate is useful and "
    "rises where it is too high. Nothing of it is kept, and the recipe changes only when you press “Use this rate”."
)
EMPTY = "The curve appears with the first steps; the model is loaded before."


class RangeTestDialog(DialogFrame):
    """Runs the test that `folder` holds. `rate()` is the chosen rate once the dialog was accepted."""

    def __init__(
        self,
        folder: JobFolder,
        recipe: Recipe,
        job: JobRunner,
        parent: QWidget | None = None,
        warm: WarmChild | None = None,
    ) -> None:
        super().__init__("Find a learning rate", ABOUT, confirm="Use this rate", parent=parent, width=760)
        self._current = recipe.optimizer.lr
        self.job = job
        self.folder = folder
        self.rates: list[float] = []
        self._losses: list[float] = []
        before, _ = folder.read_events()  # what preparing it said, such as images that are left out
        self._notices = [sentence(one.text) for one in before if isinstance(one, Notice)]
        self._told = False  # the test has said what it found, or why it cannot
        self.plot = RatePlot(EMPTY)
        self.progress = QProgressBar(maximum=STEPS)
        self.progress.setAccessibleName("Steps done")
        self.answer = Paragraph("Starting: the model and the first images are loaded…", "muted")
        self.number = MagnitudeSpinBox()
        self.number.setRange(1e-9, 10)
        self.number.setKeyboardTracking(False)
        numeric(self.number, "Learning rate", 160)
        self.number.setValue(self._current)
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addWidget(words("Rate to use"))
        row.addWidget(self.number)
        row.addWidget(words(f"The recipe has {rate_text(self._current)}.", "muted"))
        row.addStretch(1)
        self.body.addWidget(self.plot, 1)
        self.body.addWidget(self.progress)
        self.body.addWidget(self.answer)
        self.body.addLayout(row)
        self.again = self.add_button("Stop", self._stop_or_repeat)
        self.plot.rate_chosen.connect(self._chosen)
        self.number.valueChanged.connect(self._typed)
        job.progressed.connect(self._take_in)
        job.ended.connect(self._ended)
        resize_within_screen(self, 760, 640)
        self._begin(warm)

    def rate(self) -> float:
        return float(self.number.value())

    def done(self, result: int) -> None:
        """The test ends with the dialog: nothing of it is worth waiting for."""
        self.job.progressed.disconnect(self._take_in)
        self.job.ended.disconnect(self._ended)
        self.job.stop_and_wait()
        super().done(result)

    def _begin(self, warm: WarmChild | None = None) -> None:
        self.rates, self._losses, self._told = [], [], False
        self.folder.events_path.unlink(missing_ok=True)
        self.plot.show_rate(None)
        self.progress.setValue(0)
        self.progress.show()
        self.again.setText("Stop")
        self.confirm.setEnabled(False)
        self.job.start(self.folder, warm)

    def _stop_or_repeat(self) -> None:
        if self.job.running:
            self.job.stop()
            self.again.setEnabled(False)
        else:
            self._begin()

    def _take_in(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, RangePoint) and math.isfinite(event.loss):
                self.rates.append(event.lr)
                self._losses.append(event.loss)
            elif isinstance(event, RangeProposed):
                self._conclude(event)
            elif isinstance(event, RunFailed):
                self._told = True
                self._say(f"{event.reason} {event.advice}".strip(), "error")
        if self.rates:
            self.plot.show_points(self.rates, self._losses)
            self.progress.setValue(len(self.rates))
            if not self._told:
                self._say(f"Step {len(self.rates)}, rate {rate_text(self.rates[-1])}, loss {self._losses[-1]:.3g}")

    def _conclude(self, result: RangeProposed) -> None:
        self._told = True
        why = " ".join([sentence(result.why), *self._notices])
        if result.curve:
            self.rates, self._losses = [rate for rate, _ in result.curve], [loss for _, loss in result.curve]
            self.plot.show_points(self.rates, self._losses)
        if result.proposed is None:
            self._say(why, "warning")
            return
        self._say(why, "")
        self._choose(result.proposed)

    def _ended(self, _name: str, state: str) -> None:
        self.progress.hide()
        self.again.setEnabled(True)
        self.again.setText("Try again")
        if not self._told:
            self._told = True
            text = "Stopped before the end; the curve is what was seen until then."
            if state != "stopped":
                text = f"The test ended without a word; see {self.folder.log_path}."
            self._say(text, "warning")

    def _chosen(self, rate: float) -> None:
        self.number.setValue(rate)
        self.confirm.setEnabled(True)

    def _typed(self, rate: float) -> None:
        if self.plot.rate is None or not math.isclose(self.plot.rate, rate, rel_tol=1e-6):
            self.plot.show_rate(rate)
        self.confirm.setEnabled(True)

    def _choose(self, rate: float) -> None:
        self.plot.show_rate(rate)
        self._chosen(rate)

    def _say(self, text: str, role: str = "muted") -> None:
        self.answer.setText(text)
        restyle(self.answer, "role", role)
