"""Which images a checkpoint has learnt from: those of its run, and of the runs whose checkpoints that was started from.

Figures on images that a model has learnt from are too good. Splits are no guard: they may have been changed since.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from core.errors import InputError
from core.project.operating_points import StoredPoint
from core.project.snapshot import Snapshot, SnapshotImage
from core.recipe.recipe import Recipe, load_recipe
from core.types import Split


def learnt_from(checkpoint: Path) -> frozenset[str] | None:
    """Content hashes of the images that the model of this file has learnt from.

    None if that is not known: the file does not lie in the folder of its run, or what lies there cannot be read.
    What was before is left out where it is not known.
    """
    learnt: frozenset[str] | None = None
    file: Path | None = checkpoint
    seen: set[Path] = set()
    while file is not None and (run := file.parent.parent.resolve()) not in seen:
        seen.add(run)
        snapshot = run / "snapshot.json"
        try:
            learnt = (learnt or frozenset()) | _list_contents(snapshot, snapshot.stat().st_mtime_ns, Split.TRAIN)
            file = start_file(load_recipe(run / "recipe.yaml"))
        except (InputError, OSError):
            break
    return learnt


def chosen_on(checkpoint: Path) -> frozenset[str] | None:
    """Content hashes of the validation images of its run, on which thresholds were chosen; None if that is not known."""
    snapshot = checkpoint.parent.parent.resolve() / "snapshot.json"
    try:
        return _list_contents(snapshot, snapshot.stat().st_mtime_ns, Split.VAL)
    except (InputError, OSError):
        return None


def count_chosen_on(images: Sequence[SnapshotImage], checkpoint: Path, stored: StoredPoint) -> int:
    """How many of `images` are among those that the thresholds of a checkpoint were chosen on."""
    if not stored.uses_validation:
        return 0
    known = chosen_on(checkpoint)
    if known is None:
        return sum(image.split == Split.VAL for image in images)
    return sum(image.content_hash in known for image in images)


@lru_cache(maxsize=16)
def _list_contents(snapshot: Path, _modified: int, split: Split) -> frozenset[str]:
    """Content hashes of a snapshot's split. Kept: one of many images takes a second to read."""
    return frozenset(image.content_hash for image in Snapshot.load(snapshot).of_split(split))


def start_file(recipe: Recipe) -> Path | None:
    """The file with the starting weights of `recipe`, if they are in one."""
    return Path(recipe.weights.path) if recipe.weights.source in ("checkpoint", "file") else None


def count_learnt(images: Iterable[SnapshotImage], learnt: frozenset[str]) -> int:
    """How many of `images` are among those that were learnt from."""
    return sum(1 for image in images if image.content_hash in learnt)


def start_notices(recipe: Recipe, snapshot: Snapshot, *, compares: bool = False) -> list[str]:
    """What is to be known of the starting weights of `recipe` before its figures on `snapshot` are believed.

    `compares`: the figures are to tell what starting weights bring.
    """
    start = start_file(recipe)
    learnt = learnt_from(start) if start is not None else None
    if learnt is None:
        return []
    notices = []
    judges, teachers = snapshot.of_split(Split.VAL), snapshot.of_split(Split.TRAIN)
    if count := count_learnt(judges, learnt):
        notices.append(
            f"the starting weights have learnt from {count} of the {len(judges):,} validation images already, so figures on "
            "those are too good; divide the images as they were then, or start from weights that never saw them"
        )
    if compares and (count := count_learnt(teachers, learnt)):
        notices.append(
            f"the starting weights have learnt from {count} of the {len(teachers):,} training images already: what keeps them "
            "has had more training on this data, which is not transfer; start from weights of other data to compare"
        )
    return notices
