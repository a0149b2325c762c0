"""The recipe that a command's options ask for, and those options."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from core.errors import InputError
from core.operations.predict import find_checkpoint
from core.project.project import Project
from core.recipe.draft import fit_to_project
from core.recipe.presets import find_preset
from core.recipe.recipe import Recipe, default_recipe, load_recipe, parse_yaml, with_settings
from core.safetensors_header import read_metadata

USUAL_MODEL = "ssd_compact"
# Whoever sets one of these has chosen how images are shown to the network.
_SHOWN_BY = frozenset({"sampling.mode", "sampling.input_size"})
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


@dataclass(frozen=True, slots=True)
class RecipeOptions:
    """The options that choose a recipe, the same for all commands that train. None: not given."""

    model: Model = None
    preset: PresetName = None
    recipe: RecipeFile = None
    settings: Settings = None
    start: Start = None
    device: DeviceName = None

    @property
    def is_empty(self) -> bool:
        return not any(getattr(self, field.name) for field in fields(self))


def with_recipe_options(command: Callable[..., None]) -> Callable[..., None]:
    """Replace the parameter `options` of a command, a RecipeOptions, by one option for each of its fields."""
    hints = get_type_hints(command, include_extras=True)
    kinds = get_type_hints(RecipeOptions, include_extras=True)
    names = [field.name for field in fields(RecipeOptions)]
    parameters: list[Parameter] = []
    for name, parameter in signature(command).parameters.items():
        if hints[name] is RecipeOptions:
            parameters += [Parameter(one, parameter.kind, default=None, annotation=kinds[one]) for one in names]
        else:
            parameters.append(parameter.replace(annotation=hints[name]))

    @wraps(command)
    def call(**values: Any) -> None:
        options = RecipeOptions(**{name: values.pop(name) for name in names})
        command(options=options, **values)

    # Typer reads the options from these two.
    call.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return call


def choose_recipe(project: Project, options: RecipeOptions, settings: dict[str, Any] | None = None) -> Recipe:
    """The recipe that `options` ask for, with `settings` over it, for a device that is here.

    With a checkpoint to start from, its model is taken where neither the options nor the recipe file name one.
    Raises InputError.
    """
    wanted = parse_settings(options.settings) | given(device=options.device) | (settings or {})
    model = options.model
    if options.start is not None:
        path = find_checkpoint(project, options.start)[1].absolute()
        wanted = wanted | {"weights.source": "checkpoint", "weights.path": str(path)}
        if model is None and options.recipe is None:
            model = str(read_metadata(path).get("model", ""))
    recipe = _combine(model, options.recipe, options.preset, wanted)
    if recipe.device not in ("auto", "cpu"):
        from core.models.device import choose_device  # noqa: PLC0415 - torch takes seconds to load

        choose_device(recipe.device)  # before a folder is made for a run that cannot begin
    return recipe


def choose_fitted_recipe(
    project: Project, options: RecipeOptions, settings: dict[str, Any] | None = None
) -> tuple[Recipe, list[str]]:
    """`choose_recipe`, and where nobody chose how images are shown, fitted to their sizes; also what to say of that."""
    recipe = choose_recipe(project, options, settings)
    chosen = parse_settings(options.settings) | (settings or {})
    if options.recipe is not None or options.start is not None or not _SHOWN_BY.isdisjoint(chosen):
        return recipe, []
    recipe, why = fit_to_project(recipe, project)
    return recipe, [why] if why else []


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


def _combine(model: str | None, file: Path | None, preset: str | None, settings: dict[str, Any]) -> Recipe:
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
