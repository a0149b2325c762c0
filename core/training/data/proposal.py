"""A recipe for the data, the device and the minutes that a user has, with the reason for each choice. Imports no torch.

The figures behind the rules are those of `tests/benchmarks/propose.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.augmentation.config import PRESETS
from core.counting import format_count
from core.models.anchors import reached_boxes
from core.models.registry import MODELS
from core.project.snapshot import Snapshot, SnapshotImage
from core.recipe.finding import Finding
from core.recipe.recipe import Recipe, default_recipe, with_settings
from core.training.data.choice import Choice, describe_seconds, round_count
from core.training.data.input_choice import choose_input
from core.training.data.mends import fit_anchors
from core.training.data.recipe_findings import judge_recipe
from core.training.data.speed import Duration, Speed, estimate_duration
from core.training.data.taught_boxes import find_taught_boxes
from core.types import Split

# More epochs hardly bring more, unless all of them together show few pictures.
MOST_EPOCHS, ENOUGH_PICTURES = 300, 60_000
# Share of the time that judging may take, and how often a run is judged at the most.
_JUDGING, _MOST_JUDGED = 0.1, 25
# Steps below which a run is short, and above which averaging and decay of the weights pay.
FEW_STEPS, MANY_STEPS = 150, 3_000
# Times that an epoch shows all images, from which on more kinds of augmentation are worth what they cost.
_MANY_EPOCHS = 80
# The limit ends the run, not the epochs, for a machine that was busy in the trial may be several times as fast later.
_SPARE = {True: 3.0, False: 4.0}
_START_SECONDS = 8.0  # until the first step
# Below this a larger network has not begun to pay for what its steps cost.
_MINUTES_TO_TUNE = 10.0


@dataclass(frozen=True, slots=True)
class Proposal:
    """A recipe and what is known of it before it is trained."""

    recipe: Recipe
    choices: tuple[Choice, ...]
    minutes: float
    speed: Speed
    duration: Duration
    findings: tuple[Finding, ...]  # what it still does badly on these data

    def to_json(self, before: Recipe) -> dict[str, Any]:
        """All of it as plain values; `before`: the recipe that it is a change of."""
        return {
            "minutes": self.minutes,
            "changes": list_changes(before, self.recipe),
            "choices": [choice.to_json() for choice in self.choices],
            "speed": {"measured": self.speed.measured} | self.speed.to_json(),
            "epoch": {
                "pictures": self.duration.pictures,
                "learning_seconds": round(self.duration.learning, 2),
                "judging_seconds": round(self.duration.judging, 2),
            },
            "seconds": round(self.duration.run_seconds(self.recipe)),
            "findings": [finding.to_json() for finding in self.findings],
            "recipe": self.recipe.model_dump(mode="json"),
        }


def list_changes(before: Recipe, after: Recipe) -> dict[str, Any]:
    """What differs in `after`, by dotted name."""
    return dict(_differences("", before.model_dump(mode="json"), after.model_dump(mode="json")))


def choose_model(base: Recipe, device: str, ready: Sequence[str], minutes: float) -> tuple[Recipe, Choice]:
    """The model that suits a `device`, "cpu", "cuda" or "mps", and its defaults; `ready`: weights files that are here.

    What was set up for the project or the machine stays as `base` has it.
    """
    name, why = (
        "ssd_compact",
        "without a GPU only a small network gets through enough pictures, and it needs no weights",
    )
    settings: dict[str, Any] = {}
    if device != "cpu":
        fast = MODELS["ssd300_vgg16"]
        sources = [source for source in ("coco", "imagenet") if fast.weights[source].file_name in ready]
        if sources and minutes >= _MINUTES_TO_TUNE:
            name, settings = fast.name, {"weights.source": sources[0]}
            why = f"a GPU is here, and so is {fast.weights[sources[0]].title} to start from, which few images gain from"
        elif sources:
            why = f"{minutes:g} minutes are too few to fine-tune a larger network"
        else:
            file = fast.weights["coco"].file_name
            why = f"no starting weights of a larger network are on this machine ({fast.title} wants {file})"
    kept = {field: getattr(base, field) for field in ("seed", "device", "limits", "tracking")}
    recipe = with_settings(default_recipe(name).model_copy(update=kept), settings)
    return recipe, Choice("Model", {"model": name} | settings, MODELS[name].title, why)


def propose(recipe: Recipe, chosen: Choice, snapshot: Snapshot, minutes: float, speed: Speed) -> Proposal:
    """A recipe with the model of `recipe`, which `chosen` tells of, that makes the most of `minutes` on `snapshot`.

    The snapshot has training images with boxes.
    """
    train, val = snapshot.of_split(Split.TRAIN), snapshot.of_split(Split.VAL)
    choices = [chosen]

    def take(choice: Choice) -> None:
        nonlocal recipe
        recipe = with_settings(recipe, dict(choice.settings))
        choices.append(choice)

    take(choose_input(recipe, train, minutes, speed))
    take(_choose_batch(recipe, train, val, minutes, speed))
    take(_choose_length(recipe, train, val, minutes, speed))
    length = estimate_duration(recipe, train, val, speed)
    epochs = min(_epochs_in(length, minutes, recipe.evaluation.every), recipe.schedule.epochs)
    take(_choose_augmentation(recipe, train, epochs))
    if (averaging := _choose_averaging(recipe, train, val, speed)) is not None:
        take(averaging)
    judged, findings = recipe, judge_recipe(recipe, snapshot)
    take(_choose_anchors(recipe, train, findings))
    if recipe != judged:
        findings = judge_recipe(recipe, snapshot)
    duration = estimate_duration(recipe, train, val, speed)
    return Proposal(recipe, tuple(choices), minutes, speed, duration, findings)


# -- how long -------------------------------------------------------------------------------------------------------


def _most_epochs(duration: Duration) -> int:
    return max(MOST_EPOCHS, min(ENOUGH_PICTURES // max(duration.pictures, 1), 5_000))


def _learning_seconds(minutes: float) -> float:
    """What is left of the minutes once the run has started."""
    return max(minutes * 60 - _START_SECONDS, minutes * 30)


def _epochs_in(duration: Duration, minutes: float, every: int) -> int:
    return max(1, int(_learning_seconds(minutes) / max(duration.learning + duration.judging / every, 1e-6)))


def _choose_batch(
    recipe: Recipe, train: list[SnapshotImage], val: list[SnapshotImage], minutes: float, speed: Speed
) -> Choice:
    duration = estimate_duration(recipe, train, val, speed)
    pictures = (
        min(_learning_seconds(minutes) / max(duration.learning, 1e-6), _most_epochs(duration)) * duration.pictures
    )
    batch, lr = recipe.schedule.batch_size, recipe.optimizer.lr
    if recipe.model != "ssd_compact":
        why = f"{MODELS[recipe.model].title} is tuned for them"
    elif pictures / batch >= FEW_STEPS:
        why = f"about {round_count(pictures)} pictures make {round_count(pictures / batch)} steps of {batch}, which are enough"
    else:
        why = (
            f"about {round_count(pictures)} pictures would make only {round_count(pictures / batch)} steps of {batch}: smaller "
            "ones are more, each at a higher rate; below 8 the network's norms would change"
        )
        batch, lr = 8, 2 * lr
    settings = {"schedule.batch_size": batch, "optimizer.lr": lr}
    return Choice("Batch and rate", settings, f"{batch} and {lr:g}", why)


def _choose_length(
    recipe: Recipe, train: list[SnapshotImage], val: list[SnapshotImage], minutes: float, speed: Speed
) -> Choice:
    duration = estimate_duration(recipe, train, val, speed)
    most_often = _epochs_in(duration, minutes, 1)
    every = math.ceil(duration.judging / max(_JUDGING * duration.learning, 1e-6)) if duration.val_images else 1
    most = _most_epochs(duration)
    every = min(max(1, every, math.ceil(min(most_often, most) / _MOST_JUDGED)), most)
    fit = _epochs_in(duration, minutes, every)
    epochs = min(max(fit + 1, round(fit * _SPARE[speed.measured])), most)
    every = min(every, epochs)
    how = "a short trial here" if speed.measured else "usual speeds, without a trial"
    why = (
        f"an epoch of {format_count(duration.pictures, 'picture')} takes about {describe_seconds(duration.learning)} and judging "
        f"{describe_seconds(duration.judging)} by {how}, so that about {format_count(min(fit, epochs), 'epoch')} fit into "
        f"{minutes:g} minutes"
    )
    if fit >= most:
        why += f"; more than {most:,} would hardly bring more"
    else:
        why += (
            "; there are more of them than that, so that the time limit ends the run, to which the schedule is fitted"
        )
    settings = {"schedule.epochs": epochs, "evaluation.every": every, "limits.time_minutes": float(minutes)}
    judged = "after each" if every == 1 else "at the end" if every >= epochs else f"every {every} epochs"
    what = f"{format_count(epochs, 'epoch')} at the most, judged {judged}, with a time limit of {minutes:g} minutes"
    return Choice("Length", settings, what, why)


def _choose_averaging(
    recipe: Recipe, train: list[SnapshotImage], val: list[SnapshotImage], speed: Speed
) -> Choice | None:
    duration = estimate_duration(recipe, train, val, speed)
    run = duration.run_seconds(recipe)
    steps = run / max(duration.learning, 1e-6) * duration.pictures / recipe.schedule.batch_size
    if steps < MANY_STEPS or recipe.model != "ssd_compact":
        return None
    why = f"about {round_count(steps)} steps are enough for averaged weights, which are steadier than the last ones"
    settings = {"optimizer.ema": 0.999, "optimizer.weight_decay": 0.02}
    return Choice("Averaging", settings, "over 1,000 steps, with a weight decay of 0.02", why)


# -- what is learnt -------------------------------------------------------------------------------------------------


def _choose_augmentation(recipe: Recipe, train: Sequence[SnapshotImage], epochs: int) -> Choice:
    """More of it where about so many epochs show every image often."""
    light = PRESETS["Light"]
    settings = {f"augmentation.{name}": value for name, value in light.model_dump().items()}
    if epochs < _MANY_EPOCHS:
        few = f"about {format_count(epochs, 'epoch')}"
        return Choice(
            "Augmentation",
            settings,
            "light",
            f"{few} {'shows' if epochs == 1 else 'show'} no image often enough to be learnt by heart",
        )
    shapes = [np.log(sides[:, 0] / sides[:, 1]) for image in train if len(sides := _sides(image))]
    slant = np.concatenate(shapes) if shapes else np.zeros(1)
    any_way = abs(float(slant.mean())) < 0.25 * max(float(np.abs(slant).mean()), 0.2)
    square = recipe.sampling.mode == "crops" or all(image.width == image.height for image in train)
    settings |= {"augmentation.quarter_turn": 0.5 if any_way and square else 0.0, "augmentation.scale": 0.1}
    why = f"about {epochs:,} epochs show each image often, so that changes of size keep it from being learnt by heart"
    if any_way and square:
        why += "; boxes lie either way alike, so quarter turns show nothing that does not occur"
    else:
        why += "; boxes lie more one way than the other, or images are not square, so they are not turned"
    what = "light, with changes of size" + (" and quarter turns" if any_way and square else "")
    return Choice("Augmentation", settings, what, why)


def _sides(image: SnapshotImage) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.maximum((image.boxes[:, 2:] - image.boxes[:, :2]).astype(np.float64), 1e-6)


def _choose_anchors(recipe: Recipe, train: list[SnapshotImage], findings: Sequence[Finding]) -> Choice:
    """Shapes by reach, or what mends a reach that is too small without another input."""
    for finding in findings:
        for mend in finding.mends:
            if finding.code == "anchors_miss" and mend.settings.keys() <= {"sampling.anchor_shapes", "sampling.tap"}:
                return Choice("Anchors", mend.settings, mend.words, f"otherwise {finding.what}; {mend.gain} so")
    found = find_taught_boxes(recipe, train)
    fitted = fit_anchors(recipe, found)
    reach = reached_boxes(found.boxes[found.taught], fitted).mean() if found.taught.any() else 0.0
    shapes = sum(len(level) for level in fitted.shapes)
    settings = {"sampling.anchor_shapes": recipe.sampling.anchor_shapes}
    why = f"they reach {reach:.0%} of the boxes that can be taught"
    return Choice("Anchors", settings, f"{shapes} shapes fitted to the boxes", why)


def _differences(name: str, before: Any, after: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in after:
            yield from _differences(f"{name}.{key}" if name else key, before.get(key), after[key])
    elif before != after:
        yield name, after
