"""What a learning-rate range test found, and the rate that follows from it. Imports no torch: the window draws it.

The rate is raised from far too small to far too large over some hundred steps (Smith, Cyclical Learning Rates for Training
Neural Networks). The loss falls once the rate is large enough to learn and rises once it is too large.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.jobs.events import RangePoint, RangeProposed

STEPS = 100  # from the lowest rate to the highest
SMOOTHING = 0.9  # of the loss's moving average
DIVERGED = 4.0  # times the lowest smoothed loss: there is nothing to learn beyond
SETTLING = 5  # first points, whose average still follows single batches

# Of the rate up to which the loss stays low, a whole run can bear about this share: there it is about to rise (fastai's
# lr_find offers the same). Networks with BatchNorm bear far more than they learn from, so the proposal is never above the
# rate at which half of the fall was done; a level that is crossed is less at the mercy of noise than the steepest slope.
SAFE_SHARE = 0.1
# What lies within this share of the fall above the lowest loss counts as low.
FLOOR_SHARE = 0.2
# The loss must fall by this share of itself for its curve to say anything.
ENOUGH_FALL = 0.05

# Where to begin and end, by optimiser: Adam's steps are about as long as the rate itself, SGD's as the gradient is.
RANGES = {"adamw": (1e-6, 1.0), "adam": (1e-6, 1.0), "sgd": (1e-5, 10.0)}


def checked_range(optimizer: str, steps: int, low: float | None, high: float | None) -> tuple[float, float]:
    """Lowest and highest rate of a test, those of the optimiser where none is given. Raises InputError."""
    usual = RANGES[optimizer]
    start, end = usual[0] if low is None else low, usual[1] if high is None else high
    if not 0 < start < end < math.inf or steps < 20:
        raise InputError(
            f"range: {start:g} to {end:g} in {steps} steps; give rising rates above 0, and at least 20 steps"
        )
    return start, end


@dataclass(frozen=True, slots=True)
class RangeResult:
    """What a range test says."""

    points: tuple[RangePoint, ...]
    proposed: float | None  # for optimizer.lr; None: the test does not tell
    why: str
    lowest: float | None = None  # the highest rate at which the loss was about as low as it became
    middle: float | None = None  # the rate at which half of the fall was done
    current: float = 0.0  # what the recipe says
    curve: tuple[
        tuple[float, float], ...
    ] = ()  # rate and loss, smoothed to both sides: what the proposal was read from

    def make_event(self) -> RangeProposed:
        """What the job says of it, without the points, which are events of their own."""
        curve = [list(pair) for pair in self.curve]
        return RangeProposed(self.proposed, self.why, self.lowest, self.middle, self.current, curve)


def smooth_losses(previous: float, raw: float, step: int) -> tuple[float, float]:
    """The moving average after `step` (from 1) with this loss: as it is carried on, and freed of its bias."""
    carried = SMOOTHING * previous + (1 - SMOOTHING) * raw
    return carried, carried / (1 - SMOOTHING**step)


def lr_steps(low: float, high: float, steps: int) -> list[float]:
    """`steps` rates from `low` to `high`, each the same multiple of the one before."""
    return [float(rate) for rate in np.geomspace(low, high, steps)]


def is_over(points: Sequence[RangePoint]) -> bool:
    """Whether the loss has left for good what it once was."""
    if len(points) <= 2 * SETTLING:
        return False
    lowest = min(point.loss for point in points[SETTLING:])
    return not math.isfinite(points[-1].loss) or points[-1].loss > DIVERGED * lowest


def propose_lr(points: Sequence[RangePoint], current: float, diverged: bool = False) -> RangeResult:
    """The learning rate that these points speak for.

    `diverged`: the loss became no number after the last point. `current`: the rate of the recipe, to compare with.
    """
    found = tuple(point for point in points if math.isfinite(point.raw))
    if len(found) <= 2 * SETTLING:
        text = "the loss became infinite at once: begin at a lower rate" if diverged else "too few steps to tell"
        return RangeResult(tuple(points), None, text, current=current)
    losses = _both_sides(np.array([point.raw for point in found]))
    logs = np.log([point.lr for point in found])
    curve = tuple((point.lr, float(loss)) for point, loss in zip(found, losses, strict=True))
    place = int(losses.argmin())
    start = float(losses[: SETTLING + 1].mean())
    fall = (start - float(losses[place])) / max(abs(start), 1e-12)
    if fall < ENOUGH_FALL:
        text = (
            f"the loss fell by only {max(fall, 0):.0%} at any rate: take more steps or a larger batch, and see whether "
            "labels and starting weights are what they should be"
        )
        return RangeResult(tuple(points), None, text, current=current, curve=curve)
    # Over a flat floor, noise decides where the minimum is: what counts is how far the floor goes.
    floor = losses <= losses[place] + FLOOR_SHARE * (start - losses[place])
    leaving = np.flatnonzero(~floor[place:])
    end = place + int(leaving[0]) - 1 if len(leaving) else len(losses) - 1
    lowest = math.exp(float(logs[end]))
    above = np.flatnonzero(losses[: place + 1] > start * (1 - fall / 2))
    middle = math.exp(float(logs[min(int(above.max(initial=0)) + 1, place)]))
    proposed = round_lr(min(middle, lowest * SAFE_SHARE))
    turned = diverged or end < len(losses) - SETTLING
    text = f"half of the fall was done at {middle:.2g}, and the loss stayed low up to {lowest:.2g}" + (
        ", beyond which it rose; " if turned else ", near the end of the range; "
    )
    text += (
        f"{proposed:g} is in the middle of the fall"
        if middle <= lowest * SAFE_SHARE
        else f"{proposed:g} is a tenth of that, so that a whole run can bear it"
    )
    return RangeResult(
        tuple(points), proposed, text + _compare_losses(proposed, current), lowest, middle, current, curve
    )


def _both_sides(raw: NDArray[np.float64]) -> NDArray[np.float64]:
    """The losses under a Gaussian window: a moving average would lag behind and put everything at too high a rate."""
    level = float(np.median(raw[: 2 * SETTLING]))
    clipped = np.minimum(raw, DIVERGED * max(level, 0.0))  # one exploding step must not lift those before it
    width = max(2.0, len(raw) / 25)
    apart = np.subtract.outer(np.arange(len(raw)), np.arange(len(raw)))
    weights = np.exp(-0.5 * (apart / width) ** 2)
    return np.asarray(weights @ clipped / weights.sum(axis=1), np.float64)


def round_lr(rate: float) -> float:
    """The nearest of 1, 2, 3, 5 and 7 times a power of ten: a range test knows no more digits than that."""
    exponent = math.floor(math.log10(rate))
    known = [digit * 10.0**power for power in (exponent, exponent + 1) for digit in (1, 2, 3, 5, 7)]
    return float(f"{min(known, key=lambda one: abs(math.log(one / rate))):.0e}")


def _compare_losses(proposed: float, current: float) -> str:
    if current <= 0:
        return ""
    ratio = current / proposed
    if 1 / 3 <= ratio <= 3:
        return f". The recipe's {current:g} is of that size already"
    return (
        f". The recipe's {current:g} is {ratio:.0f} times that"
        if ratio > 3
        else (f". The recipe's {current:g} is {1 / ratio:.0f} times smaller")
    )
