"""Reading the header of a safetensors file without torch, and without trusting the file.

Format: 8 bytes little-endian length, a JSON object of that length, then the tensors' bytes.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

from core.errors import InputError

MAX_HEADER = 2 * 2**20  # bytes; a checkpoint's header has some 100 kB
MAX_TENSORS = 20_000
MAX_DIMENSIONS = 8

_BITS = {
    "BOOL": 8,
    "U8": 8,
    "I8": 8,
    "U16": 16,
    "I16": 16,
    "F16": 16,
    "BF16": 16,
    "U32": 32,
    "I32": 32,
    "F32": 32,
    "U64": 64,
    "I64": 64,
    "F64": 64,
}


def read_header(path: Path) -> dict[str, Any]:
    """The header's JSON object: tensor entries and "__metadata__".

    Raises InputError, naming the file, if the file is missing, truncated or no safetensors file, or if a tensor
    claims other bytes than its own: outside the file, another's, or none.
    """
    try:
        if not path.is_file():
            # Opening a pipe would wait for somebody to write into it.
            raise InputError(
                f"{path}: {'is not a file' if path.exists() else 'there is no such file'}; choose a checkpoint"
            )
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or not 2 <= length <= size - 8:
                raise InputError(f"{path}: not a checkpoint (no safetensors header); choose a .safetensors file")
            if length > MAX_HEADER:
                raise InputError(f"{path}: damaged, its header has {length:,} bytes; some thousand are usual")
            header = json.loads(file.read(length), object_pairs_hook=_without_doubles)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except _Doubled as error:
        raise InputError(f"{path}: damaged, its header names {error} twice") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: damaged, its header is not JSON") from error
    if not isinstance(header, dict):
        raise InputError(f"{path}: damaged, its header is not an object")
    _check_places(path, header, size - 8 - length)
    return header


def read_texts(path: Path) -> dict[str, str]:
    """The texts of the header's "__metadata__". Raises InputError as `read_header` does."""
    return texts(path, read_header(path))


def texts(path: Path, header: dict[str, Any]) -> dict[str, str]:
    """The texts of a header's "__metadata__". Raises InputError if they are none."""
    metadata = header.get("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise InputError(f"{path}: damaged, its metadata are not texts")
    return metadata


def tensor_entries(header: dict[str, Any], prefix: str) -> dict[str, dict[str, Any]]:
    """By name: dtype, shape and data_offsets of the tensors whose names start with `prefix`."""
    return {name: entry for name, entry in header.items() if name.startswith(prefix) and name != "__metadata__"}


def tensor_bytes(header: dict[str, Any], prefix: str) -> int:
    """What those tensors take together."""
    places = [entry["data_offsets"] for entry in tensor_entries(header, prefix).values()]
    return sum(end - begin for begin, end in places)


def read_metadata(path: Path) -> dict[str, Any]:
    """What DefectDesk wrote about the model in a checkpoint: labels, recipe, epoch, metrics, snapshot.

    Raises InputError if the file is damaged or was not written by DefectDesk.
    """
    return described(path, read_header(path))


def described(path: Path, header: dict[str, Any]) -> dict[str, Any]:
    """The same, from a header that was read."""
    text = texts(path, header).get("defectdesk")
    if text is None:
        raise InputError(f"{path}: holds weights, but is no DefectDesk checkpoint (no description in it)")
    try:
        values = json.loads(text, object_pairs_hook=_without_doubles)
    except _Doubled as error:
        raise InputError(f"{path}: damaged, its description names {error} twice") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: damaged, its description is not JSON") from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: damaged, its description is not an object")
    return values


class _Doubled(Exception):
    """A key stands twice in an object: two readers would see two different files."""


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        seen: set[str] = set()
        raise _Doubled(repr(next(name for name, _ in pairs if name in seen or seen.add(name))[:80]))  # type: ignore[func-returns-value]
    return values


def _check_places(path: Path, header: dict[str, Any], data: int) -> None:
    """The tensors must fill the `data` bytes behind the header without a gap and without an overlap."""
    if len(header) > MAX_TENSORS:
        raise InputError(f"{path}: damaged, it names {len(header):,} tensors")
    places: list[tuple[int, int, str]] = []
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        try:
            begin, end = entry["data_offsets"]
            shape, kind = entry["shape"], entry["dtype"]
            if not all(type(value) is int and value >= 0 for value in (begin, end, *shape)):
                raise ValueError(name)
            if len(shape) > MAX_DIMENSIONS or not isinstance(kind, str):
                raise ValueError(name)
            bits = _BITS[kind]
        except (TypeError, KeyError, ValueError) as error:
            raise InputError(f"{path}: damaged, tensor {name[:80]!r} has no valid shape and offsets") from error
        wanted = math.prod(shape) * bits // 8
        if end - begin != wanted:
            raise InputError(f"{path}: damaged, tensor {name[:80]!r} needs {wanted:,} bytes and claims {end - begin:,}")
        places.append((begin, end, name))
    reached = 0
    for begin, end, name in sorted(places):
        if begin < reached:
            raise InputError(f"{path}: damaged, tensor {name[:80]!r} overlaps another")
        if begin > reached:
            raise InputError(f"{path}: damaged, there is a gap before tensor {name[:80]!r}")
        reached = end
    if reached != data:
        raise InputError(f"{path}: damaged, its size does not match its header; copy the file again")
