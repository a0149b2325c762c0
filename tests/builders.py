"""Small builders of what tests need: image files, projects, COCO files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.changes import Changes
from core.project import palette
from core.project.edits import box_edits
from core.project.edits.edit import Edit
from core.project.project import Project
from core.types import Label

XYXY = tuple[float, float, float, float]


def picture(width: int = 64, height: int = 48, seed: int = 0) -> NDArray[np.uint8]:
    """An RGB image, shape (height, width, 3), smooth enough for JPEG and different for each seed."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def write_picture(path: Path, image: NDArray[np.generic] | None = None, *, seed: int = 0) -> Path:
    """Write an image (RGB, RGBA or grey; 8 or 16 bits) in the format of the path's suffix."""
    pixels = picture(seed=seed) if image is None else image
    codes = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, codes[pixels.shape[2]])
    done, data = cv2.imencode(path.suffix, pixels)
    assert done
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.tobytes())
    return path


def write_pictures(folder: Path, count: int) -> list[Path]:
    """Write `count` different pictures of 64 x 48, named part1.png, part2.png, ..."""
    return [write_picture(folder / f"part{number}.png", seed=number) for number in range(1, count + 1)]


def project_with_pictures(folder: Path, count: int = 3, labels: Sequence[str] = ("scratch", "pit", "stain")) -> Project:
    """An open project in `folder` with `count` unlabelled pictures in its folder `images`."""
    project = Project.create(folder, labels)
    write_pictures(folder / "images", count)
    _, problems = project.files.add_images([folder / "images"])
    assert not problems
    return project


def draw(project: Project, image_id: int, xyxy: XYXY = (5, 6, 25, 30), labels: Sequence[str] = ("scratch",)) -> int:
    """Draw a box through an edit; returns its id."""
    ids = {label.name: label.id for label in project.labels()}
    known = {box.id for box in project.boxes(image_id)}
    project.apply(box_edits.add_box(project, image_id, xyxy, {ids[name] for name in labels}))
    (new,) = {box.id for box in project.boxes(image_id)} - known
    return new


def add_labels(project: Project, names: Sequence[str]) -> Changes:
    """Add labels at the end of the list, with colours and shortcuts; names that are there are passed over."""
    after = palette.extend_labels(project.labels(), names, lambda: project.new_ids("label", 1)[0])
    return project.apply(Edit("Add label" if len(names) == 1 else "Add labels", {}, {}, project.labels(), after))


def label_named(project: Project, name: str) -> Label | None:
    return next((label for label in project.labels() if label.name == name), None)


def write_coco(
    path: Path,
    images: Sequence[dict[str, Any]],
    annotations: Sequence[dict[str, Any]],
    categories: Sequence[str] = ("open", "short"),
) -> Path:
    """Write a COCO file; categories get the ids 1, 2, ..., annotations ids from 1 where they have none."""
    tree = {
        "images": list(images),
        "annotations": [{"id": place, **entry} for place, entry in enumerate(annotations, start=1)],
        "categories": [{"id": place, "name": name} for place, name in enumerate(categories, start=1)],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(tree), encoding="utf-8")
    return path
