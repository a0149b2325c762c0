"""Where a run stands: progress, figures, and how it ended."""

from __future__ import annotations

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from core.counting import format_count
from core.operations.resume_run import RESUMABLE
from desktop.base.theme import GAP, PAD
from desktop.kit.formatting import NONE, format_duration, metric
from desktop.kit.parts import restyle
from desktop.train.run.run_history import RunHistory

_STATE_WORDS = {
    "": "No run yet",
    "reading": "Loading",
    "waiting": "Waiting to start",
    "starting": "Starting",
    "running": "Training",
    "pausing": "Pausing",
    "paused": "Paused",
    "stopping": "Stopping",
    "finished": "Finished",
    "stopped": "Stopped",
    "failed": "Failed",
    "interrupted": "Interrupted",
}
_STATE_ROLES = {
    "finished": "good",
    "failed": "error",
    "interrupted": "warning",
    "stopped": "warning",
    "paused": "warning",
}
# What stands in the place of a detector's figures where a model tells labels of images.
_LABEL_FIGURES = {"Best mAP@0.5": "Best mAP", "Best mAP@[.5:.95]": "Its macro F1"}
_FIGURES = ("Images/s", "Time left", "Learning rate", "Mean loss", "Best mAP@0.5", "Best mAP@[.5:.95]")


_TIPS = {
    "Time left": "Until the run ends, what is still to be judged included",
    "Mean loss": "Training loss: the mean over the steps of this epoch so far",
}

_WIDE = 620  # pixels in which all figures stand beside each other with their titles whole
_NARROWEST = 300


