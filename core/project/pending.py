"""A project as it will be once edits that the disk refused are written: what the user goes on looking at."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from core.project.edits.edit import Edit, ImageFields, ImageState
from core.project.edits.relabelling import Relabelling, join_relabellings, relabelling_of
from core.project.images import image_files
from core.project.images.summary import LabelSet, Summary, summary_of, unpack_labels
from core.project.parts.project_cache import ProjectCache
from core.project.project_reader import ProjectReader
from core.project.records import Counted, Counts
from core.types import Box, ImageRecord, Label


class ProjectWithPendingEdits:
    """A `ProjectReader`; builders of edits take it in place of the project, so that the next edit continues the last.

    Made by `Project.with_pending`. It does not follow what happens to the project afterwards.
    """

    def __init__(
        self,
        project: ProjectReader,
        cache: ProjectCache,
        edits: Iterable[Edit],
        boxes: Mapping[int, tuple[Box, ...]] | None = None,
        edited: tuple[frozenset[int], ...] = (),
    ) -> None:
        """`cache` is of `project`, or with `boxes` and `edited` as earlier edits left them, and is taken over."""
        self._project = project
        self._cache = cache
        self._boxes = dict(boxes or {})  # of the images whose boxes an edit changes, also where none is left
        self._edited = edited  # the images of each edit
        for edit in edits:
            self._follow_edit(edit)

    def with_edit(self, edit: Edit) -> ProjectWithPendingEdits:
        """The same with one more edit behind the others."""
        return ProjectWithPendingEdits(self._project, self._cache.make_copy(), [edit], self._boxes, self._edited)

    def _follow_edit(self, edit: Edit) -> None:
        changed = {
            image_id: state.boxes
            for image_id, state in edit.after.items()
            if image_id not in edit.before or edit.before[image_id].boxes != state.boxes
        }
        if (relabelled := edit.relabelled) is not None:
            present = self.boxes_of(relabelled.image_ids)
            changed |= {image_id: relabelled.relabel_boxes(image_id, boxes) for image_id, boxes in present.items()}
        self._boxes |= changed | dict.fromkeys((image.id for image in edit.removed), ())
        self._cache.follow_edit(edit, {image_id: summary_of(boxes) for image_id, boxes in changed.items()})
        self._edited = (*self._edited, edit.image_ids)

    @property
    def folder(self) -> Path:
        return self._project.folder

    @property
    def name(self) -> str:
        return self._project.name

    @property
    def read_only(self) -> bool:
        return self._project.read_only

    def labels(self) -> tuple[Label, ...]:
        return self._cache.labels

    def image_ids(self) -> list[int]:
        return list(self._cache.order)

    def images(self) -> list[ImageRecord]:
        return self._cache.listed_images()

    def image(self, image_id: int) -> ImageRecord:
        return self._cache.images[image_id]

    def has_image(self, image_id: int) -> bool:
        return image_id in self._cache.images

    def image_path(self, image: ImageRecord | int) -> Path:
        record = self._cache.images[image] if isinstance(image, int) else image
        return image_files.absolute_path(self.folder, record.path)

    def boxes(self, image_id: int) -> tuple[Box, ...]:
        return self._boxes[image_id] if image_id in self._boxes else self._project.boxes(image_id)

    def boxes_of(self, image_ids: Collection[int]) -> dict[int, tuple[Box, ...]]:
        wanted = frozenset(image_ids)
        found = self._project.boxes_of(wanted - self._boxes.keys())
        return found | {
            image_id: self._boxes[image_id] for image_id in wanted & self._boxes.keys() if self._boxes[image_id]
        }

    def states(self, image_ids: Collection[int]) -> dict[int, ImageState]:
        return self._cache.states(image_ids, self.boxes_of(image_ids))

    def fields(self, image_ids: Collection[int]) -> dict[int, ImageFields]:
        return self._cache.fields(image_ids)

    def relabelling(self, change: Callable[[LabelSet], LabelSet]) -> Relabelling:
        stored = self._project.relabelling(change).without_images(self._boxes)
        return join_relabellings(stored, relabelling_of(self._boxes, change))

    def label_sets(self) -> list[tuple[int, LabelSet, int]]:
        found = [row for row in self._project.label_sets() if row[0] not in self._boxes]
        found += [
            (image_id, labels, count)
            for image_id, boxes in self._boxes.items()
            for labels, count in _counted_sets(summary_of(boxes))
        ]
        return sorted(found, key=lambda row: row[0])

    def label_set_counts(self) -> dict[LabelSet, int]:
        return self._cache.label_set_counts()

    def counts(self) -> Counts:
        return self._cache.counts()

    def last_edits(self) -> dict[int, int]:
        found = self._project.last_edits()
        latest = max(found.values(), default=0)
        for number, image_ids in enumerate(self._edited, latest + 1):
            found |= dict.fromkeys(image_ids, number)
        return found

    def setting(self, key: str, default: Any = None) -> Any:
        return self._project.setting(key, default)

    def new_ids(self, kind: Counted, count: int) -> range:
        return self._project.new_ids(kind, count)


def _counted_sets(summary: Summary) -> list[tuple[LabelSet, int]]:
    if not summary.box_count:
        return []
    texts, counts = summary.label_sets.split("|"), summary.set_counts.split("|")
    return [(unpack_labels(text), int(count)) for text, count in zip(texts, counts, strict=True)]
