"""The import matrix: files as programs write them, and what comes of them, to the pixel and to the word."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from core.formats.annotations import Format, ImportedAnnotations
from core.formats.registry import detect_format, read_annotations
from core.types import Split
from tests.builders import picture, write_picture

WIDTH, HEIGHT = 200, 100
Found = tuple[tuple[float, float, float, float], set[str]]


@dataclass(frozen=True)
class Dialect:
    """One layout and dialect."""

    format: Format
    files: Mapping[str, Any]  # by name: text, bytes, or what becomes JSON
    boxes: Mapping[str, list[Found]]  # by image, below the folder
    told: tuple[str, ...] = ()  # beginnings or parts of all that is said, in order
    labels: tuple[str, ...] | None = None  # None: those of the boxes, in their order
    splits: Mapping[str, Split] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    pictures: tuple[str, ...] = ()  # None of the boxes' images: what else lies there
    source: str = ""  # below the folder; empty: the folder itself


def read_dialect(folder: Path, dialect: Dialect) -> ImportedAnnotations:
    """Make the files of a dialect in `folder`, detect its format and read it."""
    for seed, name in enumerate(sorted({*dialect.boxes, *dialect.pictures})):
        write_picture(folder / name, picture(WIDTH, HEIGHT, seed))
    for name, content in dialect.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, str | bytes):
            content = json.dumps(content)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    detected = detect_format(folder / dialect.source)
    assert detected.format is dialect.format
    return read_annotations(detected.path)


def check_dialect(folder: Path, dialect: Dialect) -> None:
    """What is read is exactly what the dialect says: images, boxes, labels, splits, notes and problems."""
    imported = read_dialect(folder, dialect)
    texts = [problem.problem for problem in imported.problems]
    found = {
        image.path.relative_to(folder).as_posix(): [
            (tuple(np.round(box, 3).tolist()), set(labels))
            for box, labels in zip(image.boxes, image.label_sets, strict=True)
        ]
        for image in imported.images
    }
    assert found == dict(dialect.boxes), texts
    assert len(texts) == len(dialect.told) and all(
        part in text for part, text in zip(dialect.told, texts, strict=True)
    ), texts
    labels = dialect.labels
    if labels is None:
        labels = tuple(
            dict.fromkeys(label for boxes in dialect.boxes.values() for _, names in boxes for label in sorted(names))
        )
    assert imported.labels == labels
    by_name = {image.path.relative_to(folder).as_posix(): image for image in imported.images}
    assert {name: image.split for name, image in by_name.items() if image.split is not None} == dict(dialect.splits)
    assert {name: image.note for name, image in by_name.items() if image.note} == dict(dialect.notes)
