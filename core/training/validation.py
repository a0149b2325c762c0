"""Judging a network in the middle of its training: loss and mAP on the validation images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from core.evaluation.average_precision import Evaluation, evaluate
from core.geometry import area, clip
from core.inference.runner import Output, Runner
from core.models.multilabel import LossSums, detection_loss
from core.project.snapshot import SnapshotImage
from core.training.dataset import ImageCache, padded_targets
from core.training.recipe import Recipe
from core.types import Detections, GroundTruth

# Of a box that a tile's edge cuts, this much must be inside to count as there.
MIN_VISIBLE = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """Losses are normalised by the positives of all validation images together."""

    label_loss: float
    box_loss: float
    evaluation: Evaluation


def validate(
    runner: Runner, images: Sequence[SnapshotImage], label_names: Sequence[str], recipe: Recipe, cache: ImageCache
) -> Validation:
    """Loss and metrics of the network on whole images, from one pass over them. The network must be in evaluation mode."""
    truth: list[GroundTruth] = []
    found: list[Detections] = []
    labels = boxes = positives = 0.0
    for image in images:
        pixels = cache.read(image.path)
        outputs = list(runner.outputs(pixels))
        for output in outputs:
            sums = _loss(output, image, recipe)
            labels += float(sums.labels)
            boxes += float(sums.boxes)
            positives += float(sums.positives)
        predicted, scores = runner.merged(outputs, pixels.shape[1], pixels.shape[0])
        found.append(Detections(predicted, scores, tuple(label_names)))
        truth.append(GroundTruth(image.boxes, image.labels))
    divisor = max(positives, 1.0)
    return Validation(labels / divisor, boxes / divisor, evaluate(truth, found, label_names))


def _loss(output: Output, image: SnapshotImage, recipe: Recipe) -> LossSums:
    boxes = output.part.to_input(image.boxes)
    inside = clip(boxes, *output.size)
    visible = area(inside) >= MIN_VISIBLE * np.maximum(area(boxes), 1e-6)
    targets = padded_targets([(inside[visible].astype(np.float32), image.labels[visible])], image.labels.shape[1])
    with torch.inference_mode():
        return detection_loss(
            output.logits_bak,
            output.deltas_ba4,
            output.anchors_a4,
            targets.to(output.anchors_a4.device),
            recipe.loss.kind,
        )
