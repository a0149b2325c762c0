"""Which boxes are out of sight and which are held in place: by the box, and by label. Pure values, of no project."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from core.types import Box

NOBODY: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class BoxRules:
    """What the user hid and locked. A box is hidden by its labels where none of them is to be seen."""

    hidden_boxes: frozenset[int] = NOBODY
    hidden_labels: frozenset[int] = NOBODY
    only_label: int | None = None  # boxes without it are hidden
    locked_boxes: frozenset[int] = NOBODY
    locked_labels: frozenset[int] = NOBODY

    @property
    def hides_any(self) -> bool:
        return bool(self.hidden_boxes or self.hidden_labels or self.only_label is not None)

    @property
    def locks_any(self) -> bool:
        return bool(self.locked_boxes or self.locked_labels)

    def hides(self, box: Box) -> bool:
        """Whether a box is out of sight, unless it is selected."""
        if box.id in self.hidden_boxes or (self.only_label is not None and self.only_label not in box.labels):
            return True
        return bool(box.labels) and box.labels <= self.hidden_labels

    def locks(self, box: Box) -> bool:
        """Whether a box cannot be moved, resized or deleted."""
        return box.id in self.locked_boxes or bool(box.labels & self.locked_labels)

    def hides_label(self, label_id: int) -> bool:
        """Whether boxes that carry no other label are out of sight."""
        return label_id in self.hidden_labels or (self.only_label is not None and self.only_label != label_id)

    # -- what the user does

    def with_hidden(self, box_ids: Collection[int]) -> BoxRules:
        return replace(self, hidden_boxes=self.hidden_boxes | frozenset(box_ids))

    def with_label_hidden(self, label_id: int) -> BoxRules:
        """Hide the boxes of a label, or show them again."""
        return replace(self, hidden_labels=self.hidden_labels ^ {label_id}, only_label=None)

    def with_only_label(self, label_id: int) -> BoxRules:
        """Show the boxes of one label only, or all again."""
        only = None if self.only_label == label_id else label_id
        return replace(self, hidden_boxes=NOBODY, hidden_labels=NOBODY, only_label=only)

    def with_all_shown(self) -> BoxRules:
        return replace(self, hidden_boxes=NOBODY, hidden_labels=NOBODY, only_label=None)

    def with_locks_switched(self, boxes: Iterable[Box]) -> BoxRules:
        """Lock boxes, or where all of them are locked by themselves, unlock them."""
        ids = frozenset(box.id for box in boxes)
        kept = self.locked_boxes - ids if ids <= self.locked_boxes else self.locked_boxes | ids
        return replace(self, locked_boxes=kept)

    def with_label_locked(self, label_id: int) -> BoxRules:
        """Lock the boxes of a label, or unlock them."""
        return replace(self, locked_labels=self.locked_labels ^ {label_id})


NO_RULES = BoxRules()
