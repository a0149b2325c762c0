"""Images that take long to decode: which those are, and a first look at them from a fraction of the work."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from core.files import open_at_once
from core.imaging.byte_source import ByteSource
from core.imaging.cameras import DepthScale
from core.imaging.cancelling import NEVER, CancelToken
from core.imaging.decode import read_picture
from core.imaging.errors import HeaderError
from core.imaging.headers import ImageHeader, read_header
from core.imaging.png_bands import Progress
from core.imaging.preview import read_preview
from desktop.viewer.pyramid import Pyramid, make_preview, make_pyramid

SLOW = 60_000_000  # bytes of pixels, of which a JPEG takes about a quarter of a second and a PNG a whole one
UNPACKING = 3  # how much longer a byte takes in the other formats than in JPEG
PREVIEW = 1000  # pixels of a preview's longer side at least


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What is known of a slow image at once."""

    width: int
    height: int
    preview: Pyramid | None  # None where the format has no quick way to a smaller picture

    @property
    def megapixels(self) -> float:
        return self.width * self.height / 1e6


def load_picture(
    path: Path, window: DepthScale, cancel: CancelToken = NEVER, progress: Progress | None = None
) -> Pyramid:
    """The whole picture, however long it takes. Raises ImageError, CancelledError."""
    picture = read_picture(path, window, cancel=cancel, progress=progress)
    cancel.check()
    return make_pyramid(picture.pixels, picture.notices)


def look_first(path: Path, window: DepthScale) -> FirstLook | Pyramid:
    """The picture itself where that is quick, else a first look at it. Raises ImageError."""
    return look_at_slow(path, window) or load_picture(path, window)


def look_at_slow(path: Path, window: DepthScale) -> FirstLook | None:
    """As `look_first` for an image that is being decoded already: None where that is quick. Raises ImageError."""
    header = _peek(path)
    return _make_look(header, path, window) if header is not None and _is_slow(header) else None


def is_slow(path: Path, times: int = 1) -> bool:
    """Whether the file is an image that takes long to decode, or so many times as long; told by a few bytes of it."""
    header = _peek(path)
    return header is not None and _is_slow(header, times)


def _peek(path: Path) -> ImageHeader | None:
    """Format, size and orientation from a few bytes; None where they do not tell it: reading all says why."""
    try:
        with open_at_once(path) as file:
            return read_header(ByteSource(file, os.fstat(file.fileno()).st_size), to_end=False)
    except (OSError, ValueError, HeaderError):
        return None


def _is_slow(header: ImageHeader, times: int = 1) -> bool:
    return header.width * header.height * 3 * (1 if header.format == "JPEG" else UNPACKING) > SLOW * times


def _make_look(header: ImageHeader, path: Path, window: DepthScale) -> FirstLook:
    turned = header.orientation >= 5
    width, height = (header.height, header.width) if turned else (header.width, header.height)
    small = read_preview(path, PREVIEW, window)
    return FirstLook(width, height, make_preview(small.pixels, (width, height)) if small is not None else None)
