"""Precision against recall, by label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.evaluation.average_precision import precision_recall
from core.evaluation.matching import Doubles, align_scores, detection_rows, match_ignored, match_rows, truth_rows
from core.types import Detections, GroundTruth


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """What each score threshold gives, from the highest score to the lowest."""

    threshold: Doubles  # (n,) falling
    recall: Doubles  # (n,) rising
    precision: Doubles  # (n,) falling: the best precision at this recall or a higher one


def precision_recall_curves(
    truth: Sequence[GroundTruth], detections: Sequence[Detections], label_names: Sequence[str], iou: float = 0.5
) -> dict[str, Curve]:
    """One curve for each label that has a true box."""
    count = len(label_names)
    detected_rows = detection_rows(
        [d.boxes for d in detections], [align_scores(d, label_names) for d in detections], count
    )
    true_rows = truth_rows([t.boxes for t in truth], [t.labels for t in truth], count)
    is_tp = match_rows(detected_rows, true_rows, np.array([iou]))[0] >= 0
    counted = is_tp | ~match_ignored(detected_rows, truth, count, np.array([iou]))[0]
    positives = np.bincount(true_rows.label, minlength=count)
    curves: dict[str, Curve] = {}
    for label, name in enumerate(label_names):
        if not positives[label]:
            continue
        rows = np.flatnonzero((detected_rows.label == label) & counted)
        rows = rows[np.argsort(-detected_rows.score[rows], kind="stable")]
        precision, recall = precision_recall(is_tp[None, rows], int(positives[label]))
        curves[name] = Curve(detected_rows.score[rows], recall[0], precision[0])
    return curves
