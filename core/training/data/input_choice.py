"""Whole images or crops, and how large, for the time that there is. Imports no torch.

Every input is tried on the boxes: what share of them can be learnt so, how finely it shows them, and how often the
minutes let it show them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.models.anchors import reached_boxes
from core.project.snapshot import SnapshotImage
from core.recipe.fitting import MUCH_PADDING, native_input, padding_share
from core.recipe.recipe import Recipe, with_settings
from core.training.data.choice import Choice, round_count
from core.training.data.crops import input_size
from core.training.data.mends import fit_anchors
from core.training.data.speed import Speed, learnt_pixels
from core.training.data.taught_boxes import find_taught_boxes

# A box that is shown this often is learnt half as well as it can be; one of so many pixels is seen half as well.
HALF_LEARNT, HALF_SEEN = 1_500.0, 8.0
# Small boxes decide on the input: this share of them is smaller than the one that is looked at.
_SMALL = 10
_WHOLE_SIZES = (96, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024)
# Smaller crops show more of them, but each with so little around it that no more was learnt.
_CROP_SIZES = (256, 320, 384, 448, 512, 640)
# Of the side of a crop, what a box may take so that it is shown with something around it.
_FITS = 0.8
# Boxes that sizes are tried on.
_ENOUGH_BOXES = 800
# A size other than the usual must be so much better: estimates are no measurements.
_WORTH_IT = 1.05


@dataclass(frozen=True, slots=True)
class _Input:
    """How images may be shown, and what that is worth."""

    settings: Mapping[str, Any]
    learnable: float  # share of the boxes that pictures show with something around them and that an anchor reaches
    pictures: float  # that the run shows
    boxes: float  # on each of them, on the mean
    small: float  # side of a small box, in pixels of the input

    @property
    def shown(self) -> float:
        """Boxes that the run shows, with repeats."""
        return self.pictures * self.boxes

    @property
    def title(self) -> str:
        kind = "crops of" if self.settings["sampling.mode"] == "crops" else "whole images at"
        return f"{kind} {self.settings['sampling.input_size']} px"

    @property
    def worth(self) -> float:
        # Many boxes on one picture are one step of learning, not many.
        often = self.pictures * math.sqrt(self.boxes)
        often /= often + HALF_LEARNT
        fine = self.small**2 / (self.small**2 + HALF_SEEN**2)
        return self.learnable * often * fine


def choose_input(recipe: Recipe, train: list[SnapshotImage], minutes: float, speed: Speed) -> Choice:
    sizes = [(image.width, image.height) for image in train]
    boxes = sum(len(image.boxes) for image in train)
    some = train[:: max(1, boxes // _ENOUGH_BOXES)]
    some = some if any(len(image.boxes) for image in some) else train
    million_pixels = minutes * 60 / speed.learning
    tried = [_try_input(recipe, settings, train, some, million_pixels) for settings in _list_inputs(sizes)]
    usual = _try_input(recipe, _usual_input(recipe, sizes), train, some, million_pixels)
    best = max(tried, key=lambda one: one.worth)
    best = best if best.worth > usual.worth * _WORTH_IT else usual
    crops = best.settings["sampling.mode"] == "crops"
    others = [one for one in tried if (one.settings["sampling.mode"] == "crops") != crops]
    rival = max(others, default=None, key=lambda one: one.worth)
    width, height = _usual_size(sizes)
    why = (
        f"with images such as {width} x {height} px they show small boxes {best.small:.0f} px large and about "
        f"{round_count(best.shown)} boxes in {minutes:g} minutes, repeats among them; {best.learnable:.0%} of the boxes can be "
        "learnt well so"
    )
    if rival is not None:
        why += (
            f" ({rival.title}, the best of that kind, would show {rival.small:.0f} px, about {round_count(rival.shown)} boxes, "
            f"{rival.learnable:.0%})"
        )
    return Choice("Input", best.settings, best.title, why)


def _usual_size(sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    width, height = np.median(np.array(sizes), axis=0).tolist()
    return int(width), int(height)


def _list_inputs(sizes: Sequence[tuple[int, int]]) -> Iterator[dict[str, Any]]:
    native = native_input(_usual_size(sizes))
    for size in sorted({*(size for size in _WHOLE_SIZES if size < native), min(native, _WHOLE_SIZES[-1])}):
        yield {"sampling.mode": "whole", "sampling.input_size": size}
    for size in _CROP_SIZES:
        if padding_share(size, sizes) <= MUCH_PADDING / 2:
            yield {"sampling.mode": "crops", "sampling.input_size": size}


def _usual_input(recipe: Recipe, sizes: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """What the model's defaults do, unless that pads the images."""
    mode, size = recipe.sampling.mode, recipe.sampling.input_size
    if mode == "crops" and padding_share(size, sizes) > MUCH_PADDING:
        mode, size = "whole", native_input(_usual_size(sizes))
    return {"sampling.mode": mode, "sampling.input_size": size}


def _try_input(
    recipe: Recipe,
    settings: Mapping[str, Any],
    train: list[SnapshotImage],
    some: list[SnapshotImage],
    million_pixels: float,
) -> _Input:
    changed = with_settings(recipe, dict(settings))
    found = find_taught_boxes(changed, some)
    reached = (
        float(reached_boxes(found.boxes[found.taught], fit_anchors(changed, found)).mean())
        if found.taught.any()
        else 0.0
    )
    sides = found.boxes[:, 2:] - found.boxes[:, :2]
    width, height = input_size(changed, [(image.width, image.height) for image in some])
    fitting = found.taught
    if changed.sampling.mode == "crops":
        # A box that fills the crop, or sticks out of it, is taught without its surroundings, or in part.
        fitting = fitting & (found.sides <= _FITS * width).all(axis=1)
    small = float(np.percentile(np.sqrt(np.maximum(sides, 0).prod(axis=1)), _SMALL))
    pictures = million_pixels * 1e6 / learnt_pixels(changed, (width, height))
    boxes = _boxes_on_picture(changed, train, width * height)
    return _Input(settings, float(fitting.mean()) * reached, pictures, boxes, small)


def _boxes_on_picture(recipe: Recipe, train: Sequence[SnapshotImage], pixels: int) -> float:
    """About how many boxes a picture shows."""
    boxes = sum(len(image.boxes) for image in train)
    if recipe.sampling.mode == "whole":
        return boxes / len(train)
    around = boxes / sum(image.width * image.height for image in train) * pixels
    with_boxes = sum(len(image.boxes) > 0 for image in train) / len(train)
    return float(min(around + recipe.sampling.on_box * with_boxes, max(around, boxes / len(train))))
