"""COCO detection files: one JSON object with images, annotations (boxes as x, y, width, height) and categories.

Only the file as a whole is refused; a bad entry is left out or mended, and reported with its id.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, TypeGuard

import numpy as np

from core import geometry
from core.errors import InputError
from core.formats.annotations import ImportedAnnotations, ImportedImage
from core.imaging.decode import ImageError, image_size
from core.types import Problem, label_name_fault

_Entry = dict[str, Any]
_NamedBox = tuple[tuple[float, float, float, float], str]


def read(path: Path, images_root: Path | None = None) -> ImportedAnnotations:
    """Read a COCO file; file names are taken as below `images_root` (None: the folder of `path`).

    Boxes of one image that coincide (IoU of at least 0.9) become one box with all their labels. Raises
    InputError if the file cannot be read or is no COCO file.
    """
    path = path.absolute()
    if images_root is not None and not images_root.is_dir():
        raise InputError(f"{images_root}: there is no such folder; name the folder that the images are in")
    tree = _load(path)
    reader = _Reader(path, (images_root or path.parent).absolute())
    names = reader.categories(tree["categories"])
    files = reader.images(tree["images"])
    boxes = reader.annotations(tree["annotations"], names, files)
    images = tuple(reader.finished(file, boxes.get(file, [])) for file in dict.fromkeys(files.values()))
    return ImportedAnnotations(path, tuple(dict.fromkeys(names.values())), images, tuple(reader.problems))


def _load(path: Path) -> dict[str, list[Any]]:
    try:
        tree = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a COCO file (not text in UTF-8); export it as JSON") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a COCO file (not JSON: {error}); export it again") from error
    if not isinstance(tree, dict):
        raise InputError(f"{path}: not a COCO file (it must hold an object with images, annotations, categories)")
    for key in ("images", "annotations", "categories"):
        if not isinstance(tree.get(key), list):
            raise InputError(f"{path}: not a COCO detection file (it has no list of {key})")
    return tree


class _Reader:
    """Collects problems while the parts of one file are read."""

    def __init__(self, source: Path, root: Path) -> None:
        self.source = source
        self.root = root
        self.problems: list[Problem] = []
        self._sizes: dict[Path, tuple[int, int]] = {}
        self._listed: set[int | str] = set()  # image ids in the file, also of images that were skipped

    def report(self, problem: str, file: Path | str | None = None) -> None:
        self.problems.append(Problem(str(file if file is not None else self.source), problem))

    def entries(self, values: list[Any], what: str) -> Iterator[_Entry]:
        """The entries that are objects with an id."""
        unusable: dict[str, list[int]] = {"not an object": [], "it has no id": []}
        for place, entry in enumerate(values, start=1):
            if not isinstance(entry, dict):
                unusable["not an object"].append(place)
            elif not _is_id(entry.get("id")):
                unusable["it has no id"].append(place)
            else:
                yield entry
        # A file of something else has these by the million: one line for all of them.
        for fault, places in unusable.items():
            if places:
                more = f" and {len(places) - 1:,} more" if len(places) > 1 else ""
                self.report(f"{what} number {places[0]}{more}: {fault}; skipped")

    def categories(self, values: list[Any]) -> dict[int | str, str]:
        """Label names by category id."""
        names: dict[int | str, str] = {}
        for entry in self.entries(values, "category"):
            name = entry.get("name")
            if not isinstance(name, str) or not name.strip():
                self.report(f"category {entry['id']}: it has no name; skipped, and its boxes with it")
            elif fault := label_name_fault(name.strip()):
                self.report(f"category {entry['id']}: {fault}; skipped, and its boxes with it")
            elif entry["id"] in names:
                self.report(
                    f"category {entry['id']}: the id is used twice; {names[entry['id']]!r} was kept, {name!r} skipped"
                )
            else:
                names[entry["id"]] = name.strip()
        return names

    def images(self, values: list[Any]) -> dict[int | str, Path]:
        """Files by image id. Two ids may share a file."""
        files: dict[int | str, Path] = {}
        for entry in self.entries(values, "image"):
            name = entry.get("file_name")
            if not isinstance(name, str) or not name or "\0" in name:
                self.report(f"image {entry['id']}: it has no file name; skipped")
                continue
            if entry["id"] in self._listed:
                self.report(
                    f"image {entry['id']}: the id is used twice; the first image was kept, this one skipped", name
                )
                continue
            self._listed.add(entry["id"])
            file = self._file(name)
            if file is not None and self._is_usable(entry, file):
                files[entry["id"]] = file
        return files

    def _file(self, name: str) -> Path | None:
        """Where the named file is; None, reported, if there is none or it may not be touched."""
        # Files written on Windows separate folders by backslashes, which are letters elsewhere.
        given = PurePosixPath(name if _is_file(self.root / name) else name.replace("\\", "/"))
        absolute = given.is_absolute() or PureWindowsPath(name).is_absolute() or bool(PureWindowsPath(name).drive)
        if ".." in given.parts or (absolute and not Path(given).is_relative_to(self.root)):
            self.report(f"its path leads out of {self.root}; skipped, and its boxes with it", name)
            return None
        file = self.root / given
        if not _is_file(file):
            self.report(f"there is no such file in {self.root}; skipped, and its boxes with it", name)
            return None
        return file

    def _is_usable(self, entry: _Entry, file: Path) -> bool:
        """Report an image whose size is not what the boxes were drawn on; False if it cannot be used at all."""
        try:
            width, height = image_size(file)
        except ImageError as error:
            self.report(f"{str(error).removeprefix(f'{file}: ')}; skipped, and its boxes with it", file)
            return False
        if file in self._sizes:
            self.report("it is listed twice; the boxes of both entries were put together", file)
        self._sizes[file] = width, height
        stated = (entry.get("width"), entry.get("height"))
        if all(isinstance(side, int | float) and side > 0 for side in stated) and stated != (width, height):
            self.report(
                f"it is {width} x {height}, but its boxes were made for {stated[0]} x {stated[1]}; check where they lie",
                file,
            )
        return True

    def annotations(
        self, values: list[Any], names: dict[int | str, str], files: dict[int | str, Path]
    ) -> dict[Path, list[_NamedBox]]:
        """Boxes (not yet cut to the image) with their label, by file."""
        found: dict[Path, list[_NamedBox]] = {}
        used: set[int | str] = set()
        for entry in self.entries(values, "annotation"):
            where = f"annotation {entry['id']}"
            if entry["id"] in used:
                self.report(f"{where}: the id is used twice; both were kept")
            used.add(entry["id"])
            image, category = entry.get("image_id"), entry.get("category_id")
            if not _is_id(image) or image not in files:
                # An image that was skipped has been reported with its boxes.
                if not _is_id(image) or image not in self._listed:
                    self.report(f"{where}: there is no image {image!r}; skipped")
                continue
            if not _is_id(category) or category not in names:
                self.report(f"{where}: there is no category {category!r}; skipped", files[image])
                continue
            if entry.get("iscrowd") == 1:
                self.report(f"{where}: a crowd region, which says nothing of single defects; skipped", files[image])
                continue
            corners = _corners(entry.get("bbox"))
            if isinstance(corners, str):
                self.report(f"{where}: {corners}; skipped", files[image])
                continue
            found.setdefault(files[image], []).append((corners, names[category]))
        return found

    def finished(self, file: Path, boxes: list[_NamedBox]) -> ImportedImage:
        """The boxes cut to the image, coinciding ones merged."""
        given = np.array([box for box, _ in boxes], np.float64).reshape(-1, 4)
        cut = geometry.clip(given, *self._sizes[file])
        inside = geometry.area(cut) > 0
        for row in np.flatnonzero((cut != given).any(axis=1)):
            what = "cut off at its edge" if inside[row] else "skipped"
            where = "partly" if inside[row] else "wholly"
            self.report(f"box {_in_words(given[row])} ({boxes[row][1]}): {where} outside the image; {what}", file)
        kept, names = cut[inside], [boxes[row][1] for row in np.flatnonzero(inside)]
        groups = geometry.coinciding(kept)
        label_sets = tuple(frozenset(names[row] for row in rows) for rows in groups)
        firsts = np.array([rows[0] for rows in groups], np.intp)
        return ImportedImage(file, np.asarray(kept[firsts], np.float64), label_sets)


def _is_id(value: Any) -> TypeGuard[int | str]:
    return isinstance(value, int | str) and not isinstance(value, bool)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name that is longer than the system allows
        return False


def _corners(bbox: Any) -> tuple[float, float, float, float] | str:
    """x1 y1 x2 y2, or what is wrong."""
    if not isinstance(bbox, list) or len(bbox) != 4:
        return f"its box {bbox!r} is not a list of four numbers"
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in bbox):
        return f"its box {bbox!r} is not a list of four numbers"
    if not all(abs(value) < 1e9 for value in bbox):  # also False for NaN
        return f"its box {bbox!r} is not finite"
    x, y, width, height = (float(value) for value in bbox)
    if not (x + width > x and y + height > y):
        return f"its box {bbox!r} has no area"
    return x, y, x + width, y + height


def _in_words(box: Any) -> str:
    return "(" + ", ".join(f"{value:g}" for value in box) + ")"
