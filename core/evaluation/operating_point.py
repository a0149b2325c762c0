"""From which score on a detection counts, label by label: the operating point that a checkpoint ships with."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.counting import format_count
from core.errors import InputError

FALLBACK = 0.5  # where no validation says more
DIGITS = 4  # that a chosen threshold has, where that many are enough

VAL, HAND, NOTHING = "val", "hand", "fallback"  # on what it was chosen


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """The accept thresholds by label, and how they were chosen."""

    thresholds: Mapping[str, float]
    chosen_on: str  # VAL, HAND, NOTHING, or what a later version knows besides
    how: str  # for a user
    review: Mapping[str, float] | None = None  # where a band below the thresholds is looked at by people: its lower end

    def to_json(self) -> dict[str, Any]:
        return {
            "thresholds": dict(self.thresholds),
            "review": None if self.review is None else dict(self.review),
            "chosen_on": self.chosen_on,
            "how": self.how,
        }

    @classmethod
    def from_json(cls, values: Any, where: str) -> Self:
        """What `to_json` gave. Raises InputError that begins with `where`."""
        if not isinstance(values, dict):
            raise InputError(f"{where}: is not an object")
        review = values.get("review")
        return cls(
            _read_scores(values.get("thresholds"), f"{where}: thresholds"),
            _read_text(values, "chosen_on", where),
            _read_text(values, "how", where),
            None if review is None else _read_scores(review, f"{where}: review"),
        )

    @classmethod
    def of_validation(cls, found: Mapping[str, float | None], what: str, absent: Collection[str] = ()) -> Self:
        """From the best thresholds of each label on validation images; None where a label has none.

        `what`: what was judged, such as "38 validation images in epoch 12"; `absent`: labels that none of them has.
        """
        known = {name: value for name, value in found.items() if value is not None}
        if not known:
            return cls.without_validation(tuple(found), f"no label was found on {what}")
        other = median(known.values())
        how = f"the best F1 of each label on {what}"
        for names, why in (
            ([name for name in found if name not in known and name in absent], "none there"),
            ([name for name in found if name not in known and name not in absent], "none of it was found"),
        ):
            if names:
                how += f"; {', '.join(names)}: {why}, so the median of the others, {other:g}"
        return cls({name: known.get(name, other) for name in found}, VAL, how)

    @classmethod
    def without_validation(cls, names: Sequence[str], why: str) -> Self:
        """The fallback for every label."""
        return cls(dict.fromkeys(names, FALLBACK), NOTHING, f"{FALLBACK:g} for every label, as {why}")

    def with_hand_set(self, thresholds: Mapping[str, float]) -> OperatingPoint:
        """With these thresholds, which a user set, in place of its own."""
        own = {name: value for name, value in thresholds.items() if name in self.thresholds}
        if not own:
            return self
        every = len(own) == len(self.thresholds)
        how = "set by hand" if every else f"set by hand: {', '.join(own)}; the others: {self.how}"
        return OperatingPoint({**self.thresholds, **own}, HAND, how, self.review)

    def renamed(self, names: Mapping[str, str]) -> OperatingPoint:
        """With labels under the names that they have now, by the names that they had."""

        def rename(scores: Mapping[str, float]) -> dict[str, float]:
            return {names.get(name, name): value for name, value in scores.items()}

        return replace(
            self, thresholds=rename(self.thresholds), review=None if self.review is None else rename(self.review)
        )

    def list_limits(self, label_names: Sequence[str]) -> NDArray[np.float32]:
        """The thresholds (k,) in this order; above every score for a label that it does not know."""
        return np.array([self.thresholds.get(name, np.inf) for name in label_names], np.float32)


def choose_threshold(score_n: NDArray[np.floating], hit_n: NDArray[np.bool_], positives: int) -> float | None:
    """The threshold of the best F1; of equal ones the middle of the widest flat stretch. None where nothing is right.

    `score_n` falls, with `hit_n` saying which of these answers are right; `positives` are to be found.
    """
    if not positives or not hit_n.any():
        return None
    # Equal scores pass a threshold together, so only the last of them is a place to cut.
    last = np.append(np.flatnonzero(score_n[1:] != score_n[:-1]), len(score_n) - 1)
    f1 = 2 * np.cumsum(hit_n)[last] / (last + 1 + positives)
    # What passes is the same from just above the next lower score on.
    high = score_n[last].astype(np.float64)
    low = np.append(high[1:], 0.0)
    is_best = np.concatenate([[False], f1 == f1.max(), [False]])
    first, end = (
        np.flatnonzero(np.diff(is_best.astype(np.int8)) == 1),
        np.flatnonzero(np.diff(is_best.astype(np.int8)) == -1),
    )
    tops, bottoms = high[first], low[end - 1]
    widest = int(np.argmax(tops - bottoms))
    return _round_within(float(bottoms[widest]), float(tops[widest]))


def _round_within(low: float, high: float) -> float:
    """The middle, in as few digits as keep it above `low` and not above `high`, also as a float of 32 bits."""
    middle = (low + high) / 2
    for digits in range(DIGITS, 17):
        value = round(middle, digits)
        if low < float(np.float32(value)) <= high:
            return value
    return high


def describe_own_choice(count: int, images: int) -> str:
    """Where `count` of the judged `images` are those that the thresholds were chosen on; empty where none is."""
    if not count:
        return ""
    which = "these" if count == images else f"{count:,} of these"
    return (
        f"the thresholds were chosen on {which} {format_count(images, 'image')}: precision, recall and F1 are too good "
        "here, judge on other images"
    )


def describe_point(point: OperatingPoint) -> str:
    """One line for a user: on what it was chosen, and how."""
    texts = {VAL: "chosen on val", HAND: "set by hand", NOTHING: "not chosen"}
    start = texts.get(point.chosen_on, f"chosen on {point.chosen_on}")
    return start if point.how == start else f"{start}: {point.how.removeprefix('set by hand: ')}"


def _read_scores(values: Any, where: str) -> dict[str, float]:
    if not isinstance(values, dict):
        raise InputError(f"{where}: is not an object of scores by label")
    scores = {}
    for name, value in values.items():
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
            or not 0 <= value <= 1
        ):
            raise InputError(f"{where}: {name[:80]!r} has no score from 0 to 1")
        scores[name] = float(value)
    return scores


def _read_text(values: Mapping[str, Any], field: str, where: str) -> str:
    if not isinstance(value := values.get(field), str):
        raise InputError(f"{where}: {field} is not a text")
    return value
