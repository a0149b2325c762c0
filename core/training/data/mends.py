"""Changes of a recipe that let more boxes be learnt, each tried on the boxes. Imports no torch."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from core.errors import InputError
from core.models import anchors
from core.models.anchors import ENOUGH_REACH, MORE_SHAPES, Anchors
from core.models.registry import MODELS
from core.project.snapshot import SnapshotImage
from core.recipe.finding import Mend
from core.recipe.fitting import native_input
from core.recipe.phases import learning_share
from core.recipe.recipe import Recipe, with_settings
from core.training.data.taught_boxes import TaughtBoxes, find_taught_boxes

# Boxes that mends are tried on: more tell no more, and take seconds.
_ENOUGH_BOXES = 4_000
# A mend that does not let enough boxes be learnt must let so many more, as a share of all.
_WORTH_IT = 0.05
_MOST_MENDS = 3
_LARGEST = 2048
# Inputs that are tried, in pixels of a side.
_SIZES = (128, 192, 256, 320, 384, 448, 512, 640, 768, 896, 1024, 1280, 1536, 2048)
_STEP = 32
_ANCHOR_FREE = "fcos_resnet50_fpn"
_SMALL_NETWORK = "ssd_compact"


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """A recipe on training images, or on as many of them as it takes."""

    recipe: Recipe
    images: list[SnapshotImage]
    learnable: float  # share of the boxes that the recipe can teach and that an anchor reaches

    @classmethod
    def of(cls, recipe: Recipe, images: list[SnapshotImage]) -> Self:
        boxes = sum(len(image.boxes) for image in images)
        some = images[:: max(1, boxes // _ENOUGH_BOXES)]
        images = some if any(len(image.boxes) for image in some) else images
        return cls(recipe, images, _learnable_share(recipe, images))

    @property
    def native_side(self) -> float:
        """Side of a square of as many pixels as an image has."""
        return float(np.median([(image.width * image.height) ** 0.5 for image in self.images]))

    def change(self, settings: Mapping[str, Any]) -> Recipe | None:
        """The recipe with these settings; None where they do not go together, or nothing changes."""
        try:
            changed = with_settings(self.recipe, dict(settings))
        except InputError:
            return None
        return None if changed == self.recipe else changed

    def share_with(self, settings: Mapping[str, Any]) -> float:
        """What can be learnt with these settings, as a share of all boxes; -1 where they are none."""
        changed = self.change(settings)
        return -1.0 if changed is None else _learnable_share(changed, self.images)

    def first_enough(self, tries: Iterable[dict[str, Any]], words: str = "") -> Mend | None:
        """The first of these changes with which enough can be learnt; else the best, if it brings much."""
        best: tuple[float, dict[str, Any]] = (self.learnable + _WORTH_IT, {})
        for settings in tries:
            share = self.share_with(settings)
            if share >= ENOUGH_REACH and share > self.learnable:
                return Mend(settings, words, _describe_share(share))
            if share >= best[0] + 1e-9:
                best = share, settings
        share, settings = best
        return Mend(settings, words, _describe_share(share)) if settings else None


def fit_anchors(recipe: Recipe, found: TaughtBoxes) -> Anchors:
    """The anchors that a new network by `recipe` gets for the boxes that can be taught."""
    if recipe.spec.task == "classify":
        return anchors.NO_ANCHORS
    spec = recipe.spec
    return anchors.fit_enough(found.boxes[found.taught], spec.strides, spec.anchors, recipe.sampling.anchor_shapes)


def list_size_mends(trial: Trial) -> tuple[Mend, ...]:
    """What lets boxes be taught that are too large for the crops; whole images first, where they are many."""
    whole = trial.first_enough(_whole_inputs(trial))
    crops = trial.first_enough(_larger_crops(trial))
    parts = trial.first_enough([{"sampling.clipped": "teach"}])
    anywhere = trial.first_enough([{"sampling.placing": "random"}])
    many = find_taught_boxes(trial.recipe, trial.images).share < 0.7
    return _some_of([whole, crops, parts] if many else [anywhere, crops, parts, whole])


def list_reach_mends(trial: Trial, kind: str) -> tuple[Mend, ...]:
    """What lets anchors reach more boxes; `kind`: of most that they miss."""
    shapes = trial.first_enough({"sampling.anchor_shapes": count} for count in MORE_SHAPES)
    finer = trial.first_enough([{"sampling.tap": 8}]) if "tap" in MODELS[trial.recipe.model].options else None
    if trial.recipe.sampling.mode == "whole":
        size = trial.first_enough({"sampling.input_size": side} for side in _enlarged(trial))
        mode = trial.first_enough({"sampling.mode": "crops"} | other for other in _crop_sizes(trial))
    else:
        # At native resolution small boxes stay small: only enlarging them helps.
        size = trial.first_enough(
            {"sampling.mode": "whole", "sampling.input_size": side} for side in _enlarged(trial, trial.native_side)
        )
        mode = trial.first_enough(_whole_inputs(trial))
    free = trial.first_enough([_model_settings(trial.recipe, _ANCHOR_FREE)], _choose(_ANCHOR_FREE))
    order = (
        [shapes, finer, size, mode, free]
        if kind in ("long and thin", "of other shapes")
        else [finer, size, mode, shapes, free]
    )
    return _some_of(order)


def list_padding_mends(trial: Trial, image: tuple[int, int]) -> tuple[Mend, ...]:
    """What shows images that are smaller than the crops without anything beside them. `image`: their usual size."""
    whole: dict[str, Any] = {"sampling.mode": "whole", "sampling.input_size": native_input(image)}
    smaller: dict[str, Any] = {"sampling.input_size": max(64, min(image) // 4 * 4)}
    found = []
    for settings in (whole, smaller):
        changed = trial.change(settings)
        # Not at the price of boxes that could be learnt before.
        if changed is not None and _learnable_share(changed, trial.images) >= trial.learnable - 0.02:
            found.append(Mend(settings, "", "then pictures show nothing but the images"))
    return _some_of(found)


def list_idle_mends(trial: Trial) -> tuple[Mend, ...]:
    """What lets more of a network learn of which only the first layers are computed."""
    found: list[Mend | None] = []
    for side in _enlarged(trial):
        changed = trial.change({"sampling.input_size": side})
        if changed is not None and (share := _learning_with(changed, trial.images)) >= 0.5:
            found.append(Mend({"sampling.input_size": side}, "", f"{share:.0%} of the network then learns"))
            break
    settings = _model_settings(trial.recipe, _SMALL_NETWORK)
    changed = trial.change(settings)
    if changed is not None and _learnable_share(changed, trial.images) >= trial.learnable - 0.02:
        share = _learning_with(changed, trial.images)
        found.append(Mend(settings, _choose(_SMALL_NETWORK), f"of which {share:.0%} learns"))
    return _some_of(found)


def _describe_share(share: float) -> str:
    return f"{math.floor(100 * share + 1e-6)}% of the boxes can then be learnt"  # 99.7% are not all


def _learnable_share(recipe: Recipe, images: list[SnapshotImage]) -> float:
    found = find_taught_boxes(recipe, images)
    if not len(found.taught) or not found.taught.any():
        return 0.0
    if recipe.spec.task == "classify":
        return found.share
    return found.share * anchors.reachable_share(found.boxes[found.taught], fit_anchors(recipe, found))


def _learning_with(recipe: Recipe, images: list[SnapshotImage]) -> float:
    return learning_share(recipe, fit_anchors(recipe, find_taught_boxes(recipe, images)).used_levels).share


def _whole_inputs(trial: Trial) -> Iterator[dict[str, Any]]:
    """Whole images, at sizes up to their own."""
    least = min(trial.recipe.sampling.input_size, native_input((int(trial.native_side),) * 2))
    sizes = [size for size in _SIZES if least <= size <= trial.native_side]
    for size in sizes or [native_input((int(trial.native_side),) * 2)]:
        yield {"sampling.mode": "whole", "sampling.input_size": size}


def _larger_crops(trial: Trial) -> Iterator[dict[str, Any]]:
    """Crops that are larger, and yet about as large as the images at most."""
    most = max(max(image.width, image.height) for image in trial.images)
    first = trial.recipe.sampling.input_size // _STEP * _STEP + _STEP
    sizes = range(first, min(_LARGEST, most + _STEP) + 1, _STEP)
    if sizes:
        place = bisect_left(sizes, True, key=lambda size: _teaches_all(_with_size(trial.recipe, size), trial.images))
        yield {"sampling.input_size": sizes[min(place, len(sizes) - 1)]}


def _teaches_all(recipe: Recipe, images: list[SnapshotImage]) -> bool:
    return find_taught_boxes(recipe, images).share == 1


def _crop_sizes(trial: Trial) -> Iterator[dict[str, Any]]:
    """Crops of the input's size, or of what is usual, or larger."""
    yield {}
    for size in (256, 384, 512, 768, 1024):
        yield {"sampling.input_size": size}


def _enlarged(trial: Trial, side: float | None = None) -> Iterator[int]:
    """Input sizes above the recipe's, or above `side`, up to four times that."""
    side = side or trial.recipe.sampling.input_size
    for factor in (1.25, 1.5, 2.0, 2.5, 3.0, 4.0):
        size = round(side * factor / _STEP) * _STEP
        if size > _LARGEST:
            return
        yield size


def _with_size(recipe: Recipe, size: int) -> Recipe:
    return with_settings(recipe, {"sampling.input_size": size})


def _model_settings(recipe: Recipe, model: str) -> dict[str, Any]:
    """All that changes with the model; how images are shown stays."""
    defaults = MODELS[model].defaults
    return {"model": model} | {name: value for name, value in defaults.items() if not name.startswith("sampling.")}


def _choose(model: str) -> str:
    return f"choose {MODELS[model].title}"


def _some_of(found: Iterable[Mend | None]) -> tuple[Mend, ...]:
    """The first few, each once."""
    unlike: list[Mend] = []
    for mend in found:
        if mend is not None and all(mend.settings != other.settings for other in unlike):
            unlike.append(mend)
    return tuple(unlike[:_MOST_MENDS])
