"""What annotations may say of an image beyond its boxes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core.formats.annotations import DIFFICULT
from core.types import Split, Status

_TEXTS = ("status", "split", "group", "note", "content_hash", "frame")
_STATUSES = {str(status): status for status in Status}
_SPLITS = {str(split): split for split in Split}
_HALVES = re.compile("[\ud800-\udfff]")


@dataclass(slots=True)
class Extras:
    """What formats of our own say of an image beyond its boxes; None where they do not."""

    status: Status | None = None
    split: Split | None = None
    group: str | None = None
    note: str | None = None
    content_hash: str = ""
    upright: bool = False  # the file says that its boxes are on the upright image

    @classmethod
    def of(cls, values: Any) -> Extras:
        """From a JSON object or a row of texts; what is not understood is as if not there."""
        if not isinstance(values, dict):
            return cls()
        told = ((key, values.get(key)) for key in _TEXTS)
        texts = {key: value for key, value in told if isinstance(value, str) and is_storable(value)}
        status, split = texts.get("status"), texts.get("split")
        return cls(
            _STATUSES.get(status or ""),
            _SPLITS.get(split or ""),
            texts.get("group"),
            texts.get("note"),
            texts.get("content_hash", ""),
            texts.get("frame") == "upright",
        )


def list_bare_boxes(own: Any) -> Iterator[tuple[int, Any, list[str]]]:
    """(place, box as it is written, marks) of the boxes without a label that an export of ours tells of an image."""
    values = own if isinstance(own, dict) else {}
    boxes, difficult = values.get("boxes_without_label"), values.get("difficult_without_label")
    marked = [place for place in difficult if isinstance(place, int)] if isinstance(difficult, list) else []
    for place, box in enumerate(boxes if isinstance(boxes, list) else ()):
        yield place, box, [DIFFICULT] if place in marked else []


def is_storable(value: str) -> bool:
    """False if it holds halves of characters, which nothing can store."""
    return value.isascii() or _HALVES.search(value) is None
