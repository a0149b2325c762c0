"""Decoding a large PNG band by band, so that it can be stopped on the way and tells how far it is.

The compressed stream is inflated as it goes; each band of rows becomes a small PNG of its own, after the row before it,
which the filters of its first row refer to.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from core.imaging.byte_source import ByteSource
from core.imaging.cancelling import CancelToken
from core.imaging.errors import DamagedError

Progress = Callable[[float], None]

_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}  # by colour type
# Where the channels of a PNG are in OpenCV's pixels.
_PLACES = {2: [2, 1, 0], 4: [0, 3], 6: [2, 1, 0, 3]}
_BAND_BYTES = 2**22
_PIECE = 2**20


def can_decode_bands(source: ByteSource) -> bool:
    """Whether the rows are stored from top to bottom, with whole bytes for each sample and no palette."""
    depth, colour, _, _, interlaced = source.unpack_at(">BBBBB", 24)
    return depth in (8, 16) and colour in _CHANNELS and not interlaced


def decode_bands(source: ByteSource, cancel: CancelToken, progress: Progress | None) -> NDArray[np.generic]:
    """Grey (h, w) or RGB (h, w, 3) of 8 or 16 bits; without transparency.

    `progress` is called with the share that is done. Raises DamagedError, CancelledError.
    """
    width, height, depth, colour = source.unpack_at(">IIBB", 16)
    shape = (height, width) if colour in (0, 4) else (height, width, 3)
    pixels = np.empty(shape, np.uint8 if depth == 8 else np.uint16)
    top = 0
    for band in _read_bands(source, 1, cancel):
        pixels[top : top + len(band)] = band
        top += len(band)
        if progress is not None:
            progress(top / height)
    return pixels


def reduce_bands(source: ByteSource, factor: int, cancel: CancelToken) -> NDArray[np.generic]:
    """As `decode_bands`, but each `factor` x `factor` pixels are one, their average; of the image only a band is held."""
    width, height = source.unpack_at(">II", 16)
    across = max(1, round(width / factor))
    parts = [
        cv2.resize(band, (across, max(1, round(len(band) / factor))), interpolation=cv2.INTER_AREA)
        for band in _read_bands(source, factor, cancel)
    ]
    return np.concatenate(parts)[: max(1, round(height / factor))]


def _read_bands(source: ByteSource, multiple: int, cancel: CancelToken) -> Iterator[NDArray[np.uint8]]:
    """The image from top to bottom, a `multiple` of rows at once and the last fewer; grey or RGB of 8 or 16 bits."""
    width, height, depth, colour = source.unpack_at(">IIBB", 16)
    row = 1 + width * _CHANNELS[colour] * depth // 8
    rows = max(1, _BAND_BYTES // row // multiple) * multiple
    before = bytes(row)
    for band in _inflated(source, row * rows, row * height):
        cancel.check()
        decoded = _decode_band(before + band, width, depth, colour)[1:]
        before = _stored_row(decoded[-1], colour)
        if colour in (0, 4):
            yield decoded if decoded.ndim == 2 else decoded[..., 0]
        else:
            code = cv2.COLOR_BGR2RGB if colour == 2 else cv2.COLOR_BGRA2RGB
            yield cast("NDArray[np.uint8]", cv2.cvtColor(decoded, code))


def _inflated(source: ByteSource, band: int, total: int) -> Iterator[bytes]:
    """The rows with their filters, `band` bytes at once and the last fewer, `total` together."""
    decoder = zlib.decompressobj()
    held = bytearray()
    given = 0
    try:
        for piece in _compressed(source):
            left = piece
            while left and given + len(held) < total:
                held += decoder.decompress(left, band - len(held))
                left = decoder.unconsumed_tail
                if len(held) == band or given + len(held) == total:
                    given += len(held)
                    yield bytes(held)
                    held.clear()
    except zlib.error as error:
        raise DamagedError(str(error)) from error
    if given < total:
        raise DamagedError(f"its rows end after {given:,} of {total:,} bytes")


def _compressed(source: ByteSource) -> Iterator[bytes]:
    """The compressed stream in pieces: the content of the parts called IDAT, whose checksums were looked at before."""
    place = 8
    while place + 12 <= source.size:
        length, kind = source.unpack_at(">I4s", place)
        if kind == b"IDAT":
            for start in range(place + 8, place + 8 + length, _PIECE):
                yield source.read_at(start, min(_PIECE, place + 8 + length - start))
        elif kind == b"IEND":
            return
        place += 12 + length


def _decode_band(rows: bytes, width: int, depth: int, colour: int) -> NDArray[np.uint8]:
    """Pixels in OpenCV's order of channels, of 8 or 16 bits."""
    row = 1 + width * _CHANNELS[colour] * depth // 8
    header = struct.pack(">IIBBBBB", width, len(rows) // row, depth, colour, 0, 0, 0)
    data = b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", zlib.compress(rows, 0)),
            _chunk(b"IEND", b""),
        ]
    )
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if found is None:
        raise DamagedError("a row is filtered in no known way")
    return cast("NDArray[np.uint8]", found)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return b"".join([struct.pack(">I", len(body)), kind, body, struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))])


def _stored_row(row: NDArray[np.uint8], colour: int) -> bytes:
    """A row of pixels as PNG stores it, not filtered."""
    ordered = row if row.ndim == 1 else row[:, _PLACES[colour]]
    return b"\0" + ordered.astype(ordered.dtype.newbyteorder(">")).tobytes()
