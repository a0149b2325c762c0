"""CSV: a header, and one row for each label of each box.

    image,width,height,x1,y1,x2,y2,label,box,status,split,group,note,content_hash

`image` is a path with "/" between the parts, corners are in pixels of the upright image, `box` numbers the boxes of the
file: rows of one box tell its labels. A row without a label is a box that has none yet; a row without corners, an image
without boxes. A text that a spreadsheet would take for a formula has an apostrophe before it, which reading takes away.

The headers of other programs are known by their names (filename, xmin, class, ...), in any order, with commas, semicolons
or tabs; and rows of path,x1,y1,x2,y2,class without a header.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.formats.annotations import Format, ImportedAnnotations
from core.formats.collecting import NO_LABEL, AnnotationCollector, Extras, Progress, parse_number
from core.formats.export_plan import Sheet
from core.formats.text import quote_short, read_utf8

MAX_BYTES = 2**29
FILE_NAME = "annotations.csv"
IMAGES = "images"
HEADER = (
    "image",
    "width",
    "height",
    "x1",
    "y1",
    "x2",
    "y2",
    "label",
    "box",
    "status",
    "split",
    "group",
    "note",
    "content_hash",
)
_CORNERS = ("x1", "y1", "x2", "y2")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
_ALIASES = {
    "image": ("image", "filename", "file", "file_name", "path", "image_path", "imagename", "image_name", "img_path"),
    "width": ("width", "image_width", "img_width"),
    "height": ("height", "image_height", "img_height"),
    "x1": ("x1", "xmin", "x_min", "left"),
    "y1": ("y1", "ymin", "y_min", "top"),
    "x2": ("x2", "xmax", "x_max", "right"),
    "y2": ("y2", "ymax", "y_max", "bottom"),
    "label": ("label", "class", "class_name", "classname", "category", "name", "label_name"),
    "split": ("split", "set", "subset"),
}
_LONGEST_NOTE = 100_000  # characters; the csv module reads no longer fields
_LONGEST_ROW = 1_000_000
_LIKE_RETINANET = ("image", *_CORNERS, "label")


def read(path: Path, images_root: Path | None = None, progress: Progress | None = None) -> ImportedAnnotations:
    """Read a CSV file; names of images are taken as below `images_root` (None: the folder of `path`). Raises InputError."""
    path = path.absolute()
    rows = _read_rows(path)
    first = next(rows, None)
    if first is None:
        raise InputError(f"{path}: the file is empty; export it again")
    columns = columns_of(first)
    if columns is None:
        raise InputError(
            f"{path}: not a CSV file of boxes (its header lacks some of image, x1, y1, x2, y2, label); it begins with "
            f"{quote_short(','.join(first))!r}"
        )
    collector = AnnotationCollector(Format.CSV, path, images_root, progress, base=path.parent)
    reader = _Reader(path, collector, columns, is_ours=tuple(first) == HEADER)
    if not _is_header(first):
        reader.read(1, first)
    for row_number, row in enumerate(rows, start=2):
        reader.read(row_number, row)
    return collector.finish()


def columns_of(row: list[str]) -> dict[str, int] | None:
    """Places of the columns by our names, from the first row of a file; None if it is no file of boxes."""
    if _is_header(row):
        names = [name.strip().lower().replace(" ", "_") for name in row]
        places: dict[str, int] = {}
        for ours in (*_ALIASES, *HEADER):
            for alias in _ALIASES.get(ours, (ours,)):
                if alias in names and ours not in places:
                    places[ours] = names.index(alias)
        return places
    if len(row) == len(_LIKE_RETINANET) and row[0].strip():
        corners = row[1:5]
        if all(parse_number(text) is not None for text in corners) or not any([*corners, row[5]]):
            return {name: place for place, name in enumerate(_LIKE_RETINANET)}
    return None


def is_file_of_boxes(head: bytes) -> bool:
    """True if a file that begins so is one that `read` takes."""
    line = head.partition(b"\n")[0].decode(errors="replace")
    try:
        row = next(csv.reader([line], delimiter=_guess_delimiter(line)), [])
    except csv.Error:
        return False
    return columns_of(row) is not None


def _guess_delimiter(line: str) -> str:
    return max(",;\t", key=line.count)


def _is_header(row: list[str]) -> bool:
    names = {name.strip().lower().replace(" ", "_") for name in row}
    return all(names & set(_ALIASES[needed]) for needed in ("image", *_CORNERS, "label"))


def _read_rows(path: Path) -> Iterator[list[str]]:
    data = read_utf8(path, MAX_BYTES, "a CSV file")
    start = data[:65536].partition(b"\n")[0].decode(errors="replace")
    lines = _Lines(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline=""))
    rows = csv.reader(lines, delimiter=_guess_delimiter(start))
    while True:
        lines.begin_row()
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(f"{path}: line {rows.line_num}: {error}; check its quotes, or export it again") from error
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: not a CSV file (not text in UTF-8); save it as CSV UTF-8") from error
        if row and any(row):
            yield row


class _Lines(Iterator[str]):
    """The lines of a text; a row of more than a million characters is refused before it becomes a million fields."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._left = _LONGEST_ROW

    def begin_row(self) -> None:
        self._left = _LONGEST_ROW

    def __next__(self) -> str:
        line = self._text.readline(self._left + 1)
        if not line:
            raise StopIteration
        self._left -= len(line)
        if self._left < 0:
            raise csv.Error(f"a row of more than {_LONGEST_ROW:,} characters")
        return line


