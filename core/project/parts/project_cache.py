"""What of a project is kept in memory: labels, image records, their order, counts. Follows committed edits."""

from __future__ import annotations

import copy
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from core.project.edits.edit import Edit, ImageFields, ImageState, fields_of, state_of
from core.project.images import image_files
from core.project.images.summary import LabelSet, Summary
from core.project.records import Counts
from core.types import Box, ImageRecord, Label, Split, Status


class ProjectCache:
    """Not safe for threads by itself: the facade holds a lock."""

    def __init__(
        self,
        folder: Path,
        labels: tuple[Label, ...],
        images: dict[int, ImageRecord],
        order: list[int],
        set_counts: Mapping[LabelSet, int],
    ) -> None:
        """`order` holds the ids of `images` in the natural order of their paths."""
        self._folder = folder
        self._ids_by_key: dict[str, int] | None = None  # made when it is first asked for
        self.labels = labels
        self.images = images
        self.order = order
        self.set_counts: Counter[LabelSet] = Counter(set_counts)
        self._status = Counter(image.status for image in images.values())
        self._splits = Counter(image.split for image in images.values())

    def make_copy(self) -> ProjectCache:
        """Another one, which follows edits of its own."""
        found = copy.copy(self)
        found._ids_by_key = None
        found.images = dict(self.images)
        found.order = list(self.order)
        found.set_counts, found._status, found._splits = (
            self.set_counts.copy(),
            self._status.copy(),
            self._splits.copy(),
        )
        return found

    def listed_images(self) -> list[ImageRecord]:
        """Every image in the order of `order`."""
        return [self.images[image_id] for image_id in self.order]

    def fields(self, image_ids: Collection[int]) -> dict[int, ImageFields]:
        """What is said of each image as a whole."""
        return {image_id: fields_of(self.images[image_id]) for image_id in image_ids}

    def states(self, image_ids: Collection[int], boxes: Mapping[int, tuple[Box, ...]]) -> dict[int, ImageState]:
        """What the user edits of each image; `boxes` lists the images that have some."""
        return {
            image_id: state_of(self.images[image_id], boxes.get(image_id, ())) for image_id in dict.fromkeys(image_ids)
        }

    def label_set_counts(self) -> dict[LabelSet, int]:
        """How many boxes carry each label set."""
        return {labels: count for labels, count in self.set_counts.items() if count}

    def ids_by_key(self) -> dict[str, int]:
        """Image ids by `image_files.path_key` of their files. To be read only."""
        if self._ids_by_key is None:
            keys = image_files.path_keys(self._folder, (image.path for image in self.images.values()))
            self._ids_by_key = dict(zip(keys, self.images, strict=True))
        return self._ids_by_key

    def counts(self) -> Counts:
        """How many images, boxes, boxes by label, images by status and by split; not by looking at each."""
        by_label: Counter[int] = Counter()
        for labels, count in self.set_counts.items():
            for label in labels:
                by_label[label] += count
        return Counts(
            images=len(self.images),
            boxes=sum(self.set_counts.values()),
            labels={label.name: by_label[label.id] for label in self.labels},
            status={str(kind): self._status[kind] for kind in Status},
            splits={str(kind): self._splits[kind] for kind in Split},
        )

    def follow_edit(self, edit: Edit, summaries: Mapping[int, Summary]) -> None:
        """Follow an edit that is committed; `summaries` are of the images whose boxes it changed."""
        if edit.labels_after is not None:
            self.labels = edit.labels_after
        for image in edit.removed:
            self._count(self.images.pop(image.id), -1)
        for image in edit.added:
            self.images[image.id] = image
            self._count(image, 1)
        for image_id, state in edit.after.items():
            self._set(image_id, state.fields, summaries.get(image_id))
        for image_id in summaries.keys() - edit.after.keys() - {image.id for image in edit.removed}:
            self._set(image_id, fields_of(self.images[image_id]), summaries[image_id])
        for image_id, fields in edit.fields_after.items():
            if fields != edit.fields_before[image_id]:
                self._set(image_id, fields, None)
        for image_id, file in edit.files_after.items():
            self.images[image_id] = replace(self.images[image_id], **file._asdict())
        self.set_counts.update(edit.set_changes())
        self._reorder(edit)
        self._rekey(edit)

    def _rekey(self, edit: Edit) -> None:
        if self._ids_by_key is None:
            return
        gone = [image.path for image in edit.removed] + [file.path for file in edit.files_before.values()]
        for key in image_files.path_keys(self._folder, gone):
            self._ids_by_key.pop(key, None)
        fresh = {image.id: image.path for image in edit.added}
        fresh |= {image_id: file.path for image_id, file in edit.files_after.items()}
        self._ids_by_key |= zip(image_files.path_keys(self._folder, fresh.values()), fresh, strict=True)

    def _reorder(self, edit: Edit) -> None:
        """Bring the order to the images as they are after `edit`."""
        moved = {image for image, old in edit.files_before.items() if edit.files_after[image].path != old.path}
        gone = {image.id for image in edit.removed} | moved
        fresh = {image.id for image in edit.added} | moved
        if gone:
            self.order = [image for image in self.order if image not in gone]
        self._put_in(sorted(fresh, key=self._order_key))

    def _put_in(self, fresh: list[int]) -> None:
        """Merge ids that are in natural order into the order, run by run: keys are slow to make."""
        keys = [self._order_key(image_id) for image_id in fresh]
        merged: list[int] = []
        old = new = 0
        while new < len(fresh):
            place = bisect_left(self.order, keys[new], lo=old, key=self._order_key)
            merged += self.order[old:place]
            old = place
            run = bisect_left(keys, self._order_key(self.order[old]), lo=new) if old < len(self.order) else len(fresh)
            merged += fresh[new:run]
            new = run
        if fresh:
            self.order = merged + self.order[old:]

    def _order_key(self, image_id: int) -> image_files.OrderKey:
        return image_files.order_key(self.images[image_id].path)

    def _set(self, image_id: int, fields: ImageFields, summary: Summary | None) -> None:
        old = self.images[image_id]
        count, smallest, sets, difficult = (
            (old.box_count, old.smallest, old.label_sets, old.difficult_count)
            if summary is None
            else (summary.box_count, summary.smallest, summary.sets, summary.difficult_count)
        )
        self.images[image_id] = ImageRecord(
            image_id,
            old.path,
            old.width,
            old.height,
            *fields,
            count,
            old.size_bytes,
            old.content_hash,
            smallest,
            sets,
            old.modified_ns,
            difficult,
        )
        if old.status is not fields.status:
            self._status[old.status] -= 1
            self._status[fields.status] += 1
        if old.split is not fields.split:
            self._splits[old.split] -= 1
            self._splits[fields.split] += 1

    def _count(self, image: ImageRecord, sign: int) -> None:
        self._status[image.status] += sign
        self._splits[image.split] += sign
