"""The learning rate over a run, and when a run has learnt all it will. Imports no torch: the window draws the curve."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self, get_args

from core.recipe.parts import Optimizer, Schedule
from core.recipe.phases import Phase

# Share of the peak rate at which warm-up begins and cosine decay ends, and below which no schedule but one_cycle goes.
FLOOR = 0.01

# Largest share of a run that warm-up takes: a short look must not end before it has begun.
MOST_WARMUP = 0.1

# Pictures in a step for which a rate is given where it is scaled by the batch.
USUAL_PICTURES = 16

# One-cycle, as in Smith and Topin, Super-Convergence: the share of the run that rises, the share of the peak at which
# it starts, and the share of that start at which it ends.
RISING = 0.3
CYCLE_START = 1 / 25
CYCLE_END = 1e-4

# Cyclical rates swing between this share of the peak and the peak (Smith, Cyclical Learning Rates, "triangular").
CYCLICAL_BASE = 0.1

# By how much a validation loss must fall, as a fraction, to count as better.
BETTER_BY = 1e-4


def peak_rate(optimizer: Optimizer, pictures: int) -> float:
    """The head's rate after warm-up, when a gradient step sees `pictures` pictures on all devices together.

    linear: Goyal et al., Accurate, Large Minibatch SGD. sqrt: Krizhevsky, One weird trick; the rule that suits Adam
    (Malladi et al., On the SDEs and Scaling Rules for Adaptive Gradient Algorithms).
    """
    ratio = pictures / USUAL_PICTURES
    return optimizer.lr * {"none": 1.0, "linear": ratio, "sqrt": math.sqrt(ratio)}[optimizer.lr_scaling]


def rate_factor(schedule: Schedule, step: int, steps: int, progress: float, plateau: float = 1.0) -> float:
    """Share of the peak rate at a step (from 0, of `steps` in the whole run) when `progress` (0..1) of it is done.

    Progress runs ahead of the steps where a time limit cuts the run short. `plateau`: `Plateau.factor`.
    """
    epoch = step * schedule.epochs / max(steps, 1)
    decay = _DECAYS[schedule.decay](schedule, min(max(progress, 0.0), 1.0), epoch)
    if schedule.decay == "plateau":
        decay = plateau
    if schedule.decay in ("one_cycle", "cyclical"):
        return decay  # both begin low themselves
    rising = min(schedule.warmup_steps, MOST_WARMUP * steps)
    warmup = min(1.0, FLOOR + (1 - FLOOR) * step / rising) if rising else 1.0
    return warmup * max(decay, FLOOR)


def decay_curve(schedule: Schedule, points: int = 200, steps_per_epoch: int = 100) -> list[tuple[float, float]]:
    """(epochs done, share of the peak rate) over a run that no time limit cuts, for drawing."""
    steps = schedule.epochs * steps_per_epoch
    places = sorted({round(place * steps / (points - 1)) for place in range(points)})
    return [(step / steps_per_epoch, rate_factor(schedule, step, steps, step / steps)) for step in places]


def _constant_decay(_schedule: Schedule, _progress: float, _epoch: float) -> float:
    return 1.0


def _cosine_decay(_schedule: Schedule, progress: float, _epoch: float) -> float:
    return FLOOR + (1 - FLOOR) * _half_cosine(progress)


def _step_decay(schedule: Schedule, progress: float, _epoch: float) -> float:
    return schedule.factor ** sum(1 for milestone in schedule.milestones if progress >= milestone)


def _exponential_decay(schedule: Schedule, progress: float, _epoch: float) -> float:
    return math.pow(schedule.factor, progress)


def _one_cycle(_schedule: Schedule, progress: float, _epoch: float) -> float:
    if progress < RISING:
        return 1 - (1 - CYCLE_START) * _half_cosine(progress / RISING)
    end = CYCLE_START * CYCLE_END
    return end + (1 - end) * _half_cosine((progress - RISING) / (1 - RISING))


def _cyclical_decay(schedule: Schedule, _progress: float, epoch: float) -> float:
    place = epoch / schedule.cycle_epochs % 1
    return CYCLICAL_BASE + (1 - CYCLICAL_BASE) * (1 - abs(2 * place - 1))


def _half_cosine(share: float) -> float:
    """From 1 to 0 as `share` goes from 0 to 1."""
    return (1 + math.cos(math.pi * share)) / 2


_DECAYS: dict[str, Callable[[Schedule, float, float], float]] = {
    "cosine": _cosine_decay,
    "constant": _constant_decay,
    "step": _step_decay,
    "exponential": _exponential_decay,
    "one_cycle": _one_cycle,
    "cyclical": _cyclical_decay,
    "plateau": _constant_decay,
}
assert _DECAYS.keys() == set(get_args(Schedule.model_fields["decay"].annotation)), "every decay has a curve"


@dataclass(frozen=True, slots=True)
class Plateau:
    """How far the rate has dropped because the validation loss stopped falling."""

    patience: int
    drop: float
    factor: float = 1.0
    best: float | None = None
    bad: int = 0  # evaluations without a better loss since the last better one or the last drop

    @classmethod
    def of(cls, schedule: Schedule) -> Self:
        return cls(schedule.patience, schedule.factor)

    def after(self, loss: float | None) -> Self:
        """The state after an evaluation with this validation loss; None: it was not measured, so nothing is learnt."""
        if loss is None:
            return self
        if math.isfinite(loss) and (self.best is None or loss < self.best * (1 - BETTER_BY)):
            return replace(self, best=loss, bad=0)
        if self.bad + 1 < self.patience:
            return replace(self, bad=self.bad + 1)
        return replace(self, factor=max(self.factor * self.drop, FLOOR), bad=0)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def restored(self, values: dict[str, Any]) -> Self:
        """The state that `to_json` gave, under this recipe's patience and factor. Raises KeyError, TypeError, ValueError."""
        best = values["best"]
        return replace(
            self,
            factor=float(values["factor"]),
            best=None if best is None else float(best),
            bad=int(values["bad"]),
        )


@dataclass(frozen=True, slots=True)
class EarlyStop:
    """Whether a run has gone on for too long without a better model."""

    patience: int  # evaluations; 0: never stops
    not_before: int = 1  # the epoch in which the last phase begins: what is still to be unfrozen has not had its chance
    best: float | None = None
    bad: int = 0

    @classmethod
    def of(cls, patience: int, phases: Sequence[Phase]) -> Self:
        return cls(patience, phases[-1].epoch)

    @property
    def over(self) -> bool:
        return 0 < self.patience <= self.bad

    def after(self, epoch: int, rank: float | None) -> Self:
        """The state after an evaluation at the end of `epoch`; `rank`: higher is better, None judges nothing."""
        if rank is None:
            return self
        if math.isfinite(rank) and (self.best is None or rank > self.best):
            return replace(self, best=rank, bad=0)
        return replace(self, bad=self.bad + 1) if epoch >= self.not_before else self

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def restored(self, values: dict[str, Any]) -> Self:
        """The state that `to_json` gave, under this recipe's patience. Raises KeyError, TypeError, ValueError."""
        best = values["best"]
        return replace(self, best=None if best is None else float(best), bad=int(values["bad"]))
