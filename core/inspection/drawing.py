"""Pictures for people: boxes on images, drawn without a screen. All images are RGB, uint8, shape (h, w, 3)."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core import files
from core.errors import InputError
from core.evaluation.matching import ImageMatch
from core.types import Detections, GroundTruth

Image = NDArray[np.uint8]
Color = tuple[int, int, int]

INK: Color = (28, 32, 38)
MUTED: Color = (105, 112, 122)
PAPER: Color = (250, 250, 251)
WHITE: Color = (255, 255, 255)
# Told apart by hue and lightness, and by line style as well, for eyes that do not see red and green as different.
FOUND: Color = (22, 140, 72)
FALSE: Color = (205, 48, 56)
MISSED: Color = (222, 140, 0)

_FONT_PIXELS = 22  # height of a Hershey capital at scale 1

# Text ----------------------------------------------------------------------------------------------------------------


@functools.cache
def _font() -> Any:
    """OpenCV 5's built-in TrueType font; None where OpenCV is older and has only stroke fonts."""
    return cv2.FontFace("sans") if hasattr(cv2, "FontFace") else None


def draw_text(
    image: Image, text: str, x: float, y: float, size: int = 14, color: Color = INK, bold: bool = False
) -> None:
    """Write `text` with its baseline starting at (x, y); `size` is the height of a line in pixels."""
    place = (round(x), round(y))
    if _font() is not None:
        cv2.putText(image, text, place, color, _font(), size, 600 if bold else 420)
    else:
        cv2.putText(
            image, _ascii(text), place, cv2.FONT_HERSHEY_DUPLEX, size * 0.7 / _FONT_PIXELS, color, 1 + bold, cv2.LINE_AA
        )


def text_width(text: str, size: int = 14, bold: bool = False) -> int:
    """Pixels that `text` takes."""
    if _font() is not None:
        area = cv2.getTextSize((0, 0), text, (0, 0), _font(), size, 600 if bold else 420)
        return int(area[0] + area[2])
    (width, _), _ = cv2.getTextSize(_ascii(text), cv2.FONT_HERSHEY_DUPLEX, size * 0.7 / _FONT_PIXELS, 1 + bold)
    return int(width)


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode()


def parse_color(text: str) -> Color:
    """The colour of "#rrggbb"."""
    value = int(text.removeprefix("#"), 16)
    return (value >> 16, value >> 8 & 255, value & 255)


