"""How images differ from those that a checkpoint was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from core.errors import InputError
from core.models.training_range import Difference, ImageFacts, TrainingRange, compare_images
from core.project.snapshot import SnapshotImage
from core.safetensors_header import read_metadata


def find_differences(
    checkpoint: Path, images: Sequence[SnapshotImage], brightness: Mapping[str, float]
) -> list[Difference]:
    """Of images with their boxes, and with brightness by path where that is known. Raises InputError if it cannot be read."""
    described = read_metadata(checkpoint)
    if (values := described.get("trained_on")) is None:
        return []
    try:
        trained = TrainingRange.model_validate(values)
    except ValidationError as error:
        raise InputError(f"{checkpoint}: damaged, what it was trained on ({error.errors()[0]['msg']})") from error
    mode = (described.get("input") or {}).get("mode")
    return compare_images(trained, list_facts(images, brightness), "whole" if mode == "whole" else "crops")


def list_facts(images: Sequence[SnapshotImage], brightness: Mapping[str, float]) -> list[ImageFacts]:
    """What of labelled images can be compared."""
    return [
        ImageFacts(image.path, image.width, image.height, brightness.get(image.path), image.boxes) for image in images
    ]
