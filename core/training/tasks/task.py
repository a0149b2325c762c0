"""What a network is trained for: how its answers are wrong, and how good they are. The loop knows no more of it.

A task needs no count of the positives before the forward pass: it gives sums, the loop adds up the gradients of the
sums over micro-batches and ranks, and divides them by the positives of all. Gradients are linear, so that is the
gradient of the loss normalised by the whole effective batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from core.models.multilabel import LossSums, Targets
from core.models.registry import model_spec
from core.project.snapshot import Snapshot, SnapshotImage
from core.recipe.recipe import Recipe
from core.training.tasks.classification import ClassificationTask
from core.training.tasks.detection import DetectionTask
from core.training.tasks.validation_result import Look, ValidationResult


class Task(Protocol):
    """One kind of answer: boxes with labels, or labels of an image."""

    @property
    def label_names(self) -> tuple[str, ...]: ...

    def loss_sums(self, outputs: Any, targets: Targets) -> LossSums:
        """Losses of a batch, summed, in float32, from what the network answers to it.

        `outputs` is what the network's forward pass returns; `targets` is on the same device. `boxes` of the sums is 0
        where the task knows none; `positives` is what the loop divides by. No synchronisation with the host.
        """
        ...

    def judge(self, images: Sequence[SnapshotImage], looks: Sequence[Look]) -> ValidationResult:
        """How good the findings are, all images together; `looks` in the order of `images`."""
        ...


# By ModelSpec.task.
TASKS: dict[str, Callable[[Recipe, Snapshot], Task]] = {
    "detect": DetectionTask.of,
    "classify": ClassificationTask.of,
}


def task_for(recipe: Recipe, snapshot: Snapshot) -> Task:
    """The task of the recipe's model, on the labels of `snapshot`."""
    return TASKS[model_spec(recipe.model).task](recipe, snapshot)
