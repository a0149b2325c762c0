"""A TIFF file in memory, made to have a library decode what was taken out of another."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from core.imaging.tiff import directory as tag


def write_tiff(values: Mapping[int, Sequence[int]], strips: Sequence[bytes]) -> bytes:
    """A little-endian TIFF of one page with the tags `values` and the content of its strips."""
    place, offsets = 8, []
    for strip in strips:
        offsets.append(place)
        place += len(strip)
    place += place % 2
    entries = {**values, tag.STRIP_OFFSETS: offsets, tag.STRIP_COUNTS: [len(strip) for strip in strips]}
    directory, beyond = [struct.pack("<H", len(entries))], []
    after = place + 2 + 12 * len(entries) + 4
    for key in sorted(entries):
        content = struct.pack(f"<{len(entries[key])}I", *entries[key])
        if len(content) > 4:
            beyond.append(content)
            content, after = struct.pack("<I", after), after + len(content)
        directory.append(struct.pack("<HHI4s", key, 4, len(entries[key]), content))
    body = b"".join(strips)
    padding = bytes(len(body) % 2)
    return b"".join([b"II*\0", struct.pack("<I", place), body, padding, *directory, bytes(4), *beyond])
