"""Predictions that were made before, in the project's cache folder.

Each prediction has a folder of its own, named by checkpoint, split, snapshot and what the checkpoint predicts by.
A detection depends on the checkpoint and the pixels only: it stays true when boxes or splits are edited and when the
project is copied or moved, and is reused for every image whose content it was made from.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import InputError
from core.inference.predictions import PredictionSet
from core.inspection.model_hash import hash_model
from core.models.decoding_spec import DecodingSpec
from core.project.project import Project
from core.types import Detections

PREDICTIONS_FILE = "predictions.npz"
_KEY_DIGITS = 16


@dataclass(frozen=True, slots=True, eq=False)
class CachedPredictions:
    """What is known of some images."""

    label_names: tuple[str, ...]
    detections: dict[str, Detections]  # by absolute path
    problems: tuple[str, ...]  # files that could not be read
    outdated: frozenset[str] = frozenset()  # paths that were only predicted when they held something else
    brightness: Mapping[str, float] = field(default_factory=dict)  # by path, where it was noted


def prediction_root(project: Project) -> Path:
    """The folder in which a project keeps predictions."""
    return project.folder / "cache" / "predictions"


def find_job_folder(root: Path, checkpoint_id: str, checkpoint: Path, split: str, snapshot_hash: str) -> Path:
    """Where the predictions of a checkpoint as it is now belong. Raises InputError if its file is gone."""
    return root / f"{checkpoint_id}-{split}-{snapshot_hash[:12]}-{_find_key(checkpoint)}"


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
    known = {*_list_folders(root, "*", _find_key(checkpoint)), *_list_older(root, checkpoint_id, checkpoint)}
    folders = sorted(known, key=_read_write_time, reverse=True)
    names = tuple[str, ...]()
    found: dict[str, Detections] = {}
    outdated: set[str] = set()
    brightness: dict[str, float] = {}
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
        _take_by_path(one, hashes, images, found, outdated)
        _take_by_content(one, hashes, images, found)
        noted = dict(zip(hashes, one.brightness, strict=False))
        brightness |= {path: noted[content] for path, content in images.items() if path in found and content in noted}
        if len(found) == len(images):
            break
    if not (found or problems or outdated):
        return None
    return CachedPredictions(names, found, tuple(problems), frozenset(outdated - found.keys()), brightness)


def _take_by_path(
    one: PredictionSet,
    hashes: Sequence[str],
    images: Mapping[str, str],
    found: dict[str, Detections],
    outdated: set[str],
) -> None:
    """Add to `found` what was predicted of these very files, and to `outdated` those that held something else then."""
    for path, content, detections in zip(one.paths, hashes, one.detections, strict=True):
        if path not in images or path in found:
            continue
        if content in ("", images[path]):
            found[path] = detections
        else:
            outdated.add(path)


def _take_by_content(
    one: PredictionSet, hashes: Sequence[str], images: Mapping[str, str], found: dict[str, Detections]
) -> None:
    """Add to `found` what was predicted of other files that held the same, as in a project that was copied or moved."""
    known = {content: detections for content, detections in zip(hashes, one.detections, strict=True) if content}
    for path, content in images.items():
        if path not in found and content in known:
            found[path] = known[content]


def discard_stale_predictions(root: Path, checkpoint_id: str, checkpoint: Path) -> None:
    """Delete what an earlier file of this checkpoint predicted."""
    kept = {*_list_folders(root, checkpoint_id, _find_key(checkpoint)), *_list_older(root, checkpoint_id, checkpoint)}
    # One id may begin another, such as r001-best and r001-best-2: the parts behind it are counted.
    parts = checkpoint_id.count("-") + 4
    for folder in set(_list_folders(root, checkpoint_id, "*")) - kept:
        if folder.name.count("-") + 1 == parts:
            shutil.rmtree(folder)


def _list_folders(root: Path, checkpoint_id: str, key: str) -> list[Path]:
    """Folders with predictions, of that id and key; "*" for any."""
    return [folder for folder in root.glob(f"{checkpoint_id}-*-{key}") if (folder / PREDICTIONS_FILE).is_file()]


def _list_older(root: Path, checkpoint_id: str, checkpoint: Path) -> list[Path]:
    """Folders of before predictions were known by content: they end in the time of the checkpoint's file.

    Where the file has that time still, it is the one that predicted.
    """
    parts = checkpoint_id.count("-") + 4
    time = f"{checkpoint.stat().st_mtime_ns}"
    return [folder for folder in _list_folders(root, checkpoint_id, time) if folder.name.count("-") + 1 == parts]


def _find_key(checkpoint: Path) -> str:
    """What ends the names of folders. Raises InputError if the checkpoint's file is gone."""
    return hash_model(checkpoint)[:_KEY_DIGITS]


def _read_write_time(folder: Path) -> float:
    return (folder / PREDICTIONS_FILE).stat().st_mtime
