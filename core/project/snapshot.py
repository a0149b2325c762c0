"""The frozen, hashed copy of the annotations that one run trains on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import files
from core.errors import InputError
from core.imaging.cameras import Cameras
from core.imaging.window import checked_window
from core.project.images import image_files
from core.project.project import Project
from core.project.project_reader import ProjectReader
from core.types import Box, GroundTruth, Split, Status, is_trainable

_FORMAT = "defectdesk-snapshot"
_VERSION = 1  # of what is hashed, and of files whose paths are absolute
_FILE_VERSION = 2  # of files whose paths are as in the project, from the folder "root"


@dataclass(frozen=True, slots=True, eq=False)
class SnapshotImage:
    """One image with its boxes as arrays."""

    path: str  # absolute; in the file of a run as in the project, relative where possible
    width: int  # of the upright image
    height: int
    status: Status
    split: Split
    group: str
    content_hash: str
    boxes: NDArray[np.float32]  # (n, 4) x1 y1 x2 y2 in pixels of the upright image
    labels: NDArray[np.bool_]  # (n, k) multi-hot, in the order of the snapshot's label names
    size_bytes: int = 0  # of the file, and the time of its last change, when it last held this; 0: not noted
    modified_ns: int = 0
    # (i, 4) boxes whose pixels teach nothing, and are judged neither right nor wrong: the difficult ones, and of
    # `with_ignored_apart` also those without a label. (i, k) their labels.
    ignored: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    ignored_labels: NDArray[np.bool_] = field(default_factory=lambda: np.zeros((0, 0), np.bool_))
    note: str = ""  # teaches nothing, so that it is not hashed; kept for exports

    def __post_init__(self) -> None:
        if self.boxes.ndim != 2 or self.boxes.shape[1] != 4 or len(self.labels) != len(self.boxes):
            raise ValueError(f"{self.path}: boxes {self.boxes.shape} and labels {self.labels.shape} do not fit")
        if not len(self.ignored):
            object.__setattr__(self, "ignored_labels", np.zeros((0, self.labels.shape[1]), np.bool_))
        elif self.ignored.shape[1] != 4 or self.ignored_labels.shape != (len(self.ignored), self.labels.shape[1]):
            raise ValueError(f"{self.path}: ignored boxes {self.ignored.shape} and their labels do not fit")

    def with_ignored_apart(self) -> SnapshotImage:
        """With the boxes that have no label yet among those that are ignored: what they mark is no background."""
        complete = self.labels.any(axis=1)
        if complete.all():
            return self
        return replace(
            self,
            boxes=self.boxes[complete],
            labels=self.labels[complete],
            ignored=np.concatenate([self.ignored, self.boxes[~complete]]),
            ignored_labels=np.concatenate([self.ignored_labels, self.labels[~complete]]),
        )

    @property
    def truth(self) -> GroundTruth:
        """What a detector is judged by; an ignored box without a label is ignored by every label."""
        by_label = self.ignored_labels | ~self.ignored_labels.any(axis=1, keepdims=True)
        return GroundTruth(self.boxes, self.labels, self.ignored, by_label)

    @property
    def is_trainable(self) -> bool:
        """Whether the image may be trained or judged on; see `core.types.is_trainable`."""
        return is_trainable(self.status, has_label=bool(self.labels.any() or self.ignored_labels.any()))


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """All images and labels of a project at one moment."""

    label_names: tuple[str, ...]
    label_colors: tuple[str, ...]
    images: tuple[SnapshotImage, ...]
    hash: str  # of labels, contents, boxes, status, split and cameras; not of where files lie
    cameras: Cameras | None = None  # through which images above 8 bits are read; None: each by its own values, as once
    bits: tuple[int, ...] = ()  # of a sample, that the project's images have; empty: not known
    label_ids: tuple[int, ...] = ()  # of the labels in their project, which a rename leaves; empty: not known

    @property
    def most_boxes(self) -> int:
        """Boxes of the image that has the most; 0 without images."""
        return max((len(image.boxes) + len(image.ignored) for image in self.images), default=0)

    def of_split(self, split: Split | str) -> list[SnapshotImage]:
        """The images of a split that can be trained or judged on, with boxes that have no label yet apart, as ignored."""
        return [image.with_ignored_apart() for image in self.images if image.split == split and image.is_trainable]

    def save(self, path: Path, project_folder: Path | None = None) -> None:
        """Write as JSON, whole or not at all. With `project_folder`, paths are as in the project, and move with it."""
        if project_folder is None:
            root, paths = "", [image.path for image in self.images]
        else:
            root = os.path.relpath(project_folder, path.parent).replace(os.sep, "/")
            paths = [image_files.stored_path(project_folder, Path(image.path)) for image in self.images]
        files.write_json(
            path,
            {
                "format": _FORMAT,
                "version": _FILE_VERSION if root else _VERSION,
                "hash": self.hash,
                "root": root,
                "cameras": None if self.cameras is None else self.cameras.to_json(),
                "bits": self.bits,
                "labels": [
                    {"name": name, "color": color} | ({"id": self.label_ids[place]} if self.label_ids else {})
                    for place, (name, color) in enumerate(zip(self.label_names, self.label_colors, strict=True))
                ],
                "images": [
                    _image_to_json(image) | {"path": stored} for image, stored in zip(self.images, paths, strict=True)
                ],
            },
        )

    @classmethod
    def load(cls, path: Path) -> Snapshot:
        """Read what `save` wrote. Raises InputError if the file is missing, damaged or of another kind."""
        try:
            tree = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from error
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}: damaged, it is not JSON; take a new snapshot") from error
        if not isinstance(tree, dict) or tree.get("format") != _FORMAT:
            raise InputError(f"{path}: not a snapshot of DefectDesk")
        if tree.get("version") not in (_VERSION, _FILE_VERSION):
            raise InputError(
                f"{path}: snapshot version {tree.get('version')!r}, this program reads {_FILE_VERSION}; update it"
            )
        try:
            names = tuple(label["name"] for label in tree["labels"])
            colors = tuple(label["color"] for label in tree["labels"])
            images = tuple(_image_from_json(values, len(names)) for values in tree["images"])
            if root := str(tree.get("root", "")):
                folder = Path(os.path.abspath(path.parent / root))
                placed = [str(image_files.absolute_path(folder, image.path)) for image in images]
                images = tuple(replace(image, path=found) for image, found in zip(images, placed, strict=True))
            ids = tuple(int(label["id"]) for label in tree["labels"] if "id" in label)
            cameras = _cameras_from_json(tree, path)
            bits = tuple(int(bits) for bits in tree.get("bits", ()))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise InputError(f"{path}: damaged ({error!r}); take a new snapshot") from error
        found = make_snapshot(names, colors, images, cameras, bits, ids if len(ids) == len(names) else ())
        if found.hash != tree.get("hash"):
            raise InputError(f"{path}: damaged, its content does not match its hash; take a new snapshot")
        return found


def make_snapshot(
    label_names: tuple[str, ...],
    label_colors: tuple[str, ...],
    images: tuple[SnapshotImage, ...],
    cameras: Cameras | None = None,
    bits: tuple[int, ...] = (),
    label_ids: tuple[int, ...] = (),
) -> Snapshot:
    """A snapshot of these images, with its hash."""
    parts = sorted(_hash_image(image) for image in images)
    whole = hashlib.blake2b(digest_size=16)
    # Without deep images, and with one window for all of them, as before there were cameras: older hashes stay.
    described = [_VERSION, list(label_names)]
    if cameras is not None and cameras.cameras:
        described.append(cameras.single_window or cameras.to_json())
    whole.update(json.dumps(described, ensure_ascii=False).encode())
    for part in parts:
        whole.update(part)
    return Snapshot(label_names, label_colors, images, whole.hexdigest(), cameras, bits, label_ids)


def take_snapshot(project: Project, reader: ProjectReader | None = None) -> Snapshot:
    """Copy the annotations of every image as they are now; cameras are decided on if they never were.

    `reader`: the project with edits that wait for the disk, where they are to be seen as well.
    """
    read = reader or project
    labels = read.labels()
    column = {label.id: place for place, label in enumerate(labels)}
    records = read.images()
    boxes = read.boxes_of([image.id for image in records])
    images = []
    for record in records:
        own = boxes.get(record.id, ())
        rows, marks = _make_arrays([box for box in own if not box.difficult], column)
        ignored, ignored_marks = _make_arrays([box for box in own if box.difficult], column)
        images.append(
            SnapshotImage(
                str(read.image_path(record)),
                record.width,
                record.height,
                record.status,
                record.split,
                record.group,
                record.content_hash,
                rows,
                marks,
                record.size_bytes,
                record.modified_ns,
                ignored,
                ignored_marks,
                record.note,
            )
        )
    names, colors = tuple(label.name for label in labels), tuple(label.color for label in labels)
    ids = tuple(label.id for label in labels)
    return make_snapshot(names, colors, tuple(images), project.depths.settle(), project.depths.bits_seen(), ids)


def _cameras_from_json(tree: dict[str, Any], path: Path) -> Cameras | None:
    if (values := tree.get("cameras")) is not None:
        return Cameras.from_json(values, f"{path}: cameras")
    window = checked_window(tree.get("window"), f"{path}: window")
    return None if window is None else Cameras.of_window(window)


def _make_arrays(boxes: Sequence[Box], column: dict[int, int]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    rows = np.array([box.xyxy for box in boxes], np.float32).reshape(-1, 4)
    marks = np.zeros((len(boxes), len(column)), np.bool_)
    for row, box in enumerate(boxes):
        for label in box.labels:
            marks[row, column[label]] = True
    return rows, marks


def _hash_image(image: SnapshotImage) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    described = [
        image.content_hash,
        image.width,
        image.height,
        image.status,
        image.split,
        image.group,
        image.labels.shape,
    ]
    digest.update(json.dumps(described, ensure_ascii=False).encode())
    digest.update(np.ascontiguousarray(image.boxes, "<f4").tobytes())
    digest.update(np.packbits(image.labels).tobytes())
    if len(image.ignored):  # as before there were any, where there are none
        digest.update(b"ignored")
        digest.update(np.ascontiguousarray(image.ignored, "<f4").tobytes())
        digest.update(np.packbits(image.ignored_labels).tobytes())
    return digest.digest()


def _image_to_json(image: SnapshotImage) -> dict[str, Any]:
    return {
        "path": image.path,
        "width": image.width,
        "height": image.height,
        "status": image.status,
        "split": image.split,
        "group": image.group,
        "content_hash": image.content_hash,
        "size_bytes": image.size_bytes,
        "modified_ns": image.modified_ns,
        "boxes": image.boxes.tolist(),
        "labels": [np.flatnonzero(marks).tolist() for marks in image.labels],
        "ignored": image.ignored.tolist(),
        "note": image.note,
        "ignored_labels": [np.flatnonzero(marks).tolist() for marks in image.ignored_labels],
    }


def _read_boxes(
    corners: list[Any], sets: list[list[int]], label_count: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    boxes = np.array(corners, np.float32).reshape(-1, 4)
    marks = np.zeros((len(boxes), label_count), np.bool_)
    for row, columns in enumerate(sets):
        marks[row, columns] = True
    return boxes, marks


def _image_from_json(values: dict[str, Any], label_count: int) -> SnapshotImage:
    boxes, marks = _read_boxes(values["boxes"], values["labels"], label_count)
    return SnapshotImage(
        str(values["path"]),
        int(values["width"]),
        int(values["height"]),
        Status(values["status"]),
        Split(values["split"]),
        str(values["group"]),
        str(values["content_hash"]),
        boxes,
        marks,
        # Snapshots of earlier versions have none of these.
        int(values.get("size_bytes", 0)),
        int(values.get("modified_ns", 0)),
        *_read_boxes(values.get("ignored", []), values.get("ignored_labels", []), label_count),
        str(values.get("note", "")),
    )
