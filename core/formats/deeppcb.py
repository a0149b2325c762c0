"""DeepPCB: pairs of a tested board and its template, and a text file of defects. It is read, not written.

    group00041/00041/00041000_test.jpg, 00041000_temp.jpg     the board, and what it should look like
    group00041/00041_not/00041000.txt                          a line a defect: x1 y1 x2 y2 type
    trainval.txt, test.txt                                     a line an image: its name without _test, its text file

Numbers are separated by spaces or commas, corners are pixels. Types are named as in the data set's README.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from core.errors import InputError
from core.formats.annotations import Format, ImportedAnnotations
from core.formats.collecting import AnnotationCollector, Progress
from core.formats.extras import Extras
from core.formats.lookup import files_below
from core.formats.split_words import parse_split
from core.formats.text import parse_number, quote_short, read_ends, read_utf8
from core.imaging.decode import IMAGE_SUFFIXES
from core.types import Split

TYPES = {"1": "open", "2": "short", "3": "mousebite", "4": "spur", "5": "copper", "6": "pin-hole"}
_MAX_LINES = 2**23  # bytes of one text file
_SNIFFED = 2**10
_MAX_LIST = 2**27
_TESTED, _TEMPLATE = "_test", "_temp"
_LABEL_FOLDER = "_not"
_DEFECT = re.compile(r"\s*\d+(?:[\s,]+\d+){4}\s*")  # whole pixels, unlike a line of YOLO
_PAIR = re.compile(r"\s*(\S.*?)\s+(\S+\.txt)\s*", re.IGNORECASE)
_LISTED = re.compile(r"\S.*\.(?:jpe?g|png|bmp|tiff?|webp)\s+\S.*\.txt\s*", re.IGNORECASE)


def is_file(path: Path, head: str) -> bool:
    """True if a text file that begins so is a list of DeepPCB's, or the defects of one of its boards."""
    first = _find_first_line(head)
    return bool(_LISTED.fullmatch(first)) or (bool(_DEFECT.fullmatch(first)) and _find_image(path) is not None)


def read(path: Path, images_root: Path | None = None, progress: Progress | None = None) -> ImportedAnnotations:
    """Read a folder, by its lists or else by what lies in it, a list, or the text file of one board. Raises InputError."""
    path = path.absolute()
    home = path if path.is_dir() else path.parent
    if home.name.endswith(_LABEL_FOLDER):
        home = home.parent  # the boards lie in the folder beside
    collector = AnnotationCollector(Format.DEEPPCB, path, images_root, progress, base=home)
    reader = _Reader(home, collector)
    entries = list(_find_entries(path, collector))
    if not entries:
        raise InputError(f"{path}: there is no text file of defects in it; choose the folder of the images")
    for done, entry in enumerate(entries, start=1):
        reader.read(entry)
        collector.advance(done, len(entries))
    if path.is_dir():
        reader.tell_the_rest()
    return collector.finish()


@dataclass(frozen=True, slots=True)
class _Entry:
    """An image, named from `folder` on, with the text file of its defects."""

    image: str
    folder: Path
    labels: Path
    split: Split | None = None


def _find_entries(path: Path, into: AnnotationCollector) -> Iterator[_Entry]:
    texts = [path] if not path.is_dir() else list(files_below(path, frozenset({".txt"})))
    lists = [file for file in texts if _LISTED.fullmatch(_find_first_line(_read_head(file)))]
    for file in lists:
        for number, line in enumerate(_read_lines(file, _MAX_LIST), start=1):
            found = _PAIR.fullmatch(line.replace("\\", "/"))
            if found is not None and "\0" not in line and ".." not in PurePosixPath(found[2]).parts:
                name = _find_listed(file.parent, found[1])
                yield _Entry(name, file.parent, file.parent / found[2].lstrip("/"), parse_split(file.stem))
            elif line.strip():
                into.report("line", f"line {number}: {quote_short(line)!r} is no image and text file; skipped", file)
    for file in texts if not lists else ():
        if (image := _find_image(file)) is not None:
            yield _Entry(image.name, image.parent, file)


