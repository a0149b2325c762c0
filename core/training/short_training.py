"""A training of which nothing is kept: to find a rate, or how long a real one will take."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Self

import torch

from core.models.device import choose_device
from core.models.networks.detector import Network
from core.project.snapshot import Snapshot
from core.recipe.recipe import Recipe
from core.training.data.dataset import Batch, TrainingSet
from core.training.data.image_cache import ImageCache
from core.training.environment import use_fast_arithmetic
from core.training.preparation import Prepared, prepare_training
from core.training.process_group import ProcessGroup
from core.training.steps import Stepper
from core.training.strategy import Plan, apply_strategy
from core.training.tasks.task import Task, task_for
from core.types import Split


@dataclass(frozen=True, slots=True, eq=False)
class ShortTraining:
    """The parts of a training in its first epoch, on one device."""

    device: torch.device
    prepared: Prepared
    network: Network
    task: Task
    plan: Plan
    stepper: Stepper
    data: TrainingSet
    cache: ImageCache

    @classmethod
    def of(cls, recipe: Recipe, snapshot: Snapshot) -> Self:
        """Raises InputError, before any step, if the recipe or the snapshot cannot work."""
        device = choose_device(recipe.device)
        use_fast_arithmetic(device)
        prepared = prepare_training(recipe, snapshot, judged=False)
        network = prepared.network.to(device)
        if recipe.limits.channels_last:
            network.to(memory_format=torch.channels_last)
        plan = apply_strategy(network, recipe, prepared.pretrained)
        plan.set_epoch(1)
        task = task_for(recipe, snapshot)
        cache = ImageCache(recipe.limits.ram_cache_mb * 2**20 or None, snapshot.cameras)
        size = (prepared.input.width, prepared.input.height)
        data = TrainingSet(snapshot.of_split(Split.TRAIN), len(snapshot.label_names), recipe, size, cache)
        stepper = Stepper(plan, task, prepared.input, recipe, device, ProcessGroup(device=device))
        return cls(device, prepared, network, task, plan, stepper, data, cache)

    def endless_batches(self) -> Generator[Batch, None, None]:
        """The batches of one epoch after the other."""
        epoch = 1
        while True:
            yield from self.data.batches(epoch, device=self.device)
            epoch += 1
