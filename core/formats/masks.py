"""Masks: images that say by their values which pixels of another image are a defect. They are read, not written.

Every connected part of one value becomes a box. Labels are the values as texts: grey levels and numbers of a palette
("1"), colours ("#ff0000"), or the names that `labelmap.txt` gives to colours; 0 and black are the background. Where a
folder of ground truth has a folder for each kind of defect, that is the label.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from core.errors import InputError
from core.formats.annotations import Format, ImportedAnnotations
from core.formats.collecting import AnnotationCollector, Progress
from core.formats.extras import Extras
from core.formats.frames import FrameError, read_frame
from core.formats.mask_pairs import MaskFolder, MaskPair, find_masks
from core.formats.mask_parts import explain_size, list_parts
from core.formats.split_words import parse_split
from core.formats.text import quote_short, read_utf8
from core.types import Split

LABEL_MAP = "labelmap.txt"
_MOST_VALUES = 64  # of one mask; one with more was compressed with loss
_BORDER = 255  # in a palette: pixels that nobody decided on
_FORMATS = ("PNG", "BMP", "TIFF", "JPEG", "WEBP")
_TRIED = 3  # masks that are looked into to know what they are
_MAX_MAP = 2**20


class _MaskError(Exception):
    """The mask cannot be read; the text says why."""


def read(path: Path, images_root: Path | None = None, progress: Progress | None = None) -> ImportedAnnotations:
    """Read the masks below a folder, each with the image that it is for. Raises InputError if there is none."""
    path = path.absolute()
    if not path.is_dir():
        raise InputError(f"{path}: masks are read by folder; choose the folder that holds images and masks")
    found = find_masks(path)
    if not found.pairs:
        raise InputError(
            f"{path}: there are no masks in it; put them into a folder called masks, or call them after their image, "
            "such as a_mask.png for a.jpg"
        )
    collector = AnnotationCollector(Format.MASKS, path, images_root, progress, base=path)
    reader = _Reader(path, collector)
    total = len(found.pairs) + len(found.good)
    for done, pair in enumerate(found.pairs, start=1):
        reader.read(pair)
        collector.advance(done, total)
    for image in found.good:
        collector.image(image, extras=Extras(split=reader.find_split(image)))
    _tell_the_rest(found, collector)
    return collector.finish()


def count_masks(folder: Path) -> int:
    """How many images below `folder` have a mask; 0 if the first of those that are called so are none by their pixels."""
    pairs = find_masks(folder).pairs
    for pair in pairs[:_TRIED]:
        try:
            values, kind = _read_values(pair.mask, in_colour=False)
        except _MaskError:
            continue
        if kind != "colour" or len(np.unique(values)) <= _MOST_VALUES:
            return len(pairs)
    return 0


def _tell_the_rest(found: MaskFolder, into: AnnotationCollector) -> None:
    for files, one, several in (
        (found.without_mask, "1 image has no mask; left out", "{:,} images have no mask; left out"),
        (found.without_image, "1 mask is of no image; left out", "{:,} masks are of no image; left out"),
        (
            found.doubtful,
            "1 mask may be that of several images; left out",
            "{:,} masks may be those of several images; left out",
        ),
    ):
        if files:
            text = one if len(files) == 1 else several.format(len(files))
            into.note("masks", f"{text}, such as {files[0].name}")
    what = (
        "values of the masks, or their folders," if any(pair.label for pair in found.pairs) else "values of the masks"
    )
    into.note_once("values", f"the {what} became labels, and every connected part of one value a box")


class _Reader:
    """Takes images with their masks into a collector."""

    def __init__(self, home: Path, collector: AnnotationCollector) -> None:
        self.home = home
        self.into = collector
        self._names = _read_label_map(home, collector)

    def find_split(self, image: Path) -> Split | None:
        """The split that a folder of the image is called after."""
        words = (parse_split(part) for part in image.relative_to(self.home).parts[:-1])
        return next((split for split in words if split not in (None, Split.NONE)), None)

    def read(self, pair: MaskPair) -> None:
        try:
            values, kind = _read_values(pair.mask, in_colour=bool(self._names))
            numbers, counts = np.unique(values, return_counts=True)
            if kind == "colour" and len(numbers) > _MOST_VALUES:
                raise _MaskError(f"it has {len(numbers):,} colours, which is none of a mask")
        except _MaskError as error:
            self.into.report("mask", f"{error}; skipped, and its image with it", pair.mask)
            return
        height, width = values.shape
        again = self.into.is_listed(pair.image)
        image = self.into.image(pair.image, (width, height), Extras(split=self.find_split(pair.image)))
        if image is None:
            return
        if again:
            self.into.note("listed", "it has several masks; the boxes of all were put together", pair.image)
        if len(numbers) > _MOST_VALUES:
            text = f"the mask has {len(numbers):,} values, as compression with loss leaves them; taken as two, from the half up"
            self.into.note("lossy", text, pair.mask)
            top = int(numbers[-1])
            values = np.where(values > top / 2, top, 0)
            numbers = np.array([0, top])
        for number in numbers.tolist():
            if number == 0 or (kind == "palette" and number == _BORDER and len(counts) > 2):
                continue
            name = pair.label or self._name(number, kind)
            label = self.into.label_of_box(image, name, f"value {number}", pair.mask) if name else None
            if label is not None:
                self._take_parts(image, (values == number).astype(np.uint8), label, name)

    def _take_parts(self, image: int, pixels: NDArray[np.uint8], label: int, name: str) -> None:
        for place, corners in list_parts(pixels):
            self.into.box(image, corners, label, f"{quote_short(name)}, part {place}")

    def _name(self, number: int, kind: str) -> str:
        if kind != "colour":
            return (
                self._names.get(f"#{number:02x}{number:02x}{number:02x}", str(number)) if number < 256 else str(number)
            )
        color = f"#{number:06x}"
        return self._names.get(color, color)


def _read_values(path: Path, *, in_colour: bool) -> tuple[NDArray[np.int64], str]:
    """(values (height, width), "grey", "palette" or "colour"); a palette as its colours if `in_colour`. Raises _MaskError."""
    try:
        frame = read_frame(path)
        if fault := explain_size(frame.width, frame.height):
            raise _MaskError(fault)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as opened:
                mode = opened.mode
                pixels = np.asarray(opened.convert("RGB") if mode == "P" and in_colour else opened)
    except FrameError as error:
        raise _MaskError(str(error)) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _MaskError("it cannot be decoded as a mask") from error
    if mode in ("F", "CMYK", "YCbCr", "LAB", "HSV") or pixels.dtype.kind not in "uib":
        raise _MaskError(f"its kind of pixels ({mode}) is none of a mask")
    if mode == "LA":
        pixels = pixels[..., 0]
    if pixels.ndim == 2:
        return pixels.astype(np.int64), "palette" if mode == "P" else "grey"
    red, green, blue = (pixels[..., place].astype(np.int64) for place in range(3))
    if (red == green).all() and (green == blue).all():
        return red, "grey"
    return (red << 16) | (green << 8) | blue, "colour"


def _read_label_map(home: Path, into: AnnotationCollector) -> dict[str, str]:
    """Names by colour as CVAT writes them: `name:red,green,blue:parts:actions`; the background has none."""
    path = home / LABEL_MAP
    names: dict[str, str] = {}
    if not path.is_file():
        return names
    for number, line in enumerate(
        read_utf8(path, _MAX_MAP, "a map of labels").decode(errors="replace").splitlines(), start=1
    ):
        name, _, rest = line.partition(":")
        values = rest.partition(":")[0].split(",")
        if line.startswith("#") or not line.strip():
            continue
        if len(values) != 3 or not all(value.strip().isdecimal() and int(value) < 256 for value in values):
            into.report("line", f"line {number}: {quote_short(line)!r} is not name:red,green,blue; skipped", path)
            continue
        color = "#" + "".join(f"{int(value):02x}" for value in values)
        names[color] = "" if name.strip().lower() == "background" else name.strip()
        if names[color] and color != "#000000":
            into.colors.setdefault(names[color], color)
    return names
