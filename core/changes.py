"""What a mutation touched. Views refresh by these flags."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Changes:
    """The parts of a project that one mutation touched."""

    images: frozenset[int] = frozenset()  # image ids whose boxes, status, split, group or note changed
    boxes: bool = False
    status: bool = False  # status, split, group or note of an image
    labels: bool = False  # the list of labels: names, colours, order, shortcuts
    image_list: bool = False  # images were added or removed
    runs: bool = False  # runs, checkpoints, stars, notes

    def __or__(self, other: Changes) -> Changes:
        return Changes(
            self.images | other.images,
            self.boxes or other.boxes,
            self.status or other.status,
            self.labels or other.labels,
            self.image_list or other.image_list,
            self.runs or other.runs,
        )
