"""Edits: what undo and redo are made of. An edit holds both sides, so undoing is applying it reversed."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from core.changes import Changes
from core.types import Box, ImageRecord, Label, Split, Status

KEPT_AFTER_RESTART = 200  # edits that can still be undone in the next session; within a session all can


@dataclass(frozen=True, slots=True)
class ImageState:
    """Everything about an image that a person edits. Boxes are in ascending order of their ids."""

    status: Status
    split: Split
    group: str
    note: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """One step of a person's work: one drag, one label toggle on a selection, one import.

    `before` and `after` have the same image ids, but for images that the edit itself adds (only in `after`)
    or removes (only in `before`). Labels are None where the edit leaves them alone.
    """

    name: str  # as menus show it: "Draw box"
    before: Mapping[int, ImageState]
    after: Mapping[int, ImageState]
    labels_before: tuple[Label, ...] | None = None
    labels_after: tuple[Label, ...] | None = None
    added: tuple[ImageRecord, ...] = ()
    removed: tuple[ImageRecord, ...] = ()

    def __post_init__(self) -> None:
        added = {image.id for image in self.added}
        removed = {image.id for image in self.removed}
        if (
            self.before.keys() - removed != self.after.keys() - added
            or added - self.after.keys()
            or removed - self.before.keys()
        ):
            raise ValueError(f"edit {self.name!r}: before and after are about different images")
        if (self.labels_before is None) != (self.labels_after is None):
            raise ValueError(f"edit {self.name!r}: needs the labels before and after, or neither")

    @property
    def reversed(self) -> Edit:
        """The edit that undoes this one."""
        return Edit(self.name, self.after, self.before, self.labels_after, self.labels_before, self.removed, self.added)

    @property
    def is_empty(self) -> bool:
        """True if applying it would change nothing."""
        return (
            not self.added
            and not self.removed
            and self.labels_before == self.labels_after
            and self.before == self.after
        )

    def changes(self) -> Changes:
        """What applying this edit touches."""
        list_changed = bool(self.added or self.removed)
        touched = {
            image for image in self.before.keys() | self.after.keys() if self.before.get(image) != self.after.get(image)
        }
        both = [
            (self.before[image], self.after[image]) for image in touched if image in self.before and image in self.after
        ]
        lone = [
            state for image in touched for state in (self.before.get(image), self.after.get(image)) if state is not None
        ]
        return Changes(
            images=frozenset(touched),
            boxes=any(old.boxes != new.boxes for old, new in both) or (list_changed and any(s.boxes for s in lone)),
            status=list_changed or any(_kind(old) != _kind(new) for old, new in both),
            labels=self.labels_before != self.labels_after,
            image_list=list_changed,
        )


def _kind(state: ImageState) -> tuple[Status, Split, str, str]:
    return (state.status, state.split, state.group, state.note)


def encode(edit: Edit) -> bytes:
    """The edit as compressed JSON, for the database. Boxes that it leaves alone are not written."""
    same = {i for i, state in edit.before.items() if i in edit.after and state.boxes == edit.after[i].boxes}
    tree: dict[str, Any] = {
        "before": {str(i): _state_to_json(state, with_boxes=i not in same) for i, state in edit.before.items()},
        "after": {str(i): _state_to_json(state, with_boxes=i not in same) for i, state in edit.after.items()},
    }
    if edit.labels_before is not None and edit.labels_after is not None:
        tree["labels_before"] = [_label_to_json(label) for label in edit.labels_before]
        tree["labels_after"] = [_label_to_json(label) for label in edit.labels_after]
    for key, images in (("added", edit.added), ("removed", edit.removed)):
        if images:
            tree[key] = [[i.id, i.path, i.width, i.height, i.size_bytes, i.content_hash] for i in images]
    return zlib.compress(json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode(), 1)


def decode(name: str, data: bytes, boxes_of: Callable[[Collection[int]], Mapping[int, tuple[Box, ...]]]) -> Edit:
    """The edit that `encode` packed; `boxes_of` gives the present boxes, for images whose boxes it leaves alone."""
    tree = json.loads(zlib.decompress(data))
    present = boxes_of([int(image) for image, state in tree["before"].items() if state[4] is None])
    before = {
        int(image): _state_from_json(state, present.get(int(image), ())) for image, state in tree["before"].items()
    }
    after = {int(image): _state_from_json(state, present.get(int(image), ())) for image, state in tree["after"].items()}
    return Edit(
        name,
        before,
        after,
        tuple(Label(*label) for label in tree["labels_before"]) if "labels_before" in tree else None,
        tuple(Label(*label) for label in tree["labels_after"]) if "labels_after" in tree else None,
        tuple(_image_from_json(values, after) for values in tree.get("added", ())),
        tuple(_image_from_json(values, before) for values in tree.get("removed", ())),
    )


def _label_to_json(label: Label) -> list[Any]:
    return [label.id, label.name, label.color, label.shortcut]


def _state_to_json(state: ImageState, *, with_boxes: bool) -> list[Any]:
    boxes = [[box.id, *box.xyxy, sorted(box.labels)] for box in state.boxes] if with_boxes else None
    return [state.status, state.split, state.group, state.note, boxes]


def _state_from_json(values: list[Any], present: tuple[Box, ...]) -> ImageState:
    status, split, group, note, boxes = values
    return ImageState(
        Status(status),
        Split(split),
        group,
        note,
        present
        if boxes is None
        else tuple(Box(box_id, x1, y1, x2, y2, frozenset(labels)) for box_id, x1, y1, x2, y2, labels in boxes),
    )


def _image_from_json(values: list[Any], states: Mapping[int, ImageState]) -> ImageRecord:
    image_id, path, width, height, size_bytes, content_hash = values
    return with_state(
        ImageRecord(image_id, path, width, height, size_bytes=size_bytes, content_hash=content_hash), states[image_id]
    )


def with_state(image: ImageRecord, state: ImageState) -> ImageRecord:
    """`image` as it is listed when its state is `state`."""
    return ImageRecord(
        image.id, image.path, image.width, image.height, state.status, state.split, state.group, state.note,
        len(state.boxes), image.size_bytes, image.content_hash,
    )  # fmt: skip
