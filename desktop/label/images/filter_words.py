"""How a filter of the image list reads: one short text for each field that is set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from core.project.images.query import ANY as ANY_NUMBER
from core.project.images.query import NO_LABEL, Filter, Range, SortKey, Where
from core.types import Label, Split, Status

NO_LABEL_TEXT = "no label yet"
SORTS = {
    SortKey.NAME: ("File name", "A to Z", "Z to A"),
    SortKey.STATUS: ("Status", "unlabelled first", "clean first"),
    SortKey.SPLIT: ("Split", "without split first", "test first"),
    SortKey.GROUP: ("Group", "A to Z", "Z to A"),
    SortKey.BOXES: ("Number of boxes", "fewest first", "most first"),
    SortKey.SMALLEST: ("Smallest box", "smallest first", "largest first"),
    SortKey.SIZE: ("Image size", "smallest first", "largest first"),
    SortKey.ADDED: ("Date added", "oldest first", "newest first"),
    SortKey.EDITED: ("Last edited", "longest ago first", "latest first"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a filter that is set."""

    text: str
    without: Filter  # the filter when this part is taken away


def parts(wanted: Filter, labels: Mapping[int, Label]) -> list[Part]:
    """What a filter asks for, in the order in which the fields are offered; the search words are not among it.

    Statuses, splits and labels that are looked for come singly, so that each can be taken away.
    """
    found = [
        Part(status.value.capitalize(), replace(wanted, statuses=wanted.statuses - {status}))
        for status in Status
        if status in wanted.statuses
    ]
    found += [
        Part(
            "No split" if split is Split.NONE else split.value.capitalize(),
            replace(wanted, splits=wanted.splits - {split}),
        )
        for split in Split
        if split in wanted.splits
    ]
    found += _label_parts(wanted, labels)
    for group in sorted(wanted.groups):
        text = f"Group {group}" if group else "No group"
        found.append(Part(text, replace(wanted, groups=wanted.groups - {group})))
    if wanted.boxes:
        found.append(Part(_describe_range(wanted.boxes, "box", "boxes"), replace(wanted, boxes=ANY_NUMBER)))
    if wanted.smallest:
        found.append(
            Part(f"Smallest {_describe_range(wanted.smallest, 'px', 'px')}", replace(wanted, smallest=ANY_NUMBER))
        )
    if wanted.difficult is not None:
        text = "With difficult boxes" if wanted.difficult else "Without difficult boxes"
        found.append(Part(text, replace(wanted, difficult=None)))
    if wanted.note is not None:
        found.append(Part("With a note" if wanted.note else "Without a note", replace(wanted, note=None)))
    if wanted.predicted is not None:
        text = "With predictions" if wanted.predicted else "Without predictions"
        found.append(Part(text, replace(wanted, predicted=None)))
    if wanted.missing is not None:
        found.append(Part("File missing" if wanted.missing else "File present", replace(wanted, missing=None)))
    return found


def label_text(label: int, labels: Mapping[int, Label]) -> str:
    """The name of a label, also of none."""
    return NO_LABEL_TEXT if label == NO_LABEL else labels[label].name if label in labels else "a deleted label"


def _label_parts(wanted: Filter, labels: Mapping[int, Label]) -> list[Part]:
    order = [*labels, NO_LABEL]
    carried = sorted(wanted.carries, key=lambda label: order.index(label) if label in order else len(order))
    lacked = sorted(wanted.lacks, key=lambda label: order.index(label) if label in order else len(order))
    if wanted.where is Where.IMAGE or (len(carried) == 1 and wanted.where is Where.BOX):
        found = [Part(label_text(one, labels), replace(wanted, carries=wanted.carries - {one})) for one in carried]
    elif carried:
        names = " + ".join(label_text(one, labels) for one in carried)
        only = "Only " if wanted.where is Where.EXACT else ""
        found = [Part(f"{only}{names} on a box", replace(wanted, carries=frozenset(), where=Where.IMAGE))]
    else:
        found = []
    return found + [
        Part(f"Not {label_text(one, labels)}", replace(wanted, lacks=wanted.lacks - {one})) for one in lacked
    ]


def _describe_range(wanted: Range, one: str, many: str) -> str:
    low, high = wanted.low, wanted.high
    if low is not None and high is not None:
        return f"{low:,g} {one if low == 1 else many}" if low == high else f"{low:,g}–{high:,g} {many}"
    if high is None:
        return f"≥ {low:,g} {one if low == 1 else many}"
    return f"≤ {high:,g} {one if high == 1 else many}"
