"""Stopping and pausing: between steps, and inside one, since on a CPU one step of a large network takes many seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from torch import Tensor, nn

from core.errors import InputError
from core.training.process_group import ProcessGroup

T = TypeVar("T")

# What a process says to the others between two steps; the highest counts.
_GO_ON, _PAUSE, _STOP, _FAILED = range(4)


class StopRequested(Exception):
    """The user asked to stop or to pause; the step that was under way is given up."""

    def __init__(self, *, pause: bool) -> None:
        super().__init__("pause" if pause else "stop")
        self.pause = pause


@dataclass(frozen=True, slots=True)
class StopRequests:
    """What the user may want of a run under way. Stopping goes before pausing."""

    should_stop: Callable[[], bool]
    should_pause: Callable[[], bool]

    def look(self) -> None:
        """Raises StopRequested if there is a wish."""
        if wish := self._wish():
            raise StopRequested(pause=wish == _PAUSE)

    def unless(self, process_group: ProcessGroup, work: Callable[[], T]) -> T:
        """Do `work`, such as reading images, unless any process wants to stop or its work failed: all stop together.

        Raises StopRequested; what `work` raises of InputError and MemoryError; InputError where another's work failed.
        """
        if process_group.size == 1:
            self.look()
            return work()
        failure: InputError | MemoryError | None = None
        result: T | None = None
        try:
            result = work()
        except (InputError, MemoryError) as error:
            failure = error
        said = process_group.all_reduce_max(_FAILED if failure else self._wish())
        if failure is not None:
            raise failure
        if said == _FAILED:
            raise InputError("another of the processes could not go on; it says why")
        if said or result is None:
            raise StopRequested(pause=said == _PAUSE)
        return result

    @contextmanager
    def inside(self, network: nn.Module | None) -> Iterator[None]:
        """Within, each layer's forward and backward pass of `network` looks for a wish, and raises StopRequested."""

        def after_forward(_module: nn.Module, _inputs: Any, output: Any) -> None:
            self.look()
            if isinstance(output, Tensor) and output.requires_grad:
                output.register_hook(lambda _gradient: self.look())

        handles = [
            layer.register_forward_hook(after_forward)
            for layer in (network.modules() if network is not None else ())
            if isinstance(layer, (nn.Conv2d, nn.Linear))
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _wish(self) -> int:
        if self.should_stop():
            return _STOP
        return _PAUSE if self.should_pause() else _GO_ON
