"""How often labels occur together on a box."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cooccurrence:
    """Numbers of boxes, by label ids. Pairs are kept under both orders."""

    boxes: Mapping[int, int]  # that carry the label
    alone: Mapping[int, int]  # that carry it and no other
    pairs: Mapping[tuple[int, int], int]  # that carry both

    def partners(self, label_id: int) -> list[tuple[int, int]]:
        """(other label, boxes with both), the most frequent first."""
        found = [(other, count) for (label, other), count in self.pairs.items() if label == label_id]
        return sorted(found, key=lambda entry: (-entry[1], entry[0]))

    def share(self, label_id: int, other: int) -> float:
        """The part, 0..1, of the boxes with `label_id` that carry `other` too; with itself: that carry it alone."""
        count = self.alone.get(label_id, 0) if label_id == other else self.pairs.get((label_id, other), 0)
        boxes = self.boxes.get(label_id, 0)
        return count / boxes if boxes else 0.0


def count_cooccurrence(label_set_counts: Mapping[frozenset[int], int]) -> Cooccurrence:
    """From how many boxes carry exactly each label set."""
    boxes: Counter[int] = Counter()
    alone: Counter[int] = Counter()
    pairs: Counter[tuple[int, int]] = Counter()
    for labels, count in label_set_counts.items():
        for label in labels:
            boxes[label] += count
            for other in labels - {label}:
                pairs[label, other] += count
        if len(labels) == 1:
            alone[next(iter(labels))] += count
    return Cooccurrence(boxes, alone, pairs)
