"""A recipe's strategy, applied to one network: which parameters learn in an epoch, and how fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer

from core.errors import InputError
from core.models.detector import Network
from core.models.weights import Report
from core.training.optimizers import build_optimizer, parameter_groups, set_learning, set_rate
from core.training.parts import Strategy
from core.training.phases import Phase, phase_at, phases, stage_factors
from core.training.recipe import Recipe

__all__ = ["Plan", "apply_strategy", "set_rate", "weights_notices"]


@dataclass(slots=True, eq=False)
class Plan:
    """What learns when, and the optimiser that makes it learn."""

    network: nn.Module
    optimizer: Optimizer
    phases: tuple[Phase, ...]
    stages: dict[str, list[nn.Module]]  # the backbone's, input first
    keep_statistics: bool = False  # of every BatchNorm in the backbone, also where its weights learn
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
        set_learning(self.optimizer, phase.stages)
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
    stages = network.backbone.stages()
    counts = {
        stage: sum(one.numel() for module in modules for one in module.parameters())
        for stage, modules in stages.items()
    }
    head = sum(one.numel() for one in network.parameters()) - sum(counts.values())
    names: Sequence[str] = tuple(stages)
    groups = parameter_groups(network, stages, stage_factors(recipe.strategy, names), recipe.optimizer.weight_decay)
    plan = Plan(
        network,
        build_optimizer(groups, recipe.optimizer),
        phases(recipe, names, counts, head),
        stages,
        _keeps_statistics(recipe.strategy, pretrained),
    )
    set_learning(plan.optimizer, plan.phases[0].stages)
    return plan


def _keeps_statistics(strategy: Strategy, pretrained: bool) -> bool:
    if strategy.norms == "auto":
        return pretrained and strategy.kind != "scratch"
    return strategy.norms == "frozen"


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
            f"weights: they hold nothing, or not all, for {', '.join(frozen)}, which strategy.kind={recipe.strategy.kind} "
            "never lets learn; choose other weights, or a strategy in which these stages learn"
        )
    if report.fresh:
        found.append(
            f"starting weights: they do not cover {', '.join(report.fresh)}, which start at random, at least in part"
        )
    return found
