"""Reading pieces of a file, or of bytes in memory, by their place: what the parsers of image headers stand on."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from typing import Any, BinaryIO, Self

_PIECE = 2**20


@dataclass(frozen=True, slots=True, eq=False)
class ByteSource:
    """A stream of known size. Nothing is read but what is asked for."""

    stream: BinaryIO
    size: int

    @classmethod
    def of_bytes(cls, data: bytes) -> Self:
        return cls(io.BytesIO(data), len(data))

    def read_at(self, place: int, length: int) -> bytes:
        """`length` bytes from `place` on, fewer where the file ends."""
        length = min(length, self.size - place)
        if length <= 0:
            return b""
        self.stream.seek(place)
        return self.stream.read(length)

    def unpack_at(self, layout: str, place: int) -> tuple[Any, ...]:
        """The values of a struct `layout` at `place`. Raises struct.error where the file ends before they do."""
        return struct.unpack(layout, self.read_at(place, struct.calcsize(layout)))

    def checksum(self, place: int, end: int) -> int:
        """CRC-32 of the bytes from `place` to `end`, which are never held all together."""
        found = 0
        for start in range(place, end, _PIECE):
            found = zlib.crc32(self.read_at(start, min(_PIECE, end - start)), found)
        return found
