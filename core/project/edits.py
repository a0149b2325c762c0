"""Builders of edits: each reads the project, changes nothing, and returns what `Project.apply` makes durable.

The rules of an image's status live here: an image that gets a box is labelled; one that loses its last box is
unlabelled again, never silently clean.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from core import geometry
from core.errors import InputError
from core.project import splits
from core.project.history import Edit, Fields, ImageState
from core.project.project import Project
from core.types import Box, ImageRecord, Split, Status


def add_box(project: Project, image_id: int, xyxy: tuple[float, float, float, float], labels: Collection[int]) -> Edit:
    """Draw a box; corners may be in any order, and what lies outside the image is cut off.

    Raises InputError if nothing of it lies on the image.
    """
    box = Box(project.new_box_id(), *_on_image(project.image(image_id), xyxy), frozenset(labels))
    return replace_boxes(project, image_id, (*project.boxes(image_id), box), "Draw box")


def set_box(project: Project, image_id: int, box_id: int, xyxy: tuple[float, float, float, float]) -> Edit:
    """Move or resize a box, cut off at the image's edge. Raises InputError if nothing of it is left."""
    x1, y1, x2, y2 = _on_image(project.image(image_id), xyxy)
    boxes = [replace(box, x1=x1, y1=y1, x2=x2, y2=y2) if box.id == box_id else box for box in project.boxes(image_id)]
    return replace_boxes(project, image_id, boxes, "Change box")


def replace_boxes(project: Project, image_id: int, boxes: Sequence[Box], name: str) -> Edit:
    """Give an image these boxes in place of those it has."""
    before = project.states([image_id])
    return Edit(name, before, {image_id: with_boxes(before[image_id], boxes)})


def delete_boxes(project: Project, image_id: int, box_ids: Collection[int]) -> Edit:
    """Delete boxes of an image."""
    gone = frozenset(box_ids)
    kept = [box for box in project.boxes(image_id) if box.id not in gone]
    return replace_boxes(project, image_id, kept, "Delete box" if len(gone) == 1 else f"Delete {len(gone)} boxes")


def set_status(project: Project, image_ids: Collection[int], status: Status) -> Edit:
    """Set the status of images.

    Raises InputError for a status that the boxes contradict: clean with boxes; labelled or reviewed without,
    which would train as clean though nobody said so.
    """
    for image in map(project.image, image_ids):
        if status is Status.CLEAN and image.box_count:
            raise InputError(f"{image.path}: has boxes, so it is not clean; delete its boxes first")
        if status in (Status.LABELLED, Status.REVIEWED) and not image.box_count:
            raise InputError(f"{image.path}: has no boxes; draw them, or mark it clean if it has no defects")
    return set_fields(project, f"Mark {status}", image_ids, lambda fields: fields._replace(status=status))


def set_split(project: Project, image_ids: Collection[int], split: Split) -> Edit:
    """Put images into a split, or with Split.NONE into none."""
    name = "Take out of its split" if split is Split.NONE else f"Move to {split}"
    return set_fields(project, name, image_ids, lambda fields: fields._replace(split=split))


def set_group(project: Project, image_ids: Collection[int], group: str) -> Edit:
    """Say what the images belong together by: a part, lot or board. Empty: each stands for itself."""
    return set_fields(project, "Set group", image_ids, lambda fields: fields._replace(group=group))


def set_note(project: Project, image_id: int, note: str) -> Edit:
    """Write down something about an image."""
    return set_fields(project, "Set note", [image_id], lambda fields: fields._replace(note=note))


def set_fields(project: Project, name: str, image_ids: Collection[int], change: Callable[[Fields], Fields]) -> Edit:
    """Change status, split, group or note of many images at once; `change` is called once for equal fields."""
    before = project.fields(image_ids)
    new = {fields: change(fields) for fields in set(before.values())}
    return fields_edit(project, name, {image_id: new[fields] for image_id, fields in before.items()})


def fields_edit(project: Project, name: str, after: Mapping[int, Fields]) -> Edit:
    """Give each image, by id, these fields."""
    return Edit(name, {}, {}, fields_before=project.fields(after.keys()), fields_after=after)


def remove_images(project: Project, image_ids: Collection[int]) -> Edit:
    """Take images and their boxes out of the project. The files stay where they are."""
    before = project.states(image_ids)
    name = "Remove image" if len(before) == 1 else f"Remove {len(before):,} images"
    return Edit(name, before, {}, removed=tuple(project.image(image_id) for image_id in before))


def assign_splits(
    project: Project,
    fractions: Mapping[str, float] | None = None,
    seed: int = 0,
    *,
    all: bool = False,
) -> Edit:
    """Divide the images over train, val and test, stratified by their label sets; a group stays together.

    `fractions` by split name sum to 1; None: 0.7, 0.15, 0.15. Images that have a split keep it, and a group
    follows its images that have one, unless `all`. The same project and seed give the same result.
    """
    chosen = splits.checked(fractions if fractions is not None else splits.DEFAULT_FRACTIONS)
    images = project.images()
    strata = splits.strata(images, project.label_sets())
    assigned = splits.assign(images, strata, chosen, seed, keep=not all)
    moved = [image.id for image in images if assigned[image.id] is not image.split]
    fields = project.fields(moved)
    after = {image_id: found._replace(split=assigned[image_id]) for image_id, found in fields.items()}
    return fields_edit(project, "Assign splits", after)


def with_boxes(state: ImageState, boxes: Sequence[Box]) -> ImageState:
    """`state` with other boxes and the status that follows from them."""
    status = state.status
    if boxes and status in (Status.UNLABELLED, Status.CLEAN):
        status = Status.LABELLED
    elif not boxes and status in (Status.LABELLED, Status.REVIEWED) and state.boxes:
        status = Status.UNLABELLED
    return replace(state, status=status, boxes=tuple(sorted(boxes, key=lambda box: box.id)))


def _on_image(image: ImageRecord, xyxy: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    left, top, right, bottom = (float(value) for value in xyxy)
    ordered = np.array([[min(left, right), min(top, bottom), max(left, right), max(top, bottom)]])
    x1, y1, x2, y2 = (float(value) for value in geometry.clip(ordered, image.width, image.height)[0])
    if not (x2 > x1 and y2 > y1):
        raise InputError(f"{image.path}: a box must cover some of the image; {xyxy} does not")
    return x1, y1, x2, y2
