"""Putting together what the Inspect page shows: truth from the project, detections from the cache. Runs in a thread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.evaluation.classification import whole_image
from core.inspection import inspect_data, prediction_cache
from core.inspection.inspect_data import InspectData
from core.inspection.lineage import count_learnt, learnt_from
from core.models.registry import is_detector
from core.project.project import Project
from core.project.records import CheckpointRecord
from core.project.snapshot import Snapshot, SnapshotImage, take_snapshot
from core.types import GroundTruth

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
    return [image.with_complete_boxes() for image in snapshot.images if image.is_trainable]


def load(project: Project, request: Request) -> Loaded:
    """Read what is known of the request. Raises InputError if the checkpoint's file is gone."""
    snapshot = take_snapshot(project)
    images = images_of(snapshot, request.split)
    checkpoint = request.checkpoint
    known = prediction_cache.gather(
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
        is_detector=is_detector(checkpoint.model),
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
    return boxes if is_detector(model) else whole_image(boxes, image.width, image.height)
