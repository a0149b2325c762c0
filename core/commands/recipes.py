"""The recipe that a command's options ask for, and those options."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from core.errors import InputError
from core.operations.predict import find_checkpoint
from core.project.project import Project
from core.recipe.presets import find_preset
from core.recipe.recipe import Recipe, default_recipe, load_recipe, parse_yaml, with_settings
from core.safetensors_header import read_metadata

USUAL_MODEL = "ssd_compact"
_SETTINGS = {
    "epochs": "schedule.epochs",
    "minutes": "limits.time_minutes",
    "device": "device",
    "seed": "seed",
}

Model = Annotated[str | None, typer.Option(help="One of `defectdesk models`.")]
PresetName = Annotated[str | None, typer.Option(help="A recipe to start from: one of `defectdesk presets`.")]
RecipeFile = Annotated[Path | None, typer.Option(help="A recipe file (YAML), such as runs/r001/recipe.yaml.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="One setting of the recipe, such as optimizer.lr=0.001; may be repeated."
    ),
]
Start = Annotated[str | None, typer.Option("--from", help="Checkpoint (id or file) to start from, and its model.")]
DeviceName = Annotated[str | None, typer.Option("--device", help="auto, cpu, mps, cuda or cuda:N.")]


def asked_recipe(
    project: Project,
    model: str | None,
    file: Path | None,
    preset: str | None,
    start: str | None,
    settings: dict[str, Any],
) -> Recipe:
    """As `chosen_recipe`, starting from the checkpoint `start` of `project`, or a file, if that is given.

    Its model is taken where neither `model` nor the recipe file names one. Raises InputError.
    """
    if start is not None:
        path = find_checkpoint(project, start)[1].absolute()
        settings = settings | {"weights.source": "checkpoint", "weights.path": str(path)}
        if model is None and file is None:
            model = str(read_metadata(path).get("model", ""))
    return chosen_recipe(model, file, preset, settings)


def parse_settings(texts: Sequence[str] | None) -> dict[str, Any]:
    """What `--set KEY=VALUE`, given any number of times, asks for, by dotted name. Raises InputError."""
    return dict(parse_setting(text, "--set") for text in texts or [])


def given(**options: Any) -> dict[str, Any]:
    """Of options that are settings, those that were given, by dotted name."""
    return {_SETTINGS[name]: value for name, value in options.items() if value is not None}


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
