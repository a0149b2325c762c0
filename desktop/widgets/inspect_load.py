"""Putting together what the Inspect page shows: truth from the project, detections from the cache. Runs in a thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.evaluation.classification import whole_image
from core.models.registry import tells_where
from core.project.project import Project
from core.project.records import CheckpointRecord
from core.project.snapshot import Snapshot, SnapshotImage, take_snapshot
from core.training.lineage import count_learnt, learnt_from
from core.types import GroundTruth
from desktop.models import wording
from desktop.widgets import inspect_cache, inspect_data
from desktop.widgets.inspect_data import InspectData

SPLITS = {"val": "Validation", "test": "Test", "train": "Training", "all": "All images"}


@dataclass(frozen=True, slots=True)
class Request:
    """What the person chose to see."""

    checkpoint: CheckpointRecord
    split: str
    iou: float


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """What there is to see of it."""

    request: Request
    snapshot: Snapshot  # the annotations as they are now
    usable: int  # images of the split that have a truth to compare with
    data: InspectData | None  # of the images that were predicted; None if none was
    paths: tuple[Path, ...]  # of those images
    problems: tuple[str, ...]
    learnt: int | None = None  # images of `paths` that the model has learnt from; None: nobody knows

    @property
    def unpredicted(self) -> int:
        return self.usable - len(self.paths)


def cache_root(project: Project) -> Path:
    """Where a project keeps predictions."""
    return project.folder / "cache" / "predictions"


def images_of(snapshot: Snapshot, split: str) -> list[SnapshotImage]:
    """The images of a split, or all, whose truth is known."""
    if split != "all":
        return snapshot.of_split(split)
    return [image.with_complete_boxes() for image in snapshot.images if image.is_usable]


def load(project: Project, request: Request) -> Loaded:
    """Read what is known of the request. Raises InputError if the checkpoint's file is gone."""
    snapshot = take_snapshot(project)
    images = images_of(snapshot, request.split)
    checkpoint = request.checkpoint
    known = inspect_cache.gather(
        cache_root(project), checkpoint.id, checkpoint.path, {image.path: image.content_hash for image in images}
    )
    if known is None or not known.detections:
        return Loaded(request, snapshot, len(images), None, (), known.problems if known else ())
    ids = {str(project.image_path(record)): record.id for record in project.images()}
    shown = [image for image in images if image.path in known.detections and image.path in ids]
    data = inspect_data.prepare(
        [ids[image.path] for image in shown],
        [_truth(checkpoint.model, image) for image in shown],
        [known.detections[image.path] for image in shown],
        snapshot.label_names,
        known.label_names,
        request.iou,
        tells_where=tells_where(checkpoint.model),
    )
    learnt = learnt_from(checkpoint.path)
    return Loaded(
        request,
        snapshot,
        len(images),
        data,
        tuple(Path(image.path) for image in shown),
        known.problems,
        None if learnt is None else count_learnt(shown, learnt),
    )


def _truth(model: str, image: SnapshotImage) -> GroundTruth:
    """What the model was to find: the boxes, or for one that tells labels of images, those on a box of the image's size."""
    boxes = GroundTruth(image.boxes, image.labels)
    return boxes if tells_where(model) else whole_image(boxes, image.width, image.height)


def notes(loaded: Loaded) -> list[str]:
    """What a person should know before believing the numbers."""
    result = [f"A file of earlier predictions was passed over: {problem}" for problem in loaded.problems]
    if loaded.data is None:
        return result
    if loaded.unpredicted:
        count = wording.plural(loaded.unpredicted, "image has", "images have")
        result.append(f"{count} no predictions yet, being new here since: predict again to see them.")
    what, claims = ("boxes", "detections") if loaded.data.tells_where else ("images", "claims")
    if loaded.data.unknown_to_model:
        result.append(
            f"The checkpoint does not know {_listed(loaded.data.unknown_to_model)}: {what} with that count as missed."
        )
    if loaded.data.not_in_project:
        result.append(
            f"The project has no label {_listed(loaded.data.not_in_project)}: {claims} of that count as false."
        )
    if loaded.learnt:
        which = "these" if loaded.learnt == len(loaded.paths) else f"{loaded.learnt} of these {len(loaded.paths)}"
        result.append(f"It was trained on {which} images: expect more errors on new ones.")
    elif loaded.learnt is None and loaded.request.split in ("train", "all"):
        result.append("Images it was trained on may be among these: expect more errors on new ones.")
    return result


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
