"""Pictures of what a model detects, alone and against the truth, drawn without a screen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.evaluation.matching import ImageMatch
from core.inspection.drawing import MUTED, PAPER, Color, Image, Tag, draw_box, draw_tags, draw_text, text_width
from core.types import Detections, GroundTruth

# Told apart by hue and lightness, and by line style as well, for eyes that do not see red and green as different.
TP_COLOR: Color = (22, 140, 72)
FP_COLOR: Color = (205, 48, 56)
FN_COLOR: Color = (222, 140, 0)

_CELL = 420
_GAP = 16
_HEAD = 84


def draw_detections(
    image: Image, detections: Detections, threshold: float | NDArray[np.float32], colors: Sequence[Color]
) -> Image:
    """A copy of `image` with all detections of which a label reaches its threshold, captioned with these and their scores.

    `threshold`: of all labels, or of each (k,).
    """
    picture = image.copy()
    size = max(12, round(min(image.shape[:2]) / 45))
    taken: list[tuple[int, int, int, int]] = []
    order = np.argsort(-detections.best, kind="stable")
    passing = (detections.scores >= threshold) & (detections.scores > 0)
    shown = [row for row in order if passing[row].any()]
    for row in shown:
        surest = int(np.where(passing[row], detections.scores[row], -1).argmax())
        draw_box(picture, detections.boxes[row], colors[surest], max(1, size // 8))
    for row in shown:
        labels = [label for label in np.argsort(-detections.scores[row]) if passing[row, label]]
        tags = [
            Tag(f"{detections.label_names[label]} {detections.scores[row, label]:.2f}", colors[label])
            for label in labels
        ]
        draw_tags(picture, detections.boxes[row], tags, taken, size)
    return picture


@dataclass(frozen=True, slots=True, eq=False)
class PredictionCase:
    """One image with what is on it, what was detected, and how they match."""

    title: str
    image: Image
    truth: GroundTruth
    detections: Detections
    match: ImageMatch


def draw_prediction_sheet(
    cases: Sequence[PredictionCase], label_names: Sequence[str], title: str, columns: int = 4
) -> Image:
    """A sheet of images with predictions drawn against truth, under a title and a key to the colours."""
    rows = max(1, math.ceil(len(cases) / columns))
    columns = max(1, min(columns, len(cases)))
    tall = _CELL + 26
    sheet = np.full((_HEAD + rows * (tall + _GAP), max(columns, 3) * (_CELL + _GAP) + _GAP, 3), PAPER, np.uint8)
    draw_text(sheet, title, _GAP, 36, 24, bold=True)
    x = _GAP
    for text, color, dashed in (
        ("found", TP_COLOR, False),
        ("false alarm", FP_COLOR, False),
        ("missed", FN_COLOR, True),
        ("truth", (150, 150, 150), True),
        ("ignored", MUTED, True),
    ):
        draw_box(sheet, (x, 56, x + 22, 70), color, 2, dashed)
        draw_text(sheet, text, x + 30, 69, 15, MUTED)
        x += 30 + text_width(text, 15) + 24
    for index, case in enumerate(cases):
        left = _GAP + index % columns * (_CELL + _GAP)
        top = _HEAD + index // columns * (tall + _GAP)
        cell = _draw_case(case, label_names)
        sheet[top : top + cell.shape[0], left : left + cell.shape[1]] = cell
        counts = f"{case.match.tp} found · {case.match.fp} false · {case.match.fn} missed"
        if not len(case.truth):
            what = "nothing to judge" if len(case.truth.ignored) else "clean"
            counts = what + (f" · {case.match.fp} false" if case.match.fp else ", and nothing found")
        draw_text(sheet, case.title, left, top + _CELL + 19, 15)
        draw_text(sheet, counts, left + _CELL - text_width(counts, 15), top + _CELL + 19, 15, MUTED)
    return sheet


def _draw_case(case: PredictionCase, label_names: Sequence[str]) -> Image:
    height, width = case.image.shape[:2]
    factor = _CELL / max(height, width)
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    cell = np.asarray(
        cv2.resize(case.image, (round(width * factor), round(height * factor)), interpolation=way), np.uint8
    )
    match, taken = case.match, list[tuple[int, int, int, int]]()
    fn_tags: dict[int, list[Tag]] = {}
    for row, label in match.fn_rows.tolist():
        fn_tags.setdefault(row, []).append(Tag(f"{label_names[label]} missed", FN_COLOR))
    detection_tags: dict[int, list[Tag]] = {}
    for row, label, truth in zip(match.detections.tolist(), match.labels.tolist(), match.truths.tolist(), strict=True):
        score = case.detections.scores[row, case.detections.label_names.index(label_names[label])]
        detection_tags.setdefault(row, []).append(
            Tag(f"{label_names[label]} {score:.2f}", TP_COLOR if truth >= 0 else FP_COLOR)
        )
    for row, box in enumerate(case.truth.boxes):
        draw_box(
            cell, box * factor, FN_COLOR if row in fn_tags else (235, 235, 235), 2 if row in fn_tags else 1, dashed=True
        )
    for box in case.truth.ignored:
        draw_box(cell, box * factor, MUTED, 1, dashed=True)
    for row, tags in detection_tags.items():
        draw_box(
            cell,
            case.detections.boxes[row] * factor,
            TP_COLOR if any(t.color == TP_COLOR for t in tags) else FP_COLOR,
            2,
        )
    for row, tags in detection_tags.items():
        draw_tags(cell, case.detections.boxes[row] * factor, tags, taken, 13)
    for row, tags in fn_tags.items():
        draw_tags(cell, case.truth.boxes[row] * factor, tags, taken, 13)
    return cell
