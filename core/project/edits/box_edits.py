"""Builders of edits of boxes: each reads the project, changes nothing, and returns what `Project.apply` makes durable.

An image that gets a box is labelled; one that loses its last box is unlabelled again, never silently clean. One that
has a box without a label is not reviewed any more.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from core import geometry
from core.counting import format_count
from core.errors import InputError
from core.project.edits.edit import Edit, ImageState
from core.project.project_reader import ProjectReader
from core.types import Box, ImageRecord, Status


def add_box(
    project: ProjectReader, image_id: int, xyxy: tuple[float, float, float, float], labels: Collection[int]
) -> Edit:
    """Draw a box; corners may be in any order, and what lies outside the image is cut off.

    Raises InputError if nothing of it lies on the image.
    """
    box = Box(project.new_ids("box", 1)[0], *_on_image(project.image(image_id), xyxy), frozenset(labels))
    return replace_boxes(project, image_id, (*project.boxes(image_id), box), "Draw box")


def set_box(project: ProjectReader, image_id: int, box_id: int, xyxy: tuple[float, float, float, float]) -> Edit:
    """Move or resize a box, cut off at the image's edge. Raises InputError if nothing of it is left."""
    x1, y1, x2, y2 = _on_image(project.image(image_id), xyxy)
    boxes = [replace(box, x1=x1, y1=y1, x2=x2, y2=y2) if box.id == box_id else box for box in project.boxes(image_id)]
    return replace_boxes(project, image_id, boxes, "Change box")


def replace_boxes(project: ProjectReader, image_id: int, boxes: Sequence[Box], name: str) -> Edit:
    """Give an image these boxes in place of those it has."""
    before = project.states([image_id])
    return Edit(name, before, {image_id: with_boxes(before[image_id], boxes)})


def delete_boxes(project: ProjectReader, image_id: int, box_ids: Collection[int]) -> Edit:
    """Delete boxes of an image."""
    gone = frozenset(box_ids)
    kept = [box for box in project.boxes(image_id) if box.id not in gone]
    name = "Delete box" if len(gone) == 1 else f"Delete {format_count(len(gone), 'box')}"
    return replace_boxes(project, image_id, kept, name)


def toggle_difficult(project: ProjectReader, image_id: int, box_ids: Collection[int]) -> Edit:
    """Mark boxes of an image as difficult, or take the mark away if all of them have it."""
    chosen = frozenset(box_ids)
    boxes = project.boxes(image_id)
    mark = not all(box.difficult for box in boxes if box.id in chosen)
    changed = [replace(box, difficult=mark) if box.id in chosen else box for box in boxes]
    return replace_boxes(project, image_id, changed, f"Mark {'difficult' if mark else 'not difficult'}")


def with_boxes(state: ImageState, boxes: Sequence[Box]) -> ImageState:
    """`state` with other boxes and the status that follows from them."""
    status = state.status
    if boxes and status in (Status.UNLABELLED, Status.CLEAN):
        status = Status.LABELLED
    elif not boxes and status in (Status.LABELLED, Status.REVIEWED) and state.boxes:
        status = Status.UNLABELLED
    elif status is Status.REVIEWED and not all(box.labels for box in boxes):
        status = Status.LABELLED
    return replace(state, status=status, boxes=tuple(sorted(boxes, key=lambda box: box.id)))


def _on_image(image: ImageRecord, xyxy: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    left, top, right, bottom = (float(value) for value in xyxy)
    ordered = np.array([[min(left, right), min(top, bottom), max(left, right), max(top, bottom)]])
    x1, y1, x2, y2 = (float(value) for value in geometry.clip_boxes(ordered, image.width, image.height)[0])
    if not (x2 > x1 and y2 > y1):
        raise InputError(f"{image.path}: a box must cover some of the image; {xyxy} does not")
    return x1, y1, x2, y2
