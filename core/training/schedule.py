"""The learning rate over a run."""

from __future__ import annotations

import math

from core.training.parts import Schedule

# Share of the peak rate at which warm-up begins and cosine decay ends.
FLOOR = 0.01


# Largest share of a run that warm-up takes: a short look must not end before it has begun.
MOST_WARMUP = 0.1


def rate_factor(schedule: Schedule, step: int, steps: int, progress: float) -> float:
    """Share of the peak rate at a step (from 0, of `steps` in the whole run) when `progress` (0..1) of it is done."""
    rising = min(schedule.warmup_steps, MOST_WARMUP * steps)
    warmup = min(1.0, FLOOR + (1 - FLOOR) * step / rising) if rising else 1.0
    if schedule.decay == "constant":
        return warmup
    decay = FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * min(progress, 1.0))) / 2
    return warmup * decay
