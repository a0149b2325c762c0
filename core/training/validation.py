"""Judging a network in the middle of its training: loss and metrics on the validation images."""

from __future__ import annotations

from collections.abc import Sequence

from core.inference.runner import Runner
from core.project.snapshot import SnapshotImage
from core.training.dataset import ImageCache
from core.training.judging import Judged
from core.training.tasks import Task


def validate(task: Task, runner: Runner, images: Sequence[SnapshotImage], cache: ImageCache) -> Judged:
    """Judge the network on whole images, in one pass over them. The network must be in evaluation mode."""
    return task.judge(images, [task.look(runner, image, cache.read(image.path)) for image in images])
