"""Bringing foreign annotations into a project, in one edit that undo takes back."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.changes import Changes
from core.errors import InputError
from core.formats.annotations import ImportedAnnotations, ImportedImage
from core.formats.duplicate_boxes import find_pairs
from core.formats.problem_summary import describe_dropped
from core.project import palette
from core.project.edits.box_edits import with_boxes
from core.project.edits.edit import Edit, ImageState
from core.project.images import image_files
from core.project.images.copies import describe_copies, report_divided
from core.project.project import Project
from core.types import Box, Label, Problem, Split, Status

_NEW = ImageState(Status.UNLABELLED, Split.NONE, "", "", ())


def import_into(
    project: Project, imported: ImportedAnnotations, progress: Callable[[int, int], None] | None = None
) -> tuple[Changes, list[Problem]]:
    """Add the images and labels that the project does not have, and the boxes.

    An image is one of the project's if it lies at the same path or, failing that, has the same content; a label, if it
    has the same name, but for upper and lower case where that leaves no doubt. What a person has set in the project
    stays: status, split, group and note are taken only where the project has none. An image with boxes becomes
    labelled; one without keeps its status and is reported, unless the file says whether it is clean. Boxes that
    coincide with those of an image that is in the project already add their labels to them, so importing a file twice
    changes nothing. Each new image is decoded once; one that cannot be is reported and left out. `progress(done,
    total)` is called in the caller's thread.
    """
    problems = list(imported.problems)
    fresh = project.files.find_new(image.path for image in imported.images)
    found, unreadable = image_files.probe_all(fresh, progress)
    problems += unreadable + image_files.describe_notices(found)
    with project.hold_lock():
        edit = _build_edit(project, imported, found, problems)
        changes = project.apply(edit)
        project.files.note_depths(edit, found)
        return changes, problems


def _build_edit(
    project: Project, imported: ImportedAnnotations, found: list[image_files.Probed], problems: list[Problem]
) -> Edit:
    before_labels = project.labels()
    names = _known_names(before_labels, imported, problems)
    labels = _extend_labels(project, before_labels, imported, names)
    by_name = {label.name: label.id for label in labels}
    ids = {name: by_name[known] for name, known in names.items()}
    known, adding, same = _known_images(project, imported, found)
    problems += describe_copies([*project.images(), *adding.added], adding.added)
    if imported.images and not any(image_files.path_key(image.path) in known for image in imported.images):
        first = next((problem for problem in problems if problem.kind == "unreadable"), problems[-1])
        text = f"none of its {len(imported.images):,} images can be used, such as {first.file}: {first.problem}"
        raise InputError(f"{imported.source}: {text}")
    new = {image.id for image in adding.added}
    wanted: dict[int, list[ImportedImage]] = defaultdict(list)
    for image in imported.images:
        if (image_id := known.get(image_files.path_key(image.path))) is not None:
            wanted[image_id].append(image)
    before = project.states(wanted.keys() - new)
    after: dict[int, ImageState] = {}
    box_count = 0
    for image_id, images in wanted.items():
        state = before.get(image_id, _NEW)
        for image in images:
            boxes = _merge_boxes(project, state.boxes, image, ids, imported.difficult_marks)
            box_count += len(boxes) - len(state.boxes)
            state = _with_extras(state, image, boxes)
            if not boxes and state.status is Status.UNLABELLED and (problem := _explain_no_boxes(image)) is not None:
                problems.append(problem)
        after[image_id] = state
        if (path := same.get(image_id)) is not None:
            problems += _describe_same(project, image_id, path, is_changed=state != before.get(image_id))
    splits = {image_id: state.split for image_id, state in after.items()}
    problems += report_divided([*project.images(), *adding.added], splits)
    return Edit(
        f"Import {box_count:,} {'box' if box_count == 1 else 'boxes'}",
        before,
        after,
        before_labels,
        labels,
        added=adding.added,
        by_name=True,
    )


def _explain_no_boxes(image: ImportedImage) -> Problem | None:
    """Why an image stays unlabelled. One whose boxes were left out has defects: it must not be taken for clean."""
    if image.dropped:
        count = sum(number for _, number in image.dropped)
        boxes = "its only box was" if count == 1 else f"all of its {count:,} boxes were"
        text = f"{boxes} left out ({describe_dropped(image.dropped)}); unlabelled, draw what is on it"
        return Problem(str(image.path), text, "boxes left out")
    if image.status is None:
        text = "it has no boxes in the file; unlabelled, mark it clean if it is"
        return Problem(str(image.path), text, "no boxes")
    return None


# Labels


def _fold_boxes(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _known_names(labels: Sequence[Label], imported: ImportedAnnotations, problems: list[Problem]) -> dict[str, str]:
    """The project's name of each imported label: its own, or one that differs only in case, if both have just one."""
    exact = {label.name for label in labels}
    ours: dict[str, list[str]] = defaultdict(list)
    for label in labels:
        ours[_fold_boxes(label.name)].append(label.name)
    theirs: dict[str, list[str]] = defaultdict(list)
    for name in imported.labels:
        theirs[_fold_boxes(name)].append(name)
    names: dict[str, str] = {}
    for name in imported.labels:
        same = ours.get(_fold_boxes(name), [])
        if name not in exact and len(same) == 1 and len(theirs[_fold_boxes(name)]) == 1:
            names[name] = same[0]
            text = f"label {name!r} was taken as the project's {same[0]!r}"
            problems.append(Problem(str(imported.source), text, "known label"))
        else:
            names[name] = name
    return names


