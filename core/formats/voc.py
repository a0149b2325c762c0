"""Pascal VOC: one XML file an image, below Annotations; lists of the splits below ImageSets/Main.

Corners are whole pixels, for many readers take no others. Of our own, which others pass over: `defectdesk` of an object
holds the number of its box and its exact corners, which count as long as they round to the whole ones; `defectdesk` of
the file holds the image's status, split, group, note and content hash, and boxes without a label.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath
from xml.etree.ElementTree import Element, ParseError
from xml.etree.ElementTree import fromstring as parse_plain

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from core.errors import InputError
from core.formats.annotations import DIFFICULT, Format, ImportedAnnotations
from core.formats.collecting import NO_LABEL, AnnotationCollector, Progress
from core.formats.export_plan import Sheet, SheetImage
from core.formats.extras import Extras
from core.formats.image_index import find_folded, find_home, is_for_annotations
from core.formats.lookup import files_below
from core.formats.split_names import find_split_of_folder
from core.formats.text import parse_number, read_limited
from core.formats.voc_boxes import CORNERS, VocBox, find_boxes, find_marks

ANNOTATIONS, IMAGES, LISTS = "Annotations", "JPEGImages", "ImageSets/Main"
MAX_BYTES = 2**23  # of one file: expat needs 24 s for an attribute of 50 MB
_MAX_TAGS = 500_000
_LONGEST_NAME = 1000
_SPLITS = {"train": "train", "val": "val", "test": "test"}
_XML_START = 1000  # bytes in which an encoding is declared
_ENCODING = re.compile(rb"""encoding\s*=\s*["']([^"']*)""")
_LIKE_ASCII = (b"utf-8", b"us-ascii", b"ascii", b"iso-8859-1")
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read(path: Path, images_root: Path | None = None, progress: Progress | None = None) -> ImportedAnnotations:
    """Read one XML file, or all below a folder; images lie beside, or in JPEGImages or images, or in `images_root`.

    Raises InputError if a single file is none, or a folder holds none.
    """
    path = path.absolute()
    if path.is_dir():
        files = list(files_below(path, frozenset({".xml"})))
        home = path
    else:
        files = [path]
        home = path.parent
    home = find_home(home)
    if not files:
        raise InputError(f"{path}: there is no XML file in it; choose the folder of the annotations")
    collector = AnnotationCollector(Format.VOC, path, images_root, progress, base=home)
    reader = _Reader(home, collector)
    for done, file in enumerate(files, start=1):
        try:
            reader.read(file)
        except InputError as error:
            if path == file:
                raise
            collector.report("broken file", f"{str(error).removeprefix(f'{file}: ')}; skipped", file)
        collector.advance(done, len(files))
    return collector.finish()


class _Reader:
    def __init__(self, home: Path, collector: AnnotationCollector) -> None:
        self.home = home
        self.into = collector
        self._homes: dict[Path, tuple[Path, Path]] = {}
        self._splits: dict[Path, dict[str, str]] = {}
        self._folders: dict[tuple[Path, str], Path | None] = {}

    def _find_home(self, file: Path) -> tuple[Path, Path]:
        """(folder above that of the annotations, way from there on to the file's) of an XML file."""
        folder = file.parent
        if folder not in self._homes:
            ways = folder.relative_to(self.home).parts if folder.is_relative_to(self.home) else ()
            places = [place for place, name in enumerate(ways) if is_for_annotations(name)]
            home = self.home.joinpath(*ways[: places[0]]) if places else self.home
            self._homes[folder] = (home, Path(*ways[places[0] + 1 :]) if places else Path(*ways))
        return self._homes[folder]

    def _find_folder(self, home: Path, name: str) -> Path | None:
        if (home, name) not in self._folders:
            parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
            self._folders[home, name] = find_folded(home, parts) if parts and len(name) < _LONGEST_NAME else None
        return self._folders[home, name]

    def _read_lists(self, home: Path) -> dict[str, str]:
        """Which split an image is in, by the stem of its file below Annotations."""
        if home not in self._splits:
            splits = self._splits[home] = {}
            for name, split in _SPLITS.items():
                path = find_folded(home, [*LISTS.split("/"), f"{name}.txt"])
                if path is not None and path.is_file():
                    text = read_limited(path, MAX_BYTES * 8, "a list of images").decode(errors="replace")
                    for line in text.splitlines():
                        splits[line.strip()] = split
        return self._splits[home]

    def read(self, file: Path) -> None:
        root = _parse_xml(file)
        own = _read_extras(root)
        home, inner = self._find_home(file)
        name = _element_text(root, "filename")
        if not own:
            name = name.strip()
        # Ours are named from the folder of images on; others, beside their file's folder, or below that one.
        deep = [] if own else [inner]
        folders = dict.fromkeys((_element_text(root, "folder"), IMAGES, "images"))
        tops = [top for folder in folders if (top := self._find_folder(home, folder)) is not None]
        places = [top / below for top in tops for below in (*deep, Path())] + ([] if own else [file.parent])
        others = dict.fromkeys((name, PureWindowsPath(_element_text(root, "path")).name, file.stem))
        image_file = self.into.find(name, places, file, [other for other in others if other])
        if image_file is None:
            self.into.lose_boxes("file", sum(1 for _ in root.iter("object")))
            return
        again = self.into.is_listed(image_file)
        size = root.find("size")
        stated = ("", "") if size is None else (_element_text(size, "width"), _element_text(size, "height"))
        if "split" not in own:
            listed = self._read_lists(home).get(inner.joinpath(file.stem).as_posix())
            own["split"] = listed or find_split_of_folder(file, self.home)
        self.into.begin_part()
        image = self.into.image(image_file, stated, Extras.of(own))
        if image is None:
            self.into.lose_boxes("image", sum(1 for _ in root.iter("object")), image_file)
            return
        if again:
            text = "another file is about this image, too; the boxes of both were put together"
            self.into.report("listed", text, file)
        for place, entry in enumerate(root.iter("object"), start=1):
            self._object(image, entry, f"object {place}", file)
        for place, entry in enumerate(root.findall("defectdesk/box_without_label"), start=1):
            corners = (entry.text or "").split()
            marks = [DIFFICULT] if entry.get(DIFFICULT) == "1" else []
            where = f"box {place} without a label"
            self.into.box(image, corners, NO_LABEL, where, (str(file), "none", place), marks=marks)

    def _object(self, image: int, entry: Element, where: str, file: Path) -> None:
        names = [child for child in entry if child.tag == "name"]
        if len(names) > 1:
            self.into.note("names", f"{where}: it has {len(names)} names; its box got all of them as labels", file)
        labels = []
        for name in [_read_content(child) for child in names] or [""]:
            label = self.into.label_of_box(image, name, where, file)
            if label is not None:
                labels.append(label)
        if not labels:
            return
        if entry.find("part") is not None:
            self.into.note("part", f"{where}: its parts were left out, the object itself was taken", file)
        found = list(find_boxes(entry))
        if len(found) > 1:
            self.into.note("boxes", f"{where}: it has {len(found):,} boxes; each became one", file)
        for box in found:
            if isinstance(box, str):
                self.into.skip_box(image, "box", f"{where}: {box}; skipped", file)
                continue
            if box.told:
                self.into.note("outline", f"{where}: {box.told}; the box around it was taken", file)
            self._take(image, box, labels, entry, where, file)

    def _take(self, image: int, box: VocBox, labels: list[int], entry: Element, where: str, file: Path) -> None:
        corners = box.corners
        found = entry.find("defectdesk")
        own = {} if found is None else {child.tag: child.text or "" for child in found}
        exact = [parse_number(text) or 0.0 for text in own.get("exact", "").split()]
        if len(exact) == 4 and _whole_number(exact, self.into.size(image)) == [*map(parse_number, corners)]:
            corners = exact
        # Several names of one box are no boxes that happen to coincide.
        key = own.get("box") or (f"{where}, {corners}" if len(labels) > 1 else None)
        marks = find_marks(entry)
        for label in labels:
            self.into.box(image, corners, label, where, (str(file), key) if key else None, marks=marks)


def _parse_xml(file: Path) -> Element:
    data = read_limited(file, MAX_BYTES, "a Pascal VOC file")
    if data.count(b"<") > _MAX_TAGS:  # also bounds how deep it is nested
        raise InputError(f"{file}: not a Pascal VOC file (it has more than {_MAX_TAGS:,} tags)")
    try:
        # The parser that looks for declarations takes twice the time; here is none that it could find.
        root = parse_plain(data) if _is_plain(data) else fromstring(data, forbid_dtd=True)
    except ParseError as error:
        raise InputError(f"{file}: not a Pascal VOC file (not XML: {error}); export it again") from error
    except DefusedXmlException as error:
        raise InputError(f"{file}: it declares types or entities, which annotations do not need; refused") from error
    except (ValueError, LookupError) as error:  # also an encoding that nobody knows
        raise InputError(f"{file}: not a Pascal VOC file ({error})") from error
    if not isinstance(root, Element) or root.tag != "annotation":
        raise InputError(f"{file}: not a Pascal VOC file (its root is no annotation)")
    return root


def _is_plain(data: bytes) -> bool:
    """True if a file declares no types or entities for certain: it is in an encoding of ASCII's letters, and has none."""
    start = data[:_XML_START]
    named = _ENCODING.search(start)
    is_ascii = b"\0" not in start and (named is None or named[1].lower() in _LIKE_ASCII)
    return is_ascii and b"<!DOCTYPE" not in data and b"<!ENTITY" not in data


def _element_text(element: Element, name: str) -> str:
    return _read_content(element.find(name))


def _read_content(found: Element | None) -> str:
    if found is None or found.text is None:
        return ""
    if found.get("encoding") == "json":
        try:
            value = json.loads(found.text)
        except ValueError:
            return found.text
        return value if isinstance(value, str) else found.text
    return found.text


def _read_extras(root: Element) -> dict[str, str]:
    found = root.find("defectdesk")
    return {} if found is None else {child.tag: _read_content(child) for child in found}


def _whole_number(corners: Sequence[float], size: tuple[int, int]) -> list[float | None]:
    """Corners in whole pixels on an image of `size`, at least one pixel apart."""
    x1, y1 = min(round(corners[0]), size[0] - 1), min(round(corners[1]), size[1] - 1)
    return [float(x1), float(y1), float(max(round(corners[2]), x1 + 1)), float(max(round(corners[3]), y1 + 1))]


# Writing


def write(sheet: Sheet) -> None:
    """Annotations/<name>.xml for each image, and the lists of the splits."""
    lists: dict[str, list[str]] = {split: [] for split in _SPLITS}
    box_number = 0
    for _, image in sheet.advancing():
        lines = ["<annotation>", f"  <folder>{IMAGES if sheet.copied else ''}</folder>"]
        lines.append(_add_element("filename", image.name, 2))
        lines.append("  <source><database>DefectDesk</database></source>")
        # The depth is not known without decoding; readers want the element, none uses it for boxes.
        lines.append(f"  <size><width>{image.width}</width><height>{image.height}</height><depth>3</depth></size>")
        lines.append("  <segmented>0</segmented>")
        without = []
        for row, labels in enumerate(image.labels):
            box_number += 1
            corners = image.boxes[row].tolist()
            if not labels:
                mark = ' difficult="1"' if row in image.difficult else ""
                text = " ".join(map(repr, corners))
                without.append(f"    <box_without_label{mark}>{text}</box_without_label>")
            for label in labels:
                lines += _object_lines(
                    sheet.labels[label].name, box_number, corners, image, difficult=row in image.difficult
                )
        lines.append("  <defectdesk>")
        lines += [_add_element(key, value, 4) for key, value in image.extras().items()]
        lines += without
        lines += ["  </defectdesk>", "</annotation>", ""]
        sheet.write_text(f"{ANNOTATIONS}/{image.stem}.xml", "\n".join(lines))
        if image.split in lists:
            lists[image.split].append(image.stem)
    for split, stems in lists.items():
        if stems:
            sheet.write_text(f"{LISTS}/{split}.txt", "".join(f"{stem}\n" for stem in stems))


def _object_lines(name: str, box_number: int, corners: list[float], image: SheetImage, *, difficult: bool) -> list[str]:
    whole = [
        f"<{tag}>{value:.0f}</{tag}>"
        for tag, value in zip(CORNERS, _whole_number(corners, (image.width, image.height)), strict=True)
    ]
    exact = " ".join(map(repr, corners))
    return [
        "  <object>",
        _add_element("name", name, 4),
        f"    <pose>Unspecified</pose><truncated>0</truncated><difficult>{difficult:d}</difficult>",
        f"    <bndbox>{''.join(whole)}</bndbox>",
        f"    <defectdesk><box>{box_number}</box><exact>{exact}</exact></defectdesk>",
        "  </object>",
    ]


def _add_element(tag: str, text: str, indent: int) -> str:
    """One element; what XML cannot hold goes as JSON, and says so."""
    attribute = ""
    if _NO_XML.search(text):
        attribute, text = ' encoding="json"', json.dumps(text)
    for letter, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#13;")):
        text = text.replace(letter, entity)
    return f"{' ' * indent}<{tag}{attribute}>{text}</{tag}>"
