"""The boxes that a canvas shows: as the project has them, as they are in the middle of a gesture, and the selection."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from core.types import Box
from desktop.label.canvas import shaping
from desktop.label.canvas.interaction import Boxes


class CanvasBoxes:
    """One per canvas. Whoever changes it says so: it announces nothing."""

    def __init__(self) -> None:
        self._saved = Boxes(())
        self._preview: Boxes | None = None
        self._selected: frozenset[int] = frozenset()

    @property
    def saved(self) -> Boxes:
        """As they are in the project."""
        return self._saved

    @property
    def shown(self) -> Boxes:
        """As they are shown, in the middle of a gesture or a sequence of nudges too."""
        return self._preview if self._preview is not None else self._saved

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
