"""A project as it will be once edits that the disk refused are written: what a person goes on looking at."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from core.errors import InputError
from core.project.edits.edit import Edit, ImageState, Relabelling
from core.project.images.summary import summary_of
from core.project.project import Project
from core.types import Box, ImageRecord, Label


class ProjectWithPendingEdits:
    """Reads like `project`, with `waiting` done in order; everything else is the project's own.

    Builders of edits take it in place of the project, so that the next edit continues the last one. The edits
    must not add or remove images.
    """

    def __init__(self, project: Project, waiting: Sequence[Edit]) -> None:
        self._project = project
        self._waiting = tuple(waiting)
        self._touched = frozenset[int]().union(*(edit.image_ids for edit in waiting))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._project, name)

    def labels(self) -> tuple[Label, ...]:
        lists = [edit.labels_after for edit in self._waiting if edit.labels_after is not None]
        return lists[-1] if lists else self._project.labels()

    def label_named(self, name: str) -> Label | None:
        return next((label for label in self.labels() if label.name == name), None)

    def image(self, image_id: int) -> ImageRecord:
        record = self._project.image(image_id)
        if image_id not in self._touched:
            return record
        state = self.states([image_id])[image_id]
        known = summary_of(state.boxes)
        return replace(
            record,
            status=state.status,
            split=state.split,
            group=state.group,
            note=state.note,
            box_count=known.box_count,
            smallest=known.smallest,
            label_sets=known.sets,
        )

    def boxes(self, image_id: int) -> tuple[Box, ...]:
        return self.states([image_id])[image_id].boxes

    def boxes_of(self, image_ids: Collection[int]) -> dict[int, tuple[Box, ...]]:
        return {image_id: state.boxes for image_id, state in self.states(image_ids).items() if state.boxes}

    def states(self, image_ids: Collection[int]) -> dict[int, ImageState]:
        return {
            image_id: self._after(image_id, state) if image_id in self._touched else state
            for image_id, state in self._project.states(image_ids).items()
        }

    def images_with_labels(self, label_ids: Collection[int]) -> list[int]:
        wanted = frozenset(label_ids)
        theirs = set(self._project.images_with_labels(label_ids)) - self._touched
        ours = {image for image, boxes in self.boxes_of(self._touched).items() if any(b.labels & wanted for b in boxes)}
        return sorted(theirs | ours)

    def relabelling(self, change: Callable[[frozenset[int]], frozenset[int]]) -> Relabelling:
        raise InputError("labels: edits wait for the disk; give it room first, then change labels on all boxes")

    def _after(self, image_id: int, state: ImageState) -> ImageState:
        for edit in self._waiting:
            state = edit.after.get(image_id, state)
            if image_id in edit.fields_after:
                state = replace(state, **edit.fields_after[image_id]._asdict())
            if edit.relabelled is not None:
                state = replace(state, boxes=_relabelled(image_id, state.boxes, edit.relabelled))
        return state


def _relabelled(image_id: int, boxes: tuple[Box, ...], change: Relabelling) -> tuple[Box, ...]:
    start, stop = np.searchsorted(change.images, [image_id, image_id + 1])
    after = {
        int(box_id): change.sets[place]
        for box_id, place in zip(change.boxes[start:stop], change.after[start:stop], strict=True)
    }
    return tuple(replace(box, labels=after[box.id]) if box.id in after else box for box in boxes)
