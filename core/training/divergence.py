"""Why a loss became infinite or no number: the likely cause, and what to change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.inference.runner import normalized
from core.models.device import resolved_precision
from core.models.inputs import InputSpec
from core.project.snapshot import SnapshotImage
from core.recipe.field_words import describe_change, field_title
from core.recipe.recipe import Recipe
from core.training.data.dataset import Batch
from core.training.steps import rows_of
from core.training.strategy import Plan
from core.training.tasks.task import Task

# Normalised pixels lie within some units of zero, or within 256 of it for weights that were trained on raw pixels.
PLAUSIBLE_INPUT = 1000.0


@dataclass(frozen=True, slots=True)
class Cause:
    reason: str
    advice: str


def likely_cause(
    plan: Plan,
    task: Task,
    batches: Sequence[Batch],
    spec: InputSpec,
    recipe: Recipe,
    images: Sequence[SnapshotImage],
    rate: float,
) -> Cause:
    """Look for what makes a loss infinite, surest first: boxes, pixels, precision; else it is the learning rate.

    `batches` are those of the step that failed, `images` the training images, `rate` the learning rate of that step.
    """
    found = _box_without_area(images) or _box_spoilt(batches) or _pixel_range(batches, spec, recipe)
    if found is not None:
        return found
    device = next(plan.network.parameters()).device
    precision = resolved_precision(device, recipe.limits.precision)
    if precision != "fp32" and _finite_in_fp32(plan, task, batches, spec, device):
        return Cause(
            f"in {precision} a value was too large; in fp32 the same batch gives a finite loss",
            f"{_set('limits.precision', 'auto' if precision == 'fp16' and recipe.limits.precision != 'auto' else 'fp32')}.",
        )
    warm = recipe.schedule.warmup_steps
    return Cause(
        f"the likely cause is the learning rate, {rate:.2g} at that step",
        f"{_set('optimizer.lr', recipe.optimizer.lr / 5)}, or a longer warm-up: {_set('schedule.warmup_steps', max(4 * warm, 200))}.",
    )


def _set(name: str, value: Any) -> str:
    """The change of a setting as a sentence without its end."""
    words = describe_change({name: value})
    return words[:1].upper() + words[1:]


def _box_without_area(images: Sequence[SnapshotImage]) -> Cause | None:
    for image in images:
        if not _is_finite(image.boxes).all():
            row = image.boxes[int(np.argmin(_is_finite(image.boxes)))]
            return Cause(
                f"{image.path} has a box without area or with coordinates that are no numbers: {row.tolist()}",
                "Delete that box or draw it again, and train anew.",
            )
    return None


def _box_spoilt(batches: Sequence[Batch]) -> Cause | None:
    for batch in batches:
        boxes = batch.targets.boxes_bm4[batch.targets.valid_bm].cpu().numpy()
        if not _is_finite(boxes).all():
            return Cause(
                "augmentation left a box without area",
                f"Lower Rotation, Scale and Crop on the Augment page, or {describe_change({'sampling.mode': 'crops'})}.",
            )
    return None


def _is_finite(boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
    whole = np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    return np.asarray(whole, np.bool_)


def _pixel_range(batches: Sequence[Batch], spec: InputSpec, recipe: Recipe) -> Cause | None:
    largest = max(
        (float(normalized(b.images_b3hw, spec).abs().max()) for b in batches if len(b.images_b3hw)), default=0
    )
    if largest <= PLAUSIBLE_INPUT:
        return None
    return Cause(
        f"normalisation scales pixels up to {largest:.3g} (mean {spec.mean}, standard deviation {spec.std})",
        f"Set {field_title('weights.normalization')} to what the starting weights were trained with"
        + (", or start from another checkpoint." if recipe.weights.source == "checkpoint" else "."),
    )


def _finite_in_fp32(plan: Plan, task: Task, batches: Sequence[Batch], spec: InputSpec, device: torch.device) -> bool:
    """Whether the batch gives a finite loss without mixed precision. False where the parameters are spoilt already."""
    plan.network.eval()  # it must not learn statistics from this
    with torch.no_grad():
        for batch in batches:
            for row in range(len(batch.images_b3hw)):  # one at a time: memory may be short
                outputs = plan.network(normalized(batch.images_b3hw[row : row + 1].to(device), spec))
                sums = task.loss_sums(outputs, rows_of(batch.targets, slice(row, row + 1)).to(device))
                if not bool((sums.labels + sums.boxes).isfinite()):
                    return False
    return True
