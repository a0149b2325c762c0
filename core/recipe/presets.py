"""Recipes to start from, each with the situation that it is for. Files in `resources/presets`; imports no torch."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import yaml
from pydantic import Field, ValidationError

from core.errors import InputError
from core.models.registry import MODELS, model_spec
from core.recipe.parts import Part
from core.recipe.recipe import Recipe, default_recipe, with_settings

# In the order in which a person meets them.
NAMES = ("quick_look", "small_data", "full_fine_tune", "from_scratch", "edge_device")


class Preset(Part):
    """Settings over a model's own defaults."""

    name: str
    title: str
    when: str  # to use it, for the person who chooses
    models: tuple[str, ...] = ()  # that it is made for, the best first; empty: any
    needs_weights: bool = False  # only for models that have pre-trained weights
    settings: dict[str, Any]  # by dotted name
    pretrained: dict[str, Any] = Field({}, description="More settings for models that have pre-trained weights.")
    untrained: dict[str, Any] = Field({}, description="More settings for models that have none.")

    def suits(self, model: str) -> bool:
        """Whether the preset is made for `model`. Raises InputError if there is no such model."""
        has_weights = bool(model_spec(model).weights)
        return (not self.models or model in self.models) and (has_weights or not self.needs_weights)

    def settings_for(self, model: str) -> dict[str, Any]:
        """What the preset sets for `model`, by dotted name. Raises InputError if it does not suit it."""
        if not self.suits(model):
            fitting = ", ".join(name for name in MODELS if self.suits(name))
            raise InputError(f"preset: {self.title} is not made for {model}; choose one of {fitting}")
        spec = model_spec(model)
        # A strategy that keeps what was learnt before needs weights, whatever the recipe had that it is applied to.
        start = {
            "weights.source": spec.defaults["weights.source"] if spec.weights else "none",
            "weights.path": "",
            "strategy.norms": "auto",
        }
        return start | self.settings | (self.pretrained if spec.weights else self.untrained)

    def recipe(self, model: str) -> Recipe:
        """The recipe of the preset for `model`. Raises InputError if it does not suit it."""
        return with_settings(default_recipe(model), self.settings_for(model))

    @property
    def usual_model(self) -> str:
        """The model to take where a person names none; "": any will do."""
        return self.models[0] if self.models else ""


@cache
def load_presets() -> tuple[Preset, ...]:
    """All presets, in the order to show them in."""
    folder = resources.files("resources.presets")
    return tuple(_parse_preset(name, (folder / f"{name}.yaml").read_text(encoding="utf-8")) for name in NAMES)


def find_preset(name: str) -> Preset:
    """The preset called `name`, "-" and "_" alike. Raises InputError that lists the names there are."""
    wanted = name.replace("-", "_").lower()
    for preset in load_presets():
        if preset.name == wanted:
            return preset
    raise InputError(f"preset: there is no {name!r}; choose one of {', '.join(NAMES)}")


def _parse_preset(name: str, text: str) -> Preset:
    try:
        return Preset.model_validate({"name": name} | yaml.safe_load(text))
    except (yaml.YAMLError, TypeError, ValidationError) as error:
        raise InputError(f"resources/presets/{name}.yaml: damaged ({error}); install the program again") from error
