"""What is drawn of a run beside its plain values: smoothed steps, and marks at the epochs where something changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from desktop.train.run.run_history import RunHistory

SMOOTHINGS = (1, 5, 10, 20, 50, 100, 200, 500, 1000)  # steps that a smoothed value is the mean of
_FEWEST_SHOWN = 10  # epochs


@dataclass(frozen=True, slots=True)
class Mark:
    """An upright line in the plots."""

    x: float  # in epochs
    text: str
    planned: bool = False  # it has not come to that yet


def smooth_values(values: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
    """Means of the last `steps` values up to each, (n,); values that are no number are left out."""
    if steps <= 1 or not len(values):
        return values
    finite = np.isfinite(values)
    sums = np.concatenate([[0.0], np.cumsum(np.where(finite, values, 0.0))])
    counts = np.concatenate([[0], np.cumsum(finite)])
    ends = np.arange(1, len(values) + 1)
    begins = np.maximum(0, ends - steps)
    number = counts[ends] - counts[begins]
    return np.where(number > 0, (sums[ends] - sums[begins]) / np.maximum(number, 1), np.nan)


def shown_epochs(changes: Iterable[Mark], history: RunHistory, others: Iterable[RunHistory] = ()) -> int:
    """How many epochs the plots show: what is done and some more, the next planned one of `changes`, at most all.

    In round numbers, so that the curves do not move with every epoch.
    """
    runs = [history, *others]
    done = max(run.progress * run.total_epochs for run in runs)
    planned = min((mark.x for mark in changes if mark.planned), default=0.0)
    total = max(run.total_epochs for run in runs)
    wanted = max(done * 1.05, planned * 1.1, _FEWEST_SHOWN)
    rounds = (step * 10**power for power in range(1, 6) for step in (1, 2, 4))
    return min(next((one for one in rounds if one >= wanted), total), total)


def find_marks(history: RunHistory) -> list[Mark]:
    """Where other parameters begin to learn, as it was or is planned, and where the run was gone on with."""
    plan = history.started.plan if history.started is not None else []
    stages = {phase.epoch: list(phase.stages) for phase in history.phases}
    begun = set(stages)
    reached = history.epochs[-1].epoch if history.epochs else 0
    for phase in plan:
        if (found := _phase(phase)) is not None:
            stages.setdefault(*found)
    found_marks: list[Mark] = []
    # Where the same learns from the first epoch to the last, there is nothing to mark.
    if len(stages) > 1:
        before: list[str] = []
        for epoch in sorted(stages):
            text = _what_changes(before, stages[epoch])
            found_marks.append(Mark(epoch - 1, text, planned=epoch not in begun and epoch > reached))
            before = stages[epoch]
    return found_marks + [Mark(x, "resumed") for x in history.resumed_at]


def _phase(values: Mapping[str, Any]) -> tuple[int, list[str]] | None:
    epoch, stages = values.get("epoch"), values.get("stages")
    if isinstance(epoch, int) and isinstance(stages, list | tuple):
        return epoch, [str(stage) for stage in stages]
    return None


def _what_changes(before: list[str], after: list[str]) -> str:
    added = [stage for stage in after if stage not in before]
    gone = [stage for stage in before if stage not in after]
    if not after:
        return "head"
    return " ".join([*(f"+{stage}" for stage in reversed(added)), *(f"−{stage}" for stage in gone)])
