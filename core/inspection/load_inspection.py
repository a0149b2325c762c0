"""Putting together what is inspected: truth from the project, detections from the cache."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.evaluation.classification import whole_image
from core.evaluation.joined_labels import rename_labels
from core.inspection.differences import find_differences
from core.inspection.evaluation_key import find_key, hash_truth
from core.inspection.lineage import count_chosen_on, count_learnt, learnt_from
from core.inspection.matched_images import MatchedImages, match_images
from core.inspection.other_scale import OtherScale, find_other_scale
from core.inspection.prediction_cache import gather_predictions, prediction_root
from core.models.decoding_spec import DecodingSpec
from core.models.registry import is_detector
from core.models.training_range import Difference
from core.project.evaluations import EvaluationKey
from core.project.label_renames import find_renames
from core.project.operating_points import StoredPoint, load_point
from core.project.project import Project
from core.project.project_reader import ProjectReader
from core.project.records import CheckpointRecord
from core.project.snapshot import Snapshot, SnapshotImage, take_snapshot
from core.project.snapshot_files import find_changes
from core.types import GroundTruth

ALL_SPLITS = "all"
_OUTDATED = "it was predicted when it held another picture; predict again"


@dataclass(frozen=True, slots=True)
class InspectionRequest:
    """What the user chose to see."""

    checkpoint: CheckpointRecord
    split: str  # of core.types.Split, or ALL_SPLITS
    iou: float


@dataclass(frozen=True, slots=True)
class StaleImage:
    """An image that is not judged, since what was predicted of its path was not predicted of what it holds now."""

    image_id: int
    path: Path
    reason: str  # what its file holds now, with the mend
    is_replaced: bool  # the file holds another picture than its boxes were drawn on: predicting again does not help


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """What there is to see of a request."""

    request: InspectionRequest
    usable: int  # images of the split whose file holds what its boxes were drawn on
    images: MatchedImages | None  # those that were predicted; None if none was
    paths: tuple[Path, ...]  # of those images
    problems: tuple[str, ...]
    learnt: int | None = None  # images of `paths` that the model has learnt from; None: nobody knows
    stale: tuple[StaleImage, ...] = ()  # not among `images`
    stored: StoredPoint | None = None  # from which scores on detections count; labels by their present names
    renamed: Mapping[str, str] = field(default_factory=dict)  # present names of labels by those in the checkpoint
    chosen_here: int = 0  # images of `paths` that the training chose thresholds on
    differences: tuple[Difference, ...] = ()  # from the images that it was trained on
    other_scale: OtherScale | None = None  # of images that the checkpoint sees otherwise than the project shows them
    key: EvaluationKey | None = None  # what the figures depend on; None where usable images were not predicted

    @property
    def outdated(self) -> tuple[StaleImage, ...]:
        """The stale images that predicting again helps."""
        return tuple(one for one in self.stale if not one.is_replaced)

    @property
    def replaced(self) -> tuple[StaleImage, ...]:
        """The stale images whose boxes are not of the picture that their file holds now."""
        return tuple(one for one in self.stale if one.is_replaced)

    @property
    def unpredicted(self) -> int:
        """Images that this checkpoint never looked at."""
        return self.usable - len(self.paths) - len(self.outdated)


def list_judged_images(snapshot: Snapshot, split: str) -> list[SnapshotImage]:
    """The images of a split, or of all, whose truth is known."""
    if split != ALL_SPLITS:
        return snapshot.of_split(split)
    return [image.with_ignored_apart() for image in snapshot.images if image.is_trainable]


def load_inspection(project: Project, request: InspectionRequest, reader: ProjectReader | None = None) -> Inspection:
    """Read what is known of the request. Raises InputError if the checkpoint's file is gone.

    Files are looked at: images that hold another picture than was labelled or predicted are stale, and not judged.
    `reader`: the project with edits that wait for the disk.
    """
    snapshot = take_snapshot(project, reader)
    listed = list_judged_images(snapshot, request.split)
    changes = find_changes(listed)
    judged = [image for image, change in zip(listed, changes, strict=True) if change is None]
    checkpoint = request.checkpoint
    known = gather_predictions(
        prediction_root(project),
        checkpoint.id,
        checkpoint.path,
        {image.path: image.content_hash for image in judged},
        DecodingSpec.for_images(snapshot.most_boxes),
    )
    records = {str(project.image_path(record)): record for record in (reader or project).images()}
    ids = {path: record.id for path, record in records.items()}
    stale = [
        StaleImage(ids[image.path], Path(image.path), change, is_replaced=True)
        for image, change in zip(listed, changes, strict=True)
        if change is not None and image.path in ids
    ]
    stale += [
        StaleImage(ids[image.path], Path(image.path), _OUTDATED, is_replaced=False)
        for image in judged
        if known is not None and image.path in known.outdated and image.path in ids
    ]
    if known is None or not known.detections:
        return Inspection(request, len(judged), None, (), known.problems if known else (), stale=tuple(stale))
    shown = [image for image in judged if image.path in known.detections and image.path in ids]
    renamed = find_renames(project, checkpoint.path)
    stored = load_point(checkpoint.path).renamed(renamed)
    images = match_images(
        [ids[image.path] for image in shown],
        [_find_truth(checkpoint.model, image) for image in shown],
        [rename_labels(known.detections[image.path], renamed) for image in shown],
        snapshot.label_names,
        [renamed.get(name, name) for name in known.label_names],
        request.iou,
        is_detector=is_detector(checkpoint.model),
    )
    learnt = learnt_from(checkpoint.path)
    return Inspection(
        request,
        len(judged),
        images,
        tuple(Path(image.path) for image in shown),
        known.problems,
        None if learnt is None else count_learnt(shown, learnt),
        tuple(stale),
        stored,
        renamed,
        count_chosen_on(shown, checkpoint.path, StoredPoint(stored.chosen)),
        tuple(find_differences(checkpoint.path, shown, known.brightness)),
        find_other_scale(project, checkpoint.path, [records[image.path] for image in shown]),
        find_key(checkpoint.path, snapshot, request.split, hash_truth(snapshot.label_names, listed))
        if len(shown) == len(judged)
        else None,
    )


def find_replaced(project: Project, split: str) -> frozenset[str]:
    """Paths of images of a split whose files hold another picture than their boxes were drawn on."""
    listed = list_judged_images(take_snapshot(project), split)
    return frozenset(image.path for image, change in zip(listed, find_changes(listed), strict=True) if change)


def _find_truth(model: str, image: SnapshotImage) -> GroundTruth:
    """What the model was to find: the boxes, or for one that tells labels of images, those on a box of the image's size."""
    boxes = image.truth
    return boxes if is_detector(model) else whole_image(boxes, image.width, image.height)
