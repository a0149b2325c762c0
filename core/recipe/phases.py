"""What learns from which epoch on, worked out from a recipe alone. Imports no torch: the window draws it before a run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from core.recipe.parts import Strategy
from core.recipe.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Phase:
    """From `epoch` on, until the next phase, these parts of the network learn. The head always does."""

    epoch: int  # from 1
    stages: tuple[str, ...]  # backbone stages that learn, input first
    factors: dict[str, float] = field(default_factory=dict)  # by learning stage: its rate as a fraction of the head's
    trainable: int = 0  # parameters that learn, those of the head among them where its size is known

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"stages": list(self.stages)}


def phases(
    recipe: Recipe, stages: Sequence[str], parameters: Mapping[str, int] | None = None, head: int = 0
) -> tuple[Phase, ...]:
    """The phases of a run by `recipe`, the first of which begins with epoch 1; each differs from the one before.

    `stages`: the backbone's, input first. `parameters`: how many each stage has; `head`: how many everything else has.
    A stage of which it says none is not computed, so it does not learn.
    """
    counts = parameters or {}
    factors = stage_factors(recipe.strategy, stages)
    found: list[Phase] = []
    for epoch, first in _plan_unfreezing(recipe, stages):
        learning = tuple(stage for stage in stages[first:] if counts.get(stage) != 0)
        if found and found[-1].stages == learning:
            continue
        trainable = head + sum(counts.get(stage, 0) for stage in learning)
        found.append(Phase(epoch, learning, {stage: factors[stage] for stage in learning}, trainable))
    return tuple(found)


def planned_phases(recipe: Recipe, used_maps: int | None = None) -> tuple[Phase, ...]:
    """The phases of a run with the sizes that the registry states for the recipe's model.

    `used_maps`: how many of the finest maps have anchors (`Anchors.used_levels`); None: all.
    """
    spec = recipe.spec
    sizes, head = spec.sizes_at(len(spec.strides) if used_maps is None else used_maps)
    return phases(recipe, spec.stages, sizes, head)


@dataclass(frozen=True, slots=True)
class LearningShare:
    """How much of a network learns, at some time of a run."""

    learning: int  # parameters
    parameters: int  # of the whole network
    idle: tuple[str, ...]  # backbone stages of which nothing is computed: no anchor lies behind them
    frozen: tuple[str, ...]  # those that the strategy never lets learn

    @property
    def share(self) -> float:
        return self.learning / max(self.parameters, 1)


def learning_share(recipe: Recipe, used_maps: int) -> LearningShare:
    """What really learns where only the `used_maps` finest maps have anchors."""
    spec = recipe.spec
    sizes, _ = spec.sizes_at(used_maps)
    idle = tuple(stage for stage in spec.stages if not sizes[stage])
    most = max(planned_phases(recipe, used_maps), key=lambda phase: phase.trainable)
    frozen = tuple(stage for stage in spec.stages if stage not in most.stages and stage not in idle)
    return LearningShare(most.trainable, spec.parameters, idle, frozen)


def phase_at(found: Sequence[Phase], epoch: int) -> Phase:
    """The phase that an epoch (from 1) belongs to."""
    return next(phase for phase in reversed(found) if phase.epoch <= epoch)


def never_learnt(found: Sequence[Phase], epoch: int) -> tuple[tuple[str, ...], int]:
    """(stages that learn only after `epoch`, the epoch in which the first of them begins), for a run that ends there.

    Without such stages: an empty tuple, and `epoch`.
    """
    learnt = phase_at(found, epoch).stages
    later = [phase for phase in found if phase.epoch > epoch]
    return (tuple(stage for stage in later[-1].stages if stage not in learnt), later[0].epoch) if later else ((), epoch)


def stage_factors(strategy: Strategy, stages: Sequence[str]) -> dict[str, float]:
    """The rate of each stage as a fraction of the head's, once it learns.

    The last stage learns at `backbone_lr_factor`, each stage nearer to the image at `stage_lr_decay` of the one behind
    it (discriminative fine-tuning: Howard and Ruder, Universal Language Model Fine-tuning). From scratch all learn alike.
    """
    if strategy.kind == "scratch":
        return dict.fromkeys(stages, 1.0)
    last = len(stages) - 1
    return {
        stage: strategy.backbone_lr_factor * strategy.stage_lr_decay ** (last - place)
        for place, stage in enumerate(stages)
    }


def even_unfreezing(stages: Sequence[str], epochs: int) -> list[tuple[int, str]]:
    """(epoch, stage) that unfreeze from the last stage to the first, evenly over the first half of the run.

    The head learns alone first, for one epoch at least, unless the run has no more than that.
    """
    count = len(stages)
    return [
        (min(1 + math.ceil(place * epochs / 2 / count), epochs), stages[count - place]) for place in range(1, count + 1)
    ]


def _plan_unfreezing(recipe: Recipe, stages: Sequence[str]) -> list[tuple[int, int]]:
    """(epoch, index of the first stage that learns from then on), by epoch, from epoch 1."""
    strategy, none = recipe.strategy, len(stages)
    if strategy.kind == "scratch":
        return [(1, 0)]
    if strategy.kind == "frozen":
        return [(1, none)]
    if strategy.kind == "fine_tune":
        return [(1, stages.index(strategy.from_stage) if strategy.from_stage else 0)]
    if strategy.kind == "two_phase":
        return [(1, none), (strategy.head_epochs + 1, none - strategy.last_stages)]
    steps = [(step.epoch, step.stage) for step in strategy.unfreeze] or even_unfreezing(stages, recipe.schedule.epochs)
    learning = {1: none}
    for epoch, stage in sorted(steps):
        earlier = min(learning.values())  # what learns once goes on learning
        learning[epoch] = min(earlier, stages.index(stage))
    return sorted(learning.items())
