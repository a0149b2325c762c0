"""Using a checkpoint: on the images of a split, or on files that a user names."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import InputError
from core.evaluation.average_precision import Evaluation, evaluate_detections
from core.evaluation.classification import Classification, image_scores, judge_image_labels
from core.evaluation.joined_labels import JoinedLabels, join_labels, rename_labels
from core.evaluation.operating_point import OperatingPoint
from core.inspection.differences import list_facts
from core.models.training_range import Difference, compare_images
from core.project.operating_points import StoredPoint, load_point, save_hand_set
from core.project.project import Project
from core.project.records import CheckpointRecord
from core.project.snapshot import Snapshot, SnapshotImage
from core.safetensors_header import read_metadata
from core.types import Detections, GroundTruth, Problem

if TYPE_CHECKING:
    from core.inference.prediction_loop import ImagePrediction
    from core.inference.predictor import Predictor

Progress = Callable[[int, int], None]

MOST_NAMED = 6  # checkpoints in an error


def load_predictor(path: Path, device: str = "auto") -> Predictor:
    """The model in a checkpoint file.

    Torch is loaded here and nowhere above, so that the other commands start at once. Raises InputError.
    """
    read_metadata(path)  # a wrong or damaged file is told before seconds go into loading torch
    from core.inference.predictor import Predictor  # noqa: PLC0415

    return Predictor.load(path, device)


def write_range(predictor: Predictor) -> dict[str, Any] | None:
    """The range of the images that a model was trained on, as plain values; None where that was not kept."""
    trained = predictor.description.trained_on
    return None if trained is None else trained.model_dump()


def choose_point(path: Path, threshold: float | None, *, keep: bool = False) -> StoredPoint:
    """The operating point of a checkpoint file, or a threshold that a user sets for every label, to be kept or not.

    Raises InputError if the file cannot be read, a threshold cannot be kept, or there is none to keep.
    """
    if keep and threshold is None:
        raise InputError("--keep: there is no threshold to keep; set one with --threshold")
    stored = load_point(path).with_threshold(threshold)
    return save_hand_set(path, stored.hand) if keep else stored


def find_checkpoint(project: Project, name: str | None) -> tuple[str, Path]:
    """(id or path, file) of a checkpoint named by id or path; None takes the one with the best mAP.

    Raises InputError if there is none.
    """
    if not project.read_only:
        project.runs.sync_folders()  # a run that ended since the window was here is in no list yet
    records = project.runs.list_checkpoints()
    if name is None:
        if not records:
            raise InputError(f"{project.folder}: there are no checkpoints yet; train first")
        record = max(records, key=lambda one: (_or_worst(one.map50), _or_worst(one.map), one.best, one.created))
        return record.id, record.path
    for record in records:
        if record.id == name:
            return record.id, record.path
    if Path(name).is_file():
        return name, Path(name)
    raise InputError(
        f"checkpoint: {name!r} is neither a checkpoint of {project.folder} ({_listed(records)}) nor a file"
    )


def _listed(records: Sequence[CheckpointRecord]) -> str:
    shown = ", ".join(record.id for record in records[-MOST_NAMED:])
    if len(records) <= MOST_NAMED:
        return f"there are: {shown or 'none yet'}"
    return f"the last of {len(records)} are: {shown}; see 'defectdesk checkpoints DIR'"


def _or_worst(measure: float | None) -> float:
    return -1.0 if measure is None else measure


@dataclass(slots=True)
class DepthNotices:
    """What predictions say of the bits of their images, each text once."""

    images: dict[str, list[str]] = field(default_factory=dict)  # paths by text

    def add(self, prediction: ImagePrediction) -> None:
        for text in prediction.about_depth:
            self.images.setdefault(text, []).append(prediction.path)

    def list_texts(self) -> list[str]:
        """Lines for a user."""
        return [
            f"{paths[0]}: {text}" if len(paths) == 1 else f"{text} ({len(paths):,} images, such as {paths[0]})"
            for text, paths in self.images.items()
        ]

    def to_json(self) -> list[dict[str, Any]]:
        return [{"text": text, "images": len(paths), "example": paths[0]} for text, paths in self.images.items()]


@dataclass(frozen=True, slots=True, eq=False)
class SplitPredictions:
    """What a model found on the images of a split that could be read."""

    images: tuple[SnapshotImage, ...]
    joined: JoinedLabels  # truth and detections of these images
    problems: tuple[Problem, ...]
    about_depth: DepthNotices
    differences: list[Difference]  # from the images that the model was trained on
    seconds: float = 0.0  # that looking at them took, without loading the model

    @property
    def images_per_second(self) -> float:
        return (len(self.images) + len(self.problems)) / max(self.seconds, 1e-9)

    @property
    def truth(self) -> tuple[GroundTruth, ...]:
        return self.joined.truth

    @property
    def found(self) -> tuple[Detections, ...]:
        return self.joined.detections

    def evaluation(self, thresholds: Mapping[str, float]) -> Evaluation:
        """How well the boxes were found; precision and recall at the threshold of each label."""
        joined = self.joined
        return evaluate_detections(
            joined.truth,
            joined.detections,
            joined.label_names,
            score_threshold=thresholds,
            unknown_labels=joined.unknown_to_model,
        )

    def classification(self, thresholds: Mapping[str, float]) -> Classification:
        """How well the labels of whole images were told: an image scores what its best box does."""
        joined = self.joined
        scores = image_scores(joined.detections)
        return judge_image_labels(joined.truth, scores, joined.label_names, thresholds, joined.unknown_to_model)


def predict_split(
    predictor: Predictor,
    snapshot: Snapshot,
    split: str,
    progress: Progress | None = None,
    renamed: Mapping[str, str] | None = None,
) -> SplitPredictions:
    """Run the model over the labelled and clean images of a split. Raises InputError if there are none to judge by.

    `renamed`: what labels of the model are called in the project now, where that is something else.
    """
    names = renamed or {}
    model_labels = tuple(names.get(name, name) for name in predictor.label_names)
    images = snapshot.of_split(split)
    if not images:
        raise InputError(f"split: no labelled or clean image is in {split!r}; assign splits, or choose another")
    if not set(model_labels) & set(snapshot.label_names):
        raise InputError(
            f"checkpoint: it knows {', '.join(model_labels)}, but the project has "
            f"{', '.join(snapshot.label_names)}; choose a checkpoint that shares a label"
        )
    from core.inference.prediction_loop import ImageSource, predict_images  # noqa: PLC0415 - torch comes with it

    kept: list[SnapshotImage] = []
    found: list[Detections] = []
    problems: list[Problem] = []
    about_depth, began = DepthNotices(), time.monotonic()
    brightness: dict[str, float] = {}
    predictor = predictor.for_images(snapshot.most_boxes)
    predictions = predict_images(predictor, [ImageSource.of_snapshot(image) for image in images])
    for done, (image, one) in enumerate(zip(images, predictions, strict=True), start=1):
        if one.detections is None:
            problems.append(describe_skipped(one))
        else:
            kept.append(image)
            found.append(rename_labels(one.detections, names))
            about_depth.add(one)
            if one.facts is not None and one.facts.brightness is not None:
                brightness[image.path] = one.facts.brightness
        if progress:
            progress(done, len(images))
    if not kept:
        raise InputError(f"{problems[0].file}: {problems[0].problem}; none of the {len(images):,} images could be read")
    joined = join_labels([image.truth for image in kept], found, snapshot.label_names, model_labels)
    seconds, described = time.monotonic() - began, predictor.description
    differences = compare_images(described.trained_on, list_facts(kept, brightness), described.input.mode)
    return SplitPredictions(tuple(kept), joined, tuple(problems), about_depth, differences, seconds)


def predict_files(
    predictor: Predictor, paths: Sequence[Path], *, keep_pixels: bool = False
) -> Iterator[ImagePrediction]:
    """Run the model over files that the user names; with `keep_pixels` each result has its image, to draw on."""
    from core.inference.prediction_loop import ImageSource, predict_images  # noqa: PLC0415 - torch comes with it

    yield from predict_images(predictor, [ImageSource(str(path)) for path in paths], keep_pixels=keep_pixels)


def describe_skipped(prediction: ImagePrediction) -> Problem:
    """Why a file has no detections."""
    return Problem(prediction.path, f"skipped: {str(prediction.error).removeprefix(f'{prediction.path}: ')}")


def detections_to_json(found: Detections, point: OperatingPoint) -> list[dict[str, Any]]:
    """Detections of which a label reaches its threshold, best first.

    Each has the labels that do, the surest first, and one score per label (0 where another box has the label).
    """
    passing_nk = (found.scores >= point.list_limits(found.label_names)) & (found.scores > 0)
    rows = [row for row in (-found.best).argsort(kind="stable") if passing_nk[row].any()]
    return [
        {
            "labels": [
                found.label_names[label]
                for label in (-found.scores[row]).argsort(kind="stable")
                if passing_nk[row, label]
            ],
            "box": [round(float(value), 2) for value in found.boxes[row]],
            "scores": {
                name: round(float(score), 4) for name, score in zip(found.label_names, found.scores[row], strict=True)
            },
        }
        for row in rows
    ]
