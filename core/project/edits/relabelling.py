"""Other label sets for many boxes at once, as columns: deleting or merging a label reads no box as an object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.project.images.summary import LabelSet
from core.types import Box

SetChange = Callable[[LabelSet], LabelSet]


@dataclass(frozen=True, slots=True, eq=False)
class Relabelling:
    """Other label sets for many boxes, as columns of one length n; places refer to `sets`."""

    sets: tuple[frozenset[int], ...]
    images: NDArray[np.int64]  # (n,) image ids, ascending
    boxes: NDArray[np.int64]  # (n,) box ids
    before: NDArray[np.int32]  # (n,) places of the label sets that they have
    after: NDArray[np.int32]  # (n,) places of those that they get

    def __post_init__(self) -> None:
        if not len(self.images) == len(self.boxes) == len(self.before) == len(self.after):
            raise ValueError("the columns of a relabelling have different lengths")

    def __len__(self) -> int:
        return len(self.images)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Relabelling)
            and self.sets == other.sets
            and np.array_equal(self.images, other.images)
            and np.array_equal(self.boxes, other.boxes)
            and np.array_equal(self.before, other.before)
            and np.array_equal(self.after, other.after)
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def reversed(self) -> Relabelling:
        return replace(self, before=self.after, after=self.before)

    def without_images(self, image_ids: Collection[int]) -> Relabelling:
        """The same, with the boxes of these images left alone."""
        kept = ~np.isin(self.images, np.fromiter(image_ids, np.int64, len(image_ids)))
        return replace(
            self, images=self.images[kept], boxes=self.boxes[kept], before=self.before[kept], after=self.after[kept]
        )

    def relabel_boxes(self, image_id: int, boxes: Sequence[Box]) -> tuple[Box, ...]:
        """`boxes`, which are those of the image, with the label sets that they get."""
        start, stop = np.searchsorted(self.images, [image_id, image_id + 1])
        places = zip(self.boxes[start:stop].tolist(), self.after[start:stop].tolist(), strict=True)
        sets = {box_id: self.sets[place] for box_id, place in places}
        return tuple(replace(box, labels=sets[box.id]) if box.id in sets else box for box in boxes)

    @property
    def image_ids(self) -> list[int]:
        """The images that it touches, ascending."""
        ids: list[int] = np.unique(self.images).tolist()
        return ids

    def set_changes(self) -> Counter[frozenset[int]]:
        """By how much the number of boxes with each label set changes."""
        counts: Counter[frozenset[int]] = Counter()
        for places, sign in ((self.before, -1), (self.after, 1)):
            for labels, count in zip(self.sets, np.bincount(places, minlength=len(self.sets)).tolist(), strict=True):
                counts[labels] += sign * count
        return counts


def relabelling_of(boxes: Mapping[int, Sequence[Box]], change: SetChange) -> Relabelling:
    """What `change` does to the label sets of boxes, by image id; boxes whose set it leaves alone are left out."""
    old = dict.fromkeys(box.labels for of_image in boxes.values() for box in of_image)
    changed = {labels: new for labels in old if (new := change(labels)) != labels}
    places = {labels: place for place, labels in enumerate(dict.fromkeys([*changed, *changed.values()]))}
    rows = [
        (image_id, box.id, places[box.labels], places[changed[box.labels]])
        for image_id in sorted(boxes)
        for box in boxes[image_id]
        if box.labels in changed
    ]
    table = np.array(rows, np.int64).reshape(-1, 4)
    before, after = table[:, 2].astype(np.int32), table[:, 3].astype(np.int32)
    return Relabelling(tuple(places), table[:, 0].copy(), table[:, 1].copy(), before, after)


def join_relabellings(first: Relabelling, second: Relabelling) -> Relabelling:
    """Both, which are about different images, as one."""
    places = {labels: place for place, labels in enumerate(dict.fromkeys((*first.sets, *second.sets)))}
    images = np.concatenate([first.images, second.images])
    order = np.argsort(images, kind="stable")
    moved = [np.array([places[labels] for labels in one.sets], np.int32) for one in (first, second)]
    return Relabelling(
        tuple(places),
        images[order],
        np.concatenate([first.boxes, second.boxes])[order],
        np.concatenate([moved[0][first.before], moved[1][second.before]])[order],
        np.concatenate([moved[0][first.after], moved[1][second.after]])[order],
    )
