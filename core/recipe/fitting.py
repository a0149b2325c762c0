"""Defaults of a recipe that suit the sizes of a project's images, where the user has not chosen otherwise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.recipe.field_words import describe_change
from core.recipe.recipe import Recipe, with_settings

# Crops that show more than this share of nothing are not what images of this size want.
MUCH_PADDING = 0.2
# Images that are this many times as long as the crops are no small ones, however low.
MUCH_LONGER = 2
_SMALLEST, _LARGEST = 64, 2048


def fit_to_images(recipe: Recipe, images: Sequence[tuple[int, int]]) -> tuple[Recipe, str]:
    """`recipe` for images of these (width, height), and what was changed and why, in a sentence; "" if nothing was.

    Crops that are larger than the images pad them: they are shown whole then, at about their own size.
    """
    if recipe.sampling.mode != "crops" or padding_share(recipe.sampling.input_size, images) <= MUCH_PADDING:
        return recipe, ""
    width, height = (int(side) for side in np.median(np.array(images), axis=0))
    if max(width, height) > MUCH_LONGER * recipe.sampling.input_size:
        return recipe, ""  # such as a line-scan image: shown whole it would be shrunk
    changes = {"sampling.mode": "whole", "sampling.input_size": native_input((width, height))}
    padded = padding_share(recipe.sampling.input_size, images)
    why = (
        f"images such as {width} x {height} px would leave {padded:.0%} of each crop of {recipe.sampling.input_size} px "
        f"empty, so they are shown whole at their own size: {describe_change(changes).removeprefix('set ')}"
    )
    return with_settings(recipe, changes), why


def padding_share(side: int, images: Sequence[tuple[int, int]]) -> float:
    """Share of square crops of `side` px that lies beside images of these (width, height), on the mean."""
    if not len(images):
        return 0.0
    sizes = np.minimum(np.array(images, np.float64).reshape(-1, 2), side)
    return float(1 - (sizes.prod(axis=1) / side**2).mean())


def native_input(image: tuple[int, int]) -> int:
    """The input size at which whole images of (width, height) keep about their pixels."""
    return int(min(max(round((image[0] * image[1]) ** 0.5 / 4) * 4, _SMALLEST), _LARGEST))
