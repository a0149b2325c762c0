"""CVAT's XML "for images 1.1": one file with all images, their shapes, tags and attributes. It is read, not written.

Boxes may be turned by an angle in degrees; polygons, lines, ellipses, cuboids and masks become the box around them.
Subsets are splits. What is said of an image as a whole, its tags, becomes its note; attributes of shapes are left out.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from core.errors import InputError
from core.formats.annotations import OCCLUDED, Format, ImportedAnnotations
from core.formats.collecting import AnnotationCollector, Progress
from core.formats.cvat_shapes import SHAPES, find_corners, is_turned_shape
from core.formats.difficult_marks import find_known_mark, find_marks
from core.formats.extras import Extras
from core.formats.lookup import files_below
from core.formats.outlines import OutlineError
from core.formats.split_words import parse_split
from core.formats.text import parse_number, quote_short, read_ends, read_limited

MAX_BYTES = 2**29
_LONGEST_TAG = 2**23  # bytes: expat needs 24 s for an attribute of 50 MB
_SNIFFED = 2**12
_DEEPEST = 50
_MAX_TAGS = 200_000  # of one image
_MAX_NOTE = 2000  # characters
_ROOT = re.compile(rb"<\s*annotations[\s>/]")
_COLOR = re.compile("#[0-9a-fA-F]{6}")
_WHAT = "a CVAT file for images 1.1"


def is_file(head: bytes) -> bool:
    """True if a file that begins so is CVAT's, of whatever kind."""
    return _ROOT.search(head) is not None


def read(path: Path, images_root: Path | None = None, progress: Progress | None = None) -> ImportedAnnotations:
    """Read one XML file, or all below a folder; images lie beside, or in `images`, by subset or not, or in `images_root`.

    Raises InputError if a file is none, or a folder holds none.
    """
    path = path.absolute()
    files = [path] if not path.is_dir() else [file for file in files_below(path, frozenset({".xml"})) if _is_ours(file)]
    if not files:
        raise InputError(f"{path}: there is no XML file of CVAT in it; choose the file")
    home = path if path.is_dir() else path.parent
    collector = AnnotationCollector(Format.CVAT, path, images_root, progress, base=home)
    for file in files:
        collector.begin_part()
        _Reader(file, collector).read()
    return collector.finish()


def _is_ours(file: Path) -> bool:
    return is_file(read_ends(file, _SNIFFED))


