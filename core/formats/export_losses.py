"""What of a project an export does not give to other programs, counted: nothing is left out without a word.

What a format has no place for lies in the export's own fields, which this program reads back and others pass over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.formats.annotations import Format
from core.formats.export_plan import SheetImage, SheetLabel
from core.types import Split, Status


@dataclass(frozen=True, slots=True)
class Loss:
    """One property that other programs do not get as it is in the project."""

    kind: str
    count: int
    text: str  # with the count, and what others make of it
    comes_back: bool  # this program reads it back from the export

    def to_json(self) -> dict[str, Any]:
        """As programs get it."""
        return {"kind": self.kind, "count": self.count, "text": self.text, "comes_back": self.comes_back}


@dataclass(frozen=True, slots=True)
class _Words:
    """How a loss is told."""

    one: str
    many: str
    effect: str
    comes_back: bool = True

    def describe_loss(self, kind: str, count: int) -> Loss:
        what = self.one if count == 1 else self.many
        return Loss(kind, count, f"{count:,} {what}: {self.effect}", self.comes_back)


_ONLY_OURS = "only DefectDesk reads that back"
_WORDS: dict[str, _Words] = {
    "difficult": _Words("difficult box", "difficult boxes", f"other programs see no mark; {_ONLY_OURS}"),
    "no label": _Words(
        "box has no label", "boxes have no label", f"other programs take what is there for background; {_ONLY_OURS}"
    ),
    "several labels": _Words(
        "box has several labels", "boxes have several labels", f"other programs see a box for each label; {_ONLY_OURS}"
    ),
    "corners": _Words(
        "box has corners between pixels",
        "boxes have corners between pixels",
        f"rounded for other programs; {_ONLY_OURS}",
    ),
    "unlabelled": _Words(
        "image is not labelled yet",
        "images are not labelled yet",
        f"other programs take what is not marked on them as free of defects; {_ONLY_OURS}",
    ),
    "clean": _Words(
        "image is clean", "images are clean", f"other programs only see that there is no box; {_ONLY_OURS}"
    ),
    "reviewed": _Words("image is reviewed", "images are reviewed", _ONLY_OURS),
    "split": _Words("image is in a split", "images are in a split", _ONLY_OURS),
    "group": _Words("image is in a group", "images are in a group", _ONLY_OURS),
    "note": _Words("image has a note", "images have a note", _ONLY_OURS),
    "long note": _Words("note is too long for the format", "notes are too long for the format", "left out", False),
    "color": _Words("colour of a label", "colours of labels", _ONLY_OURS),
    "shortcut": _Words("shortcut of a label", "shortcuts of labels", "left out", False),
    "camera": _Words(
        "window of a camera above 8 bits",
        "windows of cameras above 8 bits",
        "left out; another project decides on its own",
        False,
    ),
    "not chosen": _Words(
        "image is of another split or status", "images are of other splits or statuses", "left out as chosen", False
    ),
}
# What other programs find as well, each in the place where they look for it.
_SEEN: Mapping[Format, frozenset[str]] = {
    Format.COCO: frozenset({"difficult", "corners"}),
    Format.VOC: frozenset({"difficult", "split"}),
    Format.YOLO: frozenset({"split", "corners"}),
    Format.LABELME: frozenset({"difficult", "corners"}),
    Format.CSV: frozenset({"difficult", "corners", "split", "group", "note", "clean", "reviewed"}),
}


def count_losses(
    format: Format, labels: Sequence[SheetLabel], images: Sequence[SheetImage], others: Mapping[str, int]
) -> tuple[Loss, ...]:
    """What is lost on the way to another program, in the order of `_WORDS`; `others` was counted elsewhere."""
    counts = Counter(others)
    counts["color"], counts["shortcut"] = len(labels), sum(bool(label.shortcut) for label in labels)
    for image in images:
        counts["difficult"] += len(image.difficult)
        counts["no label"] += sum(not carried for carried in image.labels)
        counts["several labels"] += sum(len(carried) > 1 for carried in image.labels)
        counts["corners"] += int((image.boxes != np.round(image.boxes)).any(axis=1).sum())
        if image.status is not Status.LABELLED:
            counts[str(image.status)] += 1
        counts["split"] += image.split is not Split.NONE
        counts["group"] += bool(image.group)
        counts["note"] += bool(image.note)
    counts["note"] -= counts["long note"]
    seen = _SEEN[format]
    return tuple(
        words.describe_loss(kind, counts[kind])
        for kind, words in _WORDS.items()
        if counts[kind] > 0 and kind not in seen
    )
