"""A small job module for tests of trials: a real process and the real rules of a range test, no network to train."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator

from core.jobs.child_runtime import run_child
from core.jobs.events import Event, RangePoint, RunFailed, RunFinished
from core.jobs.folder import JobFolder
from core.training.lr_finder_result import lr_steps, propose_lr, smooth_losses


def _loss(rate: float) -> float:
    """Falls around 3e-3 and explodes above 0.3."""
    place = math.log10(rate)
    return 0.5 + 2 / (1 + math.exp(3 * (place + 2.5))) + 10 ** max(0.0, 3 * (place + 0.5)) - 1


def main(folder: JobFolder, should_stop: Callable[[], bool]) -> Iterator[Event]:
    behaviour = folder.read_job().get("behaviour", "")
    if behaviour == "fail":
        yield RunFailed("schedule.batch_size: too little memory", "Set a smaller one.")
        return
    if behaviour == "crash":
        os._exit(3)
    points: list[RangePoint] = []
    carried = 0.0
    for step, rate in enumerate(lr_steps(1e-5, 1, 60), start=1):
        if should_stop():
            yield RunFinished(0, 0.1, stopped=True)
            return
        time.sleep(1 if behaviour == "slow" else 0.001)
        raw = 2.5 if behaviour == "flat" else _loss(rate)
        carried, shown = smooth_losses(carried, raw, step)
        points.append(RangePoint(step, rate, shown, raw))
        yield points[-1]
    yield propose_lr(points, 0.002).make_event()
    yield RunFinished(0, 0.1, stopped=False)


if __name__ == "__main__":
    run_child(main, lambda: None)
