"""Which pictures a training takes from an image. Imports no torch: the window previews exactly these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.augmentation.config import AugmentationConfig
from core.augmentation.pipeline import View, teaches_part
from core.augmentation.placement import largest_enlargement
from core.models.anchors import input_shape
from core.models.inputs import tiles
from core.randomness import seed_for
from core.recipe.recipe import Recipe

MOST_CROPS_PER_IMAGE = 16
# Neighbouring tiles share this part of their side, so that a defect on an edge is whole in one of them.
TILE_OVERLAP = 0.25
# Enlargements are rounded up to one of these, so that a small change of a control does not empty the cache.
_ENLARGEMENTS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
# A smaller version is kept only if it has at most this share of the image's pixels: resampling by a factor near 1
# blurs and saves nothing.
_WORTH_SHRINKING = 0.5
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class ImageViews:
    """The pictures that an epoch may take from an image."""

    views: tuple[View, ...]
    taught: int  # the first so many show a defect, or may; the others are examples of none


def input_size(recipe: Recipe, images: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Width and height of the network's input, for training images of these (width, height)."""
    side = recipe.sampling.input_size
    return (side, side) if recipe.sampling.mode == "crops" else input_shape(side, images)


def training_view(recipe: Recipe, size: tuple[int, int]) -> View:
    """What the network sees of an image in training; `size` is its input's (width, height)."""
    sampling = recipe.sampling
    return View(size, "crop" if sampling.mode == "crops" else "whole", sampling.on_box, clipped=sampling.clipped)


def image_views(
    recipe: Recipe, size: tuple[int, int], image: tuple[int, int], boxes: NDArray[np.float32]
) -> ImageViews:
    """The pictures of an image of (width, height) with `boxes` (n, 4) in its pixels.

    Random crops are as many as half cover the image, unless the recipe says. Tiles are a grid over the image, those
    with a defect first: one of which `min_visible` of a box can be seen.
    """
    view = training_view(recipe, size)
    if recipe.sampling.mode == "whole":
        return ImageViews((view,), min(len(boxes), 1))
    if recipe.sampling.placing == "tiles":
        return _tile_crops(recipe, view, image, boxes)
    count = recipe.sampling.crops_per_image or max(
        1, min(MOST_CROPS_PER_IMAGE, round(image[0] * image[1] / size[0] / size[1] / 2))
    )
    return ImageViews((view,) * count, count if len(boxes) else 0)


def picture_seed(recipe: Recipe, epoch: int, image: int, turn: int) -> int:
    """The seed of picture `turn` that `epoch` takes from the training image number `image`."""
    return seed_for(recipe.seed, "augment", epoch, image, turn)


def kept_size(config: AugmentationConfig, view: View, image: tuple[int, int]) -> tuple[int, int]:
    """Width and height at which an image of (width, height) is kept for training: its own, or smaller.

    For a view of the whole image: so small that where augmentation enlarges it most, a pixel of the picture is still a
    pixel of what is kept. Without rotation, shear, scale, shift and crop, pictures are those of the image itself, bit
    for bit; with them they are sampled once more, at no less than the picture's own resolution. Crops show an image at
    its own resolution, so it is kept whole.
    """
    if view.mode == "crop":
        return image
    needed = largest_enlargement(config, (view.size[0] / image[0], view.size[1] / image[1]))
    if config.quarter_turn:
        needed *= max(view.size) / min(view.size)
    factor = next((step for step in _ENLARGEMENTS if step >= needed - 1e-9), None)
    if factor is None:
        return image
    width, height = (min(round(side * factor), own) for side, own in zip(view.size, image, strict=True))
    return (width, height) if width * height <= _WORTH_SHRINKING * image[0] * image[1] else image


def shows_enough(recipe: Recipe, sides: NDArray[np.float64], seen: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether a crop teaches boxes with `sides` (n, 2) of which it shows parts with sides `seen` (n, 2); (n,)."""
    least = recipe.augmentation.min_visible * sides.prod(axis=1)
    enough = (seen > 0).all(axis=1) & (seen.prod(axis=1) >= least * (1 - _ROUNDING))
    if recipe.sampling.clipped == "teach":
        enough |= teaches_part(sides, seen, recipe.augmentation.min_visible)
    return np.asarray(enough, np.bool_)


def taught_by_tiles(
    recipe: Recipe, size: tuple[int, int], image: tuple[int, int], boxes: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Which tiles over an image of (width, height) teach which of its boxes (n, 4), in the tiles' order: (t, n)."""
    return _tiles_teach(recipe, _tile_windows(size, image), boxes)


def _tile_windows(size: tuple[int, int], image: tuple[int, int]) -> NDArray[np.float64]:
    return np.array(tiles(*image, size[0], int(size[0] * TILE_OVERLAP)), np.float64)


def _tiles_teach(recipe: Recipe, windows: NDArray[np.float64], boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
    sides = (boxes[:, 2:] - boxes[:, :2]).astype(np.float64)
    low = np.maximum(windows[:, None, :2], boxes[None, :, :2])
    seen = np.maximum(np.minimum(windows[:, None, 2:], boxes[None, :, 2:]) - low, 0)
    return np.array([shows_enough(recipe, sides, part) for part in seen], np.bool_).reshape(len(windows), len(boxes))


def _tile_crops(recipe: Recipe, view: View, image: tuple[int, int], boxes: NDArray[np.float32]) -> ImageViews:
    windows = _tile_windows(view.size, image)
    taught = _tiles_teach(recipe, windows, boxes).any(axis=1)
    # A stable order: tile by tile, those with a defect before those without.
    ordered = windows[np.argsort(~taught, kind="stable")]
    views = tuple(replace(view, centre=((x1 + x2) / 2, (y1 + y2) / 2)) for x1, y1, x2, y2 in ordered.tolist())
    return ImageViews(views, int(taught.sum()))
