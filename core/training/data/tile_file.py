"""Decoded pixels in a file, in tiles with a checksum each, of which any window can be read alone.

Files are read, not mapped into memory: one that is cut short while it is mapped kills the process, and so does a
network share that goes away. Layout, little-endian: magic, width, height, channels, mean colour, checksum of each tile,
checksum of all this, then the tiles row by row. A tile is contiguous; those at the right and bottom are smaller.
"""

from __future__ import annotations

import math
import os
import struct
import zlib
from dataclasses import dataclass, field
from io import FileIO
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core import files
from core.augmentation.pixels import mean_color
from core.imaging.decode import as_rgb

Image = NDArray[np.uint8]

# Side of a tile: a crop of 256 to 640 pixels then reads about twice what it shows, in one go for each row of tiles.
TILE = 256
# An image of at most this many bytes is one tile: it is read whole anyway.
ONE_TILE_BYTES = 8 * 2**20
_MAGIC = b"DDpixel1"
_HEAD = struct.Struct("<8sIII4B")
_MOST_TILES = 2**22


class DamagedTilesError(Exception):
    """The file is not what was written, or is gone."""


@dataclass(frozen=True, slots=True)
class _Grid:
    width: int
    height: int
    channels: int  # 1: grey, 3: RGB

    @property
    def bytes(self) -> int:
        return self.width * self.height * self.channels

    def edges(self) -> tuple[list[int], list[int]]:
        """Where columns and rows of tiles begin, and the end."""
        if self.bytes <= ONE_TILE_BYTES:
            return [0, self.width], [0, self.height]
        return [*range(0, self.width, TILE), self.width], [*range(0, self.height, TILE), self.height]

    @property
    def tiles(self) -> int:
        if self.bytes <= ONE_TILE_BYTES:
            return 1
        return math.ceil(self.width / TILE) * math.ceil(self.height / TILE)


def write_tiles(path: Path, image: Image) -> int:
    """Write `image`, (h, w, 3) or grey (h, w), whole or not at all; returns the bytes. Raises OSError."""
    grid = _Grid(image.shape[1], image.shape[0], 1 if image.ndim == 2 else 3)
    columns, rows = grid.edges()
    tiles = [
        np.ascontiguousarray(image[top:bottom, left:right])
        for top, bottom in pairwise(rows)
        for left, right in pairwise(columns)
    ]
    mean = mean_color(as_three(image)).tolist()
    head = _HEAD.pack(_MAGIC, grid.width, grid.height, grid.channels, *mean, 0)
    head += np.array([zlib.crc32(tile.data) for tile in tiles], "<u4").tobytes()
    head += struct.pack("<I", zlib.crc32(head))
    files.write_unsynced(path, [head, *(tile.reshape(-1).data for tile in tiles)])
    return len(head) + grid.bytes


def file_bytes(width: int, height: int, channels: int) -> int:
    """How large the file of such an image is."""
    grid = _Grid(width, height, channels)
    return _HEAD.size + 4 * grid.tiles + 4 + grid.bytes


def as_three(image: Image) -> Image:
    """Grey (h, w) as a view (h, w, 3); RGB as it is. Not to be written to."""
    return image if image.ndim == 3 else np.broadcast_to(image[..., None], (*image.shape, 3))


