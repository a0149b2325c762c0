"""How long a training takes: from what was measured here, or from what is usual. Imports no torch."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from core import files
from core.jobs.events import SpeedMeasured
from core.models.inputs import TILE, tiled_pixels
from core.project.snapshot import SnapshotImage
from core.recipe.recipe import Recipe
from core.threads import choose_threads
from core.training.data.crops import image_views, input_size

# GFLOPs a second that a training step reaches where nothing was measured: of one thread of a CPU, of a GPU for training,
# of Apple's GPU. From two to six times more or less is usual: a short trial tells.
USUAL_GFLOPS = {"cpu": 50.0, "cuda": 4_000.0, "mps": 600.0}
# A step computes forward, and backward for activations and for weights.
STEP_COST = 3.0
# What a picture and a step cost besides pixels, such as reading, the loss and the optimiser, in pixels that are learnt from.
_PICTURE_PIXELS, _STEP_PIXELS = 4_000, 250_000
_OVERLAP = 128  # of the tiles that large images are judged in, unless the anchors need more
TRIAL_STEPS = 12  # of a short trial, at the most
SPEEDS_FILE = "speed.json"  # in a project's cache: what was measured there
_MOST_KEPT = 200  # measurements that are remembered


@dataclass(frozen=True, slots=True)
class Speed:
    """How long the pictures of a model take, for any input size: time follows the pixels."""

    learning: float  # seconds for a million pixels that are learnt from
    judging: float  # seconds for a million pixels that are judged
    measured: bool = True  # by a trial here; else from a table
    device: str = ""  # as a user knows it

    @classmethod
    def of_measured(
        cls, found: SpeedMeasured, recipe: Recipe, train: Sequence[SnapshotImage], val: Sequence[SnapshotImage]
    ) -> Self:
        """What was measured with `recipe` on `train`, judging by `val`."""
        size = input_size(recipe, [(image.width, image.height) for image in train])
        learning = found.seconds_per_picture / (learnt_pixels(recipe, size) / 1e6)
        pixels = [judged_pixels(recipe, size, (image.width, image.height)) for image in limit_val_images(recipe, val)]
        judging = found.seconds_per_image * len(pixels) / (sum(pixels) / 1e6) if pixels else learning / STEP_COST
        return cls(learning, judging, device=found.device)

    @classmethod
    def usual(cls, recipe: Recipe, device: str, threads: int | None = None) -> Self:
        """What is usual for a `device`, "cpu", "cuda" or "mps", of so many `threads`."""
        spec = recipe.spec
        side = spec.defaults["sampling.input_size"]
        work = spec.gflops / (side * side / 1e6)
        count = (threads or count_threads(recipe)) if device == "cpu" else 1
        forward = work / (USUAL_GFLOPS[device] * count**0.8)
        return cls(STEP_COST * forward, forward, measured=False, device=device)

    def to_json(self) -> dict[str, Any]:
        return {"learning": self.learning, "judging": self.judging, "device": self.device}


@dataclass(frozen=True, slots=True)
class Duration:
    """What a training by a recipe would take."""

    pictures: int  # in an epoch
    val_images: int  # that are judged at once
    learning: float  # seconds of an epoch
    judging: float  # seconds of one judgement

    def run_seconds(self, recipe: Recipe) -> float:
        """The whole run, by its epochs or by its time limit, whichever ends first."""
        judged = math.ceil(recipe.schedule.epochs / recipe.evaluation.every)
        whole = recipe.schedule.epochs * self.learning + judged * self.judging
        limit = recipe.limits.time_minutes * 60
        # What is judged last comes after the limit.
        return min(whole, limit + self.judging) if limit else whole


def estimate_duration(
    recipe: Recipe, train: Sequence[SnapshotImage], val: Sequence[SnapshotImage], speed: Speed
) -> Duration:
    """What an epoch of `recipe` on `train` takes, and judging by `val`."""
    size = input_size(recipe, [(image.width, image.height) for image in train])
    shown = [image_views(recipe, size, (image.width, image.height), image.boxes) for image in train]
    pictures = sum(len(views.views) for views in shown)
    judged = limit_val_images(recipe, val)
    pixels = sum(judged_pixels(recipe, size, (image.width, image.height)) for image in judged)
    return Duration(
        pictures,
        len(judged),
        pictures * learnt_pixels(recipe, size) / 1e6 * speed.learning,
        pixels / 1e6 * speed.judging,
    )


def limit_val_images(recipe: Recipe, val: Sequence[SnapshotImage]) -> Sequence[SnapshotImage]:
    """Those of the validation images by which a run of `recipe` is judged."""
    return val[: recipe.evaluation.max_images or None]


def learnt_pixels(recipe: Recipe, size: tuple[int, int]) -> float:
    """What a picture of this size costs to learn from, in pixels: its own, and what comes with it and with its step."""
    return size[0] * size[1] + _PICTURE_PIXELS + _STEP_PIXELS / recipe.schedule.batch_size


def judged_pixels(recipe: Recipe, size: tuple[int, int], image: tuple[int, int]) -> int:
    """Pixels of all that the network looks at to judge an image of (width, height); `size`: of its input."""
    if recipe.sampling.mode == "whole":
        return size[0] * size[1]
    return tiled_pixels(*image, TILE, _OVERLAP)


# -- what was measured before ---------------------------------------------------------------------------------------


def count_threads(recipe: Recipe) -> int:
    """Threads that a training by `recipe` computes with on a CPU."""
    return recipe.limits.threads or choose_threads(os.environ).count


def speed_key(recipe: Recipe) -> str:
    """What a measurement holds for: this machine, model, way of showing images, and batch."""
    limits = recipe.limits
    parts = [
        platform.node(),
        recipe.device,
        f"{count_threads(recipe)} threads",
        recipe.model,
        f"{recipe.sampling.mode} at {recipe.sampling.input_size} px",
    ]
    return ", ".join([*parts, f"batch {recipe.schedule.batch_size}", limits.precision, recipe.strategy.kind])


def load_speed(path: Path, key: str) -> SpeedMeasured | None:
    """What was measured before, from the file `path`; None where it was not, or the file cannot be used."""
    values = _read_speeds(path).get(key)
    try:
        return SpeedMeasured(**values) if isinstance(values, dict) else None
    except TypeError:  # of another version of the program
        return None


def save_speed(path: Path, key: str, found: dict[str, Any]) -> None:
    """Remember a measurement; one that cannot be written is made again."""
    known = _read_speeds(path) | {key: found}
    kept = dict(list(known.items())[-_MOST_KEPT:])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_text(path, json.dumps(kept, indent=1))
    except OSError:
        return


def _read_speeds(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
