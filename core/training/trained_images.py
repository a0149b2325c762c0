"""What the images of a training are like, for its checkpoints to say."""

from __future__ import annotations

from collections.abc import Sequence

from core.imaging.decode import ImageError
from core.models.inputs import InputSpec
from core.models.training_range import ImageFacts, TrainingRange, measure_brightness, measure_range
from core.project.snapshot import SnapshotImage
from core.training.data.image_cache import ImageCache

MOST_LOOKED_AT = 48  # images whose pixels are looked at; sizes are known of all


def measure_training_images(
    images: Sequence[SnapshotImage], cache: ImageCache, seen_as: InputSpec, bits: Sequence[int]
) -> TrainingRange | None:
    """The range of what was trained on; the brightness of some, spread evenly, for which files are read."""
    size = (seen_as.width, seen_as.height) if seen_as.mode == "whole" else None
    step = -(-len(images) // MOST_LOOKED_AT) or 1
    facts = [
        ImageFacts(
            image.path,
            image.width,
            image.height,
            _look_at(image, cache, size) if place % step == 0 else None,
            image.boxes,
        )
        for place, image in enumerate(images)
    ]
    return measure_range(facts, bits)


def _look_at(image: SnapshotImage, cache: ImageCache, size: tuple[int, int] | None) -> float | None:
    """The brightness of an image; None if its file cannot be read any more, which the training itself says."""
    try:
        return measure_brightness(cache.whole(image, size))
    except ImageError:
        return None