class _Reader:
    """Reads one file into a collector."""

    def __init__(self, file: Path, collector: AnnotationCollector) -> None:
        self.file = file
        self.into = collector
        self._attributes: set[str] = set()
        self._tagged = 0
        self._odd_subsets: set[str] = set()
        self._lost: set[str] = set()  # names of images that were told of

    def read(self) -> None:
        data = read_limited(self.file, MAX_BYTES, _WHAT)
        total = data.count(b"<image ")
        places = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("<"))
        if len(places) and np.diff(places, append=len(data)).max() > _LONGEST_TAG:
            self._refuse("it has a tag of more than 8 MiB")
        done = 0
        for element in self._elements(data):
            if element.tag == "meta":
                self._meta(element)
            elif element.tag == "image":
                self._image(element)
                done += 1
                self.into.advance(done, max(total, done))
            else:
                self._refuse("it has tracks, as CVAT for video 1.1; export it as CVAT for images 1.1")
        if self._attributes:
            names = ", ".join(sorted(self._attributes)[:10])
            self.into.note("attribute", f"attributes of shapes were left out: {names}", self.file)
        if self._tagged:
            images = "1 image" if self._tagged == 1 else f"{self._tagged:,} images"
            self.into.note("tag", f"tags of {images} were taken as notes", self.file)

    def _elements(self, data: bytes) -> Iterator[Element]:
        """The children of the root, one after the other, so that no more than one is in memory."""
        depth = tags = 0
        root: Element | None = None
        try:
            for event, element in iterparse(io.BytesIO(data), ("start", "end"), forbid_dtd=True):
                depth += 1 if event == "start" else -1
                tags = tags + 1 if depth > 1 else 0
                if tags > _MAX_TAGS:
                    self._refuse(f"an image has more than {_MAX_TAGS:,} tags")
                if depth > _DEEPEST:
                    self._refuse(f"it is nested deeper than {_DEEPEST} levels")
                if root is None:
                    root = element
                    if root.tag != "annotations":
                        self._refuse("its root is no annotations")
                if event == "end" and depth == 1:
                    if element.tag in ("meta", "image", "track"):
                        yield element
                    root.clear()
        except ParseError as error:
            self._refuse(f"not XML: {error}")
        except DefusedXmlException as error:
            text = "it declares types or entities, which annotations do not need; refused"
            raise InputError(f"{self.file}: {text}") from error
        except (ValueError, LookupError) as error:  # also an encoding that nobody knows
            self._refuse(str(error))

    def _refuse(self, why: str) -> NoReturn:
        raise InputError(f"{self.file}: not {_WHAT} ({why})")

    def _meta(self, meta: Element) -> None:
        """Take the labels in the order and the colours of the task."""
        for entry in meta.iter("label"):
            if entry.find("parent") is not None or (entry.findtext("type") or "") == "skeleton_part":
                continue  # a part of a skeleton
            name = (entry.findtext("name") or "").strip()
            if meaning := self.into.find_reserved_meaning(name):
                self.into.note("spare label", f"label {quote_short(name)!r} was left out: {meaning}", self.file)
                continue
            try:
                self.into.label(name)
            except ValueError as error:
                self.into.report("category", f"label {quote_short(name)!r}: {error}; skipped", self.file)
                continue
            color = (entry.findtext("color") or "").strip()
            if _COLOR.fullmatch(color):
                self.into.colors[name] = color.lower()

    def _image(self, entry: Element) -> None:
        name, subset = entry.get("name", ""), entry.get("subset", "").strip()
        where = f"image {quote_short(entry.get('id', '') or name)}"
        if not name.strip() or "\0" in name:
            self.into.report("name", f"{where}: it has no file name; skipped", self.file)
            return
        shapes = [child for child in entry if child.tag != "tag"]
        if name in self._lost:
            self.into.pass_over()
            self.into.lose_boxes("file", len(shapes))
            return
        beside = [self.file.parent, self.file.parent / "images"]
        if subset and subset.isprintable() and "/" not in subset and "\\" not in subset and subset != "..":
            beside += [self.file.parent / "images" / subset, self.file.parent / subset]
        file = self.into.find(name, beside, self.file)
        if file is None:
            self._lost.add(name)
            self.into.lose_boxes("file", len(shapes))
            return
        again = self.into.is_listed(file)
        extras = Extras(note=self._describe_tags(entry), split=parse_split(subset) if subset else None)
        if subset and extras.split is None:
            text = f"subset {quote_short(subset)!r} is no split (train, val or test); left out"
            if subset not in self._odd_subsets:
                self.into.note("split word", text, self.file)
            self._odd_subsets.add(subset)
        if "default" in subset.lower():
            extras.split = None
        image = self.into.image(file, (entry.get("width"), entry.get("height")), extras)
        if image is None:
            self.into.lose_boxes("image", len(shapes), file)
            return
        if again:
            self.into.report("listed", "it is listed twice; the boxes of both entries were put together", file)
        for place, shape in enumerate(shapes, start=1):
            self._shape(image, shape, f"{where}, shape {place}")

    def _shape(self, image: int, shape: Element, where: str) -> None:
        if shape.tag not in SHAPES:
            text = f"{where}: a {quote_short(shape.tag)} is no shape that is read; skipped"
            self.into.skip_box(image, "shape", text, self.file)
            return
        label = self.into.label_of_box(image, shape.get("label", ""), where, self.file)
        if label is None:
            return
        try:
            corners = find_corners(shape)
        except OutlineError as error:
            self.into.skip_box(image, "shape", f"{where}: {error}; skipped", self.file)
            return
        if shape.tag != "box":
            self.into.note("outline", f"{where}: a {shape.tag}; the box around it was taken", self.file)
        elif is_turned_shape(shape):
            turn = parse_number(shape.get("rotation")) or 0.0
            self.into.note("outline", f"{where}: turned by {turn:g} degrees; the box around it was taken", self.file)
        values = {child.get("name", ""): (child.text or "").strip() for child in shape.iter("attribute")}
        marks = find_marks(values | {OCCLUDED: shape.get(OCCLUDED, "")})
        said = (name for name, text in values.items() if text and text.lower() not in ("true", "false"))
        self._attributes.update(quote_short(name) for name in said if find_known_mark(name) is None)
        self.into.box(image, corners, label, where, marks=marks, ordered=False)

    def _describe_tags(self, entry: Element) -> str | None:
        """What is said of the whole image, as a text for its note."""
        texts = []
        for tag in entry.iterfind("tag"):
            values = [f"{a.get('name', '')}: {(a.text or '').strip()}" for a in tag.iterfind("attribute")]
            texts.append(tag.get("label", "") + (f" ({', '.join(values)})" if values else ""))
        self._tagged += bool(texts)
        note = "; ".join(text for text in texts if text).replace("\0", "")[:_MAX_NOTE]
        return note or None
