"""VGG Image Annotator: its annotation files (JSON, CSV) and projects of version 2, and projects of version 3. They are read, not written.

Version 2, for each image: `filename`, `regions` with `shape_attributes` and `region_attributes`, `file_attributes`.
Version 3: `file`, `view`, `metadata` and `attribute`, which point to each other by ids; `via_three` brings them into the
shape of version 2.

The labels of a box are its region's attributes: the one that is called after a label (label, class, type, ...), or all
of them where none is; a checkbox gives a label for each option that is ticked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.formats.annotations import Format, ImportedAnnotations
from core.formats.collecting import NO_LABEL, AnnotationCollector, Progress
from core.formats.difficult_marks import find_marks
from core.formats.extras import Extras
from core.formats.json_stream import JsonError, JsonObject, Unreadable
from core.formats.lookup import files_below
from core.formats.outlines import OutlineError
from core.formats.split_words import parse_split
from core.formats.text import quote_short, read_ends, read_utf8
from core.formats.via_regions import LabelChoice, describe_values, find_corners
from core.formats.via_table import find_entries as find_rows
from core.formats.via_table import is_table
from core.formats.via_three import find_entries, is_third

MAX_BYTES = 2**28
_MOST = 200_000  # images, or regions
_SNIFFED = 2**16
_MAX_NOTE = 2000  # characters
_IMAGES = "_via_img_metadata"
_WHAT = "a file of VGG Image Annotator"

_Entries = Callable[[], Iterable[Any]]


def is_file(text: bytes) -> bool:
    """True if a file that begins and ends so is one of VIA's."""
    return (
        b'"_via_img_metadata"' in text
        or (b'"data_format_version"' in text and b'"vid_list"' in text)
        or (b'"regions"' in text and b'"filename"' in text and b'"file_attributes"' in text)
    )


def read(path: Path, images_root: Path | None = None, progress: Progress | None = None) -> ImportedAnnotations:
    """Read one file, or all below a folder; names of images are taken as below `images_root` or beside the file.

    Raises InputError if a file is none, or a folder holds none.
    """
    path = path.absolute()
    files = (
        [path]
        if not path.is_dir()
        else [file for file in files_below(path, frozenset({".json", ".csv"})) if _is_ours(file)]
    )
    if not files:
        raise InputError(f"{path}: there is no file of VGG Image Annotator in it; choose the file")
    home = path if path.is_dir() else path.parent
    collector = AnnotationCollector(Format.VIA, path, images_root, progress, base=home)
    for file in files:
        collector.begin_part()
        try:
            _read_file(file, collector)
        except JsonError as error:
            raise InputError(f"{file}: not {_WHAT} (not JSON: {error}); save it again") from error
    return collector.finish()


def _is_ours(file: Path) -> bool:
    text = read_ends(file, _SNIFFED)
    return is_table(text) if file.suffix.lower() == ".csv" else is_file(text)


def _list_entries(file: Path, into: AnnotationCollector) -> tuple[_Entries, Any, Any]:
    """(the images, again and again; how a project defines the attributes of regions; its settings)."""
    if is_table(read_ends(file, _SNIFFED)):
        return find_rows(file, into, _MOST).copy, None, None
    tree = JsonObject(read_utf8(file, MAX_BYTES, _WHAT), _MOST)
    if is_third(tree):
        return find_entries(tree, file, into, _MOST).copy, None, None
    if _IMAGES not in tree:
        return tree.values, None, None
    if not tree.is_object(_IMAGES):
        raise InputError(f"{file}: not {_WHAT} (its {_IMAGES} is no object)")
    attributes = tree.value("_via_attributes")
    defined = attributes.get("region") if isinstance(attributes, dict) else None
    return tree.child(_IMAGES, _MOST).values, defined, tree.value("_via_settings")


def _read_file(file: Path, into: AnnotationCollector) -> None:
    entries, defined, settings = _list_entries(file, into)
    total = 0
    choice = LabelChoice(defined)
    for entry in entries():
        total += 1
        for region in list_regions(entry):
            choice.see(region.get("region_attributes"))
    choice.decide()
    reader = _Reader(file, into, choice, _find_folder(settings))
    for done, entry in enumerate(entries(), start=1):
        reader.read(entry, done)
        into.advance(done, total)
    reader.finish()


