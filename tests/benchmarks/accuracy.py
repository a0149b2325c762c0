"""Accuracy on a data set with an official split, all of it or learning curves, from one command.

    python -m tests.benchmarks.accuracy DATA --out DIR                     ssd_compact, on a CPU: at most two hours
    python -m tests.benchmarks.accuracy DATA --out DIR --recipe gpu        ssd512_vgg16 from scratch, on a GPU
    python -m tests.benchmarks.accuracy DATA --out DIR --images 10 50 100 500 --seeds 0 1 2

DATA holds train.json and test.json (COCO). The test images are predicted once for each trained model, after its last
epoch: nothing is chosen by them. Images belong to groups by the first digits of their names; results on groups that
the training images have and on those that they lack are told apart. Results are added to DIR/accuracy.jsonl.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from core.evaluation.average_precision import Evaluation, evaluate_detections
from core.formats.importing import import_into
from core.formats.registry import detect_format, read_annotations
from core.jobs.events import EpochDone, Notice, RunFailed, RunFinished, to_json
from core.operations.launcher import make_launcher
from core.operations.predict import SplitPredictions, load_predictor, predict_split
from core.operations.start_run import prepare_run, run_training
from core.project.edits import image_edits
from core.project.project import Project
from core.project.snapshot import take_snapshot
from core.recipe.recipe import Recipe, default_recipe, with_settings
from core.types import Split

GROUP_DIGITS = 5
VALIDATION = 40  # images of train.json that are only looked at while a training goes on

# From scratch, by recipe: the settings, and how many pictures a training on few and on all images is shown.
RECIPES: dict[str, tuple[str, dict[str, Any]]] = {
    "cpu": (
        "ssd_compact",
        {
            "loss.kind": "mined_bce",
            "loss.box_weight": 1.0,
            "sampling.on_box": 0.5,
            "optimizer.ema": 0.999,
            "optimizer.weight_decay": 0.02,
            "augmentation.quarter_turn": 0.5,
            "schedule.epochs": 120,
            "evaluation.every": 12,
            "limits.time_minutes": 115,
        },
    ),
    "gpu": (
        "ssd512_vgg16",
        {
            "weights.source": "none",
            "strategy.kind": "scratch",
            "sampling.mode": "crops",
            "sampling.input_size": 512,
            "sampling.crops_per_image": 2,
            "loss.kind": "mined_bce",
            "loss.box_weight": 1.0,
            "optimizer.kind": "adamw",
            "optimizer.lr": 5e-4,
            "optimizer.weight_decay": 0.02,
            "optimizer.ema": 0.999,
            "schedule.batch_size": 32,
            "schedule.epochs": 150,
            "schedule.warmup_steps": 500,
            "evaluation.every": 10,
            "limits.workers": 12,
        },
    ),
}
# A small set is gone through more often: this share of the pictures of a training on all images, by how many there are.
LEAST_SHARE = 0.06


def main() -> None:
    arguments = _arguments()
    arguments.out.mkdir(parents=True, exist_ok=True)
    test = _project(arguments.out / "test", arguments.data / "test.json")
    settings = dict(one.split("=", 1) for one in arguments.set)
    for count in arguments.images:
        for seed in arguments.seeds:
            row = measure(arguments, test, count, seed, {key: json.loads(text) for key, text in settings.items()})
            with (arguments.out / "accuracy.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            print(json.dumps(row), flush=True)


def measure(
    arguments: argparse.Namespace, test: Path, count: int, seed: int, settings: dict[str, Any]
) -> dict[str, Any]:
    """Train on `count` images (0: all) and judge the last checkpoint on the test images."""
    folder = _project(arguments.out / f"train-{count}-{seed}", arguments.data / "train.json")
    with Project.open(folder) as project:
        total = len(project.images())
        chosen = _choose(project, count, seed)
        recipe = _recipe(arguments.recipe, count or total, total, seed, settings)
        run = prepare_run(project, recipe)
    began = time.monotonic()
    ended: RunFinished | None = None
    for event in run_training(run, make_launcher()):
        if isinstance(event, EpochDone | Notice | RunFailed):
            print(json.dumps(to_json(event))[:300], flush=True)
        if isinstance(event, RunFinished):
            ended = event
    minutes = (time.monotonic() - began) / 60
    with Project.open(test, read_only=True) as project:
        snapshot = take_snapshot(project)
    predictor = load_predictor(run.path / "checkpoints" / "last.safetensors", recipe.device)
    found = predict_split(predictor, snapshot, Split.TEST)
    results = by_group(found, snapshot.label_names, {Path(path).name[:GROUP_DIGITS] for path in chosen})
    return {
        "model": recipe.model,
        "images": len(chosen),
        "seed": seed,
        "minutes": round(minutes, 1),
        "epochs": recipe.schedule.epochs,
        "memory_mb": ended.peak_memory_mb if ended else None,
        **{
            name: {"images": one.images, "ap50": one.map50, "ap": one.map, "ap75": one.map75}
            for name, one in results.items()
        },
        "labels": {name: one.ap50 for name, one in results["all"].labels.items()},
    }


def by_group(found: SplitPredictions, names: tuple[str, ...], trained: set[str]) -> dict[str, Evaluation]:
    """The evaluation of all images, of those whose group was trained on, and of the others."""
    seen = np.array([Path(image.path).name[:GROUP_DIGITS] in trained for image in found.images])
    every = {"all": np.ones_like(seen), "seen": seen, "unseen": ~seen}
    return {
        name: evaluate_detections([found.truth[i] for i in rows], [found.found[i] for i in rows], names)
        for name, kept in every.items()
        if len(rows := np.flatnonzero(kept))
    }


def _project(folder: Path, annotations: Path) -> Path:
    """The project of an annotation file; made where it is not there yet, all images in the test split."""
    if not folder.exists():
        with Project.creating(folder) as project:
            import_into(project, read_annotations(annotations, detect_format(annotations).format))
            project.apply(image_edits.set_split(project, [image.id for image in project.images()], Split.TEST))
    return folder


def _choose(project: Project, count: int, seed: int) -> list[str]:
    """Put `count` images (0: all that are left) into the train split, and others that are looked at meanwhile into val.

    Returns the paths of the images to train on.
    """
    images = sorted(project.images(), key=lambda image: image.path)
    order = np.random.default_rng(seed).permutation(len(images))
    val, train = order[:VALIDATION], order[VALIDATION:][: count or None]
    for split, rows in ((Split.NONE, order), (Split.VAL, val), (Split.TRAIN, train)):
        project.apply(image_edits.set_split(project, [images[row].id for row in rows], split))
    return [images[row].path for row in train]


def _recipe(name: str, count: int, total: int, seed: int, settings: dict[str, Any]) -> Recipe:
    model, own = RECIPES[name]
    recipe = with_settings(default_recipe(model), own | {"seed": seed} | settings)
    # The pictures shown grow with the root of the images: ten images need far more than a hundredth of the steps.
    share = max((count / total) ** 0.5, LEAST_SHARE)
    epochs = round(recipe.schedule.epochs * share * total / count)
    return with_settings(recipe, {"schedule.epochs": max(epochs, 1)})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with train.json and test.json")
    parser.add_argument("--out", type=Path, required=True, help="folder for projects, runs and results")
    parser.add_argument("--recipe", choices=RECIPES, default="cpu")
    parser.add_argument("--images", type=int, nargs="+", default=[0], help="how many to train on; 0: all")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--set", action="append", default=[], metavar="KEY=JSON", help="a setting of the recipe")
    return parser.parse_args()


if __name__ == "__main__":
    main()
