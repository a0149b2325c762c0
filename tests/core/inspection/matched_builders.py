"""Truth and detections of one image, and their match."""

from __future__ import annotations

import numpy as np

from core.inspection.marks import Mark, list_marks
from core.inspection.matched_images import MatchedImages, match_images
from core.types import Detections, GroundTruth

NAMES = ("scratch", "stain")
BOX = (10, 10, 50, 50)
FAR = (100, 100, 140, 140)


def truth(*boxes: tuple[tuple[float, ...], tuple[int, ...]]) -> GroundTruth:
    labels = np.zeros((len(boxes), len(NAMES)), bool)
    for row, (_, present) in enumerate(boxes):
        labels[row, list(present)] = True
    return GroundTruth(np.array([box for box, _ in boxes], np.float32).reshape(-1, 4), labels)


def found(*boxes: tuple[tuple[float, ...], tuple[float, ...]], names: tuple[str, ...] = NAMES) -> Detections:
    scores = np.array([score for _, score in boxes], np.float32).reshape(-1, len(names))
    return Detections(np.array([box for box, _ in boxes], np.float32).reshape(-1, 4), scores, names)


def data_of(true: GroundTruth, detections: Detections, iou: float = 0.5) -> MatchedImages:
    return match_images([7], [true], [detections], NAMES, detections.label_names, iou)


def marks_of(data: MatchedImages, threshold: float = 0.5) -> list[Mark]:
    return list_marks(data, 0, threshold)
