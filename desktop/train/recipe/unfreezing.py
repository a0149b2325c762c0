"""The schedule by which the stages of a backbone begin to learn, as one edits it: stage by stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.recipe.parts import Unfreeze
from core.recipe.phases import Phase

# Of each stage, the epoch from which on it learns; None: it never does.
Beginnings = dict[str, int | None]


def find_beginnings(phases: Sequence[Phase], stages: Sequence[str]) -> Beginnings:
    """When each stage begins to learn in these phases."""
    return {stage: next((phase.epoch for phase in phases if stage in phase.stages), None) for stage in stages}


def move_beginning(begins: Mapping[str, int | None], stage: str, epoch: int | None, epochs: int) -> Beginnings:
    """The schedule after `stage` (its keys: input first) was moved to begin with `epoch`, of `epochs`.

    A stage never learns before the one behind it: those behind come along to an earlier epoch, those before it to a
    later one. The last stage always learns, for with none there would be nothing to unfreeze.
    """
    stages = list(begins)
    place, last = stages.index(stage), len(stages) - 1
    if epoch is None and place == last:
        epoch = epochs
    wanted = None if epoch is None else min(max(epoch, 1), epochs)
    result = dict(begins)
    result[stage] = wanted
    for other, name in enumerate(stages):
        if other > place:
            result[name] = _earlier(result[name], wanted if wanted is not None else epochs)
        elif other < place:
            result[name] = _later(result[name], wanted)
    return result


def as_settings(begins: Mapping[str, int | None]) -> tuple[Unfreeze, ...]:
    """The schedule as a recipe keeps it, first to begin first."""
    steps = [(epoch, -place, stage) for place, (stage, epoch) in enumerate(begins.items()) if epoch is not None]
    return tuple(Unfreeze(epoch=epoch, stage=stage) for epoch, _, stage in sorted(steps))


def _earlier(epoch: int | None, limit: int) -> int:
    return limit if epoch is None else min(epoch, limit)


def _later(epoch: int | None, limit: int | None) -> int | None:
    return None if epoch is None or limit is None else max(epoch, limit)
