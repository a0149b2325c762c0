"""How fast a recipe learns and judges on this machine: a few steps of it, of which nothing is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from statistics import median

import torch

from core.errors import InputError
from core.inference.runner import normalized
from core.jobs.events import JobProgress, SpeedMeasured
from core.models.device import device_title, mixed_precision
from core.project.snapshot import Snapshot
from core.recipe.recipe import Recipe
from core.training.data.dataset import Batch
from core.training.data.speed import TRIAL_STEPS, judged_pixels, limit_val_images
from core.training.environment import limited_threads, peak_memory_mb
from core.training.out_of_memory import TooLittleMemory
from core.training.short_training import ShortTraining
from core.training.steps import Diverged
from core.training.strategy import set_rate
from core.types import Split

SECONDS = 6.0  # after the first step, which is slower than the others
LEAST_STEPS = 2
# A rate at which nothing is learnt in so few steps, and nothing can break.
_RATE = 1e-7
# Boxes are decoded and matched besides the forward pass.
_BESIDES = 1.2


def try_speed(
    recipe: Recipe, snapshot: Snapshot, should_stop: Callable[[], bool], seconds: float = SECONDS
) -> Iterator[JobProgress | SpeedMeasured]:
    """Learn by `recipe` for about `seconds` and say how long a picture takes; nothing if `should_stop()` turned true.

    Raises InputError, before any step, if the recipe or the snapshot cannot work, and if memory is too small for one
    picture.
    """
    with limited_threads(recipe):
        yield from _try_speed(recipe, snapshot, should_stop, seconds)


def _try_speed(
    recipe: Recipe, snapshot: Snapshot, should_stop: Callable[[], bool], seconds: float
) -> Iterator[JobProgress | SpeedMeasured]:
    training = ShortTraining.of(recipe, snapshot)
    set_rate(training.plan.optimizer, _RATE)
    taken: list[float] = []
    began, last = time.monotonic(), None
    with closing(training.endless_batches()) as batches:
        # The first step is not counted: memory is taken and algorithms are chosen in it.
        for step, batch in enumerate(islice(batches, 1 + TRIAL_STEPS)):
            if should_stop():
                return
            taken.append(_time_step(training, batch, step) / len(batch.images_b3hw))
            last = batch
            yield JobProgress(min(step, TRIAL_STEPS), TRIAL_STEPS)
            if step == 0:
                began = time.monotonic()
            elif step >= LEAST_STEPS and time.monotonic() - began >= seconds:
                break
    assert last is not None
    images = limit_val_images(recipe, snapshot.of_split(Split.VAL))
    size = (training.prepared.input.width, training.prepared.input.height)
    pixels = [judged_pixels(recipe, size, (image.width, image.height)) for image in images]
    judging = _time_judging(training, last, recipe.limits.precision) * sum(pixels) / len(images) if images else 0.0
    yield SpeedMeasured(
        seconds_per_picture=median(taken[1:] or taken),
        seconds_per_image=judging,
        pictures=len(training.data),
        val_images=len(images),
        parameters=sum(one.numel() for one in training.network.parameters()),
        trainable_parameters=max(phase.trainable for phase in training.plan.phases),
        reachable=training.prepared.reachable,
        memory_mb=peak_memory_mb(training.device),
        device=device_title(training.device),
    )


def _time_step(training: ShortTraining, batch: Batch, number: int) -> float:
    before = time.monotonic()
    try:
        training.stepper.step([batch], number)
        training.stepper.check()  # waits for a GPU
    except Diverged:
        pass  # it takes as long
    except TooLittleMemory as error:
        raise InputError(f"schedule.batch_size: too little memory {error}; choose a smaller model or input") from error
    return time.monotonic() - before


def _time_judging(training: ShortTraining, batch: Batch, precision: str) -> float:
    """Seconds for each pixel that is looked at without learning."""
    training.network.eval()
    images = batch.images_b3hw.to(training.device)
    before = time.monotonic()
    with torch.inference_mode(), mixed_precision(training.device, precision):
        training.network(normalized(images, training.prepared.input))
    if training.device.type == "cuda":
        torch.cuda.synchronize(training.device)
    return _BESIDES * (time.monotonic() - before) / (images.shape[0] * images.shape[2] * images.shape[3])
