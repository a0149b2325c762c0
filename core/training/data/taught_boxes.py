"""Which boxes a training can teach at all, and how large they are in what the network sees. Imports no torch.

A crop shows a part of an image at its own resolution. Of a box that is much larger than the crop no crop shows as much
as is taught (`augmentation.min_visible`), so it is never learnt, wherever crops are placed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.project.snapshot import SnapshotImage
from core.recipe.recipe import Recipe
from core.training.data.crops import input_size, shows_enough, taught_by_tiles

# Of the crops that are aimed at a box at least this share teaches it, or it counts as never taught.
_SELDOM = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class TaughtBoxes:
    """All boxes with a label of the training images, in their order."""

    boxes: NDArray[np.float32]  # (n, 4) in pixels of the network's input; where a crop shows a part, of that size
    taught: NDArray[np.bool_]  # (n,) False: no picture shows enough of it
    labels: NDArray[np.bool_]  # (n, k)
    sides: NDArray[np.float32]  # (n, 2) width and height in pixels of the image

    @property
    def share(self) -> float:
        """Of the boxes, those that are taught; 1.0 without boxes."""
        return float(self.taught.mean()) if len(self.taught) else 1.0


def find_taught_boxes(recipe: Recipe, images: Sequence[SnapshotImage]) -> TaughtBoxes:
    """What pictures by `recipe` can teach of the boxes of `images`, which are a snapshot's training images."""
    size = input_size(recipe, [(image.width, image.height) for image in images])
    labels = images[0].labels.shape[1] if images else 0
    found = [_look_at_image(recipe, size, image) for image in images]
    return TaughtBoxes(
        np.concatenate([np.zeros((0, 4), np.float32), *(boxes for boxes, _ in found)]),
        np.concatenate([np.zeros(0, np.bool_), *(taught for _, taught in found)]),
        np.concatenate([np.zeros((0, labels), np.bool_), *(image.labels for image in images)]),
        np.concatenate([np.zeros((0, 2), np.float32), *(_sides(image.boxes) for image in images)]),
    )


def _look_at_image(
    recipe: Recipe, size: tuple[int, int], image: SnapshotImage
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    if recipe.sampling.mode == "whole":
        scale = np.array([size[0] / image.width, size[1] / image.height] * 2, np.float32)
        return image.boxes * scale, np.ones(len(image.boxes), np.bool_)
    centre, sides = (image.boxes[:, :2] + image.boxes[:, 2:]) / 2, _sides(image.boxes)
    seen = np.minimum(sides, np.array(size, np.float32))
    # A part that a crop shows lies about where the box does: of anchors only its size counts.
    boxes = np.concatenate([centre - seen / 2, centre + seen / 2], axis=1).astype(np.float32)
    if recipe.sampling.placing == "tiles":
        by_tile = taught_by_tiles(recipe, size, (image.width, image.height), image.boxes)
        return boxes, np.asarray(by_tile.any(axis=0), np.bool_)
    return boxes, _taught_at_best(recipe, size, sides.astype(np.float64))


def _taught_at_best(recipe: Recipe, size: tuple[int, int], sides: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the crops that show most of boxes with these `sides` (n, 2) teach them, (n,).

    A crop that is aimed at a box holds it, or lies inside it, along either axis. A random scale makes some boxes smaller:
    what counts is one that enough pictures have.
    """
    # Scales are drawn evenly by their logarithm, from 1 - scale to its inverse.
    sides = sides * (1 - recipe.augmentation.scale) ** (1 - 2 * _SELDOM)
    seen = np.minimum(sides, size)
    return shows_enough(recipe, sides, seen)


def _sides(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    return boxes[:, 2:] - boxes[:, :2]
