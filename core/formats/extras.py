"""What annotations may say of an image beyond its boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.types import Split, Status


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
        texts = {key: value for key, value in values.items() if isinstance(value, str) and is_storable(value)}
        status, split = texts.get("status"), texts.get("split")
        return cls(
            Status(status) if status in set(Status) else None,
            Split(split) if split in set(Split) else None,
            texts.get("group"),
            texts.get("note"),
            texts.get("content_hash", ""),
            texts.get("frame") == "upright",
        )


def is_storable(value: str) -> bool:
    """False if it holds halves of characters, which nothing can store."""
    return not any("\ud800" <= letter <= "\udfff" for letter in value)
