"""Truth and detections of the same images, matched: what does not depend on the score threshold, prepared once.

A move of the threshold then only compares and counts (`error_counts`), or picks what to draw (`marks`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.evaluation.average_precision import Evaluation, evaluate_detections
from core.evaluation.classification import Classification, image_scores, judge_image_labels
from core.evaluation.joined_labels import join_labels
from core.evaluation.matching import MatchTable
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
    mean_ap: float | None  # mean over the labels that the checkpoint knows: of boxes at `iou`, or of labels of images
    label_ap: tuple[float | None, ...]  # the same by label
    unknown_to_model: tuple[str, ...]  # labels of the project that the checkpoint cannot find
    not_in_project: tuple[str, ...]  # labels of the checkpoint that the project lacks
    is_detector: bool = True  # False: each image is one box of its own size, which carries its labels
    mean_ap_all_labels: float | None = None  # with 0 for each label that the checkpoint does not know
    ignored: int = 0  # ignored boxes, each counted once
    label_ignored: tuple[int, ...] = ()  # the same by label: a box counts for each label that it is ignored by


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
    joined = join_labels(truth, detections, project_labels, model_labels)
    names, unknown = joined.label_names, joined.unknown_to_model
    evaluation: Evaluation | Classification
    if is_detector:
        evaluation = evaluate_detections(
            joined.truth, joined.detections, names, iou_thresholds=(iou,), unknown_labels=unknown
        )
    else:
        evaluation = judge_image_labels(joined.truth, image_scores(joined.detections), names, None, unknown)
    ignored_boxes = np.concatenate([np.zeros((0, len(names)), bool), *(one.ignored_by_label() for one in joined.truth)])
    return MatchedImages(
        names,
        tuple(image_ids),
        joined.truth,
        joined.detections,
        iou,
        MatchTable.build(joined.truth, joined.detections, names, iou),
        evaluation.map,
        tuple(evaluation.labels[name].ap for name in names),
        unknown,
        joined.not_in_project,
        is_detector,
        evaluation.map_all_labels,
        int(ignored_boxes.any(axis=1).sum()),
        tuple(ignored_boxes.sum(axis=0).tolist()),
    )