def write_picture(path: Path, image: Image) -> None:
    """Write `image` as PNG or JPEG by the name's ending, whole or not at all. Raises InputError."""
    good, data = cv2.imencode(path.suffix or ".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not good:
        raise InputError(f"{path}: the picture could not be encoded; choose a name that ends in .png or .jpg")
    try:
        files.write_bytes(path, data.tobytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); choose another folder") from error


# Boxes ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tag:
    """One part of a box's caption."""

    text: str
    color: Color


def draw_box(image: Image, box: Sequence[float], color: Color, width: int = 2, dashed: bool = False) -> None:
    """Outline `box` (x1, y1, x2, y2)."""
    x1, y1, x2, y2 = (round(float(value)) for value in box)
    if not dashed:
        cv2.rectangle(image, (x1, y1), (x2, y2), color, width, cv2.LINE_AA)
        return
    corners = [(x1, y1), (x2, y1), (x2, y2), (x1, y2), (x1, y1)]
    for start, stop in itertools.pairwise(corners):
        _dashed_line(image, start, stop, color, width)


def _dashed_line(image: Image, start: tuple[int, int], stop: tuple[int, int], color: Color, width: int) -> None:
    length = math.dist(start, stop)
    dash = 5 + 2 * width
    for begin in np.arange(0, length, dash * 1.6):
        end = min(begin + dash, length)
        first = tuple(round(a + (b - a) * begin / length) for a, b in zip(start, stop, strict=True))
        last = tuple(round(a + (b - a) * end / length) for a, b in zip(start, stop, strict=True))
        cv2.line(image, first, last, color, width, cv2.LINE_AA)


def draw_tags(
    image: Image, box: Sequence[float], tags: Sequence[Tag], taken: list[tuple[int, int, int, int]], size: int
) -> None:
    """Caption `box` with coloured tags, outside it where there is room, and never on a caption in `taken`."""
    pad = max(3, size // 3)
    widths = [text_width(tag.text, size) + 2 * pad for tag in tags]
    width, height = sum(widths), size + pad
    x1, y1, x2, y2 = (round(float(value)) for value in box)
    rows, columns = image.shape[:2]
    choices = [(x, y) for y in (y1 - height, y2 + 1, y1, y2 - height) for x in (x1, x2 - width)]
    choices += [(x1, y2 + 1 + step * (height + 1)) for step in range(1, 5)]
    inside = [
        (x, y) for x, y in ((min(max(x, 0), max(columns - width, 0)), y) for x, y in choices) if 0 <= y <= rows - height
    ]
    free = [
        (x, y) for x, y in inside if all(x + width <= a or c <= x or y + height <= b or d <= y for a, b, c, d in taken)
    ]
    x, y = (free or inside or [(max(x1, 0), max(y1, 0))])[0]
    taken.append((x, y, x + width, y + height))
    for tag, tag_width in zip(tags, widths, strict=True):
        cv2.rectangle(image, (x, y), (x + tag_width - 1, y + height - 1), tag.color, -1)
        draw_text(image, tag.text, x + pad, y + height - pad, size, readable_on(tag.color))
        x += tag_width


def readable_on(color: Color) -> Color:
    """Black or white, whichever is read better on `color`."""
    return INK if 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2] > 150 else WHITE


def draw_detections(image: Image, found: Detections, threshold: float, colors: Sequence[Color]) -> Image:
    """A copy of `image` with all detections of at least `threshold`, captioned with each label and its score."""
    picture = image.copy()
    size = max(12, round(min(image.shape[:2]) / 45))
    taken: list[tuple[int, int, int, int]] = []
    order = np.argsort(-found.best, kind="stable")
    shown = [row for row in order if found.best[row] >= threshold]
    for row in shown:
        draw_box(picture, found.boxes[row], colors[int(found.scores[row].argmax())], max(1, size // 8))
    for row in shown:
        labels = [label for label in np.argsort(-found.scores[row]) if found.scores[row, label] >= threshold]
        tags = [Tag(f"{found.label_names[label]} {found.scores[row, label]:.2f}", colors[label]) for label in labels]
        draw_tags(picture, found.boxes[row], tags, taken, size)
    return picture


# Predictions against truth -------------------------------------------------------------------------------------------

_CELL = 420
_GAP = 16
_HEAD = 84


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One image with what is on it, what was found, and how they match."""

    title: str
    image: Image
    truth: GroundTruth
    found: Detections
    match: ImageMatch


def picture_of_predictions(cases: Sequence[Case], label_names: Sequence[str], title: str, columns: int = 4) -> Image:
    """A sheet of images with predictions drawn against truth, under a title and a key to the colours."""
    rows = max(1, math.ceil(len(cases) / columns))
    columns = max(1, min(columns, len(cases)))
    tall = _CELL + 26
    sheet = np.full((_HEAD + rows * (tall + _GAP), max(columns, 3) * (_CELL + _GAP) + _GAP, 3), PAPER, np.uint8)
    draw_text(sheet, title, _GAP, 36, 24, bold=True)
    x = _GAP
    for text, color, dashed in (
        ("found", FOUND, False),
        ("false alarm", FALSE, False),
        ("missed", MISSED, True),
        ("truth", (150, 150, 150), True),
    ):
        draw_box(sheet, (x, 56, x + 22, 70), color, 2, dashed)
        draw_text(sheet, text, x + 30, 69, 15, MUTED)
        x += 30 + text_width(text, 15) + 24
    for index, case in enumerate(cases):
        left = _GAP + index % columns * (_CELL + _GAP)
        top = _HEAD + index // columns * (tall + _GAP)
        cell = _draw_case(case, label_names)
        sheet[top : top + cell.shape[0], left : left + cell.shape[1]] = cell
        counts = f"{case.match.tp} found · {case.match.fp} false · {case.match.fn} missed"
        if not len(case.truth):
            counts = "clean" + (f" · {case.match.fp} false" if case.match.fp else ", and nothing found")
        draw_text(sheet, case.title, left, top + _CELL + 19, 15)
        draw_text(sheet, counts, left + _CELL - text_width(counts, 15), top + _CELL + 19, 15, MUTED)
    return sheet


def _draw_case(case: Case, label_names: Sequence[str]) -> Image:
    height, width = case.image.shape[:2]
    factor = _CELL / max(height, width)
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    cell = np.asarray(
        cv2.resize(case.image, (round(width * factor), round(height * factor)), interpolation=way), np.uint8
    )
    match, taken = case.match, list[tuple[int, int, int, int]]()
    lost: dict[int, list[Tag]] = {}
    for row, label in match.missed.tolist():
        lost.setdefault(row, []).append(Tag(f"{label_names[label]} missed", MISSED))
    claims: dict[int, list[Tag]] = {}
    for row, label, truth in zip(match.detections.tolist(), match.labels.tolist(), match.truths.tolist(), strict=True):
        score = case.found.scores[row, case.found.label_names.index(label_names[label])]
        claims.setdefault(row, []).append(Tag(f"{label_names[label]} {score:.2f}", FOUND if truth >= 0 else FALSE))
    for row, box in enumerate(case.truth.boxes):
        draw_box(cell, box * factor, MISSED if row in lost else (235, 235, 235), 2 if row in lost else 1, dashed=True)
    for row, tags in claims.items():
        draw_box(cell, case.found.boxes[row] * factor, FOUND if any(t.color == FOUND for t in tags) else FALSE, 2)
    for row, tags in claims.items():
        draw_tags(cell, case.found.boxes[row] * factor, tags, taken, 13)
    for row, tags in lost.items():
        draw_tags(cell, case.truth.boxes[row] * factor, tags, taken, 13)
    return cell
