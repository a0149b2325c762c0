"""What the picture of a strategy shows: for each part of the network when it learns, and how fast."""

from __future__ import annotations

from dataclasses import dataclass

from core.counting import format_count
from core.models.registry import ModelSpec
from core.recipe.phases import Phase, planned_phases
from core.recipe.recipe import Recipe

HEAD = "head"


@dataclass(frozen=True, slots=True)
class Row:
    """One part of the network. It learns from `begin` on (an epoch from 1; None: never)."""

    name: str
    parameters: int  # 0 where they are not known
    begin: int | None
    factor: float = 1.0  # of the head's rate, once it learns
    rate: float = 0.0  # peak rate, once it learns


@dataclass(frozen=True, slots=True)
class Picture:
    """The parts of a network, the head first and what lies nearest to the image last."""

    rows: tuple[Row, ...]
    phases: tuple[Phase, ...]
    epochs: int
    total: int  # parameters of the whole network; 0 where they are not known
    editable: bool  # whether the beginnings can be moved

    def in_words(self) -> list[str]:
        """The same as text, a line for each phase."""
        return [self._phase_in_words(place) for place in range(len(self.phases))]

    def _phase_in_words(self, place: int) -> str:
        phase = self.phases[place]
        last = self.phases[place + 1].epoch - 1 if place + 1 < len(self.phases) else self.epochs
        when = f"Epoch {phase.epoch}" if last == phase.epoch else f"Epochs {phase.epoch}–{last}"
        stages = len(self.rows) - 1
        what = "head alone" if not phase.stages else "everything"
        if 0 < len(phase.stages) < stages:
            what = f"head, {phase.stages[0]}" + (f"–{phase.stages[-1]}" if len(phase.stages) > 1 else "")
        return f"{when}: {what}{self._share(phase)}"

    def _share(self, phase: Phase) -> str:
        if not self.total or not phase.trainable:
            return ""
        share = phase.trainable / self.total
        percent = ">99%" if 0.99 < share < 1 else f"{share:.0%}"  # 100% is kept for all of them
        return f" · {count_text(phase.trainable)} learn ({percent})"


def picture_of(recipe: Recipe) -> Picture:
    """The picture of a recipe's strategy, with the sizes that the registry states."""
    spec = recipe.spec
    phases = planned_phases(recipe)
    peak = recipe.optimizer.lr
    head = Row(HEAD, max(spec.parameters - sum(spec.stage_parameters.values()), 0), 1, 1.0, peak)
    stages = [_stage(spec, phases, stage, peak) for stage in reversed(spec.stages)]
    editable = recipe.strategy.kind == "gradual"
    return Picture((head, *stages), phases, recipe.schedule.epochs, spec.parameters, editable)


def _stage(spec: ModelSpec, phases: tuple[Phase, ...], stage: str, peak: float) -> Row:
    first = next((phase for phase in phases if stage in phase.stages), None)
    factor = first.factors[stage] if first is not None else 0.0
    return Row(stage, spec.stage_parameters.get(stage, 0), first.epoch if first else None, factor, peak * factor)


def count_text(parameters: int) -> str:
    """A number of parameters: 950, 12.3 k, 4.1 M."""
    for unit, size in (("M", 1_000_000), ("k", 1_000)):
        if parameters >= size:
            value = parameters / size
            return f"{value:.0f} {unit}" if value >= 100 else f"{value:.1f} {unit}"
    return f"{parameters:,}"


def rate_text(rate: float) -> str:
    """A learning rate in few characters, as fields write it, too: 5e-5, 0.002, 0.05."""
    if rate >= 1e-4:
        return f"{rate:.2g}"
    mantissa, _, exponent = f"{rate:.1e}".partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def describe_picture(picture: Picture) -> str:
    """For a screen reader."""
    return f"{format_count(len(picture.phases), 'phase')}. " + ". ".join(picture.in_words())
