"""What can be asked of an open project. Labels, image records and counts are in memory, boxes in the database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from core.gc_pause import gc_paused
from core.project.edits.edit import Edit, ImageFields, ImageState
from core.project.edits.relabelling import Relabelling
from core.project.images import image_files
from core.project.images.summary import LabelSet
from core.project.opened import OpenProject
from core.project.pending import ProjectWithPendingEdits
from core.project.project_cache import Memory
from core.project.records import Counts
from core.types import Box, ImageRecord, Label


class ProjectReading(OpenProject):
    """The part of `Project` that changes nothing."""

    _memory: Memory

    def labels(self) -> tuple[Label, ...]:
        """Labels in display order."""
        return self._memory.labels

    def label_named(self, name: str) -> Label | None:
        return self._memory.label_named(name)

    def image_ids(self) -> list[int]:
        """Image ids in the natural order of their paths: part2 before part10."""
        with self._lock:
            return list(self._memory.order)

    def images(self) -> list[ImageRecord]:
        """Every image, in the order of `image_ids`."""
        with self._lock:
            return self._memory.listed_images()

    def image(self, image_id: int) -> ImageRecord:
        """One image; KeyError if there is none."""
        return self._memory.images[image_id]

    def has_image(self, image_id: int) -> bool:
        """Whether there is such an image; does not wait for an edit that is being written."""
        return image_id in self._memory.images

    def boxes(self, image_id: int) -> tuple[Box, ...]:
        """The boxes of an image, in ascending order of their ids."""
        with self._reading():
            return self._store.boxes(image_id)

    def boxes_of(self, image_ids: Collection[int]) -> dict[int, tuple[Box, ...]]:
        """Boxes of many images at once; an image without boxes is left out."""
        with self._reading():
            return self._store.boxes_of(image_ids)

    @gc_paused()
    def states(self, image_ids: Collection[int]) -> dict[int, ImageState]:
        """What a person edits of each image: the `before` of an edit."""
        with self._lock:
            return self._memory.states(image_ids, self.boxes_of(image_ids))

    @gc_paused()
    def fields(self, image_ids: Collection[int]) -> dict[int, ImageFields]:
        """What a person says of each image as a whole: the `fields_before` of an edit. Reads no boxes."""
        with self._lock:
            return self._memory.fields(image_ids)

    def relabelling(self, change: Callable[[LabelSet], LabelSet]) -> Relabelling:
        """What `change` does to the label sets of all boxes: the `relabelled` of an edit.

        Called once for each different set that boxes have, not for each box.
        """
        with self._reading():
            return self._store.relabelling(change)

    def label_sets(self) -> list[tuple[int, LabelSet, int]]:
        """(image id, label set, number of boxes that carry exactly this set) over all images with boxes."""
        with self._reading():
            return self._store.label_sets()

    def label_set_counts(self) -> dict[LabelSet, int]:
        """How many boxes of the project carry each label set; from memory."""
        with self._lock:
            return self._memory.label_set_counts()

    def images_with_labels(self, label_ids: Collection[int]) -> list[int]:
        """Ids of the images that have a box with at least one of the labels."""
        with self._lock:
            return self._memory.images_with_labels(label_ids)

    def last_edits(self) -> dict[int, int]:
        """By image id, a number that is the larger the later the image was last edited; of those that ever were."""
        with self._reading():
            return self._store.events.last()

    def new_box_id(self) -> int:
        """An id that no box has or had, also not one that was undone."""
        return self.new_ids("box", 1)[0]

    def image_path(self, image: ImageRecord | int) -> Path:
        """Where the image's file is, absolute."""
        record = self._memory.images[image] if isinstance(image, int) else image
        return image_files.absolute(self.folder, record.path)

    def counts(self) -> Counts:
        """How many images, boxes, boxes by label, images by status and by split."""
        with self._lock:
            return self._memory.counts()

    def with_pending(self, edits: Iterable[Edit]) -> ProjectWithPendingEdits:
        """The project as it will be once these edits are applied."""
        with self._lock:
            return ProjectWithPendingEdits(self, self._memory.copied(), edits)

    def new_files(self, files: Iterable[Path]) -> list[Path]:
        """Those of `files` that the project does not refer to yet, each once."""
        wanted = {image_files.key(file): file for file in files}
        with self._lock:
            known = self._memory.ids_by_key()
            return [file for key, file in wanted.items() if key not in known]

    def ids_by_path(self) -> dict[str, int]:
        """Image ids by `gathering.key` of their files."""
        with self._lock:
            return dict(self._memory.ids_by_key())
