"""What a checkpoint keeps, beside the network, so that a training goes on as if it had never been interrupted.

Generators of random numbers are not among it: whatever is random is seeded by the run's seed and the step, so
the count of steps says it all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from core.errors import InputError


class Progress(BaseModel):
    """How far a training has come, and what it decides by."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    step: int = Field(ge=0)  # steps of the optimiser in the whole run
    epoch: int = Field(ge=0)  # the one that was begun last, from 1
    epoch_step: int = Field(ge=0)  # steps done in that epoch
    seconds: float = Field(0.0, ge=0)  # of training so far, pauses not counted
    halvings: int = Field(0, ge=0, le=30)  # how often the batch was halved for want of memory
    sums: dict[str, float] = {}  # of the epoch under way, such as its losses
    best: dict[str, Any] = {}  # of the best model so far; empty: none was judged
    latest: dict[str, Any] = {}  # of the last evaluation, if it belongs to this epoch
    plateau: dict[str, Any] = {}
    early_stop: dict[str, Any] = {}
    scaler: dict[str, Any] = {}
    more: dict[str, Any] = {}


@dataclass(frozen=True, slots=True, eq=False)
class TrainingState:
    """A training between two steps."""

    progress: Progress
    optimizer: dict[str, Tensor]  # by "parameter's number.key"; see optimizer_tensors
    # The network's weights as the optimiser moves them, where the checkpoint's own are their average. Else empty.
    learning: dict[str, Tensor] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict)  # whatever else the training needs

    def restore_network(self, network: nn.Module) -> None:
        """Give `network`, which has the checkpoint's weights, those that learn. Raises InputError if they do not fit."""
        if not self.learning:
            return
        own = network.state_dict()
        for name in own.keys() | self.learning.keys():
            theirs = self.learning.get(name)
            if name not in own or theirs is None or theirs.shape != own[name].shape:
                raise InputError(f"training state: damaged, tensor {name!r} does not fit the network; begin a new run")
        network.load_state_dict(self.learning)


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What an optimiser remembers of each parameter. Rates and other settings follow from the recipe."""
    return {
        f"{index}.{key}": torch.as_tensor(value)
        for index, memory in optimizer.state_dict()["state"].items()
        for key, value in memory.items()
        if value is not None
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give a new optimiser over the same parameters, in the same order, the memory of an earlier one.

    Raises InputError if the memory is of other parameters.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    memory: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        number, _, key = name.partition(".")
        if not (number.isdecimal() and len(number) < 7 and int(number) < len(parameters) and key):
            raise InputError(f"training state: damaged, the optimiser has no parameter for {name!r}; begin a new run")
        parameter = parameters[int(number)]
        if tensor.shape == parameter.shape:
            # In the parameter's own order in memory: with another, each step would take the slow way.
            tensor = torch.empty_like(parameter, dtype=tensor.dtype, requires_grad=False).copy_(tensor)
        elif tensor.ndim > 0:  # a count of steps is one number; all else is as large as its parameter
            raise InputError(
                f"training state: damaged, {name!r} has shape {tuple(tensor.shape)}, its parameter "
                f"{tuple(parameter.shape)}; begin a new run"
            )
        memory.setdefault(int(number), {})[key] = tensor
    optimizer.load_state_dict({"state": memory, "param_groups": optimizer.state_dict()["param_groups"]})