def list_regions(entry: Any) -> list[dict[str, Any]]:
    """The regions of an image that are objects; version 1 numbers them."""
    regions = entry.get("regions") if isinstance(entry, dict) else None
    if isinstance(regions, dict):
        regions = list(regions.values())
    return [region for region in regions if isinstance(region, dict)] if isinstance(regions, list) else []


def _find_folder(settings: Any) -> str:
    """The folder that names of images start at, as the project says."""
    core = settings.get("core") if isinstance(settings, dict) else None
    folder = core.get("default_filepath") if isinstance(core, dict) else None
    return folder if isinstance(folder, str) and "\0" not in folder else ""


class _Reader:
    """Takes the images of one file into a collector."""

    def __init__(self, file: Path, collector: AnnotationCollector, choice: LabelChoice, folder: str) -> None:
        self.file = file
        self.into = collector
        self.choice = choice
        self._beside = [file.parent, *([file.parent / folder] if folder else []), file.parent / "images"]
        self._noted = 0

    def read(self, entry: Any, number: int) -> None:
        where = f"image {number}"
        if isinstance(entry, Unreadable) or not isinstance(entry, dict):
            why = entry.reason if isinstance(entry, Unreadable) else "not an object"
            self.into.report("entry", f"{where}: {why}; skipped", self.file)
            return
        name = entry.get("filename")
        if not isinstance(name, str) or not name.strip() or "\0" in name:
            self.into.report("name", f"{where}: it has no file name; skipped", self.file)
            return
        file = self.into.find(name, self._beside, self.file)
        if file is None:
            self.into.lose_boxes("file", len(list_regions(entry)))
            return
        again = self.into.is_listed(file)
        image = self.into.image(file, extras=self._find_extras(entry.get("file_attributes")))
        if image is None:
            self.into.lose_boxes("image", len(list_regions(entry)), file)
            return
        if again:
            self.into.report("listed", "it is listed twice; the boxes of both entries were put together", file)
        for place, region in enumerate(list_regions(entry), start=1):
            self._region(image, region, f"{quote_short(name)}, region {place}")

    def _find_extras(self, values: Any) -> Extras:
        extras = Extras()
        if not isinstance(values, dict):
            return extras
        rest = dict(values)
        for key, value in values.items():
            if key.strip().lower() in ("split", "set", "subset") and isinstance(value, str) and parse_split(value):
                extras.split = parse_split(value)
                rest.pop(key)
        note = describe_values(rest)[:_MAX_NOTE]
        self._noted += bool(note)
        extras.note = note or None
        return extras

    def _region(self, image: int, region: dict[str, Any], where: str) -> None:
        shape = region.get("shape_attributes")
        kind = shape.get("name") if isinstance(shape, dict) else None
        try:
            corners = find_corners(shape)
        except OutlineError as error:
            self.into.skip_box(image, "shape", f"{where}: {error}; skipped", self.file)
            return
        names = self.choice.find_labels(region.get("region_attributes"))
        labels = [
            label for name in names if (label := self.into.label_of_box(image, name, where, self.file)) is not None
        ]
        if names and not labels:
            return
        if kind != "rect":
            self.into.note("outline", f"{where}: a {quote_short(kind)}; the box around it was taken", self.file)
        marks = find_marks(region.get("region_attributes"), known_only=True)
        if not names:
            self.into.note("no label", f"{where}: it has no label; a box without one was made", self.file)
        for label in labels or [NO_LABEL]:
            # Several labels of one region are no boxes that happen to coincide.
            key = (str(self.file), where) if len(labels) > 1 else None
            self.into.box(image, corners, label, where, key, marks=marks)

    def finish(self) -> None:
        """Say what was left out, or went elsewhere."""
        if self.choice.left_out:
            names, chosen = ", ".join(self.choice.left_out[:10]), ", ".join(self.choice.chosen[:10])
            self.into.note(
                "attribute", f"attributes of regions were left out: {names}; labels are those of {chosen}", self.file
            )
        if self._noted:
            images = "1 image" if self._noted == 1 else f"{self._noted:,} images"
            self.into.note("tag", f"attributes of {images} were taken as notes", self.file)
