"""Bringing foreign annotations into a project, in one edit that undo takes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from core import geometry
from core.changes import Changes
from core.formats.annotations import ImportedAnnotations, ImportedImage
from core.project import gathering, palette
from core.project.edits import with_boxes
from core.project.history import Edit, ImageState
from core.project.project import Project
from core.types import Box, Label, Problem, Split, Status

_COINCIDING = 0.9  # IoU from which two boxes are one defect that was drawn twice
_NEW = ImageState(Status.UNLABELLED, Split.NONE, "", "", ())


def import_into(
    project: Project, imported: ImportedAnnotations, progress: Callable[[int, int], None] | None = None
) -> tuple[Changes, list[Problem]]:
    """Add the images and labels that the project does not have, and the boxes.

    An image with boxes becomes labelled; one without keeps its status and is reported, for a foreign file does
    not say whether it is clean. Boxes that coincide with those of an image that is in the project already
    add their labels to them, so importing a file twice changes nothing. Each new image is decoded once; one
    that cannot be is reported and left out. `progress(done, total)` is called in the caller's thread.
    """
    problems = list(imported.problems)
    fresh = project.new_files(image.path for image in imported.images)
    found, unreadable = gathering.probe_all(fresh, progress)
    problems += unreadable
    with project.locked():
        edit = _edit(project, imported, found, problems)
        return project.apply(edit), problems


def _edit(
    project: Project, imported: ImportedAnnotations, found: list[gathering.Probed], problems: list[Problem]
) -> Edit:
    labels = palette.extended(project.labels(), imported.labels, lambda: project.new_ids("label", 1)[0])
    adding = project.adding(found)
    ids = project.ids_by_path() | {
        gathering.key(gathering.absolute(project.folder, image.path)): image.id for image in adding.added
    }
    new = {image.id for image in adding.added}
    wanted = {ids[key]: image for image in imported.images if (key := gathering.key(image.path)) in ids}
    before = project.states(wanted.keys() - new)
    after: dict[int, ImageState] = {}
    box_count = 0
    for image_id, image in wanted.items():
        state = before.get(image_id, _NEW)
        boxes = _merged(project, state.boxes, image, {label.name: label for label in labels})
        after[image_id] = with_boxes(state, boxes) if boxes != state.boxes else state
        box_count += len(boxes) - len(state.boxes)
        if not boxes and state.status is Status.UNLABELLED:
            problems.append(Problem(str(image.path), "it has no boxes in the file; unlabelled, mark it clean if it is"))
    return Edit(
        f"Import {box_count:,} boxes",
        before,
        after,
        project.labels(),
        labels,
        added=adding.added,
    )


def _merged(
    project: Project, present: tuple[Box, ...], image: ImportedImage, labels: dict[str, Label]
) -> tuple[Box, ...]:
    """`present` with the imported boxes: labels are added to a box that coincides, others are appended."""
    boxes = list(present)
    overlaps = geometry.iou(image.boxes, geometry.as_array([box.xyxy for box in present]).astype(np.float64))
    appended = []
    for row, names in enumerate(image.label_sets):
        label_ids = frozenset(labels[name].id for name in names)
        best = int(overlaps[row].argmax()) if present else -1
        if best >= 0 and overlaps[row, best] >= _COINCIDING:
            boxes[best] = replace(boxes[best], labels=boxes[best].labels | label_ids)
        else:
            appended.append((row, label_ids))
    for box_id, (row, label_ids) in zip(project.new_ids("box", len(appended)), appended, strict=True):
        x1, y1, x2, y2 = (float(value) for value in image.boxes[row])
        boxes.append(Box(box_id, x1, y1, x2, y2, label_ids))
    return tuple(boxes)
