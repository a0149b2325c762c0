"""Reading what an image file says of itself, and whether all of it is there, before any pixel is decoded.

Decoders fill what is missing from a cut-off file with grey, and allocate whatever size a header claims.
Sources: ITU T.81 annex B (JPEG), W3C PNG third edition, TIFF 6.0, the WebP container specification,
Windows BITMAPINFOHEADER, CIPA DC-008 (Exif orientation).
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TRANSPARENT = "its transparency is dropped"
CMYK = "its CMYK colours are turned into RGB without their profile"


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
    channels: int = 3
    bits: int = 24  # of a pixel once decoded, about
    notices: tuple[str, ...] = ()  # what a person should know of how the file is read
    skipped: tuple[tuple[int, int], ...] = ()  # spans that a decoder would inflate for nothing


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

# Each pass of a progressive file goes over all pixels; programs write about ten.
_MANY_SCANS, _MOST_WORK = 64, 10**9
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def _jpeg(data: bytes) -> ImageHeader:
    place, width, height, orientation, channels, scans = 2, 0, 0, 1, 3, 0
    content = np.frombuffer(data, np.uint8)
    while True:
        place = _after_next_marker(content, place)
        marker = data[place - 1]
        if marker == 0xD9:
            break
        if marker in (0x01, 0xD8):
            continue
        (length,) = struct.unpack_from(">H", data, place)
        if marker in _FRAMES:
            height, width, channels = struct.unpack_from(">HHB", data, place + 3)
        elif marker == 0xDA:
            scans += 1
        elif marker == 0xE1 and data[place + 2 : place + 8] == b"Exif\0\0":
            orientation = exif_orientation(data[place + 8 : place + length])
        place += length
    if not width or not height:
        raise HeaderError("damaged, it holds no JPEG image")
    if scans > _MANY_SCANS and scans * width * height > _MOST_WORK:
        raise HeaderError(f"made to take very long: {scans} passes over {width:,} x {height:,} pixels")
    notices = (CMYK,) if channels == 4 else ()
    return ImageHeader("JPEG", width, height, orientation, 0, channels, 8 * channels, notices)


def _after_next_marker(content: NDArray[np.uint8], place: int) -> int:
    """Where the data of the next marker begins; in entropy-coded data restart markers are passed over.

    numpy searches with the interpreter's lock released: the window goes on while a file of 50 MB is looked through.
    """
    length = 4096
    while place + 1 < len(content):
        part = content[place : place + length + 1]
        at = np.flatnonzero(part[:-1] == 0xFF)
        marker = part[at + 1]
        found = at[(marker != 0) & (marker != 0xFF) & ((marker < 0xD0) | (marker > 0xD7))]
        if len(found):
            return place + int(found[0]) + 2
        place, length = place + len(part) - 1, min(2 * length, 1 << 20)
    raise HeaderError("truncated, the JPEG data stops before its end")


# PNG


_PNG_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
_INFLATED = (b"zTXt", b"iTXt", b"iCCP")  # compressed words and profiles: a few kilobytes may become gigabytes


def _png(data: bytes) -> ImageHeader:
    place, orientation, bits = 8, 1, 0
    width, height, depth, colour = struct.unpack_from(">IIBB", data, 16)
    if not width or not height:
        raise HeaderError("damaged, it holds no PNG image")
    channels = _PNG_CHANNELS.get(colour, 3)
    notices = [TRANSPARENT] if colour in (4, 6) else []
    skipped = []
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
        elif kind == b"tRNS" and not notices:
            notices.append(TRANSPARENT)
        elif kind == b"acTL":
            notices.append(_animated(struct.unpack_from(">I", data, place + 8)[0]))
        elif kind in _INFLATED:
            skipped.append((place, end + 4))
        elif kind == b"IEND":
            size = channels * max(depth, 8)
            told = tuple(notices)
            return ImageHeader("PNG", width, height, orientation, bits, channels, size, told, tuple(skipped))
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
    return ImageHeader("BMP", width, height, bits=24 if bits > 8 else 8)


# TIFF

_TIFF_TYPES = {1: "B", 3: "H", 4: "I", 16: "Q"}
_WIDTH, _HEIGHT, _ORIENTATION, _MAX_SAMPLE = 256, 257, 274, 281
_SUBFILE, _DEPTHS, _PHOTOMETRIC, _CHANNELS, _EXTRA, _TILE = 254, 258, 262, 277, 338, (322, 323)
_SEPARATED = 5  # photometric: CMYK
_MOST_PAGES = 10_000
_MOST_IN_TILE = 2**26  # pixels; a decoder makes room for a whole tile, however little of it is used
_OFFSETS, _COUNTS = (273, 324), (279, 325)  # of strips, of tiles


def _tiff(data: bytes) -> ImageHeader:
    order, big = "<" if data[:2] == b"II" else ">", data[2:4] in (b"+\0", b"\0+")
    tags, following = _tiff_tags(data, order, big=big)
    width, height = (tags.get(tag, (0,))[0] for tag in (_WIDTH, _HEIGHT))
    if not width or not height:
        raise HeaderError("damaged, it holds no TIFF image")
    for offsets, counts in zip(_OFFSETS, _COUNTS, strict=True):
        for offset, count in zip(tags.get(offsets, ()), tags.get(counts, ()), strict=False):
            if offset + count > len(data):
                raise HeaderError("truncated, the TIFF data stops before its end")
    if math.prod(tags.get(tag, (1,))[0] for tag in _TILE) > _MOST_IN_TILE:
        raise HeaderError("damaged, its tiles are larger than any image")
    most = max(tags.get(_MAX_SAMPLE, (0,)))
    depths = tags.get(_DEPTHS, (1,))
    channels = max(tags.get(_CHANNELS, (1,))[0], len(depths))
    notices = [CMYK] if tags.get(_PHOTOMETRIC, (0,))[0] == _SEPARATED else []
    if {1, 2} & set(tags.get(_EXTRA, ())):
        notices.append(TRANSPARENT)
    if (pages := 1 + _further_pages(data, order, following, big=big)) > 1:
        notices.append(f"has {pages} pages; only the first is shown and used")
    orientation = _valid(tags.get(_ORIENTATION, (1,))[0])
    size = channels * max(8, *depths)
    return ImageHeader("TIFF", width, height, orientation, most.bit_length(), channels, size, tuple(notices))


def _further_pages(data: bytes, order: str, place: int, *, big: bool) -> int:
    """Pages after the first, without small versions of one; a chain that is damaged or goes in a circle ends there."""
    seen = {struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)[0]}
    pages = 0
    while place and place not in seen and len(seen) < _MOST_PAGES:
        seen.add(place)
        try:
            tags, place = _tiff_tags(data, order, big=big, at=place)
        except (struct.error, HeaderError):
            break
        pages += not tags.get(_SUBFILE, (0,))[0] & 1
    return pages


def _tiff_tags(data: bytes, order: str, *, big: bool, at: int | None = None) -> tuple[dict[int, tuple[int, ...]], int]:
    """Whole-number tags of a directory, the first if `at` is None, and where the next one is (0: there is none)."""
    if big:
        place, count_format, entry_format, inline = struct.unpack_from(order + "Q", data, 8)[0], "Q", "HHQ", 8
    else:
        place, count_format, entry_format, inline = struct.unpack_from(order + "I", data, 4)[0], "H", "HHI", 4
    place = place if at is None else at
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
        if number:
            tags[tag] = struct.unpack_from(f"{order}{number}{letter}", data, values_at)
    end = place + count * entry_size
    width = "Q" if big else "I"
    following = (
        struct.unpack_from(order + width, data, end)[0] if end + struct.calcsize("<" + width) <= len(data) else 0
    )
    return tags, following


# WebP


def _webp(data: bytes) -> ImageHeader:
    (size,) = struct.unpack_from("<I", data, 4)
    if size + 8 > len(data):
        raise HeaderError("truncated, the WebP data stops before its end")
    place, orientation, frames = 12, 1, 0
    found: tuple[int, ...] = (0, 0)
    transparent = False
    while place + 8 <= size + 8:
        kind, length = struct.unpack_from("<4sI", data, place)
        body = place + 8
        if kind == b"VP8X":
            found = tuple(1 + int.from_bytes(data[body + at : body + at + 3], "little") for at in (4, 7))
            transparent = bool(data[body] & 0x10)
        elif kind == b"ANMF":
            frames += 1
        elif kind == b"VP8 " and found == (0, 0):
            found = tuple(side & 0x3FFF for side in struct.unpack_from("<HH", data, body + 6))
        elif kind == b"VP8L" and found == (0, 0):
            (packed,) = struct.unpack_from("<I", data, body + 1)
            found = (1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF))
            transparent = bool(packed >> 28 & 1)
        elif kind == b"EXIF":
            exif = data[body : body + length]
            orientation = exif_orientation(exif.removeprefix(b"Exif\0\0"))
        place = body + length + length % 2
    if found == (0, 0):
        raise HeaderError("damaged, it holds no WebP image")
    notices = (*([TRANSPARENT] if transparent else []), *([_animated(frames)] if frames > 1 else []))
    return ImageHeader("WebP", found[0], found[1], orientation, notices=notices)


# Exif


def exif_orientation(exif: bytes) -> int:
    """The orientation in a block of Exif data (a small TIFF file), 1 if it tells none that is valid."""
    if exif[:2] not in (b"II", b"MM"):
        return 1
    try:
        tags, _ = _tiff_tags(exif, "<" if exif[:2] == b"II" else ">", big=False)
    except (struct.error, HeaderError):
        return 1  # a camera's careless metadata does not make the pixels unusable
    return _valid(tags.get(_ORIENTATION, (1,))[0] if tags.get(_ORIENTATION) else 1)


def _animated(frames: int) -> str:
    return f"is animated ({frames:,} frames); only the first is shown and used"


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

# What people take for images, by how the file begins.
_OTHERS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"GIF8", "a GIF"),
    (0, b"%!PS", "PostScript"),
    (0, b"\xc5\xd0\xd3\xc6", "EPS"),
    (0, b"%PDF", "a PDF"),
    (0, b"8BPS", "a Photoshop file"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL"),
    (0, b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (0, b"\xffO\xffQ", "JPEG 2000"),
    (0, b"v/1\x01", "OpenEXR"),
    (4, b"ftypavi", "AVIF"),
    (4, b"ftyphei", "HEIC"),
    (4, b"ftypmif1", "HEIC"),
    (128, b"DICM", "DICOM"),
)


def name_of_kind(data: bytes) -> str:
    """What a file seems to be that is no image this program reads; empty if it tells nothing."""
    for place, magic, name in _OTHERS:
        if data[place : place + len(magic)] == magic:
            return name
    beginning = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if beginning.startswith((b"<svg", b"<?xml", b"<!doctype svg")) and b"<svg" in data[:65536].lower():
        return "an SVG drawing"
    return ""