def _find_listed(folder: Path, name: str) -> str:
    """The name of the tested board: lists leave its ending out."""
    path = PurePosixPath(name)
    tested = path.with_name(f"{path.stem}{_TESTED}{path.suffix}").as_posix()
    is_written_out = path.stem.endswith(_TESTED) or (".." not in path.parts and (folder / name.lstrip("/")).is_file())
    return name if is_written_out else tested


def _find_first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip()), "")


class _Reader:
    """Takes boards into a collector."""

    def __init__(self, home: Path, collector: AnnotationCollector) -> None:
        self.home = home
        self.into = collector
        self._read: set[Path] = set()
        self._named = False

    def read(self, entry: _Entry) -> None:
        where = entry.labels
        try:
            if not where.resolve().is_relative_to(self.home.resolve()):
                raise InputError(f"{where}: it leads out of {self.home}")
            lines = _read_lines(where, _MAX_LINES)
        except InputError as error:
            text = f"{str(error).removeprefix(f'{where}: ')}; skipped, and its image with it"
            self.into.report("labels", text, where)
            return
        self._read.add(where)
        file = self.into.find(entry.image, [entry.folder], where)
        if file is None:
            self.into.lose_boxes("file", sum(1 for line in lines if line.strip()))
            return
        image = self.into.image(file, extras=Extras(split=entry.split))
        if image is None:
            self.into.lose_boxes("image", sum(1 for line in lines if line.strip()), file)
            return
        self.into.begin_part()
        for number, line in enumerate(lines, start=1):
            if line.strip():
                self._line(image, line, f"line {number}", where)

    def _line(self, image: int, line: str, where: str, file: Path) -> None:
        words = re.split(r"[\s,]+", line[:1000].strip())
        numbers = [number for word in words[:4] if (number := parse_number(word)) is not None]
        if len(words) != 5 or len(numbers) != 4:
            text = f"{where}: {quote_short(line)!r} is not x1 y1 x2 y2 type; skipped"
            self.into.skip_box(image, "line", text, file)
            return
        kind = words[4]
        if kind == "0":
            text = f"{where}: type 0 is no defect, it stands for the background; skipped"
            self.into.skip_box(image, "reserved", text, file)
            return
        if kind in TYPES:
            names = ", ".join(f"{number} {name}" for number, name in TYPES.items())
            self.into.note_once("types", f"types were named as in DeepPCB's README: {names}")
        label = self.into.label_of_box(image, TYPES.get(kind, kind), where, file)
        if label is not None:
            self.into.box(image, numbers, label, where)

    def tell_the_rest(self) -> None:
        """Say which files nothing came of: templates, and text files that no list names."""
        templates = [file for file in files_below(self.home, IMAGE_SUFFIXES) if file.stem.endswith(_TEMPLATE)]
        if templates:
            images = "1 template" if len(templates) == 1 else f"{len(templates):,} templates"
            text = f"{images} (such as {templates[0].name}), which show what a board should look like, were left out"
            self.into.note("template", text)
        others = [
            file
            for file in files_below(self.home, frozenset({".txt"}))
            if file not in self._read and _find_image(file) is not None
        ]
        if others:
            files = "1 text file" if len(others) == 1 else f"{len(others):,} text files"
            self.into.note("unlisted", f"{files} of defects (such as {others[0].name}) are in no list; left out")


def _find_image(file: Path) -> Path | None:
    """The board whose defects a text file tells of: in the folder without `_not`, or beside it."""
    places = [file.parent]
    if file.parent.name.endswith(_LABEL_FOLDER):
        places.insert(0, file.parent.with_name(file.parent.name.removesuffix(_LABEL_FOLDER)))
    candidates = (place / f"{file.stem}{_TESTED}{suffix}" for place in places for suffix in sorted(IMAGE_SUFFIXES))
    return next((image for image in candidates if image.is_file()), None)


def _read_head(file: Path) -> str:
    return read_ends(file, _SNIFFED).decode(errors="replace")


def _read_lines(file: Path, limit: int) -> list[str]:
    what = "a text file of DeepPCB"
    try:
        return read_utf8(file, limit, what).decode().splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: not {what} (not text in UTF-8); save it again") from error
