"""What a run has said so far, as arrays and plain values for the plots and the status panel. Knows no Qt."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.jobs.events import (
    ActivityBegun,
    CheckpointSaved,
    EpochDone,
    Event,
    Notice,
    PhaseBegun,
    RunFailed,
    RunFinished,
    RunPaused,
    RunStarted,
    StepDone,
)
from core.models.registry import is_detector
from desktop.kit.formatting import measure, model_title


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line for the log."""

    text: str
    level: Literal["info", "warning", "error"] = "info"


class RunHistory:
    """Events of one run, live or past. The x axis counts epochs: the middle of the second epoch is 1.5."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._began_at = 0.0  # the progress that the run had when its present process began
        self.started: RunStarted | None = None
        self.last_step: StepDone | None = None
        self.activity: ActivityBegun | None = None  # what the run does now; None of one that does not say
        self.epochs: list[EpochDone] = []
        self.notices: list[Notice] = []
        self.checkpoints: list[CheckpointSaved] = []
        self.phases: list[PhaseBegun] = []
        self.resumed_at: list[float] = []  # in epochs
        self.paused: RunPaused | None = None
        self.finished: RunFinished | None = None
        self.failed: RunFailed | None = None
        self.log: list[LogLine] = []
        self._left: float | None = None  # seconds, as the run said last
        self._steps = _Columns(3)  # x, loss, learning rate

    @classmethod
    def of(cls, events: Iterable[Event]) -> RunHistory:
        history = cls()
        history.add(events)
        return history

    def add(self, events: Iterable[Event]) -> None:
        """Take in events in their order; those that say nothing of a run are passed over."""
        for event in events:
            line = log_line(event)
            if line is not None and line not in self.log[-1:]:  # a pause saves once more what was just saved
                self.log.append(line)
            match event:
                case StepDone():
                    self._add_step(event)
                case ActivityBegun():
                    self._follow_activity(event, event.seconds_left)
                case EpochDone():
                    self._add_epoch(event)
                case RunStarted():
                    self._start(event)
                case PhaseBegun():
                    self.phases = [phase for phase in self.phases if phase.epoch < event.epoch] + [event]
                case RunPaused():
                    self.paused = event
                case Notice():
                    if event not in self.notices:  # a run that is gone on with says it once more
                        self.notices.append(event)
                case CheckpointSaved():
                    self.checkpoints.append(event)
                case RunFinished():
                    self.finished = event
                case RunFailed():
                    self.failed = event

    def _start(self, event: RunStarted) -> None:
        self.started, self.finished, self.failed, self.paused = event, None, None, None
        at = event.resumed_at / max(1, event.steps_per_epoch)
        if not event.resumed_at:
            self.phases, self.resumed_at = [], []
        else:
            self.resumed_at = [before for before in self.resumed_at if before < at] + [at]
        self._began, self._began_at = self._clock(), at
        self.activity, self._left = None, None

    def _follow_activity(self, activity: ActivityBegun | None, left: float | None) -> None:
        self.activity = activity
        if left is not None:
            self._left = left

    def _add_step(self, step: StepDone) -> None:
        x = step.epoch - 1 + step.step / max(1, step.steps)
        self._steps.cut_from(x)  # a resumed run repeats what came after its checkpoint
        while self.epochs and self.epochs[-1].epoch >= step.epoch:
            self.epochs.pop()
        self._steps.append(x, step.loss, step.lr)
        self.last_step = step
        learning = self.activity if self.activity is None or self.activity.activity == "learning" else None
        self._follow_activity(learning, step.seconds_left)

    def _add_epoch(self, epoch: EpochDone) -> None:
        while self.epochs and self.epochs[-1].epoch >= epoch.epoch:
            self.epochs.pop()
        self.epochs.append(epoch)
        if self._left is not None:
            self._left = epoch.seconds_left

    # -- curves ------------------------------------------------------------------------------------------------

    def steps(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """x in epochs, and the loss; each of shape (steps,)."""
        x, loss, _ = self._steps.columns()
        return x, loss

    def rate_steps(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """x in epochs, and the learning rate; each of shape (steps,)."""
        x, _, rate = self._steps.columns()
        return x, rate

    def epoch_curve(self, field: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Epoch numbers and the values of an EpochDone field, without the epochs that have none."""
        return _curve((epoch.epoch, getattr(epoch, field)) for epoch in self.epochs)

    def label_curve(self, label: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Epoch numbers and AP@0.5 of one label."""
        return _curve((epoch.epoch, epoch.labels.get(label)) for epoch in self.epochs)

    def metric_names(self) -> list[str]:
        """Further measures of the run's task, such as macro_f1."""
        return list(dict.fromkeys(name for epoch in self.epochs[-1:] for name in epoch.metrics))

    def metric_curve(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Epoch numbers and the values of a further measure."""
        return _curve((epoch.epoch, epoch.metrics.get(name)) for epoch in self.epochs)

    def label_names(self) -> list[str]:
        return list(self.started.labels) if self.started else list(self.epochs[-1].labels) if self.epochs else []

    @property
    def tells_labels(self) -> bool:
        """Whether the model tells which labels an image carries, and finds no boxes."""
        return self.started is not None and not is_detector(self.started.model)

    # -- figures -----------------------------------------------------------------------------------------------

    @property
    def total_epochs(self) -> int:
        if self.epochs:
            return self.epochs[-1].epochs  # a time limit may have shortened the schedule
        return self.started.epochs if self.started else 0

    @property
    def progress(self) -> float:
        """Share of the schedule that is done, 0..1."""
        if self.finished and not self.finished.stopped:
            return 1.0
        done = float(self.epochs[-1].epoch) if self.epochs else 0.0
        if len(self._steps):
            done = max(done, self._steps.last(0))
        return min(1.0, done / self.total_epochs) if self.total_epochs else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Until the run ends, of one that goes on; None before the speed is known."""
        if self._left is not None:
            return self._left
        # A run of an earlier version does not say.
        step = self.last_step
        if not self.epochs:
            done = self.progress
            since = done - self._began_at / max(1, self.total_epochs)
            return (self._clock() - self._began) * (1 - done) / since if since > 0 else None
        last = self.epochs[-1]
        if step is None or step.epoch <= last.epoch:
            return last.seconds_left
        per_epoch = last.seconds_left / max(1, self.total_epochs - last.epoch)
        return max(0.0, last.seconds_left - step.step / max(1, step.steps) * per_epoch)

    @property
    def epoch(self) -> int:
        """The epoch that is under way, or the last that was; 0 before the first."""
        last = self.epochs[-1].epoch if self.epochs else 0
        stepped = self.last_step.epoch if self.last_step is not None else 0
        return max(last, stepped, self.paused.epoch if self.paused is not None else 0)

    @property
    def epoch_loss(self) -> float | None:
        """Mean training loss of the steps of that epoch so far; None where none was finite."""
        step = self.last_step
        if step is None or (self.epochs and self.epochs[-1].epoch >= step.epoch):
            return self.epochs[-1].train_loss if self.epochs else None
        if step.epoch_loss is not None:
            return step.epoch_loss
        x, loss = self.steps()  # a run of an earlier version tells of single steps alone
        told = loss[(x > step.epoch - 1) & np.isfinite(loss)]
        return float(told.mean()) if len(told) else None

    @property
    def best(self) -> EpochDone | None:
        """The judged epoch that the best checkpoint was saved after; before there is one, that of the highest mAP."""
        judged = {epoch.epoch: epoch for epoch in self.epochs if epoch.map is not None}
        saved = [point.epoch for point in self.checkpoints if point.best and point.epoch in judged]
        if saved:
            return judged[saved[-1]]
        return max(judged.values(), key=lambda epoch: epoch.map or 0.0, default=None)

    @property
    def images_per_second(self) -> float | None:
        if self.last_step:
            return self.last_step.images_per_second
        return self.epochs[-1].images_per_second if self.epochs else None

    @property
    def lr(self) -> float | None:
        if self.last_step:
            return self.last_step.lr
        return self.epochs[-1].lr if self.epochs else None


class _Columns:
    """Rows of floats that grow at the end at constant cost."""

    def __init__(self, width: int) -> None:
        self._rows = np.empty((256, width))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, *row: float) -> None:
        if self._count == len(self._rows):
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
        self._rows[self._count] = row
        self._count += 1

    def cut_from(self, x: float) -> None:
        """Drop the rows whose first value is not below `x`."""
        if self._count and self._rows[self._count - 1, 0] >= x:
            self._count = int(np.searchsorted(self._rows[: self._count, 0], x))

    def last(self, column: int) -> float:
        return float(self._rows[self._count - 1, column]) if self._count else math.nan

    def columns(self) -> list[NDArray[np.float64]]:
        return [self._rows[: self._count, column] for column in range(self._rows.shape[1])]


def log_line(event: Event) -> LogLine | None:
    """The event in words; None for steps, which come by the thousand."""
    match event:
        case RunStarted():
            again = f"Gone on after step {event.resumed_at:,} with" if event.resumed_at else "Started"
            reach = f" Anchors reach {event.reachable:.1%} of the boxes." if is_detector(event.model) else ""
            return LogLine(
                f"{again} {model_title(event.model)} on {event.device}: {event.train_images:,} training and {event.val_images:,} "
                f"validation images, {event.trainable_parameters / 1e6:.2f} of {event.parameters / 1e6:.2f} million "
                f"parameters learn. Weights: {event.weights}.{reach}"
            )
        case EpochDone():
            parts = [f"Epoch {event.epoch}: loss {event.train_loss:.3f}"]
            if event.val_loss is not None:
                parts.append(f"validation {event.val_loss:.3f}")
            if event.map50 is not None:
                parts.append(f"mAP@0.5 {event.map50:.3f}")
            if event.map is not None:
                parts.append(f"{'mAP' if event.map50 is None else 'mAP@[.5:.95]'} {event.map:.3f}")
            # Told where they are the task's chief measures: those of labels of images.
            told = ("macro_f1", "micro_f1", "macro_roc_auc")
            parts += [f"{measure(name)} {value:.3f}" for name in told if (value := event.metrics.get(name)) is not None]
            return LogLine(", ".join(parts) + f" ({event.seconds:.1f} s)")
        case CheckpointSaved():
            when = "after" if event.best else "in"  # the last one is also saved in the middle of an epoch
            return LogLine(f"Saved {event.id} {when} epoch {event.epoch}")
        case Notice():
            return LogLine(event.text, event.level)
        case PhaseBegun():
            learning = f"the head and {', '.join(event.stages)} learn" if event.stages else "the head alone learns"
            return LogLine(
                f"From epoch {event.epoch} on {learning}: {event.trainable_parameters / 1e6:.2f} million parameters"
            )
        case RunPaused():
            return LogLine(f"Paused in epoch {event.epoch}; the device is free")
        case RunFailed():
            return LogLine(f"{event.reason} {event.advice}".strip(), "error")
        case RunFinished():
            return LogLine(f"{'Stopped' if event.stopped else 'Finished'} after {event.seconds:.0f} s")
    return None


def _curve(points: Iterable[tuple[int, float | None]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    known = [(x, y) for x, y in points if y is not None and math.isfinite(y)]
    rows = np.array(known, float).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]
