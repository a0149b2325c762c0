"""TIFF files made tag by tag, of kinds that no library writes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import imagecodecs
import numpy as np

from core.imaging.tiff import directory as tag

COMPRESS = {
    1: bytes,
    5: imagecodecs.lzw_encode,
    8: zlib.compress,
    32773: imagecodecs.packbits_encode,
}


@dataclass(slots=True)
class Directory:
    """One page: its tags, strips or tiles, and directories below it."""

    tags: dict[int, Sequence[int]]
    segments: Sequence[bytes] = ()
    children: Sequence[Directory] = field(default_factory=list)


def tiff_bytes(pages: Sequence[Directory], order: str = "<", *, big: bool = False) -> bytes:
    """A file of these pages in a chain."""
    writer = _Writer(order, big)
    for page in pages:
        writer.add(page, chained=True)
    return bytes(writer.data)


class _Writer:
    def __init__(self, order: str, big: bool) -> None:
        self._order, self._big = order, big
        self._number = order + ("Q" if big else "I")
        mark = b"II" if order == "<" else b"MM"
        self.data = bytearray(mark + struct.pack(order + "H", 43 if big else 42))
        self.data += struct.pack(order + "HH", 8, 0) if big else b""
        self._link = len(self.data)
        self.data += struct.pack(self._number, 0)

    def add(self, page: Directory, *, chained: bool = False) -> int:
        offsets = [self._append(segment) for segment in page.segments]
        children = [self.add(child) for child in page.children]
        tags: dict[int, Sequence[int]] = dict(page.tags)
        if page.segments:
            tiled = tag.TILE_WIDTH in tags
            tags[tag.TILE_OFFSETS if tiled else tag.STRIP_OFFSETS] = offsets
            tags[tag.TILE_COUNTS if tiled else tag.STRIP_COUNTS] = [len(segment) for segment in page.segments]
        if children:
            tags[tag.SUB_DIRECTORIES] = children
        entries = b""
        for key, values in sorted(tags.items()):
            letter, kind = ("B", 7) if key == tag.JPEG_TABLES else ("I", 4)
            content = struct.pack(f"{self._order}{len(values)}{letter}", *values)
            room = 8 if self._big else 4
            if len(content) > room:
                content = struct.pack(self._number, self._append(content))
            entries += struct.pack(self._order + ("HHQ" if self._big else "HHI"), key, kind, len(values))
            entries += content.ljust(room, b"\0")
        count = struct.pack(self._order + ("Q" if self._big else "H"), len(tags))
        place = self._append(count + entries + struct.pack(self._number, 0))
        if chained:
            struct.pack_into(self._number, self.data, self._link, place)
            self._link = len(self.data) - struct.calcsize(self._number)
        return place

    def _append(self, content: bytes) -> int:
        self.data += bytes(len(self.data) % 2)
        place = len(self.data)
        self.data += content
        return place


def packed(values: np.ndarray, bits: int, order: str = "<") -> bytes:
    """Rows (h, w, channels) of numbers of `bits` bits, each row filled up to whole bytes."""
    if bits == 16:
        return values.astype(order + "u2").tobytes()
    flat = values.reshape(len(values), -1)
    each = flat[..., None].astype(np.uint32) >> np.arange(bits - 1, -1, -1, dtype=np.uint32) & 1
    return np.packbits(each.astype(np.uint8).reshape(len(values), -1), axis=1).tobytes()


def page_of(
    values: np.ndarray,
    bits: int = 8,
    *,
    photometric: int | None = None,
    compression: int = 1,
    rows_per_strip: int = 16,
    tile: tuple[int, int] | None = None,
    order: str = "<",
    more: Mapping[int, Sequence[int]] | None = None,
) -> Directory:
    """A page of samples (h, w, channels), in strips or tiles."""
    height, width, channels = values.shape
    tags: dict[int, Sequence[int]] = {
        tag.WIDTH: [width],
        tag.HEIGHT: [height],
        tag.DEPTHS: [bits] * channels,
        tag.COMPRESSION: [compression],
        tag.PHOTOMETRIC: [(2 if channels >= 3 else 1) if photometric is None else photometric],
        tag.CHANNELS: [channels],
        tag.PLANAR: [1],
    }
    if tile is None:
        tags[tag.ROWS_PER_STRIP] = [rows_per_strip]
        parts = [values[top : top + rows_per_strip] for top in range(0, height, rows_per_strip)]
    else:
        tags |= {tag.TILE_WIDTH: [tile[0]], tag.TILE_HEIGHT: [tile[1]]}
        full = np.pad(values, ((0, -height % tile[1]), (0, -width % tile[0]), (0, 0)))
        parts = [
            full[top : top + tile[1], left : left + tile[0]]
            for top in range(0, height, tile[1])
            for left in range(0, width, tile[0])
        ]
    segments = [COMPRESS[compression](packed(part, bits, order)) for part in parts]
    return Directory({**tags, **(more or {})}, segments)
