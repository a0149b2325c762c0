"""How long exports and imports take, and in how much memory: 10,000 images with 100,000 boxes in every format.

    python -m tests.benchmarks.formats [IMAGES] [--boxes N] [--formats coco,yolo] [--plain N]

With 1000 images it gives the figures that readers are held to. Times of reading are the best of five. The last line is
the look at a folder of images without annotations: all of it, and that for masks alone. Images are headers of PNG files,
so that the time is that of the annotations and not of a disk.
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import InputError
from core.formats.annotations import WRITTEN, Format
from core.formats.exporting import ExportOptions, export_project
from core.formats.masks import count_masks
from core.formats.registry import detect_format, read_annotations
from core.project.snapshot import Snapshot, SnapshotImage, make_snapshot
from core.types import Split, Status

LABELS = tuple(f"label {number}" for number in range(8))


def snapshot(folder: Path, images: int, boxes: int) -> Snapshot:
    """Images of 4096 x 3000 in a hundred folders; a tenth of the boxes have two labels."""
    header = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBBI", 13, b"IHDR", 4096, 3000, 8, 2, 0, 0, 0, 0)
    random = np.random.default_rng(0)
    made = []
    for number in range(images):
        path = folder / f"lot {number % 100:02}" / f"image {number:06}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(header)
        low = random.uniform(0, 2900, (boxes, 2))
        marks = np.eye(8, dtype=bool)[random.integers(0, 8, boxes)]
        marks[random.random(boxes) < 0.1, 0] = True
        corners = np.hstack([low, low + random.uniform(5, 90, (boxes, 2))]).astype(np.float32)
        made.append(
            SnapshotImage(str(path), 4096, 3000, Status.LABELLED, Split.TRAIN, "", f"{number:032x}", corners, marks)
        )
    return make_snapshot(LABELS, ("#e8443a",) * 8, tuple(made))


def measured(work: Callable[[], Any], times: int = 1) -> dict[str, float]:
    """Seconds, the best of several `times`, and the largest memory of `work` in a process of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        found = []
        for _ in range(times):
            start, cpu = time.perf_counter(), time.process_time()
            work()
            found.append({"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu})
        os.write(writing, json.dumps(min(found, key=lambda one: one["cpu"])).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        told = file.read()
    _, _, usage = os.wait4(child, 0)
    return {key: round(value, 2) for key, value in json.loads(told).items()} | {
        "megabytes": round(usage.ru_maxrss / 1024)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=int, nargs="?", default=10_000)
    parser.add_argument("--boxes", type=int, default=10, help="on each image")
    parser.add_argument("--formats", default=",".join(WRITTEN))
    parser.add_argument("--plain", type=int, default=100_000, help="images of the folder without annotations")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole = snapshot(folder / "in", wanted.images, wanted.boxes)
        for format in map(Format, wanted.formats.split(",")):
            print(json.dumps(one(format, whole, folder)), flush=True)
        print(json.dumps(look_at_plain_folder(folder / "plain", wanted.plain)))


def one(format: Format, whole: Snapshot, folder: Path) -> dict[str, Any]:
    """A format, measured."""
    out = folder / str(format)
    exported = measured(lambda: export_project(whole, ExportOptions(format, out)))
    return {
        "format": str(format),
        "export": exported,
        "bytes": sum(path.stat().st_size for path in out.rglob("*") if path.is_file()),
        "detect": measured(lambda: detect_format(out)),
        "read": measured(lambda: read_annotations(out, None, folder / "in"), times=5),
    }


def look_at_plain_folder(folder: Path, images: int) -> dict[str, Any]:
    """How long it takes to see that there are no annotations in a folder."""
    for number in range(images):
        path = folder / f"lot {number % 100:02}" / f"image {number:06}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def detect() -> None:
        with suppress(InputError):
            detect_format(folder)

    return {"plain": images, "detect": measured(detect), "masks": measured(lambda: count_masks(folder))}


if __name__ == "__main__":
    main()
