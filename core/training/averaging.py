"""The moving average of a network's weights, which is judged and saved in place of the weights that learn."""

from __future__ import annotations

import copy

import torch

from core.models.networks.detector import Network


class Average:
    """An exponential moving average: average += (weights - average) * (1 - decay) after each step.

    The decay rises to its full value, as (1 + steps) / (10 + steps), so that the random weights of the first steps do
    not weigh on a short run (Abadi et al., TensorFlow's ExponentialMovingAverage with num_updates).
    """

    def __init__(self, network: Network, decay: float) -> None:
        """Starts as a copy of `network`, on the same device."""
        self.network: Network = copy.deepcopy(network).requires_grad_(False).eval()
        self._decay = decay
        pairs = list(zip(self.network.state_dict().values(), network.state_dict().values(), strict=True))
        # BatchNorm's statistics are averaged like weights: they belong to the weights that made them.
        self._averaged = [(mine, theirs) for mine, theirs in pairs if mine.is_floating_point()]
        self._copied = [(mine, theirs) for mine, theirs in pairs if not mine.is_floating_point()]

    @torch.no_grad()
    def follow(self, steps: int) -> None:
        """Take in the weights as they are after `steps` steps."""
        weight = 1 - min(self._decay, (1 + steps) / (10 + steps))
        torch._foreach_lerp_([mine for mine, _ in self._averaged], [theirs for _, theirs in self._averaged], weight)
        if self._copied:
            torch._foreach_copy_([mine for mine, _ in self._copied], [theirs for _, theirs in self._copied])
