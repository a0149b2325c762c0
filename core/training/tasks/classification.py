"""The task of telling which defects are in an image, not where: the labels of its boxes, as one set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor
from torchvision.ops import sigmoid_focal_loss

from core.evaluation.classification import judge_image_labels
from core.models.multilabel import LossSettings, LossSums, Targets
from core.project.snapshot import Snapshot, SnapshotImage
from core.recipe.recipe import Recipe
from core.training.tasks.detection import loss_settings
from core.training.tasks.validation_result import Look, ValidationResult, normalized_losses
from core.types import Split


@dataclass(frozen=True, slots=True)
class ClassificationTask:
    """Classifiers: one sigmoid per label of the whole picture, or of the crop.

    With the loss `focal`, easy pictures count little; with `mined_bce` every picture counts, since there are no anchors
    among which hard ones would have to be looked for. Labels are weighted by how many training images carry each.
    """

    label_names: tuple[str, ...]
    loss: LossSettings

    @classmethod
    def of(cls, recipe: Recipe, snapshot: Snapshot) -> Self:
        carriers = [np.asarray(image.labels.any(axis=0), np.int64) for image in snapshot.of_split(Split.TRAIN)]
        return cls(tuple(snapshot.label_names), loss_settings(recipe.loss, carriers, len(snapshot.label_names)))

    def loss_sums(self, outputs: Any, targets: Targets) -> LossSums:
        """`outputs`: logits (b, k). The mean over the labels, summed over the pictures, which are what is counted."""
        logits_bk: Tensor = outputs.float()
        wanted_bk = (targets.labels_bmk * targets.valid_bm[..., None]).sum(dim=1).clamp(max=1)
        if self.loss.kind == "focal":
            each_bk = sigmoid_focal_loss(logits_bk, wanted_bk, self.loss.focal_alpha, self.loss.focal_gamma)
        else:
            each_bk = functional.binary_cross_entropy_with_logits(logits_bk, wanted_bk, reduction="none")
        if self.loss.label_weights:
            each_bk = each_bk * torch.where(wanted_bk > 0, each_bk.new_tensor(self.loss.label_weights), 1.0)
        if targets.ignored_bj4.shape[1]:
            # What an ignored box would have been, nobody knows: only the labels that are known to be there are taught.
            has_ignored_b = (targets.ignored_bj4[..., 2] > targets.ignored_bj4[..., 0]).any(dim=1)
            each_bk = torch.where(has_ignored_b[:, None] & (wanted_bk == 0), 0.0, each_bk)
        return LossSums(each_bk.mean(dim=1).sum(), logits_bk.new_zeros(()), logits_bk.new_tensor(float(len(logits_bk))))

    def judge(self, images: Sequence[SnapshotImage], looks: Sequence[Look]) -> ValidationResult:
        count = len(self.label_names)
        scores = np.array([look.found.scores[0] for look in looks], np.float32).reshape(-1, count)
        found = judge_image_labels([image.truth for image in images], scores, self.label_names)
        label_loss, _ = normalized_losses(looks)
        return ValidationResult(
            label_loss=label_loss,
            box_loss=0.0,
            rank=found.map,
            map=found.map,
            labels={name: one.ap for name, one in found.labels.items()},
            thresholds={name: one.threshold for name, one in found.labels.items()},
            metrics={name: value for name, value in found.measures().items() if name != "map"},
        )
