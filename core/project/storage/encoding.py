"""Edits as the database keeps them: compressed JSON, with long columns of ids as differences."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import accumulate
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.project.edits.edit import Edit, ImageFields, ImageFile, ImageState
from core.project.edits.relabelling import Relabelling
from core.types import Box, ImageRecord, Label, Split, Status

_Value = TypeVar("_Value", bound=tuple[Any, ...])
# What an edit may unpack to: text of boxes becomes some 5 times smaller by packing, a crafted row 1,000 times.
_ALWAYS_ALLOWED = 2**26
_LARGEST_RATIO = 40
_PART = 500  # entries that are written at once


def encode_edit(edit: Edit) -> bytes:
    """The edit for the database. Boxes that it leaves alone are not written."""
    tree: dict[str, Any] = {
        "before": {str(i): _state_to_json(state, edit.after.get(i)) for i, state in edit.before.items()},
        "after": {str(i): _state_to_json(state, edit.before.get(i)) for i, state in edit.after.items()},
    }
    if edit.labels_before is not None and edit.labels_after is not None:
        tree["labels_before"] = [_label_to_json(label) for label in edit.labels_before]
        tree["labels_after"] = [_label_to_json(label) for label in edit.labels_after]
    for key, images in (("added", edit.added), ("removed", edit.removed)):
        if images:
            tree[key] = [[i.id, i.path, i.width, i.height, i.size_bytes, i.content_hash, i.modified_ns] for i in images]
    if edit.fields_before:
        tree["fields"] = _write_columns(edit.fields_before, edit.fields_after)
    if edit.files_before:
        tree["files"] = _write_columns(edit.files_before, edit.files_after)
    if edit.relabelled:
        tree["relabelled"] = _relabelling_to_json(edit.relabelled)
    return zlib.compress(_write_json(tree).encode(), 1)


def _write_json(tree: dict[str, Any]) -> str:
    """`tree` as JSON. In parts: while the encoder writes one, no other thread can run, and the window stands still."""
    return "{" + ",".join(f'"{key}":{_in_parts(value)}' for key, value in tree.items()) + "}"


def _in_parts(value: Any) -> str:
    if not isinstance(value, dict | list) or len(value) <= _PART:
        return _dump_json(value)
    entries = list(value.items()) if isinstance(value, dict) else value
    parts = (entries[start : start + _PART] for start in range(0, len(entries), _PART))
    inner = ",".join(_dump_json(dict(part) if isinstance(value, dict) else part)[1:-1] for part in parts)
    return f"{{{inner}}}" if isinstance(value, dict) else f"[{inner}]"


def _dump_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def decode_edit(name: str, data: bytes, boxes_of: Callable[[Collection[int]], Mapping[int, tuple[Box, ...]]]) -> Edit:
    """The edit that `encode_edit` packed. `boxes_of` gives the present boxes of images: those before the edit, or after it.

    Raises ValueError, KeyError, TypeError or zlib.error for what `encode_edit` did not write.
    """
    tree = json.loads(_unpack_bytes(data))
    written = [{int(image): state for image, state in tree[side].items()} for side in ("before", "after")]
    present = boxes_of(written[0].keys() & written[1].keys())
    before, after = (
        {
            image: _state_from_json(state, _keep_boxes(present.get(image, ()), image, written))
            for image, state in side.items()
        }
        for side in written
    )
    fields_before, fields_after = _from_columns(tree.get("fields"), _fields_from_json)
    files_before, files_after = _from_columns(tree.get("files"), _file_from_json)
    return Edit(
        name,
        before,
        after,
        tuple(Label(*label) for label in tree["labels_before"]) if "labels_before" in tree else None,
        tuple(Label(*label) for label in tree["labels_after"]) if "labels_after" in tree else None,
        tuple(_image_from_json(values, after) for values in tree.get("added", ())),
        tuple(_image_from_json(values, before) for values in tree.get("removed", ())),
        fields_before,
        fields_after,
        files_before,
        files_after,
        _relabelling_from_json(tree["relabelled"]) if "relabelled" in tree else None,
    )


def _unpack_bytes(data: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    found = unpacking.decompress(data, max(_ALWAYS_ALLOWED, _LARGEST_RATIO * len(data)))
    if not unpacking.eof:
        raise ValueError("an edit is cut off or larger than any that is written")
    return found


def _label_to_json(label: Label) -> list[Any]:
    return [label.id, label.name, label.color, label.shortcut]


def _state_to_json(state: ImageState, other: ImageState | None) -> list[Any]:
    """Only the boxes that are not the same in the image's other state, if it has one."""
    same = {box.id: box for box in other.boxes} if other is not None else {}
    # A mark that few boxes have takes no room in the others.
    boxes = [
        [box.id, *box.xyxy, sorted(box.labels), *([True] if box.difficult else [])]
        for box in state.boxes
        if same.get(box.id) != box
    ]
    return [state.status, state.split, state.group, state.note, boxes]


