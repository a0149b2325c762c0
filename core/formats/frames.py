"""How an image lies in its file: size and Exif orientation, from a few bytes of it.

The decoder checks a file to its end, which takes as long as reading all of it; here a hundred thousand sizes are
compared with what annotations state before any image is decoded.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from core.files import open_at_once
from core.imaging.headers import exif_orientation

_MAX_EXIF = 2**20
_MAX_PARTS = 10_000  # of one file: a damaged one must not be walked for ever


class FrameError(Exception):
    """The file is no image that can be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Size of the upright image, and how it is turned in the file."""

    width: int
    height: int
    orientation: int = 1  # Exif: 1 upright ... 8

    @property
    def stored(self) -> tuple[int, int]:
        """Width and height of the pixels as they are stored: what a reader sees that ignores Exif."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)

    def to_upright(self, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Boxes (n, 4) x1 y1 x2 y2 on the pixels as stored, turned as the image is."""
        x1, y1, x2, y2 = boxes.T
        if self.orientation >= 5:
            x1, y1, x2, y2 = y1, x1, y2, x2
        if self.orientation in (3, 4, 7, 8):
            y1, y2 = self.height - y2, self.height - y1
        if self.orientation in (2, 3, 6, 7):
            x1, x2 = self.width - x2, self.width - x1
        return np.stack([x1, y1, x2, y2], axis=1)


def read_frame(path: Path) -> Frame:
    """The frame of a JPEG, PNG, BMP, TIFF or WebP file. Raises FrameError; whether all of it is there is not checked."""
    try:
        with open_at_once(path) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise FrameError("it is no file")
            if found.st_size == 0:
                raise FrameError("the file is empty (0 bytes)")
            return _frame(file)
    except OSError as error:
        raise FrameError(f"it cannot be read ({error.strerror})") from error
    except (struct.error, IndexError, ValueError) as error:
        raise FrameError("truncated or damaged, its header cannot be read") from error


def _frame(file: BinaryIO) -> Frame:
    start = file.read(12)
    for magic, reader in _READERS.items():
        if start.startswith(magic) and (magic != b"RIFF" or start[8:12] == b"WEBP"):
            width, height, orientation = reader(file)
            if width <= 0 or height <= 0:
                raise FrameError("damaged, its size is not positive")
            return Frame(height, width, orientation) if orientation >= 5 else Frame(width, height, orientation)
    raise FrameError("not an image that can be read; use JPEG, PNG, BMP, TIFF or WebP")


_Found = tuple[int, int, int]  # width and height as stored, orientation


def _jpeg(file: BinaryIO) -> _Found:
    file.seek(2)
    orientation = 1
    for _ in range(_MAX_PARTS):
        marker = file.read(2)
        while marker == b"\xff\xff":  # padding
            marker = b"\xff" + file.read(1)
        if marker[0] != 0xFF:
            raise FrameError("damaged, its JPEG header cannot be read")
        kind = marker[1]
        if kind == 0x01 or 0xD0 <= kind <= 0xD8:
            continue
        (length,) = struct.unpack(">H", file.read(2))
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">xHH", file.read(5))
            return width, height, orientation
        body = file.tell()
        if kind == 0xE1:
            exif = file.read(length - 2)
            if exif.startswith(b"Exif\0\0"):
                orientation = exif_orientation(exif[6:])
        file.seek(body + length - 2)
    raise FrameError("damaged, its JPEG header does not end")


def _png(file: BinaryIO) -> _Found:
    file.seek(16)
    width, height = struct.unpack(">II", file.read(8))
    file.seek(33)
    for _ in range(_MAX_PARTS):
        head = file.read(8)
        if len(head) < 8:  # cut off: the decoder will tell
            break
        length, kind = struct.unpack(">I4s", head)
        if kind == b"eXIf" and length <= _MAX_EXIF:
            return width, height, exif_orientation(file.read(length))
        if kind == b"IEND":
            break
        file.seek(length + 4, os.SEEK_CUR)
    return width, height, 1


def _bmp(file: BinaryIO) -> _Found:
    file.seek(14)
    (header_size,) = struct.unpack("<I", file.read(4))
    if header_size == 12:
        width, height = struct.unpack("<HH", file.read(4))
    else:
        width, height = struct.unpack("<ii", file.read(8))
    return width, abs(height), 1


def _webp(file: BinaryIO) -> _Found:
    file.seek(12)
    size, orientation = (0, 0), 1
    for _ in range(_MAX_PARTS):
        head = file.read(8)
        if len(head) < 8:
            break
        kind, length = struct.unpack("<4sI", head)
        body = file.tell()
        if kind == b"VP8X":
            data = file.read(10)
            size = (1 + int.from_bytes(data[4:7], "little"), 1 + int.from_bytes(data[7:10], "little"))
        elif kind == b"VP8 " and size == (0, 0):
            width, height = struct.unpack("<6xHH", file.read(10))
            size = (width & 0x3FFF, height & 0x3FFF)
        elif kind == b"VP8L" and size == (0, 0):
            (packed,) = struct.unpack("<xI", file.read(5))
            size = (1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF))
        elif kind == b"EXIF" and length <= _MAX_EXIF:
            orientation = exif_orientation(file.read(length).removeprefix(b"Exif\0\0"))
        file.seek(body + length + length % 2)
    return (*size, orientation)


_TIFF_TYPES = {1: "B", 3: "H", 4: "I", 16: "Q"}


def _tiff(file: BinaryIO) -> _Found:
    file.seek(0)
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    big = head[2:4] in (b"+\0", b"\0+")
    count_format, entry_format, inline = ("Q", "HHQ", 8) if big else ("H", "HHI", 4)
    file.seek(struct.unpack_from(order + ("Q" if big else "I"), head, 8 if big else 4)[0])
    (count,) = struct.unpack(order + count_format, file.read(struct.calcsize(count_format)))
    entry_size = struct.calcsize("=" + entry_format) + inline
    data = file.read(min(count, _MAX_PARTS) * entry_size)
    tags = {256: 0, 257: 0, 274: 1}
    for place in range(0, len(data) - entry_size + 1, entry_size):
        tag, kind, number = struct.unpack_from(order + entry_format, data, place)
        letter = _TIFF_TYPES.get(kind)
        if tag in tags and number == 1 and letter is not None:
            (tags[tag],) = struct.unpack_from(order + letter, data, place + entry_size - inline)
    orientation = tags[274]
    return tags[256], tags[257], orientation if 1 <= orientation <= 8 else 1


_READERS: dict[bytes, Callable[[BinaryIO], _Found]] = {
    b"\xff\xd8\xff": _jpeg,
    b"\x89PNG\r\n\x1a\n": _png,
    b"BM": _bmp,
    b"II*\0": _tiff,
    b"MM\0*": _tiff,
    b"II+\0": _tiff,
    b"MM\0+": _tiff,
    b"RIFF": _webp,
}
