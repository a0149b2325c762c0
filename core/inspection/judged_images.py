"""The images that the figures of a run's checkpoints were measured on, and which of their files have changed since."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.project.snapshot import Snapshot
from core.project.snapshot_files import find_changes
from core.types import Split


@dataclass(frozen=True, slots=True)
class JudgedImages:
    """How many images a run was judged by."""

    count: int
    changed: tuple[str, ...]  # paths of those whose files hold another picture now


def look_at_judged_images(run: Path) -> JudgedImages:
    """The validation images of the run in this folder, as their files are now. Raises InputError if it has no snapshot."""
    images = Snapshot.load(run / "snapshot.json").of_split(Split.VAL)
    changes = find_changes(images)
    return JudgedImages(
        len(images), tuple(image.path for image, change in zip(images, changes, strict=True) if change is not None)
    )