class RunStatus(QWidget):
    """Progress bar, figures and device of the run that is shown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = QLabel()
        font = self._state.font()
        font.setPixelSize(15)
        font.setBold(True)
        self._state.setFont(font)
        self._place = QLabel()
        self._device = QLabel()
        self._device.setProperty("role", "muted")
        self._bar = QProgressBar()
        self._bar.setRange(0, 1000)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Progress")
        self._values = {name: QLabel(NONE) for name in _FIGURES}
        line = QHBoxLayout()
        line.setSpacing(PAD)
        line.addWidget(self._state)
        line.addWidget(self._place)
        line.addStretch(1)
        line.addWidget(self._device)
        self._grid = figures = QGridLayout()
        figures.setHorizontalSpacing(PAD)
        figures.setVerticalSpacing(0)
        self._titles = {name: QLabel(name) for name in _FIGURES}
        for name, value in self._values.items():
            self._titles[name].setProperty("role", "small")
            value.setToolTip(_TIPS.get(name, ""))
            self._titles[name].setToolTip(_TIPS.get(name, ""))
            value_font = value.font()
            value_font.setPixelSize(16)
            value.setFont(value_font)
        self._columns = 0
        self._arrange_figures(len(_FIGURES))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        layout.addLayout(line)
        layout.addWidget(self._bar)
        layout.addLayout(figures)
        self.show_run(RunHistory(), "")

    def show_run(self, history: RunHistory, state: str) -> None:
        """`state` is a job's state, "starting" or "stopping", "reading" while it is not known, or empty without a run."""
        self._state.setText(_STATE_WORDS[state])
        restyle(self._state, "role", _STATE_ROLES.get(state, ""))
        self._place.setText(describe_place(history, ended=state in _STATE_ROLES))
        self._device.setText(device_text(history))
        self._bar.setValue(round(1000 * history.progress))
        live = state in ("starting", "running", "pausing", "stopping")
        best = history.best
        texts = {
            "Images/s": NONE if history.images_per_second is None else f"{history.images_per_second:.3g}",
            "Time left": format_duration(history.seconds_left) if live else NONE,
            "Learning rate": NONE if history.lr is None else f"{history.lr:.3g}",
            "Mean loss": NONE if history.epoch_loss is None else f"{history.epoch_loss:.3f}",
            "Best mAP@0.5": metric(best.map50 if best else None),
            "Best mAP@[.5:.95]": metric(best.map if best else None),
        }
        if history.tells_labels:
            texts["Best mAP@0.5"] = metric(best.map if best else None)
            texts["Best mAP@[.5:.95]"] = metric(best.metrics.get("macro_f1") if best else None)
        for name, text in texts.items():
            self._values[name].setText(text)
            self._titles[name].setText(_LABEL_FIGURES.get(name, name) if history.tells_labels else name)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange_figures(len(_FIGURES) if self.width() >= _WIDE else len(_FIGURES) // 2)

    def minimumSizeHint(self) -> QSize:
        """Less than the figures beside each other take: they go below each other before they are cut off."""
        return QSize(_NARROWEST, super().minimumSizeHint().height())

    def _arrange_figures(self, columns: int) -> None:
        """Place the figures in rows of so many."""
        if columns == self._columns:
            return
        self._columns = columns
        for number, name in enumerate(_FIGURES):
            row, column = divmod(number, columns)
            self._grid.addWidget(self._titles[name], 2 * row, column)
            self._grid.addWidget(self._values[name], 2 * row + 1, column)
        for column in range(len(_FIGURES)):
            self._grid.setColumnStretch(column, int(column < columns))

    def state_text(self) -> str:
        return self._state.text()

    def figure(self, title: str) -> str:
        """The value that stands below a title."""
        return next(self._values[name].text() for name, label in self._titles.items() if label.text() == title)

    @property
    def progress_bar(self) -> QProgressBar:
        return self._bar


class RunSummary(QFrame):
    """How a run ended, and what to do next."""

    inspect_requested = Signal(str)  # checkpoint id
    checkpoints_requested = Signal()
    resume_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._checkpoint = ""
        self._state = ""
        self._inspect = QPushButton("Inspect")
        self._inspect.setProperty("role", "primary")
        self._inspect.setToolTip("See the predictions of the best checkpoint")
        self._inspect.clicked.connect(lambda: self.inspect_requested.emit(self._checkpoint))
        self._resume = QPushButton("Resume")
        self._resume.setToolTip("Go on with this run where it was left")
        self._resume.clicked.connect(self.resume_requested)
        self._may_resume = True
        self._own = True
        self._list = QPushButton("Show checkpoints")
        self._list.clicked.connect(self.checkpoints_requested)
        buttons = QHBoxLayout()
        buttons.setSpacing(GAP)
        for button in (self._resume, self._inspect, self._list):
            buttons.addWidget(button)
        self._line = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._line.setContentsMargins(PAD, GAP, PAD, GAP)
        self._line.setSpacing(GAP)
        self._line.addWidget(self._text, 1)
        self._line.addLayout(buttons)
        self.hide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is little room the buttons stand below the text, which would be a narrow column beside them."""
        super().resizeEvent(event)
        wide = self.width() >= _WIDE
        self._line.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)

    def set_own(self, own: bool) -> None:
        """Whether the run is one of the project: only then are its checkpoints there, and can it be gone on with."""
        self._own = own

    def set_resumable(self, on: bool, text: str = "Resume") -> None:
        """Whether runs may be gone on with here at all, and what the button says."""
        self._may_resume = on
        self._resume.setText(text)
        self._resume.setVisible(self._state in RESUMABLE and on and self._own)

    def show_run(self, history: RunHistory, state: str) -> None:
        text = summarize_run(history, state)
        self._text.setText(text)
        self._checkpoint = best_checkpoint(history)
        self._inspect.setVisible(bool(self._checkpoint) and self._own)
        self._list.setVisible(bool(self._checkpoint) and self._own)
        self._state = state
        self._resume.setVisible(state in RESUMABLE and self._may_resume and self._own)
        unfinished = state in ("paused", "waiting", "interrupted")
        restyle(self._resume, "role", "primary" if unfinished else "")
        restyle(self._inspect, "role", "" if unfinished else "primary")
        self.setVisible(bool(text))

    def text(self) -> str:
        return self._text.text()


def describe_place(history: RunHistory, *, ended: bool = False) -> str:
    """Epoch, and what is done in it, in words."""
    if not history.epoch:
        return "" if ended else describe_activity(history)
    place = f"epoch {history.epoch} of {history.total_epochs or '?'}"
    doing = "" if ended else describe_activity(history)
    return f"{place} · {doing}" if doing else place


def describe_activity(history: RunHistory) -> str:
    """What the run does now: its step, or how far a judgement is."""
    activity, step = history.activity, history.last_step
    if activity is not None and activity.activity == "judging" and activity.total:
        return f"judging {activity.done:,} of {format_count(activity.total, 'image')}"
    if activity is not None and activity.activity in ("loading", "judging", "saving"):
        return activity.activity
    return f"step {step.step:,} of {step.steps:,}" if step is not None else ""


def device_text(history: RunHistory) -> str:
    """What the run computes on, once it has said so."""
    return f"on {history.started.device}" if history.started is not None else ""


def best_checkpoint(history: RunHistory) -> str:
    """The id of the checkpoint to look at: the best, or the last saved where nothing was judged."""
    saved = [checkpoint for checkpoint in history.checkpoints if checkpoint.best] or history.checkpoints
    return saved[-1].id if saved else ""


def summarize_run(history: RunHistory, state: str) -> str:
    """How a run ended in one or two sentences; empty while it goes on."""
    if state == "failed" and history.failed is not None:
        return f"{history.failed.reason} {history.failed.advice}".strip()
    if state == "waiting":
        return "Waits to be gone on with." if history.epochs else "Waits to be begun."
    if state not in ("finished", "stopped", "interrupted", "failed", "paused"):
        return ""
    best = history.best
    learnt = f"Best epoch {best.epoch}: mAP@0.5 {metric(best.map50)}, mAP@[.5:.95] {metric(best.map)}." if best else ""
    if best and history.tells_labels:
        f1 = metric(best.metrics.get("macro_f1"))
        learnt = f"Best epoch {best.epoch}: mAP {metric(best.map)}, macro F1 {f1}."
    if state == "paused":
        at = f" in epoch {history.paused.epoch} of {history.total_epochs}" if history.paused else ""
        return f"Paused{at}; the device is free. {learnt}".strip()
    if state == "interrupted":
        kept = (
            "What was learnt up to the last checkpoint is kept." if history.checkpoints else "No checkpoint was saved."
        )
        return (
            f"The training ended without a last word: a crash, a lack of memory or a power cut. {kept} {learnt}".strip()
        )
    if state == "failed":
        return f"The training failed without a reason; see the log. {learnt}".strip()
    how = "Stopped" if state == "stopped" else "Finished"
    after = f" after {format_duration(history.finished.seconds)}" if history.finished else ""
    if not learnt:
        saved = " The last checkpoint holds what was learnt." if history.checkpoints else ""
        return f"{how}{after}. Nothing was judged on validation images.{saved}"
    return f"{how}{after}. {learnt}"
