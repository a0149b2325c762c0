"""Everything that defines a training. Forms, `--set`, `--help` and recipe files are built from these fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core import files
from core.augmentation.config import AugmentationConfig
from core.errors import InputError
from core.models.registry import MODELS, model_spec

MAX_FILE = 2**20  # bytes; a recipe has some thousand


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Weights(_Part):
    """What the network knows before it sees the project."""

    source: Literal["none", "imagenet", "coco", "file", "checkpoint"] = Field(
        "none",
        title="Starting weights",
        description="none: random. imagenet: the backbone. coco: the whole detector. file: weights on disk. "
        "checkpoint: a model saved by this program; label heads are carried over by name.",
    )
    path: str = Field("", title="File", description="The weights or checkpoint file, where the source needs one.")
    normalization: Literal["auto", "imagenet", "caffe", "centred"] = Field(
        "auto",
        title="Normalisation",
        description="How pixels are scaled for the network. It belongs to the weights, so auto is right unless a "
        "weights file was trained otherwise. caffe: mean 123 117 104, unscaled. centred: -1 to 1.",
    )


class Strategy(_Part):
    """Which parameters learn, and how fast."""

    kind: Literal["scratch", "frozen", "fine_tune"] = Field(
        "scratch",
        title="Strategy",
        description="scratch: everything learns at one rate. frozen: the backbone stays as it was. "
        "fine_tune: everything learns, the backbone at a smaller rate.",
    )
    backbone_lr_factor: float = Field(
        0.1,
        gt=0,
        le=1,
        title="Backbone rate",
        json_schema_extra={"unit": "x"},
        description="The backbone's learning rate as a fraction of the head's, when fine-tuning.",
    )


class Sampling(_Part):
    """How images become network inputs."""

    mode: Literal["whole", "crops"] = Field(
        "whole",
        title="Input",
        description="whole: each image is resized to the input size. crops: native-resolution cut-outs of the input size, "
        "so small defects keep their pixels; prediction then runs on the whole image, or on tiles of it.",
    )
    input_size: int = Field(
        320,
        ge=64,
        le=2048,
        multiple_of=4,
        title="Input size",
        json_schema_extra={"unit": "px"},
        description="Side of the network's input.",
    )
    crops_per_image: int = Field(
        0,
        ge=0,
        le=64,
        title="Crops per image",
        description="Crops taken from each image in an epoch; 0 chooses by the image's size.",
    )
    on_box: float = Field(
        0.8,
        ge=0,
        le=1,
        title="Crops on a box",
        description="Share of the crops that are placed on a defect, where an image has one.",
    )


class Optimizer(_Part):
    """How parameters follow their gradients."""

    kind: Literal["adamw", "sgd"] = Field("adamw", title="Optimiser")
    lr: float = Field(1e-3, gt=0, le=10, title="Learning rate", description="Peak rate of the head, after warm-up.")
    weight_decay: float = Field(1e-4, ge=0, le=1, title="Weight decay", description="Not applied to norms and biases.")
    momentum: float = Field(0.9, ge=0, lt=1, title="Momentum", description="For SGD.")
    clip_norm: float = Field(10.0, gt=0, title="Gradient clip", description="Largest norm of the whole gradient.")


class Schedule(_Part):
    """How long, and in what portions."""

    epochs: int = Field(20, ge=1, le=100_000, title="Epochs")
    batch_size: int = Field(16, ge=1, le=1024, title="Batch", description="Images or crops in one step.")
    warmup_steps: int = Field(50, ge=0, title="Warm-up", description="Steps in which the rate grows from near zero.")
    decay: Literal["cosine", "constant"] = Field(
        "cosine", title="Decay", description="How the rate falls after warm-up."
    )
    time_limit_minutes: float = Field(
        0,
        ge=0,
        title="Time limit",
        json_schema_extra={"unit": "min"},
        description="The schedule is fitted to end within this time; 0: no limit.",
    )


class Loss(_Part):
    """What counts as wrong."""

    kind: Literal["focal", "mined_bce"] = Field(
        "focal",
        title="Label loss",
        description="focal: every anchor counts, easy ones little. mined_bce: the hardest "
        "negatives of the whole batch. Clean images teach in both.",
    )
    box_weight: float = Field(
        0.2, ge=0, le=100, title="Box weight", description="Weight of the box loss beside the label loss."
    )


class EvaluationSettings(_Part):
    """How the run is judged while it goes on."""

    every: int = Field(
        1,
        ge=1,
        title="Evaluate every",
        json_schema_extra={"unit": "epochs"},
        description="The last epoch is always evaluated.",
    )
    max_images: int = Field(
        0,
        ge=0,
        title="Validation images",
        description="Evaluate on at most this many, the same ones each time; 0: all.",
    )


class Recipe(_Part):
    """One training, whole."""

    model: str = Field("ssd_compact", title="Model")
    weights: Weights = Weights()
    strategy: Strategy = Strategy()
    sampling: Sampling = Sampling()
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    loss: Loss = Loss()
    augmentation: AugmentationConfig = AugmentationConfig()
    evaluation: EvaluationSettings = EvaluationSettings()
    seed: int = Field(0, ge=0, title="Seed", description="The same seed, recipe and snapshot give the same run.")
    device: str = Field(
        "auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", title="Device", description="auto, cpu, mps, cuda or cuda:N."
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto",
        title="Precision",
        description="auto: bf16 for the network where the device computes it natively, else fp32. The loss is always fp32.",
    )
    workers: int = Field(
        2, ge=1, le=64, title="Workers", description="Threads that decode and augment images ahead of the network."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.model not in MODELS:
            raise ValueError(f"model: there is no {self.model!r}; choose one of {', '.join(MODELS)}")
        source = self.weights.source
        if source in ("imagenet", "coco") and source not in MODELS[self.model].weights:
            raise ValueError(f"weights.source: {self.model} has no {source} weights; choose none, file or checkpoint")
        if source in ("file", "checkpoint") and not self.weights.path:
            raise ValueError(f"weights.path: name the {source} to start from")
        if self.strategy.kind == "frozen" and source == "none":
            raise ValueError(
                "strategy.kind: a frozen backbone with random weights cannot learn; choose starting weights or strategy scratch"
            )
        return self


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
        reason = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            reason = "there is no such setting"
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
    model = tree.get("model", "ssd_compact")
    if not isinstance(model, str):
        raise InputError(f"{path}: model: must be a name; choose one of {', '.join(MODELS)}")
    return parse_recipe(_merged(default_recipe(model).model_dump(), tree), str(path))


def parse_yaml(text: str, where: str) -> Any:
    """The value of a YAML text. Raises InputError that starts with `where`."""
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date that is none
        raise InputError(f"{where}: not YAML ({str(error).splitlines()[0]})") from error


def save_recipe(recipe: Recipe, path: Path) -> None:
    """Write `recipe` as YAML, whole or not at all."""
    files.write_text(path, yaml.safe_dump(recipe.model_dump(), sort_keys=False, allow_unicode=True))


def _merged(base: dict[str, Any], over: dict[Any, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
