"""How good detections are: average precision by label as COCO defines it, and measures for boxes with several labels.

Source: the COCO evaluation (pycocotools `cocoeval.py`): greedy matching by score, precision made to fall with recall,
read at 101 recalls. A box with several labels is expanded to one row per (box, label), as Open Images does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.evaluation.matching import (
    Doubles,
    Ints,
    Rows,
    align_scores,
    detection_rows,
    match_ignored,
    match_rows,
    truth_rows,
)
from core.evaluation.operating_point import choose_threshold
from core.types import Detections, GroundTruth

DEFAULT: tuple[float, ...] = tuple(float(iou) for iou in np.linspace(0.5, 0.95, 10))
COCO_DETECTIONS = 100  # that COCO takes of an image and label
RECALLS: Doubles = np.linspace(0, 1, 101)


@dataclass(frozen=True, slots=True)
class LabelMetrics:
    """One label. A measure is None where there is nothing to judge it by."""

    ap50: float | None
    ap: float | None  # mean over the IoU thresholds
    precision: float | None  # at IoU 0.5 and the score threshold
    recall: float | None
    f1: float | None
    boxes: int  # true boxes that carry the label
    threshold: float | None  # the score from which on detections count
    tp: int = 0  # at that score
    fp: int = 0
    fn: int = 0
    ignored: int = 0  # detections from that score on that lie on an ignored box: neither right nor false


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One model on one set of images."""

    images: int
    map50: float | None
    map75: float | None
    map: float | None
    labels: dict[str, LabelMetrics]
    agnostic_ap50: float | None  # finding defects, whatever they are called
    label_set_f1: float | None  # of found boxes: F1 of predicted against true label set, mean over boxes
    exact_match: float | None  # of found boxes: share whose label set is exactly right
    map50_all_labels: float | None  # with 0 for each label that the model does not know, which the others leave out
    map75_all_labels: float | None
    map_all_labels: float | None
    unknown_labels: tuple[str, ...] = ()  # that the model cannot find
    ignored_boxes: int = 0  # difficult, or without a label: not to be found

    def to_json(self) -> dict[str, Any]:
        """Plain values for `evaluate --json` and the checkpoint's description."""
        return {
            "images": self.images,
            "ignored_boxes": self.ignored_boxes,
            "map50": self.map50,
            "map75": self.map75,
            "map": self.map,
            "map50_all_labels": self.map50_all_labels,
            "map75_all_labels": self.map75_all_labels,
            "map_all_labels": self.map_all_labels,
            "unknown_labels": list(self.unknown_labels),
            "agnostic_ap50": self.agnostic_ap50,
            "label_set_f1": self.label_set_f1,
            "exact_match": self.exact_match,
            **self.totals(),
            "labels": {
                name: {
                    "ap50": one.ap50,
                    "ap": one.ap,
                    "precision": one.precision,
                    "recall": one.recall,
                    "f1": one.f1,
                    "boxes": one.boxes,
                    "threshold": one.threshold,
                    "tp": one.tp,
                    "fp": one.fp,
                    "fn": one.fn,
                    "ignored_detections": one.ignored,
                }
                for name, one in self.labels.items()
            },
        }

    def totals(self) -> dict[str, float | None]:
        """Precision, recall and F1 of all labels together, at the threshold of each."""
        tp, fp, fn = (sum(getattr(one, kind) for one in self.labels.values()) for kind in ("tp", "fp", "fn"))
        return {
            "precision": tp / (tp + fp) if tp + fp else None,
            "recall": tp / (tp + fn) if tp + fn else None,
            "f1": 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else None,
        }


