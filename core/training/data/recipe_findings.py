"""What a recipe will do badly on the training images, found before it is trained. Imports no torch.

Every mend was tried: what it changes was worked out with it on the very boxes, and it is named only where it helps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.counting import format_count
from core.jobs.events import RecipeNotice
from core.models import anchors
from core.models.anchors import ENOUGH_REACH, NO_ANCHORS, Anchors
from core.project.snapshot import Snapshot, SnapshotImage
from core.recipe.field_words import field_title
from core.recipe.finding import Finding, Severity
from core.recipe.fitting import MUCH_PADDING, padding_share
from core.recipe.phases import learning_share
from core.recipe.recipe import Recipe
from core.training.data.crops import input_size
from core.training.data.mends import (
    Trial,
    fit_anchors,
    list_idle_mends,
    list_padding_mends,
    list_reach_mends,
    list_size_mends,
)
from core.training.data.taught_boxes import TaughtBoxes, find_taught_boxes
from core.types import Split

# Boxes that are never taught weigh heavily from this share on, or where they are half of a label's.
_MANY = 0.1
_MOST_OF_A_LABEL = 0.5
# Of a network that is not computed, for all defects are small, at least so much should learn.
_LEAST_LEARNING, _HARDLY_ANY = 0.5, 0.1
# A side this many times the other makes a box long and thin.
_THIN = 3.0
# Boxes below so many cells of the finest map are small.
_SMALL_CELLS = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """A recipe on the training images."""

    recipe: Recipe
    images: list[SnapshotImage]
    label_names: tuple[str, ...]
    size: tuple[int, int]  # of the network's input
    found: TaughtBoxes
    fitted: Anchors

    def by_label(self, rows: NDArray[np.bool_]) -> dict[str, int]:
        counts = self.found.labels[rows].sum(axis=0).tolist()
        return {name: count for name, count in zip(self.label_names, counts, strict=True) if count}


def judge_recipe(recipe: Recipe, snapshot: Snapshot, fitted: Anchors | None = None) -> tuple[Finding, ...]:
    """What is to be known before `recipe` is trained on `snapshot`, the weightiest first; nothing without images.

    `fitted`: the anchors of the network, where they are not those that are fitted to the boxes.
    """
    images = snapshot.of_split(Split.TRAIN)
    if not any(len(image.boxes) for image in images):
        return ()
    found = find_taught_boxes(recipe, images)
    if fitted is None:
        fitted = fit_anchors(recipe, found)
    size = input_size(recipe, [(image.width, image.height) for image in images])
    case = _Case(recipe, images, snapshot.label_names, size, found, fitted)
    findings = [finding for judge in _JUDGES if (finding := judge(case)) is not None]
    return tuple(sorted(findings, key=lambda finding: ("high", "medium", "low").index(finding.severity)))


def to_notice(finding: Finding) -> RecipeNotice:
    """The finding as a run tells it."""
    values = finding.to_json()
    return RecipeNotice(values.pop("text"), "info" if finding.severity == "low" else "warning", **values)


def _judge_sizes(case: _Case) -> Finding | None:
    """Boxes of which no crop shows enough."""
    never, recipe = ~case.found.taught, case.recipe
    if not never.any():
        return None
    by_label, total = case.by_label(never), len(never)
    all_by_label = case.by_label(np.ones(total, np.bool_))
    heavy = never.mean() >= _MANY or any(n >= _MOST_OF_A_LABEL * all_by_label[name] for name, n in by_label.items())
    which = ", ".join(f"{count:,} of {all_by_label[name]:,} {name}" for name, count in by_label.items())
    tiled = recipe.sampling.placing == "tiles"
    why = "lie so that no tile" if tiled else "are so large that no crop"
    width, height = np.median(case.found.sides[never], axis=0).tolist()
    what = (
        f"{format_count(int(never.sum()), 'box')} of {total:,} ({which}) {why} of {case.size[0]} px shows "
        f"{recipe.augmentation.min_visible:.0%} of them ({field_title('augmentation.min_visible')}), such as "
        f"{width:.0f} x {height:.0f} px: they are never taught"
    )
    trial = Trial.of(recipe, case.images)
    return Finding("too_large_for_crops", "high" if heavy else "medium", what, by_label, list_size_mends(trial))


def _judge_reach(case: _Case) -> Finding | None:
    """Boxes that can be taught and that no anchor reaches."""
    if case.recipe.spec.task != "detect" or not case.found.taught.any():
        return None
    reached = np.zeros(len(case.found.taught), np.bool_)
    reached[case.found.taught] = anchors.reached_boxes(case.found.boxes[case.found.taught], case.fitted)
    missed = case.found.taught & ~reached
    share = float(reached.sum() / case.found.taught.sum())
    if share >= ENOUGH_REACH:
        return None
    kinds = _sort_by_kind(case, missed)
    which = ", ".join(
        f"{len(sides):,} {kind} (such as {np.median(sides[:, 0]):.0f} x {np.median(sides[:, 1]):.0f} px)"
        for kind, sides in kinds
    )
    reach = "points of the finest map lie in" if case.fitted.points else "the anchors reach"
    what = (
        f"{reach} only {share:.0%} of the boxes at input {case.size[0]} x {case.size[1]} px: the others can hardly be "
        f"learnt; there they are {which}"
    )
    severity: Severity = "high" if share < 1 - 2 * _MANY else "medium"
    trial = Trial.of(case.recipe, case.images)
    return Finding("anchors_miss", severity, what, case.by_label(missed), list_reach_mends(trial, kinds[0][0]))


def _sort_by_kind(case: _Case, missed: NDArray[np.bool_]) -> list[tuple[str, NDArray[np.float32]]]:
    """Kinds of the boxes that are missed, the most frequent first, with their sides (n, 2) in the network's input."""
    boxes = case.found.boxes[missed]
    sides = boxes[:, 2:] - boxes[:, :2]
    short, long = np.maximum(sides.min(axis=1), 1e-6), sides.max(axis=1)
    # A sliver of less than a cell is small, however long: no map is fine enough for it.
    cell = min(case.fitted.strides, default=8)
    thin = (long >= _THIN * short) & (long >= 2 * _SMALL_CELLS * cell)
    small = ~thin & (np.sqrt(short * long) < _SMALL_CELLS * cell)
    large = ~thin & ~small & (np.sqrt(short * long) > min(case.size) / 2)
    rest = ~(thin | small | large)
    rows = {"long and thin": thin, "small": small, "large": large, "of other shapes": rest}
    found = [(kind, sides[row]) for kind, row in rows.items() if row.any()]
    return sorted(found, key=lambda one: -len(one[1]))


