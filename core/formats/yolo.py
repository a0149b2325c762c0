"""YOLO: one text file an image, a line a box: class, centre and size as shares of the image's width and height.

The order of classes is that in which the project's labels were made, which neither renaming nor re-ordering changes; it
is written in full to data.yaml and classes.txt. A box with several labels is one line for each, alike to the last digit.
What the format has no place for is in the export's own file: status, group, note, content hash, boxes without a label.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

import numpy as np
import yaml

from core.errors import InputError
from core.formats.annotations import MARKER, Format, ImportedAnnotations
from core.formats.collecting import MAX_LABELS, NO_LABEL, AnnotationCollector, Extras, Progress
from core.formats.export_plan import Sheet
from core.formats.json_stream import JsonError, JsonObject
from core.formats.lookup import LookupFault, files_below
from core.formats.text import quote_short, read_utf8
from core.formats.yolo_lines import Line, LineReader, explain_kind, find_shares, parse_keypoint_shape
from core.imaging.decode import IMAGE_SUFFIXES

DATA, CLASSES = "data.yaml", "classes.txt"
IMAGES, LABELS = "images", "labels"
SPLITS = ("train", "val", "test")
_MAX_DEPTH = 100  # open brackets in a data.yaml; those in use have one or two
_TOO_DEEP = f"nested deeper than {_MAX_DEPTH} levels"
_MAX_YAML = 2**18
_MAX_LINES = 2**23  # bytes of one label file
_MAX_LIST = 2**27
_NOTHING = ("", "~", "null")  # YAML's words for it


def is_data_file(path: Path) -> bool:
    """True if a YAML file names classes."""
    try:
        return "names" in _read_yaml(path)
    except InputError:
        return False


def read(path: Path, images_root: Path | None = None, progress: Progress | None = None) -> ImportedAnnotations:
    """Read a data set by its data.yaml, or its folder: with a data.yaml, or a classes.txt, in it.

    Label files lie in `labels` where images lie in `images`, or beside them. Polygons become the box around them, and a
    sixth number, the score of a prediction, is passed over. Raises InputError if classes or images are not to be found.
    """
    path = path.absolute()
    home, names, tree = _read_classes(path)
    collector = AnnotationCollector(Format.YOLO, path, images_root, progress, base=home)
    own = _Own.read(home / MARKER)
    labels = _take_labels(names, collector, home / DATA)
    reader = _Reader(home, collector, labels, own, images_root, LineReader(parse_keypoint_shape(tree)))
    entries = list(reader.listed(tree)) or list(reader.found())
    shared = _shared_folder(entries)
    for done, entry in enumerate(entries, start=1):
        if entry.labels in shared:
            text = f"it shares the label file {entry.labels} with another image; skipped, and its boxes with it"
            collector.report("shared", text, entry.name)
        else:
            reader.read(entry)
        collector.advance(done, len(entries))
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


def _read_classes(path: Path) -> tuple[Path, dict[int, str], dict[str, Any]]:
    """(folder, names by number, the content of data.yaml) of a data set."""
    if path.is_dir():
        found = [file for file in sorted(path.glob("*.y*ml")) if is_data_file(file)]
        chosen = [file for file in found if file.name == DATA] or found
        if len(chosen) > 1:
            raise InputError(f"{path}: both {chosen[0].name} and {chosen[1].name} name classes; choose one of them")
        if chosen:
            path = chosen[0]
        else:
            candidates = [path / CLASSES, path / LABELS / CLASSES]
            path = next((file for file in candidates if file.is_file()), path / DATA)
    if path.suffix.lower() in (".yaml", ".yml"):
        tree = _read_yaml(path)
        return path.parent, _parse_names(path, tree.get("names")), tree
    if path.name != CLASSES and not (path.parent / CLASSES).is_file():
        raise InputError(f"{path}: there is no {CLASSES} beside it that names its classes; choose a data.yaml")
    file = path.parent / CLASSES
    lines = _read_text(file, _MAX_YAML, "a list of classes").split("\n")
    home = file.parent.parent if file.parent.name == LABELS else file.parent
    return home, {number: line.strip() for number, line in enumerate(lines) if line.strip()}, {}


class _TextLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # libyaml's is ten times as fast
    """Leaves every plain scalar the text that it is: YAML 1.1 takes `no` for False, `010` for 8 and `12:30` for 750."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


