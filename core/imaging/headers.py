"""Reading what an image file says of itself, before any pixel is decoded.

Decoders fill what is missing from a cut-off file with grey, and allocate whatever size a header claims: a file that is
to be decoded is read to its end, to see whether all of it is there. Where only size and orientation are wanted, a few
bytes of it are: an import compares a hundred thousand sizes with what annotations state.
Sources: ITU T.81 annex B (JPEG), W3C PNG third edition, TIFF 6.0, the WebP container specification,
Windows BITMAPINFOHEADER, CIPA DC-008 (Exif orientation).
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from core.imaging.bmp import RLE_4, RLE_8, BmpLayout, read_layout
from core.imaging.byte_source import ByteSource
from core.imaging.errors import HeaderError, UnsupportedError
from core.imaging.limits import max_pixels
from core.imaging.tiff.directory import ORIENTATION, Layout, find_main_page, read_tags, valid_orientation
from core.imaging.tiff.page import CMYK, TRANSPARENT, TiffPage, check_segments, read_page


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
    progressive: bool = False  # a JPEG whose passes each go over all pixels
    notices: tuple[str, ...] = ()  # what a user should know of how the file is read
    skipped: tuple[tuple[int, int], ...] = ()  # spans that a decoder would inflate for nothing
    page: TiffPage | None = None  # of a TIFF file that is to be decoded
    bmp: BmpLayout | None = None  # of a BMP file that is not compressed
    sample_bits: int = 16  # of a sample as stored; says nothing of files of up to 8

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height once the orientation is applied."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)


def read_header(source: ByteSource, *, to_end: bool = True) -> ImageHeader | None:
    """The header of a JPEG, PNG, BMP, TIFF or WebP file; None for anything else.

    With `to_end` HeaderError is raised if the file is damaged or not complete. Without, only as much is read as tells
    width, height and orientation, and HeaderError is raised if it does not; the other fields say nothing.
    """
    start = source.read_at(0, _MAGIC_BYTES)
    for magic, reader in _READERS.items():
        if start.startswith(magic) and (magic != b"RIFF" or start[8:12] == b"WEBP"):
            try:
                return reader(source, to_end)
            except (struct.error, IndexError) as error:
                raise HeaderError("truncated, the file ends in its header") from error
    return None


_MAGIC_BYTES = 12
_MAX_EXIF = 2**20
# Parts of a file that are looked at for its size and orientation: a damaged one must not be walked for ever.
_MAX_PARTS = 10_000


# JPEG

# Each pass of a progressive file goes over all pixels; programs write about ten.
_MANY_SCANS, _MOST_WORK = 64, 10**9
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
_PROGRESSIVE_FRAMES = (0xC2, 0xCA)
# The rest of a cut-off one is as good as a picture: zeros at its end are left out by who writes it.
_ARITHMETIC_FRAMES = (0xC9, 0xCA)
ARITHMETIC = "is coded arithmetically, which does not tell of damage: look whether all of it is there"
_UNREADABLE_FRAMES = {
    **dict.fromkeys((0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF), "hierarchical JPEG"),
    0xCB: "lossless JPEG with arithmetic coding",
    0xF7: "JPEG-LS",
}
# How far a marker is looked for where one is due, if the file is not read to its end.
_MAX_STRAY = 2**16


def _read_jpeg(source: ByteSource, to_end: bool) -> ImageHeader:
    place, width, height, orientation, channels, scans, frame = 2, 0, 0, 1, 3, 0, 0
    while to_end or not scans:
        marker, place = _next_marker(source, place, None if to_end else _MAX_STRAY)
        if marker == 0xD9:
            break
        if marker in (0x01, 0xD8):
            continue
        (length,) = source.unpack_at(">H", place)
        if marker in _FRAMES:
            depth, height, width, channels = source.unpack_at(">BHHB", place + 2)
            _check_frame(marker, depth, channels)
            frame = marker
        elif marker == 0xDA:
            scans += 1
        elif marker == 0xE1 and not scans and source.read_at(place + 2, 6) == b"Exif\0\0":
            orientation = exif_orientation(source.read_at(place + 8, length - 8))
        place += length
    if width and not height:
        raise HeaderError("its header states no JPEG height (some devices state it after the pixels)")
    if not width:
        raise HeaderError("damaged, it holds no JPEG image")
    if scans > _MANY_SCANS and scans * width * height > _MOST_WORK:
        raise HeaderError(f"made to take very long: {scans} passes over {width:,} x {height:,} pixels")
    notices = (*((CMYK,) if channels == 4 else ()), *((ARITHMETIC,) if frame in _ARITHMETIC_FRAMES else ()))
    progressive = frame in _PROGRESSIVE_FRAMES
    return ImageHeader("JPEG", width, height, orientation, 0, channels, 8 * channels, progressive, notices)


def cut_to_first_scan(data: bytes) -> bytes:
    """A JPEG with its first pass only. Raises HeaderError and struct.error."""
    source = ByteSource.of_bytes(data)
    place, scans = 2, 0
    while True:
        marker, after = _next_marker(source, place, None)
        if scans or marker == 0xD9:
            return data[: after - 2] + b"\xff\xd9"
        scans += marker == 0xDA
        place = after if marker in (0x01, 0xD8) else after + source.unpack_at(">H", after)[0]


def _check_frame(marker: int, depth: int, channels: int) -> None:
    if name := _UNREADABLE_FRAMES.get(marker):
        raise UnsupportedError(f"it is {name}, which cannot be read; save it as usual JPEG, PNG or TIFF")
    if depth != 8:
        raise UnsupportedError(f"JPEG of {depth} bits a sample cannot be read; save it as PNG or TIFF of 16 bits")
    if channels not in (1, 3, 4):
        raise UnsupportedError(f"JPEG of {channels} channels cannot be used; save it as grey or RGB")


def _next_marker(source: ByteSource, place: int, farthest: int | None) -> tuple[int, int]:
    """The next marker from `place` on, and where its data begins; restart markers in coded data are passed over.

    Raises HeaderError if there is none, or none within `farthest` bytes. numpy searches with the interpreter's lock
    released: the window goes on while a file of 50 MB is looked through.
    """
    due = source.read_at(place, 2)
    if len(due) == 2 and due[0] == 0xFF and _is_marker(due[1]):
        return due[1], place + 2
    length, end = 4096, source.size if farthest is None else min(source.size, place + farthest)
    while place + 1 < end:
        part = np.frombuffer(source.read_at(place, length + 1), np.uint8)
        at = np.flatnonzero(part[:-1] == 0xFF)
        marker = part[at + 1]
        found = at[(marker != 0) & (marker != 0xFF) & ((marker < 0xD0) | (marker > 0xD7))]
        if len(found):
            first = int(found[0])
            return int(part[first + 1]), place + first + 2
        place, length = place + len(part) - 1, min(2 * length, 1 << 20)
    raise HeaderError("truncated, the JPEG data stops before its end")


def _is_marker(byte: int) -> bool:
    return byte not in (0x00, 0xFF) and not 0xD0 <= byte <= 0xD7


# PNG


_PNG_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
_INFLATED = (b"zTXt", b"iTXt", b"iCCP")  # compressed words and profiles: a few kilobytes may become gigabytes


def _read_png(source: ByteSource, to_end: bool) -> ImageHeader:
    if source.read_at(12, 4) == b"CgBI":
        raise UnsupportedError("it is a PNG as Apple changes it for its devices (CgBI); save it as usual PNG")
    width, height, depth, colour = source.unpack_at(">IIBB", 16)
    if not width or not height:
        raise HeaderError("damaged, it holds no PNG image")
    channels = _PNG_CHANNELS.get(colour, 3)
    notices = [TRANSPARENT] if colour in (4, 6) else []
    skipped, orientation, bits, ended = [], 0, 0, False
    for kind, start, end in _png_parts(source, to_end):
        if kind == b"eXIf" and not orientation and end - start <= _MAX_EXIF:
            orientation = exif_orientation(source.read_at(start, end - start))
            if not to_end:
                break
        elif kind == b"sBIT":
            bits = max(source.read_at(start, min(end - start, 4)), default=0)
        elif kind == b"tRNS" and not notices:
            notices.append(TRANSPARENT)
        elif kind == b"acTL":
            notices.append(_animated(source.unpack_at(">I", start)[0]))
        elif kind in _INFLATED:
            skipped.append((start - 8, end + 4))
        ended = kind == b"IEND"
    if to_end and not ended:
        raise HeaderError("truncated, the PNG data stops before its end")
    told = tuple(notices)
    size = channels * max(depth, 8)
    return ImageHeader("PNG", width, height, orientation or 1, bits, channels, size, False, told, tuple(skipped))


def _png_parts(source: ByteSource, to_end: bool) -> Iterator[tuple[bytes, int, int]]:
    """Kind of each part, and where its content begins and ends, up to the last or to where the file stops.

    With `to_end` all parts are looked at, and HeaderError is raised for one whose checksum is wrong.
    """
    place = 8
    for _ in itertools.count() if to_end else range(_MAX_PARTS):
        if place + 12 > source.size:
            return
        length, kind = source.unpack_at(">I4s", place)
        start, end = place + 8, place + 8 + length
        if end + 4 > source.size:
            return
        if to_end and source.checksum(place + 4, end) != source.unpack_at(">I", end)[0]:
            raise HeaderError(f"damaged, the checksum of its {kind.decode('latin-1')} part is wrong")
        yield kind, start, end
        if kind == b"IEND":
            return
        place = end + 4


# BMP


def _read_bmp(source: ByteSource, to_end: bool) -> ImageHeader:
    layout = read_layout(source)
    coded = layout.compression in (RLE_4, RLE_8)
    # Only run-length coded data needs a stated size; rows of plain data are padded to 4 bytes.
    needed = layout.coded if coded else layout.row_bytes * layout.height
    if to_end and layout.place + needed > source.size:
        raise HeaderError("truncated, the BMP data stops before its end")
    return ImageHeader(
        "BMP",
        layout.width,
        layout.height,
        bits=24 if layout.bits > 8 else 8,
        notices=(TRANSPARENT,) if layout.masks[3] else (),
        bmp=None if coded else layout,
    )


# TIFF


def _read_tiff(source: ByteSource, to_end: bool) -> ImageHeader:
    layout = Layout.of_file(source)
    main = find_main_page(source, layout, to_end=to_end)
    placed = main.page
    if not placed.width or not placed.height:
        raise HeaderError("damaged, it holds no TIFF image")
    orientation = valid_orientation(placed.orientation)
    if not to_end:
        return ImageHeader("TIFF", placed.width, placed.height, orientation)
    if placed.width * placed.height > max_pixels():
        return ImageHeader("TIFF", placed.width, placed.height, orientation)  # refused by its size
    tags, _ = read_tags(source, layout, placed.place)
    page = read_page(tags, layout, placed.place, source.size)
    check_segments(page, source.size)
    notices = page.notices()
    if main.after_thumbnail:
        notices.append(f"starts with a small copy of itself; page {placed.number} is shown and used")
    elif main.pictures > 1:
        which = "the first" if placed.number == 1 else f"page {placed.number}"
        notices.append(f"has {main.pictures} pages; only {which} is shown and used")
    # Samples of fewer bits are shifted up to 16.
    significant = page.max_sample.bit_length() if page.bits == 16 else 0
    size = page.channels * max(8, page.bits)
    return ImageHeader(
        "TIFF",
        page.width,
        page.height,
        orientation,
        significant,
        page.channels,
        size,
        notices=tuple(notices),
        page=page,
        sample_bits=page.bits,
    )


# WebP


def _read_webp(source: ByteSource, to_end: bool) -> ImageHeader:
    (size,) = source.unpack_at("<I", 4)
    if to_end and size + 8 > source.size:
        raise HeaderError("truncated, the WebP data stops before its end")
    orientation, frames = 1, 0
    found: tuple[int, ...] = (0, 0)
    transparent = False
    for kind, body, length in _webp_parts(source, size + 8, to_end):
        if kind == b"VP8X":
            values = source.read_at(body, 10)
            found = tuple(1 + int.from_bytes(values[at : at + 3], "little") for at in (4, 7))
            transparent = bool(values[0] & 0x10)
        elif kind == b"ANMF":
            frames += 1
        elif kind == b"VP8 " and found == (0, 0):
            found = tuple(side & 0x3FFF for side in source.unpack_at("<HH", body + 6))
        elif kind == b"VP8L" and found == (0, 0):
            (packed,) = source.unpack_at("<I", body + 1)
            found = (1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF))
            transparent = bool(packed >> 28 & 1)
        elif kind == b"EXIF" and length <= _MAX_EXIF:
            orientation = exif_orientation(source.read_at(body, length).removeprefix(b"Exif\0\0"))
    if 0 in found:
        raise HeaderError("damaged, it holds no WebP image")
    notices = (*([TRANSPARENT] if transparent else []), *([_animated(frames)] if frames > 1 else []))
    return ImageHeader("WebP", found[0], found[1], orientation, notices=notices)


def _webp_parts(source: ByteSource, end: int, to_end: bool) -> Iterator[tuple[bytes, int, int]]:
    """Kind of each part up to `end` or to where the file stops, where its content begins, and its length."""
    place = 12
    for _ in itertools.count() if to_end else range(_MAX_PARTS):
        if place + 8 > min(end, source.size):
            return
        kind, length = source.unpack_at("<4sI", place)
        yield kind, place + 8, length
        place += 8 + length + length % 2


# Exif


def exif_orientation(exif: bytes) -> int:
    """The orientation in a block of Exif data (a small TIFF file), 1 if it tells none that is valid."""
    if exif[:2] not in (b"II", b"MM"):
        return 1
    try:
        source = ByteSource.of_bytes(exif)
        layout = Layout("<" if exif[:2] == b"II" else ">")
        tags, _ = read_tags(source, layout, layout.first_directory(source), frozenset({ORIENTATION}))
    except (struct.error, HeaderError):
        return 1  # a camera's careless metadata does not make the pixels unusable
    return valid_orientation(tags.get(ORIENTATION, (1,))[0])


def _animated(frames: int) -> str:
    return f"is animated ({frames:,} frames); only the first is shown and used"


_READERS: dict[bytes, Callable[[ByteSource, bool], ImageHeader]] = {
    b"\xff\xd8\xff": _read_jpeg,
    b"\x89PNG\r\n\x1a\n": _read_png,
    b"BM": _read_bmp,
    b"II*\0": _read_tiff,
    b"MM\0*": _read_tiff,
    b"II+\0": _read_tiff,
    b"MM\0+": _read_tiff,
    b"RIFF": _read_webp,
}
