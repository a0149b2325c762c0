"""Judging a network in the middle of its training: loss and metrics on the validation images."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import InputError
from core.geometry import box_area, clip_boxes
from core.inference.image_loop import LoadedImage, LookedAt, look_at_images
from core.inference.runner import Output, Runner
from core.models.decoding import Rows
from core.models.target_assignment import Targets
from core.project.snapshot import SnapshotImage
from core.training.data.dataset import padded_targets
from core.training.data.image_cache import ImageCache
from core.training.process_group import ProcessGroup
from core.training.tasks.task import Task
from core.training.tasks.validation_result import Look, ValidationResult
from core.types import Detections

# Of a box that a tile's edge cuts, this much must be inside to count as there; what is seen of the others is ignored.
MIN_VISIBLE = 0.5

# Label loss, box loss and positives of a part, summed, and what is found on it.
_PartLook = tuple[NDArray[np.float64], Rows]


def validate(
    task: Task,
    runner: Runner,
    images: Sequence[SnapshotImage],
    cache: ImageCache,
    process_group: ProcessGroup,
    keep_found: Callable[[Sequence[Detections]], None] = lambda _found: None,
) -> Generator[int, None, ValidationResult]:
    """Judge the network on whole images, in one pass over them. The network must be in evaluation mode.

    Yields how many images this process has looked at, every now and then. Each process looks at its share of the
    images, each of which counts once; all get the same judgement. Raises InputError in all of them if one of them cannot
    read an image: a judgement without it is none to compare by. `keep_found` gets what was found on each image.
    """
    looks: list[Look] = []
    failure: InputError | None = None
    try:
        for look in _look_at(task, runner, process_group.shard(images), cache):
            looks.append(look)
            yield len(looks)
    except InputError as error:
        failure = error
    # The others wait for this process's share: they must hear of it, too.
    told = process_group.gather((looks, str(failure or "")))
    if failure is not None:
        raise failure
    if lost := next((text for _, text in told if text), ""):
        raise InputError(lost)
    all_looks = process_group.unshard([part for part, _ in told])
    keep_found([look.found for look in all_looks])
    return task.judge(images, all_looks)


def _look_at(task: Task, runner: Runner, images: Sequence[SnapshotImage], cache: ImageCache) -> Iterator[Look]:
    """Loss and findings on each image. Raises InputError for the first that cannot be read."""
    size = (runner.input.width, runner.input.height) if runner.input.mode == "whole" else None

    def load(image: SnapshotImage) -> LoadedImage:
        pixels = cache.whole(image, size)
        return LoadedImage(image.width, image.height, runner.split_image(pixels, (image.width, image.height)))

    def look(image: SnapshotImage, _loaded: LoadedImage, output: Output) -> _PartLook:
        targets = part_targets(output, image).to(runner.device)
        with torch.inference_mode():
            sums = task.loss_sums(output.raw, targets)
            losses = torch.stack([sums.labels.float(), sums.boxes.float(), sums.positives.float()]).cpu().numpy()
        return losses.astype(np.float64), runner.decode_output(output, image.width, image.height)

    with closing(look_at_images(runner, images, load, look)) as looked:
        yield from (_join_look(task, runner, one) for one in looked)


def _join_look(task: Task, runner: Runner, looked: LookedAt[SnapshotImage, _PartLook]) -> Look:
    if looked.error is not None:
        raise looked.error
    labels, boxes, positives = np.sum([losses for losses, _ in looked.found], axis=0).tolist()
    assert looked.image is not None
    rows = [rows for _, rows in looked.found]
    found = Detections(*runner.join_parts(rows, looked.image.parts), task.label_names)
    return Look(labels, boxes, positives, found)


def part_targets(output: Output, image: SnapshotImage) -> Targets:
    """What is to be found in one part of an image, and what of it is ignored, as a batch of one."""
    boxes = np.concatenate([image.boxes, image.ignored])
    labels = np.concatenate([image.labels, np.zeros((len(image.ignored), image.labels.shape[1]), np.bool_)])
    there = output.part.to_input(boxes)
    inside = clip_boxes(there, *output.size)
    seen = box_area(inside) > 0
    enough = box_area(inside) >= MIN_VISIBLE * np.maximum(box_area(there), 1e-6)
    return padded_targets([(inside[seen].astype(np.float32), (labels & enough[:, None])[seen])], labels.shape[1])
