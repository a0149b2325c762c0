"""The samples of a TIFF page, as they are stored: strips and tiles decoded, unpacked and put in their places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.imaging.byte_source import ByteSource
from core.imaging.cancelling import NEVER, CancelToken
from core.imaging.errors import DamagedError
from core.imaging.tiff import page as kinds
from core.imaging.tiff.codecs import decompress
from core.imaging.tiff.jpeg_segments import decode_jpeg_segment
from core.imaging.tiff.page import TiffPage

Samples = NDArray[np.uint8] | NDArray[np.uint16]

_MOST_AT_ONCE = 2**24  # bytes of segments that are decoded before one looks whether the image is still wanted
_UNPACKED_AT_ONCE = 2**20  # samples


@dataclass(frozen=True, slots=True)
class _Segment:
    """One strip or tile: where it is in the file, and which samples it holds."""

    offset: int
    count: int
    left: int
    top: int
    rows: int  # that it holds; those of a tile may go beyond the image
    channel: int  # the first


def read_samples(source: ByteSource, page: TiffPage, step: int = 1, cancel: CancelToken = NEVER) -> Samples:
    """The stored values (h, w, channels): 8 bits a sample for up to 8 bits, 16 for more.

    Values of fewer bits are not scaled. With `step`, every so manieth row and column, and nothing that holds none of
    them is decoded. Raises DamagedError, CancelledError.
    """
    shape = (-(-page.height // step), -(-page.width // step), page.channels)
    samples: Samples = np.empty(shape, np.uint8) if page.bits <= 8 else np.empty(shape, np.uint16)
    for part in _parts(page, step):
        cancel.check()
        stored = [source.read_at(segment.offset, segment.count) for segment in part]
        for segment, decoded in zip(part, _decode(page, stored, part[0].rows), strict=True):
            _place(samples, decoded, segment, step)
    return samples


def _place(samples: Samples, decoded: Samples, segment: _Segment, step: int) -> None:
    """Put every `step`th row and column of a segment to its place."""
    top, left = -segment.top % step, -segment.left % step
    wanted = decoded[top::step, left::step]
    y, x = (segment.top + top) // step, (segment.left + left) // step
    room = samples[y : y + wanted.shape[0], x : x + wanted.shape[1]]
    channels = slice(segment.channel, segment.channel + decoded.shape[2])
    room[..., channels] = wanted[: room.shape[0], : room.shape[1]]


def bytes_to_decode(page: TiffPage, step: int) -> int:
    """How much `read_samples` decompresses for every `step`th row and column."""
    return sum(segment.rows for part in _parts(page, step) for segment in part) * row_bytes(page)


def _parts(page: TiffPage, step: int) -> Iterator[list[_Segment]]:
    """Segments of equal height that are worth decoding together, those left out that hold none of the wanted rows."""
    width, _ = page.segment_size
    part: list[_Segment] = []
    held = 0
    for segment in _rows(page) if step > 1 and page.compression == kinds.NONE else _segments(page):
        if -segment.top % step >= segment.rows or -segment.left % step >= width:
            continue
        size = segment.rows * row_bytes(page)
        if part and (segment.rows != part[0].rows or held + size > _MOST_AT_ONCE):
            yield part
            part, held = [], 0
        part.append(segment)
        held += size
    if part:
        yield part


def _segments(page: TiffPage) -> Iterator[_Segment]:
    width, height = page.segment_size
    across, down = page.grid
    for index in range(across * down * (page.channels if page.separate else 1)):
        channel, within = divmod(index, across * down)
        top, left = within // across * height, within % across * width
        rows = height if page.tile is not None else min(height, page.height - top)
        yield _Segment(page.offsets[index], page.counts[index], left, top, rows, channel)


def _rows(page: TiffPage) -> Iterator[_Segment]:
    """Each row of each segment that is not compressed, as a segment of its own."""
    length = row_bytes(page)
    for segment in _segments(page):
        if segment.count < segment.rows * length:
            raise DamagedError(f"{segment.count:,} bytes where {segment.rows * length:,} are due")
        for row in range(segment.rows):
            yield _Segment(segment.offset + row * length, length, segment.left, segment.top + row, 1, segment.channel)


def row_bytes(page: TiffPage) -> int:
    """Bytes of one row of a segment."""
    samples = page.segment_size[0] * (1 if page.separate else page.channels)
    return -(-samples * page.bits // 8)


def _decode(page: TiffPage, stored: list[bytes], rows: int) -> Iterator[Samples]:
    width = page.segment_size[0]
    channels = 1 if page.separate else page.channels
    if page.compression == kinds.JPEG:
        for segment in stored:
            yield decode_jpeg_segment(segment, page, rows)
        return
    for content in decompress_segments(page, stored, rows * row_bytes(page), rows):
        samples = _unpack(content, (rows, width * channels), page).reshape(rows, width, channels)
        if page.predictor == 2 and page.compression in _PREDICTED:
            samples = np.add.accumulate(samples, axis=1, dtype=samples.dtype)
        yield samples


_PREDICTED = frozenset({kinds.LZW, kinds.DEFLATE, kinds.OLD_DEFLATE, kinds.LZMA})


def decompress_segments(page: TiffPage, stored: list[bytes], size: int, rows: int) -> list[bytes]:
    """The content of strips or tiles of `size` bytes each. Raises DamagedError."""
    if page.reversed_bits:
        stored = [segment.translate(_REVERSED) for segment in stored]
    row = (page.segment_size[0], size // rows)
    try:
        return decompress(page.compression, stored, size, row)
    except DamagedError:
        full = size // rows * page.rows_per_strip
        if page.tile is not None or full == size:
            raise
        # Some programs fill the last strip up with rows that are not of the image.
        return [content[:size] for content in decompress(page.compression, stored, full, row)]


_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def _unpack(content: bytes, shape: tuple[int, int], page: TiffPage) -> Samples:
    if page.bits == 8:
        return np.frombuffer(content, np.uint8).reshape(shape)
    if page.bits == 16:
        return np.frombuffer(content, page.layout.order + "u2").reshape(shape).astype(np.uint16, copy=False)
    rows, columns = shape
    packed = np.frombuffer(content, np.uint8).reshape(rows, -1)
    if page.bits == 1:
        return np.unpackbits(packed, axis=1, count=columns)
    found = np.empty(shape, np.uint8 if page.bits < 8 else np.uint16)
    step = max(1, _UNPACKED_AT_ONCE // columns)
    for top in range(0, rows, step):
        found[top : top + step] = _unpack_rows(packed[top : top + step], columns, page.bits)
    return found


def _unpack_rows(packed: NDArray[np.uint8], columns: int, bits: int) -> NDArray[np.uint32]:
    """Numbers of `bits` bits each, the highest first, from rows of bytes; each is within three bytes."""
    start = np.arange(columns) * bits
    padded = np.pad(packed, ((0, 0), (0, 2))).astype(np.uint32)
    first = start // 8
    three = padded[:, first] << 16 | padded[:, first + 1] << 8 | padded[:, first + 2]
    shift = (24 - bits - start % 8).astype(np.uint32)
    return np.asarray(three >> shift & np.uint32(2**bits - 1), np.uint32)
