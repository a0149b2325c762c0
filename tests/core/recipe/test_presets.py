"""Presets give recipes that work, and say when to take them."""

from __future__ import annotations

from importlib import resources
from itertools import product

import pytest

from core.errors import InputError
from core.models.registry import MODELS
from core.recipe.phases import planned_phases
from core.recipe.presets import NAMES, Preset, find_preset, load_presets
from core.recipe.recipe import default_recipe, with_settings


def test_every_file_is_a_preset_and_says_when_to_use_it() -> None:
    files = {entry.name for entry in resources.files("resources.presets").iterdir() if entry.name.endswith(".yaml")}
    assert files == {f"{name}.yaml" for name in NAMES}
    for preset in load_presets():
        assert len(preset.when) > 80 and preset.when.endswith(".") and "\n" not in preset.when.strip()
        assert set(preset.models) <= set(MODELS)


@pytest.mark.parametrize(
    ("preset", "model"), list(product(load_presets(), MODELS)), ids=lambda one: getattr(one, "name", one)
)
def test_a_preset_gives_a_working_recipe_for_each_model_that_it_suits(preset: Preset, model: str) -> None:
    if not preset.suits(model):
        with pytest.raises(InputError, match="not made for"):
            preset.recipe(model)
        return
    recipe = preset.recipe(model)
    tree = recipe.model_dump()
    for name, value in preset.settings_for(model).items():
        part, field = name.split(".")
        assert tree[part][field] == value
    assert recipe != default_recipe(model) and planned_phases(recipe)[0].epoch == 1


def test_each_model_has_presets_and_each_preset_a_model() -> None:
    for model in MODELS:
        assert sum(preset.suits(model) for preset in load_presets()) >= 3
    for preset in load_presets():
        assert any(preset.suits(model) for model in MODELS)
        assert not preset.usual_model or preset.suits(preset.usual_model)


def test_presets_do_not_ask_for_weights_that_a_model_lacks() -> None:
    small = find_preset("small-data")
    assert small.recipe("ssd_compact").strategy.kind == "scratch"
    assert small.recipe("ssd300_vgg16").strategy.kind == "two_phase"
    assert not find_preset("full_fine_tune").suits("ssd_compact")


def test_a_wrong_name_lists_the_right_ones() -> None:
    with pytest.raises(InputError, match="quick_look, small_data"):
        find_preset("medium")


def test_a_preset_can_be_laid_over_any_recipe_of_the_model() -> None:
    drawn = with_settings(
        default_recipe("ssd300_vgg16"),
        {"weights.source": "none", "strategy.kind": "scratch", "strategy.norms": "auto", "schedule.epochs": 3},
    )
    for preset in load_presets():
        if preset.suits(drawn.model):
            assert with_settings(drawn, preset.settings_for(drawn.model)).schedule.epochs > 3
