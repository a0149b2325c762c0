"""What was wrong with an import by kind: how many, at what cost in boxes, and examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.formats.annotations import ImportedAnnotations
from core.project.images.copies import COPY, DIVIDED
from core.project.images.image_files import NOTICE
from core.types import Problem

EXAMPLES = 3
# By the kind that readers report; a kind that is not here is its own name.
_TITLES = {
    "file": "images that were not found",
    "several files": "images that may be any of several files",
    "ambiguous": "files that several images may mean",
    "elsewhere": "folders with images that the annotations look for elsewhere",
    "image": "boxes of images that were left out",
    "unreadable": "images that cannot be read",
    "size": "images of another size than the boxes were made for",
    "turned": "images whose boxes were turned upright",
    "orientation": "images with an Exif orientation that the boxes may not follow",
    "no boxes": "images without a box in the file",
    "boxes left out": "images whose boxes were all left out",
    "listed": "images that are listed twice",
    "name": "entries without a file name",
    "shared": "images that share a label file",
    "stray labels": "label files that belong to no image",
    "no labels": "images without a label file",
    "link": "links that were not followed",
    "outside": "boxes wholly outside the image",
    "partly outside": "boxes partly outside the image, cut off at its edge",
    "area": "boxes without an area",
    "pixels": "boxes in pixels where the format has shares of the image",
    "runs": "masks whose run lengths cannot be used",
    "box": "boxes whose numbers cannot be used",
    "line": "lines that are no box",
    "many": "boxes beyond the most that an image may have",
    "label": "boxes whose label cannot be used",
    "dangling label": "boxes of a label that is not declared",
    "dangling image": "boxes of an image that is not listed",
    "double id": "ids that are used twice",
    "double key": "fields that are there twice",
    "crowd": "crowd regions",
    "swapped": "boxes whose corners were swapped",
    "outline": "outlines, taken as the box around them",
    "score": "predictions with a score, taken as boxes",
    "merged": "boxes that coincide with another, merged",
    "tiny": "boxes smaller than a pixel",
    "shares": "boxes given as shares of the image",
    "split": "places of a split that are not there",
    "split word": "words that are no split",
    "split of a name": "splits taken from the names of files or folders",
    "category": "categories that cannot be used",
    "class": "classes that cannot be used",
    "category name": "categories of one name",
    "entry": "entries that cannot be used",
    "labels": "label files that cannot be read",
    "known label": "labels taken as those of the project",
    "same content": "images taken as those of the project with the same content",
    NOTICE: "notices of how files are read",
    COPY: "copies of one picture",
    DIVIDED: "copies of a picture that are in several of train, val and test",
    "passed over": "files that were passed over",
    "broken file": "files that cannot be read",
    "too many files": "folders with too many files to look through",
    "reserved": "boxes of a label that stands for no defect",
    "shape": "shapes that cannot be used",
    "names": "boxes with several names",
    "no id": "files whose annotations have no id",
    "inside": "pictures that are only inside their file",
    "part": "objects whose parts were left out",
    "boxes": "objects with several boxes",
    "label set": "boxes whose annotations differ from their label set",
    "frame": "images that are listed upright and turned",
    "kind of id": "files whose ids are texts here and numbers there",
    "labels by name": "label files found by their names alone",
    "place of a split": "places of a split that were found elsewhere",
    "no label": "boxes without a label",
    "one name": "labels of one name that became one",
    "renamed category": "categories that got another name",
    "spare label": "labels that were left out",
    "mark": "marks of boxes that were left out",
    "difficult": "difficult boxes",
    "attribute": "attributes that were left out",
    "tag": "texts taken as notes",
    "types": "types that were named",
    "template": "templates that were left out",
    "unlisted": "files that no list names",
    "masks": "masks without an image",
    "mask": "masks that cannot be used",
    "lossy": "masks with the marks of compression",
    "values": "values of masks taken as labels",
    "track": "tracked boxes, taken as boxes",
    "pose": "poses, taken as boxes",
    "polygon": "polygons, taken as the box around them",
    "scored polygon": "polygons with a score, taken as the box around them",
}


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """All problems of one kind."""

    kind: str
    title: str  # what there are several of, such as "boxes without an area"
    count: int
    boxes: int  # that were left out for it
    examples: tuple[Problem, ...]

    def to_json(self) -> dict[str, Any]:
        """As programs get it."""
        examples = [{"file": one.file, "problem": one.problem} for one in self.examples]
        return {
            "kind": self.kind,
            "title": self.title,
            "count": self.count,
            "boxes_left_out": self.boxes,
            "examples": examples,
        }


def describe_kind(kind: str) -> str:
    """What several problems of a kind are."""
    return _TITLES.get(kind, kind)


def summarize_problems(
    problems: Sequence[Problem], counts: Mapping[str, int] | None = None, boxes: Mapping[str, int] | None = None
) -> tuple[ProblemKind, ...]:
    """Problems by kind, those that cost boxes first, then by their number. `counts` knows of more than are listed."""
    counts, boxes = counts or {}, boxes or {}
    listed: dict[str, list[Problem]] = {}
    for problem in problems:
        listed.setdefault(problem.kind, []).append(problem)
    kinds = [
        ProblemKind(
            kind,
            describe_kind(kind) or "other",
            max(
                counts.get(kind, 0),
                len(listed.get(kind, ())) - (kind in counts),
                boxes.get(kind, 0) if kind not in listed else 1,
            ),
            boxes.get(kind, 0),
            tuple(listed.get(kind, ())[:EXAMPLES]),
        )
        for kind in dict.fromkeys([*listed, *boxes])
    ]
    return tuple(sorted(kinds, key=lambda one: (-one.boxes, -one.count)))


def describe_share(imported: ImportedAnnotations) -> str:
    """How many of the boxes came in, and why the others did not; empty where there are none."""
    listed, lost = imported.boxes_listed, sum(imported.boxes_lost.values())
    if not listed:
        return ""
    taken = listed - lost
    text = f"{taken:,} of {listed:,} boxes ({format_share(taken, listed)}) came in"
    if lost:
        why = [f"{count:,} {describe_loss(kind)}" for kind, count in sorted(imported.boxes_lost.items(), key=_by_count)]
        text += f"; left out: {', '.join(why)}"
    return text


def format_share(part: int, whole: int) -> str:
    """A percentage that says 100% and 0% only where it is so."""
    share = 100 * part / whole
    if 0 < part < whole:
        share = min(max(share, 0.1), 99.9)
    return f"{share:.0f}%" if share in (0, 100) else f"{share:.1f}%"


def describe_loss(kind: str) -> str:
    """Why boxes were left out, to stand behind their number."""
    return _LOSSES.get(kind, f"({kind})")


def describe_dropped(dropped: Sequence[tuple[str, int]]) -> str:
    """Why all boxes of an image were left out."""
    return ", ".join(f"{count:,} {describe_loss(kind)}" for kind, count in dropped)


def _by_count(entry: tuple[str, int]) -> tuple[int, str]:
    return -entry[1], entry[0]


_LOSSES = {
    "image": "on images that were left out",
    "file": "on images that were not found",
    "outside": "wholly outside the image",
    "area": "without an area",
    "pixels": "in pixels where the format has shares of the image",
    "runs": "with run lengths that cannot be used",
    "box": "whose numbers cannot be used",
    "line": "on lines that are no box",
    "many": "beyond the most that an image may have",
    "label": "with a label that cannot be used",
    "dangling label": "of a label that is not declared",
    "dangling image": "of an image that is not listed",
    "double id": "with an id that is used twice",
    "crowd": "of crowd regions",
    "reserved": "of a label that stands for no defect",
    "shape": "of shapes that cannot be used",
    "link": "behind a link that leads out",
    "labels": "in label files that cannot be read",
    "stray labels": "in label files that belong to no image",
    "shared": "in label files that several images share",
}
