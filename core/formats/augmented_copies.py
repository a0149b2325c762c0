"""Copies of one picture, as Roboflow names them: part1_jpg.rf.3f2a….jpg. Divided over splits, they would let a model be
judged on pictures that it learned."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from core.formats.annotations import ImportedAnnotations
from core.project.images.grouping import pattern_rule

PATTERN = "{group}.rf.{*}"  # puts the copies of a picture into one group, see `core.project.images.grouping`
_NAME = re.compile(r".+\.rf\.[0-9A-Za-z]{8,}\.[A-Za-z]{3,4}")
_rule = pattern_rule(PATTERN)


@dataclass(frozen=True, slots=True)
class Copies:
    """Images that are copies of fewer pictures."""

    images: int
    pictures: int
    example: str  # the name of one that has several

    @property
    def counted_pictures(self) -> str:
        """The number of pictures with its noun."""
        return "1 picture" if self.pictures == 1 else f"{self.pictures:,} pictures"

    @property
    def text(self) -> str:
        """What was found, and why it matters."""
        return (
            f"{self.images:,} images are copies of {self.counted_pictures} by their names (Roboflow's, such as "
            f"{self.example}); in one group, no split divides the copies of a picture"
        )


def find_copies(names: Iterable[str]) -> Copies | None:
    """The copies among files of these names; None if no picture has several."""
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for name in names:
        if _NAME.fullmatch(name) and (group := _rule(name)) is not None:
            counts[group] += 1
            examples.setdefault(group, name)
    group, most = max(counts.items(), key=lambda entry: entry[1], default=("", 0))
    return Copies(counts.total(), len(counts), examples[group]) if most > 1 else None


def find_ungrouped_copies(imported: ImportedAnnotations) -> Copies | None:
    """The copies among the images that are in no group."""
    return find_copies(image.path.name for image in imported.images if not image.group)


def group_copies(imported: ImportedAnnotations) -> ImportedAnnotations:
    """The same with the copies of a picture in one group, where the source tells of none."""
    images = tuple(
        replace(image, group=_rule(image.path.name)) if not image.group and _NAME.fullmatch(image.path.name) else image
        for image in imported.images
    )
    return replace(imported, images=images)
