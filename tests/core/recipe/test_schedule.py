"""Schedules against torch's own, and the states that watch the evaluations."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    CyclicLR,
    ExponentialLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
    ReduceLROnPlateau,
)

from core.recipe.parts import Optimizer, Schedule
from core.recipe.phases import Phase
from core.recipe.schedule import CYCLE_START, FLOOR, EarlyStop, Plateau, decay_curve, peak_rate, rate_factor

STEPS, EPOCHS = 200, 10


def oracle(make: Callable[[torch.optim.Optimizer], LRScheduler], steps: int = STEPS) -> list[float]:
    """The rate that a scheduler of torch's gives each step, for a peak rate of 1."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0, momentum=0.9)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return rates


def ours(schedule: Schedule, steps: int = STEPS) -> list[float]:
    return [rate_factor(schedule, step, steps, step / steps) for step in range(steps)]


def schedule(**settings: Any) -> Schedule:
    return Schedule(**{"epochs": EPOCHS, "warmup_steps": 0} | settings)


@pytest.mark.parametrize(
    ("settings", "make"),
    [
        ({"decay": "constant"}, lambda o: LinearLR(o, 1.0, 1.0)),
        ({"decay": "cosine"}, lambda o: CosineAnnealingLR(o, STEPS, eta_min=FLOOR)),
        (
            {"decay": "step", "milestones": (0.25, 0.7), "factor": 0.2},
            lambda o: MultiStepLR(o, [STEPS // 4, round(STEPS * 0.7)], 0.2),
        ),
        ({"decay": "exponential", "factor": 0.05}, lambda o: ExponentialLR(o, 0.05 ** (1 / STEPS))),
        (
            {"decay": "cyclical", "cycle_epochs": 2.5},
            lambda o: CyclicLR(o, 0.1, 1.0, step_size_up=25, cycle_momentum=False),
        ),
        ({"decay": "constant", "warmup_steps": 20}, lambda o: LinearLR(o, FLOOR, 1.0, 20)),
    ],
    ids=lambda value: value["decay"] if isinstance(value, dict) else "",
)
def test_rates_are_those_of_torchs_schedulers(
    settings: dict[str, Any], make: Callable[[torch.optim.Optimizer], LRScheduler]
) -> None:
    expected = oracle(make)
    assert ours(schedule(**settings)) == pytest.approx(expected, abs=1e-6)
    assert settings["decay"] == "constant" or max(expected) / min(expected) > 3


def test_one_cycle_is_torchs_up_to_where_a_step_begins() -> None:
    steps = 5_000
    expected = oracle(lambda o: OneCycleLR(o, 1.0, total_steps=steps, cycle_momentum=False), steps)
    assert ours(schedule(decay="one_cycle", warmup_steps=500), steps) == pytest.approx(expected, abs=2e-3)
    assert expected[0] == pytest.approx(CYCLE_START)


def test_warm_up_and_decay_multiply_and_a_cut_run_still_comes_down() -> None:
    one = schedule(decay="cosine", warmup_steps=10)
    assert rate_factor(one, 5, STEPS, 0.025) == pytest.approx(
        (FLOOR + (1 - FLOOR) / 2) * (FLOOR + (1 - FLOOR) * (1 + math.cos(math.pi * 0.025)) / 2)
    )
    assert rate_factor(one, 50, STEPS, 1.0) == pytest.approx(FLOOR)
    assert rate_factor(one, 50, STEPS, 1.3) == pytest.approx(FLOOR)


@given(
    decay=st.sampled_from(["cosine", "constant", "step", "exponential", "one_cycle", "cyclical", "plateau"]),
    warmup=st.integers(0, 500),
    step=st.integers(0, STEPS),
    ahead=st.floats(0, 1),
    factor=st.floats(0.01, 0.99),
)
def test_no_schedule_leaves_the_peak_or_dies_early(
    decay: str, warmup: int, step: int, ahead: float, factor: float
) -> None:
    one = schedule(decay=decay, warmup_steps=warmup, factor=factor)
    assert 0 < rate_factor(one, step, STEPS, max(step / STEPS, ahead)) <= 1 + 1e-9


def test_the_curve_for_drawing_covers_the_run() -> None:
    points = decay_curve(schedule(decay="step", milestones=(0.5,)), points=101)
    assert points[0][0] == 0 and points[-1][0] == EPOCHS and len(points) == 101
    assert {round(factor, 6) for _, factor in points} == {1.0, 0.1}


@pytest.mark.parametrize(
    ("rule", "pictures", "rate"),
    [("none", 64, 0.01), ("linear", 64, 0.04), ("sqrt", 64, 0.02), ("linear", 4, 0.0025), ("sqrt", 16, 0.01)],
)
def test_the_peak_rate_follows_the_stated_rule(rule: Any, pictures: int, rate: float) -> None:
    assert peak_rate(Optimizer(lr=0.01, lr_scaling=rule), pictures) == pytest.approx(rate)


@given(
    losses=st.lists(st.one_of(st.floats(0.1, 2), st.just(math.nan)), min_size=1, max_size=40),
    patience=st.integers(1, 4),
)
def test_plateau_drops_when_torchs_does(losses: list[float], patience: int) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    # Torch waits for one evaluation more than its patience.
    scheduler = ReduceLROnPlateau(optimizer, factor=0.5, patience=patience - 1, min_lr=FLOOR, eps=0)
    state = Plateau.of(schedule(decay="plateau", patience=patience, factor=0.5))
    for loss in losses:
        scheduler.step(loss)
        state = state.after(loss)
        assert state.factor == pytest.approx(optimizer.param_groups[0]["lr"])
        state = Plateau.of(schedule(decay="plateau", patience=patience, factor=0.5)).restored(state.to_json())
    assert rate_factor(schedule(decay="plateau"), 50, STEPS, 0.25, state.factor) == pytest.approx(state.factor)


def test_an_evaluation_without_a_loss_teaches_the_plateau_nothing() -> None:
    state = Plateau.of(schedule(decay="plateau", patience=1, factor=0.5)).after(1.0)
    assert state.after(None) == state and state.after(1.0).factor == 0.5


PHASES = (Phase(1, ()), Phase(4, ("last",)))


def test_early_stop_counts_evaluations_without_a_better_model() -> None:
    state = EarlyStop.of(2, (Phase(1, ()),))
    for epoch, (rank, over) in enumerate([(0.1, False), (0.3, False), (0.3, False), (0.2, True)], start=1):
        state = EarlyStop.of(2, (Phase(1, ()),)).restored(state.after(epoch, rank).to_json())
        assert state.over is over
    assert not state.after(5, 0.4).over


def test_early_stop_waits_until_everything_has_had_its_chance() -> None:
    state = EarlyStop.of(1, PHASES).after(1, 0.5).after(2, 0.4).after(3, 0.4)
    assert not state.over and state.after(4, 0.4).over
    assert not EarlyStop.of(0, PHASES).after(1, 0.5).after(9, 0.1).over
    assert state.after(4, None) == state


def test_a_rank_that_is_no_number_is_no_better_model() -> None:
    assert EarlyStop.of(1, (Phase(1, ()),)).after(1, 0.1).after(2, math.nan).over
