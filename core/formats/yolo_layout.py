"""Where the parts of a YOLO data set lie: the file that names its classes, its images, and the label file of each.

Trainers look for labels in `labels` where images lie in `images`, and so do data sets in their own ways: `JPEGImages`,
`Images` and `Labels`, labels beside the images, or below a folder of their own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from core.errors import InputError
from core.formats.image_index import fold
from core.formats.lookup import files_below

DATA, CLASSES = "data.yaml", "classes.txt"
IMAGES, LABELS = "images", "labels"
_FOR_IMAGES = frozenset({IMAGES, "jpegimages", "image", "imgs", "img"})
_FOR_LABELS = (LABELS, "label", "annotations", "txt")
_LABEL_LINE = re.compile(r"\s*\d+(\.0*)?(\s+-?(0?\.\d+|[01](\.\d*)?)(e-?\d+)?){4,}\s*", re.IGNORECASE)
_NAMED = 2


def is_class_list(name: str) -> bool:
    """True for the usual names of a file with a class a line: classes.txt, and obj.names of darknet and CVAT."""
    return fold(name) == CLASSES or fold(name).endswith(".names")


def has_class_list(folder: Path) -> bool:
    """True if a list of classes lies in the folder."""
    with os.scandir(folder) as entries:
        return any(entry.name[-5:].lower() in ("s.txt", "names") and is_class_list(entry.name) for entry in entries)


def find_class_files(folder: Path) -> tuple[list[Path], list[Path]]:
    """(YAML files, lists of classes) below `folder`, those that lie highest first."""
    found = sorted(
        files_below(folder, frozenset({".yaml", ".yml", ".txt", ".names"}), most=200_000),
        key=lambda path: (len(path.parts), path),
    )
    tables = [path for path in found if path.suffix.lower() in (".yaml", ".yml")]
    return tables, [path for path in found if is_class_list(path.name)]


def keep_highest(files: Sequence[Path]) -> list[Path]:
    """Those of the files that lie nearest to the top."""
    return [file for file in files if len(file.parts) == len(files[0].parts)]


def choose_class_file(folder: Path, found: Sequence[Path], what: str) -> Path:
    """The one file that names the classes. Raises InputError if there are several that differ."""
    highest = keep_highest(found)
    chosen = [file for file in highest if file.name == DATA] or highest
    if len(chosen) > 1 and len({file.read_bytes() for file in chosen}) > 1:
        names = " and ".join(str(file.relative_to(folder)) for file in chosen[:_NAMED])
        raise InputError(f"{folder}: both {names} {what}; choose one of them")
    return chosen[0]


def find_home(file: Path) -> Path:
    """The folder of the data set that a list of classes is for."""
    return file.parent.parent if fold(file.parent.name) in (LABELS, *_FOR_IMAGES) else file.parent


def is_label_text(text: str) -> bool:
    """True if the first line is a class and shares."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return _LABEL_LINE.fullmatch(first[:1000]) is not None


class LabelFiles:
    """All text files below some folders, and which of them belong to images."""

    def __init__(self, tops: Sequence[Path], passed_over: Sequence[Path] = ()) -> None:
        """`passed_over` are lists of images or classes."""
        self._tops = [os.fspath(top) for top in tops]
        self._by_way: dict[tuple[str, ...], str] = {}
        self.claimed: set[str] = set()
        self.links: list[Path] = []
        left_out = {os.fspath(path) for path in passed_over}
        for top in dict.fromkeys(self._tops):
            for path in _list_texts(top, self.links):
                if path in left_out or is_class_list(os.path.basename(path)):  # noqa: PTH119
                    continue
                way = _find_way(path, top)
                self._by_way.setdefault(way, path)

    def find(self, name: str, image: Path | None, *, unusual: bool = False) -> Path | None:
        """The label file of the image that the data set calls `name` (relative), and that was found at `image`.

        With `unusual`, where no trainer looks for it, and of those that are not `claimed`.
        """
        ways = []
        if image is not None:
            # First where the image lies: the name may be that of another machine.
            for top in self._tops:
                if os.fspath(image).startswith(top + os.sep):
                    ways.append(_find_way(os.fspath(image), top))
        ways.append(tuple(fold(part) for part in _split_suffix(name).split("/")))
        for way in dict.fromkeys(ways):
            for candidate in _list_unusual_ways(way) if unusual else _list_ways(way):
                path = self._by_way.get(candidate)
                if path is not None and not (unusual and path in self.claimed):
                    return Path(path)
        return None

    def list_free(self) -> dict[str, list[Path]]:
        """Files that are not `claimed`, by their folded stems."""
        free: dict[str, list[Path]] = {}
        for way, path in self._by_way.items():
            if path not in self.claimed:
                free.setdefault(way[-1], []).append(Path(path))
        return free

    def find_top(self, file: Path) -> Path:
        """The folder that was looked through and that `file` is below."""
        return next(Path(top) for top in self._tops if file.is_relative_to(top))

    def list_unclaimed(self) -> Iterator[Path]:
        """Files that were not said to be `claimed`."""
        return (Path(path) for path in self._by_way.values() if path not in self.claimed)


def _list_ways(way: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Where the label file of an image lies: `labels` for the last `images`, as trainers look for it, or beside it."""
    places = [place for place, part in enumerate(way[:-1]) if part in _FOR_IMAGES]
    for place in reversed(places):
        for name in _FOR_LABELS:
            yield (*way[:place], name, *way[place + 1 :])
    yield way


def _list_unusual_ways(way: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Other places: below a folder of labels anywhere on the way, or without the folder of images."""
    for place in range(len(way)):
        yield (*way[:place], LABELS, *way[place:])
    for place, part in enumerate(way[:-1]):
        if part in _FOR_IMAGES:  # images/train/a.png and train/a.txt
            yield (*way[:place], *way[place + 1 :])


def _list_texts(top: str, links: list[Path]) -> Iterator[str]:
    for place, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        links += [folder for folder in (Path(place, name) for name in folders) if folder.is_symlink()]
        for name in sorted(names):
            if name.lower().endswith(".txt") and not name.startswith("."):
                yield os.path.join(place, name)  # noqa: PTH118


def _find_way(path: str, top: str) -> tuple[str, ...]:
    """The folded names from `top` to a file, without its suffix."""
    return tuple(fold(part) for part in _split_suffix(path)[len(top) :].replace(os.sep, "/").split("/") if part)


def _split_suffix(path: str) -> str:
    return os.path.splitext(path)[0]  # noqa: PTH122
