"""How long a run still takes, judging included. Knows no torch."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from core.models.inputs import InputSpec, tiled_pixels

_FORWARD_SHARE = 1 / 3  # of the time of a step: the pass back takes about twice that of the pass forward


@dataclass(slots=True)
class Pace:
    """By what steps and judgements took so far in this process; before the first judgement by the pixels that it has."""

    epochs: int
    epoch_steps: int
    judged_epochs: Sequence[int]  # after which it is judged, in order; but for one that a limit makes the last
    judged_pixels: int  # that one judgement shows to the network
    limit: float = 0.0  # seconds that the run may take; 0: as many as it needs
    judging: float | None = field(default=None, init=False)  # seconds that the last judgement took
    _step: float | None = field(default=None, init=False)  # seconds
    _pixel: float | None = field(default=None, init=False)  # seconds of learning

    def learn(self, seconds: float, steps: int, pixels: int) -> None:
        """So many steps of this epoch, on pictures of so many pixels together, took `seconds`."""
        if steps and pixels:
            self._step, self._pixel = seconds / steps, seconds / pixels

    def left(self, epoch: int, epoch_step: int, spent: float) -> float | None:
        """Seconds until the run ends, where so many steps of `epoch` are done; None before anything was learnt.

        `spent`: seconds that the run took so far.
        """
        if self._step is None:
            return None
        steps = (self.epochs - epoch) * self.epoch_steps + self.epoch_steps - epoch_step
        return self._limit(steps * self._step + self._judging() * self._count_judgements(epoch), spent)

    def left_judging(self, epoch: int, took: float, done: int, total: int, spent: float) -> float | None:
        """Seconds until the run ends, where `done` of `total` images of the judgement after `epoch` took `took`."""
        if self._step is None:
            return None
        whole = took * total / done if done else max(self._judging(), took)
        later = (self.epochs - epoch) * self.epoch_steps * self._step
        return self._limit(whole - took + later + whole * (self._count_judgements(epoch + 1)), spent)

    def _count_judgements(self, epoch: int) -> int:
        return len(self.judged_epochs) - bisect_left(self.judged_epochs, epoch)

    def _judging(self) -> float:
        if self.judging is not None:
            return self.judging
        return (self._pixel or 0.0) * self.judged_pixels * _FORWARD_SHARE

    def _limit(self, seconds: float, spent: float) -> float:
        """A limit ends the run with an epoch's judgement."""
        return min(seconds, max(0.0, self.limit - spent) + self._judging()) if self.limit else seconds


def list_judged(epochs: int, every: int) -> list[int]:
    """The epochs after which a run of `epochs` epochs judges its network."""
    return [epoch for epoch in range(1, epochs + 1) if epoch % every == 0 or epoch == epochs]


def count_pixels(input: InputSpec, sizes: Iterable[tuple[int, int]]) -> int:
    """Pixels that the network is shown of images of these sizes (width, height)."""
    if input.mode == "whole":
        return sum(input.width * input.height for _ in sizes)
    return sum(tiled_pixels(width, height, input.tile, input.overlap) for width, height in sizes)
