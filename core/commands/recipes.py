"""The recipe that a command's options ask for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.training.presets import find_preset
from core.training.recipe import Recipe, default_recipe, load_recipe, parse_yaml, with_settings

USUAL_MODEL = "ssd_compact"


def parse_settings(texts: Sequence[str] | None) -> dict[str, Any]:
    """What `--set KEY=VALUE`, given any number of times, asks for, by dotted name. Raises InputError."""
    return dict(parse_setting(text, "--set") for text in texts or [])


def parse_setting(text: str, option: str) -> tuple[str, Any]:
    """Name and value of "KEY=VALUE", the value as in YAML. Raises InputError that names `option`."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise InputError(f"{option} {text}: write it as KEY=VALUE, such as {option} optimizer.lr=0.001")
    return name.strip(), parse_yaml(value, f"{option} {text}")


def chosen_recipe(model: str | None, file: Path | None, preset: str | None, settings: dict[str, Any]) -> Recipe:
    """A recipe file, a preset or a model's defaults, with `settings` over it, for a device that is here.

    Raises InputError.
    """
    recipe = _chosen(model, file, preset, settings)
    if recipe.device not in ("auto", "cpu"):
        from core.models.device import choose_device  # noqa: PLC0415 - torch takes seconds to load

        choose_device(recipe.device)  # before a folder is made for a run that cannot begin
    return recipe


def _chosen(model: str | None, file: Path | None, preset: str | None, settings: dict[str, Any]) -> Recipe:
    if file is not None and preset is not None:
        raise InputError("--preset: a recipe file says everything itself; leave --preset or --recipe out")
    if file is not None:
        return with_settings(load_recipe(file), settings, model)
    if preset is not None:
        found = find_preset(preset)
        name = model or found.usual_model or USUAL_MODEL
        # In one step: a preset may fit only together with what is set over it, and the other way round.
        return with_settings(default_recipe(name), found.settings_for(name) | settings)
    return with_settings(default_recipe(model or USUAL_MODEL), settings)
