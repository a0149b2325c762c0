"""What images are that annotations list without a box: not labelled yet, or verified free of defects."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from enum import StrEnum

from core.formats.annotations import ImportedAnnotations, ImportedImage
from core.types import Problem, Status

NO_FILE = "no labels"  # the kind of what is said of images without a label file


class EmptyImages(StrEnum):
    """How a user wants them taken."""

    CLEAN = "clean"
    CLEAN_ALL = "clean-all"
    UNLABELLED = "unlabelled"


def is_empty(image: ImportedImage) -> bool:
    """True if the file lists the image without a box and says nothing of its status.

    An image whose boxes were left out has defects: it is none of these.
    """
    return not image.label_sets and not image.dropped and image.status is None


def set_empty_status(imported: ImportedAnnotations, empty: EmptyImages) -> ImportedAnnotations:
    """`imported` with the status of the images that are listed without a box.

    One without a label file of its own is clean only by CLEAN_ALL, and not where label files belong to no image: its
    boxes may be in them. How many stay unlabelled, or became clean without a file, is one more problem.
    """
    if empty is EmptyImages.UNLABELLED:
        return _set_status(imported, Status.UNLABELLED, with_unseen=True)
    unseen = [image for image in imported.images if is_empty(image) and image.without_file]
    if not unseen:
        return _set_status(imported, Status.CLEAN, with_unseen=True)
    has_strays = bool(imported.problem_counts.get("stray labels"))
    with_unseen = empty is EmptyImages.CLEAN_ALL and not has_strays
    they, have = ("it", "1 image has") if len(unseen) == 1 else ("they", f"{len(unseen):,} images have")
    text = f"{have} no label file at all, such as {unseen[0].path.name}: {they} "
    if with_unseen:
        text += "became clean, as those with an empty file did"
    elif has_strays:
        text += (
            "stayed unlabelled, for there are label files that belong to no image, which may be theirs; only images "
            "with an empty label file became clean"
        )
    else:
        text += "stayed unlabelled, only images with an empty label file became clean (--empty clean-all takes all)"
    found = _set_status(imported, Status.CLEAN, with_unseen=with_unseen)
    counts = Counter(imported.problem_counts) + Counter([NO_FILE])
    problem = Problem(str(imported.source), text, NO_FILE)
    return replace(found, problems=(*found.problems, problem), problem_counts=counts)


def _set_status(imported: ImportedAnnotations, status: Status, *, with_unseen: bool) -> ImportedAnnotations:
    """The images without a box in `status`; those without a label file, unless `with_unseen`, unlabelled."""

    def choose(image: ImportedImage) -> Status:
        return status if with_unseen or not image.without_file else Status.UNLABELLED

    images = tuple(replace(image, status=choose(image)) if is_empty(image) else image for image in imported.images)
    return replace(imported, images=images)
