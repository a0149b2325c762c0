"""Images that take long to decode: which those are, and a first look at them from a fraction of the work."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.imaging.decode import checked_header, picture_of, read_bytes
from core.imaging.headers import ImageHeader
from core.imaging.window import Window
from desktop.viewer.pyramid import Pyramid, make_preview, make_pyramid

SLOW = 60_000_000  # bytes of pixels, of which a JPEG takes about a quarter of a second and a PNG a whole one
UNPACKING = 3  # how much longer a byte takes in the other formats than in JPEG
SHRINK = 8  # of a preview's sides


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What is known of a slow image at once."""

    width: int
    height: int
    preview: Pyramid | None  # None where the format has no quick way to a smaller picture

    @property
    def megapixels(self) -> float:
        return self.width * self.height / 1e6


def load_picture(path: Path, window: Window | None) -> Pyramid:
    """The whole picture, however long it takes. Raises ImageError."""
    data = read_bytes(path)
    return _load_whole(data, path, window)


def look_first(path: Path, window: Window | None) -> FirstLook | Pyramid:
    """The picture itself where that is quick, else a first look at it. Raises ImageError."""
    data = read_bytes(path)
    header = checked_header(data, path)
    return _make_look(data, header, path, window) if _is_slow(header) else _load_whole(data, path, window)


def look_at_slow(path: Path, window: Window | None) -> FirstLook | None:
    """As `look_first` for an image that is being decoded already: None where that is quick. Raises ImageError."""
    data = read_bytes(path)
    header = checked_header(data, path)
    return _make_look(data, header, path, window) if _is_slow(header) else None


def _load_whole(data: bytes, path: Path, window: Window | None) -> Pyramid:
    picture = picture_of(data, path, window=window)
    return make_pyramid(picture.pixels, picture.notices)


def _is_slow(header: ImageHeader) -> bool:
    size = header.width * header.height * header.bits // 8
    return size * (1 if header.format == "JPEG" else UNPACKING) > SLOW


def _make_look(data: bytes, header: ImageHeader, path: Path, window: Window | None) -> FirstLook:
    turned = header.orientation >= 5
    width, height = (header.height, header.width) if turned else (header.width, header.height)
    if header.format != "JPEG":
        return FirstLook(width, height, None)
    small = picture_of(data, path, shrink=SHRINK, window=window)
    return FirstLook(width, height, make_preview(small.pixels, (width, height), small.notices))
