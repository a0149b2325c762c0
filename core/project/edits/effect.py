"""What making an edit, or undoing it, does to the project, in words: for a question before it is done."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from core.counting import format_count
from core.project.edits.edit import Edit, ImageState
from core.types import Label

NAMED = 3  # labels; more are counted


def describe_effect(step: Edit) -> str:
    """One sentence on what applying `step` does; of an edit that is undone, `step` is it reversed."""
    gone, new, changed = _count_boxes(step.before, step.after)
    changed += len(step.relabelled) if step.relabelled else 0
    parts = [
        f"takes {format_count(len(step.removed), 'image')} out of the project" if step.removed else "",
        f"puts {format_count(len(step.added), 'image')} into the project" if step.added else "",
        f"deletes {format_count(gone, 'box')}" if gone else "",
        f"brings {format_count(new, 'box')}" if new else "",
        f"changes {format_count(changed, 'box')}" if changed else "",
        *_describe_labels(step.labels_before or (), step.labels_after or ()),
        f"refers {format_count(len(step.files_after), 'image')} to other files" if step.files_after else "",
        *_describe_fields(step),
    ]
    told = [part for part in parts if part]
    if not told:
        return "It changes nothing that can be counted."
    text = told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"
    return f"It {text}."


def _count_boxes(before: Mapping[int, ImageState], after: Mapping[int, ImageState]) -> tuple[int, int, int]:
    """(gone, new, changed)."""
    gone = new = changed = 0
    for image_id in before.keys() | after.keys():
        old = {box.id: box for box in before[image_id].boxes} if image_id in before else {}
        now = {box.id: box for box in after[image_id].boxes} if image_id in after else {}
        gone += len(old.keys() - now.keys())
        new += len(now.keys() - old.keys())
        changed += sum(old[box_id] != now[box_id] for box_id in old.keys() & now.keys())
    return gone, new, changed


def _describe_labels(before: Collection[Label], after: Collection[Label]) -> list[str]:
    old, new = {label.id for label in before}, {label.id for label in after}
    gone = [label.name for label in before if label.id not in new]
    come = [label.name for label in after if label.id not in old]
    return [
        f"{verb} the {'label' if len(names) == 1 else 'labels'} {_list_names(names)}"
        for verb, names in (("deletes", gone), ("brings", come))
        if names
    ]


def _list_names(names: list[str]) -> str:
    if len(names) <= NAMED:
        return ", ".join(names)
    return f"{', '.join(names[:NAMED])} and {len(names) - NAMED:,} more"


def _describe_fields(step: Edit) -> list[str]:
    """Of the images that stay in the project."""
    pairs = [(step.fields_before[image_id], step.fields_after[image_id]) for image_id in step.fields_before]
    both = step.before.keys() & step.after.keys()
    pairs += [(step.before[image_id].fields, step.after[image_id].fields) for image_id in both]
    parts = []
    for field in ("status", "split", "group", "note"):
        count = sum(getattr(old, field) != getattr(new, field) for old, new in pairs)
        if count:
            parts.append(f"changes the {field} of {format_count(count, 'image')}")
    return parts