def evaluate_detections(
    truth: Sequence[GroundTruth],
    detections: Sequence[Detections],
    label_names: Sequence[str],
    iou_thresholds: Sequence[float] = DEFAULT,
    max_detections: int | None = None,
    score_threshold: float | Mapping[str, float] | None = None,
    unknown_labels: Collection[str] = (),
) -> Evaluation:
    """Judge `detections` by `truth`, image by image.

    Args:
        truth: true boxes of each image; label columns in the order of `label_names`.
        detections: of the same images, in the same order; scores are aligned by label name.
        iou_thresholds: at which average precision is taken; measures at 0.5 and 0.75 are always there.
        max_detections: how many of an image and label, the best, count for average precision; precision, recall and F1
            have no such limit. None: COCO's 100, and more where an image has more than half as many true boxes.
        score_threshold: for precision, recall and F1: of all labels, or of each. None chooses the best F1 of each label,
            which makes them too good.
        unknown_labels: that the model cannot find. They have no measures, and their boxes are missed.

    Raises ValueError if the two lists differ in length or a truth has another number of labels.
    """
    if len(truth) != len(detections):
        raise ValueError(f"{len(truth)} true images for {len(detections):,} images with detections")
    count = len(label_names)
    for index, one in enumerate(truth):
        if one.labels.shape[1] != count:
            raise ValueError(f"truth of image {index} has {one.labels.shape[1]} labels, not {count}")
    scores = [align_scores(one, label_names) for one in detections]
    found_boxes = [one.boxes for one in detections]
    true_boxes = [one.boxes for one in truth]
    true_rows = truth_rows(true_boxes, [one.labels for one in truth], count)
    detected_rows = detection_rows(found_boxes, scores, count)
    counts_for_ap = detected_rows.rank < _limit_rows(true_rows, max_detections)
    levels = sorted({0.5, 0.75} | {float(iou) for iou in iou_thresholds})
    found = match_rows(detected_rows, true_rows, np.array(levels))
    ignored = (found < 0) & match_ignored(detected_rows, truth, count, np.array(levels))
    chosen = [levels.index(float(iou)) for iou in iou_thresholds]
    positives = np.bincount(true_rows.label, minlength=count)
    ap_tk = np.full((len(levels), count), np.nan)
    chosen_by_label = _list_thresholds(score_threshold, label_names, unknown_labels)
    labels: dict[str, LabelMetrics] = {}
    for label, name in enumerate(label_names):
        rows = np.flatnonzero(detected_rows.label == label)
        rows = rows[np.argsort(-detected_rows.score[rows], kind="stable")]
        hit_tn = found[:, rows] >= 0
        if positives[label]:
            best = counts_for_ap[rows]
            ap_tk[:, label] = average_precision(hit_tn[:, best], int(positives[label]), ignored[:, rows[best]])
        counted = ~ignored[levels.index(0.5), rows]
        labels[name] = _label_metrics(
            ap_tk[:, label],
            levels.index(0.5),
            chosen,
            hit_tn[levels.index(0.5), counted],
            detected_rows.score[rows[counted]],
            int(positives[label]),
            chosen_by_label[label],
            chooses=score_threshold is None,
        )
        if name in unknown_labels:
            labels[name] = replace(labels[name], ap50=None, ap=None, precision=None, recall=None, f1=None)
        limit = labels[name].threshold
        if limit is not None:
            passing = detected_rows.score[rows] >= np.float32(limit)
            labels[name] = replace(labels[name], ignored=int((passing & ~counted).sum()))
    thresholds = np.array([np.inf if one.threshold is None else one.threshold for one in labels.values()], np.float32)
    label_set_f1, exact = _label_sets(truth, found_boxes, scores, thresholds)
    is_known = np.array([name not in unknown_labels for name in label_names], np.bool_)
    levels_of_means = ([levels.index(0.5)], [levels.index(0.75)], chosen)
    known = [_average_known(ap_tk[rows][:, is_known]) for rows in levels_of_means]
    every = [_average_known(ap_tk[rows]) for rows in levels_of_means]
    return Evaluation(
        images=len(truth),
        map50=known[0],
        map75=known[1],
        map=known[2],
        map50_all_labels=every[0],
        map75_all_labels=every[1],
        map_all_labels=every[2],
        unknown_labels=tuple(name for name in label_names if name in unknown_labels),
        labels=labels,
        agnostic_ap50=_agnostic_ap50(truth, found_boxes, scores, max_detections),
        label_set_f1=label_set_f1,
        exact_match=exact,
        ignored_boxes=sum(len(one.ignored) for one in truth),
    )


def average_precision(
    hit_tn: NDArray[np.bool_], positives: int, ignored_tn: NDArray[np.bool_] | None = None
) -> Doubles:
    """AP at each of t thresholds, shape (t,), of n detections in the order of falling score; some may be ignored."""
    ap = np.zeros(len(hit_tn))
    if hit_tn.shape[1] == 0:
        return ap
    precision_tn, recall_tn = precision_recall(hit_tn, positives, ignored_tn)
    for level in range(len(hit_tn)):
        place = np.searchsorted(recall_tn[level], RECALLS, side="left")
        reached = place < hit_tn.shape[1]
        ap[level] = precision_tn[level][place[reached]].sum() / len(RECALLS)
    return ap


def precision_recall(
    hit_tn: NDArray[np.bool_], positives: int, ignored_tn: NDArray[np.bool_] | None = None
) -> tuple[Doubles, Doubles]:
    """Precision, made to fall with recall, and recall after each detection: two arrays (t, n).

    After one that is ignored, both are what they were before it.
    """
    hits = np.cumsum(hit_tn, axis=1, dtype=np.float64)
    counted = np.broadcast_to(np.arange(1, hit_tn.shape[1] + 1), hit_tn.shape)
    if ignored_tn is not None:
        counted = np.maximum(counted - np.cumsum(ignored_tn, axis=1), 1)
    precision = hits / counted
    envelope: Doubles = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    recall: Doubles = hits / positives
    return envelope, recall


