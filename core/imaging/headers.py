"""Reading what an image file says of itself, and whether all of it is there, before any pixel is decoded.

Decoders fill what is missing from a cut-off file with grey, and allocate whatever size a header claims.
Sources: ITU T.81 annex B (JPEG), W3C PNG third edition, TIFF 6.0, the WebP container specification,
Windows BITMAPINFOHEADER, CIPA DC-008 (Exif orientation).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass


class HeaderError(Exception):
    """The file is damaged or cut off; the text says how."""


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What the file claims to be."""

    format: str
    width: int  # as stored, before the orientation is applied
    height: int
    orientation: int = 1  # Exif: 1 upright ... 8
    significant_bits: int = 0  # of a 16-bit sample, where the file says so


def read_header(data: bytes) -> ImageHeader | None:
    """The header of a JPEG, PNG, BMP, TIFF or WebP file; None for anything else.

    Raises HeaderError if the file is of one of these formats but is damaged or not complete.
    """
    for magic, reader in _READERS.items():
        if data.startswith(magic) and (magic != b"RIFF" or data[8:12] == b"WEBP"):
            try:
                return reader(data)
            except (struct.error, IndexError) as error:
                raise HeaderError("truncated, the file ends in its header") from error
    return None


# JPEG

_NEXT_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")  # in entropy-coded data, but for restart markers
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def _jpeg(data: bytes) -> ImageHeader:
    place, width, height, orientation = 2, 0, 0, 1
    while True:
        found = _NEXT_MARKER.search(data, place)
        if found is None:
            raise HeaderError("truncated, the JPEG data stops before its end")
        marker, place = data[found.end() - 1], found.end()
        if marker == 0xD9:
            break
        if marker in (0x01, 0xD8):
            continue
        (length,) = struct.unpack_from(">H", data, place)
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, place + 3)
        elif marker == 0xE1 and data[place + 2 : place + 8] == b"Exif\0\0":
            orientation = exif_orientation(data[place + 8 : place + length])
        place += length
    if not width or not height:
        raise HeaderError("damaged, it holds no JPEG image")
    return ImageHeader("JPEG", width, height, orientation)


# PNG


def _png(data: bytes) -> ImageHeader:
    place, orientation, bits = 8, 1, 0
    width, height = struct.unpack_from(">II", data, 16)
    while True:
        if place + 12 > len(data):
            raise HeaderError("truncated, the PNG data stops before its end")
        length, kind = struct.unpack_from(">I4s", data, place)
        end = place + 8 + length
        if end + 4 > len(data):
            raise HeaderError("truncated, the PNG data stops before its end")
        content = memoryview(data)[place + 4 : end]
        if zlib.crc32(content) != struct.unpack_from(">I", data, end)[0]:
            raise HeaderError(f"damaged, the checksum of its {kind.decode('latin-1')} part is wrong")
        if kind == b"eXIf":
            orientation = exif_orientation(data[place + 8 : end])
        elif kind == b"sBIT":
            bits = max(data[place + 8 : end], default=0)
        elif kind == b"IEND":
            return ImageHeader("PNG", width, height, orientation, bits)
        place = end + 4


# BMP


def _bmp(data: bytes) -> ImageHeader:
    (offset, header_size) = struct.unpack_from("<II", data, 10)
    if header_size == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        compression, size = 0, 0
    else:
        width, height, _, bits, compression, size = struct.unpack_from("<iiHHII", data, 18)
    height = abs(height)  # negative: stored from top to bottom
    if width <= 0 or height == 0:
        raise HeaderError("damaged, its size is not positive")
    # Only run-length coded data needs a stated size; rows of plain data are padded to 4 bytes.
    needed = size if compression in (1, 2) else (width * bits + 31) // 32 * 4 * height
    if offset + needed > len(data):
        raise HeaderError("truncated, the BMP data stops before its end")
    return ImageHeader("BMP", width, height)


# TIFF

_TIFF_TYPES = {1: "B", 3: "H", 4: "I", 16: "Q"}
_WIDTH, _HEIGHT, _ORIENTATION, _MAX_SAMPLE = 256, 257, 274, 281
_OFFSETS, _COUNTS = (273, 324), (279, 325)  # of strips, of tiles


