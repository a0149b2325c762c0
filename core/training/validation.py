"""Judging a network in the middle of its training: loss and metrics on the validation images."""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import InputError
from core.inference.runner import Runner
from core.project.snapshot import SnapshotImage
from core.training.data.image_cache import ImageCache
from core.training.process_group import ProcessGroup
from core.training.tasks.task import Task
from core.training.tasks.validation_result import Look, ValidationResult


def validate(
    task: Task, runner: Runner, images: Sequence[SnapshotImage], cache: ImageCache, process_group: ProcessGroup
) -> ValidationResult:
    """Judge the network on whole images, in one pass over them. The network must be in evaluation mode.

    Each process looks at its share of the images, each of which counts once; all get the same judgement. Raises InputError in all
    of them if one of them cannot read an image.
    """
    size = (runner.input.width, runner.input.height) if runner.input.mode == "whole" else None
    looks: list[Look] = []
    failure: InputError | None = None
    try:
        looks = [task.look(runner, image, cache.whole(image, size)) for image in process_group.shard(images)]
    except InputError as error:
        failure = error
    # The others wait for this process's share: they must hear of it, too.
    told = process_group.gather((looks, str(failure or "")))
    if failure is not None:
        raise failure
    if lost := next((text for _, text in told if text), ""):
        raise InputError(lost)
    return task.judge(images, process_group.unshard([part for part, _ in told]))
