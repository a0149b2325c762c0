"""What a run finds on a few validation images, epoch by epoch: small pictures and boxes in its folder. Imports no torch.

samples/samples.json     which images, their true boxes, and how large their pictures are
samples/0.jpg            the first of them, small
samples/epoch-0003.json  what was found after the third epoch, and from which scores on it counts
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core import files
from core.project.snapshot import SnapshotImage
from core.randomness import seed_for
from core.types import Detections

FOLDER = "samples"  # in the folder of a run
SIDE = 320  # pixels of the longer side of a picture, at most
MOST_FOUND = 60  # detections of one image that are kept
LEAST_SCORE = 0.05
_INDEX = "samples.json"
_EPOCH = re.compile(r"epoch-(\d+)\.json")

XYXY = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class SampleBox:
    """A box in pixels of the small picture."""

    xyxy: XYXY
    labels: tuple[int, ...]  # numbers of its labels
    score: float = 1.0  # the highest of its labels'; 1 of a true box


@dataclass(frozen=True, slots=True)
class SampleImage:
    """One of the images, and what is there in truth."""

    name: str
    picture: Path
    width: int  # of the picture
    height: int
    truth: tuple[SampleBox, ...]


@dataclass(frozen=True, slots=True)
class Samples:
    """All that a run has shown so far."""

    label_names: tuple[str, ...]
    images: tuple[SampleImage, ...]
    found: Mapping[int, tuple[tuple[SampleBox, ...], ...]]  # by epoch, for each image in its order

    @property
    def epochs(self) -> list[int]:
        return sorted(self.found)


def choose_samples(images: Sequence[SnapshotImage], count: int, seed: int) -> list[int]:
    """Places of the images that are shown: by the run's seed, those with boxes first; the same whatever their order."""

    def rank(place: int) -> tuple[bool, int]:
        image = images[place]
        return not len(image.boxes), seed_for(seed, "sample", image.content_hash or image.path)

    return sorted(sorted(range(len(images)), key=rank)[:count])


class SampleWriter:
    """Writes into the folder of one run."""

    def __init__(self, run_folder: Path, images: Sequence[SnapshotImage], names: Sequence[str], seed: int, count: int):
        self._folder = run_folder / FOLDER
        self._names = list(names)
        self._places = choose_samples(images, count, seed)
        self._images = [images[place] for place in self._places]
        self._found: list[Detections] = []

    @property
    def images(self) -> list[SnapshotImage]:
        """The images that are shown."""
        return list(self._images)

    @property
    def needs_pictures(self) -> bool:
        """Whether the small pictures are still to be written."""
        return bool(self._images) and not (self._folder / _INDEX).is_file()

    def keep_found(self, found: Sequence[Detections]) -> None:
        """Remember what a judgement found; `found` is in the order of all validation images."""
        self._found = [found[place] for place in self._places]

    def write_pictures(self, pixels: Iterable[NDArray[np.uint8]]) -> None:
        """Write the small pictures, from `pixels` (h, w, 3) RGB of each image in any size. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        told = []
        for number, (image, whole) in enumerate(zip(self._images, pixels, strict=True)):
            scale = min(1.0, SIDE / max(image.width, image.height))
            width, height = max(1, round(image.width * scale)), max(1, round(image.height * scale))
            small = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
            done, data = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 88])
            assert done
            files.write_unsynced(self._folder / f"{number}.jpg", [data.tobytes()])
            truth = [
                {"box": _scale_box(box, scale), "labels": np.flatnonzero(labels).tolist()}
                for box, labels in zip(image.boxes, image.labels, strict=True)
            ]
            told.append({"name": Path(image.path).name, "width": width, "height": height, "truth": truth})
        files.write_json(self._folder / _INDEX, {"labels": self._names, "images": told})

    def write_epoch(self, epoch: int, thresholds: Mapping[str, float]) -> None:
        """Write what was found after `epoch`; a label counts from its threshold on. Raises OSError."""
        if not self._images or not self._found:
            return
        least = np.array([thresholds.get(name, 0.5) for name in self._names], np.float32)
        told = [
            self._describe_found(image, found, least) for image, found in zip(self._images, self._found, strict=True)
        ]
        files.write_json(self._folder / f"epoch-{epoch:04d}.json", {"epoch": epoch, "images": told})
        # A run that is resumed repeats what came after its checkpoint.
        for later, path in _list_epochs(self._folder).items():
            if later > epoch:
                path.unlink(missing_ok=True)

    def _describe_found(
        self, image: SnapshotImage, found: Detections, least: NDArray[np.float32]
    ) -> list[dict[str, Any]]:
        scale = min(1.0, SIDE / max(image.width, image.height))
        counts = (found.scores >= least) & (found.scores >= LEAST_SCORE)
        rows = np.flatnonzero(counts.any(axis=1))
        rows = rows[np.argsort(-found.best[rows], kind="stable")][:MOST_FOUND]
        return [
            {
                "box": _scale_box(found.boxes[row], scale),
                "labels": np.flatnonzero(counts[row]).tolist(),
                "score": round(float(found.scores[row][counts[row]].max()), 3),
            }
            for row in rows
        ]


def read_samples(run_folder: Path) -> Samples | None:
    """What lies in the folder of a run; None where there is nothing, or nothing that can be read."""
    folder = run_folder / FOLDER
    try:
        index = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
        images = tuple(
            SampleImage(
                str(one["name"]),
                folder / f"{number}.jpg",
                int(one["width"]),
                int(one["height"]),
                _read_boxes(one["truth"]),
            )
            for number, one in enumerate(index["images"])
        )
        names = tuple(str(name) for name in index["labels"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    found = {}
    for epoch, path in _list_epochs(folder).items():
        try:
            tree = json.loads(path.read_text(encoding="utf-8"))
            boxes = tuple(_read_boxes(one) for one in tree["images"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue  # one epoch less to look at
        if len(boxes) == len(images):
            found[epoch] = boxes
    return Samples(names, images, found)


def _read_boxes(told: Any) -> tuple[SampleBox, ...]:
    boxes = []
    for one in told:
        x1, y1, x2, y2 = (float(value) for value in one["box"])
        boxes.append(
            SampleBox((x1, y1, x2, y2), tuple(int(label) for label in one["labels"]), float(one.get("score", 1.0)))
        )
    return tuple(boxes)


def _list_epochs(folder: Path) -> dict[int, Path]:
    if not folder.is_dir():
        return {}
    found = {match: path for path in folder.iterdir() if (match := _EPOCH.fullmatch(path.name))}
    return {int(match[1]): path for match, path in found.items()}


def _scale_box(box: NDArray[np.float32], scale: float) -> list[float]:
    return [round(float(value) * scale, 1) for value in box]
