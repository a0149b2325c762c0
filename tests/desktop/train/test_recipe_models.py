"""What the window works out from a recipe: its text, what matters in it, its picture, its advice."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.models.registry import MODELS
from core.models.weights_place import weights_path
from core.recipe.draft import with_model, with_preset
from core.recipe.parts import Unfreeze
from core.recipe.phases import planned_phases
from core.recipe.presets import load_presets
from core.recipe.recipe import Recipe, default_recipe, with_settings
from desktop.train.recipe.recipe_advice import advise_on_recipe
from desktop.train.recipe.recipe_fields import ELSEWHERE, MAIN_FIELDS, folded_fields, relevant_fields
from desktop.train.recipe.recipe_model import RecipeProblem
from desktop.train.recipe.recipe_text import from_text, to_text
from desktop.train.recipe.strategy_picture import count_text, picture_of, rate_text
from desktop.train.recipe.unfreezing import as_settings, find_beginnings, move_beginning

TRANSFER = {"weights.source": "imagenet", "schedule.epochs": 20}


def recipe(model: str = "ssd300_vgg16", **settings: object) -> Recipe:
    named = {name.replace("__", "."): value for name, value in settings.items()}
    return with_settings(default_recipe(model), TRANSFER | named)


# -- as text ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
def test_a_recipe_comes_back_from_its_text(model: str) -> None:
    whole = default_recipe(model)
    assert from_text(to_text(whole)) == whole


def test_an_unfreezing_comes_back_from_its_text() -> None:
    whole = recipe(strategy__kind="gradual", strategy__unfreeze=[{"epoch": 3, "stage": "conv5"}])
    assert from_text(to_text(whole)) == whole


def test_what_a_text_does_not_name_comes_from_the_models_defaults() -> None:
    assert from_text("model: ssd300_vgg16") == default_recipe("ssd300_vgg16")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("schedule:\n  epochs: 0\n", RecipeProblem(2, "Input should be greater than or equal to 1", "schedule.epochs")),
        ("\nsched:\n  epochs: 3\n", RecipeProblem(2, "there is no such setting", "sched")),
        ("model: nothing\n", RecipeProblem(1, "there is no 'nothing'; choose one of", "model")),
        ("seed: 1\nseed: 2\n", RecipeProblem(2, "named twice", "seed")),
        ("weights:\n  path: ''\n  source: file\n", RecipeProblem(2, "name the file to start from", "weights.path")),
        # The setting that is wrong is not in the text: its part is marked.
        ("seed: 1\nweights:\n  source: file\n", RecipeProblem(2, "name the file to start from", "weights.path")),
        (
            "schedule:\n  milestones: [0.5, x]\n",
            RecipeProblem(2, "Input should be a valid number", "schedule.milestones.1"),
        ),
        ("seed: 1\n  x: [\n", RecipeProblem(2, "not YAML")),
        ("- a\n- b\n", RecipeProblem(1, "a recipe is a list of settings")),
        ("", RecipeProblem(1, "a recipe is a list of settings")),
        ("a: &x {b: *x}", RecipeProblem(1, "")),
    ],
)
def test_what_is_wrong_in_a_text_is_told_with_its_line(text: str, problem: RecipeProblem) -> None:
    found = from_text(text)
    assert isinstance(found, list) and len(found) == 1
    assert (found[0].line, found[0].field) == (problem.line, problem.field) or not problem.text
    assert problem.text in found[0].text


@given(st.text(max_size=200))
def test_no_text_is_too_strange(text: str) -> None:
    found = from_text(text)
    assert isinstance(found, Recipe) or all(problem.line >= 1 and problem.text for problem in found)


# -- what matters ----------------------------------------------------------------------------------------------


def relevant(of: Recipe) -> set[str]:
    names = [name for part in (*MAIN_FIELDS.values(), *folded_fields().values()) for name in part]
    return relevant_fields(of.model_dump(), names)


def test_every_setting_has_one_place() -> None:
    names = [name for part in (*MAIN_FIELDS.values(), *folded_fields().values()) for name in part]
    leaves = set()
    for name, info in Recipe.model_fields.items():
        inner = getattr(info.annotation, "model_fields", None)
        leaves |= set() if name in ELSEWHERE else {f"{name}.{below}" for below in inner} if inner else {name}
    assert sorted(names) == sorted(leaves)


@pytest.mark.parametrize(
    ("settings", "there", "away"),
    [
        ({"strategy.kind": "fine_tune"}, {"strategy.from_stage"}, {"strategy.head_epochs", "strategy.unfreeze"}),
        ({"strategy.kind": "two_phase"}, {"strategy.head_epochs"}, {"strategy.from_stage", "strategy.unfreeze"}),
        ({"strategy.kind": "gradual"}, {"strategy.unfreeze"}, {"strategy.head_epochs", "strategy.last_stages"}),
        ({"strategy.kind": "frozen"}, set(), {"strategy.backbone_lr_factor", "strategy.unfreeze"}),
        ({"schedule.decay": "step"}, {"schedule.milestones", "schedule.factor"}, {"schedule.patience"}),
        ({"schedule.decay": "plateau"}, {"schedule.patience", "schedule.factor"}, {"schedule.milestones"}),
        ({"schedule.decay": "cyclical"}, {"schedule.cycle_epochs"}, {"schedule.factor"}),
        ({"optimizer.kind": "adamw"}, {"optimizer.weight_decay"}, {"optimizer.momentum"}),
        ({"loss.kind": "focal"}, {"loss.focal_gamma"}, {"loss.negatives"}),
        ({"sampling.mode": "whole"}, {"sampling.input_size"}, {"sampling.on_box", "sampling.crops_per_image"}),
        ({"mixing.mosaic": 0.5}, {"mixing.off_for_last"}, set()),
        ({"mixing.mosaic": 0.0}, {"mixing.mosaic"}, {"mixing.off_for_last"}),
    ],
)
def test_only_settings_with_an_effect_matter(settings: dict[str, object], there: set[str], away: set[str]) -> None:
    found = relevant(with_settings(recipe(), settings))
    assert there <= found and not away & found


# -- the picture -----------------------------------------------------------------------------------------------


def test_the_picture_tells_when_each_stage_learns_and_how_fast() -> None:
    whole = recipe(
        strategy__kind="two_phase",
        strategy__head_epochs=5,
        strategy__last_stages=2,
        optimizer__lr=0.01,
        strategy__backbone_lr_factor=0.1,
        strategy__stage_lr_decay=0.5,
    )
    picture = picture_of(whole)
    assert [row.name for row in picture.rows] == ["head", "conv5", "conv4", "conv3", "conv2", "conv1"]
    assert [row.begin for row in picture.rows] == [1, 6, 6, None, None, None]
    assert [row.rate for row in picture.rows[:3]] == pytest.approx([0.01, 0.001, 0.0005])
    first, second = picture.in_words()
    assert first.startswith("Epochs 1–5: head alone") and second.startswith("Epochs 6–20: head, conv4–conv5")
    assert not picture.editable and picture_of(recipe(strategy__kind="gradual")).editable


def test_all_of_the_parameters_are_told_only_where_all_learn() -> None:
    picture = picture_of(recipe(strategy__kind="gradual", schedule__epochs=40))
    before, whole = picture.in_words()[-2:]
    assert before.endswith("conv2–conv5 · 22.4 M learn (>99%)") and whole.endswith("everything · 22.4 M learn (100%)")


def test_rates_and_counts_are_short() -> None:
    assert [rate_text(rate) for rate in (2e-3, 2.5e-4, 0.05, 1e-5)] == ["0.002", "0.00025", "0.05", "1e-5"]
    assert [count_text(number) for number in (950, 12_345, 4_100_000, 138_000_000)] == [
        "950",
        "12.3 k",
        "4.1 M",
        "138 M",
    ]


# -- unfreezing ------------------------------------------------------------------------------------------------

STAGES = ("stem", "early", "middle", "late")


@given(
    st.lists(st.tuples(st.sampled_from(STAGES), st.one_of(st.none(), st.integers(-3, 40))), max_size=8),
    st.integers(1, 30),
)
def test_stages_never_learn_before_those_behind_them(moves: list[tuple[str, int | None]], epochs: int) -> None:
    begins: dict[str, int | None] = dict.fromkeys(STAGES, 1)
    for stage, epoch in moves:
        begins = move_beginning(begins, stage, epoch, epochs)
        if epoch is None:
            assert begins[stage] == (epochs if stage == "late" else None)
        else:
            assert begins[stage] == min(max(epoch, 1), epochs)
        order = [epochs + 1 if begins[name] is None else begins[name] for name in reversed(STAGES)]
        assert order == sorted(order) and begins["late"] is not None


def test_a_schedule_that_was_edited_is_the_one_that_is_trained() -> None:
    whole = recipe(strategy__kind="gradual")
    stages = MODELS[whole.model].stages
    begins = move_beginning(find_beginnings(planned_phases(whole), stages), "conv3", 12, whole.schedule.epochs)
    begins = move_beginning(begins, "conv2", None, whole.schedule.epochs)
    steps = as_settings(begins)
    assert all(isinstance(step, Unfreeze) for step in steps)
    edited = with_settings(whole, {"strategy.unfreeze": [step.model_dump() for step in steps]})
    assert find_beginnings(planned_phases(edited), stages) == begins
    assert begins["conv1"] is begins["conv2"] is None and begins["conv3"] == 12


# -- advice, models, presets -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "images", "word"),
    [
        ({"mixing.mosaic": 0.5}, 100, "mosaic"),
        ({"weights.source": "none", "strategy.kind": "scratch"}, 100, "random weights"),
        ({"strategy.norms": "learn", "schedule.batch_size": 2}, 100, "BatchNorm"),
        ({"optimizer.accumulate": 64}, 100, "more than the 100 training images"),
        ({"optimizer.ema": 0.9999}, 100, "averaging"),
        ({"evaluation.early_stop": 50}, 100, "never stops early"),
        ({"sampling.rare_labels": 0.1, "loss.class_weights": "balanced"}, 100, "twice"),
    ],
)
def test_what_may_go_badly_is_said_before(
    settings: dict[str, object], images: int, word: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put_weights(monkeypatch, tmp_path)
    assert advise_on_recipe(recipe(), images) == []
    found = advise_on_recipe(with_settings(recipe(), settings), images)
    assert any(word in text for text in found), found
    assert advise_on_recipe(with_settings(recipe(), settings), 0) == []


def put_weights(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Let the weights that `recipe` starts from be on this machine."""
    monkeypatch.setenv("TORCH_HOME", str(folder))
    path = weights_path(MODELS["ssd300_vgg16"].weights["imagenet"])
    path.parent.mkdir(parents=True)
    path.touch()
    return path


