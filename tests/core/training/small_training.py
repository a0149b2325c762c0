"""A training of seconds, for the tests that start it in processes of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from core.project.images.image_files import content_hash
from core.project.snapshot import Snapshot, SnapshotImage, make_snapshot
from core.recipe.recipe import Recipe, default_recipe, save_recipe, with_settings
from core.sample import SAMPLE_LABELS, generate_image
from core.types import Split, Status
from tests.builders import write_picture


def small_snapshot(folder: Path, train: int, val: int, size: int = 96) -> Snapshot:
    """Pictures of the sample project, written to `folder`."""
    images = []
    for index in range(train + val):
        picture, boxes, sets = generate_image(index, 5, size)
        marks = np.array([[name in names for name in SAMPLE_LABELS] for names in sets], bool)
        path = str(write_picture(folder / f"{index}.png", picture))
        status = Status.LABELLED if len(boxes) else Status.CLEAN
        split = Split.TRAIN if index < train else Split.VAL
        labels = marks.reshape(-1, len(SAMPLE_LABELS))
        images.append(SnapshotImage(path, size, size, status, split, "", content_hash(Path(path)), boxes, labels))
    return make_snapshot(tuple(SAMPLE_LABELS), ("#ff0000",) * len(SAMPLE_LABELS), tuple(images))


def small_recipe(**settings: Any) -> Recipe:
    """A minute network on 64 px; `settings` by dotted name with __ for the dot."""
    usual = {
        "sampling.input_size": 64,
        "sampling.crops_per_image": 1,
        "schedule.epochs": 2,
        "schedule.batch_size": 4,
        "schedule.warmup_steps": 2,
        "device": "cpu",
        "limits.precision": "fp32",
        "limits.workers": 1,
        # Its gradient is the same however a batch is divided.
        "loss.kind": "focal",
        "loss.box_weight": 0.2,
    }
    return with_settings(
        default_recipe("ssd_compact"), usual | {name.replace("__", "."): value for name, value in settings.items()}
    )


def write_run(folder: Path, snapshot: Snapshot, recipe: Recipe) -> Path:
    """A run folder that is ready to be trained."""
    save_recipe(recipe, folder / "recipe.yaml")
    snapshot.save(folder / "snapshot.json")
    return folder
