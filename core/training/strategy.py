"""A recipe's strategy, applied to one network: which parameters learn in an epoch, and how fast."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer

from core.errors import InputError
from core.models.networks.detector import Network
from core.models.weights import Report
from core.recipe.field_words import describe_change, field_title
from core.recipe.parts import Strategy
from core.recipe.phases import Phase, phase_at, phases, stage_factors
from core.recipe.recipe import Recipe
from core.training.optimizers import build_optimizer, parameter_groups, set_learning, set_rate

__all__ = ["Plan", "apply_strategy", "idle_notice", "set_rate", "weights_notices"]

_LOOK = 64  # pixels of the side of an empty image, by which is seen what is computed


@dataclass(slots=True, eq=False)
class Plan:
    """What learns when, and the optimiser that makes it learn."""

    network: nn.Module
    optimizer: Optimizer
    phases: tuple[Phase, ...]
    stages: dict[str, list[nn.Module]]  # the backbone's, input first
    keep_statistics: bool = False  # of every BatchNorm in the backbone, also where its weights learn
    idle: frozenset[int] = frozenset()  # ids of the parameters that do nothing for any answer: they never learn
    _current: Phase | None = field(default=None, init=False)

    @property
    def phase(self) -> Phase:
        """What is in force: that of the epoch set last, or the first."""
        return self._current or self.phases[0]

    def set_epoch(self, epoch: int) -> Phase | None:
        """Let learn what learns in `epoch` (from 1).

        Returns the phase if it is not the one that was in force, so the first call always tells one, also when a
        run goes on in the middle.
        """
        phase = phase_at(self.phases, epoch)
        if phase is self._current:
            return None
        self._current = phase
        set_learning(self.optimizer, phase.stages, self.idle)
        self.training_mode()
        return phase

    def training_mode(self) -> None:
        """Training mode for what learns.

        A frozen stage computes what it always did: its BatchNorm keeps its statistics, its dropout is off.
        """
        self.network.train()
        for stage, modules in self.stages.items():
            learns = stage in self.phase.stages
            for module in (one for part in modules for one in part.modules()):
                if not learns or (self.keep_statistics and isinstance(module, _BatchNorm)):
                    module.training = False

    def trainable_parameters(self) -> int:
        """How many numbers learn now."""
        return sum(one.numel() for one in self.network.parameters() if one.requires_grad)


def apply_strategy(network: Network, recipe: Recipe, pretrained: bool) -> Plan:
    """The plan for `network` by `recipe`, with what learns in the first epoch set to learn.

    `pretrained`: the backbone has learnt before. Weight decay is not applied to norms and biases. The network must be
    on its device already: the optimiser is built for it.
    """
    stages, idle = network.backbone.stages(), _idle_parameters(network)
    counts = {stage: _count_parameters(modules, idle) for stage, modules in stages.items()}
    head = _count_parameters([network], idle) - sum(counts.values())
    names: Sequence[str] = tuple(stages)
    groups = parameter_groups(network, stages, stage_factors(recipe.strategy, names), recipe.optimizer.weight_decay)
    plan = Plan(
        network,
        build_optimizer(groups, recipe.optimizer),
        phases(recipe, names, counts, head),
        stages,
        _keeps_statistics(recipe.strategy, pretrained),
        idle,
    )
    set_learning(plan.optimizer, plan.phases[0].stages, idle)
    return plan


def _count_parameters(modules: Iterable[nn.Module], idle: frozenset[int]) -> int:
    """How many numbers of `modules` do something."""
    return sum(one.numel() for module in modules for one in module.parameters() if id(one) not in idle)


def _keeps_statistics(strategy: Strategy, pretrained: bool) -> bool:
    if strategy.norms == "auto":
        return pretrained and strategy.kind != "scratch"
    return strategy.norms == "frozen"


def idle_notice(recipe: Recipe, network: Network) -> str:
    """What to do if for some epochs only stages would learn that the network does not compute; empty if all is well."""
    if recipe.strategy.kind in ("scratch", "frozen"):
        return ""
    found = phases(recipe, tuple(network.backbone.stages()))
    idle = _idle_stages(network)
    useless = [phase for phase in found if phase.stages and set(phase.stages) <= set(idle)]
    if not useless:
        return ""
    stages = tuple(network.backbone.stages())
    last = max(place for place, stage in enumerate(stages) if stage not in idle)
    mend = {
        "fine_tune": f"{describe_change({'strategy.from_stage': stages[last]})}, or one before it",
        "two_phase": f"{describe_change({'strategy.last_stages': len(stages) - last})} or more",
        "gradual": f"begin {field_title('strategy.unfreeze')} with {stages[last]}",
    }[recipe.strategy.kind]
    return (
        f"strategy: from epoch {useless[0].epoch} on only {', '.join(useless[0].stages)} would learn of the backbone, which the "
        f"network does not compute: all anchors are on finer maps, for the defects are small. {mend}"
    )


def _idle_stages(network: Network) -> list[str]:
    """Stages of which nothing is computed for an image."""
    idle = _idle_parameters(network)
    return [stage for stage, modules in network.backbone.stages().items() if not _count_parameters(modules, idle)]


def _idle_parameters(network: Network) -> frozenset[int]:
    """Ids of the parameters that do nothing for any answer.

    Where all defects are small, all anchors lie on fine maps, and what lies behind those is left out.
    """
    parameters = list(network.parameters())
    learning, was_training = [one.requires_grad for one in parameters], network.training
    network.requires_grad_(True).eval()  # no statistics are to change
    try:
        with torch.enable_grad():
            answer = network(torch.zeros(1, 3, _LOOK, _LOOK, device=parameters[0].device))
            tensors = [answer] if isinstance(answer, torch.Tensor) else [one for one in answer if one.requires_grad]
            slopes = torch.autograd.grad([one.sum() for one in tensors], parameters, allow_unused=True)
    finally:
        network.train(was_training)
        for one, learns in zip(parameters, learning, strict=True):
            one.requires_grad_(learns)
    return frozenset(id(one) for one, slope in zip(parameters, slopes, strict=True) if slope is None)


def weights_notices(recipe: Recipe, report: Report, stages: Sequence[str]) -> list[str]:
    """What the user should know of the starting weights besides their number.

    Raises InputError if a stage that never learns was not in them: it would stay random.
    """
    found = []
    if report.unexpected:
        found.append(
            f"starting weights: {len(report.unexpected)} tensors were not taken over, such as {report.unexpected[0]}"
        )
    learning = phases(recipe, stages)[-1].stages
    if frozen := [stage for stage in report.fresh if stage not in learning]:
        raise InputError(
            f"weights: they hold nothing, or not all, for {', '.join(frozen)}, which the strategy {recipe.strategy.kind} "
            "never lets learn; choose other weights, or a strategy in which these stages learn"
        )
    if report.fresh:
        found.append(
            f"starting weights: they do not cover {', '.join(report.fresh)}, which start at random, at least in part"
        )
    return found
