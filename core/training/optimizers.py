"""The optimiser of a run: one for all parameters, in groups by stage, from the first step to the last.

Parameters that do not learn yet have no gradient, so the optimiser passes over them and keeps nothing for them. A
stage that is unfrozen starts with fresh moments, and what is saved has the same shape in every phase.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args

import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from core.recipe import parts

HEAD = ""  # the group of what belongs to no stage

# Devices on which one fused kernel updates all parameters.
_FUSED = ("cpu", "cuda")


def parameter_groups(
    network: nn.Module, stages: Mapping[str, list[nn.Module]], factors: Mapping[str, float], weight_decay: float
) -> list[dict[str, Any]]:
    """All parameters of `network`, by stage and by whether they decay: the head first, then stages, input first.

    Each group has "stage" ("" for the head) and "lr_factor". Weights decay; norms, biases and other vectors do not
    (He et al., Bag of Tricks for Image Classification).
    """
    stage_of = {
        id(parameter): stage
        for stage, modules in stages.items()
        for module in modules
        for parameter in module.parameters()
    }
    groups: dict[tuple[str, bool], list[nn.Parameter]] = {
        (stage, decays): [] for stage in (HEAD, *stages) for decays in (True, False)
    }
    for parameter in network.parameters():
        groups[stage_of.get(id(parameter), HEAD), parameter.ndim > 1].append(parameter)
    return [
        {
            "params": parameters,
            "weight_decay": weight_decay if decays else 0.0,
            "lr_factor": 1.0 if stage == HEAD else factors[stage],
            "stage": stage,
        }
        for (stage, decays), parameters in groups.items()
        if parameters
    ]


def build_optimizer(groups: list[dict[str, Any]], settings: parts.Optimizer) -> Optimizer:
    """The optimiser that the recipe names, on these groups."""
    optimizer = _KINDS[settings.kind](groups, settings)
    set_rate(optimizer, settings.lr)
    return optimizer


def set_rate(optimizer: Optimizer, rate: float) -> None:
    """The head's learning rate is `rate`; each stage's is its fraction of that."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["lr_factor"]


def set_learning(optimizer: Optimizer, stages: Iterable[str], idle: frozenset[int] = frozenset()) -> None:
    """Only the head and these stages learn from now on, without the parameters of the ids `idle`.

    What no longer learns drops its gradient.
    """
    learning = {HEAD, *stages}
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            learns = group["stage"] in learning and id(parameter) not in idle
            parameter.requires_grad_(learns)
            if not learns:
                parameter.grad = None


def _can_fuse(groups: list[dict[str, Any]]) -> bool:
    parameters: list[torch.Tensor] = [parameter for group in groups for parameter in group["params"]]
    return all(one.device.type in _FUSED and one.is_floating_point() for one in parameters)


def _make_sgd(groups: list[dict[str, Any]], settings: parts.Optimizer) -> Optimizer:
    momentum = settings.momentum
    return SGD(groups, lr=settings.lr, momentum=momentum, nesterov=momentum > 0, fused=_can_fuse(groups))


def _make_adam(groups: list[dict[str, Any]], settings: parts.Optimizer) -> Optimizer:
    return Adam(groups, lr=settings.lr, fused=_can_fuse(groups))


def _make_adamw(groups: list[dict[str, Any]], settings: parts.Optimizer) -> Optimizer:
    return AdamW(groups, lr=settings.lr, fused=_can_fuse(groups))


_KINDS: dict[str, Callable[[list[dict[str, Any]], parts.Optimizer], Optimizer]] = {
    "sgd": _make_sgd,
    "adam": _make_adam,
    "adamw": _make_adamw,
}
assert _KINDS.keys() == set(get_args(parts.Optimizer.model_fields["kind"].annotation)), "every optimiser is built"
