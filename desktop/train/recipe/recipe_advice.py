"""What a recipe that is allowed may still do badly, said before the training rather than after it."""

from __future__ import annotations

from collections.abc import Callable

from core.counting import format_count
from core.models.registry import model_spec
from core.models.weights_place import is_on_machine, weights_path
from core.recipe.recipe import Recipe
from core.training.data.data_advice import mixing_notice
from desktop.kit.formatting import sentence

FEW_FOR_SCRATCH = 300
STEADY_BATCH = 8  # images with which BatchNorm statistics are steady


def advise_on_recipe(recipe: Recipe, train_images: int) -> list[str]:
    """Sentences, the weightiest first; none without training images, for then there is nothing to judge by."""
    if not train_images:
        return []
    return [text for rule in _RULES if (text := rule(recipe, train_images))]


def _advise_on_missing_weights(recipe: Recipe, _images: int) -> str:
    file = model_spec(recipe.model).weights.get(recipe.weights.source)
    if file is None or is_on_machine(file):
        return ""
    return (
        f"{file.title}: these weights are not on this machine, so training downloads them first. Without a network, fetch "
        f"{file.url} elsewhere and put it at {weights_path(file)}, or choose other starting weights."
    )


def _advise_on_scratch(recipe: Recipe, images: int) -> str:
    spec = model_spec(recipe.model)
    if recipe.weights.source != "none" or not spec.weights or images >= FEW_FOR_SCRATCH:
        return ""
    return (
        f"{spec.title} from random weights wants far more than {format_count(images, 'training image')}; choose starting weights"
        " or a compact model."
    )


def _advise_on_mixing(recipe: Recipe, images: int) -> str:
    return sentence(mixing_notice(recipe, images).removeprefix("mixing: "))


def _advise_on_norms(recipe: Recipe, _images: int) -> str:
    batch = recipe.schedule.batch_size
    if recipe.strategy.norms == "learn" and recipe.weights.source != "none" and batch < STEADY_BATCH:
        return f"BatchNorm statistics learnt from {format_count(batch, 'image')} at a time are noisy; choose auto, or a larger batch."
    return ""


def _advise_on_batch(recipe: Recipe, images: int) -> str:
    effective = recipe.schedule.batch_size * recipe.optimizer.accumulate
    if recipe.sampling.mode == "crops" or effective <= images:
        return ""
    return f"One step takes {effective:,} pictures, more than the {format_count(images, 'training image')}; choose a smaller batch."


def _advise_on_averaging(recipe: Recipe, images: int) -> str:
    if not recipe.optimizer.ema or recipe.sampling.mode == "crops":
        return ""
    steps = recipe.schedule.epochs * -(-images // (recipe.schedule.batch_size * recipe.optimizer.accumulate))
    span = 1 / (1 - recipe.optimizer.ema)
    if span <= steps / 2:
        return ""
    return f"Weight averaging spans about {span:,.0f} steps, the run has {steps:,}; choose a smaller decay."


def _advise_on_early_stop(recipe: Recipe, _images: int) -> str:
    stop = recipe.evaluation.early_stop * recipe.evaluation.every
    if not stop or stop < recipe.schedule.epochs:
        return ""
    return f"Early stop waits for {stop} epochs and the run has {recipe.schedule.epochs}: it never stops early."


def _advise_on_rare_labels(recipe: Recipe, _images: int) -> str:
    if recipe.loss.class_weights == "none" or not recipe.sampling.rare_labels:
        return ""
    return "Rare labels are both repeated and weighted: that counts them twice; one of the two is usually enough."


_RULES: tuple[Callable[[Recipe, int], str], ...] = (
    _advise_on_missing_weights,
    _advise_on_scratch,
    _advise_on_mixing,
    _advise_on_norms,
    _advise_on_batch,
    _advise_on_averaging,
    _advise_on_early_stop,
    _advise_on_rare_labels,
)
