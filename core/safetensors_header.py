"""Reading the header of a safetensors file without torch, and without trusting the file.

Format: 8 bytes little-endian length, a JSON object of that length, then the tensors' bytes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from core.errors import InputError

MAX_HEADER = 16 * 2**20  # a checkpoint's header is some 100 kB


def read_header(path: Path) -> dict[str, Any]:
    """The header's JSON object: tensor entries and "__metadata__".

    Raises InputError, naming the file, if the file is missing, truncated or no safetensors file.
    """
    try:
        if not path.is_file():
            # Opening a pipe would wait for somebody to write into it.
            raise InputError(
                f"{path}: {'is not a file' if path.exists() else 'there is no such file'}; choose a checkpoint"
            )
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or not 2 <= length <= min(size - 8, MAX_HEADER):
                raise InputError(f"{path}: not a checkpoint (no safetensors header); choose a .safetensors file")
            header = json.loads(file.read(length))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: damaged, its header is not JSON") from error
    if not isinstance(header, dict):
        raise InputError(f"{path}: damaged, its header is not an object")
    return header


def read_metadata(path: Path) -> dict[str, Any]:
    """What DefectDesk wrote about the model in a checkpoint: labels, recipe, epoch, metrics, snapshot.

    Raises InputError if the file is damaged or was not written by DefectDesk.
    """
    header = read_header(path)
    end = 0
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        try:
            begin, stop = entry["data_offsets"]
            end = max(end, int(stop))
            if not 0 <= int(begin) <= int(stop):
                raise ValueError(name)
        except (TypeError, KeyError, ValueError) as error:
            raise InputError(f"{path}: damaged, tensor {name!r} has no valid offsets") from error
    with path.open("rb") as file:
        data_start = 8 + int.from_bytes(file.read(8), "little")
    if data_start + end != path.stat().st_size:
        raise InputError(f"{path}: damaged, its size does not match its header; copy the file again")
    metadata = header.get("__metadata__")
    text = metadata.get("defectdesk") if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise InputError(f"{path}: holds weights, but is no DefectDesk checkpoint (no description in it)")
    try:
        described = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: damaged, its description is not JSON") from error
    if not isinstance(described, dict):
        raise InputError(f"{path}: damaged, its description is not an object")
    return described