def _read_yaml(path: Path) -> dict[str, Any]:
    text = _read_text(path, _MAX_YAML, "a data.yaml of YOLO")
    try:
        tree = yaml.load(text, _TextLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InputError(f"{path}: not a data.yaml of YOLO ({_yaml_fault(text, error)}); check it") from error
    if _bracket_depth(text) > _MAX_DEPTH:
        raise InputError(f"{path}: not a data.yaml of YOLO ({_TOO_DEEP}); check it")
    if not isinstance(tree, dict):
        raise InputError(f"{path}: not a data.yaml of YOLO (it holds no names)")
    return tree


def _yaml_fault(text: str, error: Exception) -> str:
    """Why a text is no YAML. Parsers differ in how deep they follow and in what they say then: that limit is ours."""
    if _bracket_depth(text) > _MAX_DEPTH:
        return _TOO_DEEP
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
    return f"not YAML{f' in line {mark.line + 1}' if mark is not None else ''}: {problem}"


def _bracket_depth(text: str) -> int:
    """How many brackets of a text are open at once, at most."""
    steps = np.frombuffer(text.encode(), np.uint8)
    opened = np.isin(steps, np.frombuffer(b"[{", np.uint8)).astype(np.int64)
    closed = np.isin(steps, np.frombuffer(b"]}", np.uint8))
    return int(np.cumsum(opened - closed).max(initial=0))


def _parse_names(path: Path, names: Any) -> dict[int, str]:
    if isinstance(names, list):
        names = {str(number): name for number, name in enumerate(names)}
    if not isinstance(names, dict) or not names:
        raise InputError(f"{path}: not a data.yaml of YOLO (it has no list of names)")
    if len(names) > MAX_LABELS:
        raise InputError(f"{path}: it names more than {MAX_LABELS:,} classes; is it the right file?")
    found: dict[int, str] = {}
    for number, name in names.items():
        if not re.fullmatch("[0-9]{1,9}", str(number)) or not isinstance(name, str | int | float):
            raise InputError(
                f"{path}: names: {quote_short(number)}: {quote_short(name)} is no number with a name; mend it"
            )
        found[int(number)] = str(name)  # no text only where a tag says so
    return found


def _read_text(path: Path, limit: int, what: str) -> str:
    try:
        return read_utf8(path, limit, what).decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not {what} (not text in UTF-8); save it again") from error


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
    labels: Path  # the file of its boxes, which need not exist
    split: str


class _Reader:
    def __init__(
        self,
        home: Path,
        collector: AnnotationCollector,
        labels: dict[int, int],
        own: _Own,
        images_root: Path | None,
        lines: LineReader,
    ) -> None:
        self.home = home
        self.into = collector
        self.labels = labels
        self.own = own
        self.lines = lines
        self._waiting: list[Line] = []
        self.root = images_root.absolute() if images_root is not None else None

    def listed(self, tree: dict[str, Any]) -> Iterator[_Entry]:
        """The images that data.yaml leads to: by lists, or by folders."""
        base = self._inside(str(tree.get("path") or "."), self.home) or self.home
        for split in (*SPLITS, "none"):
            spec = tree.get(split)
            for value in spec if isinstance(spec, list) else [spec]:
                if not isinstance(value, str) or value.strip().lower() in _NOTHING or "\0" in value:
                    continue
                place = self._inside(value, base)
                if place is None or not place.exists():
                    # Written by Roboflow: "../train/images", beside the file that says so.
                    place = self._inside(value.replace("\\", "/").removeprefix("../"), base)
                if place is None or not place.exists():
                    self.into.report(
                        "split", f"{split}: there is no {quote_short(value)} in {base}; skipped", self.home / DATA
                    )
                elif place.is_dir():
                    for file in files_below(place, IMAGE_SUFFIXES):
                        yield self._entry(file.relative_to(self.home).as_posix(), self.home, split)
                else:
                    for line in _read_text(place, _MAX_LIST, "a list of images").split("\n"):
                        if line.strip():
                            yield self._entry(line.removesuffix("\r"), place.parent, split)

    def found(self) -> Iterator[_Entry]:
        """Every image below the folder, or below the folder of the images that was named."""
        top = self.root or self.home
        for file in files_below(top, IMAGE_SUFFIXES):
            name = file.relative_to(top).as_posix()
            yield self._entry(name, top, _split_in(name))

    def _inside(self, name: str, base: Path) -> Path | None:
        """The file or folder `name` below the data set's, None if it leads out."""
        if not self.home.is_dir() or "\0" in name:
            return None
        path = Path(base, *[part for part in name.replace("\\", "/").split("/") if part not in ("", ".")])
        if name.startswith(("/", "\\")) or ":" in name or ".." in path.parts:
            return None
        return path if path.resolve().is_relative_to(self.home.resolve()) else None

    def _entry(self, name: str, folder: Path, split: str) -> _Entry:
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
        if folder != self.home and folder != self.root:
            parts = [*folder.relative_to(self.home).parts, *parts]
        places = [place for place, part in enumerate(parts[:-1]) if part == IMAGES]
        if places:
            # By the last `images` in the path, as trainers do.
            parts[places[-1]] = LABELS
        elif folder == self.root and (self.home / LABELS).is_dir():
            parts = [LABELS, *parts]
        stem = PurePosixPath(*parts).with_suffix(".txt") if parts and parts[-1] else PurePosixPath("none.txt")
        if ".." in stem.parts or any(":" in part or "\0" in part for part in stem.parts):
            stem = PurePosixPath("none.txt")
        return _Entry(name, folder, self.home / stem, split)

    def read(self, entry: _Entry) -> None:
        own = self.own.images.get(entry.name, {})
        source = own.get("source")
        file = self._image_file(source if isinstance(source, str) else entry.name, entry.folder)
        if file is None:
            return
        extras = Extras.of(own) if own else Extras()
        extras.upright = extras.upright or self.own.is_there
        if extras.split is None:
            extras.split = Extras.of({"split": entry.split}).split
        image = self.into.image(file, (own.get("width"), own.get("height")), extras)
        if image is None:
            return
        if entry.labels.is_file() and not self._is_ours(entry.labels):
            self.into.report("link", f"a link that leads out of {self.home}; passed over", entry.labels)
        elif entry.labels.is_file():
            try:
                text = _read_text(entry.labels, _MAX_LINES, "a label file of YOLO")
            except InputError as error:
                self.into.report("labels", f"{str(error).removeprefix(f'{entry.labels}: ')}; skipped", entry.labels)
                return
            for number, line in enumerate(text.splitlines(), start=1):
                if line.strip():
                    self._line(image, line, number, entry.labels)
        without = own.get("boxes_without_label")
        for place, corners in enumerate(without if isinstance(without, list) else ()):
            if isinstance(corners, list):
                self.into.box(image, corners, NO_LABEL, f"box {place} without a label", ("none", entry.name, place))

    def _image_file(self, name: str, folder: Path) -> Path | None:
        tail = name.replace("\\", "/").removeprefix("./").removeprefix(f"{IMAGES}/")
        if self.root is not None:
            for given in dict.fromkeys((name, tail)):
                try:
                    return self.into.folders.find(given, [folder, self.root])[0]
                except LookupFault:
                    continue
        return self.into.find(name, [folder, self.home])

    def _is_ours(self, file: Path) -> bool:
        return file.resolve().is_relative_to(self.home.resolve())

    def finish(self) -> None:
        """Take in the lines that wait until all of the data set were seen."""
        for line in self._waiting:
            self._take(line)
        self._waiting.clear()

    def _line(self, image: int, text: str, number: int, file: Path) -> None:
        line = self.lines.read(text, image, number, file)
        if line is None:
            self.into.report("line", f"line {number}: {quote_short(text)!r} is no class and box; skipped", file)
        elif line.count > 5 or (self._waiting and self._waiting[-1].image == image):  # the boxes keep their order
            self._waiting.append(line)
        else:
            self._take(line)

    def _take(self, line: Line) -> None:
        number = float(line.label)
        label = self.labels.get(int(number)) if number.is_integer() else None
        if label is None:
            text = f"{line.where}: there is no class {quote_short(line.label)}; skipped"
            self.into.report("dangling label", text, line.file)
            return
        kind = self.lines.find_kind(line.count)
        corners = find_shares(kind, line)
        if corners[0] >= corners[2] or corners[1] >= corners[3]:
            text = f"{line.where}: its box {quote_short(line.text)} has no area; skipped"
            self.into.report("area", text, line.file)
            return
        if explanation := explain_kind(kind):
            self.into.note(kind, f"{line.where}: {explanation}", line.file)
        across, down = self.into.size(line.image)
        scaled = [corners[0] * across, corners[1] * down, corners[2] * across, corners[3] * down]
        # In a file of ours, boxes are one only if they are alike to the last digit.
        key = (line.image, *corners) if self.own.is_there else None
        self.into.box(line.image, scaled, label, line.where, key)


def _split_in(name: str) -> str:
    for part in PurePosixPath(name).parts[:-1]:
        if part in (*SPLITS, "valid"):
            return {"valid": "val"}.get(part, part)
    return ""


def _shared_folder(entries: Sequence[_Entry]) -> set[Path]:
    """Label files that are those of several images, whose boxes they hold being anybody's guess."""
    names: dict[Path, str] = {}
    shared = set()
    for entry in entries:
        if names.setdefault(entry.labels, entry.name) != entry.name and entry.labels.is_file():
            shared.add(entry.labels)
    return shared


# Writing


def write(sheet: Sheet) -> None:
    """labels/<name>.txt for each image, a list for each split, and the classes in data.yaml and classes.txt."""
    order = sorted(range(len(sheet.labels)), key=lambda place: sheet.labels[place].number)
    classes = {place: number for number, place in enumerate(order)}
    lists: dict[str, list[str]] = {split: [] for split in (*SPLITS, "none")}
    for _, image in sheet.advancing():
        name = f"{IMAGES}/{image.stem}{PurePosixPath(image.name).suffix}"
        lines, without = [], []
        for row, labels in enumerate(image.labels):
            x1, y1, x2, y2 = image.boxes[row].tolist()
            if not labels:
                without.append([x1, y1, x2, y2])
            box = (
                (x1 + x2) / 2 / image.width,
                (y1 + y2) / 2 / image.height,
                (x2 - x1) / image.width,
                (y2 - y1) / image.height,
            )
            lines += [f"{classes[label]} {' '.join(map(repr, box))}\n" for label in labels]
        sheet.write_text(f"{LABELS}/{image.stem}.txt", "".join(lines))
        lists[image.split].append(f"./{name}\n")
        own: dict[str, Any] = {"name": f"./{name}", "width": image.width, "height": image.height, **image.extras()}
        if not sheet.copied:
            own["source"] = image.name
        if without:
            own["boxes_without_label"] = without
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
