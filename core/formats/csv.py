"""CSV: a header, and one row for each label of each box.

    image,width,height,x1,y1,x2,y2,label,box,status,split,group,note,content_hash

`image` is a path with "/" between the parts, corners are in pixels of the upright image, `box` numbers the boxes of the
file: rows of one box tell its labels. A row without a label is a box that has none yet; a row without corners, an image
without boxes. A text that a spreadsheet would take for a formula has an apostrophe before it, which reading takes away.

The headers of other programs are known by their names (filename, xmin, class, ...), in any order, with commas, semicolons
(also with decimal commas) or tabs: corners, or a corner or the centre with width and height; and rows of
path,x1,y1,x2,y2,class or label,x,y,w,h,image,width,height without a header. A user may name the columns of others. Tables
of masks by run lengths are read by `csv_runs`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from core.errors import InputError
from core.formats.annotations import Format, ImportedAnnotations
from core.formats.collecting import NO_LABEL, AnnotationCollector, Progress
from core.formats.csv_columns import HEADER, MARKS, OWN_HEADERS, Columns, find_columns
from core.formats.csv_runs import RunReader, find_run_columns
from core.formats.export_plan import Sheet
from core.formats.extras import Extras
from core.formats.image_index import find_home, list_places
from core.formats.split_names import find_file_split
from core.formats.split_words import parse_split
from core.formats.text import quote_short, read_encoded
from core.imaging.decode import IMAGE_SUFFIXES

MAX_BYTES = 2**29
FILE_NAME = "annotations.csv"
IMAGES = "images"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
_NO_VALUE = ("nan", "<na>", "none", "null", "na", "n/a")  # what programs write into an empty cell
_NO_CELL = frozenset({"", *_NO_VALUE})
_NO_LABEL = ("nan", "<na>")  # of them, what cannot be meant as a label
_LONGEST_NOTE = 100_000  # characters; the csv module reads no longer fields
_LONGEST_NAME = 1000
_SAMPLE = "sample_submission"
_LONGEST_ROW = 1_000_000
_SEPARATOR = re.compile(r"\ufeff?\"?sep=(\\t|.)\"?", re.IGNORECASE)


def read(
    path: Path,
    images_root: Path | None = None,
    progress: Progress | None = None,
    named: Mapping[str, str] | None = None,
    encoding: str | None = None,
) -> ImportedAnnotations:
    """Read a CSV file; names of images are taken as below `images_root` (None: the folder of `path`).

    `named` are columns of the file by our names, see `csv_columns.FIELDS`; `encoding` is that of a file which is no
    Unicode text. Raises InputError; ColumnsError if columns are missing or not known by their names, EncodingError if
    an encoding is needed.
    """
    return read_files([path], path, images_root, progress, named, encoding)


def read_files(
    paths: Sequence[Path],
    source: Path,
    images_root: Path | None = None,
    progress: Progress | None = None,
    named: Mapping[str, str] | None = None,
    encoding: str | None = None,
) -> ImportedAnnotations:
    """Read several CSV files as one, such as one for each split: train, val or test in their names is taken as such."""
    source = source.absolute()
    top = source if source.is_dir() else source.parent
    collector = AnnotationCollector(Format.CSV, source, images_root, progress, base=find_home(top))
    for path in paths:
        if len(paths) > 1 and path.stem.lower().startswith(_SAMPLE):
            collector.note(
                "passed over", "a sample of what a competition wants, which marks no defects; passed over", path
            )
            continue
        collector.begin_part()
        rows = read_rows(path.absolute(), encoding)
        _read_file(path.absolute(), rows, collector, named, find_file_split(path.absolute(), top))
    return collector.finish()


def _read_file(
    path: Path,
    rows: Iterator[list[str]],
    into: AnnotationCollector,
    named: Mapping[str, str] | None,
    split: str,
) -> None:
    first = next(rows, None)
    if first is None:
        raise InputError(f"{path}: the file is empty; export it again")
    runs = find_run_columns(first) if not named else None
    reader: _Reader | RunReader
    if runs is not None:
        reader = RunReader(path, into, runs, split)
    else:
        columns = find_columns(path, first, named)
        reader = _Reader(path, into, columns, split)
        if not columns.has_header:
            reader.read(1, first)
    for row_number, row in enumerate(rows, start=2):
        reader.read(row_number, row)


def is_file_of_boxes(head: bytes) -> bool:
    """True if a file that begins so is one that `read` takes without being told of its columns."""
    try:
        first = _read_first_rows(head, 1)[0]
        if find_run_columns(first) is None:
            find_columns(Path("file.csv"), first)
    except (csv.Error, InputError, IndexError):
        return False
    return True


def is_about_images(head: bytes) -> bool:
    """True if a file that begins so names images, whatever its columns are called."""
    try:
        rows = _read_first_rows(head, 5)
    except csv.Error:
        return False
    cells = [cell.strip().lower() for row in rows for cell in row]
    return any(PurePath(cell).suffix in IMAGE_SUFFIXES for cell in cells if len(cell) < _LONGEST_NAME)


def _read_first_rows(head: bytes, count: int) -> list[list[str]]:
    lines = head.decode(errors="replace").splitlines()
    delimiter, skipped = _find_delimiter(lines)
    return list(csv.reader(lines[skipped : skipped + count], delimiter=delimiter, skipinitialspace=True))


def _find_delimiter(lines: Sequence[str]) -> tuple[str, int]:
    """What cells are separated by, and the number of lines before the first row: Excel's `sep=;`."""
    found = _SEPARATOR.fullmatch(lines[0].strip("\r\n")) if lines else None
    if found is not None:
        return "\t" if found[1] == "\\t" else found[1], 1
    return max(",;\t|", key=lines[0].count) if lines else ",", 0