class _Reader:
    def __init__(self, path: Path, collector: AnnotationCollector, columns: dict[str, int], *, is_ours: bool) -> None:
        self.path = path
        self.into = collector
        self.columns = columns
        self.is_ours = is_ours
        self._files: dict[str, int | None] = {}

    def read(self, row_number: int, row: list[str]) -> None:
        values = {name: row[place] for name, place in self.columns.items() if place < len(row)}
        if self.is_ours:
            values = {name: unguard_formula(text) for name, text in values.items()}
        where = f"row {row_number}"
        name = values.get("image", "")
        if name not in self._files:
            self._files[name] = self._image(name, values, where)
        image = self._files[name]
        if image is None:
            self.into.pass_over()
            return
        corners = [values.get(corner, "") for corner in _CORNERS]
        if not any(text.strip() for text in corners):
            return  # an image without boxes
        key = (image, values["box"]) if self.is_ours and values.get("box") else None
        label: int | None = NO_LABEL
        if values.get("label", "") or not self.is_ours:
            label = self.into.label_of_box(values.get("label", ""), where, self.path)
        if label is not None:
            self.into.box(image, corners, label, where, key)

    def _image(self, name: str, values: dict[str, str], where: str) -> int | None:
        if not name.strip() or "\0" in name:
            self.into.report("name", f"{where}: it names no image; skipped", self.path)
            return None
        file = self.into.find(name)
        if file is None:
            return None
        told: dict[str, Any] = dict(values) if self.is_ours else {"split": values.get("split", "").strip().lower()}
        if self.is_ours:
            told["frame"] = "upright"
        again = self.into.is_listed(file)
        image = self.into.image(file, (values.get("width"), values.get("height")), Extras.of(told))
        if again and image is not None:
            self.into.report("listed", "it is listed under two names; the boxes of both were put together", file)
        return image


def guard_formula(text: str) -> str:
    """`text` so that no spreadsheet takes it for a formula."""
    return "'" + text if text.startswith(_FORMULA) else text


def unguard_formula(text: str) -> str:
    """What `guard_formula` was given."""
    return text[1:] if text[:1] == "'" and text[1:2] in _FORMULA else text


# Writing


def write(sheet: Sheet) -> None:
    """annotations.csv, the images named as below its folder, or as below the folder that all of them share."""
    with sheet.text_file(FILE_NAME) as file:
        rows = csv.writer(file, lineterminator="\r\n")
        rows.writerow(HEADER)
        box_number = 0
        for _, image in sheet.advancing():
            name = f"{IMAGES}/{image.name}" if sheet.copied else image.name
            start = [guard_formula(name), image.width, image.height]
            note = image.note
            if len(note) > _LONGEST_NOTE:
                sheet.drop(
                    image, f"its note has more than {_LONGEST_NOTE:,} characters, which readers of CSV refuse; left out"
                )
                note = ""
            end = [
                str(image.status),
                str(image.split),
                guard_formula(image.group),
                guard_formula(note),
                image.content_hash,
            ]
            if not len(image.boxes):
                rows.writerow([*start, "", "", "", "", "", "", *end])
            for row, labels in enumerate(image.labels):
                box_number += 1
                corners = [repr(value) for value in image.boxes[row].tolist()]
                for label in labels or [None]:
                    text = "" if label is None else guard_formula(sheet.labels[label].name)
                    rows.writerow([*start, *corners, text, box_number, *end])
