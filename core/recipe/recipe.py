"""Everything that defines a training. Forms, `--set`, `--help` and recipe files are built from these fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from core import files
from core.augmentation.config import AugmentationConfig
from core.errors import InputError
from core.models.registry import MODELS, ModelSpec, model_spec
from core.recipe.parts import (
    EvaluationSettings,
    Limits,
    Loss,
    Mixing,
    Optimizer,
    Part,
    Sampling,
    Schedule,
    Strategy,
    Tracking,
    Weights,
)

MAX_FILE = 2**20  # bytes; a recipe has some thousand

# Where the library's own words tell a programmer what to do, and nobody else.
_REASONS = {
    "extra_forbidden": "there is no such setting",
    "model_type": "holds several settings; name one of them, such as optimizer.lr",
    "tuple_type": "must be a list, such as [1, 2]",
    "missing": "is missing; name it",
    "string_pattern_mismatch": "must be auto, cpu, mps, cuda or cuda:N",  # the device's, the only pattern
}


class Recipe(Part):
    """One training, whole."""

    model: str = Field("ssd_compact", title="Model")
    weights: Weights = Weights()
    strategy: Strategy = Strategy()
    sampling: Sampling = Sampling()
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    loss: Loss = Loss()
    augmentation: AugmentationConfig = AugmentationConfig()
    mixing: Mixing = Mixing()
    evaluation: EvaluationSettings = EvaluationSettings()
    limits: Limits = Limits()
    tracking: Tracking = Tracking()
    seed: int = Field(0, ge=0, title="Seed", description="The same seed, recipe and snapshot give the same run.")
    device: str = Field(
        "auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", title="Device", description="auto, cpu, mps, cuda or cuda:N."
    )

    @property
    def options(self) -> dict[str, Any]:
        """What shapes the network besides anchors and labels, for `Architecture.options`.

        A network that starts from a checkpoint has the checkpoint's instead.
        """
        return MODELS[self.model].options_for(self.weights.source, self.sampling.tap, self.schedule.batch_size)

    @property
    def spec(self) -> ModelSpec:
        """The model as this recipe shapes it: its stages, strides and sizes."""
        return MODELS[self.model].with_options(self.options)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.model not in MODELS:
            raise ValueError(f"model: there is no {self.model!r}; choose one of {', '.join(MODELS)}")
        source = self.weights.source
        if source in ("imagenet", "coco") and source not in MODELS[self.model].weights:
            raise ValueError(f"weights.source: {self.model} has no {source} weights; choose none, file or checkpoint")
        if source in ("file", "checkpoint") and not self.weights.path:
            raise ValueError(f"weights.path: name the {source} to start from")
        if source == "checkpoint" and self.weights.normalization != "auto":
            raise ValueError("weights.normalization: a checkpoint has its own, which it was trained with; choose auto")
        if self.strategy.kind in ("frozen", "two_phase", "gradual") and source == "none":
            raise ValueError(
                f"strategy.kind: {self.strategy.kind} keeps random weights frozen, which cannot learn; choose starting "
                "weights or strategy scratch"
            )
        if self.strategy.norms == "frozen" and source == "none":
            raise ValueError(
                "strategy.norms: frozen keeps statistics that random weights have not learnt; choose auto or learn"
            )
        self._check_stages(self.spec.stages)
        if self.strategy.kind == "two_phase" and self.strategy.head_epochs >= self.schedule.epochs:
            raise ValueError(
                f"strategy.head_epochs: {self.strategy.head_epochs} of {self.schedule.epochs:,} epochs leave none for the "
                "second phase; choose fewer"
            )
        return self

    def _check_stages(self, stages: tuple[str, ...]) -> None:
        known = ", ".join(stages)
        strategy = self.strategy
        if strategy.from_stage and strategy.from_stage not in stages:
            raise ValueError(
                f"strategy.from_stage: {self.model} has no stage {strategy.from_stage!r}; choose one of {known}"
            )
        learns = strategy.from_stage or stages[0]
        if strategy.kind == "fine_tune" and self.weights.source == "none" and learns != stages[0]:
            raise ValueError(
                f"strategy.from_stage: the stages before {learns} would stay random, as nothing was loaded into them; choose "
                "starting weights, or leave it empty"
            )
        if strategy.kind == "two_phase" and strategy.last_stages > len(stages):
            raise ValueError(f"strategy.last_stages: {self.model} has {len(stages)} stages; choose at most that many")
        for step in strategy.unfreeze:
            if step.stage not in stages:
                raise ValueError(f"strategy.unfreeze: {self.model} has no stage {step.stage!r}; choose from {known}")
        if strategy.kind == "gradual" and any(step.epoch > self.schedule.epochs for step in strategy.unfreeze):
            raise ValueError(f"strategy.unfreeze: a stage starts to learn after the last epoch, {self.schedule.epochs}")


def default_recipe(model: str) -> Recipe:
    """The recipe that suits `model`. Raises InputError if there is no such model."""
    return with_settings(None, model_spec(model).defaults, model=model)


def with_settings(recipe: Recipe | None, settings: dict[str, Any], model: str | None = None) -> Recipe:
    """`recipe` (or plain defaults) with values set by dotted name, such as {"schedule.epochs": 3}.

    Raises InputError that names the field.
    """
    tree: dict[str, Any] = recipe.model_dump() if recipe else {}
    if model:
        tree["model"] = model
    for name, value in settings.items():
        *folders, leaf = name.split(".")
        branch: Any = tree
        for folder in folders:
            branch = branch.setdefault(folder, {})
            if not isinstance(branch, dict):
                raise InputError(f"{name}: there is no such setting")
        branch[leaf] = value
    return parse_recipe(tree, "recipe")


def parse_recipe(tree: object, where: str) -> Recipe:
    """A recipe from plain values; InputError names `where` and the field."""
    try:
        return Recipe.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        reason = _REASONS.get(first["type"], first["msg"].removeprefix("Value error, "))
        raise InputError(f"{where}: {field + ': ' if field else ''}{reason}") from error


def load_recipe(path: Path) -> Recipe:
    """A recipe file (YAML; what it does not name comes from the model's defaults).

    Raises InputError naming the file and the field.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a YAML file (not text in UTF-8)") from error
    if len(data) > MAX_FILE:
        raise InputError(f"{path}: larger than any recipe, {MAX_FILE:,} bytes; choose a recipe.yaml")
    tree = parse_yaml(text, str(path))
    if not isinstance(tree, dict):
        raise InputError(f"{path}: a recipe is a list of settings such as 'model: ssd_compact'")
    return parse_recipe(with_defaults(tree, str(path)), str(path))


def with_defaults(tree: dict[Any, Any], where: str) -> dict[str, Any]:
    """A recipe's plain values, with those of its model's defaults where `tree` does not name one.

    Raises InputError that starts with `where` if there is no such model.
    """
    model = tree.get("model", "ssd_compact")
    if not isinstance(model, str):  # a list of lists of lists would be written out for ever
        raise InputError(f"{where}: model: must be a name; choose one of {', '.join(MODELS)}")
    if model not in MODELS:
        raise InputError(f"{where}: model: there is no {model[:80]!r}; choose one of {', '.join(MODELS)}")
    return _merge_trees(default_recipe(model).model_dump(), tree)


def parse_yaml(text: str, where: str) -> Any:
    """The value of a YAML text. Raises InputError that starts with `where`."""
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date that is none
        raise InputError(f"{where}: not YAML ({str(error).splitlines()[0]})") from error


def save_recipe(recipe: Recipe, path: Path) -> None:
    """Write `recipe` as YAML, whole or not at all."""
    files.write_text(path, yaml.safe_dump(recipe.model_dump(), sort_keys=False, allow_unicode=True))


def _merge_trees(base: dict[str, Any], over: dict[Any, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merge_trees(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
