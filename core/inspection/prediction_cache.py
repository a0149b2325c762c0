"""Predictions that were made before, in the project's cache folder.

Each prediction has a folder of its own, named by checkpoint, split, snapshot and the time of the checkpoint's file.
A detection depends on the checkpoint and the pixels only: it stays true when boxes or splits are edited, and is
reused for every image whose content it was made from.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError
from core.inference.predictions import PredictionSet
from core.models.decoding_spec import DecodingSpec
from core.project.project import Project
from core.types import Detections

PREDICTIONS_FILE = "predictions.npz"


@dataclass(frozen=True, slots=True, eq=False)
class CachedPredictions:
    """What is known of some images."""

    label_names: tuple[str, ...]
    detections: dict[str, Detections]  # by absolute path
    problems: tuple[str, ...]  # files that could not be read
    outdated: frozenset[str] = frozenset()  # paths that were only predicted when they held something else


def prediction_root(project: Project) -> Path:
    """The folder in which a project keeps predictions."""
    return project.folder / "cache" / "predictions"


def find_job_folder(root: Path, checkpoint_id: str, checkpoint: Path, split: str, snapshot_hash: str) -> Path:
    """Where the predictions of a checkpoint as it is now belong. Raises InputError if its file is gone."""
    return root / f"{checkpoint_id}-{split}-{snapshot_hash[:12]}-{_read_modification_time(checkpoint)}"


def gather_predictions(
    root: Path,
    checkpoint_id: str,
    checkpoint: Path,
    images: Mapping[str, str],
    wanted: DecodingSpec = DecodingSpec(),  # noqa: B008 - it is frozen
) -> CachedPredictions | None:
    """What a checkpoint, as its file is now, found in `images` (content hash by absolute path); None if nothing.

    Newer predictions win. An image whose content has changed since counts as outdated; one whose raw answer was decoded by
    other values than `wanted`, or to fewer detections, as not predicted.
    Raises InputError if the checkpoint's file is gone.
    """
    folders = sorted(
        _list_folders(root, checkpoint_id, f"-{_read_modification_time(checkpoint)}"),
        key=_read_write_time,
        reverse=True,
    )
    names = tuple[str, ...]()
    found: dict[str, Detections] = {}
    outdated: set[str] = set()
    problems = []
    for folder in folders:
        try:
            one = PredictionSet.load(folder / PREDICTIONS_FILE)
        except InputError as error:
            problems.append(str(error))
            continue
        decoding = DecodingSpec.parse(one.decoding)
        if decoding is None or not decoding.covers(wanted):
            continue
        names = one.label_names
        hashes = one.content_hashes or ("",) * len(one)
        for path, content, detections in zip(one.paths, hashes, one.detections, strict=True):
            if path not in images or path in found:
                continue
            if content in ("", images[path]):
                found[path] = detections
            else:
                outdated.add(path)
        if len(found) == len(images):
            break
    if not (found or problems or outdated):
        return None
    return CachedPredictions(names, found, tuple(problems), frozenset(outdated - found.keys()))


def discard_stale_predictions(root: Path, checkpoint_id: str, checkpoint: Path) -> None:
    """Delete what an earlier file of this checkpoint predicted."""
    for folder in _list_folders(root, checkpoint_id, ""):
        if not folder.name.endswith(f"-{_read_modification_time(checkpoint)}"):
            shutil.rmtree(folder)


def _list_folders(root: Path, checkpoint_id: str, suffix: str) -> list[Path]:
    if not root.is_dir():
        return []
    # One id may begin another, such as r001-best and r001-best-2: the parts behind it are counted.
    parts = checkpoint_id.count("-") + 4
    return [
        folder
        for folder in root.glob(f"{checkpoint_id}-*{suffix}")
        if folder.name.count("-") + 1 == parts and (folder / PREDICTIONS_FILE).is_file()
    ]


def _read_write_time(folder: Path) -> float:
    return (folder / PREDICTIONS_FILE).stat().st_mtime


def _read_modification_time(checkpoint: Path) -> int:
    try:
        return checkpoint.stat().st_mtime_ns
    except OSError as error:
        raise InputError(f"{checkpoint}: cannot be read ({error.strerror}); choose another checkpoint") from error
