"""COCO detection files: one JSON object with images, annotations (boxes as x, y, width, height) and categories.

Only the file as a whole is refused; a bad entry is left out or mended, and reported with its id.

Of our own, which other programs pass over: annotations of one box share a `box_id` and tell its `label_set` (category
ids); `defectdesk` of an image holds its status, split, group, note, content hash and the boxes that have no label yet;
`defectdesk` of a category holds its colour.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeGuard

from core.errors import InputError
from core.formats.annotations import CROWD, DIFFICULT, Format, ImportedAnnotations
from core.formats.coco_boxes import (
    BoxFault,
    CocoBox,
    find_attributes,
    find_box,
    find_marks,
    is_brush_mask,
    parse_bbox,
)
from core.formats.coco_categories import find_spare_labels, name_categories
from core.formats.collecting import MAX_LABELS, NO_LABEL, AnnotationCollector, Progress
from core.formats.export_plan import Sheet, SheetImage
from core.formats.extras import Extras, list_bare_boxes
from core.formats.image_index import find_home, list_places
from core.formats.json_stream import DuplicateKeys, JsonError, JsonObject, Unreadable
from core.formats.split_names import find_file_split
from core.formats.text import quote_short, read_utf8

MAX_BYTES = 2**29  # COCO's own training file has 448 MiB
FILE_NAME, IMAGES = "annotations.json", "images"
_MOST_ATTRIBUTES = 1000
PARTS = ("images", "annotations", "categories")

_Entry = dict[str, Any]
_Id = int | str


def read(path: Path, images_root: Path | None = None, progress: Progress | None = None) -> ImportedAnnotations:
    """Read a COCO file; file names are taken as below `images_root` (None: the folder of `path`).

    Boxes of one image that coincide (IoU of at least 0.9) become one box with all their labels. Raises
    InputError if the file cannot be read or is no COCO file.
    """
    return read_files([path], path, images_root, progress)


def read_files(
    paths: Sequence[Path], source: Path, images_root: Path | None = None, progress: Progress | None = None
) -> ImportedAnnotations:
    """Read several COCO files as one, such as one for each split: train, val or test in their names is taken as such.

    File names are taken as below `images_root`, or else each as below the folder of its file. Raises InputError.
    """
    source = source.absolute()
    top = source if source.is_dir() else source.parent
    base = find_home(top)
    collector = AnnotationCollector(Format.COCO, source, images_root, progress, base=base)
    foreign: list[InputError] = []
    for path in paths:
        try:
            _Reader(path.absolute(), collector, find_file_split(path.absolute(), top)).read()
        except NoDetectionError as error:
            # Captions, panoptic masks or lists of images lie beside the boxes.
            foreign.append(error)
            collector.note("passed over", f"{str(error).removeprefix(f'{path}: ')}; passed over", path)
        except JsonError as error:
            raise InputError(f"{path}: not a COCO file (not JSON: {error}); export it again") from error
    if len(foreign) == len(paths):
        raise foreign[0]
    return collector.finish()


class NoDetectionError(InputError):
    """A file without boxes: of captions, of masks, or of something else."""


class _Reader:
    """Reads the parts of one file into a collector."""

    def __init__(self, path: Path, collector: AnnotationCollector, split: str) -> None:
        self.path = path
        self.split = split
        self._beside = list_places(path)
        self.into = collector
        self._labels: dict[_Id, int] = {}
        self._reserved: dict[_Id, str] = {}  # what categories stand for that are no defect
        self._images: dict[_Id, int] = {}
        self._twice: dict[_Id, int | None] = {}  # the first image of an id that several have
        self._files: dict[_Id, Path] = {}  # of images that were left out
        self._doubtful_labels: set[_Id] = set()
        self._listed: dict[_Id, str] = {}  # names by image id, also of images that were skipped
        self._box_labels: dict[tuple[_Id, _Id], set[_Id]] = {}
        self._label_sets: dict[tuple[_Id, _Id], frozenset[_Id]] = {}
        self._crowds: list[_Entry] = []
        self._attributes: set[str] = set()  # that nothing is made of
        self._has_single = False  # one annotation is no crowd

    def read(self) -> None:
        tree = JsonObject(read_utf8(self.path, MAX_BYTES, "a COCO file"))
        has_none = not tree.is_list("annotations") and "annotations" in tree and tree.value("annotations") is None
        if has_none:
            self.into.note("entry", "its annotations are null; taken as none", self.path)
        for key in PARTS[::2] if has_none else PARTS:
            if not tree.is_list(key):
                raise NoDetectionError(f"{self.path}: not a COCO detection file (it has no list of {key})")
            if key in tree.twice:
                raise InputError(f"{self.path}: it has the list of {key} twice, and a reader sees only one; join them")
        self.into.begin_part()
        entries = self._entries(tree, "categories", "category", ("id", "name"))
        self._categories(list(islice(entries, MAX_LABELS + 1)))
        for entry in self._entries(tree, "images", "image", ("id", "file_name", "width", "height")):
            self._image(entry)
        watched = ("id", "image_id", "category_id", "bbox")
        used: set[_Id] = set()
        for entry in self._entries(tree, "annotations", "annotation", watched) if not has_none else ():
            if entry["id"] in used:
                self.into.report(
                    "double id",
                    f"annotation {quote_short(entry['id'])}: the id is used twice; both were kept",
                    self.path,
                )
            used.add(entry["id"])
            self._annotation(entry)
        self._take_crowds()
        if self._attributes:
            names = ", ".join(quote_short(name) for name in sorted(self._attributes)[:10])
            self.into.note("attribute", f"attributes of annotations were left out: {names}", self.path)
        self._compare_label_sets()

    def _entries(self, tree: JsonObject, key: str, what: str, watched: Sequence[str]) -> Iterator[_Entry]:
        """The entries that are objects with an id."""
        unusable: dict[str, list[int]] = {}
        total = 0
        for place, entry in enumerate(tree.entries(key, watched), start=1):
            total = place
            if isinstance(entry, dict):
                self._mend_id(entry, what, place)
            fault = _find_fault(entry)
            if fault is None:
                if isinstance(entry, DuplicateKeys):
                    twice = " and ".join(name for name in entry.twice if name in watched)
                    if twice:
                        text = f"{what} {quote_short(entry['id'])}: it has {twice} twice; the last was taken"
                        self.into.report("double key", text, self.path)
                yield entry
                continue
            places = unusable.setdefault(fault, [place, 0])
            places[1] += 1
            if places[1] > 100_000 and places[1] * 2 > total:
                raise InputError(
                    f"{self.path}: more of its {key} are unusable ({fault}) than not; is it the right file?"
                )
        # A file of something else has these by the million: one line for all of them.
        for fault, (first, count) in unusable.items():
            more = f" and {count - 1:,} more" if count > 1 else ""
            self.into.report("entry", f"{what} number {first}{more}: {fault}; skipped", self.path)

    def _mend_id(self, entry: _Entry, what: str, place: int) -> None:
        """Whole numbers as other programs write them, 1.0; nobody refers to an annotation, which needs no id."""
        told = entry.get("id")
        if type(told) is float:
            entry["id"] = _to_whole(told)
        elif told is None and what == "annotation" and "image_id" in entry:
            entry["id"] = f"number {place:,}"
            self.into.note_once(
                "no id", "annotations have no id; they are called by their places in the list", self.path
            )

    def _categories(self, entries: list[_Entry]) -> None:
        if len(entries) > MAX_LABELS:
            raise InputError(f"{self.path}: it has more than {MAX_LABELS:,} labels; is it the right file?")
        names = name_categories(entries)
        for entry, name in zip(entries, names, strict=True):
            self._category(entry, name)
        for name, reason in find_spare_labels(entries).items():
            self.into.spare_label(name, reason)

    def _category(self, entry: _Entry, name: Any) -> None:
        where = f"category {quote_short(entry['id'])}"
        if entry["id"] in self._labels:
            first = self.into.label_names[self._labels[entry["id"]]]
            if not isinstance(name, str) or name.strip() != first:
                self._doubtful_labels.add(entry["id"])
                text = f"{where}: both {first!r} and {quote_short(name)!r} have the id; the boxes with it were left out"
                self.into.report("double id", text, self.path)
            return
        try:
            label = self.into.label(name)
        except ValueError as error:
            self.into.report("category", f"{where}: {error}; skipped, and its boxes with it", self.path)
            return
        if label in self._labels.values():
            text = f"{where}: another category is called {quote_short(name)!r}, too; they became one label"
            self.into.note("one name", text, self.path)
        elif name != entry.get("name") and not isinstance(entry.get("name"), int | float):
            why = "has no name" if not entry.get("name") else "shares its name with another"
            text = f"{where}: it {why}; it became the label {quote_short(name)!r} after its supercategory"
            self.into.note("renamed category", text, self.path)
        self._labels[entry["id"]] = label
        if meaning := self.into.find_reserved_meaning(self.into.label_names[label]):
            self._reserved[entry["id"]] = meaning
        own = entry.get("defectdesk")
        color = own.get("color") if isinstance(own, dict) else None
        if isinstance(color, str) and re.fullmatch("#[0-9a-f]{6}", color):
            self.into.colors[str(name).strip()] = color

    def _image(self, entry: _Entry) -> None:
        name = entry.get("file_name")
        where = f"image {quote_short(entry['id'])}"
        if not isinstance(name, str) or not name or "\0" in name:
            self.into.report("name", f"{where}: it has no file name; skipped", self.path)
            self._listed.setdefault(entry["id"], "")
            return
        first = self._listed.get(entry["id"])
        if first:
            if first != name:
                # Nobody can tell on which of them its boxes were drawn.
                self._twice.setdefault(entry["id"], self._images.pop(entry["id"], None))
                text = f"{where}: both {quote_short(first)} and {quote_short(name)} have the id; the boxes with it were left out"
                self.into.report("double id", text, self.path)
            else:
                self.into.pass_over()
            return
        self._listed[entry["id"]] = name
        file = self.into.find(name, self._beside, self.path)
        if file is None:
            return
        again = self.into.is_listed(file)
        own = entry.get("defectdesk")
        extras = Extras.of(own if own is not None else {"split": self.split})
        image = self.into.image(file, (entry.get("width"), entry.get("height")), extras)
        if image is None:
            self._files[entry["id"]] = file
            return
        if again:
            self.into.report("listed", "it is listed twice; the boxes of both entries were put together", file)
        self._images[entry["id"]] = image
        for place, bbox, marks in list_bare_boxes(own):
            where_box = f"{where}, box without a label"
            try:
                found = CocoBox(parse_bbox(bbox))
            except BoxFault as error:
                self.into.skip_box(image, "box", f"{where_box}: {error}; skipped", file)
                continue
            self._box(image, found, NO_LABEL, where_box, ("no label", entry["id"], place), marks)

    def _annotation(self, entry: _Entry) -> None:
        where = f"annotation {quote_short(entry['id'])}"
        category = entry.get("category_id")
        if type(category) is float or type(entry.get("image_id")) is float:
            category = entry["category_id"] = _to_whole(category)
            entry["image_id"] = _to_whole(entry.get("image_id"))
        image = self._find_image_id(entry)
        if not _is_id(image) or image not in self._images:
            # An image that was skipped has been reported with its boxes.
            if not _is_id(image) or image not in self._listed:
                text = f"{where}: there is no image {quote_short(image)}; skipped"
                self.into.report("dangling image", text, self.path)
                self.into.lose_boxes("dangling image")
            else:
                self.into.pass_over()
                twice = self._twice.get(image)
                if twice is not None:
                    self.into.drop_boxes(twice, "double id")
                else:
                    self.into.lose_boxes("image", 1, self._files.get(image))
            return
        file = self.into.path(self._images[image])
        if _is_id(category) and category in self._doubtful_labels:
            self.into.pass_over()
            self.into.drop_boxes(self._images[image], "double id")
            return
        if not _is_id(category) or category not in self._labels:
            text = f"{where}: there is no category {quote_short(category)}; skipped"
            self.into.skip_box(self._images[image], "dangling label", text, file)
            return
        if category in self._reserved:
            text = f"{where}: it is of no defect, {self._reserved[category]}; skipped"
            self.into.skip_box(self._images[image], "reserved", text, file)
            return
        if entry.get("iscrowd") in (1, True):
            if entry.get("bbox"):
                entry.pop("segmentation", None)  # masks of a whole file would fill the memory
            self._crowds.append(entry)
            return
        self._has_single = True
        self._take(entry, where)

    def _find_image_id(self, entry: _Entry) -> Any:
        """The id of the annotation's image; where images have texts and annotations numbers, the same in their kind."""
        image = entry.get("image_id")
        if not _is_id(image) or image in self._listed:
            return image
        other: _Id = str(image)
        if isinstance(image, str):
            other = int(image) if image.isascii() and image.isdigit() and len(image) < 20 else image
        if other not in self._listed:
            return image
        text = f"image_id is a {_describe_type(image)} where the image's id is a {_describe_type(other)}; taken as the same"
        self.into.note_once("kind of id", text, self.path)
        entry["image_id"] = other
        return other

    def _take_crowds(self) -> None:
        """Crowd regions are difficult boxes, but a program that marks all, or its brush's masks, means its masks."""
        masks = [
            entry
            for entry in self._crowds
            if not entry.get(DIFFICULT) and (not self._has_single or is_brush_mask(entry))
        ]
        if masks:
            count = f"{len(masks):,} annotation{' is' if len(masks) == 1 else 's are'}"
            which = f"all {count}" if not self._has_single and len(masks) > 1 else count
            text = f"{which} marked as crowd, as some programs mark masks; taken as boxes"
            self.into.note("crowd", text, self.path)
        taken = {id(entry) for entry in masks}
        for entry in self._crowds:
            # It says nothing of single defects, as a difficult box does not; ours are both.
            marks = [] if id(entry) in taken or entry.get(DIFFICULT) else [CROWD]
            self._take(entry, f"annotation {quote_short(entry['id'])}", marks)
        self._crowds.clear()

    def _take(self, entry: _Entry, where: str, marks: Sequence[str] = ()) -> None:
        image, category = entry["image_id"], entry["category_id"]
        try:
            found = find_box(entry)
        except BoxFault as error:
            self.into.skip_box(
                self._images[image], "box", f"{where}: {error}; skipped", self.into.path(self._images[image])
            )
            return
        box_id, label_set = entry.get("box_id"), entry.get("label_set")
        key = None
        if _is_id(box_id):
            key = (image, box_id)
            listed = label_set if isinstance(label_set, list) else []
            if len(listed) > 1 or key in self._label_sets:
                self._label_sets[key] = frozenset(label for label in listed if _is_id(label))
                self._box_labels.setdefault(key, set()).add(category)
        if "attributes" in entry and len(self._attributes) < _MOST_ATTRIBUTES:
            self._attributes |= find_attributes(entry)
        self._box(self._images[image], found, self._labels[category], where, key, [*marks, *find_marks(entry)])

    def _box(self, image: int, found: CocoBox, label: int, where: str, key: object, marks: Sequence[str] = ()) -> None:
        if found.told:
            self.into.note("outline", f"{where}: {found.told}", self.into.path(image))
        self.into.box(image, found.corners, label, where, key, marks=marks)

    def _compare_label_sets(self) -> None:
        """Another program may have changed annotations and left our fields as they were: the annotations count."""
        for (image, box_id), told in self._label_sets.items():
            if told != self._box_labels[image, box_id]:
                text = f"box {quote_short(box_id)}: its label_set differs from its annotations, which were followed"
                self.into.report("label set", text, self.into.path(self._images[image]))


