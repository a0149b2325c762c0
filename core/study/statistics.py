"""How far means over a few seeds may be trusted. No torch, no scipy: what a study needs of Student's t."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

_PANELS = 2_000  # of Simpson's rule, even


@dataclass(frozen=True, slots=True)
class Spread:
    """Some measurements of one thing."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return math.fsum(self.values) / len(self.values)

    @property
    def deviation(self) -> float | None:
        """The sample's standard deviation; None for one value, which tells nothing of a spread."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else None


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much one thing exceeds another, measured with the same seeds."""

    mean: float
    low: float  # bounds of the interval that holds the true difference at the stated confidence
    high: float
    seeds: int
    strategies: int = 2  # whose spread was taken together
    confidence: float = 0.95

    @property
    def is_beyond_spread(self) -> bool:
        """Whether zero lies outside of the interval."""
        return self.low > 0 or self.high < 0


def block_difference(
    table_sa: NDArray[np.float64], first: int, second: int, confidence: float = 0.95
) -> Difference | None:
    """By how much column `first` exceeds column `second` of a table (seeds, arms); None for fewer than two seeds.

    A row shares a seed, and with it the order of images and the augmentation, which then do not count as spread. What
    remains when the means of rows and columns are taken away is the spread, of all columns together: a randomised block
    design (Fisher), with (seeds - 1) * (arms - 1) degrees of freedom. For two columns it is Student's paired interval.
    It takes the columns to be spread alike.
    """
    seeds, arms = table_sa.shape
    if seeds < 2 or arms < 2:
        return None
    rest = table_sa - table_sa.mean(axis=0) - table_sa.mean(axis=1, keepdims=True) + table_sa.mean()
    freedom = (seeds - 1) * (arms - 1)
    error = math.sqrt(2 * float((rest**2).sum()) / freedom / seeds)
    mean = float(table_sa[:, first].mean() - table_sa[:, second].mean())
    reach = t_quantile((1 + confidence) / 2, freedom) * error
    return Difference(mean, mean - reach, mean + reach, seeds, arms, confidence)


def seeds_to_decide(difference: Difference, most: int = 100) -> int | None:
    """How many seeds would put `difference` beyond the spread, if both stay as they are; None: more than `most`."""
    found = difference.seeds, difference.strategies, difference.confidence
    # In units of the interval that was found.
    needed = abs(difference.mean) / max((difference.high - difference.low) / 2, 1e-12)
    return next(
        (
            count
            for count in range(2, most + 1)
            if least_difference(count, *found[1:]) < needed * least_difference(*found)
        ),
        None,
    )


def least_difference(seeds: int, strategies: int = 2, confidence: float = 0.95) -> float:
    """The least difference of means that lies beyond the spread, in standard deviations of a run; two seeds at least."""
    return t_quantile((1 + confidence) / 2, (seeds - 1) * (strategies - 1)) * math.sqrt(2 / seeds)


@cache
def t_quantile(probability: float, freedom: int) -> float:
    """The value that Student's t with `freedom` degrees of freedom stays below with `probability`, from 0.5 to 1.

    Bisection on the distribution, which is integrated after t = sqrt(freedom) * tan(angle): there the density is
    proportional to cos(angle)^(freedom - 1), smooth and bounded for every freedom (Abramowitz and Stegun 26.7).
    """
    if not 0.5 <= probability < 1 or freedom < 1:
        raise ValueError(f"no quantile for probability {probability} and {freedom} degrees of freedom")
    share = 2 * probability - 1
    whole = _area(math.pi / 2, freedom)
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        if _area(middle, freedom) < share * whole:
            low = middle
        else:
            high = middle
    return math.sqrt(freedom) * math.tan(low)


def _area(angle: float, freedom: int) -> float:
    """The integral of cos^(freedom - 1) from 0 to `angle`, by Simpson's rule."""
    values = np.cos(np.linspace(0, angle, _PANELS + 1)).clip(min=0) ** (freedom - 1)
    return float(values[0] + 4 * values[1:-1:2].sum() + 2 * values[2:-1:2].sum() + values[-1]) * angle / _PANELS / 3
