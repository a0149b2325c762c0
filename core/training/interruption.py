"""Stopping inside a step: on a CPU one step of a large network takes many seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


class StopRequested(Exception):
    """The user asked to stop; the step that was under way is given up."""


@contextmanager
def stoppable(network: nn.Module, should_stop: Callable[[], bool]) -> Iterator[None]:
    """Inside, every layer's forward and backward pass raises StopRequested once `should_stop()` is true."""

    def look() -> None:
        if should_stop():
            raise StopRequested

    def after_forward(_module: nn.Module, _inputs: Any, output: Any) -> None:
        look()
        if isinstance(output, Tensor) and output.requires_grad:
            output.register_hook(lambda _gradient: look())

    handles = [
        layer.register_forward_hook(after_forward)
        for layer in network.modules()
        if isinstance(layer, (nn.Conv2d, nn.Linear))
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
