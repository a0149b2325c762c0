"""Reading the table of boxes. Those of the images that were looked at last are kept until they are written."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

from core.gc_pause import gc_paused
from core.project.images.summary import unpack_labels
from core.project.storage.rows import LISTED, as_parameter, sound_rows
from core.types import Box

KEPT = 4  # images


class BoxTable:
    """Whoever writes boxes, or takes back what was written, calls `forget_kept`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._kept: dict[int, tuple[Box, ...]] = {}  # what was read last comes last
        self._version = -1

    def forget_kept(self) -> None:
        self._kept.clear()

    @sound_rows()
    def boxes(self, image_id: int) -> tuple[Box, ...]:
        """The boxes of an image by their ids."""
        self._follow_others()
        found = self._kept.pop(image_id, None)
        if found is None:
            rows = self._db.execute(
                "SELECT id, x1, y1, x2, y2, labels, difficult FROM boxes WHERE image = ? ORDER BY id", (image_id,)
            )
            found = tuple(
                Box(box_id, x1, y1, x2, y2, unpack_labels(packed), bool(difficult))
                for box_id, x1, y1, x2, y2, packed, difficult in rows
            )
            while len(self._kept) >= KEPT:
                del self._kept[next(iter(self._kept))]
        self._kept[image_id] = found
        return found

    @sound_rows()
    @gc_paused()
    def boxes_of(self, image_ids: Collection[int]) -> dict[int, tuple[Box, ...]]:
        """Boxes by image id; images without boxes are left out."""
        if len(image_ids) == 1:
            (image_id,) = image_ids
            boxes = self.boxes(image_id)
            return {image_id: boxes} if boxes else {}
        found: dict[int, list[Box]] = {}
        rows = self._db.execute(
            f"SELECT image, id, x1, y1, x2, y2, labels, difficult FROM boxes WHERE image IN ({LISTED}) ORDER BY image, id",
            (as_parameter(image_ids),),
        )
        for image, box_id, x1, y1, x2, y2, packed, difficult in rows:
            box = Box(box_id, x1, y1, x2, y2, unpack_labels(packed), bool(difficult))
            found.setdefault(image, []).append(box)
        return {image: tuple(boxes) for image, boxes in found.items()}

    def _follow_others(self) -> None:
        """Forget what is kept if another process has written, as it may where this one only reads."""
        version: int = self._db.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:
            self._version = version
            self._kept.clear()
