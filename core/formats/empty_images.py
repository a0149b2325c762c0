"""What images are that annotations list without a box: not labelled yet, or verified free of defects."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from core.formats.annotations import ImportedAnnotations, ImportedImage
from core.types import Status


class EmptyImages(StrEnum):
    """How a user wants them taken."""

    CLEAN = "clean"
    UNLABELLED = "unlabelled"


def is_empty(image: ImportedImage) -> bool:
    """True if the file lists the image without a box and says nothing of its status.

    An image whose boxes were left out has defects: it is none of these.
    """
    return not image.label_sets and not image.dropped and image.status is None


def set_empty_status(imported: ImportedAnnotations, empty: EmptyImages) -> ImportedAnnotations:
    """`imported` with the status of the images that are listed without a box."""
    status = Status(empty.value)
    images = tuple(replace(image, status=status) if is_empty(image) else image for image in imported.images)
    return replace(imported, images=images)