def _tiff(data: bytes) -> ImageHeader:
    order = "<" if data[:2] == b"II" else ">"
    tags = _tiff_tags(data, order, big=data[2:4] in (b"+\0", b"\0+"))
    width, height = (tags.get(tag, (0,))[0] for tag in (_WIDTH, _HEIGHT))
    if not width or not height:
        raise HeaderError("damaged, it holds no TIFF image")
    for offsets, counts in zip(_OFFSETS, _COUNTS, strict=True):
        for offset, count in zip(tags.get(offsets, ()), tags.get(counts, ()), strict=False):
            if offset + count > len(data):
                raise HeaderError("truncated, the TIFF data stops before its end")
    most = max(tags.get(_MAX_SAMPLE, (0,)))
    return ImageHeader("TIFF", width, height, _valid(tags.get(_ORIENTATION, (1,))[0]), most.bit_length())


def _tiff_tags(data: bytes, order: str, *, big: bool) -> dict[int, tuple[int, ...]]:
    """Whole-number tags of the first directory."""
    if big:
        place, count_format, entry_format, inline = struct.unpack_from(order + "Q", data, 8)[0], "Q", "HHQ", 8
    else:
        place, count_format, entry_format, inline = struct.unpack_from(order + "I", data, 4)[0], "H", "HHI", 4
    entry_size = struct.calcsize("<" + entry_format) + inline
    if place + struct.calcsize("<" + count_format) > len(data):
        raise HeaderError("truncated, the TIFF data stops before its end")
    (count,) = struct.unpack_from(order + count_format, data, place)
    place += struct.calcsize("<" + count_format)
    tags: dict[int, tuple[int, ...]] = {}
    for entry in range(place, place + min(count, 4096) * entry_size, entry_size):
        tag, kind, number = struct.unpack_from(order + entry_format, data, entry)
        letter = _TIFF_TYPES.get(kind)
        if letter is None:
            continue
        values_at = entry + entry_size - inline
        if number * struct.calcsize("<" + letter) > inline:
            (values_at,) = struct.unpack_from(order + ("Q" if big else "I"), data, values_at)
        if values_at + number * struct.calcsize("<" + letter) > len(data):
            raise HeaderError("truncated, the TIFF data stops before its end")
        tags[tag] = struct.unpack_from(f"{order}{number}{letter}", data, values_at)
    return tags


# WebP


def _webp(data: bytes) -> ImageHeader:
    (size,) = struct.unpack_from("<I", data, 4)
    if size + 8 > len(data):
        raise HeaderError("truncated, the WebP data stops before its end")
    place, orientation = 12, 1
    found: tuple[int, ...] = (0, 0)
    while place + 8 <= size + 8:
        kind, length = struct.unpack_from("<4sI", data, place)
        body = place + 8
        if kind == b"VP8X":
            found = tuple(1 + int.from_bytes(data[body + at : body + at + 3], "little") for at in (4, 7))
        elif kind == b"VP8 " and found == (0, 0):
            found = tuple(side & 0x3FFF for side in struct.unpack_from("<HH", data, body + 6))
        elif kind == b"VP8L" and found == (0, 0):
            (packed,) = struct.unpack_from("<I", data, body + 1)
            found = (1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF))
        elif kind == b"EXIF":
            exif = data[body : body + length]
            orientation = exif_orientation(exif.removeprefix(b"Exif\0\0"))
        place = body + length + length % 2
    if found == (0, 0):
        raise HeaderError("damaged, it holds no WebP image")
    return ImageHeader("WebP", found[0], found[1], orientation)


# Exif


def exif_orientation(exif: bytes) -> int:
    """The orientation in a block of Exif data (a small TIFF file), 1 if it tells none that is valid."""
    if exif[:2] not in (b"II", b"MM"):
        return 1
    try:
        tags = _tiff_tags(exif, "<" if exif[:2] == b"II" else ">", big=False)
    except (struct.error, HeaderError):
        return 1  # a camera's careless metadata does not make the pixels unusable
    return _valid(tags.get(_ORIENTATION, (1,))[0] if tags.get(_ORIENTATION) else 1)


def _valid(orientation: int) -> int:
    return orientation if 1 <= orientation <= 8 else 1


_READERS: dict[bytes, Callable[[bytes], ImageHeader]] = {
    b"\xff\xd8\xff": _jpeg,
    b"\x89PNG\r\n\x1a\n": _png,
    b"BM": _bmp,
    b"II*\0": _tiff,
    b"MM\0*": _tiff,
    b"II+\0": _tiff,
    b"MM\0+": _tiff,
    b"RIFF": _webp,
}
