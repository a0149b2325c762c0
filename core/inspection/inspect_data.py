"""What the Inspect page shows, as plain values: truth beside detections, what matches, and what to draw of it.

Everything that does not depend on the score threshold is prepared once, away from the window's thread; a move of
the threshold then only compares and counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core import geometry
from core.evaluation.average_precision import Evaluation, evaluate
from core.evaluation.classification import Classification, classify, image_labels
from core.evaluation.matching import ImageMatch, MatchTable, align
from core.types import Detections, GroundTruth

Kind = Literal["right", "false", "mixed", "missed", "found"]
Counts = NDArray[np.intp]

NEAR = 0.05  # IoU from which a true box is worth naming beside a false detection


@dataclass(frozen=True, slots=True, eq=False)
class InspectData:
    """Truth and detections of the same images, over the same labels, matched at one IoU."""

    label_names: tuple[str, ...]  # the project's, then those that only the checkpoint knows
    image_ids: tuple[int, ...]
    truth: tuple[GroundTruth, ...]
    detections: tuple[Detections, ...]
    iou: float
    table: MatchTable
    average: float | None  # mean average precision over the labels: of boxes at `iou`, or of labels of images
    ap: tuple[float | None, ...]  # the same by label
    unknown_to_model: tuple[str, ...]  # labels of the project that the checkpoint cannot find
    not_in_project: tuple[str, ...]  # labels of the checkpoint that the project lacks
    is_detector: bool = True  # False: each image is one box of its own size, which carries its labels


def prepare(
    image_ids: Sequence[int],
    truth: Sequence[GroundTruth],
    detections: Sequence[Detections],
    project_labels: Sequence[str],
    model_labels: Sequence[str],
    iou: float,
    *,
    is_detector: bool = True,
) -> InspectData:
    """Bring truth and detections over one list of labels, by name, and match them.

    Args:
        truth: label columns in the order of `project_labels`, one entry an image.
        detections: of the same images; scores in the order of `model_labels`.
        is_detector: whether the model finds boxes; if not, an image is judged by the labels that it carries.
    """
    extra = tuple(name for name in model_labels if name not in project_labels)
    names = (*project_labels, *extra)
    padded = [GroundTruth(t.boxes, np.pad(t.labels, ((0, 0), (0, len(extra))))) for t in truth]
    aligned = [Detections(found.boxes, align(found, names), names) for found in detections]
    judged: Evaluation | Classification
    if is_detector:
        judged = evaluate(padded, aligned, names, iou_thresholds=(iou,))
    else:
        judged = classify(np.stack([image_labels(one) for one in padded]), _image_scores(aligned), names)
    return InspectData(
        names,
        tuple(image_ids),
        tuple(padded),
        tuple(aligned),
        iou,
        MatchTable.build(padded, aligned, names, iou),
        judged.map,
        tuple(judged.labels[name].ap for name in names),
        tuple(name for name in project_labels if name not in model_labels),
        extra,
        is_detector,
    )


def _image_scores(detections: Sequence[Detections]) -> NDArray[np.float32]:
    """What was said of each image as a whole, (images, labels); 0 where nothing was."""
    return np.stack([found.scores.max(axis=0, initial=0.0) for found in detections])


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Right, false and missed (box, label) pairs at one threshold, by image and label: arrays (images, labels)."""

    right: Counts
    false: Counts
    missed: Counts


