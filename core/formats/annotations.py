"""What readers of foreign formats give: annotations by file, and what was wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.formats.file_choices import AmbiguousImage
from core.types import Problem, Split, Status


class Format(StrEnum):
    """Annotation formats that are read; those of WRITTEN are written as well."""

    COCO = "coco"
    VOC = "voc"
    YOLO = "yolo"
    LABELME = "labelme"
    CSV = "csv"
    CVAT = "cvat"
    VIA = "via"
    DEEPPCB = "deeppcb"
    MASKS = "masks"

    @property
    def display_name(self) -> str:
        """The name as people write it."""
        return _TITLES[self]


class WrittenFormat(StrEnum):
    """The formats that an export writes."""

    COCO = "coco"
    VOC = "voc"
    YOLO = "yolo"
    LABELME = "labelme"
    CSV = "csv"


WRITTEN = tuple(Format(format.value) for format in WrittenFormat)
MARKER = "defectdesk-export.json"  # the file by which an export of this program is known

# Marks of boxes, as files have them; other names are those of flags.
DIFFICULT, CROWD, IGNORE, TRUNCATED, OCCLUDED = "difficult", "crowd", "ignore", "truncated", "occluded"
DIFFICULT_MARKS = frozenset({DIFFICULT, CROWD, IGNORE})  # by which a box is difficult unless a user chooses others

_TITLES = {
    Format.COCO: "COCO",
    Format.VOC: "Pascal VOC",
    Format.YOLO: "YOLO",
    Format.LABELME: "labelme",
    Format.CSV: "CSV",
    Format.CVAT: "CVAT for images",
    Format.VIA: "VGG Image Annotator",
    Format.DEEPPCB: "DeepPCB",
    Format.MASKS: "mask images",
}


@dataclass(frozen=True, slots=True, eq=False)
class ImportedImage:
    """One image file with its boxes. What the file says nothing of is None."""

    path: Path  # absolute; the file exists
    boxes: NDArray[np.float64]  # (n, 4) x1 y1 x2 y2 in pixels of the upright image, inside it, with area
    label_sets: tuple[frozenset[str], ...]  # of each box, by label name; empty where the box has no label yet
    status: Status | None = None
    split: Split | None = None
    group: str | None = None
    note: str | None = None
    content_hash: str = ""  # of the image that the boxes were drawn on, where a file of our own tells it
    dropped: tuple[tuple[str, int], ...] = ()  # boxes that the file has for it and that were left out: kind, count
    marks: tuple[frozenset[str], ...] = ()  # of each box, such as "difficult"; empty where no box of the source has any
    without_file: bool = False  # the format has a file of boxes for each image, and there is none for it

    def __post_init__(self) -> None:
        if self.boxes.shape != (len(self.label_sets), 4):
            raise ValueError(f"{self.path}: {self.boxes.shape} boxes for {len(self.label_sets):,} label sets")
        if self.marks and len(self.marks) != len(self.label_sets):
            raise ValueError(f"{self.path}: {len(self.marks)} marks for {len(self.label_sets):,} boxes")


@dataclass(frozen=True, slots=True, eq=False)
class ImportedAnnotations:
    """A foreign file or folder, read."""

    source: Path
    labels: tuple[str, ...]  # in the order of the file
    images: tuple[ImportedImage, ...]
    problems: tuple[Problem, ...] = ()
    format: Format = Format.COCO
    colors: Mapping[str, str] = field(default_factory=dict)  # "#rrggbb" by label name, where the file tells it
    missing: tuple[str, ...] = ()  # names of images, as the source writes them, whose files were not found
    merged: int = 0  # boxes that coincide with another of their image and became one with its labels
    boxes_listed: int = 0  # that the source has for any image, before those that coincide were merged
    boxes_lost: Mapping[str, int] = field(
        default_factory=dict
    )  # of them, by the kind of problem that they were left out for
    difficult_marks: frozenset[str] = DIFFICULT_MARKS  # by any of them a box is difficult
    problem_counts: Mapping[str, int] = field(default_factory=dict)  # by kind, also of problems that are not listed
    ambiguous: tuple[AmbiguousImage, ...] = ()  # images that are missing because several files have their name

    @property
    def box_count(self) -> int:
        return sum(len(image.label_sets) for image in self.images)
