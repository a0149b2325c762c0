"""Checkpoints and predictions as a training leaves them, small and made without one."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core import geometry
from core.imaging.cameras import Cameras
from core.inference.predictions import PredictionSet
from core.inspection import prediction_cache
from core.inspection.load_inspection import list_judged_images
from core.project.project import Project
from core.project.records import CheckpointRecord
from core.project.snapshot import take_snapshot
from core.recipe.recipe import default_recipe, save_recipe
from core.types import Detections


def write_checkpoint(
    project: Project,
    run: str,
    stem: str,
    *,
    epoch: int = 1,
    map50: float | None = 0.5,
    model: str = "ssd_compact",
    created: str = "2025-03-01T10:00:00+00:00",
    labels: Sequence[str] = (),
    size: int = 64,
    cameras: Cameras | None = None,
    label_ids: Sequence[int] = (),
    operating_point: dict[str, Any] | None = None,
) -> Path:
    """A safetensors file with the description of a checkpoint and `size` bytes of weights, in its run's folder."""
    names = list(labels) or [label.name for label in project.labels()]
    random = np.random.default_rng(epoch)
    ap = {name: None if map50 is None else float(np.clip(map50 + random.normal(0, 0.1), 0, 1)) for name in names}
    described: dict[str, Any] = {
        "model": model,
        "epoch": epoch,
        "created": created,
        "labels": names,
        "metrics": {"map50": map50, "map": None if map50 is None else map50 * 0.6, "label_ap50": ap},
    }
    if operating_point is not None:
        described["operating_point"] = operating_point
    if label_ids:
        described["label_ids"] = list(label_ids)
    if cameras is not None:
        described["cameras"] = cameras.to_json()
    header = {
        "__metadata__": {"defectdesk": json.dumps(described)},
        "model.w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]},
    }
    text = json.dumps(header).encode()
    path = project.folder / "runs" / run / "checkpoints" / f"{stem}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(text).to_bytes(8, "little") + text + os.urandom(size))
    save_recipe(default_recipe(model), path.parents[1] / "recipe.yaml")
    return path


def noisy_detections(
    project: Project, label_names: Sequence[str], split: str = "all", seed: int = 0
) -> tuple[list[str], list[str], list[Detections]]:
    """Paths, content hashes and detections that find most true boxes, confuse some, and see some that are not there."""
    random = np.random.default_rng(seed)
    snapshot = take_snapshot(project)
    images = list_judged_images(snapshot, split)
    found = []
    for image in images:
        boxes, scores = [], []
        for box, labels in zip(image.boxes, image.labels, strict=True):
            if random.random() < 0.15:
                continue
            side = float(max(box[2] - box[0], box[3] - box[1]))
            boxes.append(box + random.normal(0, 0.04 * side, 4))
            names = [name for name, there in zip(snapshot.label_names, labels, strict=True) if there]
            row = random.uniform(0, 0.25, len(label_names)) ** 2
            for name in names:
                if name in label_names and random.random() < 0.9:
                    row[list(label_names).index(name)] = random.beta(5, 2)
            if random.random() < 0.15:
                row[random.integers(len(label_names))] = random.uniform(0.3, 0.8)
            scores.append(row)
        for _ in range(random.poisson(1.2)):
            low = random.uniform(0, 0.8, 2) * (image.width, image.height)
            boxes.append(np.concatenate([low, low + random.uniform(12, 50, 2)]))
            row = random.uniform(0, 0.2, len(label_names)) ** 2
            row[random.integers(len(label_names))] = random.beta(1.5, 3)
            scores.append(row)
        array = geometry.clip_boxes(np.asarray(boxes, np.float32).reshape(-1, 4), image.width, image.height)
        array[:, 2:] = np.maximum(array[:, 2:], array[:, :2] + 1)
        score_array = np.asarray(scores, np.float32).reshape(-1, len(label_names)).clip(0, 1)
        found.append(Detections(array.astype(np.float32), score_array, tuple(label_names)))
    return [image.path for image in images], [image.content_hash for image in images], found


def write_predictions(
    project: Project, checkpoint: CheckpointRecord, split: str = "all", *, labels: Sequence[str] = (), seed: int = 0
) -> Path:
    """Put noisy predictions into the project's cache, as a finished job leaves them."""
    names = tuple(labels) or tuple(label.name for label in project.labels())
    paths, hashes, found = noisy_detections(project, names, split, seed)
    snapshot = take_snapshot(project)
    folder = prediction_cache.find_job_folder(
        prediction_cache.prediction_root(project), checkpoint.id, checkpoint.path, split, snapshot.hash
    )
    made = PredictionSet(names, str(checkpoint.path), snapshot.hash, split, tuple(paths), tuple(found), tuple(hashes))
    made.save(folder / prediction_cache.PREDICTIONS_FILE)
    return folder / prediction_cache.PREDICTIONS_FILE
