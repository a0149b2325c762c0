"""Builders of edits of labels: of the project's list, and of the sets that boxes carry.

Each reads the project, changes nothing, and returns one edit for `Project.apply`. A label is its id: renaming,
recolouring and re-ordering touch no box.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from core.counting import format_count
from core.errors import InputError
from core.project import palette
from core.project.edits import box_edits
from core.project.edits.edit import Edit, ImageState
from core.project.project_reader import ProjectReader
from core.types import Box, Label, label_name_fault


def toggle_label(project: ProjectReader, image_id: int, box_ids: Collection[int], label_id: int) -> Edit:
    """Give the label to all of the boxes, or take it away if all have it. A box may end with no label yet."""
    before = project.states([image_id])
    remove, boxes = _toggle_on_boxes(before[image_id].boxes, frozenset(box_ids), label_id)
    name = f"{'Remove' if remove else 'Set'} {_name_of_label(project, label_id)}"
    if len(box_ids) > 1:
        name += f" on {len(box_ids):,} boxes"
    return Edit(name, before, {image_id: box_edits.with_boxes(before[image_id], boxes)})


def create_label(project: ProjectReader, name: str, image_id: int | None = None, box_ids: Collection[int] = ()) -> Edit:
    """Add a label at the end of the list and, in the same edit, give it to boxes of an image.

    Raises InputError if the name is no good or another label has it.
    """
    before_labels = project.labels()
    if any(label.name == name.strip() for label in before_labels):
        raise InputError(f"labels: there is a label {name.strip()!r} already; choose another name")
    after_labels = palette.extend_labels(before_labels, [name], lambda: project.new_ids("label", 1)[0])
    before: Mapping[int, ImageState] = {}
    after: Mapping[int, ImageState] = {}
    if image_id is not None and box_ids:
        before = project.states([image_id])
        _, boxes = _toggle_on_boxes(before[image_id].boxes, frozenset(box_ids), after_labels[-1].id)
        after = {image_id: box_edits.with_boxes(before[image_id], boxes)}
    return Edit(f"Add label {after_labels[-1].name}", before, after, before_labels, after_labels)


def set_labels(project: ProjectReader, labels: Sequence[Label], name: str | None = None) -> Edit:
    """Make `labels` the project's labels: renamed, recoloured, reordered, added or deleted.

    New labels carry an id from `project.new_ids("label", 1)`. A deleted label is taken off every box.
    Raises InputError if two labels share a name, a shortcut or an id.
    """
    _check_labels(labels)
    present = project.labels()
    deleted = {label.id for label in present} - {label.id for label in labels}
    relabelled = project.relabelling(lambda carried: carried - deleted) if deleted else None
    default = "Delete label" if deleted else "Add label" if len(labels) > len(present) else "Change labels"
    return Edit(name or default, {}, {}, present, tuple(labels), relabelled=relabelled)


def change_label(project: ProjectReader, changed: Label) -> Edit:
    """Give a label another name, colour or key; a key is taken from the label that had it.

    Raises InputError if there is no such label, the name is no good, or another label has it.
    """
    old = _find_label(project, changed.id)
    if changed.name != old.name and (fault := label_name_fault(changed.name)):
        raise InputError(f"labels: {changed.name[:30]!r}: {fault}; choose another")
    labels = tuple(
        changed if label.id == changed.id else _without_key(label, changed.shortcut) for label in project.labels()
    )
    if changed.name != old.name:
        what = f"Rename {old.name} to {changed.name}"
    else:
        what = f"Recolour {old.name}" if changed.color != old.color else f"Change the key of {old.name}"
    return set_labels(project, labels, what)


def delete_labels(project: ProjectReader, label_ids: Collection[int]) -> Edit:
    """Take labels out of the project and off every box; the boxes stay, those left bare with no label yet."""
    gone = frozenset(label_ids)
    names = [_find_label(project, label_id).name for label_id in label_ids]
    kept = [label for label in project.labels() if label.id not in gone]
    name = f"Delete label {names[0]}" if len(names) == 1 else f"Delete {format_count(len(names), 'label')}"
    return set_labels(project, kept, name)


def merge_labels(project: ProjectReader, label_ids: Collection[int], into: int) -> Edit:
    """Make the labels one: boxes that carry any of `label_ids` carry `into` instead, once.

    Raises InputError if a label is not there or is to be merged into itself.
    """
    gone = frozenset(label_ids)
    target = _find_label(project, into)
    names = [_find_label(project, label_id).name for label_id in label_ids]
    if into in gone or not gone:
        raise InputError(f"labels: {target.name} cannot be merged into itself; choose another label")
    relabelled = project.relabelling(lambda carried: (carried - gone) | {into} if carried & gone else carried)
    what = names[0] if len(names) == 1 else format_count(len(names), "label")
    kept = tuple(label for label in project.labels() if label.id not in gone)
    name = f"Merge {what} into {target.name}"
    return Edit(name, {}, {}, project.labels(), kept, relabelled=relabelled, by_name=True)


def order_labels(project: ProjectReader, label_ids: Sequence[int]) -> Edit:
    """List the labels in this order; keys, colours and boxes stay as they are.

    Raises InputError if `label_ids` are not exactly the project's labels.
    """
    by_id = {label.id: label for label in project.labels()}
    if sorted(label_ids) != sorted(by_id):
        raise InputError("labels: the new order must name every label of the project once")
    return set_labels(project, [by_id[label_id] for label_id in label_ids], "Reorder labels")


def move_ids(label_ids: Sequence[int], chosen: Collection[int], to: int) -> tuple[int, ...]:
    """`label_ids` with those of `chosen` moved together, in their order, before the present place `to` (0..n)."""
    lifted = [label_id for label_id in label_ids if label_id in chosen]
    head = [label_id for label_id in label_ids[:to] if label_id not in chosen]
    tail = [label_id for label_id in label_ids[to:] if label_id not in chosen]
    return (*head, *lifted, *tail)


def boxes_with(label_set_counts: Mapping[frozenset[int], int], label_ids: Collection[int]) -> int:
    """How many boxes carry at least one of the labels: those that deleting or merging would touch."""
    wanted = frozenset(label_ids)
    return sum(count for labels, count in label_set_counts.items() if labels & wanted)


def _toggle_on_boxes(boxes: Sequence[Box], chosen: frozenset[int], label_id: int) -> tuple[bool, list[Box]]:
    remove = all(label_id in box.labels for box in boxes if box.id in chosen)
    return remove, [
        replace(box, labels=box.labels - {label_id} if remove else box.labels | {label_id}) if box.id in chosen else box
        for box in boxes
    ]


def _without_key(label: Label, key: str) -> Label:
    return replace(label, shortcut="") if key and label.shortcut == key else label


def _find_label(project: ProjectReader, label_id: int) -> Label:
    found = next((label for label in project.labels() if label.id == label_id), None)
    if found is None:
        raise InputError("labels: the label is not in the project any more; nothing was changed")
    return found


def _name_of_label(project: ProjectReader, label_id: int) -> str:
    return next((label.name for label in project.labels() if label.id == label_id), "label")


def _check_labels(labels: Sequence[Label]) -> None:
    for what in ("name", "shortcut", "id"):
        values = [value for label in labels if (value := getattr(label, what))]
        twice = next((value for value in values if values.count(value) > 1), None)
        if twice is not None:
            raise InputError(f"labels: the {what} {twice!r} is used twice; each label needs its own")