def _keep_boxes(present: tuple[Box, ...], image: int, written: Sequence[Mapping[int, list[Any]]]) -> tuple[Box, ...]:
    """Those of the image's present boxes that neither side of the edit changes."""
    touched = {box[0] for side in written if image in side for box in side[image][4] or ()}
    return tuple(box for box in present if box.id not in touched)


def _state_from_json(values: list[Any], kept: tuple[Box, ...]) -> ImageState:
    # Version 1 wrote null where an edit left the boxes alone, and else all of them.
    status, split, group, note, boxes = values
    changed = (
        Box(box_id, x1, y1, x2, y2, frozenset(labels), bool(marks))
        for box_id, x1, y1, x2, y2, labels, *marks in boxes or ()
    )
    return ImageState(
        Status(status), Split(split), group, note, tuple(sorted((*kept, *changed), key=lambda box: box.id))
    )


def _image_from_json(values: list[Any], states: Mapping[int, ImageState]) -> ImageRecord:
    # Version 1 noted no time of the file.
    image_id, path, width, height, size_bytes, content_hash, modified_ns = [*values, 0][:7]
    state = states[image_id]
    return ImageRecord(
        image_id,
        path,
        width,
        height,
        state.status,
        state.split,
        state.group,
        state.note,
        size_bytes=size_bytes,
        content_hash=content_hash,
        modified_ns=modified_ns,
    )


def _write_columns(before: Mapping[int, _Value], after: Mapping[int, _Value]) -> dict[str, Any]:
    """Image ids as differences; the few different values once, and their places."""
    ids = sorted(before)
    places: dict[_Value, int] = {}
    return {
        "images": _take_differences(ids),
        "before": [places.setdefault(before[image], len(places)) for image in ids],
        "after": [places.setdefault(after[image], len(places)) for image in ids],
        "values": list(places),
    }


def _from_columns(
    tree: dict[str, Any] | None, value_of: Callable[[list[Any]], _Value]
) -> tuple[dict[int, _Value], dict[int, _Value]]:
    if tree is None:
        return {}, {}
    ids = accumulate(tree["images"])
    values = [value_of(value) for value in tree["values"]]
    before: dict[int, _Value] = {}
    after: dict[int, _Value] = {}
    for image, old, new in zip(ids, tree["before"], tree["after"], strict=True):
        before[image] = values[old]
        after[image] = values[new]
    return before, after


def _fields_from_json(value: list[Any]) -> ImageFields:
    status, split, group, note = value
    return ImageFields(Status(status), Split(split), group, note)


def _file_from_json(value: list[Any]) -> ImageFile:
    return ImageFile(*value)


def _relabelling_to_json(change: Relabelling) -> dict[str, Any]:
    return {
        "sets": [sorted(labels) for labels in change.sets],
        "images": _take_differences(change.images),
        "boxes": _take_differences(change.boxes),
        "before": change.before.tolist(),
        "after": change.after.tolist(),
    }


def _relabelling_from_json(tree: dict[str, Any]) -> Relabelling:
    return Relabelling(
        tuple(frozenset(labels) for labels in tree["sets"]),
        np.cumsum(np.array(tree["images"], np.int64)),
        np.cumsum(np.array(tree["boxes"], np.int64)),
        np.array(tree["before"], np.int32),
        np.array(tree["after"], np.int32),
    )


def _take_differences(ids: Sequence[int] | NDArray[np.int64]) -> list[int]:
    # Ids that lie close together become small numbers, often the same, which compress to almost nothing.
    differences: list[int] = np.diff(np.asarray(ids, np.int64), prepend=0).tolist()
    return differences