def tally(data: InspectData, threshold: float) -> Tally:
    """Count at a threshold. A few vector comparisons: about a millisecond for 100,000 claims."""
    table, shape = data.table, (len(data.image_ids), len(data.label_names))
    limit = float(np.float32(threshold))
    claimed = table.detections.score >= limit
    hit = claimed & (table.found >= 0)
    missed = (table.finder_score < limit) | (table.finder_score < 0)

    def count(group: Counts) -> Counts:
        return np.bincount(group, minlength=shape[0] * shape[1]).reshape(shape)

    return Tally(
        count(table.detections.group[hit]),
        count(table.detections.group[claimed & ~hit]),
        count(table.truth.group[missed]),
    )


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and F1 of some counts; None where there is nothing to judge."""

    right: int
    false: int
    missed: int

    @property
    def precision(self) -> float | None:
        return self.right / (self.right + self.false) if self.right + self.false else None

    @property
    def recall(self) -> float | None:
        return self.right / (self.right + self.missed) if self.right + self.missed else None

    @property
    def f1(self) -> float | None:
        total = 2 * self.right + self.false + self.missed
        return 2 * self.right / total if total else None


def score(counts: Tally, label: int | None = None) -> Score:
    """The sum over all images, of one label or of all."""
    columns = slice(None) if label is None else slice(label, label + 1)
    return Score(*(int(part[:, columns].sum()) for part in (counts.right, counts.false, counts.missed)))


def best_threshold(data: InspectData) -> float:
    """The threshold, in steps of 0.01, with the best F1 over all labels; 0.5 where nothing is found."""
    steps = np.arange(1, 100) / 100
    scores = data.table.detections.score
    hits = scores[data.table.found >= 0]
    if len(hits) == 0:
        return 0.5
    claimed = len(scores) - np.searchsorted(np.sort(scores), steps, side="left")
    right = len(hits) - np.searchsorted(np.sort(hits), steps, side="left")
    f1 = 2 * right / np.maximum(claimed + len(data.table.truth), 1)
    return float(steps[int(np.argmax(f1))])


@dataclass(frozen=True, slots=True)
class Mark:
    """One rectangle to draw: a detection with the labels that it claims, or a true box.

    `verdicts` go with `labels`: of a detection, whether the claim is right; of a true box, whether it was found.
    """

    source: Literal["detection", "truth"]
    row: int  # of the detection or true box in its image
    kind: Kind
    xyxy: tuple[float, float, float, float]
    labels: tuple[int, ...]
    verdicts: tuple[bool, ...]
    scores: tuple[float, ...]  # of a detection's labels; empty for a true box

    def texts(self, names: Sequence[str]) -> list[str]:
        """What stands at the rectangle: each label, with its score where there is one."""
        if self.source == "truth":
            return [names[label] for label in self.labels]
        return [f"{names[label]} {score:.2f}" for label, score in zip(self.labels, self.scores, strict=True)]


def marks(data: InspectData, index: int, match: ImageMatch) -> list[Mark]:
    """All that can be drawn of one image: true boxes first, then detections that claim a label.

    A detection that is right about one label and wrong about another is mixed. A true box is missed if any of
    its labels is; a true box with no label yet is left out, as it was never to be found.
    """
    truth, found = data.truth[index], data.detections[index]
    missed = {(int(row), int(label)) for row, label in match.missed}
    result: list[Mark] = []
    for row in range(len(truth)):
        labels = tuple(int(label) for label in np.flatnonzero(truth.labels[row]))
        verdicts = tuple((row, label) not in missed for label in labels)
        if labels:
            kind: Kind = "found" if all(verdicts) else "missed"
            result.append(Mark("truth", row, kind, _xyxy(truth.boxes[row]), labels, verdicts, ()))
    claims: dict[int, list[tuple[int, bool]]] = {}
    for row, label, hit in zip(match.detections, match.labels, match.truths, strict=True):
        claims.setdefault(int(row), []).append((int(label), bool(hit >= 0)))
    for row, pairs in sorted(claims.items()):
        pairs.sort(key=lambda pair: -float(found.scores[row, pair[0]]))
        labels, verdicts = tuple(label for label, _ in pairs), tuple(right for _, right in pairs)
        kind = "right" if all(verdicts) else "mixed" if any(verdicts) else "false"
        scores = tuple(float(found.scores[row, label]) for label in labels)
        result.append(Mark("detection", row, kind, _xyxy(found.boxes[row]), labels, verdicts, scores))
    return result


@dataclass(frozen=True, slots=True)
class Show:
    """What of the marks is drawn."""

    right: bool = True
    false: bool = True
    missed: bool = True
    truth: bool = True
    label: int | None = None

    def accepts(self, mark: Mark) -> bool:
        """Whether a mark is drawn. A missed box is drawn for either reason: because it is missed, or true."""
        if self.label is not None and self.label not in mark.labels:
            return False
        match mark.kind:
            case "right":
                return self.right
            case "false":
                return self.false
            case "mixed":
                return self.right or self.false
            case "missed":
                return self.missed or self.truth
            case "found":
                return self.truth


def explain(data: InspectData, index: int, mark: Mark, label: int, right: bool) -> str:
    """In words, why the claim of one label is right or false, or whether a true label was found."""
    truth = data.truth[index]
    if mark.source == "truth":
        return "found" if right else "missed"
    overlaps = geometry.iou(np.asarray([mark.xyxy], np.float32), truth.boxes)[0] if len(truth) else np.zeros(0)
    if not data.is_detector:
        carried = " and ".join(data.label_names[column] for column in np.flatnonzero(image_labels(truth)))
        return "right" if right else f"false: the image has {carried or 'no defect'}"
    with_label = overlaps[truth.labels[:, label]] if len(truth) else overlaps
    if right:
        return f"right, IoU {with_label.max():.2f}"
    if len(with_label) and with_label.max() >= data.iou:
        return "false: found already by a surer detection"
    if len(overlaps) == 0 or overlaps.max() < NEAR:
        return "false: nothing is there"
    near = int(np.argmax(overlaps))
    there = (
        " and ".join(data.label_names[column] for column in np.flatnonzero(truth.labels[near]))
        or "a box without a label"
    )
    if overlaps[near] >= data.iou:
        return f"false: what is there is {there}"
    return f"false: overlaps {there} by IoU {overlaps[near]:.2f} only"


def _xyxy(box: NDArray[np.float32]) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = (float(value) for value in box)
    return (x1, y1, x2, y2)
