"""What is kept with each image about its boxes, so that listing images reads no box."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from core.types import Box

LabelSet = frozenset[int]


class Summary(NamedTuple):
    """The boxes of one image, in short."""

    box_count: int
    smallest: float  # the shortest side of any box, in pixels; 0 without boxes
    label_sets: str  # packed sets in ascending order of their texts, between them "|"
    set_counts: str  # boxes of each of these sets
    difficult_count: int  # boxes that training and judging ignore

    @property
    def sets(self) -> tuple[LabelSet, ...]:
        """The label sets, as an `ImageRecord` holds them."""
        return unpack_sets(self.label_sets) if self.box_count else ()


NO_BOXES = Summary(0, 0.0, "", "", 0)


def summary_of(boxes: Sequence[Box]) -> Summary:
    """The summary of an image with these boxes."""
    if not boxes:
        return NO_BOXES
    smallest = min(min(box.x2 - box.x1, box.y2 - box.y1) for box in boxes)
    counted = Counter(sorted(pack_labels(box.labels) for box in boxes))
    difficult = sum(box.difficult for box in boxes)
    return Summary(len(boxes), smallest, "|".join(counted), "|".join(map(str, counted.values())), difficult)


def pack_labels(labels: Collection[int]) -> str:
    """A label set as text, equal for equal sets."""
    return ",".join(map(str, sorted(labels)))


_unpacked: dict[str, LabelSet] = {}
_unpacked_sets: dict[str, tuple[LabelSet, ...]] = {}


def unpack_labels(text: str) -> LabelSet:
    """The label set that `pack_labels` wrote. Equal sets share one object: there are few sets and many boxes."""
    found = _unpacked.get(text)
    if found is None:
        found = _unpacked[text] = frozenset(map(int, text.split(","))) if text else frozenset()
    return found


def unpack_sets(text: str) -> tuple[LabelSet, ...]:
    """The sets of `Summary.label_sets`, for an image with boxes; equal texts share one object."""
    found = _unpacked_sets.get(text)
    if found is None:
        found = _unpacked_sets[text] = tuple(unpack_labels(part) for part in sorted(text.split("|")))
    return found
