"""Boxes on the clipboard: as text that says labels by name, so that two windows and two projects can exchange them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtWidgets import QApplication

from core.types import Box, Label

VERSION = 1
MOST_BOXES = 20_000
MOST_BYTES = 8_000_000


@dataclass(frozen=True, slots=True)
class CopiedBox:
    """One box without an identity."""

    xyxy: tuple[float, float, float, float]
    labels: tuple[str, ...]
    difficult: bool = False


@dataclass(frozen=True, slots=True)
class Copied:
    """Boxes and the name of the image that they come from."""

    source: str
    boxes: tuple[CopiedBox, ...]


def pack_boxes(boxes: Sequence[Box], labels: Sequence[Label], source: str) -> Copied:
    """`boxes` of the image `source` as they are passed on."""
    return Copied(
        source,
        tuple(
            CopiedBox(box.xyxy, tuple(label.name for label in labels if label.id in box.labels), box.difficult)
            for box in boxes
        ),
    )


def to_text(what: Copied) -> str:
    """As JSON, for `from_text` and for anyone who wants to read it."""
    boxes = [
        {"xyxy": list(box.xyxy), "labels": list(box.labels)} | ({"difficult": True} if box.difficult else {})
        for box in what.boxes
    ]
    return json.dumps({"defectdesk_boxes": VERSION, "image": what.source, "boxes": boxes}, ensure_ascii=False)


def from_text(text: str) -> Copied | None:
    """What `to_text` wrote, or None for anything else: the clipboard belongs to every program."""
    if len(text) > MOST_BYTES or '"defectdesk_boxes"' not in text[:200]:
        return None
    try:
        tree = json.loads(text)
        if tree["defectdesk_boxes"] != VERSION or not 0 < len(tree["boxes"]) <= MOST_BOXES:
            return None
        return Copied(_read_text(tree["image"]), tuple(_read_box(entry) for entry in tree["boxes"]))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def put_boxes(what: Copied) -> None:
    """On the system's clipboard, where any window of the program finds it."""
    # Text only: data that was made in Python is taken down after Python itself on some platforms, which crashes.
    QApplication.clipboard().setText(to_text(what))


def take_boxes() -> Copied | None:
    """The boxes that are on the system's clipboard, if any are."""
    return from_text(QApplication.clipboard().text())


def _read_box(entry: Any) -> CopiedBox:
    x1, y1, x2, y2 = (float(value) for value in entry["xyxy"])
    if not all(math.isfinite(value) for value in (x1, y1, x2, y2)) or x2 <= x1 or y2 <= y1:
        raise ValueError("no box")
    labels = tuple(_read_text(name) for name in entry["labels"])
    return CopiedBox((x1, y1, x2, y2), labels, entry.get("difficult") is True)


def _read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value