def _judge_padding(case: _Case) -> Finding | None:
    """Crops that are mostly beside the image."""
    side = case.recipe.sampling.input_size
    if case.recipe.sampling.mode != "crops":
        return None
    empty = padding_share(side, [(image.width, image.height) for image in case.images])
    if empty <= MUCH_PADDING:
        return None
    width, height = (int(np.median([getattr(image, name) for image in case.images])) for name in ("width", "height"))
    what = (
        f"crops of {side} px are larger than the images, such as {width} x {height} px: {empty:.0%} of each "
        "picture shows nothing"
    )
    trial = Trial.of(case.recipe, case.images)
    return Finding("mostly_padding", "medium", what, {}, list_padding_mends(trial, (width, height)))


def _judge_learning(case: _Case) -> Finding | None:
    """A network of which little learns, for its anchors need only its first layers."""
    if case.recipe.spec.task != "detect" or case.fitted == NO_ANCHORS:
        return None
    learning = learning_share(case.recipe, case.fitted.used_levels)
    if not learning.idle or learning.share >= _LEAST_LEARNING:
        return None
    frozen = f"; never learning: {', '.join(learning.frozen)}" if learning.frozen else ""
    what = (
        f"only {learning.share:.0%} of the network learns, {learning.learning:,} of {learning.parameters:,} parameters: at "
        f"input {case.size[0]} x {case.size[1]} px all boxes are small, so that anchors lie on its finest maps alone, "
        f"and {', '.join(learning.idle)} {'are' if len(learning.idle) > 1 else 'is'} not computed{frozen}"
    )
    severity: Severity = "high" if learning.share < _HARDLY_ANY else "medium"
    return Finding("little_learns", severity, what, {}, list_idle_mends(Trial.of(case.recipe, case.images)))


_JUDGES: Sequence[Callable[[_Case], Finding | None]] = (_judge_sizes, _judge_reach, _judge_padding, _judge_learning)
