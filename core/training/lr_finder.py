"""The learning-rate range test: a short training whose rate rises until the loss breaks. Nothing of it is kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice

from core.errors import InputError
from core.jobs.events import RangePoint
from core.project.snapshot import Snapshot
from core.recipe.recipe import Recipe
from core.recipe.schedule import peak_rate
from core.training.data.dataset import Batch
from core.training.environment import limited_threads
from core.training.lr_finder_result import (
    STEPS,
    RangeResult,
    checked_range,
    is_over,
    lr_steps,
    propose_lr,
    smooth_losses,
)
from core.training.out_of_memory import TooLittleMemory
from core.training.short_training import ShortTraining
from core.training.steps import Diverged, Stepper
from core.training.strategy import set_rate


def range_test(
    recipe: Recipe,
    snapshot: Snapshot,
    should_stop: Callable[[], bool],
    steps: int = STEPS,
    low: float | None = None,
    high: float | None = None,
) -> Iterator[RangePoint | RangeResult]:
    """Train by `recipe` for at most `steps` steps, with `optimizer.lr` rising from `low` to `high`.

    Yields each step's point and then the result; none if `should_stop()` turned true. What learns is what learns in the
    first epoch, each stage at its fraction of the rate. The same recipe and snapshot give the same points. Raises
    InputError, before any step, if the recipe or the snapshot cannot work.
    """
    rates = checked_range(recipe.optimizer.kind, steps, low, high)
    with limited_threads(recipe):
        yield from _raise_rate(recipe, snapshot, should_stop, steps, rates)


def _raise_rate(
    recipe: Recipe, snapshot: Snapshot, should_stop: Callable[[], bool], steps: int, rates: tuple[float, float]
) -> Iterator[RangePoint | RangeResult]:
    start, end = rates
    training = ShortTraining.of(recipe, snapshot)
    # What `optimizer.lr` says and what the head gets differ where the rate is scaled by the batch.
    scale = peak_rate(recipe.optimizer, recipe.schedule.batch_size * recipe.optimizer.accumulate) / recipe.optimizer.lr
    points: list[RangePoint] = []
    carried, diverged = 0.0, False
    with closing(training.endless_batches()) as batches:
        for step, rate in enumerate(lr_steps(start, end, steps), start=1):
            if should_stop():
                return
            set_rate(training.plan.optimizer, rate * scale)
            raw = _mean_loss(training.stepper, list(islice(batches, recipe.optimizer.accumulate)), step - 1)
            if not math.isfinite(raw):
                diverged = True
                break
            carried, shown = smooth_losses(carried, raw, step)
            points.append(RangePoint(step, rate, shown, raw))
            yield points[-1]
            if is_over(points):
                break
    yield propose_lr(points, recipe.optimizer.lr, diverged)


def _mean_loss(stepper: Stepper, batches: list[Batch], number: int) -> float:
    """The loss of a step; infinite where it diverges."""
    try:
        loss = stepper.step(batches, number)
        stepper.check()
    except Diverged:
        return math.inf
    except TooLittleMemory as error:
        raise InputError(f"schedule.batch_size: too little memory {error}; set a smaller Batch") from error
    return float(loss.labels + loss.boxes)
