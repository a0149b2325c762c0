"""What to draw of one image: true boxes and detections, each with whether it matches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.inspection.matched_images import MatchedImages

# Of a detection: tp, fp, or mixed where it is both by label. Of a true box: found, or fn where a label is not. Of both:
# ignored, a box that is not judged and what is detected on it.
Kind = Literal["tp", "fp", "mixed", "fn", "found", "ignored"]


@dataclass(frozen=True, slots=True)
class Mark:
    """One rectangle to draw: a detection with its labels above the threshold, or a true box.

    `verdicts` go with `labels`: of a detection, whether it is a true positive; of a true box, whether it was found;
    None where neither can be said.
    """

    source: Literal["detection", "truth"]
    row: int  # of the detection or true box in its image; ignored boxes come after the others
    kind: Kind
    xyxy: tuple[float, float, float, float]
    labels: tuple[int, ...]
    verdicts: tuple[bool | None, ...]
    scores: tuple[float, ...]  # of a detection's labels; empty for a true box

    def label_texts(self, names: Sequence[str]) -> list[str]:
        """What stands at the rectangle: each label, with its score where there is one."""
        if self.source == "truth":
            if self.kind == "ignored" and len(self.labels) == len(names):
                return ["any label"]
            return [names[label] for label in self.labels]
        return [f"{names[label]} {score:.2f}" for label, score in zip(self.labels, self.scores, strict=True)]


@dataclass(frozen=True, slots=True)
class MarkFilter:
    """What of the marks is drawn."""

    tp: bool = True
    fp: bool = True
    fn: bool = True
    truth: bool = True
    ignored: bool = True
    label: int | None = None

    def accepts(self, mark: Mark) -> bool:
        """Whether anything of a mark is drawn."""
        return self.restrict(mark) is not None

    def restrict(self, mark: Mark) -> Mark | None:
        """What of a mark is drawn: the (box, label) pairs that the filter lets through, with the kind that these alone
        give it; None where none is left. So what stands at a box, its colour and the counts beside it agree.

        A true box's label that is not found is drawn for either reason: because it is missed, or because it is true.
        """
        if mark.source == "truth" and mark.kind == "ignored":
            kept = [place for place, label in enumerate(mark.labels) if self.ignored and self.label in (None, label)]
        else:
            kept = [
                place
                for place, (label, verdict) in enumerate(zip(mark.labels, mark.verdicts, strict=True))
                if self.label in (None, label) and self._accepts_pair(mark.source, verdict)
            ]
        if not kept:
            return None
        if len(kept) == len(mark.labels):
            return mark
        verdicts = tuple(mark.verdicts[place] for place in kept)
        return replace(
            mark,
            kind=mark.kind if mark.kind == "ignored" else judge_verdicts(mark.source, verdicts),
            labels=tuple(mark.labels[place] for place in kept),
            verdicts=verdicts,
            scores=tuple(mark.scores[place] for place in kept) if mark.scores else (),
        )

    def _accepts_pair(self, source: str, verdict: bool | None) -> bool:
        if verdict is None:
            return self.ignored
        if source == "truth":
            return self.truth or (self.fn and not verdict)
        return self.tp if verdict else self.fp


def judge_verdicts(source: Literal["detection", "truth"], verdicts: Sequence[bool | None]) -> Kind:
    """The kind of a mark by the verdicts on its labels."""
    judged = [verdict for verdict in verdicts if verdict is not None]
    if not judged:
        return "ignored"
    if source == "truth":
        return "found" if all(judged) else "fn"
    return "tp" if all(judged) else "mixed" if any(judged) else "fp"


def count_pairs(marks: Sequence[Mark], name: str, wanted: int | None) -> int:
    """(box, label) pairs of one kind (tp, fp, fn or truth), as the metrics count them; of the wanted label only, if there
    is one. Of what is ignored, boxes and detections, whatever their labels."""
    shown = [mark for one in marks if (mark := MarkFilter(label=wanted).restrict(one)) is not None]
    if name == "ignored":
        return sum(mark.kind == "ignored" for mark in shown)
    source = "truth" if name in ("truth", "fn") else "detection"
    verdicts = [one for mark in shown if mark.source == source for one in mark.verdicts if one is not None]
    return len(verdicts) if name == "truth" else sum(verdict == (name == "tp") for verdict in verdicts)


def list_marks(images: MatchedImages, index: int, threshold: float | NDArray[np.float32]) -> list[Mark]:
    """All that can be drawn of the image at `index`: true boxes first, then detections with a score above `threshold`,
    which is one for all labels or one for each (k,).

    A detection that is right about one label and wrong about another is mixed. A true box is fn if any of its labels
    is. An ignored box is drawn for what it is, and a detection on it is ignored as well.
    """
    truth, detections = images.truth[index], images.detections[index]
    match = images.table.at(threshold).image(index)
    fn_rows = {(int(row), int(label)) for row, label in match.fn_rows}
    result: list[Mark] = []
    for row in range(len(truth)):
        labels = tuple(int(label) for label in np.flatnonzero(truth.labels[row]))
        verdicts = tuple((row, label) not in fn_rows for label in labels)
        if labels:
            kind = judge_verdicts("truth", verdicts)
            result.append(Mark("truth", row, kind, _as_xyxy(truth.boxes[row]), labels, verdicts, ()))
    for row, by_label in enumerate(truth.ignored_by_label()):
        labels = tuple(int(label) for label in np.flatnonzero(by_label))
        box = _as_xyxy(truth.ignored[row])
        result.append(Mark("truth", len(truth) + row, "ignored", box, labels, (None,) * len(labels), ()))
    labels_of: dict[int, list[tuple[int, bool | None]]] = {}
    for row, label in match.ignored_rows.tolist():
        labels_of.setdefault(row, []).append((label, None))
    for row, label, found in zip(match.detections, match.labels, match.truths, strict=True):
        labels_of.setdefault(int(row), []).append((int(label), bool(found >= 0)))
    for row, pairs in sorted(labels_of.items()):
        pairs.sort(key=lambda pair: -float(detections.scores[row, pair[0]]))
        labels = tuple(label for label, _ in pairs)
        scores = tuple(float(detections.scores[row, label]) for label in labels)
        judged = tuple(is_tp for _, is_tp in pairs)
        kind = judge_verdicts("detection", judged)
        result.append(Mark("detection", row, kind, _as_xyxy(detections.boxes[row]), labels, judged, scores))
    return result


def _as_xyxy(box: NDArray[np.float32]) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = (float(value) for value in box)
    return (x1, y1, x2, y2)
