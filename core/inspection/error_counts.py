"""True positives, false positives and false negatives at a score threshold, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.inspection.matched_images import MatchedImages

Counts = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class ErrorCounts:
    """(box, label) pairs at one threshold, by image and label: arrays (images, labels)."""

    tp: Counts
    fp: Counts
    fn: Counts
    ignored: Counts  # detections on ignored boxes: neither right nor false


@dataclass(frozen=True, slots=True)
class PrecisionRecall:
    """Precision, recall and F1 of some counts; None where there is nothing to judge."""

    tp: int
    fp: int
    fn: int

    @property
    def precision(self) -> float | None:
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else None

    @property
    def recall(self) -> float | None:
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else None

    @property
    def f1(self) -> float | None:
        total = 2 * self.tp + self.fp + self.fn
        return 2 * self.tp / total if total else None


def count_errors(images: MatchedImages, threshold: float | NDArray[np.float32]) -> ErrorCounts:
    """Count at one threshold, or at one by label (k,). A few vector comparisons: about a millisecond for 100,000 detections."""
    table, shape = images.table, (len(images.image_ids), len(images.label_names))
    # Scores are float32: a threshold taken from one of them must include it.
    limit_k = np.broadcast_to(np.asarray(threshold, np.float32).astype(np.float64), shape[1:])
    passing = table.detections.score >= limit_k[table.detections.label]
    accepted = passing & ~table.ignored
    is_tp = accepted & (table.found >= 0)
    is_fn = (table.finder_score < limit_k[table.truth.label]) | (table.finder_score < 0)

    def count_groups(group: Counts) -> Counts:
        return np.bincount(group, minlength=shape[0] * shape[1]).reshape(shape)

    return ErrorCounts(
        count_groups(table.detections.group[is_tp]),
        count_groups(table.detections.group[accepted & ~is_tp]),
        count_groups(table.truth.group[is_fn]),
        count_groups(table.detections.group[passing & table.ignored]),
    )


def sum_counts(counts: ErrorCounts, label: int | None = None) -> PrecisionRecall:
    """The sum over all images, of one label or of all."""
    columns = slice(None) if label is None else slice(label, label + 1)
    return PrecisionRecall(*(int(part[:, columns].sum()) for part in (counts.tp, counts.fp, counts.fn)))
