"""Which pictures an epoch shows, and in what order. Every epoch of a run has equally many.

Rare labels are repeated by LVIS's rule (Gupta, Dollar, Girshick: LVIS, 2019, section 5.3): an image comes
r = max(1, max over its labels of sqrt(t / f)) times, where f is the share of images with the label and t the recipe's
`rare_labels`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.project.snapshot import SnapshotImage
from core.randomness import seed_for
from core.recipe.field_words import describe_change
from core.recipe.recipe import Recipe
from core.training.data.crops import ImageViews


class Sampler:
    """The pictures of each epoch, drawn by the recipe's seed and the epoch alone."""

    def __init__(self, images: Sequence[SnapshotImage], views: Sequence[ImageViews], recipe: Recipe) -> None:
        """`views` of each image. Raises InputError if there is nothing to show."""
        self._seed = recipe.seed
        factors = repeat_factors([image.labels for image in images], recipe.sampling.rare_labels)
        # Rows (image, turn). A turn beyond an image's views is one of them again, drawn anew.
        certain: list[tuple[int, int]] = []
        chance: list[tuple[int, int]] = []
        self._fractions = []
        self._empty = []
        for image, (own, factor) in enumerate(zip(views, factors.tolist(), strict=True)):
            count, taught, repeats = len(own.views), own.taught, int(factor)
            certain += [(image, repeat * count + turn) for repeat in range(repeats) for turn in range(taught)]
            if factor > repeats:
                chance += [(image, repeats * count + turn) for turn in range(taught)]
                self._fractions += [factor - repeats] * taught
            self._empty += [(image, turn) for turn in range(taught, count)]
        if not certain and not self._empty:
            raise InputError("images: none is left to train on; label some, and split the images")
        if not certain and any(len(image.boxes) for image in images):
            raise InputError(
                "sampling.input_size: no tile of this Input size shows enough of any defect; choose a larger one, or "
                f"{describe_change({'sampling.placing': 'random'})}, or {describe_change({'sampling.mode': 'whole'})}"
            )
        self._certain, self._chance = _label_rows(certain), _label_rows(chance)
        self._empty_rows = _label_rows(self._empty)
        self._shown_empty = _count_empty(recipe, len(certain), len(self._empty))
        self._length = len(certain) + int(sum(self._fractions) + 0.5) + self._shown_empty

    def __len__(self) -> int:
        """Pictures in an epoch."""
        return self._length

    def epoch(self, epoch: int) -> NDArray[np.intp]:
        """The pictures of an epoch (from 1) in their order: rows (image, turn), shape (len(self), 2)."""
        random = np.random.default_rng(seed_for(self._seed, "order", epoch))
        empty = np.sort(random.permutation(len(self._empty_rows))[: self._shown_empty])
        shown = np.concatenate([self._certain, self._chance[self._drawn(random)], self._empty_rows[empty]])
        return shown[random.permutation(len(shown))]

    def _drawn(self, random: np.random.Generator) -> NDArray[np.intp]:
        """Which of the fractional repeats come in this epoch: always equally many.

        Systematic sampling in a random order: one is drawn wherever the sum of the fractions passes a half.
        """
        order = random.permutation(len(self._fractions))
        passed = np.floor(np.cumsum(np.array(self._fractions, np.float64)[order]) + 0.5)
        # Of the sum in another order, rounding could differ from that of the length.
        passed = np.minimum(passed, int(sum(self._fractions) + 0.5))
        if len(passed):
            passed[-1] = int(sum(self._fractions) + 0.5)
        return np.sort(order[np.diff(passed, prepend=0) > 0])


def repeat_factors(labels: Sequence[NDArray[np.bool_]], threshold: float) -> NDArray[np.float64]:
    """How often each image comes in an epoch, at least 1, shape (images,). `labels`: the sets (n, k) of its boxes."""
    if not threshold or not labels:
        return np.ones(len(labels))
    carries = np.stack([sets.any(axis=0) for sets in labels])
    shares = carries.mean(axis=0)
    by_label = np.maximum(1.0, np.sqrt(threshold / np.maximum(shares, 1e-12)))
    return np.asarray(np.where(carries, by_label[None, :], 1.0).max(axis=1, initial=1.0), np.float64)


def batch_bounds(count: int, batch: int) -> list[tuple[int, int]]:
    """Where each batch of at most `batch` begins and ends among `count` pictures.

    The last one may be smaller. One of less than half the size shares evenly with the batch before it: statistics and
    gradients of one or two pictures would be noise, and a larger batch may not fit in memory.
    """
    ends = list(range(batch, count, batch))
    if ends and 2 * (count - ends[-1]) < batch:
        ends[-1] = (ends[-1] - batch + count + 1) // 2
    return list(zip([0, *ends], [*ends, count], strict=True)) if count else []


def rank_bounds(first: int, last: int, rank: int, size: int) -> tuple[int, int]:
    """Which of the pictures `first` to `last` are those of process `rank` of `size`: shares differ by one at most.

    Of fewer pictures than processes, some have none: each picture counts once in the gradient, whoever computes it.
    """
    count = last - first
    return first + count * rank // size, first + count * (rank + 1) // size


def _count_empty(recipe: Recipe, taught: int, empty: int) -> int:
    if recipe.sampling.mode == "crops" and recipe.sampling.placing == "tiles" and taught:
        return min(empty, round(recipe.sampling.empty_tiles * taught))
    return round(recipe.sampling.empty_share * empty) if taught else empty


def _label_rows(pairs: list[tuple[int, int]]) -> NDArray[np.intp]:
    return np.array(pairs, np.intp).reshape(-1, 2)
