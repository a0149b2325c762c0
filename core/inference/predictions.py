"""What one checkpoint found on a set of images, as one file that any part of the program can read.

The file is an .npz of plain arrays and a JSON text: nothing in it is unpickled, and nothing here needs torch,
so the window opens it at once.
"""

from __future__ import annotations

import itertools
import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import files
from core.errors import InputError
from core.models.decoding_spec import DecodingSpec
from core.types import Detections

VERSION = 1
_ARRAYS = ("boxes", "scores", "offsets", "meta")
_AGAIN = "delete it and predict again"


@dataclass(frozen=True, slots=True, eq=False)
class PredictionSet:
    """The detections of one checkpoint on the images of one split of a snapshot."""

    label_names: tuple[str, ...]  # of the checkpoint, which may differ from the project's
    checkpoint: str  # path of the file that predicted
    snapshot_hash: str
    split: str  # train, val, test or all
    paths: tuple[str, ...]  # absolute, one an image
    detections: tuple[Detections, ...]  # one an image, in the order of `paths`
    content_hashes: tuple[str, ...] = ()  # of the image files as predicted; empty where they are not known
    decoding: str = DecodingSpec().describe()  # by which values they were made; empty where that is not known

    brightness: tuple[float, ...] = ()  # of each image, from 0 to 1; empty where it is not known

    def __post_init__(self) -> None:
        if len(self.detections) != len(self.paths):
            raise ValueError(f"{len(self.detections):,} detections for {len(self.paths):,} images")
        if self.content_hashes and len(self.content_hashes) != len(self.paths):
            raise ValueError(f"{len(self.content_hashes)} content hashes for {len(self.paths):,} images")
        if self.brightness and len(self.brightness) != len(self.paths):
            raise ValueError(f"{len(self.brightness)} brightnesses for {len(self.paths):,} images")
        if len(set(self.paths)) != len(self.paths):
            raise ValueError("an image is in the set twice")
        for path, found in zip(self.paths, self.detections, strict=True):
            if found.label_names != self.label_names:
                raise ValueError(f"{path}: detections have the labels {found.label_names}, not {self.label_names}")

    def __len__(self) -> int:
        return len(self.paths)

    def by_path(self) -> dict[str, Detections]:
        """The detections of each image."""
        return dict(zip(self.paths, self.detections, strict=True))

    def save(self, path: Path) -> None:
        """Write the set as an .npz file, whole or not at all."""
        meta = {
            "version": VERSION,
            "label_names": self.label_names,
            "checkpoint": self.checkpoint,
            "snapshot_hash": self.snapshot_hash,
            "split": self.split,
            "paths": self.paths,
            "content_hashes": self.content_hashes,
            "decoding": self.decoding,
            "brightness": self.brightness,
        }
        boxes = [found.boxes for found in self.detections]
        scores = [found.scores for found in self.detections]
        arrays = {
            "boxes": np.concatenate([np.zeros((0, 4), np.float32), *boxes]).astype(np.float32),
            "scores": np.concatenate([np.zeros((0, len(self.label_names)), np.float32), *scores]).astype(np.float32),
            "offsets": np.cumsum([0, *map(len, boxes)]).astype(np.int64),
            "meta": np.frombuffer(json.dumps(meta, ensure_ascii=False).encode("utf-8", "surrogateescape"), np.uint8),
        }
        with files.replacing(path) as temporary, temporary.open("wb") as file:
            # An open file, because a name without .npz would be given a second suffix. Not compressed: a few
            # megabytes are read faster than they are inflated, and no small file can claim a large array.
            np.savez(file, allow_pickle=False, **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path) -> PredictionSet:
        """Read a set. Raises InputError, naming the file, if it is missing, damaged or of a newer program."""
        arrays = _read_arrays(path)
        meta = _read_meta(path, arrays["meta"])
        names = _texts(path, meta, "label_names")
        paths = _texts(path, meta, "paths")
        boxes, scores = arrays["boxes"], arrays["scores"]
        _check_values(path, boxes, scores, len(names))
        offsets = _checked_offsets(path, arrays["offsets"], len(paths), len(boxes))
        rows = [slice(int(first), int(last)) for first, last in itertools.pairwise(offsets)]
        try:
            return cls(
                names,
                _text(path, meta, "checkpoint"),
                _text(path, meta, "snapshot_hash"),
                _text(path, meta, "split"),
                paths,
                tuple(Detections(boxes[row], scores[row], names) for row in rows),
                _texts(path, meta, "content_hashes"),
                _text(path, meta, "decoding") if "decoding" in meta else "",
                _numbers(path, meta, "brightness") if "brightness" in meta else (),
            )
        except ValueError as error:
            raise InputError(f"{path}: damaged, {error}; {_AGAIN}") from error


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with zipfile.ZipFile(path) as archive:
            if any(item.compress_type != zipfile.ZIP_STORED for item in archive.infolist()):
                raise InputError(f"{path}: its arrays are compressed, so this program did not write it; {_AGAIN}")
            if archive.testzip() is not None:
                raise InputError(f"{path}: damaged, a checksum is wrong; {_AGAIN}")
        with np.load(path, allow_pickle=False) as archive:
            missing = [name for name in _ARRAYS if name not in archive.files]
            if missing:
                raise InputError(f"{path}: not a file of predictions, it has no {', '.join(missing)}; {_AGAIN}")
            arrays = {name: archive[name] for name in _ARRAYS}
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); {_AGAIN}") from error
    except (zipfile.BadZipFile, ValueError, EOFError, MemoryError, NotImplementedError, RuntimeError) as error:
        raise InputError(f"{path}: damaged, not a whole file of predictions; {_AGAIN}") from error
    for name, array in arrays.items():
        # numpy hands out the plain bytes of a member that is no array.
        if not isinstance(array, np.ndarray):
            raise InputError(f"{path}: damaged, {name} is no array; {_AGAIN}")
    return arrays


