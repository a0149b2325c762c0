"""The learning rate over a run."""

from __future__ import annotations

import math

from core.training.recipe import Schedule

# Share of the peak rate at which warm-up begins and cosine decay ends.
FLOOR = 0.01


def rate_factor(schedule: Schedule, step: int, progress: float) -> float:
    """Share of the peak rate at a step (from 0, over the whole run) when `progress` (0..1) of the run is done."""
    warmup = min(1.0, FLOOR + (1 - FLOOR) * step / schedule.warmup_steps) if schedule.warmup_steps else 1.0
    if schedule.decay == "constant":
        return warmup
    decay = FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * min(progress, 1.0))) / 2
    return warmup * decay
