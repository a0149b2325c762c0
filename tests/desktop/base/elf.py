"""What a shared library is linked with, read from the file itself."""

from __future__ import annotations

import struct
from pathlib import Path

LOAD, DYNAMIC = 1, 2  # types of segments
END, NEEDED, STRINGS = 0, 1, 5  # tags of the dynamic section


def read_needed(path: Path) -> list[str]:
    """The `NEEDED` entries of a little-endian ELF file of 64 bits."""
    data = path.read_bytes()
    assert data[:6] == b"\x7fELF\x02\x01", path
    (start,) = struct.unpack_from("<Q", data, 0x20)
    size, count = struct.unpack_from("<HH", data, 0x36)
    headers = [struct.unpack_from("<IIQQQQ", data, start + number * size) for number in range(count)]
    loaded = [(address, offset, length) for kind, _, offset, address, _, length in headers if kind == LOAD]
    offset, length = next((offset, length) for kind, _, offset, _, _, length in headers if kind == DYNAMIC)
    entries = []
    for at in range(offset, offset + length, 16):
        tag, value = struct.unpack_from("<qQ", data, at)
        if tag == END:
            break
        entries.append((tag, value))
    address = next(value for tag, value in entries if tag == STRINGS)
    texts = next(address - first + place for first, place, span in loaded if first <= address < first + span)
    ends = [(texts + value, data.index(b"\0", texts + value)) for tag, value in entries if tag == NEEDED]
    return [data[begin:end].decode("ascii") for begin, end in ends]


def list_foreign_needs(library: Path, bundled: Path) -> set[str]:
    """What a library and those of the folder `bundled` that it pulls in are linked with and do not bring."""
    foreign: set[str] = set()
    seen: set[Path] = set()
    waiting = [library]
    while waiting:
        if (path := waiting.pop()) in seen:
            continue
        seen.add(path)
        for name in read_needed(path):
            if (bundled / name).exists():
                waiting.append(bundled / name)
            else:
                foreign.add(name)
    return foreign
