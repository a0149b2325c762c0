"""Which detection finds which defect.

The unit is a row: one (box, label) pair. A box that truly carries two labels is two rows to find, and a detection with
two scores above the threshold is two rows as well. Matching is COCO's: within an image and a label, detections in the order
of falling score each take the free true box that they overlap most.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.types import Detections, GroundTruth

Ints = NDArray[np.intp]
Doubles = NDArray[np.float64]

_PAIRS_AT_ONCE = 2_000_000  # bounds memory when images hold thousands of boxes


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """(box, label) pairs of many images. `group` is image * labels + label, never falling along the rows."""

    group: Ints  # (n,)
    image: Ints  # (n,)
    box: Ints  # (n,) row of the box within its image
    label: Ints  # (n,)
    boxes: Doubles  # (n, 4)
    score: Doubles  # (n,) falling within a group; 1 for true boxes

    def __len__(self) -> int:
        return len(self.group)

    @property
    def rank(self) -> Ints:
        """Place of each row in its group, from 0, best first."""
        return _rank_in_group(self.group)


def align_scores(detections: Detections, label_names: Sequence[str]) -> NDArray[np.float32]:
    """Scores (n, k) of `detections` in the order of `label_names`; a label that the model does not know scores 0."""
    if detections.label_names == tuple(label_names):
        return detections.scores
    known = {name: column for column, name in enumerate(detections.label_names)}
    scores = np.zeros((len(detections), len(label_names)), np.float32)
    for column, name in enumerate(label_names):
        if name in known:
            scores[:, column] = detections.scores[:, known[name]]
    return scores


def truth_rows(truth: Sequence[NDArray[np.float32]], labels: Sequence[NDArray[np.bool_]], label_count: int) -> Rows:
    """The rows to find: one for every label of every true box."""
    return _make_rows(truth, labels, label_count, [labels_nk.astype(np.float64) for labels_nk in labels])


def detection_rows(
    boxes: Sequence[NDArray[np.float32]],
    scores: Sequence[NDArray[np.float32]],
    label_count: int,
) -> Rows:
    """The rows that may find something: one for every score above 0."""
    return _make_rows(boxes, [scores_nk > 0 for scores_nk in scores], label_count, scores)


def _make_rows(
    boxes: Sequence[NDArray[np.float32]],
    present: Sequence[NDArray[np.bool_]],
    label_count: int,
    scores: Sequence[NDArray[np.float32]] | Sequence[Doubles],
) -> Rows:
    sizes = [len(boxes_n) for boxes_n in boxes]
    first = np.concatenate([[0], np.cumsum(sizes, dtype=np.intp)])
    all_boxes = np.concatenate([np.zeros((0, 4)), *boxes]).astype(np.float64)
    empty = np.zeros((0, label_count))
    flat_box, label = np.nonzero(np.concatenate([empty.astype(bool), *present]))
    score = np.concatenate([empty, *scores]).astype(np.float64)[flat_box, label]
    image = np.repeat(np.arange(len(boxes)), sizes)[flat_box]
    group = image * label_count + label
    order = np.lexsort((flat_box, -score, group))
    group, image, label, flat_box = group[order], image[order], label[order], flat_box[order]
    return Rows(group, image, flat_box - first[image], label, all_boxes[flat_box], score[order])


def _rank_in_group(group: Ints) -> Ints:
    """Position of each row within its run of equal values."""
    if len(group) == 0:
        return np.zeros(0, np.intp)
    starts = np.flatnonzero(np.concatenate([[True], group[1:] != group[:-1]]))
    lengths = np.diff(np.append(starts, len(group)))
    return np.arange(len(group)) - np.repeat(starts, lengths)


def match_rows(detections: Rows, truth: Rows, iou_thresholds: Doubles) -> Ints:
    """For each threshold (t) and detection row (n) the truth row that it finds, or -1: shape (t, n).

    All images and labels advance together: first every group's best detection chooses, then every second best, and so
    on, so the number of passes is the number of detections in the fullest group.
    """
    # COCO's own guard: an IoU of exactly 1 still passes a threshold of 1.
    thresholds = np.minimum(iou_thresholds, 1 - 1e-10)
    found = np.full((len(thresholds), len(detections)), -1, np.intp)
    if len(detections) == 0 or len(truth) == 0 or len(thresholds) == 0:
        return found
    pair_detection, pair_truth, pair_iou = _list_pairs(detections, truth, float(thresholds.min()), _pair_iou)
    if len(pair_detection) == 0:
        return found
    candidates, pair_candidate = np.unique(pair_detection, return_inverse=True)
    pair_rank = _rank_in_group(detections.group[candidates])[pair_candidate]
    order = np.argsort(pair_rank, kind="stable")
    pair_detection, pair_truth, pair_iou = pair_detection[order], pair_truth[order], pair_iou[order]
    passes = np.append(0, np.cumsum(np.bincount(pair_rank)))
    free = np.ones((len(thresholds), len(truth)), bool)
    level = np.arange(len(thresholds))[:, None]
    for begin, end in itertools.pairwise(passes):
        owner, wanted, overlap = pair_detection[begin:end], pair_truth[begin:end], pair_iou[begin:end]
        starts = np.flatnonzero(np.concatenate([[True], owner[1:] != owner[:-1]]))
        segment = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(owner))))
        value = np.where(free[:, wanted] & (overlap >= thresholds[:, None]), overlap, -1.0)
        best = np.maximum.reduceat(value, starts, axis=1)
        # Of equal overlaps COCO takes the later box.
        place = np.where((value == best[:, segment]) & (value >= 0), np.arange(len(owner)), -1)
        chosen = np.maximum.reduceat(place, starts, axis=1)
        taken = np.where(chosen >= 0, wanted[chosen], -1)
        found[:, owner[starts]] = taken
        some = taken >= 0
        free[np.broadcast_to(level, taken.shape)[some], taken[some]] = False
    return found


def match_ignored(
    detections: Rows, truth: Sequence[GroundTruth], label_count: int, iou_thresholds: Doubles
) -> NDArray[np.bool_]:
    """For each threshold (t) and detection row (n), whether it lies on an ignored box of its label: shape (t, n).

    As COCO has it for crowds: by the share of the detection that lies on it, and as many may as like. Whether such a
    detection finds a true box is decided before.
    """
    thresholds = np.minimum(iou_thresholds, 1 - 1e-10)
    regions = truth_rows([t.ignored for t in truth], [t.ignored_by_label() for t in truth], label_count)
    share = np.zeros(len(detections))
    if len(detections) and len(regions):
        row, _, overlap = _list_pairs(detections, regions, float(thresholds.min()), _pair_share)
        np.maximum.at(share, row, overlap)
    return np.asarray(share[None, :] >= thresholds[:, None])


def _list_pairs(
    detections: Rows, truth: Rows, lowest: float, measure: Callable[[Doubles, Doubles], Doubles]
) -> tuple[Ints, Ints, Doubles]:
    """All (detection row, truth row, overlap) of the same group with an overlap of at least `lowest`, in row order."""
    first = np.searchsorted(truth.group, detections.group, "left")
    count = np.searchsorted(truth.group, detections.group, "right") - first
    ends = np.cumsum(count)
    parts: list[tuple[Ints, Ints, Doubles]] = []
    begin = 0
    while begin < len(detections):
        done = ends[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, done + _PAIRS_AT_ONCE, "right")))
        lengths = count[begin:end]
        row = np.repeat(np.arange(begin, end), lengths)
        offset = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        other = first[row] + offset
        overlap = measure(detections.boxes[row], truth.boxes[other])
        keep = overlap >= lowest
        parts.append((row[keep], other[keep], overlap[keep]))
        begin = end
    rows, others, overlaps = zip(*parts, strict=True)
    return np.concatenate(rows), np.concatenate(others), np.concatenate(overlaps)


def _pair_iou(first: Doubles, second: Doubles) -> Doubles:
    """IoU of row i of `first` with row i of `second`, shape (n,)."""
    overlap = _pair_overlap(first, second)
    union = _measure_area(first) + _measure_area(second) - overlap
    result: Doubles = np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0)
    return result


def _pair_share(first: Doubles, second: Doubles) -> Doubles:
    """Which share of row i of `first` lies on row i of `second`, shape (n,)."""
    area, overlap = _measure_area(first), _pair_overlap(first, second)
    share: Doubles = np.divide(overlap, area, out=np.zeros_like(overlap), where=area > 0)
    return share


def _pair_overlap(first: Doubles, second: Doubles) -> Doubles:
    width = np.minimum(first[:, 2], second[:, 2]) - np.maximum(first[:, 0], second[:, 0])
    height = np.minimum(first[:, 3], second[:, 3]) - np.maximum(first[:, 1], second[:, 1])
    return np.where((width > 0) & (height > 0), width * height, 0.0)


def _measure_area(boxes: Doubles) -> Doubles:
    area: Doubles = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return area


@dataclass(frozen=True, slots=True, eq=False)
class ImageMatch:
    """What one image's detections above a threshold find and miss."""

    detections: Ints  # (m,) row of the detection, once for every label that it has
    labels: Ints  # (m,) column of that label
    truths: Ints  # (m,) row of the true box that it finds, or -1: a false positive
    fn_rows: Ints  # (j, 2) row of a true box and column of its label that nothing found
    tp: int
    fp: int
    fn: int
    ignored_rows: Ints  # (i, 2) row of a detection and column of its label that lie on an ignored box


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """What the detections above one threshold find and miss, over all images."""

    tp: Ints  # (images,) counts of (box, label) rows
    fp: Ints
    fn: Ints
    _table: MatchTable
    _accepted: NDArray[np.bool_]  # (detection rows,) those that reach the threshold
    _is_fn: NDArray[np.bool_]  # (truth rows,)
    _is_ignored: NDArray[np.bool_]  # (detection rows,) those that reach the threshold, and are neither right nor false

    def image(self, index: int) -> ImageMatch:
        """The matches of one image."""
        table = self._table
        begin, end = np.searchsorted(table.detections.image, [index, index + 1])
        rows = begin + np.flatnonzero(self._accepted[begin:end])
        ignored = begin + np.flatnonzero(self._is_ignored[begin:end])
        begin, end = np.searchsorted(table.truth.image, [index, index + 1])
        fn_rows = begin + np.flatnonzero(self._is_fn[begin:end])
        found = table.found[rows]
        truths = np.where(found >= 0, table.truth.box[found] if len(table.truth) else -1, -1)
        return ImageMatch(
            table.detections.box[rows],
            table.detections.label[rows],
            truths,
            np.stack([table.truth.box[fn_rows], table.truth.label[fn_rows]], axis=1),
            int(self.tp[index]),
            int(self.fp[index]),
            int(self.fn[index]),
            np.stack([table.detections.box[ignored], table.detections.label[ignored]], axis=1),
        )