@dataclass(slots=True, eq=False)
class TileFile:
    """An image in such a file, as augmentation reads it; from several threads."""

    path: Path
    _grid: _Grid
    _mean: Image
    _checksums: NDArray[np.uint32]
    _offset: int
    _trusted: NDArray[np.bool_] = field(init=False)  # tiles whose checksum was right once

    def __post_init__(self) -> None:
        self._trusted = np.zeros(self._grid.tiles, bool)

    @classmethod
    def open(cls, path: Path) -> TileFile | None:
        """The file at `path`; None if there is none. Raises DamagedTilesError."""
        try:
            with path.open("rb") as file:
                head = file.read(_HEAD.size)
                size = os.fstat(file.fileno()).st_size
                if len(head) < _HEAD.size or not head.startswith(_MAGIC):
                    raise DamagedTilesError(path)
                _, width, height, channels, red, green, blue, _ = _HEAD.unpack(head)
                grid = _Grid(width, height, channels)
                if (
                    channels not in (1, 3)
                    or not 0 < grid.tiles <= _MOST_TILES
                    or size != file_bytes(width, height, channels)
                ):
                    raise DamagedTilesError(path)
                table, check = file.read(4 * grid.tiles), file.read(4)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DamagedTilesError(path) from error
        if struct.pack("<I", zlib.crc32(head + table)) != check:
            raise DamagedTilesError(path)
        mean = np.array([red, green, blue], np.uint8)
        return cls(path, grid, mean, np.frombuffer(table, "<u4").astype(np.uint32), len(head) + len(table) + 4)

    @property
    def size(self) -> tuple[int, int]:
        return self._grid.width, self._grid.height

    @property
    def bytes(self) -> int:
        """Of the pixels in memory."""
        return self._grid.bytes

    def mean_color(self) -> Image:
        return self._mean

    def part(self, left: int, top: int, right: int, bottom: int) -> Image:
        """As Pixels.part. Raises DamagedTilesError, also where the file has changed since it was opened."""
        return as_rgb(self.stored(left, top, right, bottom))

    def stored(self, left: int, top: int, right: int, bottom: int) -> Image:
        """As `part`, but grey images stay grey: (h, w)."""
        columns, rows = self._grid.edges()
        first, last = _tile_span(columns, left, right)
        result = np.empty((bottom - top, right - left, self._grid.channels), np.uint8)
        try:
            with self.path.open("rb", buffering=0) as file:
                for row in range(*_tile_span(rows, top, bottom)):
                    y1, y2 = rows[row], rows[row + 1]
                    strip = self._strip(file, row, first, last, columns, (y1, y2))
                    for column, tile in enumerate(strip, first):
                        x1 = columns[column]
                        window = tile[max(top - y1, 0) : bottom - y1, max(left - x1, 0) : right - x1]
                        y, x = max(y1 - top, 0), max(x1 - left, 0)
                        result[y : y + window.shape[0], x : x + window.shape[1]] = window
        except OSError as error:
            raise DamagedTilesError(self.path) from error
        return result if self._grid.channels == 3 else result[:, :, 0]

    def _strip(
        self, file: FileIO, row: int, first: int, last: int, columns: list[int], span: tuple[int, int]
    ) -> list[Image]:
        """The tiles `first` to `last` of a row of tiles that spans `span`, in one read."""
        height, channels = span[1] - span[0], self._grid.channels
        start = self._offset + span[0] * self._grid.width * channels + columns[first] * height * channels
        data = _read_at(file, start, (columns[last] - columns[first]) * height * channels)
        tiles, place = [], 0
        for column in range(first, last):
            width = columns[column + 1] - columns[column]
            tile = np.frombuffer(data, np.uint8, height * width * channels, place).reshape(height, width, channels)
            place += tile.nbytes
            number = row * (len(columns) - 1) + column
            if not self._trusted[number]:
                if zlib.crc32(tile.data) != self._checksums[number]:
                    raise DamagedTilesError(self.path)
                self._trusted[number] = True
            tiles.append(tile)
        return tiles


def _tile_span(edges: list[int], low: int, high: int) -> tuple[int, int]:
    """From and to which interval between `edges` low..high reaches."""
    places = np.searchsorted(edges, [low, high - 1], side="right")
    return int(places[0]) - 1, int(places[1])


def _read_at(file: FileIO, start: int, count: int) -> bytearray:
    data, done = bytearray(count), 0
    file.seek(start)
    while done < count:
        got = file.readinto(memoryview(data)[done:])
        if not got:
            raise OSError(f"ends {count - done} bytes early")
        done += got
    return data
