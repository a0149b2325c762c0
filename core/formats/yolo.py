"""YOLO: one text file an image, a line a box: class, centre and size as shares of the image's width and height.

The order of classes is that in which the project's labels were made, which neither renaming nor re-ordering changes; it
is written in full to data.yaml and classes.txt. A box with several labels is one line for each, alike to the last digit.
What the format has no place for is in the export's own file: status, group, note, content hash, boxes without a label, difficult ones.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from core.errors import InputError
from core.formats.annotations import DIFFICULT, MARKER, Format, ImportedAnnotations
from core.formats.collecting import NO_LABEL, AnnotationCollector, Progress
from core.formats.export_plan import Sheet
from core.formats.extras import Extras, list_bare_boxes
from core.formats.image_index import find_folded, fold
from core.formats.json_stream import JsonError, JsonObject
from core.formats.lookup import LookupFault, files_below
from core.formats.split_names import find_split
from core.formats.text import quote_short, read_utf8
from core.formats.yolo_classes import Classes, read_classes, read_text
from core.formats.yolo_layout import CLASSES, DATA, LabelFiles, is_class_list, is_label_text
from core.formats.yolo_lines import (
    Line,
    LineReader,
    Shares,
    are_pixels,
    explain_kind,
    find_shares,
    parse_keypoint_shape,
)
from core.imaging.decode import IMAGE_SUFFIXES

IMAGES, LABELS = "images", "labels"
SPLITS = ("train", "val", "test")
_MAX_LINES = 2**23  # bytes of one label file
_MAX_LIST = 2**27
_DARKNET = "data"  # the folder that lists start at, as it is on the machine that trains
_NOTHING = ("", "~", "null")  # YAML's words for it


def read(path: Path, images_root: Path | None = None, progress: Progress | None = None) -> ImportedAnnotations:
    """Read a data set by its data.yaml, or its folder: with a data.yaml, or a classes.txt, in it.

    Label files lie in `labels` where images lie in `images`, or beside them. Polygons become the box around them, and a
    sixth number, the score of a prediction, is passed over. Raises InputError if classes or images are not to be found.
    """
    path = path.absolute()
    classes = read_classes(path)
    home = classes.home
    collector = AnnotationCollector(Format.YOLO, path, images_root, progress, base=home)
    own = _Own.read(home / MARKER)
    labels = _take_labels(classes.names, collector, classes.file)
    reader = _Reader(classes, collector, labels, own, images_root, LineReader(parse_keypoint_shape(classes.tree)))
    pictures = reader.match_labels(list(reader.listed()) or list(reader.found()))
    for done, picture in enumerate(pictures, start=1):
        reader.read(picture)
        collector.advance(done, len(pictures))
    reader.finish()
    return collector.finish()


# Classes


def _take_labels(names: dict[int, str], into: AnnotationCollector, file: Path) -> dict[int, int]:
    """Places of the labels by the numbers of their classes."""
    labels: dict[int, int] = {}
    first: dict[int, int] = {}
    for number, name in names.items():
        if meaning := into.find_reserved_meaning(name):
            into.report("class", f"class {number}: {name!r} is no defect, {meaning}; its boxes are skipped", file)
            continue
        try:
            labels[number] = into.label(name)
        except ValueError as error:
            into.report("class", f"class {number}: {error}; skipped, and its boxes with it", file)
            continue
        if (same := first.setdefault(labels[number], number)) != number:
            into.note("one name", f"classes {same} and {number} are both called {name!r}: they became one label", file)
    return labels


# The export's own file


@dataclass(slots=True)
class _Own:
    """What an export of ours tells beside the format."""

    images: dict[str, dict[str, Any]] = field(default_factory=dict)  # by the name in the lists
    is_there: bool = False

    @classmethod
    def read(cls, path: Path) -> _Own:
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


# Images and boxes


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str  # of the image
    folder: Path  # that the name is relative to
    split: str

    @property
    def way(self) -> str:
        """The name for looking up labels; without what leads out."""
        return "/".join(part for part in self.name.replace("\\", "/").split("/") if part not in ("", ".", ".."))


@dataclass(slots=True)
class _Picture:
    """An image that was found, and the file of its boxes."""

    entry: _Entry
    file: Path
    labels: Path | None


class _Reader:
    def __init__(
        self,
        classes: Classes,
        collector: AnnotationCollector,
        labels: dict[int, int],
        own: _Own,
        images_root: Path | None,
        lines: LineReader,
    ) -> None:
        self.home = classes.home
        self.classes = classes
        self.into = collector
        self.labels = labels
        self.own = own
        self.lines = lines
        self._waiting: list[Line] = []
        self.root = images_root.absolute() if images_root is not None else None
        self._lists: list[Path] = []  # of images
        self._links: list[Path] = []
        self._label_files: LabelFiles | None = None
        self._difficult: set[tuple[int, Shares]] = set()  # the image, and the box as its line has it

    # Images

    def listed(self) -> Iterator[_Entry]:
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
                        yield _Entry(file.relative_to(self.home).as_posix(), self.home, split)
                else:
                    self._lists.append(place)
                    for line in read_text(place, _MAX_LIST, "a list of images").split("\n"):
                        if line.strip():
                            yield _Entry(line.removesuffix("\r"), place.parent, split)

    def found(self) -> Iterator[_Entry]:
        """Every image below the folder, or below the folder of the images that was named."""
        top = self.root or self.home
        for file in files_below(top, IMAGE_SUFFIXES, links=self._links):
            name = file.relative_to(top).as_posix()
            yield _Entry(name, top, find_split(PurePosixPath(name).parts[:-1]))

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
                if found is not None and self._is_ours(found):
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
        return path if path.is_relative_to(self.home) and self._is_ours(path) else None

    def match_labels(self, entries: Sequence[_Entry]) -> list[_Picture]:
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
                pictures.append(_Picture(entry, file, labels))
            elif labels is not None:
                self.into.lose_boxes("file", self._count_boxes(labels))
        for picture in pictures:
            if picture.labels is None:
                picture.labels = files.find(self._describe_way(picture.entry), picture.file, unusual=True)
        self._match_by_name(pictures, files)
        return self._leave_shared_out(pictures, files)

    def _describe_way(self, entry: _Entry) -> str:
        """The name of an image from the home of the data set on, as far as it is known."""
        if entry.folder in (self.home, self.root):
            return entry.way
        return "/".join([*entry.folder.relative_to(self.home).parts, entry.way])

    def _match_by_name(self, pictures: Sequence[_Picture], files: LabelFiles) -> None:
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

    def _leave_shared_out(self, pictures: Sequence[_Picture], files: LabelFiles) -> list[_Picture]:
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
                    "shared", self._count_boxes(picture.labels) if picture.file == min(owners[picture.labels]) else 0
                )
            else:
                kept.append(picture)
        return kept

    def _count_boxes(self, file: Path) -> int:
        """How many boxes a label file has that is not read."""
        try:
            return sum(1 for line in read_text(file, _MAX_LINES, "a label file of YOLO").splitlines() if line.strip())
        except InputError:
            return 0

    # Boxes

    def read(self, picture: _Picture) -> None:
        entry, file, labels = picture.entry, picture.file, picture.labels
        own = self.own.images.get(entry.name, {})
        extras = Extras.of(own) if own else Extras()
        extras.upright = extras.upright or self.own.is_there
        if extras.split is None:
            extras.split = Extras.of({"split": entry.split}).split
        image = self.into.image(file, (own.get("width"), own.get("height")), extras)
        if image is None:
            self.into.lose_boxes("image", self._count_boxes(labels) if labels is not None else 0, file)
            return
        self._difficult.update((image, box) for box in _list_difficult(own))
        if labels is None and not own:
            self.into.lack_file(image)
        if labels is not None and labels.is_symlink() and not self._is_ours(labels):
            self.into.report("link", f"a link that leads out of {self.home}; passed over", labels)
            self.into.drop_boxes(image, "link")
        elif labels is not None:
            try:
                text = read_text(labels, _MAX_LINES, "a label file of YOLO")
            except InputError as error:
                self.into.skip_box(image, "labels", f"{str(error).removeprefix(f'{labels}: ')}; skipped", labels)
                return
            for number, line in enumerate(text.splitlines(), start=1):
                if line.strip():
                    self._line(image, line, number, labels)
        for place, corners, marks in list_bare_boxes(own):
            if isinstance(corners, list):
                where = f"box {place} without a label"
                self.into.box(image, corners, NO_LABEL, where, ("none", entry.name, place), marks=marks)

    def _image_file(self, name: str, folder: Path) -> Path | None:
        tail = name.replace("\\", "/").removeprefix("./").removeprefix(f"{IMAGES}/")
        if self.root is not None:
            for given in dict.fromkeys((name, tail)):
                try:
                    return self.into.folders.find(given, [folder, self.root]).path
                except LookupFault:
                    continue
        return self.into.find(name, [folder, self.home])

    def _is_ours(self, path: Path) -> bool:
        real = path.resolve()
        return any(real.is_relative_to(top.resolve()) for top in (self.home, self.root) if top is not None)

    def finish(self) -> None:
        """Take in the lines that wait until all of the data set were seen, and tell of what nobody reads."""
        for line in self._waiting:
            self._take(line)
        self._waiting.clear()
        self._tell_stray_labels()
        met = [*self._links, *(self._label_files.links if self._label_files else [])]
        for link in dict.fromkeys(link for link in met if not self._is_ours(link)):
            text = "a link to a folder, which was not followed; name it itself (--images)"
            self.into.note("link", text, link)

    def _tell_stray_labels(self) -> None:
        """Say which label files belong to no image: their boxes are lost."""
        stray, boxes = [], 0
        for file in self._label_files.list_unclaimed() if self._label_files else ():
            try:
                text = read_text(file, _MAX_LINES, "a label file of YOLO")
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

    def _line(self, image: int, text: str, number: int, file: Path) -> None:
        line = self.lines.read(text, image, number, file)
        if line is None:
            self.into.skip_box(
                image, "line", f"line {number}: {quote_short(text)!r} is no class and box; skipped", file
            )
        elif line.count > 5 or (self._waiting and self._waiting[-1].image == image):  # the boxes keep their order
            self._waiting.append(line)
        else:
            self._take(line)

    def _take(self, line: Line) -> None:
        number = float(line.label)
        label = self.labels.get(int(number)) if number.is_integer() else None
        if label is None:
            text = f"{line.where}: there is no class {quote_short(line.label)}; skipped"
            self.into.skip_box(line.image, "dangling label", text, line.file)
            return
        kind = self.lines.find_kind(line.count)
        corners = find_shares(kind, line)
        across, down = self.into.size(line.image)
        if are_pixels(corners):
            text = (
                f"{line.where}: {quote_short(line.text)!r} is in pixels, not in shares of the image's width and height "
                f"(0 to 1); skipped: divide x and width by {across}, y and height by {down}, or export it again as YOLO"
            )
            self.into.skip_box(line.image, "pixels", text, line.file)
            return
        if corners[0] >= corners[2] or corners[1] >= corners[3]:
            text = f"{line.where}: its box {quote_short(line.text)} has no area; skipped"
            self.into.skip_box(line.image, "area", text, line.file)
            return
        if explanation := explain_kind(kind):
            self.into.note(kind, f"{line.where}: {explanation}", line.file)
        scaled = [corners[0] * across, corners[1] * down, corners[2] * across, corners[3] * down]
        # In a file of ours, boxes are one only if they are alike to the last digit.
        key = (line.image, *corners) if self.own.is_there else None
        marks = [DIFFICULT] if (line.image, line.box) in self._difficult else []
        self.into.box(line.image, scaled, label, line.where, key, marks=marks)


def _list_difficult(own: dict[str, Any]) -> Iterator[Shares]:
    """Boxes that an export of ours tells to be difficult: centre and size, as in their lines."""
    boxes = own.get("difficult")
    for box in boxes if isinstance(boxes, list) else ():
        if isinstance(box, list) and len(box) == 4 and all(isinstance(value, float) for value in box):
            x, y, width, height = box
            yield (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _count_images(count: int) -> str:
    return "1 image" if count == 1 else f"{count:,} images"


# Writing


def write(sheet: Sheet) -> None:
    """labels/<name>.txt for each image, a list for each split, and the classes in data.yaml and classes.txt."""
    order = sorted(range(len(sheet.labels)), key=lambda place: sheet.labels[place].number)
    classes = {place: number for number, place in enumerate(order)}
    lists: dict[str, list[str]] = {split: [] for split in (*SPLITS, "none")}
    for _, image in sheet.advancing():
        name = f"{IMAGES}/{image.stem}{PurePosixPath(image.name).suffix}"
        lines, difficult = [], []
        for row, labels in enumerate(image.labels):
            x1, y1, x2, y2 = image.boxes[row].tolist()
            box = (
                (x1 + x2) / 2 / image.width,
                (y1 + y2) / 2 / image.height,
                (x2 - x1) / image.width,
                (y2 - y1) / image.height,
            )
            lines += [f"{classes[label]} {' '.join(map(repr, box))}\n" for label in labels]
            if labels and row in image.difficult:
                difficult.append(box)
        sheet.write_text(f"{LABELS}/{image.stem}.txt", "".join(lines))
        lists[image.split].append(f"./{name}\n")
        own: dict[str, Any] = {"name": f"./{name}", "width": image.width, "height": image.height, **image.extras()}
        if not sheet.copied:
            own["source"] = image.name
        own |= image.bare_boxes(lambda box: box.tolist())
        if difficult:
            own["difficult"] = difficult  # the box as its lines have it: one that is changed there is another box
        sheet.image_extras.append(own)
    # No `path`: trainers take it from where they run, and without it from where the file is.
    data: dict[str, Any] = {}
    for split, names in lists.items():
        if names:
            sheet.write_text(f"{split}.txt", "".join(names))
        # Trainers want to be told of training and validation, even where there is none.
        if names or split in ("train", "val"):
            data[split] = f"{split}.txt" if names else ""
    data |= {"nc": len(order), "names": {number: sheet.labels[place].name for place, number in classes.items()}}
    sheet.write_text(DATA, yaml.safe_dump(data, allow_unicode=True, sort_keys=False))
    sheet.write_text(CLASSES, "".join(f"{sheet.labels[place].name}\n" for place in order))
