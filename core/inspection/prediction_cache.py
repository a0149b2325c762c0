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
from core.types import Detections

FILE = "predictions.npz"


@dataclass(frozen=True, slots=True, eq=False)
class Cached:
    """What is known of some images."""

    label_names: tuple[str, ...]
    detections: dict[str, Detections]  # by absolute path
    problems: tuple[str, ...]  # files that could not be read


def job_folder(root: Path, checkpoint_id: str, checkpoint: Path, split: str, snapshot_hash: str) -> Path:
    """Where the predictions of a checkpoint as it is now belong. Raises InputError if its file is gone."""
    return root / f"{checkpoint_id}-{split}-{snapshot_hash[:12]}-{_time(checkpoint)}"


def gather(root: Path, checkpoint_id: str, checkpoint: Path, images: Mapping[str, str]) -> Cached | None:
    """What a checkpoint, as its file is now, found in `images` (content hash by absolute path); None if nothing.

    Newer predictions win. An image whose content has changed since counts as not predicted.
    Raises InputError if the checkpoint's file is gone.
    """
    folders = sorted(_folders(root, checkpoint_id, f"-{_time(checkpoint)}"), key=_age)
    names: tuple[str, ...] = ()
    found: dict[str, Detections] = {}
    problems = []
    for folder in folders:
        try:
            one = PredictionSet.load(folder / FILE)
        except InputError as error:
            problems.append(str(error))
            continue
        names = one.label_names
        hashes = one.content_hashes or ("",) * len(one)
        for path, content, detections in zip(one.paths, hashes, one.detections, strict=True):
            if path in images and path not in found and content in ("", images[path]):
                found[path] = detections
        if len(found) == len(images):
            break
    return Cached(names, found, tuple(problems)) if found or problems else None


def discard_stale(root: Path, checkpoint_id: str, checkpoint: Path) -> None:
    """Delete what an earlier file of this checkpoint predicted."""
    for folder in _folders(root, checkpoint_id, ""):
        if not folder.name.endswith(f"-{_time(checkpoint)}"):
            shutil.rmtree(folder)


def _folders(root: Path, checkpoint_id: str, suffix: str) -> list[Path]:
    if not root.is_dir():
        return []
    # One id may begin another, such as r001-best and r001-best-2: the parts behind it are counted.
    parts = checkpoint_id.count("-") + 4
    return [
        folder
        for folder in root.glob(f"{checkpoint_id}-*{suffix}")
        if folder.name.count("-") + 1 == parts and (folder / FILE).is_file()
    ]


def _age(folder: Path) -> float:
    return -(folder / FILE).stat().st_mtime


def _time(checkpoint: Path) -> int:
    try:
        return checkpoint.stat().st_mtime_ns
    except OSError as error:
        raise InputError(f"{checkpoint}: cannot be read ({error.strerror}); choose another checkpoint") from error
