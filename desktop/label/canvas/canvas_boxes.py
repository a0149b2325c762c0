"""The boxes that a canvas shows: as the project has them, as they are in the middle of a gesture, and the selection."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from core.types import Box
from desktop.label.canvas import shaping
from desktop.label.canvas.box_rules import NO_RULES, BoxRules
from desktop.label.canvas.interaction import Boxes


class CanvasBoxes:
    """One per canvas. Whoever changes it says so: it announces nothing."""

    def __init__(self) -> None:
        self._saved = Boxes(())
        self._preview: Boxes | None = None
        self._selected: frozenset[int] = frozenset()
        self._rules = NO_RULES
        self._seen: dict[Boxes, Boxes] = {}  # what is to be seen of `saved` and of `shown`

    @property
    def saved(self) -> Boxes:
        """As they are in the project."""
        return self._saved

    @property
    def shown(self) -> Boxes:
        """As they are shown, in the middle of a gesture or a sequence of nudges too."""
        return self._preview if self._preview is not None else self._saved

    @property
    def visible(self) -> Boxes:
        """Of `shown` what is not hidden. What is selected is never hidden."""
        return self._find_visible(self.shown)

    @property
    def visible_saved(self) -> Boxes:
        """Of `saved` what is not hidden."""
        return self._find_visible(self._saved)

    @property
    def hidden_count(self) -> int:
        """How many boxes are out of sight."""
        return len(self.shown.all) - len(self.visible.all)

    def find_movable(self, box_ids: Collection[int]) -> frozenset[int]:
        """Those of `box_ids` that are not locked."""
        if not self._rules.locks_any:
            return frozenset(box_ids)
        return frozenset(box.id for box in self.shown.chosen(box_ids) if not self._rules.locks(box))

    @property
    def has_preview(self) -> bool:
        return self._preview is not None

    @property
    def selected(self) -> frozenset[int]:
        return self._selected

    @property
    def chosen(self) -> list[Box]:
        """The selected boxes as shown."""
        return self.shown.chosen(self._selected)

    def set_saved(self, boxes: Boxes) -> None:
        """Show the boxes as they are in the project now."""
        self._saved, self._preview = boxes, None

    def set_saved_under(self, boxes: Boxes, held: Collection[int]) -> None:
        """Take over how the project has the boxes now, but show those of `held` where they are being dragged."""
        self._preview = Boxes(shaping.place_boxes_as(boxes.all, self.shown.chosen(held)))
        self._saved = boxes

    def are_in_place(self, box_ids: Collection[int], boxes: Boxes) -> bool:
        """Whether the project has the boxes of these ids still where a gesture with them began."""
        return all(shaping.are_same_place(self._saved.box(one), boxes.box(one)) for one in box_ids)

    def set_preview(self, boxes: Sequence[Box]) -> None:
        """Show the boxes as they would be if the gesture ended now."""
        self._preview = Boxes(tuple(boxes))

    def drop_preview(self) -> None:
        """Show the boxes as they are in the project."""
        self._preview = None

    def keep_preview(self) -> tuple[Box, ...] | None:
        """End a gesture: what it came to, shown at once, before the project answers; None where nothing is changed."""
        shown, self._preview = self._preview, None
        if shown is None or shown.all == self._saved.all:
            return None
        self._saved = shown
        return shown.all

    def set_selected(self, box_ids: frozenset[int]) -> None:
        self._selected = box_ids
        self._seen.clear()

    def set_rules(self, rules: BoxRules) -> None:
        """Hide and lock by these rules."""
        self._rules = rules
        self._seen.clear()

    def _find_visible(self, boxes: Boxes) -> Boxes:
        if not self._rules.hides_any:
            return boxes
        if boxes not in self._seen:
            self._seen = {kept: seen for kept, seen in self._seen.items() if kept in (self._saved, self._preview)}
            seen = tuple(box for box in boxes.all if box.id in self._selected or not self._rules.hides(box))
            self._seen[boxes] = Boxes(seen)
        return self._seen[boxes]
