"""Which settings of a recipe the form shows, where, and when they matter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel

from core.models.registry import MODELS, ModelSpec
from core.recipe.recipe import Recipe

START, STRATEGY, INPUT, TRAINING = "Start", "Strategy", "Input", "Training"
MAIN_FIELDS: Mapping[str, list[str]] = {
    START: ["weights.source", "weights.path", "weights.normalization"],
    STRATEGY: [
        "strategy.kind",
        "strategy.from_stage",
        "strategy.head_epochs",
        "strategy.last_stages",
        "strategy.backbone_lr_factor",
        "strategy.stage_lr_decay",
        "strategy.unfreeze",
    ],
    INPUT: ["sampling.mode", "sampling.input_size", "sampling.tap"],
    TRAINING: ["schedule.epochs", "schedule.batch_size", "optimizer.lr", "device"],
}
# The Augment page has the augmentation; the chooser above the form has the model.
ELSEWHERE = {"model", "augmentation"}
_HEADINGS = {
    "strategy": "BatchNorm",
    "sampling": "Sampling",
    "optimizer": "Optimiser",
    "schedule": "Learning rate over the run",
    "loss": "Loss",
    "mixing": "Mixing pictures",
    "evaluation": "Evaluation and early stop",
    "limits": "Limits and computing",
    "tracking": "Tracking",
}
_OTHERS = "Repeatability"

Tree = Mapping[str, Any]
Rule = Callable[[Tree, ModelSpec], bool]


def folded_fields() -> dict[str, list[str]]:
    """Every setting of a recipe that is shown nowhere else, by heading."""
    shown = {name for names in MAIN_FIELDS.values() for name in names}
    sections: dict[str, list[str]] = {}
    for name, info in Recipe.model_fields.items():
        part = info.annotation
        if name in ELSEWHERE:
            continue
        if isinstance(part, type) and issubclass(part, BaseModel):
            names = [f"{name}.{inner}" for inner in part.model_fields if f"{name}.{inner}" not in shown]
            if names:
                sections[_HEADINGS.get(name, name.capitalize())] = names
        elif name not in shown:
            sections.setdefault(_OTHERS, []).append(name)
    return sections


def relevant_fields(tree: Tree, names: list[str]) -> set[str]:
    """Those of the settings that have an effect with the others as they are.

    `tree` is a recipe as plain values, which need not be accepted yet.
    """
    spec = MODELS[tree["model"]]
    return {name for name in names if name not in _RULES or _RULES[name](tree, spec)}


def _one_of(name: str, *values: object) -> Rule:
    part, _, leaf = name.partition(".")
    return lambda tree, _spec: tree[part][leaf] in values


def _finds_boxes(_tree: Tree, spec: ModelSpec) -> bool:
    return spec.task == "detect"


def _apply_both(first: Rule, second: Rule) -> Rule:
    return lambda tree, spec: first(tree, spec) and second(tree, spec)


def _mixes_images(tree: Tree, _spec: ModelSpec) -> bool:
    return any(tree["mixing"][name] for name in ("mosaic", "mixup", "cutmix"))


_TRANSFERS = _one_of("strategy.kind", "fine_tune", "two_phase", "gradual")
_CROPS = _one_of("sampling.mode", "crops")
_FALLS = _one_of("schedule.decay", "step", "exponential", "plateau")
_RULES: dict[str, Rule] = {
    "weights.path": _one_of("weights.source", "file", "checkpoint"),
    # A checkpoint and the weights that come with a model bring their own.
    "weights.normalization": lambda tree, _spec: (
        tree["weights"]["source"] == "file" or tree["weights"]["normalization"] != "auto"
    ),
    "strategy.from_stage": _one_of("strategy.kind", "fine_tune"),
    "strategy.head_epochs": _one_of("strategy.kind", "two_phase"),
    "strategy.last_stages": _one_of("strategy.kind", "two_phase"),
    "strategy.backbone_lr_factor": _TRANSFERS,
    "strategy.stage_lr_decay": _TRANSFERS,
    "strategy.unfreeze": _one_of("strategy.kind", "gradual"),
    "sampling.tap": lambda _tree, spec: "tap" in spec.options,
    "sampling.crops_per_image": _apply_both(_CROPS, _one_of("sampling.placing", "random")),
    "sampling.placing": _CROPS,
    "sampling.empty_tiles": _apply_both(_CROPS, _one_of("sampling.placing", "tiles")),
    "sampling.on_box": _apply_both(_CROPS, _one_of("sampling.placing", "random")),
    "sampling.anchor_shapes": lambda _tree, spec: spec.task == "detect" and spec.anchors != "points",
    "optimizer.momentum": _one_of("optimizer.kind", "sgd"),
    "schedule.milestones": _one_of("schedule.decay", "step"),
    "schedule.factor": _FALLS,
    "schedule.cycle_epochs": _one_of("schedule.decay", "cyclical"),
    "schedule.patience": _one_of("schedule.decay", "plateau"),
    "loss.focal_alpha": _one_of("loss.kind", "focal"),
    "loss.focal_gamma": _one_of("loss.kind", "focal"),
    "loss.negatives": _apply_both(_finds_boxes, _one_of("loss.kind", "mined_bce")),
    "loss.box": _finds_boxes,
    "loss.box_weight": _finds_boxes,
    "mixing.off_for_last": _mixes_images,
}