@dataclass(frozen=True, slots=True, eq=False)
class MatchTable:
    """Everything about matching that does not depend on the score threshold.

    Detections choose in the order of falling score, so those below a threshold never change what those above it found:
    a slider needs one matching, made here, and then only comparisons.
    """

    detections: Rows
    truth: Rows
    found: Ints  # (detection rows,) the truth row that each finds, or -1
    finder_score: Doubles  # (truth rows,) score of the detection that finds it, or -1
    images: int
    ignored: NDArray[
        np.bool_
    ]  # (detection rows,) those that find nothing and lie on an ignored box: no false positives

    @classmethod
    def build(
        cls,
        truth: Sequence[GroundTruth],
        detections: Sequence[Detections],
        label_names: Sequence[str],
        iou: float = 0.5,
    ) -> MatchTable:
        """Match all images once. Truth columns are in the order of `label_names`; detections are aligned by name."""
        count = len(label_names)
        detected_rows = detection_rows(
            [d.boxes for d in detections], [align_scores(d, label_names) for d in detections], count
        )
        true_rows = truth_rows([t.boxes for t in truth], [t.labels for t in truth], count)
        found = match_rows(detected_rows, true_rows, np.array([iou]))[0]
        ignored = (found < 0) & match_ignored(detected_rows, truth, count, np.array([iou]))[0]
        finder_score = np.full(len(true_rows), -1.0)
        finder_score[found[found >= 0]] = detected_rows.score[found >= 0]
        return cls(detected_rows, true_rows, found, finder_score, len(truth), ignored)

    def at(self, score_threshold: float | NDArray[np.floating]) -> Matches:
        """What is found and missed by detections of at least `score_threshold`, one for all or one per label (k,)."""
        threshold = np.asarray(score_threshold, np.float64)
        # Scores are float32: a threshold taken from one of them must include it.
        threshold = threshold.astype(np.float32).astype(np.float64)
        detection_limit = threshold[self.detections.label] if threshold.ndim else threshold
        truth_limit = threshold[self.truth.label] if threshold.ndim else threshold
        passing = self.detections.score >= detection_limit
        accepted = passing & ~self.ignored
        is_fn = (self.finder_score < truth_limit) | (self.finder_score < 0)
        is_tp = accepted & (self.found >= 0)
        return Matches(
            np.bincount(self.detections.image[is_tp], minlength=self.images),
            np.bincount(self.detections.image[accepted & ~is_tp], minlength=self.images),
            np.bincount(self.truth.image[is_fn], minlength=self.images),
            self,
            accepted,
            is_fn,
            passing & self.ignored,
        )


def match_image(
    truth: GroundTruth, detections: Detections, score_threshold: float | NDArray[np.floating], iou: float = 0.5
) -> ImageMatch:
    """Match one image. The columns of `truth` are in the order of the detections' label names."""
    return MatchTable.build([truth], [detections], detections.label_names, iou).at(score_threshold).image(0)
