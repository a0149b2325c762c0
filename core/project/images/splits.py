"""Dividing images over train, val and test: stratified, reproducible, and never through a group."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.project.images.copies import bind_images
from core.randomness import seed_for
from core.types import ImageRecord, Split, Status

DEFAULT_FRACTIONS: Mapping[str, float] = {"train": 0.7, "val": 0.15, "test": 0.15}
_IMAGES_WEIGHT = 4.0  # the sizes of the splits count for more than the balance of one label

Stratum = frozenset[int | str]  # features of an image: its labels, or its status where it has none


def check_fractions(fractions: Mapping[str, float]) -> dict[Split, float]:
    """Fractions by split, without those that are 0. Raises InputError if they are unknown or do not sum to 1."""
    names = {str(split): split for split in (Split.TRAIN, Split.VAL, Split.TEST)}
    unknown = [name for name in fractions if name not in names]
    if unknown:
        raise InputError(f"splits: there is no {unknown[0]!r}; use train, val and test")
    if any(not value >= 0 for value in fractions.values()) or abs(sum(fractions.values()) - 1) > 1e-6:
        shares = ", ".join(f"{name} {share:g}" for name, share in fractions.items())
        raise InputError(f"splits: the shares {shares} must be 0 or more and sum to 1")
    return {names[name]: value for name, value in fractions.items() if value > 0}


def find_strata(
    images: Sequence[ImageRecord], label_sets: Sequence[tuple[int, frozenset[int], int]]
) -> dict[int, Stratum]:
    """The features by which each image is balanced: the labels that it carries, else its status."""
    carried: dict[int, set[int]] = {}
    for image, labels, _ in label_sets:
        carried.setdefault(image, set()).update(labels)
    return {
        image.id: frozenset(carried[image.id])
        if carried.get(image.id)
        else frozenset({"clean" if image.status is Status.CLEAN else "without labels"})
        for image in images
    }


def divide_images(
    images: Sequence[ImageRecord],
    strata: Mapping[int, Stratum],
    fractions: Mapping[Split, float],
    seed: int,
    *,
    keep: bool,
) -> dict[int, Split]:
    """The split of each image, by id.

    Greedy: groups with rare features and large groups first, each to the split whose lack it mends
    most (after Sechidis, Tsoumakas and Vlahavas, "On the stratification of multi-label data", 2011; here the
    number of images and whole label sets are features too). Copies of one picture are as one group. With `keep`, images
    that have a split keep it.
    """
    choices = list(fractions)
    bundles = bind_images(images)
    bring = _count_features(bundles, strata, min(fractions.values()))
    wanted = bring.sum(axis=0)[:, None] * np.array([fractions[split] for split in choices])[None, :]
    weight = np.ones(len(wanted))
    weight[0] = _IMAGES_WEIGHT
    lacking = wanted.copy()

    result: dict[int, Split] = {}
    free: list[tuple[int, list[ImageRecord]]] = []
    for row, members in enumerate(bundles):
        kept = [image.split for image in members if image.split is not Split.NONE] if keep else []
        fixed: Counter[Split] = Counter(kept)
        if not fixed:
            free.append((row, members))
            continue
        # In ties the first of train, val, test, so that the result does not depend on the order of images.
        follow = max(Split, key=lambda split: fixed[split])
        result |= _follow_members(members, follow)
        if follow in choices:
            lacking[:, choices.index(follow)] -= bring[row]

    order = np.random.default_rng(seed_for(seed, "splits")).permutation(len(free))
    frequency = bring.sum(axis=0)
    shuffled = [free[place] for place in order]
    rarity = {row: frequency[bring[row] > 0].min() for row, _ in shuffled}
    for row, members in sorted(
        shuffled, key=lambda entry: (-len(entry[1]) if len(entry[1]) > 1 else 0, rarity[entry[0]])
    ):
        counts = bring[row]
        # By how much the squared lack falls, relative to what is due. Where a split is due less than one, its lack
        # is measured in whole ones: a single example goes to train.
        need = (weight * counts) @ ((2 * lacking - counts[:, None]) / np.maximum(wanted, 1))
        best = int(np.argmax(need + 1e-9 * wanted[0]))
        result |= {image.id: choices[best] for image in members}
        lacking[:, best] -= counts
    return result


def _follow_members(members: Sequence[ImageRecord], follow: Split) -> dict[int, Split]:
    """The splits of images that belong together, of which some have one: the others follow copies, group, or `follow`."""
    by_tie: dict[tuple[str, str], Counter[Split]] = defaultdict(Counter)
    for image in members:
        if image.split is not Split.NONE:
            for tie in _list_ties(image):
                by_tie[tie][image.split] += 1
    result = {}
    for image in members:
        found = next((by_tie[tie] for tie in _list_ties(image) if tie in by_tie), None)
        own = max(Split, key=lambda split: found[split]) if found else follow
        result[image.id] = own if image.split is Split.NONE else image.split
    # Copies that have no split yet follow the first of them: their groups may lie in several.
    first: dict[str, Split] = {}
    for image in members:
        if image.split is Split.NONE and image.content_hash:
            result[image.id] = first.setdefault(image.content_hash, result[image.id])
    return result


def _list_ties(image: ImageRecord) -> list[tuple[str, str]]:
    """What an image belongs together with others by, the strongest first."""
    return [tie for tie in (("content", image.content_hash), ("group", image.group)) if tie[1]]


def _count_features(
    groups: Sequence[Sequence[ImageRecord]], strata: Mapping[int, Stratum], least: float
) -> NDArray[np.float64]:
    """How many images of each group (row) have each feature (column); column 0 counts the images."""
    sets = Counter(strata[image.id] for members in groups for image in members)
    # A label set that is too rare to be in every split would only pull its images towards the largest one.
    common = {labels for labels, count in sets.items() if len(labels) > 1 and count * least >= 1}
    columns: dict[object, int] = {}
    for labels in sets:
        for feature in (*sorted(labels, key=str), *([labels] if labels in common else [])):
            columns.setdefault(feature, len(columns) + 1)
    bring = np.zeros((len(groups), len(columns) + 1))
    for row, members in enumerate(groups):
        for image in members:
            labels = strata[image.id]
            bring[row, 0] += 1
            for feature in labels:
                bring[row, columns[feature]] += 1
            if labels in common:
                bring[row, columns[labels]] += 1
    return bring