def _extend_labels(
    project: Project, labels: tuple[Label, ...], imported: ImportedAnnotations, names: dict[str, str]
) -> tuple[Label, ...]:
    """The project's labels and the new ones, in the colours that the file tells."""
    old = {label.id for label in labels}
    extended = palette.extend_labels(labels, names.values(), lambda: project.new_ids("label", 1)[0])
    return tuple(
        replace(label, color=imported.colors.get(label.name, label.color)) if label.id not in old else label
        for label in extended
    )


# Images


def _known_images(
    project: Project, imported: ImportedAnnotations, found: list[image_files.Probed]
) -> tuple[dict[str, int], Edit, dict[int, Path]]:
    """Image ids by `path_key` of their paths, the edit that adds new ones, and files by the image that holds the same."""
    known = project.files.ids_by_path()
    by_content: dict[str, list[int]] = defaultdict(list)
    records = {image.id: image for image in project.images()}
    for record in records.values():
        if record.content_hash:
            by_content[record.content_hash].append(record.id)
    told = {image_files.path_key(image.path): image.content_hash for image in imported.images if image.content_hash}
    taken = {known[key] for image in imported.images if (key := image_files.path_key(image.path)) in known}
    fresh = []
    same_files: dict[int, Path] = {}
    for probed in found:
        key = image_files.path_key(probed.path)
        # An export writes rotated pictures upright: then the file tells the content of the picture that it was.
        same = [
            image_id
            for content in (probed.content_hash, told.get(key, ""))
            for image_id in by_content.get(content, ())
            if (records[image_id].width, records[image_id].height) == (probed.width, probed.height)
        ]
        if not same:
            fresh.append(probed)
            continue
        # Of several pictures with one content, the one of the same name, and each once.
        best = max(same, key=lambda image_id: (image_id not in taken, _are_alike(records[image_id].path, probed.path)))
        taken.add(best)
        known[key] = best
        same_files[best] = probed.path
    adding = project.files.build_addition(fresh)
    added = {
        image_files.path_key(image_files.absolute_path(project.folder, image.path)): image.id for image in adding.added
    }
    return known | added, adding, same_files


def _describe_same(project: Project, image_id: int, path: Path, *, is_changed: bool) -> list[Problem]:
    """What to say of a file that is an image of the project under another path; nothing of an export that came back."""
    ours = project.image(image_id).path
    if not is_changed and Path(ours).stem == path.stem:
        return []
    return [Problem(str(path), f"holds the same as {ours} of the project, which its boxes went to", "same content")]


def _are_alike(path: str, other: Path) -> int:
    """How many parts of two paths are the same, from the end."""
    count = 0
    for first, second in zip(reversed(Path(path).parts), reversed(other.parts), strict=False):
        if first != second:
            break
        count += 1
    return count


def _with_extras(state: ImageState, image: ImportedImage, boxes: tuple[Box, ...]) -> ImageState:
    """`state` with these boxes, and what the file says of the image where the project says nothing."""
    untouched = state.status is Status.UNLABELLED and not state.boxes
    merged = with_boxes(state, boxes) if boxes != state.boxes else state
    status = merged.status
    # A status that the boxes contradict is the fault of whoever changed the file.
    if untouched and image.status is not None and (not boxes) == (image.status is Status.CLEAN) and not image.dropped:
        status = image.status
    if status is Status.REVIEWED and not all(box.labels for box in boxes):
        status = Status.LABELLED  # nobody has said what these boxes mark
    if untouched and boxes and image.status is Status.UNLABELLED:
        status = image.status
    return replace(
        merged,
        status=status,
        split=image.split if merged.split is Split.NONE and image.split is not None else merged.split,
        group=image.group if not merged.group and image.group is not None else merged.group,
        note=image.note if not merged.note and image.note is not None else merged.note,
    )


# Boxes


def _merge_boxes(
    project: Project,
    present: tuple[Box, ...],
    image: ImportedImage,
    labels: dict[str, int],
    difficult_marks: frozenset[str],
) -> tuple[Box, ...]:
    """`present` with the imported boxes: labels and mark are added to a box that coincides, others are appended."""
    wanted = [frozenset(labels[name] for name in names) for names in image.label_sets]
    partner = _find_partners(present, image, wanted) if present and wanted else {}
    boxes = list(present)
    difficult = {row for row, marks in enumerate(image.marks) if marks & difficult_marks}
    appended = []
    for row, label_ids in enumerate(wanted):
        place = partner.get(row)
        if place is None:
            appended.append((row, label_ids))
        else:
            mark = boxes[place].difficult or row in difficult
            boxes[place] = replace(boxes[place], labels=boxes[place].labels | label_ids, difficult=mark)
    for box_id, (row, label_ids) in zip(project.new_ids("box", len(appended)), appended, strict=True):
        x1, y1, x2, y2 = image.boxes[row].tolist()
        boxes.append(Box(box_id, x1, y1, x2, y2, label_ids, row in difficult))
    return tuple(boxes)


def _find_partners(present: tuple[Box, ...], image: ImportedImage, wanted: Sequence[frozenset[int]]) -> dict[int, int]:
    """The place of the present box that each imported one is, each at most once: first where labels agree, then the nearest."""
    corners = np.array([box.xyxy for box in present], np.float64)
    rows, places, overlaps = find_pairs(image.boxes, corners)
    order = sorted(
        (-round(overlap, 9), wanted[row] != present[place].labels, not wanted[row] <= present[place].labels, row, place)
        for row, place, overlap in zip(rows.tolist(), places.tolist(), overlaps.tolist(), strict=True)
    )
    partner: dict[int, int] = {}
    used: set[int] = set()
    for *_, row, place in order:
        if row not in partner and place not in used:
            partner[row] = place
            used.add(place)
    return partner