def read_rows(path: Path, encoding: str | None = None) -> Iterator[list[str]]:
    """The rows of a table that hold anything. Raises InputError; EncodingError if it is no Unicode text."""
    data = read_encoded(path, MAX_BYTES, "a CSV file", encoding)
    start = data[:65536].decode(errors="replace").splitlines()
    delimiter, skipped = _find_delimiter(start)
    lines = _Lines(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline=""))
    is_ours = bool(start) and tuple(start[0].split(",")) in OWN_HEADERS
    rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=not is_ours)
    while True:
        lines.begin_row()
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(f"{path}: line {rows.line_num}: {error}; check its quotes, or export it again") from error
        if skipped:
            skipped -= 1
        elif row and any(row):
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
    def __init__(self, path: Path, collector: AnnotationCollector, columns: Columns, split: str) -> None:
        """`split` is what the name of the file tells; a column of it counts more."""
        self.path = path
        self.split = split
        self._places = list_places(path)
        self.into = collector
        self.columns = columns
        self._files: dict[str, int | None] = {}
        self._width = max(columns.places.values()) + 1
        self._name, self._label = columns.places["image"], columns.places["label"]
        self._number = columns.places.get("box", -1)
        self._corners = [columns.places[name] for name in columns.form]
        self._marks = [(mark, columns.places[mark]) for mark in MARKS if mark in columns.places]
        self._mend: Callable[[str], str] = unguard_formula if columns.is_ours else str.strip

    def read(self, row_number: int, row: list[str]) -> None:
        if len(row) < self._width:
            row += [""] * (self._width - len(row))
        where = f"row {row_number}"
        name = self._mend(row[self._name])
        if name not in self._files:
            values = {name: self._mend(row[place]) for name, place in self.columns.places.items()}
            self._files[name] = self._image(name, values, where)
        image = self._files[name]
        texts = [row[place].strip() for place in self._corners]
        if image is None:
            self.into.pass_over()
            self.into.lose_boxes("image", int(any(texts)))
            return
        if not any(texts) or (not self.columns.is_ours and all(text.lower() in _NO_CELL for text in texts)):
            return  # an image without boxes
        self._box(image, texts, row, where)

    def _box(self, image: int, texts: list[str], row: list[str], where: str) -> None:
        is_ours = self.columns.is_ours
        number = row[self._number] if is_ours else ""
        key = (image, number) if number else None
        marks = [mark for mark, place in self._marks if self._mend(row[place]).lower() in ("1", "true", "yes")]
        label: int | None = NO_LABEL
        name = self._mend(row[self._label])
        if name or not is_ours:
            if not is_ours and name.lower() in _NO_LABEL:
                self.into.skip_box(
                    image, "label", f"{where}: its label is {name}, which stands for none; skipped", self.path
                )
                return
            label = self.into.label_of_box(image, name, where, self.path)
        if label is not None:
            self.into.box(image, self.columns.find_corners(texts), label, where, key, marks=marks)

    def _image(self, name: str, values: dict[str, str], where: str) -> int | None:
        if not name.strip() or "\0" in name or (not self.columns.is_ours and name.lower() in _NO_LABEL):
            self.into.report("name", f"{where}: it names no image; skipped", self.path)
            return None
        file = self.into.find(name, self._places, self.path)
        if file is None:
            return None
        told: dict[str, Any] = dict(values)
        if self.columns.is_ours:
            told["frame"] = "upright"
        else:
            told = {key: values[key] for key in ("group", "note") if values.get(key)}
            word = values.get("split", "")
            told["split"] = self._split(word, where) if word else self.split
        again = self.into.is_listed(file)
        image = self.into.image(file, (values.get("width"), values.get("height")), Extras.of(told))
        if again and image is not None:
            self.into.report("listed", "it is listed under two names; the boxes of both were put together", file)
        return image

    def _split(self, word: str, where: str) -> str:
        split = parse_split(word)
        if split is None:
            text = f"{where}: {quote_short(word)!r} is no split (train, val or test); left out"
            self.into.note("split word", text, self.path)
        return str(split or "")


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
                sheet.lost["long note"] += 1
            end = [
                str(image.status),
                str(image.split),
                guard_formula(image.group),
                guard_formula(note),
                image.content_hash,
            ]
            if not len(image.boxes):
                rows.writerow([*start, "", "", "", "", "", "", *end, ""])
            for row, labels in enumerate(image.labels):
                box_number += 1
                corners = [repr(value) for value in image.boxes[row].tolist()]
                for label in labels or [None]:
                    text = "" if label is None else guard_formula(sheet.labels[label].name)
                    difficult = "1" if row in image.difficult else ""
                    rows.writerow([*start, *corners, text, box_number, *end, difficult])
