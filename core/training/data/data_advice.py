"""What a user should know of the data before a run begins. Imports no torch: the window says it, too."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.project.snapshot import SnapshotImage
from core.recipe.field_words import describe_change, field_title
from core.recipe.recipe import Recipe
from core.training.data.crops import MOST_CROPS_PER_IMAGE

# Below this, pictures put together from several crowd out what parts really look like.
ENOUGH_TO_MIX = 500
# Random crops that show less than this share of an image in an epoch leave most of its defects out.
_LITTLE_COVER = 0.25
# Times that the input squeezes one side of an image more than the other, from which on shapes are hardly known again.
_SQUEEZED = 2.0


def data_notices(
    recipe: Recipe,
    images: Sequence[SnapshotImage],
    size: tuple[int, int],
    kept: Sequence[tuple[int, int]],
    room: tuple[int, int],
) -> tuple[str, ...]:
    """Warnings, each with its mend.

    `size`: of the network's input; `kept`: width and height at which each image is kept; `room`: bytes in memory and
    on disk for them.
    """
    found = [
        mixing_notice(recipe, len(images)),
        _cover_notice(recipe, images, size),
        _squeeze_notice(recipe, images, size),
        _room_notice(recipe, kept, room),
    ]
    return tuple(text for text in found if text)


def mixing_notice(recipe: Recipe, images: int) -> str:
    """What speaks against mixing pictures; empty if nothing does."""
    mixing = recipe.mixing
    if not mixing.is_on:
        return ""
    if mixing.off_for_last >= recipe.schedule.epochs:
        return (
            f"mixing: it is off for the last {mixing.off_for_last} epochs, and the run has {recipe.schedule.epochs}, so it "
            f"does nothing; lower {field_title('mixing.off_for_last')} under Mixing pictures, or train longer"
        )
    if images < ENOUGH_TO_MIX:
        return (
            f"mixing: with {images} training images, mosaic, MixUp and CutMix mostly teach scenes that never occur; "
            f"below {ENOUGH_TO_MIX} compare with a run without them"
        )
    return ""


def _cover_notice(recipe: Recipe, images: Sequence[SnapshotImage], size: tuple[int, int]) -> str:
    sampling = recipe.sampling
    if sampling.mode != "crops" or sampling.placing != "random":
        return ""
    count = sampling.crops_per_image or MOST_CROPS_PER_IMAGE
    crowded = [
        image
        for image in images
        if len(image.boxes) > count and count * size[0] * size[1] < _LITTLE_COVER * image.width * image.height
    ]
    if not crowded:
        return ""
    return (
        f"{len(crowded):,} images are so large that {count} crops an epoch leave most of their defects out; "
        f"{describe_change({'sampling.placing': 'tiles'})} to show every defect in each epoch"
    )


def _squeeze_notice(recipe: Recipe, images: Sequence[SnapshotImage], size: tuple[int, int]) -> str:
    """All images have one input's shape, and no input is longer than four times its width."""
    if recipe.sampling.mode != "whole" or not images:
        return ""
    ratios = np.array([image.width / image.height for image in images]) * size[1] / size[0]
    factors = np.maximum(ratios, 1 / ratios)
    squeezed = int((factors >= _SQUEEZED).sum())
    if not squeezed:
        return ""
    return (
        f"{squeezed:,} of {len(images):,} images are squeezed up to {factors.max():.1f} times as much along one side as along "
        f"the other by the input of {size[0]} x {size[1]} px, and defects on them with it; "
        f"{describe_change({'sampling.mode': 'crops'})} to keep their shape and their pixels"
    )


def _room_notice(recipe: Recipe, kept: Sequence[tuple[int, int]], room: tuple[int, int]) -> str:
    needed = float(sum(3 * np.prod(size, dtype=np.float64) for size in kept))  # a third of it where all are grey
    memory, disk = room
    if needed <= memory + disk:
        return ""
    crops = recipe.sampling.mode == "crops"
    return (
        f"the training images take up to {needed / 2**30:.1f} GiB decoded and {(memory + disk) / 2**30:.1f} GiB may be kept, "
        f"so up to {1 - (memory + disk) / needed:.0%} of them are decoded anew {'for each crop' if crops else 'in each epoch'}; "
        f"raise {field_title('limits.ram_cache_mb')} or {field_title('limits.disk_cache_mb')}"
        + (", or train on whole images, which are kept at the input's size" if crops else "")
    )