def _label_metrics(
    ap_t: Doubles,
    half: int,
    chosen: list[int],
    hit_n: NDArray[np.bool_],
    score_n: Doubles,
    positives: int,
    threshold: float | None,
    *,
    chooses: bool,
) -> LabelMetrics:
    hits = np.cumsum(hit_n)
    if chooses:
        threshold = choose_threshold(score_n, hit_n, positives)
    count = 0 if threshold is None else int((score_n >= np.float32(threshold)).sum())
    correct = int(hits[count - 1]) if count else 0
    return LabelMetrics(
        ap50=_average_known(ap_t[[half]]),
        ap=_average_known(ap_t[chosen]),
        precision=correct / count if count else None,
        recall=correct / positives if positives else None,
        f1=2 * correct / (count + positives) if positives else None,
        boxes=positives,
        threshold=threshold,
        tp=correct,
        fp=count - correct,
        fn=positives - correct,
    )


def _limit_rows(true_rows: Rows, max_detections: int | None) -> int:
    """How many detections of an image and label count for average precision."""
    if max_detections is not None:
        return max_detections
    fullest = int(np.bincount(true_rows.group).max(initial=0))
    return max(COCO_DETECTIONS, 2 * fullest)


def _list_thresholds(
    score_threshold: float | Mapping[str, float] | None, label_names: Sequence[str], unknown_labels: Collection[str]
) -> list[float | None]:
    """The given threshold of each label; None for a label that has none."""
    if score_threshold is None or isinstance(score_threshold, float | int):
        return [None if name in unknown_labels else score_threshold for name in label_names]
    return [score_threshold.get(name) for name in label_names]


def _average_known(values: Doubles) -> float | None:
    """The mean of what is there, or None."""
    there = values[~np.isnan(values)]
    return float(there.mean()) if there.size else None


def _one_label(
    true_boxes: Sequence[NDArray[np.float32]],
    found_boxes: Sequence[NDArray[np.float32]],
    best: Sequence[NDArray[np.float32]],
) -> tuple[Rows, Rows, Ints]:
    """Matching at IoU 0.5 as if all labels were one: detections, truth, and the truth row that each detection finds."""
    true_rows = truth_rows(true_boxes, [np.ones((len(boxes), 1), bool) for boxes in true_boxes], 1)
    detected_rows = detection_rows(found_boxes, [score[:, None] for score in best], 1)
    return detected_rows, true_rows, match_rows(detected_rows, true_rows, np.array([0.5]))[0]


def _agnostic_ap50(
    truth: Sequence[GroundTruth],
    found_boxes: Sequence[NDArray[np.float32]],
    scores: Sequence[NDArray[np.float32]],
    max_detections: int | None,
) -> float | None:
    best = [score.max(axis=1, initial=0) for score in scores]
    detected_rows, true_rows, found = _one_label([one.boxes for one in truth], found_boxes, best)
    if len(true_rows) == 0:
        return None
    order = np.argsort(-detected_rows.score, kind="stable")
    order = order[detected_rows.rank[order] < _limit_rows(true_rows, max_detections)]
    regions = [GroundTruth(one.boxes[:0], np.zeros((0, 1), np.bool_), one.ignored) for one in truth]
    ignored = (found < 0) & match_ignored(detected_rows, regions, 1, np.array([0.5]))[0]
    return float(average_precision(found[None, order] >= 0, len(true_rows), ignored[None, order])[0])


def _label_sets(
    truth: Sequence[GroundTruth],
    found_boxes: Sequence[NDArray[np.float32]],
    scores: Sequence[NDArray[np.float32]],
    thresholds: NDArray[np.float32],
) -> tuple[float | None, float | None]:
    """Mean F1 and share of exact hits of predicted against true label sets, over found boxes."""
    if len(thresholds) == 0:
        return None, None
    sets = [score >= thresholds for score in scores]
    # A box with no label above its threshold is shown to nobody, so it finds nothing.
    best = [np.where(chosen, score, 0).max(axis=1, initial=0) for chosen, score in zip(sets, scores, strict=True)]
    detected_rows, true_rows, found = _one_label([one.boxes for one in truth], found_boxes, best)
    pairs = np.flatnonzero(found >= 0)
    if len(pairs) == 0:
        return None, None
    first = np.concatenate([[0], np.cumsum([len(one) for one in truth])])
    hit = found[pairs]
    true_nk = np.concatenate([one.labels for one in truth])[first[true_rows.image[hit]] + true_rows.box[hit]]
    first = np.concatenate([[0], np.cumsum([len(boxes) for boxes in found_boxes])])
    guess_nk = np.concatenate(sets)[first[detected_rows.image[pairs]] + detected_rows.box[pairs]]
    both = (true_nk & guess_nk).sum(axis=1)
    f1 = 2 * both / (true_nk.sum(axis=1) + guess_nk.sum(axis=1))
    return float(f1.mean()), float((true_nk == guess_nk).all(axis=1).mean())
