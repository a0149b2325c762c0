"""How well a model tells which defects are in an image: F1, ROC-AUC and average precision, by label and over all.

An image carries every label that one of its boxes carries; a label is then a yes-or-no question to each image. Sources:
ROC-AUC as the probability that an image with the label scores higher than one without (Mann and Whitney's U, ties
count half); average precision as the sum of precisions weighted by the steps in recall, not interpolated.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.evaluation.operating_point import choose_threshold
from core.types import Detections, GroundTruth

Doubles = NDArray[np.float64]
Scores = NDArray[np.floating]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ImageLabelMetrics:
    """One label. A measure is None where there is nothing to judge it by."""

    ap: float | None
    roc_auc: float | None  # None unless there are images with the label and images without
    precision: float | None  # None where no image was given the label
    recall: float | None
    f1: float | None
    images: int  # that carry the label
    threshold: float | None  # the score from which on an image is given the label
    tp: int = 0  # images, at that score
    fp: int = 0
    fn: int = 0


@dataclass(frozen=True, slots=True)
class Classification:
    """One model on one set of images. Macro: mean over the labels; micro: all (image, label) pairs together."""

    images: int
    map: float | None  # mean average precision over the labels
    macro_f1: float | None
    micro_f1: float | None
    macro_precision: float | None
    macro_recall: float | None
    macro_roc_auc: float | None
    micro_roc_auc: float | None
    exact_match: float | None  # share of the images whose label set is exactly right
    labels: dict[str, ImageLabelMetrics]
    map_all_labels: float | None = None  # with 0 for each label that the model does not know, which `map` leaves out
    unknown_labels: tuple[str, ...] = ()  # that the model cannot tell
    ignored_images: int = 0  # left out: of what an ignored box shows, nobody knows

    def to_json(self) -> dict[str, Any]:
        """Plain values for `evaluate --json`."""
        values: dict[str, Any] = {"images": self.images, "ignored_images": self.ignored_images} | self.measures()
        values |= {"map_all_labels": self.map_all_labels, "unknown_labels": list(self.unknown_labels)}
        values["labels"] = {}
        for name, one in self.labels.items():
            values["labels"][name] = {
                "ap": one.ap,
                "roc_auc": one.roc_auc,
                "precision": one.precision,
                "recall": one.recall,
                "f1": one.f1,
                "images": one.images,
                "threshold": one.threshold,
                "tp": one.tp,
                "fp": one.fp,
                "fn": one.fn,
            }
        return values

    def measures(self) -> dict[str, float | None]:
        """All that is not by label, by name."""
        return {
            "map": self.map,
            "macro_f1": self.macro_f1,
            "micro_f1": self.micro_f1,
            "macro_precision": self.macro_precision,
            "macro_recall": self.macro_recall,
            "macro_roc_auc": self.macro_roc_auc,
            "micro_roc_auc": self.micro_roc_auc,
            "exact_match": self.exact_match,
        }


def evaluate_image_labels(
    truth_nk: Flags,
    scores_nk: Scores,
    label_names: Sequence[str],
    threshold: float | Mapping[str, float] | None = None,
    unknown_labels: Collection[str] = (),
) -> Classification:
    """Judge the scores (images, labels) by which labels the images carry, of the same shape.

    `threshold`: the score from which an image is predicted to carry a label, for precision, recall, F1 and the exact match:
    of all labels, or of each. None chooses the best F1 of each label, which makes them too good. `unknown_labels`: that
    the model cannot tell; they have no measures, and images are never given them. Raises ValueError if the shapes do not
    agree.
    """
    if truth_nk.shape != scores_nk.shape or truth_nk.ndim != 2 or truth_nk.shape[1] != len(label_names):
        raise ValueError(f"scores {scores_nk.shape} and truth {truth_nk.shape} for {len(label_names):,} labels")
    scores_nk = scores_nk.astype(np.float32)  # as networks give them: 0.1 as a double lies below 0.1 as a float
    columns = [(truth_nk[:, label], scores_nk[:, label]) for label in range(len(label_names))]
    thresholds = [
        _best_threshold(*column) if threshold is None else _find_threshold(threshold, name)
        for name, column in zip(label_names, columns, strict=True)
    ]
    thresholds = [None if name in unknown_labels else one for name, one in zip(label_names, thresholds, strict=True)]
    predicted_nk = scores_nk >= np.array([np.inf if one is None else one for one in thresholds], np.float32)
    every = {
        name: _measure_label(*columns[label], predicted_nk[:, label], thresholds[label])
        for label, name in enumerate(label_names)
    }
    labels = {name: _without_measures(one) if name in unknown_labels else one for name, one in every.items()}
    known = [one for name, one in labels.items() if one.images and name not in unknown_labels]
    missing: list[float | None] = [0.0 for name, one in labels.items() if one.images and name in unknown_labels]
    return Classification(
        images=len(truth_nk),
        map=_average_known([one.ap for one in known]),
        macro_f1=_average_known([one.f1 for one in known]),
        micro_f1=_calculate_f1(truth_nk, predicted_nk),
        # A label that no image was given has no true positive.
        macro_precision=_average_known([one.precision or 0.0 for one in known]),
        macro_recall=_average_known([one.recall for one in known]),
        macro_roc_auc=_average_known([one.roc_auc for one in labels.values()]),
        micro_roc_auc=roc_auc(truth_nk.ravel(), scores_nk.ravel()),
        exact_match=float((truth_nk == predicted_nk).all(axis=1).mean()) if truth_nk.size else None,
        labels=labels,
        map_all_labels=_average_known([*(one.ap for one in known), *missing]),
        unknown_labels=tuple(name for name in label_names if name in unknown_labels),
    )


def judge_image_labels(
    truth: Sequence[GroundTruth],
    scores_nk: Scores,
    label_names: Sequence[str],
    threshold: float | Mapping[str, float] | None = None,
    unknown_labels: Collection[str] = (),
) -> Classification:
    """`evaluate_image_labels` of the images that can be judged; those with an ignored box are left out and counted.

    `scores_nk`: of all images. Which labels an image with an ignored box lacks is not known, nor which it has in full.
    """
    judged = np.array([is_judged(one) for one in truth], np.bool_)
    carried = [image_labels(one) for one, takes_part in zip(truth, judged, strict=True) if takes_part]
    truth_nk = np.array(carried, np.bool_).reshape(-1, len(label_names))
    scores_nk = scores_nk.reshape(len(judged), -1)[judged]
    found = evaluate_image_labels(truth_nk, scores_nk, label_names, threshold, unknown_labels)
    return replace(found, ignored_images=int((~judged).sum()))


def is_judged(truth: GroundTruth) -> bool:
    """Whether the labels of an image are known in full: no box of it is ignored."""
    return not len(truth.ignored)


def roc_auc(truth_n: Flags, score_n: Scores) -> float | None:
    """Area under the ROC curve; None unless both kinds are there."""
    positives = int(truth_n.sum())
    negatives = len(truth_n) - positives
    if not positives or not negatives:
        return None
    _, place, counts = np.unique(score_n, return_inverse=True, return_counts=True)
    # The rank of equal scores is the mean of the places that they take.
    rank = (np.cumsum(counts) - (counts - 1) / 2)[place.ravel()]
    return float((rank[truth_n].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def average_precision(truth_n: Flags, score_n: Scores) -> float | None:
    """Sum of the precisions at each score, weighted by the steps in recall; None where nothing is true."""
    positives = int(truth_n.sum())
    if not positives:
        return None
    tp, predicted = _count_at_cuts(truth_n, score_n)
    precision, recall = tp / predicted, tp / positives
    return float((np.diff(recall, prepend=0.0) * precision).sum())


def image_scores(detections: Sequence[Detections]) -> Scores:
    """Scores of each image as a whole, (images, labels): those of its best box; 0 where nothing was detected."""
    return np.array([one.scores.max(axis=0, initial=0.0) for one in detections], np.float32)


def image_labels(truth: GroundTruth) -> Flags:
    """The labels (k,) that an image carries: those of any of its boxes."""
    return np.asarray(truth.labels.any(axis=0), np.bool_)


def whole_image(truth: GroundTruth, width: int, height: int) -> GroundTruth:
    """The image as one box that carries all its labels; no box where it has none, and an ignored one
    where it cannot be judged. So it compares with what a
    classifier gives: one detection of the size of the image."""
    present = image_labels(truth)[None]
    whole = np.array([[0, 0, width, height]], np.float32)
    if not is_judged(truth):
        return GroundTruth(whole[:0], present[:0], whole)
    shown = int(present.any())
    return GroundTruth(whole[:shown], present[:shown])


def _find_threshold(threshold: float | Mapping[str, float], name: str) -> float | None:
    return threshold.get(name) if isinstance(threshold, Mapping) else threshold


def _without_measures(one: ImageLabelMetrics) -> ImageLabelMetrics:
    return replace(one, ap=None, roc_auc=None, precision=None, recall=None, f1=None)


def _measure_label(truth_n: Flags, score_n: Scores, predicted_n: Flags, threshold: float | None) -> ImageLabelMetrics:
    positives, predicted = int(truth_n.sum()), int(predicted_n.sum())
    tp = int((truth_n & predicted_n).sum())
    return ImageLabelMetrics(
        ap=average_precision(truth_n, score_n),
        roc_auc=roc_auc(truth_n, score_n),
        precision=tp / predicted if predicted else None,
        recall=tp / positives if positives else None,
        f1=_calculate_f1(truth_n, predicted_n) if positives else None,
        images=positives,
        threshold=threshold,
        tp=tp,
        fp=predicted - tp,
        fn=positives - tp,
    )


def _best_threshold(truth_n: Flags, score_n: Scores) -> float | None:
    order = np.argsort(-score_n, kind="stable")
    return choose_threshold(score_n[order], truth_n[order], int(truth_n.sum()))


def _count_at_cuts(truth_n: Flags, score_n: Scores) -> tuple[Doubles, Doubles]:
    """True positives and predicted positives at each distinct score, highest first. Equal scores pass together."""
    order = np.argsort(-score_n, kind="stable")
    last = np.append(np.flatnonzero(np.diff(score_n[order])), len(order) - 1)
    return np.cumsum(truth_n[order])[last].astype(np.float64), last + 1.0


def _calculate_f1(truth: Flags, predicted: Flags) -> float | None:
    total = int(truth.sum()) + int(predicted.sum())
    return 2 * int((truth & predicted).sum()) / total if total else None


def _average_known(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
