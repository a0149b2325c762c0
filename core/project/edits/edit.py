"""Edits: what undo and redo are made of. An edit holds both sides, so undoing is applying it reversed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal, NamedTuple

from core.changes import Changes
from core.project.edits.relabelling import Relabelling
from core.types import Box, ImageRecord, Label, Split, Status

KEPT_AFTER_RESTART = 200  # edits that can still be undone in the next session; within a session all can

EventKind = Literal["done", "undone", "redone"]  # as the database keeps it


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One edit that can be undone or redone."""

    position: int  # `ProjectHistory.go_to(position)` makes it the last edit that is done
    name: str
    time: str  # ISO 8601 in UTC; empty for an edit of a version of the program that noted none
    images: int  # how many it touches
    done: bool  # False: it was undone, and can be redone
    waits: bool = False  # for the disk, which has refused it so far
    by_name: bool = False  # undone and redone only by name; see `Edit.is_undone_by_name`


@dataclass(frozen=True, slots=True)
class ImageEvent:
    """Something that happened to an image."""

    time: str  # ISO 8601 in UTC
    name: str  # of the edit
    kind: EventKind | Literal["waiting"]  # waiting: for the disk, which has refused the edit so far


class ImageFields(NamedTuple):
    """What the user says of an image as a whole. Small and shared: edits of 100,000 images are made of it."""

    status: Status
    split: Split
    group: str
    note: str


class ImageFile(NamedTuple):
    """Where an image's file is and what it holds."""

    path: str  # as `ImageRecord.path`
    width: int
    height: int
    size_bytes: int
    content_hash: str
    modified_ns: int


@dataclass(frozen=True, slots=True)
class ImageState:
    """Everything about an image that the user edits. Boxes are in ascending order of their ids."""

    status: Status
    split: Split
    group: str
    note: str
    boxes: tuple[Box, ...]

    @property
    def fields(self) -> ImageFields:
        return ImageFields(self.status, self.split, self.group, self.note)


