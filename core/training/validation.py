"""Judging a network in the middle of its training: loss and metrics on the validation images."""

from __future__ import annotations

from collections.abc import Sequence

from core.inference.runner import Runner
from core.project.snapshot import SnapshotImage
from core.training.image_cache import ImageCache
from core.training.judging import Judged
from core.training.tasks import Task
from core.training.world import World


def validate(task: Task, runner: Runner, images: Sequence[SnapshotImage], cache: ImageCache, world: World) -> Judged:
    """Judge the network on whole images, in one pass over them. The network must be in evaluation mode.

    Each process looks at its share of the images, each of which counts once; all get the same judgement.
    """
    size = (runner.input.width, runner.input.height) if runner.input.mode == "whole" else None
    looks = [task.look(runner, image, cache.whole(image, size)) for image in world.share(images)]
    return task.judge(images, world.joined(world.gather(looks)))
