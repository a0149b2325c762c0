"""What to do about too little memory, on the GPU or on the host."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

import torch
from torch import Tensor, nn

from core.models.device import free_cached, is_out_of_memory

T = TypeVar("T")
Step = TypeVar("Step")


class TooLittleMemory(Exception):
    """What is left to do does not fit in memory, even one picture at a time."""

    def __init__(self, what: str, *, spoilt: bool = False) -> None:
        """`spoilt`: the parameters may be half-way between two steps, and must not be kept."""
        super().__init__(what)
        self.spoilt = spoilt


def in_memory(work: Callable[[], Generator[Step, None, T]], device: torch.device) -> Generator[Step, None, T]:
    """What `work` gives, tried once more with what the allocator keeps for later given back.

    Raises TooLittleMemory if that is not enough.
    """
    for last in (False, True):
        try:
            return (yield from work())
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if last:
                raise TooLittleMemory("to judge the network") from error
        free_cached(device)
    raise AssertionError("the loop returns or raises")


def chunk_sizes(pictures: int, most: int) -> list[int]:
    """How many pictures go through the network at once: at most `most`, and all about equally many.

    Equal sizes leave no picture on its own at the end, whose BatchNorm would have little to go by.
    """
    if pictures == 0:
        return []
    chunks = -(-pictures // most)
    small, larger = divmod(pictures, chunks)
    return [small + 1] * larger + [small] * (chunks - larger)


class BufferGuard:
    """Undoes what a forward pass that is given up did to a network's buffers, such as BatchNorm's statistics."""

    def __init__(self, network: nn.Module) -> None:
        self._buffers = list(network.buffers())
        self._kept: list[Tensor] = [buffer.clone() for buffer in self._buffers]

    def keep(self) -> None:
        """Remember the buffers as they are."""
        _copy_network(self._kept, self._buffers)

    def restore(self) -> None:
        """Set the buffers back to what they were at the last `keep`."""
        _copy_network(self._buffers, self._kept)


@torch.no_grad()
def _copy_network(into: list[Tensor], values: list[Tensor]) -> None:
    if into:
        torch._foreach_copy_(into, values)


def is_finite(network: nn.Module) -> bool:
    """Whether all its weights are numbers. Waits for the device."""
    weights = [tensor for tensor in network.state_dict().values() if tensor.is_floating_point()]
    return bool(torch.stack([tensor.isfinite().all() for tensor in weights]).all())