@dataclass(frozen=True, slots=True)
class Edit:
    """One step of the user's work: one drag, one label toggle on a selection, one import.

    `before` and `after` have the same image ids, but for images that the edit itself adds (only in `after`)
    or removes (only in `before`). Labels are None where the edit leaves them alone.

    What touches very many images and leaves their boxes alone goes in `fields_*` or `files_*`, and a change of
    label sets over the whole project in `relabelled`: no box need be read for them. An image that is in one of
    these is not in `before` and `after`.
    """

    name: str  # as menus show it: "Draw box"
    before: Mapping[int, ImageState]
    after: Mapping[int, ImageState]
    labels_before: tuple[Label, ...] | None = None
    labels_after: tuple[Label, ...] | None = None
    added: tuple[ImageRecord, ...] = ()
    removed: tuple[ImageRecord, ...] = ()
    fields_before: Mapping[int, ImageFields] = field(default_factory=dict)
    fields_after: Mapping[int, ImageFields] = field(default_factory=dict)
    files_before: Mapping[int, ImageFile] = field(default_factory=dict)
    files_after: Mapping[int, ImageFile] = field(default_factory=dict)
    relabelled: Relabelling | None = None
    by_name: bool = False  # an import, a merge: whatever it changes, it is undone by name; see `is_undone_by_name`

    def __post_init__(self) -> None:
        added = {image.id for image in self.added}
        removed = {image.id for image in self.removed}
        if (
            self.before.keys() - removed != self.after.keys() - added
            or added - self.after.keys()
            or removed - self.before.keys()
            or self.fields_before.keys() != self.fields_after.keys()
            or self.files_before.keys() != self.files_after.keys()
        ):
            raise ValueError(f"edit {self.name!r}: before and after are about different images")
        if self.before.keys() & self.fields_before.keys() or (self.relabelled and self.before):
            raise ValueError(f"edit {self.name!r}: an image is changed in two ways")
        if (self.labels_before is None) != (self.labels_after is None):
            raise ValueError(f"edit {self.name!r}: needs the labels before and after, or neither")

    @property
    def reversed(self) -> Edit:
        """The edit that undoes this one."""
        return Edit(
            self.name,
            self.after,
            self.before,
            self.labels_after,
            self.labels_before,
            self.removed,
            self.added,
            self.fields_after,
            self.fields_before,
            self.files_after,
            self.files_before,
            self.relabelled.reversed if self.relabelled else None,
            self.by_name,
        )

    @property
    def is_undone_by_name(self) -> bool:
        """Whether undo stops before it until the user names it: it is not what the user drew and marked.

        So are imports and merges, what adds, removes or relocates images, what takes a label off boxes, and a split or
        group of several images.
        """
        return (
            self.by_name
            or bool(self.added or self.removed or self.files_before or self.relabelled)
            or self._moves_several()
        )

    def _moves_several(self) -> bool:
        moved = (
            image
            for image, old in self.fields_before.items()
            if (old.split, old.group) != (self.fields_after[image].split, self.fields_after[image].group)
        )
        return len(list(islice(moved, 2))) > 1

    @property
    def is_empty(self) -> bool:
        """True if applying it would change nothing."""
        return (
            not self.added
            and not self.removed
            and self.labels_before == self.labels_after
            and self.before == self.after
            and self.fields_before == self.fields_after
            and self.files_before == self.files_after
            and not self.relabelled
        )

    @property
    def image_ids(self) -> frozenset[int]:
        """The images that it changes, adds or removes."""
        touched = {
            image for image in self.before.keys() | self.after.keys() if self.before.get(image) != self.after.get(image)
        }
        touched |= {image for image, old in self.fields_before.items() if self.fields_after[image] != old}
        touched |= {image for image, old in self.files_before.items() if self.files_after[image] != old}
        touched.update(self.relabelled.image_ids if self.relabelled else ())
        return frozenset(touched)

    def changes(self) -> Changes:
        """What applying this edit touches."""
        list_changed = bool(self.added or self.removed)
        both = [(self.before[image], self.after[image]) for image in self.before.keys() & self.after.keys()]
        lone = [
            side[image]
            for image in self.before.keys() ^ self.after.keys()
            for side in (self.before, self.after)
            if image in side
        ]
        return Changes(
            images=self.image_ids,
            boxes=bool(self.relabelled)
            or any(old.boxes != new.boxes for old, new in both)
            or any(state.boxes for state in lone),
            status=list_changed
            or self.fields_before != self.fields_after
            or any(old.fields != new.fields for old, new in both),
            labels=self.labels_before != self.labels_after,
            # Another path can put an image at another place of the list.
            image_list=list_changed or self.files_before != self.files_after,
        )

    def set_changes(self) -> Counter[frozenset[int]]:
        """By how much the number of boxes with each label set changes; without those that stay."""
        counts = self.relabelled.set_changes() if self.relabelled else Counter()
        for states, others, sign in ((self.before, self.after, -1), (self.after, self.before, 1)):
            for image, state in states.items():
                other = others.get(image)
                if other is not None and other.boxes == state.boxes:
                    continue
                for box in state.boxes:
                    counts[box.labels] += sign
        return Counter({labels: count for labels, count in counts.items() if count})


def fields_of(image: ImageRecord) -> ImageFields:
    """What the user says of the image as a whole."""
    return ImageFields(image.status, image.split, image.group, image.note)


def state_of(image: ImageRecord, boxes: tuple[Box, ...]) -> ImageState:
    """Everything that the user edits of the image, with these boxes."""
    return ImageState(image.status, image.split, image.group, image.note, boxes)


def file_of(image: ImageRecord) -> ImageFile:
    """Where the image's file is and what it holds."""
    return ImageFile(image.path, image.width, image.height, image.size_bytes, image.content_hash, image.modified_ns)
