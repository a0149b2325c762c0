"""Pictures a second that the data path gives a training, beside a DataLoader with PIL and torchvision.transforms.v2.

    python tests/benchmarks/data_path.py [--images 24] [--workers 2] [--epochs 3]

Both sides take the same 12-megapixel JPEGs with the same boxes through flips, brightness and contrast to batches of
uint8 tensors with their targets, with as many workers. The reference is a Dataset as references/detection of torchvision
writes it (PIL decodes, each transform in turn, the workers kept alive between epochs), and shrinks first, which is its
fastest order. Stated goal: from the second epoch on at least 5 times the reference.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from core.augmentation.config import PRESETS
from core.project.images.image_files import content_hash
from core.project.snapshot import SnapshotImage
from core.recipe.recipe import Recipe, default_recipe, with_settings
from core.training.data.crops import input_size
from core.training.data.dataset import TrainingSet
from core.training.data.image_cache import ImageCache
from core.types import Split, Status

WIDTH, HEIGHT = 4000, 3000
BATCH = 8
GOAL = 5.0


def make_images(folder: Path, count: int) -> list[SnapshotImage]:
    """JPEGs with the detail and the grain of a camera's, some 4 MB each, with a dozen boxes."""
    made = []
    for number in range(count):
        random = np.random.default_rng(number)
        image = cv2.resize(
            random.integers(40, 216, (300, 400, 3), np.uint8), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC
        )
        grain = cv2.resize(random.integers(0, 24, (HEIGHT // 2, WIDTH // 2, 3), np.uint8), (WIDTH, HEIGHT))
        path = folder / f"{number}.jpg"
        path.write_bytes(cv2.imencode(".jpg", cv2.add(image, grain), [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())
        corners = random.uniform(0, [WIDTH - 200, HEIGHT - 200], (12, 2))
        boxes = np.concatenate([corners, corners + random.uniform(30, 200, (12, 2))], axis=1).astype(np.float32)
        made.append(
            SnapshotImage(
                str(path),
                WIDTH,
                HEIGHT,
                Status.LABELLED,
                Split.TRAIN,
                "",
                content_hash(path),
                boxes,
                np.ones((12, 3), bool),
            )
        )
    return made


class ReferenceDataset(torch.utils.data.Dataset[Any]):
    """As a project would write it with torchvision's detection reference before it."""

    def __init__(self, images: list[SnapshotImage], size: tuple[int, int], crops: int) -> None:
        from torchvision.transforms import v2

        self.entries = [image for image in images for _ in range(crops or 1)]
        width, height = size
        view = v2.RandomCrop((height, width)) if crops else v2.Resize((height, width), antialias=True)
        self.transforms = v2.Compose(
            [
                view,
                v2.RandomHorizontalFlip(),
                v2.RandomVerticalFlip(),
                v2.ColorJitter(0.1, 0.1),
                v2.PILToTensor(),
                v2.ClampBoundingBoxes(),
                v2.SanitizeBoundingBoxes(),
            ]
        )

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> Any:
        from PIL import Image
        from torchvision import tv_tensors

        record = self.entries[index]
        with Image.open(record.path) as file:
            image = file.convert("RGB")
        boxes = tv_tensors.BoundingBoxes(record.boxes, format="XYXY", canvas_size=(image.height, image.width))  # type: ignore[call-overload]
        return self.transforms(image, {"boxes": boxes, "labels": torch.ones(len(record.boxes), dtype=torch.int64)})


def collate(pictures: list[Any]) -> tuple[torch.Tensor, list[Any]]:
    return torch.stack([image for image, _ in pictures]), [target for _, target in pictures]


def epochs(batches: Callable[[int], Iterator[Any]], pictures: int, count: int) -> list[float]:
    """Pictures a second of each epoch."""
    speeds = []
    for epoch in range(1, count + 1):
        began = time.perf_counter()
        for _ in batches(epoch):
            pass
        speeds.append(pictures / (time.perf_counter() - began))
    return speeds


def reference_speeds(reference: ReferenceDataset, workers: int, count: int) -> list[float]:
    loader = torch.utils.data.DataLoader(
        reference, BATCH, shuffle=True, num_workers=workers, collate_fn=collate, persistent_workers=True
    )
    return epochs(lambda _: iter(loader), len(reference), count)


def recipe(crops: int, workers: int) -> Recipe:
    return with_settings(
        default_recipe("ssd_compact"),
        {
            "sampling.mode": "crops" if crops else "whole",
            "sampling.input_size": 320 if crops else 512,
            "sampling.crops_per_image": crops,
            "schedule.batch_size": BATCH,
            "limits.workers": workers,
            "augmentation": PRESETS["Light"].model_dump(),
        },
    )


def compare(images: list[SnapshotImage], crops: int, workers: int, count: int, table: Table) -> bool:
    chosen = recipe(crops, workers)
    size = input_size(chosen, [(WIDTH, HEIGHT)])
    theirs = reference_speeds(ReferenceDataset(images, size, crops), workers, min(count, 2))
    what = f"{crops} crops of {size[0]} px an image" if crops else f"whole images at {size[0]} x {size[1]}"
    table.add_row(what, "PIL and transforms.v2", *(f"{theirs[at]:.1f}" for at in (0, -1)), "1.0 x")
    reached = True
    with tempfile.TemporaryDirectory() as folder:
        for name, cache in (
            ("ours, memory", ImageCache(2**33)),
            ("ours, disk alone", ImageCache(0, folder=Path(folder), disk_bytes=2**34)),
            ("ours, next run, from disk", ImageCache(0, folder=Path(folder), disk_bytes=2**34)),
            ("ours, no cache", ImageCache(0)),
        ):
            data = TrainingSet(images, 3, chosen, size, cache)
            ours = epochs(data.batches, len(data), 2 if name == "ours, no cache" else count)
            ratio = max(ours[1:]) / max(theirs)
            reached &= ratio >= GOAL or name == "ours, no cache"
            table.add_row("", name, f"{ours[0]:.1f}", f"{max(ours[1:]):.1f}", f"{ratio:.1f} x")
    return reached


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=3)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    console = Console()
    table = Table(title=f"{chosen.images} JPEGs of 12 megapixels, {chosen.workers} workers, pictures a second")
    for column in ("pictures", "data path", "first epoch", "later epochs", "ratio"):
        table.add_column(column, justify="left" if column in ("pictures", "data path") else "right")
    with tempfile.TemporaryDirectory() as folder:
        images = make_images(Path(folder), chosen.images)
        reached = [compare(images, crops, chosen.workers, chosen.epochs, table) for crops in (0, 4)]
    console.print(table)
    console.print(
        f"goal, {GOAL:g} times the reference from the second epoch: {'reached' if all(reached) else 'missed'}"
    )


if __name__ == "__main__":
    main()
