"""The task of finding defects: boxes, each with its labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.evaluation.average_precision import Evaluation, evaluate_detections
from core.models.multilabel import LossSettings, LossSums, Targets, detection_loss, label_weights
from core.project.snapshot import Snapshot, SnapshotImage
from core.recipe.parts import Loss
from core.recipe.recipe import Recipe
from core.training.tasks.validation_result import Look, ValidationResult, normalized_losses
from core.types import Split


@dataclass(frozen=True, slots=True)
class DetectionTask:
    """Detectors: one sigmoid per label at every anchor, and the box."""

    label_names: tuple[str, ...]
    loss: LossSettings

    @classmethod
    def of(cls, recipe: Recipe, snapshot: Snapshot) -> Self:
        boxes = [image.labels.sum(axis=0) for image in snapshot.of_split(Split.TRAIN)]
        return cls(tuple(snapshot.label_names), loss_settings(recipe.loss, boxes, len(snapshot.label_names)))

    def loss_sums(self, outputs: Any, targets: Targets) -> LossSums:
        """`outputs`: logits (b, a, k), numbers that say where boxes are (b, a, c), and anchors (a, 4)."""
        logits_bak, codes_bac, anchors_a4 = outputs
        return detection_loss(logits_bak, codes_bac, anchors_a4, targets, self.loss)

    def judge(self, images: Sequence[SnapshotImage], looks: Sequence[Look]) -> ValidationResult:
        evaluation = evaluate_detections(
            [image.truth for image in images],
            [look.found for look in looks],
            self.label_names,
        )
        label_loss, box_loss = normalized_losses(looks)
        return ValidationResult(
            label_loss=label_loss,
            box_loss=box_loss,
            rank=_rank(evaluation),
            map50=evaluation.map50,
            map=evaluation.map,
            labels={name: one.ap50 for name, one in evaluation.labels.items()},
            thresholds={name: one.threshold for name, one in evaluation.labels.items()},
            metrics={
                "map75": evaluation.map75,
                "agnostic_ap50": evaluation.agnostic_ap50,
                "label_set_f1": evaluation.label_set_f1,
                "exact_match": evaluation.exact_match,
            },
        )


def loss_settings(loss: Loss, carriers: Sequence[NDArray[np.integer]], labels: int) -> LossSettings:
    """How errors count. `carriers`: how many boxes, or whether an image, (k,) carry each label, by training image."""
    counts = sum(carriers, np.zeros(labels, np.int64))
    return LossSettings(
        kind=loss.kind,
        focal_alpha=loss.focal_alpha,
        focal_gamma=loss.focal_gamma,
        negatives=loss.negatives,
        box=loss.box,
        label_weights=label_weights([int(count) for count in counts], loss.class_weights),
    )


def _rank(evaluation: Evaluation) -> float | None:
    """mAP@[.5:.95] and mAP@0.5 together; None where no image has a box.

    mAP@0.5 alone is coarse on a small validation set, and rewards boxes that are barely in place.
    """
    if evaluation.map50 is None:
        return None
    return (evaluation.map or 0.0) + evaluation.map50
