"""In what the data of two runs differ: images, splits, boxes and labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.project.snapshot import Snapshot, SnapshotImage
from core.types import Split

# What tells one annotation of an image from another: boxes to a tenth of a pixel with the names of their labels.
Annotation = tuple[tuple[float | str | bool, ...], ...]


@dataclass(frozen=True, slots=True)
class SnapshotDifference:
    """Numbers come in pairs: of the first data, and of the second."""

    images_by_split: Mapping[str, tuple[int, int]]  # that can be trained or judged on, by split
    boxes_by_label: Mapping[str, tuple[int, int]]  # of those images; of labels that either has
    only_first: int  # images, by what their files hold
    only_second: int
    relabelled: int  # images of both whose boxes, labels or status differ
    moved: int  # images of both that are in another split
    same_validation: bool  # whether both are judged by the same images with the same boxes and labels

    @property
    def is_same(self) -> bool:
        """Whether both teach and judge by the same."""
        return not (self.only_first or self.only_second or self.relabelled or self.moved) and all(
            first == second for first, second in self.boxes_by_label.values()
        )


def compare_run_data(first: Path, second: Path) -> SnapshotDifference:
    """Compare the snapshots of the runs in two folders. Raises InputError if one has none, or it is damaged."""
    one = Snapshot.load(first / "snapshot.json")
    return compare_snapshots(one, one if first == second else Snapshot.load(second / "snapshot.json"))


def compare_snapshots(first: Snapshot, second: Snapshot) -> SnapshotDifference:
    """Images are the same where their files hold the same, wherever they lie."""
    one, two = _find_by_content(first), _find_by_content(second)
    both = one.keys() & two.keys()
    described = {key: (_describe_image(one[key], first), _describe_image(two[key], second)) for key in both}
    splits = [str(split) for split in (Split.TRAIN, Split.VAL, Split.TEST)]
    judged = [_describe_validation(snapshot) for snapshot in (first, second)]
    counted = [_count_boxes(snapshot, splits) for snapshot in (first, second)]
    names = dict.fromkeys([*first.label_names, *second.label_names])
    return SnapshotDifference(
        {split: (len(first.of_split(split)), len(second.of_split(split))) for split in splits},
        {name: (counted[0][name], counted[1][name]) for name in names},
        len(one.keys() - both),
        len(two.keys() - both),
        sum(before != after for before, after in described.values()),
        sum(one[key].split != two[key].split for key in both),
        judged[0] == judged[1],
    )


def _identify(image: SnapshotImage) -> str:
    return image.content_hash or image.path


def _find_by_content(snapshot: Snapshot) -> dict[str, SnapshotImage]:
    return {_identify(image): image for image in snapshot.images}


def _describe_image(image: SnapshotImage, snapshot: Snapshot) -> tuple[str, Annotation]:
    return str(image.status), tuple(
        sorted(
            [
                *_describe_boxes(image.boxes, image.labels, snapshot, ignored=False),
                *_describe_boxes(image.ignored, image.ignored_labels, snapshot, ignored=True),
            ],
            key=repr,
        )
    )


def _describe_boxes(
    boxes: NDArray[np.float32], labels: NDArray[np.bool_], snapshot: Snapshot, *, ignored: bool
) -> Iterable[tuple[float | str | bool, ...]]:
    for box, present in zip(np.round(boxes, 1).tolist(), labels, strict=True):
        names = sorted(snapshot.label_names[column] for column in np.flatnonzero(present))
        yield (*box, ignored, *names)


def _describe_validation(snapshot: Snapshot) -> dict[str, tuple[str, Annotation]]:
    return {_identify(image): _describe_image(image, snapshot) for image in snapshot.of_split(Split.VAL)}


def _count_boxes(snapshot: Snapshot, splits: Iterable[str]) -> Counter[str]:
    """Boxes by label in the images that can be trained or judged on."""
    total = np.zeros(len(snapshot.label_names), np.int64)
    for split in splits:
        for image in snapshot.of_split(split):
            total += image.labels.sum(axis=0)
    return Counter(dict(zip(snapshot.label_names, total.tolist(), strict=True)))
