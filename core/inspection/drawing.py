"""Text and boxes on images, drawn without a screen. All images are RGB, uint8, shape (h, w, 3)."""

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

Image = NDArray[np.uint8]
Color = tuple[int, int, int]

INK: Color = (28, 32, 38)
MUTED: Color = (105, 112, 122)
PAPER: Color = (250, 250, 251)
WHITE: Color = (255, 255, 255)
_FONT_PIXELS = 22  # height of a Hershey capital at scale 1

# Text ----------------------------------------------------------------------------------------------------------------


@functools.cache
def _load_font() -> Any:
    """OpenCV 5's built-in TrueType font; None where OpenCV is older and has only stroke fonts."""
    return cv2.FontFace("sans") if hasattr(cv2, "FontFace") else None


def draw_text(
    image: Image, text: str, x: float, y: float, size: int = 14, color: Color = INK, bold: bool = False
) -> None:
    """Write `text` with its baseline starting at (x, y); `size` is the height of a line in pixels."""
    place = (round(x), round(y))
    if _load_font() is not None:
        cv2.putText(image, text, place, color, _load_font(), size, 600 if bold else 420)
    else:
        cv2.putText(
            image,
            _to_ascii(text),
            place,
            cv2.FONT_HERSHEY_DUPLEX,
            size * 0.7 / _FONT_PIXELS,
            color,
            1 + bold,
            cv2.LINE_AA,
        )


def text_width(text: str, size: int = 14, bold: bool = False) -> int:
    """Pixels that `text` takes."""
    if _load_font() is not None:
        area = cv2.getTextSize((0, 0), text, (0, 0), _load_font(), size, 600 if bold else 420)
        return int(area[0] + area[2])
    (width, _), _ = cv2.getTextSize(_to_ascii(text), cv2.FONT_HERSHEY_DUPLEX, size * 0.7 / _FONT_PIXELS, 1 + bold)
    return int(width)


def _to_ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode()


def parse_color(text: str) -> Color:
    """The colour of "#rrggbb"."""
    value = int(text.removeprefix("#"), 16)
    return (value >> 16, value >> 8 & 255, value & 255)


def encode_picture(image: Image, suffix: str = ".png") -> bytes:
    """`image` as the content of a file of this kind. Raises ValueError for a kind that is not known."""
    good, data = cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not good:
        raise ValueError("the picture could not be encoded")
    return data.tobytes()


def write_picture(path: Path, image: Image) -> None:
    """Write `image` as PNG or JPEG by the name's ending, whole or not at all. Raises InputError."""
    try:
        data = encode_picture(image, path.suffix or ".png")
    except ValueError as error:
        raise InputError(f"{path}: {error}; choose a name that ends in .png or .jpg") from error
    try:
        files.write_bytes(path, data)
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
        draw_text(image, tag.text, x + pad, y + height - pad, size, find_readable_color(tag.color))
        x += tag_width


def find_readable_color(color: Color) -> Color:
    """Black or white, whichever is read better on `color`."""
    return INK if 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2] > 150 else WHITE
