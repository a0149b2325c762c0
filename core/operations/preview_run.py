"""What a recipe's training would be, before it begins: what learns, what anchors reach, how long, how much memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.counting import format_count
from core.jobs.events import SpeedMeasured
from core.models.anchors import reached_boxes
from core.operations.judge_recipe import with_some_to_train
from core.project.snapshot import Snapshot
from core.recipe.finding import Finding
from core.recipe.phases import LearningShare, learning_share
from core.recipe.recipe import Recipe
from core.training.data.choice import describe_seconds
from core.training.data.mends import fit_anchors
from core.training.data.recipe_findings import judge_recipe
from core.training.data.speed import SPEEDS_FILE, Duration, Speed, estimate_duration, load_speed, speed_key
from core.training.data.taught_boxes import find_taught_boxes
from core.types import Split


@dataclass(frozen=True, slots=True)
class RunPreview:
    """What is known of a training by `recipe`."""

    recipe: Recipe
    findings: tuple[Finding, ...]
    learning: LearningShare
    shapes: int  # of anchors; 0: the model has none
    boxes: int  # with a label, to train on
    reached: int  # of them, those that can be taught and that an anchor, or a point, reaches
    duration: Duration | None  # None until a trial has measured it on this machine
    measured: SpeedMeasured | None

    @property
    def seconds(self) -> float | None:
        """Of the whole run; None until a trial has measured it."""
        return None if self.duration is None else self.duration.run_seconds(self.recipe)


def preview_run(snapshot: Snapshot, recipe: Recipe, cache: Path) -> RunPreview | None:
    """What `recipe` would do on `snapshot`; `cache`: the project's. None where there is nothing to train on.

    Reads no image and loads no torch. Takes up to some seconds where much is wrong: a window asks in the background.
    """
    whole = with_some_to_train(snapshot)
    train, val = whole.of_split(Split.TRAIN), whole.of_split(Split.VAL)
    if not any(len(image.boxes) for image in train):
        return None
    detects = recipe.spec.task == "detect"
    found = find_taught_boxes(recipe, train)
    fitted = fit_anchors(recipe, found)
    used = fitted.used_levels if detects else len(recipe.spec.strides)
    reached = int(reached_boxes(found.boxes[found.taught], fitted).sum()) if detects else int(found.taught.sum())
    measured = load_speed(cache / SPEEDS_FILE, speed_key(recipe))
    duration = None
    if measured is not None:
        duration = estimate_duration(recipe, train, val, Speed.of_measured(measured, recipe, train, val))
    return RunPreview(
        recipe,
        judge_recipe(recipe, whole, fitted),
        learning_share(recipe, used),
        0 if fitted.points else sum(len(level) for level in fitted.shapes),
        len(found.taught),
        reached,
        duration,
        measured,
    )


def describe_preview(preview: RunPreview) -> tuple[str, ...]:
    """All of it but the findings, a line each."""
    lines = [_describe_learning(preview.learning)]
    if preview.recipe.spec.task == "detect":
        verb = "reaches" if preview.shapes == 1 else "reach"
        what = f"{format_count(preview.shapes, 'anchor shape')} {verb}" if preview.shapes else "Points reach"
        share = preview.reached / max(preview.boxes, 1)
        lines.append(f"{what} {share:.0%} of {format_count(preview.boxes, 'box')} to train on.")
    if preview.duration is None or preview.seconds is None or preview.measured is None:
        return (*lines, "Time and memory are not known yet: a short trial measures them.")
    length, epochs = preview.duration, preview.recipe.schedule.epochs
    judged = f" and {describe_seconds(length.judging)} for judging" if length.val_images else ""
    lines.append(
        f"About {describe_seconds(preview.seconds)} for up to {format_count(epochs, 'epoch')}: each takes "
        f"{describe_seconds(length.learning)} to learn from {format_count(length.pictures, 'picture')}{judged}."
    )
    lines.append(f"Up to {preview.measured.memory_mb:,.0f} MB of memory, on {preview.measured.device}.")
    return tuple(lines)


def _describe_learning(learning: LearningShare) -> str:
    if learning.learning >= learning.parameters:
        return f"All {learning.parameters:,} parameters learn."
    text = f"{learning.learning:,} of {learning.parameters:,} parameters learn ({learning.share:.0%})"
    if learning.idle:
        text += f"; not computed, as no anchor needs them: {', '.join(learning.idle)}"
    if learning.frozen:
        text += f"; never learning: {', '.join(learning.frozen)}"
    return f"{text}."
