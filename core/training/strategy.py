"""Which parameters learn, and how fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import SGD, AdamW, Optimizer

from core.models.detector import Detector
from core.training.recipe import Recipe


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The recipe's strategy, applied to one network."""

    detector: Detector
    optimizer: Optimizer
    frozen_statistics: Sequence[nn.Module] = ()

    def training_mode(self) -> None:
        """Training mode, but the BatchNorm statistics of a pre-trained backbone stay as they were learnt."""
        self.detector.train()
        for module in self.frozen_statistics:
            module.eval()


def apply_strategy(detector: Detector, recipe: Recipe, pretrained: bool) -> Plan:
    """Freeze what the recipe freezes and give the rest to an optimiser.

    `pretrained`: the backbone has learnt before, so its BatchNorm statistics are kept unless the strategy is
    scratch. Weight decay is not applied to norms and biases.
    """
    stages = [module for stage in detector.backbone.stages().values() for module in stage]
    backbone = {id(parameter) for module in stages for parameter in module.parameters()}
    kind = recipe.strategy.kind
    if kind == "frozen":
        for module in stages:
            module.requires_grad_(False)
    slower = recipe.strategy.backbone_lr_factor if kind == "fine_tune" else 1.0
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in detector.parameters():
        if parameter.requires_grad:
            factor = slower if id(parameter) in backbone else 1.0
            decay = recipe.optimizer.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((factor, decay), []).append(parameter)
    settings = [
        {"params": parameters, "weight_decay": decay, "lr_factor": factor}
        for (factor, decay), parameters in groups.items()
    ]
    keep_statistics = kind != "scratch" and pretrained
    norms = [m for module in stages for m in module.modules() if isinstance(m, _BatchNorm)] if keep_statistics else []
    return Plan(detector, _optimizer(settings, recipe), norms)


def set_rate(optimizer: Optimizer, rate: float) -> None:
    """The head's learning rate is `rate`; the backbone's is its fraction of that."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["lr_factor"]


def _optimizer(settings: list[dict[str, Any]], recipe: Recipe) -> Optimizer:
    if recipe.optimizer.kind == "sgd":
        return SGD(
            settings, lr=recipe.optimizer.lr, momentum=recipe.optimizer.momentum, nesterov=recipe.optimizer.momentum > 0
        )
    return AdamW(settings, lr=recipe.optimizer.lr)
