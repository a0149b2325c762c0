"""Finding the images of a run's snapshot in the project that the run lies in, after one of them was moved, copied or renamed."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from core.errors import InputError
from core.project.project import Project
from core.project.records import DATABASE_FILE
from core.project.snapshot import Snapshot, SnapshotImage
from core.project.snapshot_files import find_unfit
from core.types import ImageRecord


def load_placed(run: Path) -> Snapshot:
    """The snapshot of a run, with each image where the project that the run lies in has it.

    Of runs of before, whose paths are absolute, all are asked for there: a copied project must not learn from the
    images of the original. Of others, those are whose file is gone or holds something else. What the project does not
    have keeps its path. Raises InputError if the snapshot is missing or damaged.
    """
    path = run / "snapshot.json"
    snapshot = Snapshot.load(path)
    folder = run.absolute().parents[1]
    if not (folder / DATABASE_FILE).is_file():
        return snapshot  # a run that came without its project, such as to a cluster
    asked = frozenset(find_unfit(snapshot)) if _has_root(path) else frozenset(image.path for image in snapshot.images)
    return _place_images(snapshot, asked, folder) if asked else snapshot


def _has_root(path: Path) -> bool:
    return bool(json.loads(path.read_text(encoding="utf-8")).get("root"))


def _place_images(snapshot: Snapshot, asked: frozenset[str], folder: Path) -> Snapshot:
    """The snapshot with the images at the paths `asked` where the project in `folder` has their contents."""
    try:
        with Project.open(folder, read_only=True) as project:
            known: dict[str, list[tuple[str, ImageRecord]]] = defaultdict(list)
            for record in project.images():
                known[record.content_hash].append((str(project.image_path(record)), record))
    except InputError:
        return (
            snapshot  # what is wrong with the project is said where it is opened; the files may be there all the same
        )
    images = [
        _place_image(image, known[image.content_hash]) if image.path in asked and image.content_hash in known else image
        for image in snapshot.images
    ]
    return replace(snapshot, images=tuple(images))


def _place_image(image: SnapshotImage, found: Sequence[tuple[str, ImageRecord]]) -> SnapshotImage:
    """Of several files with this content, that whose path is most alike; any holds the same picture."""
    path, record = max(found, key=lambda one: (_count_like_parts(image.path, one[0]), one[0]))
    if path == image.path:
        return image
    return replace(image, path=path, size_bytes=record.size_bytes, modified_ns=record.modified_ns)


def _count_like_parts(one: str, other: str) -> int:
    """How many parts of two paths agree, from the end."""
    count = 0
    for first, second in zip(reversed(PurePath(one).parts), reversed(PurePath(other).parts), strict=False):
        if first != second:
            break
        count += 1
    return count
