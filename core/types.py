"""Value types that every part of the program passes around. All are immutable."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class Status(StrEnum):
    """How far the labelling of an image has come."""

    UNLABELLED = "unlabelled"
    LABELLED = "labelled"
    REVIEWED = "reviewed"
    # Verified free of defects: a training example, unlike an unlabelled image.
    CLEAN = "clean"


class Split(StrEnum):
    """What an image is used for."""

    NONE = "none"
    TRAIN = "train"
    VAL = "val"
    TEST = "test"


def is_trainable(status: Status, *, has_label: bool) -> bool:
    """Whether an image may be trained or judged on: a user has said what is on it.

    `has_label`: one of its boxes carries a label. Without one, a labelled image would teach that there is nothing on
    it, which nobody has said.
    """
    return status is Status.CLEAN or (status is not Status.UNLABELLED and has_label)


@dataclass(frozen=True, slots=True)
class Label:
    """A defect class of the project. Its identity is `id`; name, colour and order may change."""

    id: int
    name: str
    color: str  # "#rrggbb"
    shortcut: str = ""  # one digit, or empty

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("a label needs a name")


MAX_LABEL_NAME = 100  # characters; what is longer is a sentence that slipped into the wrong field


def label_name_fault(name: str) -> str | None:
    """What keeps `name` from being the name of a label, or None."""
    if not name.strip():
        return "a label needs a name"
    if len(name) > MAX_LABEL_NAME:
        return f"the name is longer than {MAX_LABEL_NAME} characters"
    # Control characters break tables; halves of characters (lone surrogates) can be neither stored nor printed.
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        return "the name holds characters that cannot be shown"
    return None


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the upright image (x to the right, y down), with its set of label ids."""

    id: int
    x1: float
    y1: float
    x2: float
    y2: float
    labels: frozenset[int]
    difficult: bool = False  # hard to tell: training and judging ignore it, as if nobody knew what is there

    def __post_init__(self) -> None:
        if not (self.x2 > self.x1 and self.y2 > self.y1):
            raise ValueError(f"box {self.id} has no area: {self.xyxy}")

    @property
    def xyxy(self) -> tuple[float, float, float, float]:
        return (self.x1, self.y1, self.x2, self.y2)


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One file that the project refers to; never copied, never changed."""

    id: int
    path: str  # relative to the project folder where possible, with "/" between the parts
    width: int  # of the upright image, in pixels
    height: int
    status: Status = Status.UNLABELLED
    split: Split = Split.NONE
    group: str = ""
    note: str = ""
    box_count: int = 0
    size_bytes: int = 0
    content_hash: str = ""
    smallest: float = 0.0  # the shortest side of any of its boxes, in pixels; 0 without boxes
    label_sets: tuple[frozenset[int], ...] = ()  # the different label sets of its boxes; equal ones share one object
    modified_ns: int = 0  # time of the file's last change when its content was last seen to be this; 0: not noted
    difficult_count: int = 0  # of its boxes

    @property
    def has_unlabelled_box(self) -> bool:
        """Whether a box of it has no label yet: what it shows is not said in full."""
        return not all(self.label_sets)

    @property
    def is_trainable(self) -> bool:
        """Whether a training may use the image, if its split allows it; see `is_trainable`."""
        return is_trainable(self.status, has_label=any(self.label_sets))


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that was skipped or mended while the rest went on."""

    file: str
    problem: str  # what is wrong, and what was done about it
    kind: str = field(default="", compare=False)  # by which many are summed up; empty where each is of its own


def _no_boxes() -> NDArray[np.float32]:
    return np.zeros((0, 4), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class GroundTruth:
    """The boxes of one image as arrays."""

    boxes: NDArray[np.float32]  # (n, 4) x1 y1 x2 y2
    labels: NDArray[np.bool_]  # (n, k) multi-hot, in the order of the label names it goes with
    ignored: NDArray[np.float32] = field(default_factory=_no_boxes)  # (i, 4) neither to be found nor wrong to find
    ignored_labels: NDArray[np.bool_] | None = None  # (i, k) by which labels; None: by every label

    def __post_init__(self) -> None:
        _check_rows("boxes", self.boxes, "labels", self.labels)
        if self.ignored_labels is not None:
            _check_rows("ignored boxes", self.ignored, "ignored labels", self.ignored_labels)

    def __len__(self) -> int:
        return len(self.boxes)

    def ignored_by_label(self) -> NDArray[np.bool_]:
        """By which labels (i, k) each ignored box is ignored."""
        if self.ignored_labels is None:
            return np.ones((len(self.ignored), self.labels.shape[1]), np.bool_)
        return self.ignored_labels


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Predicted boxes of one image: one row a box, with one score per label."""

    boxes: NDArray[np.float32]  # (n, 4) x1 y1 x2 y2, pixels of the upright image
    scores: NDArray[np.float32]  # (n, k) in 0..1; 0 where non-maximum suppression removed the label
    label_names: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_rows("boxes", self.boxes, "scores", self.scores)
        if self.scores.shape[1] != len(self.label_names):
            raise ValueError(f"scores have {self.scores.shape[1]} columns for {len(self.label_names):,} labels")

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, rows: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Detections:
        """The chosen rows, as a new object."""
        return Detections(self.boxes[rows], self.scores[rows], self.label_names)

    @classmethod
    def empty(cls, label_names: Sequence[str]) -> Detections:
        return cls(np.zeros((0, 4), np.float32), np.zeros((0, len(label_names)), np.float32), tuple(label_names))

    @property
    def best(self) -> NDArray[np.float32]:
        """The highest score of each row, shape (n,)."""
        if self.scores.shape[1] == 0:
            return np.zeros(len(self), np.float32)
        best: NDArray[np.float32] = self.scores.max(axis=1, initial=0.0)
        return best


def _check_rows(
    first: str, boxes: NDArray[np.float32], second: str, values: NDArray[np.float32] | NDArray[np.bool_]
) -> None:
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"{first} must have shape (n, 4), not {boxes.shape}")
    if values.ndim != 2 or len(values) != len(boxes):
        raise ValueError(f"{second} must have shape ({len(boxes)}, k), not {values.shape}")