def test_weights_that_this_machine_lacks_are_named_before_a_training(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = put_weights(monkeypatch, tmp_path)
    path.unlink()
    (found,) = advise_on_recipe(recipe(), 100)
    assert str(path) in found and MODELS["ssd300_vgg16"].weights["imagenet"].url in found
    path.touch()
    assert advise_on_recipe(recipe(), 100) == []


def test_mixing_pictures_of_a_large_set_needs_no_warning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put_weights(monkeypatch, tmp_path)
    assert advise_on_recipe(recipe(mixing__mosaic=0.5), 5000) == []


@pytest.mark.parametrize("preset", [None, *load_presets()], ids=lambda preset: preset.name if preset else "defaults")
@pytest.mark.parametrize("model", MODELS)
def test_a_preset_keeps_the_device_and_the_model_that_it_suits(model: str, preset: object) -> None:
    old = with_settings(default_recipe(model), {"device": "cpu", "seed": 7, "limits.workers": 5})
    new = with_preset(old, preset) if preset is None or preset.suits(model) or preset.usual_model else old
    assert (new.device, new.seed, new.limits.workers) == ("cpu", 7, 5)
    if preset is not None and preset.suits(model):
        assert new.model == model
        for name, value in preset.settings_for(model).items():
            part, _, leaf = name.partition(".")
            assert getattr(getattr(new, part), leaf) == value


def test_the_defaults_take_back_all_that_a_preset_set() -> None:
    old = with_settings(default_recipe("ssd_compact"), {"device": "cpu"})
    for preset in load_presets():
        if preset.suits("ssd_compact"):
            assert with_preset(with_preset(old, preset), None) == old, preset.name


def test_another_model_brings_its_own_settings_and_keeps_the_projects() -> None:
    old = with_settings(default_recipe("ssd_compact"), {"augmentation.rotation": 9, "schedule.epochs": 3})
    new = with_model(old, "ssd300_vgg16")
    assert new.augmentation.rotation == 9 and new.schedule == default_recipe("ssd300_vgg16").schedule