def _find_fault(entry: Any) -> str | None:
    if isinstance(entry, Unreadable):
        return entry.reason
    if not isinstance(entry, dict):
        return "not an object"
    return None if _is_id(entry.get("id")) else "it has no id"


def _to_whole(value: Any) -> Any:
    """1 for 1.0, and anything else as it is."""
    return int(value) if type(value) is float and value.is_integer() else value


def _describe_type(value: _Id) -> str:
    return "text" if isinstance(value, str) else "number"


def _is_id(value: Any) -> TypeGuard[_Id]:
    return type(value) is int or type(value) is str  # as JSON has them; no bool


# Writing


def write(sheet: Sheet) -> None:
    """One file with all of it; annotations of one box share its id."""
    with sheet.text_file(FILE_NAME) as file:
        file.write(
            '{\n"info": '
            + _encode_json({"description": "DefectDesk", "boxes": "x, y, width, height of upright images"})
        )
        file.write(',\n"licenses": [],\n"categories": [')
        for place, label in enumerate(sheet.labels):
            entry = {"id": label.number, "name": label.name, "supercategory": "", "defectdesk": {"color": label.color}}
            file.write((",\n" if place else "\n") + _encode_json(entry))
        file.write('\n],\n"images": [')
        for number, image in enumerate(sheet.images, start=1):
            file.write((",\n" if number > 1 else "\n") + _encode_json(_image_entry(number, image, sheet)))
        file.write('\n],\n"annotations": [')
        annotation, box_id = 0, 0
        for number, image in sheet.advancing():
            for row, labels in enumerate(image.labels):
                box_id += 1
                numbers = [sheet.labels[label].number for label in labels]
                for category in numbers:
                    annotation += 1
                    bbox = _format_bbox(image.boxes[row])
                    entry = {
                        "id": annotation,
                        "image_id": number,
                        "category_id": category,
                        "bbox": bbox,
                        "area": bbox[2] * bbox[3],
                        "iscrowd": int(row in image.difficult),
                        "segmentation": [],
                        "box_id": box_id,
                        "label_set": numbers,
                    } | ({"difficult": 1} if row in image.difficult else {})
                    file.write((",\n" if annotation > 1 else "\n") + _encode_json(entry))
        file.write("\n]\n}\n")


def _image_entry(number: int, image: SheetImage, sheet: Sheet) -> _Entry:
    return {
        "id": number,
        "file_name": f"{IMAGES}/{image.name}" if sheet.copied else image.name,
        "width": image.width,
        "height": image.height,
        "defectdesk": {**image.extras(), **image.bare_boxes(_format_bbox)},
    }


def _format_bbox(box: Any) -> list[float]:
    x1, y1, x2, y2 = box.tolist()
    return [x1, y1, x2 - x1, y2 - y1]


def _encode_json(value: Any) -> str:
    # Plain ASCII: the same for readers that take the encoding of their machine for the file's.
    return json.dumps(value, allow_nan=False)
