"""Tables of masks by run lengths, as competitions hold them: every connected part of a mask becomes a box.

    ImageId,ClassId,EncodedPixels        a.jpg,1,29102 12 29346 24
    ImageId_ClassId,EncodedPixels        a.jpg_1,29102 12 29346 24

Runs are pairs of a start and a length; pixels are numbered from 1, column by column from the top. A row without runs is
an image, or one class of it, without a defect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.formats.collecting import AnnotationCollector
from core.formats.extras import Extras
from core.formats.image_index import list_places
from core.formats.mask_parts import explain_size, list_parts
from core.formats.text import quote_short

_IMAGE = ("imageid", "image", "filename", "imagename", "img")
_LABEL = ("classid", "class", "label", "category", "classname")
_BOTH = ("imageidclassid", "imagelabel", "imageclassid", "imageclass")
_RUNS = ("encodedpixels", "rle", "rlemask", "maskrle", "encodedmask")
_NOTHING = ("", "nan", "-1", "null", "none")
_ONLY_LABEL = "1"  # of a table that tells no classes: as of a mask with one value


class RunsError(Exception):
    """The run lengths are none of a mask of the image; the text says why."""


@dataclass(frozen=True, slots=True)
class RunColumns:
    """Places of the columns."""

    image: int
    runs: int
    label: int | None  # None: the table tells no classes
    has_both: bool = False  # the image's column ends in "_" and the class


def find_run_columns(first: Sequence[str]) -> RunColumns | None:
    """The columns of a table that begins with the row `first`; None if it is none of run lengths."""
    header = ["".join(letter for letter in name.lower() if letter.isalnum()) for name in first]

    def find(names: Sequence[str]) -> int | None:
        return next((header.index(name) for name in names if name in header), None)

    runs, both, image = find(_RUNS), find(_BOTH), find(_IMAGE)
    if runs is None:
        return None
    if both is not None:
        return RunColumns(both, runs, both, has_both=True)
    return RunColumns(image, runs, find(_LABEL)) if image is not None else None


def parse_runs(text: str, height: int, width: int) -> tuple[int, NDArray[np.uint8]]:
    """(first column, mask of the columns that are touched: shape (height, columns)). Raises RunsError."""
    words = text.split()
    if len(words) % 2:
        raise RunsError(f"its run lengths are {len(words)} numbers, which are no pairs of a start and a length")
    wrong = next((word for word in words if not (word.isascii() and word.isdecimal() and len(word) < 12)), None)
    if wrong is not None:
        raise RunsError(f"{quote_short(wrong)!r} in its run lengths is no whole number")
    numbers = np.array(list(map(int, words)), np.int64)
    starts, lengths = numbers[::2] - 1, numbers[1::2]
    if (starts < 0).any() or (lengths < 1).any():
        raise RunsError("its run lengths have a start or a length below 1; pixels are numbered from 1")
    ends = starts + lengths
    if ends.max() > height * width:
        raise RunsError(
            f"its run lengths end at pixel {ends.max():,}, and the image has {width} x {height} = {height * width:,}"
        )
    order = np.argsort(starts)
    if (starts[order][1:] < ends[order][:-1]).any():
        raise RunsError("its run lengths lie over one another")
    first = int(starts.min()) // height
    columns = int(ends.max() - 1) // height + 1 - first
    pixels = np.zeros(columns * height, np.uint8)
    for start, end in zip((starts - first * height).tolist(), (ends - first * height).tolist(), strict=True):
        pixels[start:end] = 1
    return first, np.ascontiguousarray(pixels.reshape(columns, height).T)


class RunReader:
    """Takes the rows of one table into a collector."""

    def __init__(self, path: Path, collector: AnnotationCollector, columns: RunColumns, split: str) -> None:
        self.path = path
        self.into = collector
        self.columns = columns
        self.split = split
        self._places = list_places(path)
        self._images: dict[str, int | None] = {}
        collector.note_once("values", "every connected part of a mask became a box", path)

    def read(self, row_number: int, row: list[str]) -> None:
        """One row: an image, a class, and run lengths or nothing."""
        where = f"row {row_number}"
        columns = self.columns
        row = row + [""] * (max(columns.image, columns.runs, columns.label or 0) + 1 - len(row))
        name, label = row[columns.image].strip(), _ONLY_LABEL
        if columns.has_both:
            name, _, label = name.rpartition("_")
        elif columns.label is not None:
            label = row[columns.label].strip()
        text = row[columns.runs].strip()
        is_empty = text.lower() in _NOTHING
        if name not in self._images:
            self._images[name] = self._find_image(name, where)
        image = self._images[name]
        if image is None:
            self.into.pass_over()
            self.into.lose_boxes("image", int(not is_empty))
            return
        if not is_empty:
            self._take(image, text, label, where)

    def _find_image(self, name: str, where: str) -> int | None:
        if not name or "\0" in name:
            self.into.report("name", f"{where}: it names no image; skipped", self.path)
            return None
        file = self.into.find(name, self._places, self.path)
        return None if file is None else self.into.image(file, extras=Extras.of({"split": self.split}))

    def _take(self, image: int, text: str, label: str, where: str) -> None:
        place = self.into.label_of_box(image, label, where, self.path)
        if place is None:
            return
        width, height = self.into.size(image)
        try:
            if fault := explain_size(width, height):
                raise RunsError(fault)
            first, pixels = parse_runs(text, height, width)
        except RunsError as error:
            text = f"{where}: {error}; skipped, look at {self.into.path(image).name}"
            self.into.skip_box(image, "runs", text, self.path)
            return
        for part, (x1, y1, x2, y2) in list_parts(pixels):
            self.into.box(image, [first + x1, y1, first + x2, y2], place, f"{where}, part {part}")