def _read_meta(path: Path, stored: NDArray[Any]) -> Mapping[str, Any]:
    if stored.dtype != np.uint8 or stored.ndim != 1:
        raise InputError(f"{path}: damaged, its description is not text; {_AGAIN}")
    try:
        meta = json.loads(stored.tobytes().decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: damaged, its description is not JSON; {_AGAIN}") from error
    if not isinstance(meta, dict) or not isinstance(meta.get("version"), int):
        raise InputError(f"{path}: damaged, its description has no version; {_AGAIN}")
    if meta["version"] > VERSION:
        raise InputError(f"{path}: written by a newer DefectDesk; update the program, or {_AGAIN}")
    return meta


def _text(path: Path, meta: Mapping[str, Any], field: str) -> str:
    value = meta.get(field)
    if not isinstance(value, str):
        raise InputError(f"{path}: damaged, {field} is not a text; {_AGAIN}")
    return value


def _texts(path: Path, meta: Mapping[str, Any], field: str) -> tuple[str, ...]:
    value = meta.get(field)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InputError(f"{path}: damaged, {field} is not a list of texts; {_AGAIN}")
    return tuple(value)


def _numbers(path: Path, meta: Mapping[str, Any], field: str) -> tuple[float, ...]:
    value = meta.get(field)
    if not isinstance(value, list) or not all(type(item) in (int, float) and math.isfinite(item) for item in value):
        raise InputError(f"{path}: damaged, {field} is not a list of numbers; {_AGAIN}")
    return tuple(float(item) for item in value)


def _check_values(path: Path, boxes: NDArray[Any], scores: NDArray[Any], label_count: int) -> None:
    for name, array, columns in (("boxes", boxes, 4), ("scores", scores, label_count)):
        if array.dtype != np.float32 or array.ndim != 2 or array.shape[1] != columns:
            raise InputError(
                f"{path}: damaged, {name} are {array.dtype} of shape {array.shape}, not float32 (n, {columns}); {_AGAIN}"
            )
        if not np.isfinite(array).all():
            raise InputError(f"{path}: damaged, {name} hold values that are no numbers; {_AGAIN}")
    if len(boxes) != len(scores):
        raise InputError(f"{path}: damaged, {len(boxes):,} boxes with {len(scores)} rows of scores; {_AGAIN}")
    if (boxes[:, 2:] < boxes[:, :2]).any():
        raise InputError(f"{path}: damaged, a box ends before it begins; {_AGAIN}")
    if ((scores < 0) | (scores > 1)).any():
        raise InputError(f"{path}: damaged, a score is not within 0 and 1; {_AGAIN}")


def _checked_offsets(path: Path, offsets: NDArray[Any], images: int, rows: int) -> NDArray[np.int64]:
    right_shape = offsets.dtype == np.int64 and offsets.shape == (images + 1,)
    if not right_shape or offsets[0] != 0 or offsets[-1] != rows or (np.diff(offsets) < 0).any():
        raise InputError(f"{path}: damaged, its rows do not add up to {images:,} images; {_AGAIN}")
    return offsets
