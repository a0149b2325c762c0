"""Decompressing strips and tiles of TIFF files such that damage is noticed.

libtiff stops as soon as it has the bytes it was asked for, and fax decoders fill what they cannot read with white.
Here a segment must yield exactly what it is to hold: behind its end a mark is put that has to come out, too, and at the
right place. Where damage moves the end, the mark is not found. libtiff is used through OpenCV, which heeds its errors
where samples have 16 bits, and ignores them where they have 8: so bytes are decoded as if they were pairs.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from core.imaging.errors import DamagedError
from core.imaging.tiff import directory as tag
from core.imaging.tiff import page as kinds
from core.imaging.tiff.fax import decode_fax
from core.imaging.tiff.writer import write_tiff

_MARK = 0xA5
_LZW_END = 257  # the code that ends a strip, of 9 to 12 bits
_MOST_AT_ONCE = 2**23  # bytes that are decoded by one call of libtiff
_WIDEST = 2**20  # bytes in a row; OpenCV reads no image of more than a million columns


def decompress(compression: int, segments: Sequence[bytes], size: int, row: tuple[int, int]) -> list[bytes]:
    """The content of segments that hold `size` bytes each. `row`: width in pixels and in bytes of a row.

    Raises DamagedError for a segment that cannot be decoded or holds another number of bytes.
    """
    if compression in (kinds.LZW, kinds.PACKBITS):
        return _by_libtiff(compression, segments, size)
    if compression == kinds.CCITT_G4:
        return [decode_fax(segment, size // row[1], row[0]) for segment in segments]
    return [_ALONE[compression](segment, size) for segment in segments]


def _stored(segment: bytes, size: int) -> bytes:
    if len(segment) < size:
        raise DamagedError(f"{len(segment):,} bytes where {size:,} are due")
    return segment[:size]


def _inflate(segment: bytes, size: int) -> bytes:
    decoder = zlib.decompressobj()
    try:
        # One byte more than is due: the checksum at the end is then looked at.
        content = decoder.decompress(segment, size + 1)
    except zlib.error as error:
        raise DamagedError(str(error)) from error
    if len(content) != size or not decoder.eof:
        raise DamagedError(f"it does not hold the {size:,} bytes that are due")
    return content


def _unpack_lzma(segment: bytes, size: int) -> bytes:
    decoder = lzma.LZMADecompressor()
    try:
        content = decoder.decompress(segment, size + 1)
    except lzma.LZMAError as error:
        raise DamagedError(str(error)) from error
    if len(content) != size or not decoder.eof:
        raise DamagedError(f"it does not hold the {size:,} bytes that are due")
    return content


_ALONE: dict[int, Callable[[bytes, int], bytes]] = {
    kinds.NONE: _stored,
    kinds.DEFLATE: _inflate,
    kinds.OLD_DEFLATE: _inflate,
    kinds.LZMA: _unpack_lzma,
}


# LZW and PackBits


def _by_libtiff(compression: int, segments: Sequence[bytes], size: int) -> list[bytes]:
    if compression == kinds.LZW and any(segment[:1] == b"\0" for segment in segments):
        # The first code, which empties the table, begins with a 1.
        raise DamagedError("its LZW data begins with zeros")
    add_mark = _mark_lzw if compression == kinds.LZW else _mark_packbits
    rows = -(-(size + 1) // _WIDEST)
    width = 2 * -(-(size + 1) // (2 * rows))
    length = rows * width - size
    found: list[bytes] = []
    together = max(1, _MOST_AT_ONCE // (rows * width))
    for start in range(0, len(segments), together):
        part = segments[start : start + together]
        marked, marks = zip(*(add_mark(segment, length) for segment in part), strict=True)
        content = _decode_pairs(compression, marked, rows, width)
        if (content[:, size] != marks).any() or content[:, size + 1 :].any():
            raise DamagedError(f"it does not hold the {size:,} bytes that are due")
        found += [one[:size].tobytes() for one in content]
    return found


def _decode_pairs(compression: int, strips: Sequence[bytes], rows: int, width: int) -> NDArray[np.uint8]:
    """Strips that hold `rows` x `width` bytes each, as rows of an array."""
    values = {
        tag.WIDTH: [width // 2],
        tag.HEIGHT: [rows * len(strips)],
        tag.DEPTHS: [16],
        tag.COMPRESSION: [compression],
        tag.PHOTOMETRIC: [kinds.BLACK_IS_ZERO],
        tag.CHANNELS: [1],
        tag.ROWS_PER_STRIP: [rows],
    }
    try:
        pairs = cv2.imdecode(np.frombuffer(write_tiff(values, strips), np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise DamagedError("it cannot be decompressed") from error
    if pairs is None:
        raise DamagedError("it cannot be decompressed")
    # The file was written with the lower byte first.
    return np.asarray(pairs, "<u2").view(np.uint8).reshape(len(strips), rows * width)


def _mark_lzw(segment: bytes, length: int) -> tuple[bytes, int]:
    """The segment with a mark in place of the code that ends it, zeros after it, `length` bytes together; and the mark.

    The code that ends it is 1 0000 0001 in its low bits and zero above, however wide codes are by then: with a literal
    in the low 8 bits it is the mark. All bits zero are literal zeros, however wide. Raises DamagedError.
    """
    body = segment.rstrip(b"\0")
    tail = int.from_bytes(body[-3:], "big")
    low = max(0, (tail & -tail).bit_length() - 1)
    zeros = bytes(2 * length + 2)
    if tail >> low & 0x1FF == _LZW_END:
        tail ^= (_LZW_END ^ _MARK) << low
        return body[:-3] + tail.to_bytes(len(body[-3:]), "big") + zeros, _MARK
    if len(segment) - len(body) > 1:
        raise DamagedError("it ends with zeros")
    return segment + zeros, 0  # some programs leave out the end


def _mark_packbits(segment: bytes, length: int) -> tuple[bytes, int]:
    # Literal runs are of at most 128 bytes.
    zeros = b"".join(bytes([count - 1]) + bytes(count) for count in _split(length - 1, 128))
    return segment + bytes([0, _MARK]) + zeros, _MARK


def _split(total: int, most: int) -> list[int]:
    return [most] * (total // most) + ([total % most] if total % most else [])
