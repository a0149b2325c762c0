"""Writing annotations for other programs: into a new folder, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.errors import InputError
from core.formats.annotations import Format
from core.project.project import Project
from core.project.snapshot import Snapshot
from core.types import Problem, Split, Status

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What to write, and where to."""

    format: Format
    folder: Path  # made; must not exist, or be empty, or hold nothing but an earlier export and `overwrite` be set
    images: Literal["none", "copy"] = "none"
    splits: frozenset[Split] | None = None  # None: all
    statuses: frozenset[Status] | None = None  # None: all
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written."""

    folder: Path
    files: int
    images: int
    boxes: int
    dropped: tuple[Problem, ...]  # what was left out or changed, each with its image


def losses(format: Format) -> tuple[str, ...]:
    """What the format cannot hold, in sentences for a dialog."""
    return ()


def export(
    source: Project | Snapshot, options: ExportOptions, progress: Progress | None = None
) -> ExportReport:
    """Write the annotations of `source` into `options.folder`.

    A project gives everything as it is now; a snapshot, what a training saw (single precision, no notes).
    `progress(done, total)` may raise to cancel: then nothing is left behind. Raises InputError if there is nothing
    to export or the folder holds something; StorageError if the disk refuses.
    """
    raise InputError("export: not written yet")
