"""The images of a YOLO data set, and the file of the boxes of each: where its lists, folders and names lead to."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from core.errors import InputError
from core.formats.annotations import Format
from core.formats.collecting import AnnotationCollector
from core.formats.image_index import find_folded, fold
from core.formats.json_stream import JsonError, JsonObject
from core.formats.lookup import LookupFault, files_below
from core.formats.split_names import find_split
from core.formats.text import quote_short, read_utf8
from core.formats.yolo_classes import Classes, read_text
from core.formats.yolo_layout import IMAGES, LabelFiles, is_class_list, is_label_text
from core.imaging.decode import IMAGE_SUFFIXES

SPLITS = ("train", "val", "test")
_MAX_LINES = 2**23  # bytes of one label file
_MAX_LIST = 2**27
_DARKNET = "data"  # the folder that lists start at, as it is on the machine that trains
_NOTHING = ("", "~", "null")  # YAML's words for it


@dataclass(slots=True)
class OwnFile:
    """What an export of ours tells beside the format."""

    images: dict[str, dict[str, Any]] = field(default_factory=dict)  # by the name in the lists
    is_there: bool = False

    @classmethod
    def read(cls, path: Path) -> OwnFile:
        if not path.is_file():
            return cls()
        try:
            tree = JsonObject(read_utf8(path, _MAX_LIST * 4, "a list of an export"))
            if tree.value("program") != "DefectDesk" or tree.value("format") != str(Format.YOLO):
                return cls()
            own = cls(is_there=True)
            for entry in tree.entries("images") if tree.is_list("images") else ():
                if isinstance(entry, dict) and isinstance(entry.get("name"), str):
                    own.images[entry["name"]] = entry
        except JsonError as error:
            raise InputError(f"{path}: damaged ({error}); remove it, or export again") from error
        return own


@dataclass(frozen=True, slots=True)
class Entry:
    """An image as the data set names it."""

    name: str  # of the image
    folder: Path  # that the name is relative to
    split: str

    @property
    def way(self) -> str:
        """The name for looking up labels; without what leads out."""
        return "/".join(part for part in self.name.replace("\\", "/").split("/") if part not in ("", ".", ".."))


@dataclass(slots=True)
class Picture:
    """An image that was found, and the file of its boxes."""

    entry: Entry
    file: Path
    labels: Path | None


class PictureFinder:
    """Finds the images, and which label file is whose; says what it does not find, and what nobody asks for."""

    def __init__(
        self, classes: Classes, collector: AnnotationCollector, own: OwnFile, images_root: Path | None
    ) -> None:
        self.home = classes.home
        self.classes = classes
        self.into = collector
        self.own = own
        self.root = images_root.absolute() if images_root is not None else None
        self._lists: list[Path] = []  # of images
        self._links: list[Path] = []
        self._label_files: LabelFiles | None = None

    def find(self) -> list[Picture]:
        """Those that data.yaml leads to or, where it leads to none, every image that is there."""
        return self._match_labels(list(self._list_told()) or list(self._list_all()))

    def _list_told(self) -> Iterator[Entry]:
        """The images that data.yaml leads to: by lists, or by folders."""
        tree = self.classes.tree
        base = self._inside(str(tree.get("path") or "."), self.classes.file.parent) or self.classes.file.parent
        for split in (*SPLITS, "none"):
            spec = tree.get(split, tree.get("valid") if split == "val" else None)
            for value in spec if isinstance(spec, list) else [spec]:
                if not isinstance(value, str) or value.strip().lower() in _NOTHING or "\0" in value:
                    continue
                place = self._find_place(value, base)
                if place is None:
                    text = f"{split}: there is no {quote_short(value)} in {base}; skipped"
                    self.into.report("split", text, self.classes.file)
                elif place.is_dir():
                    for file in files_below(place, IMAGE_SUFFIXES, links=self._links):
                        yield Entry(file.relative_to(self.home).as_posix(), self.home, split)
                else:
                    self._lists.append(place)
                    for line in read_text(place, _MAX_LIST, "a list of images").split("\n"):
                        if line.strip():
                            yield Entry(line.removesuffix("\r"), place.parent, split)

    def _list_all(self) -> Iterator[Entry]:
        """Every image below the folder, or below the folder of the images that was named."""
        top = self.root or self.home
        for file in files_below(top, IMAGE_SUFFIXES, links=self._links):
            name = file.relative_to(top).as_posix()
            yield Entry(name, top, find_split(PurePosixPath(name).parts[:-1]))

    def _find_place(self, value: str, base: Path) -> Path | None:
        """The list or folder of images that data.yaml means: where it says or, written elsewhere, by its last parts."""
        parts = [part for part in value.replace("\\", "/").split("/") if part not in ("", ".")]
        for top in dict.fromkeys((base, self.classes.file.parent)):  # `path` may be that of another machine
            direct = self._inside(value, top)
            if direct is not None and direct.exists():
                return direct
        # Written by Roboflow: "../train/images", beside the file that says so; or on another machine.
        names = [part for part in parts if part != ".."]
        for first in range(len(names)):
            for top in dict.fromkeys((base, self.classes.file.parent, self.classes.file.parent.parent, self.home)):
                found = find_folded(top, names[first:])
                if found is not None and self.is_ours(found):
                    if (first or value.startswith(("/", "\\"))) and names[:first] != [_DARKNET]:
                        text = f"{quote_short(value)} is not here; {found} was taken for it"
                        self.into.note("place of a split", text, self.classes.file)
                    return found
        return None

    def _inside(self, name: str, base: Path) -> Path | None:
        """The file or folder `name` below the data set's, None if it leads out."""
        if "\0" in name or ":" in name or name.startswith(("/", "\\")):
            return None
        path = Path(os.path.normpath(Path(base, *name.replace("\\", "/").split("/"))))
        return path if path.is_relative_to(self.home) and self.is_ours(path) else None

    def _match_labels(self, entries: Sequence[Entry]) -> list[Picture]:
        """Find the file of each image, and the file of its boxes; what is not found, or shared, is left out."""
        lists = [self.home / f"{split}.txt" for split in (*SPLITS, "none")]
        files = LabelFiles([self.home, *([self.root] if self.root else [])], [*lists, *self._lists])
        self._label_files = files
        pictures = []
        is_darknet = is_class_list(self.classes.file.name) and not (self.home / _DARKNET).is_dir()
        for entry in entries:
            source = self.own.images.get(entry.name, {}).get("source")
            name = source if isinstance(source, str) else entry.name
            if is_darknet:
                name = name.removeprefix(f"{_DARKNET}/")
            file = self._image_file(name, entry.folder)
            labels = files.find(self._describe_way(entry), file)
            if labels is not None:
                files.claimed.add(str(labels))
            if file is not None:
                pictures.append(Picture(entry, file, labels))
            elif labels is not None:
                self.into.lose_boxes("file", count_boxes(labels))
        for picture in pictures:
            if picture.labels is None:
                picture.labels = files.find(self._describe_way(picture.entry), picture.file, unusual=True)
        self._match_by_name(pictures, files)
        return self._leave_shared_out(pictures, files)

    def _describe_way(self, entry: Entry) -> str:
        """The name of an image from the home of the data set on, as far as it is known."""
        if entry.folder in (self.home, self.root):
            return entry.way
        return "/".join([*entry.folder.relative_to(self.home).parts, entry.way])

    def _match_by_name(self, pictures: Sequence[Picture], files: LabelFiles) -> None:
        """Give images without a label file the only one of their name that no other image has."""
        files.claimed |= {str(picture.labels) for picture in pictures if picture.labels is not None}
        free = files.list_free()
        names = Counter(fold(picture.file.stem) for picture in pictures)
        matched = []
        for picture in pictures:
            stem = fold(picture.file.stem)
            if picture.labels is None and names[stem] == 1 and len(free.get(stem, ())) == 1:
                label_split = find_split(free[stem][0].parent.relative_to(files.find_top(free[stem][0])).parts)
                if not label_split or label_split == (picture.entry.split or label_split):
                    picture.labels = free[stem][0]
                    matched.append(picture)
        if matched:
            text = f"the label files of {_count_images(len(matched))} were found by their names alone, such as for "
            self.into.note("labels by name", f"{text}{matched[0].entry.name}", matched[0].labels)

    def _leave_shared_out(self, pictures: Sequence[Picture], files: LabelFiles) -> list[Picture]:
        """Without the images that share a label file, whose boxes are anybody's guess."""
        owners: dict[Path, set[Path]] = {}
        for picture in pictures:
            if picture.labels is not None:
                owners.setdefault(picture.labels, set()).add(picture.file)
                files.claimed.add(str(picture.labels))
        kept = []
        for picture in pictures:
            if picture.labels is not None and len(owners[picture.labels]) > 1:
                text = f"it shares the label file {picture.labels} with another image; skipped, and its boxes with it"
                self.into.report("shared", text, picture.entry.name)
                self.into.lose_boxes(
                    "shared", count_boxes(picture.labels) if picture.file == min(owners[picture.labels]) else 0
                )
            else:
                kept.append(picture)
        return kept

    def _image_file(self, name: str, folder: Path) -> Path | None:
        tail = name.replace("\\", "/").removeprefix("./").removeprefix(f"{IMAGES}/")
        if self.root is not None:
            for given in dict.fromkeys((name, tail)):
                try:
                    return self.into.folders.find(given, [folder, self.root]).path
                except LookupFault:
                    continue
        return self.into.find(name, [folder, self.home])

    def is_ours(self, path: Path) -> bool:
        """False if a link leads from the data set, and from the folder of images that was named, to elsewhere."""
        real = path.resolve()
        return any(real.is_relative_to(top.resolve()) for top in (self.home, self.root) if top is not None)

    def tell_the_rest(self) -> None:
        """Tell of label files that belong to no image, and of links that were not followed."""
        self._tell_stray_labels()
        met = [*self._links, *(self._label_files.links if self._label_files else [])]
        for link in dict.fromkeys(link for link in met if not self.is_ours(link)):
            text = "a link to a folder, which was not followed; name it itself (--images)"
            self.into.note("link", text, link)

    def _tell_stray_labels(self) -> None:
        """Say which label files belong to no image: their boxes are lost."""
        stray, boxes = [], 0
        for file in self._label_files.list_unclaimed() if self._label_files else ():
            try:
                text = read_labels(file)
            except InputError:
                continue
            if is_label_text(text):
                stray.append(file)
                boxes += sum(1 for line in text.splitlines() if line.strip())
        if stray:
            files = "1 label file belongs" if len(stray) == 1 else f"{len(stray):,} label files belong"
            text = f"{files} to no image of the data set, such as {stray[0]}; skipped, with {boxes:,} {'box' if boxes == 1 else 'boxes'}"
            self.into.report("stray labels", text, self.home)
            self.into.lose_boxes("stray labels", boxes)


def read_labels(file: Path) -> str:
    """The content of a label file. Raises InputError."""
    return read_text(file, _MAX_LINES, "a label file of YOLO")


def count_boxes(file: Path) -> int:
    """How many boxes a label file has that is not read."""
    try:
        return sum(1 for line in read_labels(file).splitlines() if line.strip())
    except InputError:
        return 0


def _count_images(count: int) -> str:
    return "1 image" if count == 1 else f"{count:,} images"
