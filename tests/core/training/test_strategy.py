"""Strategies, judged by which tensors really change after steps."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from core.errors import InputError
from core.models.anchors import Anchors
from core.models.networks.detector import Network
from core.models.networks.families import Architecture
from core.models.training_state import optimizer_tensors, restore_optimizer
from core.recipe.recipe import Recipe, default_recipe, with_settings
from core.training.optimizers import HEAD
from core.training.strategy import Plan, apply_strategy, idle_notice, set_rate

COMPACT = ("stem", "stage1", "stage2", "stage3", "stage4")


def network(model: str = "ssd_compact") -> Network:
    torch.manual_seed(3)
    spec = Architecture(model, Anchors((), ()), 2).spec
    shapes = tuple(((12.0, 12.0),) if level in (0, len(spec.strides) - 1) else () for level in range(len(spec.strides)))
    return Architecture(model, Anchors(spec.strides, shapes), 2).build()


def recipe(model: str = "ssd_compact", **settings: Any) -> Recipe:
    usual: dict[str, Any] = {
        "weights.source": "checkpoint",
        "weights.path": "x",
        "schedule.epochs": 12,
        "optimizer.weight_decay": 0.1,
    }
    return with_settings(
        default_recipe(model), usual | {name.replace("__", "."): value for name, value in settings.items()}
    )


def step(plan: Plan) -> None:
    """One gradient step on noise, as the loop makes it."""
    plan.training_mode()
    output = plan.network(torch.rand(2, 3, 32, 32))
    plan.optimizer.zero_grad(set_to_none=True)
    (output[0].square().mean() + output[1].square().mean()).backward()
    plan.optimizer.step()


def state(one: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in one.state_dict().items()}


def changed(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    """The parts of the network, such as "backbone.stem" or "heads", in which any tensor changed."""
    return {
        ".".join(name.split(".")[: 2 if name.startswith("backbone") else 1])
        for name, tensor in before.items()
        if not torch.equal(tensor, after[name])
    }


def changes(plan: Plan) -> set[str]:
    before = state(plan.network)
    step(plan)
    return changed(before, state(plan.network))


def parts(*stages: str) -> set[str]:
    # The top-down path belongs to the last stage.
    lateral = {"backbone.lateral"} if "stage4" in stages else set()
    return {"heads"} | {f"backbone.{stage}" for stage in stages} | lateral


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"strategy.kind": "fine_tune", "strategy.from_stage": "stage3"}, "^recipe: strategy.from_stage: .* random"),
        (
            {"weights.source": "checkpoint", "weights.path": "x", "weights.normalization": "caffe"},
            "weights.normalization:",
        ),
        ({"sampling.tap": 12}, "^recipe: sampling.tap: must be 8 or 16"),
        ({"schedule.milestones": [0.5, 0.2]}, "^recipe: schedule.milestones: must be rising"),
    ],
)
def test_what_cannot_work_together_is_refused_with_the_field(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        with_settings(default_recipe("ssd_compact"), settings)
    fine = {
        "strategy.kind": "fine_tune",
        "strategy.from_stage": "stem",
        "sampling.tap": 8,
        "schedule.milestones": [0.5],
    }
    with_settings(default_recipe("ssd_compact"), fine)


def test_from_scratch_everything_changes() -> None:
    plan = apply_strategy(network(), recipe(strategy__kind="scratch", weights__source="none"), pretrained=False)
    assert changes(plan) == parts(*COMPACT)
    assert all(module.training for module in plan.network.modules())


def test_a_frozen_backbone_does_not_change_at_all_its_statistics_neither() -> None:
    for norms in ("auto", "learn", "frozen"):
        plan = apply_strategy(network(), recipe(strategy__kind="frozen", strategy__norms=norms), pretrained=True)
        assert changes(plan) == {"heads"}


def test_fine_tuning_changes_the_chosen_stage_and_those_behind_it() -> None:
    plan = apply_strategy(network(), recipe(strategy__kind="fine_tune", strategy__from_stage="stage3"), True)
    assert changes(plan) == parts("stage3", "stage4")


def test_kept_statistics_stay_while_the_norms_weights_learn() -> None:
    kept = apply_strategy(network(), recipe(strategy__kind="fine_tune"), pretrained=True)
    before = state(kept.network)
    step(kept)
    after = state(kept.network)
    moved = {name for name in before if name.startswith("backbone.") and not torch.equal(before[name], after[name])}
    assert "backbone.stem.1.weight" in moved
    assert not any("running" in name or "tracked" in name for name in moved)
    learning = apply_strategy(network(), recipe(strategy__kind="fine_tune", strategy__norms="learn"), pretrained=True)
    before = state(learning.network)
    step(learning)
    assert not torch.equal(
        before["backbone.stem.1.running_mean"], learning.network.state_dict()["backbone.stem.1.running_mean"]
    )


def test_two_phases_change_the_head_first_and_then_the_last_stages() -> None:
    plan = apply_strategy(network(), recipe(strategy__kind="two_phase", strategy__head_epochs=2), pretrained=True)
    phase = plan.set_epoch(1)
    assert phase is not None and phase.stages == () and changes(plan) == {"heads"}
    assert plan.set_epoch(2) is None and changes(plan) == {"heads"}
    phase = plan.set_epoch(3)
    assert phase is not None and phase.stages == ("stage3", "stage4") and changes(plan) == parts("stage3", "stage4")
    assert plan.set_epoch(4) is None


def test_gradual_unfreezing_adds_stage_after_stage() -> None:
    steps = [{"epoch": 2, "stage": "stage4"}, {"epoch": 3, "stage": "stage1"}]
    plan = apply_strategy(network(), recipe(strategy__kind="gradual", strategy__unfreeze=steps), pretrained=True)
    found = []
    for epoch in (1, 2, 3):
        plan.set_epoch(epoch)
        found.append(changes(plan))
    assert found == [{"heads"}, parts("stage4"), parts("stage1", "stage2", "stage3", "stage4")]


@pytest.mark.parametrize("kind", ["scratch", "frozen", "fine_tune", "two_phase", "gradual"])
def test_the_plan_counts_what_learns_as_the_network_does(kind: str) -> None:
    source = "none" if kind == "scratch" else "checkpoint"
    plan = apply_strategy(network(), recipe(strategy__kind=kind, weights__source=source), pretrained=True)
    for phase in plan.phases:
        plan.set_epoch(phase.epoch)
        assert plan.trainable_parameters() == phase.trainable > 0


def test_a_run_that_goes_on_in_the_middle_is_told_its_phase() -> None:
    plan = apply_strategy(network(), recipe(strategy__kind="two_phase", strategy__head_epochs=2), pretrained=True)
    phase = plan.set_epoch(7)
    assert phase is not None and phase.epoch == 3 and plan.set_epoch(8) is None


def test_stages_learn_at_the_rates_of_the_plan() -> None:
    one = recipe(strategy__kind="gradual", strategy__backbone_lr_factor=0.5, strategy__stage_lr_decay=0.1)
    plan = apply_strategy(network(), one, pretrained=True)
    set_rate(plan.optimizer, 0.2)
    rates = {group["stage"]: group["lr"] for group in plan.optimizer.param_groups}
    assert rates == pytest.approx(
        {HEAD: 0.2, "stage4": 0.1, "stage3": 0.01, "stage2": 1e-3, "stage1": 1e-4, "stem": 1e-5}
    )
    plan.set_epoch(12)
    assert plan.phase.factors == pytest.approx({stage: rate / 0.2 for stage, rate in rates.items() if stage != HEAD})


def test_a_stage_at_a_tenth_of_the_rate_moves_a_tenth_as_far() -> None:
    one = recipe(
        strategy__kind="fine_tune",
        strategy__backbone_lr_factor=0.1,
        optimizer__kind="sgd",
        optimizer__weight_decay=0.0,
    )
    fast = recipe(
        strategy__kind="fine_tune", strategy__backbone_lr_factor=1.0, optimizer__kind="sgd", optimizer__weight_decay=0.0
    )
    moved = []
    for each in (one, fast):
        plan = apply_strategy(network(), each, pretrained=True)
        before = state(plan.network)
        torch.manual_seed(0)
        step(plan)
        after = state(plan.network)
        moved.append((after["backbone.stage3.0.0.weight"] - before["backbone.stage3.0.0.weight"]).abs().sum())
    assert float(moved[0] / moved[1]) == pytest.approx(0.1, rel=0.01)


@pytest.mark.parametrize("kind", ["adamw", "adam", "sgd"])
def test_decay_pulls_on_weights_alone(kind: str) -> None:
    plan = apply_strategy(
        network(), recipe(strategy__kind="scratch", weights__source="none", optimizer__kind=kind), pretrained=False
    )
    pulled = {
        id(parameter): group["weight_decay"] for group in plan.optimizer.param_groups for parameter in group["params"]
    }
    assert len(pulled) == sum(1 for _ in plan.network.parameters())
    for name, parameter in plan.network.named_parameters():
        assert pulled[id(parameter)] == (0.1 if parameter.ndim > 1 else 0.0), name
    # With gradients of zero, only decay moves anything.
    before = state(plan.network)
    for parameter in plan.network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    plan.optimizer.step()
    moved = {name for name, tensor in plan.network.state_dict().items() if not torch.equal(before[name], tensor)}
    assert moved == {name for name, parameter in plan.network.named_parameters() if parameter.ndim > 1}


@pytest.mark.parametrize("kind", ["adamw", "adam", "sgd"])
def test_what_the_optimiser_remembers_goes_on_through_an_unfreezing(kind: str) -> None:
    """Saved before a stage is unfrozen and restored, the run makes the same steps; in any order of memory."""

    def steps(plan: Plan, epochs: range) -> dict[str, Tensor]:
        for epoch in epochs:
            plan.set_epoch(epoch)
            torch.manual_seed(epoch)
            step(plan)
        return state(plan.network)

    one = recipe(strategy__kind="two_phase", strategy__head_epochs=2, optimizer__kind=kind)
    straight = apply_strategy(network().to(memory_format=torch.channels_last), one, True)
    expected = steps(straight, range(1, 6))
    for cut in (2, 4):  # before and after the unfreezing
        first = apply_strategy(network().to(memory_format=torch.channels_last), one, True)
        half = steps(first, range(1, cut + 1))
        second_network = network().to(memory_format=torch.channels_last)
        second_network.load_state_dict(half)
        second = apply_strategy(second_network, one, True)
        restore_optimizer(
            second.optimizer,
            {name: tensor.contiguous() for name, tensor in optimizer_tensors(first.optimizer).items()},
        )
        found = steps(second, range(cut + 1, 6))
        assert all(torch.equal(expected[name], found[name]) for name in expected)


@pytest.mark.parametrize("model", ["ssd300_vgg16", "ssdlite320_mobilenet_v3"])
def test_the_large_backbones_freeze_up_to_their_chosen_stage(model: str) -> None:
    spec = default_recipe(model).spec
    chosen = spec.stages[-1]
    one = with_settings(default_recipe(model), {"strategy.kind": "fine_tune", "strategy.from_stage": chosen})
    plan = apply_strategy(network(model), one, pretrained=True)
    before = state(plan.network)
    step(plan)
    after = state(plan.network)
    for stage, modules in plan.stages.items():
        tensors = {id(tensor) for module in modules for tensor in module.state_dict(keep_vars=True).values()}
        names = [name for name, tensor in plan.network.state_dict(keep_vars=True).items() if id(tensor) in tensors]
        moved = any(not torch.equal(before[name], after[name]) for name in names)
        assert names and moved is (stage == chosen)


# Stages that small defects leave without work -------------------------------------------------------------------------


def small_defects(model: str) -> Network:
    """A network with anchors on its finest map alone."""
    spec = Architecture(model, Anchors((), ()), 2).spec
    shapes = (((12.0, 12.0),), *(() for _ in spec.strides[1:]))
    return Architecture(model, Anchors(spec.strides, shapes), 2).build()


@pytest.mark.parametrize(
    ("settings", "mend"),
    [
        ({"strategy.kind": "two_phase"}, "set Then stages to 3"),
        ({"strategy.kind": "fine_tune", "strategy.from_stage": "stride16"}, "set Learn from stage to stride8"),
        ({"strategy.kind": "gradual"}, "begin Unfreezing with stride8"),
    ],
)
def test_stages_that_would_learn_without_being_computed_are_told_with_the_mend(
    settings: dict[str, Any], mend: str
) -> None:
    model = "ssdlite320_mobilenet_v3"
    wanted, small = with_settings(recipe(model), settings), small_defects(model)
    before = {name: tensor.clone() for name, tensor in small.state_dict().items()}
    told = idle_notice(wanted, small)
    assert mend in told and "does not compute" in told.replace("\n", " ")
    assert all(torch.equal(tensor, before[name]) for name, tensor in small.state_dict().items())
    assert all(module.training for module in small.modules())
    assert idle_notice(wanted, network(model)) == ""  # with large defects, too


@pytest.mark.parametrize("kind", ["scratch", "frozen", "fine_tune"])
def test_strategies_of_which_some_computed_stage_learns_or_none_at_all_need_no_such_word(kind: str) -> None:
    wanted = recipe("ssdlite320_mobilenet_v3", strategy__kind=kind)
    assert idle_notice(wanted, small_defects("ssdlite320_mobilenet_v3")) == ""


def test_what_the_mend_says_makes_a_computed_stage_learn() -> None:
    model = "ssdlite320_mobilenet_v3"
    wanted = recipe(model, strategy__kind="two_phase", strategy__head_epochs=1, strategy__last_stages=3)
    small = small_defects(model)
    assert idle_notice(wanted, small) == ""
    plan = apply_strategy(small, wanted, pretrained=True)
    plan.set_epoch(2)
    before = state(small)
    step(plan)
    after = state(small)
    assert any(not torch.equal(after[name], tensor) for name, tensor in before.items() if name.startswith("backbone."))


@pytest.mark.parametrize("model", ["ssdlite320_mobilenet_v3", "ssd300_vgg16"])
@pytest.mark.parametrize("kind", ["scratch", "fine_tune", "gradual"])
def test_only_what_changes_in_a_step_counts_as_learning(model: str, kind: str) -> None:
    small = small_defects(model)
    plan = apply_strategy(small, recipe(model, strategy__kind=kind), pretrained=True)
    last = plan.phases[-1]
    assert plan.set_epoch(12) is last
    stages = tuple(small.backbone.stages())
    assert last.stages == stages[: len(last.stages)] != stages, "the last stages are not computed"
    before = {name: tensor.clone() for name, tensor in small.named_parameters()}
    step(plan)
    moved = [name for name, tensor in small.named_parameters() if not torch.equal(tensor, before[name])]
    learning = [name for name, tensor in small.named_parameters() if tensor.requires_grad]
    assert set(moved) <= set(learning) and len(moved) > 0.8 * len(learning)
    assert all(tensor.grad is not None for tensor in small.parameters() if tensor.requires_grad)
    assert last.trainable == plan.trainable_parameters() == sum(before[name].numel() for name in learning)
