"""What every reader of a foreign format gives: annotations by file, and what was wrong with them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.types import Problem


@dataclass(frozen=True, slots=True, eq=False)
class ImportedImage:
    """One image file with its boxes."""

    path: Path  # absolute; the file exists
    boxes: NDArray[np.float64]  # (n, 4) x1 y1 x2 y2 in pixels of the upright image, inside it, with area
    label_sets: tuple[frozenset[str], ...]  # of each box, by label name

    def __post_init__(self) -> None:
        if self.boxes.shape != (len(self.label_sets), 4):
            raise ValueError(f"{self.path}: {self.boxes.shape} boxes for {len(self.label_sets)} label sets")


@dataclass(frozen=True, slots=True, eq=False)
class ImportedAnnotations:
    """A foreign file, read."""

    source: Path
    labels: tuple[str, ...]  # in the order of the file
    images: tuple[ImportedImage, ...]
    problems: tuple[Problem, ...] = ()
