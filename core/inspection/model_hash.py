"""What a checkpoint predicts by, as one text: the same for every copy of the file, whenever it was written."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.safetensors_header import described, read_header, tensor_entries

# Of the description: what a prediction depends on besides the weights. `input` holds size, mode and tiles.
_FIELDS = ("model", "labels", "architecture", "input", "window", "cameras")
_CHUNK = 2**20
_DIGITS = 32


def hash_model(checkpoint: Path) -> str:
    """Hash of the network that predicts and of how it sees images: not of measures, thresholds or the training's state.

    Of a file that is no checkpoint, of all that it holds. Raises InputError if it is gone or cannot be read.
    """
    try:
        about = checkpoint.stat()
        return _hash_file(checkpoint, (about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_ino))
    except OSError as error:
        raise InputError(f"{checkpoint}: cannot be read ({error.strerror}); choose another checkpoint") from error


@lru_cache(maxsize=256)
def _hash_file(path: Path, _about: tuple[int, ...]) -> str:
    """Kept while the file stays as it is: a large one takes a second to read."""
    try:
        header = read_header(path)
        values = described(path, header)
    except InputError:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=_DIGITS // 2)).hexdigest()
    return _hash_network(path, header, values)


def _hash_network(path: Path, header: dict[str, Any], values: dict[str, Any]) -> str:
    whole = hashlib.blake2b(digest_size=_DIGITS // 2)
    whole.update(json.dumps({name: values.get(name) for name in _FIELDS}, sort_keys=True).encode())
    with path.open("rb") as file:
        data = 8 + int.from_bytes(file.read(8), "little")
        for name, entry in sorted(tensor_entries(header, "model.").items()):
            begin, end = entry["data_offsets"]
            whole.update(json.dumps([name, entry["dtype"], entry["shape"]]).encode())
            file.seek(data + begin)
            while begin < end and (chunk := file.read(min(_CHUNK, end - begin))):
                whole.update(chunk)
                begin += len(chunk)
    return whole.hexdigest()
