"""Truth and detections of the same images, matched: what does not depend on the score threshold, prepared once.

A move of the threshold then only compares and counts (`error_counts`), or picks what to draw (`marks`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.evaluation.average_precision import Evaluation, evaluate_detections
from core.evaluation.classification import Classification, judge_image_labels
from core.evaluation.matching import MatchTable, align_scores
from core.types import Detections, GroundTruth


@dataclass(frozen=True, slots=True, eq=False)
class MatchedImages:
    """Truth and detections of the same images, over the same labels, matched at one IoU."""

    label_names: tuple[str, ...]  # the project's, then those that only the checkpoint knows
    image_ids: tuple[int, ...]
    truth: tuple[GroundTruth, ...]
    detections: tuple[Detections, ...]
    iou: float
    table: MatchTable
    mean_ap: float | None  # mean average precision over the labels: of boxes at `iou`, or of labels of images
    label_ap: tuple[float | None, ...]  # the same by label
    unknown_to_model: tuple[str, ...]  # labels of the project that the checkpoint cannot find
    not_in_project: tuple[str, ...]  # labels of the checkpoint that the project lacks
    is_detector: bool = True  # False: each image is one box of its own size, which carries its labels


def match_images(
    image_ids: Sequence[int],
    truth: Sequence[GroundTruth],
    detections: Sequence[Detections],
    project_labels: Sequence[str],
    model_labels: Sequence[str],
    iou: float,
    *,
    is_detector: bool = True,
) -> MatchedImages:
    """Bring truth and detections over one list of labels, by name, and match them.

    Args:
        truth: label columns in the order of `project_labels`, one entry an image.
        detections: of the same images; scores in the order of `model_labels`.
        is_detector: whether the model finds boxes; if not, an image is judged by the labels that it carries.
    """
    extra = tuple(name for name in model_labels if name not in project_labels)
    names = (*project_labels, *extra)
    padded = [_pad_labels(one, len(extra)) for one in truth]
    aligned = [Detections(one.boxes, align_scores(one, names), names) for one in detections]
    evaluation: Evaluation | Classification
    if is_detector:
        evaluation = evaluate_detections(padded, aligned, names, iou_thresholds=(iou,))
    else:
        evaluation = judge_image_labels(padded, _image_scores(aligned), names)
    return MatchedImages(
        names,
        tuple(image_ids),
        tuple(padded),
        tuple(aligned),
        iou,
        MatchTable.build(padded, aligned, names, iou),
        evaluation.map,
        tuple(evaluation.labels[name].ap for name in names),
        tuple(name for name in project_labels if name not in model_labels),
        extra,
        is_detector,
    )


def _image_scores(detections: Sequence[Detections]) -> NDArray[np.float32]:
    """Scores of each image as a whole, (images, labels); 0 where nothing was detected."""
    return np.stack([one.scores.max(axis=0, initial=0.0) for one in detections])


def _pad_labels(truth: GroundTruth, extra: int) -> GroundTruth:
    """With `extra` more labels, which no true box carries; what is ignored by every label is by these, too."""
    ignored = truth.ignored_labels
    if ignored is not None:
        ignored = np.concatenate([ignored, np.repeat(ignored.all(axis=1, keepdims=True), extra, axis=1)], axis=1)
    return replace(truth, labels=np.pad(truth.labels, ((0, 0), (0, extra))), ignored_labels=ignored)
