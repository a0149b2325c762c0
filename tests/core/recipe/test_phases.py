"""Which stages learn from which epoch on, from the recipe alone."""

from __future__ import annotations

import itertools
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.models.registry import MODELS
from core.recipe.phases import Phase, even_unfreezing, never_learnt, phase_at, phases, planned_phases
from core.recipe.recipe import Recipe, default_recipe, with_settings

MODEL = "ssd300_vgg16"
STAGES = MODELS[MODEL].stages
SIZES = {stage: 10**place for place, stage in enumerate(STAGES)}


def recipe(**settings: Any) -> Recipe:
    usual = {"weights.source": "imagenet", "schedule.epochs": 20}
    return with_settings(
        default_recipe(MODEL), usual | {name.replace("__", "."): value for name, value in settings.items()}
    )


def found(one: Recipe) -> list[tuple[int, tuple[str, ...], int]]:
    return [(phase.epoch, phase.stages, phase.trainable) for phase in phases(one, STAGES, SIZES, head=7)]


def test_from_scratch_everything_learns_at_one_rate() -> None:
    (phase,) = phases(recipe(strategy__kind="scratch", strategy__stage_lr_decay=0.5), STAGES)
    assert (phase.epoch, phase.stages, set(phase.factors.values())) == (1, STAGES, {1.0})


def test_a_frozen_backbone_leaves_the_head() -> None:
    assert found(recipe(strategy__kind="frozen")) == [(1, (), 7)]


def test_fine_tuning_starts_at_the_chosen_stage_and_shrinks_towards_the_image() -> None:
    one = recipe(
        strategy__kind="fine_tune",
        strategy__from_stage="conv3",
        strategy__backbone_lr_factor=0.2,
        strategy__stage_lr_decay=0.5,
    )
    (phase,) = phases(one, STAGES, SIZES, head=7)
    assert phase.factors == {"conv3": pytest.approx(0.05), "conv4": pytest.approx(0.1), "conv5": pytest.approx(0.2)}
    assert phase.trainable == 7 + 100 + 1_000 + 10_000
    (everything,) = phases(recipe(strategy__kind="fine_tune"), STAGES, SIZES, head=7)
    assert everything.stages == STAGES


def test_two_phases_are_the_head_and_then_the_last_stages_at_a_tenth() -> None:
    one = recipe(strategy__kind="two_phase", strategy__head_epochs=3, strategy__last_stages=2)
    assert found(one) == [(1, (), 7), (4, ("conv4", "conv5"), 11_007)]
    assert phases(one, STAGES)[1].factors == {"conv4": 0.1, "conv5": 0.1}


def test_gradual_unfreezing_follows_the_edited_schedule_in_any_order() -> None:
    steps = [{"epoch": 9, "stage": "conv1"}, {"epoch": 3, "stage": "conv5"}, {"epoch": 5, "stage": "conv4"}]
    one = recipe(strategy__kind="gradual", strategy__unfreeze=steps)
    assert [(epoch, stages) for epoch, stages, _ in found(one)] == [
        (1, ()),
        (3, ("conv5",)),
        (5, ("conv4", "conv5")),
        (9, STAGES),
    ]


def test_a_stage_named_after_one_that_lies_before_it_changes_nothing() -> None:
    steps = [{"epoch": 1, "stage": "conv2"}, {"epoch": 5, "stage": "conv4"}]
    assert [epoch for epoch, _, _ in found(recipe(strategy__kind="gradual", strategy__unfreeze=steps))] == [1]


def test_left_to_itself_gradual_unfreezing_is_even_over_the_first_half() -> None:
    assert even_unfreezing(STAGES, 20) == [(3, "conv5"), (5, "conv4"), (7, "conv3"), (9, "conv2"), (11, "conv1")]
    assert [phase.epoch for phase in phases(recipe(strategy__kind="gradual"), STAGES)] == [1, 3, 5, 7, 9, 11]


@given(
    epochs=st.integers(1, 40),
    steps=st.lists(st.tuples(st.integers(1, 40), st.sampled_from(STAGES)), max_size=6),
    count=st.integers(1, len(STAGES)),
)
def test_phases_begin_with_the_first_epoch_and_only_ever_add(
    epochs: int, steps: list[tuple[int, str]], count: int
) -> None:
    stages = STAGES[-count:]
    unfreeze = [
        {"epoch": min(epoch, epochs), "stage": stage if stage in stages else stages[0]} for epoch, stage in steps
    ]
    plan = phases(recipe(strategy__kind="gradual", strategy__unfreeze=unfreeze, schedule__epochs=epochs), stages, SIZES)
    assert plan[0].epoch == 1
    for before, after in itertools.pairwise(plan):
        assert before.epoch < after.epoch <= epochs
        assert len(before.stages) < len(after.stages)
        assert after.stages[len(after.stages) - len(before.stages) :] == before.stages
        assert before.trainable < after.trainable
    assert {stage for phase in plan for stage in phase.factors} == set(plan[-1].stages)
    assert all(phase_at(plan, epoch).epoch <= epoch for epoch in range(1, epochs + 1))


@pytest.mark.parametrize("model", MODELS)
def test_every_model_has_a_plan_that_the_registry_can_size(model: str) -> None:
    one = with_settings(default_recipe(model), {"strategy.kind": "scratch"})
    (phase,) = planned_phases(one)
    assert phase.stages == one.spec.stages and phase.trainable == one.spec.parameters


def test_a_run_that_ends_early_leaves_the_stages_of_later_phases_without_learning() -> None:
    plan = (Phase(1, ()), Phase(4, ("c",)), Phase(9, ("a", "b", "c")))
    assert never_learnt(plan, 3) == (("a", "b", "c"), 4)
    assert never_learnt(plan, 4) == (("a", "b"), 9)
    assert never_learnt(plan, 9) == ((), 9)


def test_phases_need_no_torch() -> None:
    code = "import core.recipe.phases, core.recipe.schedule, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
