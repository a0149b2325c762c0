"""The processes that train one network together, each on a device of its own; and the single one that trains alone.

A step of several processes:

    shard(images of the batch)        -> each process computes gradients of summed, not averaged, losses
    all_reduce_max(outcome code)      -> one that stops, lacks memory or failed takes all with it
    all_reduce_sum(losses, positives) -> the same numbers everywhere, so that NaN is seen by all
    all_reduce_gradients(parameters)  -> divided by the positives of all: the gradient of the whole batch

Every process must make the same calls in the same order: what one decides by its clock, its files or its signals is
told to the others by `broadcast`, `all_reduce_any` or `all_reduce_max` first. Alone, all of this returns at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Self, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from core.errors import InputError
from core.models.device import choose_device

# The others wait while the main process saves to a slow disk; longer than this, and one of them has died unseen.
PATIENCE = timedelta(minutes=10)
BUCKET = 16 * 2**20  # numbers that are summed at once: large enough for the network, small beside the gradients

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, eq=False)
class ProcessGroup:
    """Who trains here. Without arguments: one process, alone."""

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    local_size: int = 1  # of these processes, those on this machine, which share its memory

    @classmethod
    def join(cls) -> Self:
        """Meet the processes that a launcher such as torchrun started; waits until all are there.

        Until `on_device` says otherwise, the device is the CPU. Raises InputError if the others cannot be reached.
        """
        rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        fast = torch.cuda.is_available() and dist.is_nccl_available()
        try:
            dist.init_process_group("cpu:gloo,cuda:nccl" if fast else "gloo", timeout=PATIENCE)
        except (dist.DistError, ValueError, OSError) as error:
            where = f"{os.environ.get('MASTER_ADDR')}:{os.environ.get('MASTER_PORT')}"
            raise InputError(f"process {rank} of {size}: the others cannot be met at {where} ({error})") from error
        return cls(rank, size, local_size=int(os.environ.get("LOCAL_WORLD_SIZE", size)))

    def on_device(self, device: str) -> Self:
        """The same group, with this process on its own of the devices that a recipe's `device` means.

        Raises InputError in all processes if one of them finds none.
        """
        place, fault = torch.device("cpu"), ""
        try:
            place = own_device(device, int(os.environ.get("LOCAL_RANK", "0")))
        except InputError as error:
            fault = str(error)
        if found := next(filter(None, self.gather(fault)), ""):
            raise InputError(found)
        if place.type == "cuda":
            torch.cuda.set_device(place)
        return replace(self, device=place)

    def leave(self) -> None:
        """Close the connections to the other processes."""
        if dist.is_initialized():
            dist.destroy_process_group()

    @property
    def is_main(self) -> bool:
        """Whether this is the one process that writes."""
        return self.rank == 0

    def shard(self, items: Sequence[Value]) -> list[Value]:
        """This process's part of `items`. Each item is in one part: none has to be made up or counted twice."""
        return list(items[self.rank :: self.size])

    def unshard(self, parts: Sequence[Sequence[Value]]) -> list[Value]:
        """The whole again, in its order, from what `shard` gave to each process."""
        whole: list[Value] = []
        for place in range(max((len(part) for part in parts), default=0)):
            whole += [part[place] for part in parts if place < len(part)]
        return whole

    # -- on the device, in order with its other work ---------------------------------------------------------------

    def all_reduce_sum(self, *tensors: Tensor) -> None:
        """Replace each tensor by its sum over all processes."""
        if self.size > 1:
            for tensor in tensors:
                dist.all_reduce(tensor)

    def all_reduce_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace each gradient by its sum over all processes. One that is missing counts as zero.

        `parameters` must be the same ones in the same order everywhere; those that do not learn are left out.
        """
        if self.size == 1:
            return
        learning = [parameter for parameter in parameters if parameter.requires_grad]
        for parameter in learning:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        _in_buckets([parameter.grad for parameter in learning if parameter.grad is not None], dist.all_reduce)

    def average_buffers(self, network: nn.Module) -> None:
        """Give all processes the mean of the statistics that their BatchNorm layers have seen."""
        if self.size > 1:
            buffers = [buffer for buffer in network.buffers() if buffer.is_floating_point()]
            _in_buckets(buffers, dist.all_reduce)
            for buffer in buffers:
                buffer.div_(self.size)

    def broadcast_weights(self, network: nn.Module) -> None:
        """Give all processes the main one's network."""
        if self.size > 1:
            tensors = [*network.parameters(), *network.buffers()]
            for tensor in tensors:
                dist.broadcast(tensor.detach(), src=0)

    # -- on the host: these wait for each other, not for the device ------------------------------------------------

    def all_reduce_max(self, number: int) -> int:
        """The largest of what all processes say."""
        if self.size == 1:
            return number
        said = torch.tensor(number)
        dist.all_reduce(said, dist.ReduceOp.MAX)
        return int(said)

    def all_reduce_any(self, flag: bool) -> bool:
        """Whether it is so in any process."""
        return self.all_reduce_max(int(flag)) > 0 if self.size > 1 else flag

    def broadcast(self, value: Value) -> Value:
        """What the main process says, here too."""
        if self.size == 1:
            return value
        said = [value]
        dist.broadcast_object_list(said, src=0, device=torch.device("cpu"))
        return said[0]

    def gather(self, value: Value) -> list[Value]:
        """What each process says, by rank, in all of them."""
        if self.size == 1:
            return [value]
        said: list[Any] = [None] * self.size
        dist.all_gather_object(said, value)
        return said

    def barrier(self) -> None:
        """Wait until all are here."""
        self.all_reduce_max(0)


def own_device(name: str, local_rank: int) -> torch.device:
    """The device of the process with this number on its machine. Raises InputError if there is none for it."""
    if name.startswith("cuda:") or name == "mps":
        raise InputError(f"device: {name} is one device, and several processes train; choose auto, cuda or cpu")
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if local_rank >= torch.cuda.device_count():
        raise InputError(
            f"device: there are {torch.cuda.device_count()} GPUs here, and process {local_rank + 1} wants one of its own; "
            "start one process for each GPU, or set device=cpu"
        )
    return choose_device(f"cuda:{local_rank}")


def _in_buckets(tensors: Sequence[Tensor], change: Any) -> None:
    """Let `change` work on `tensors` laid end to end, since a call for each would cost more than its work."""
    bucket: list[Tensor] = []
    for place, tensor in enumerate(tensors):
        bucket.append(tensor)
        if place + 1 == len(tensors) or sum(one.numel() for one in bucket) >= BUCKET:
            flat = torch.cat([one.detach().flatten().float() for one in bucket])
            change(flat)
            parts = flat.split([one.numel() for one in bucket])
            for one, part in zip(bucket, parts, strict=True):
                one.detach().copy_(part.view_as(one))
            bucket = []
