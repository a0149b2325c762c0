"""Which pictures a training takes from an image. Imports no torch: the window previews exactly these."""

from __future__ import annotations

from collections.abc import Sequence

from core.augmentation.pipeline import View
from core.models.anchors import input_shape
from core.training.recipe import Recipe

MOST_CROPS_PER_IMAGE = 16


def input_size(recipe: Recipe, images: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Width and height of the network's input, for training images of these (width, height)."""
    side = recipe.sampling.input_size
    return (side, side) if recipe.sampling.mode == "crops" else input_shape(side, images)


def training_view(recipe: Recipe, size: tuple[int, int]) -> View:
    """What the network sees of an image in training; `size` is its input's (width, height)."""
    return View(size, "crop" if recipe.sampling.mode == "crops" else "whole", recipe.sampling.on_box)


def crops_per_image(recipe: Recipe, width: int, height: int) -> int:
    """Pictures that an epoch takes from an image: as many as half cover it, unless the recipe says."""
    if recipe.sampling.mode == "whole":
        return 1
    if recipe.sampling.crops_per_image:
        return recipe.sampling.crops_per_image
    return max(1, min(MOST_CROPS_PER_IMAGE, round(width * height / recipe.sampling.input_size**2 / 2)))
