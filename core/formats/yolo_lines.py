"""The lines of YOLO's label files: boxes, polygons, turned boxes, tracks and poses, which no line tells apart by itself.

    class x y width height [score [track]]
    class x1 y1 x2 y2 x3 y3 ... [score]                     a polygon, or the four corners of a turned box
    class x y width height x1 y1 [v1] x2 y2 [v2] ... [score [track]]     a pose

What is a pose is said by `kpt_shape` of data.yaml. Without it, the lines of one length are judged together, over the
whole data set: an outline has no 2 or 7 in it, and no column in which there is nothing but the visibilities 0, 1 and 2.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf)", re.IGNORECASE)
_WHOLE = re.compile(r"\d+")
_LONGEST = 100_000  # characters of a line
_SHOWN = 61  # of which a message shows sixty
_MOST_SHARE = 2.0  # what is farther out, or larger, was never a share
_OUTSIDE = 1.1  # a share may be this large: outlines are drawn over the edge

_TEXTS = {
    "score": "a prediction with a score; its box was taken",
    "track": "a tracked box with a score and a track; its box was taken",
    "pose": "a box with key points; the box was taken, and the points were left out",
    "polygon": "a polygon; the box around it was taken",
    "scored polygon": "a polygon with a score; the box around it was taken",
}


Shares = tuple[float, float, float, float]  # x1 y1 x2 y2 as shares of the image's sides


@dataclass(frozen=True, slots=True)
class Line:
    """One line, and where it stands: a few numbers of it, for a data set may have a million outlines."""

    image: int
    label: str  # the word that it begins with
    count: int  # numbers after the class
    box: Shares  # if its first four numbers are a centre and a size
    outline: Shares  # if they are points
    text: str  # its beginning
    number: int
    file: Path

    @property
    def where(self) -> str:
        return f"line {self.number}"


def parse_keypoint_shape(tree: dict[str, Any]) -> int | None:
    """How many numbers the key points of a pose take, by `kpt_shape` of data.yaml; None if it is not there."""
    shape = tree.get("kpt_shape")
    if not isinstance(shape, list) or len(shape) != 2 or not all(_WHOLE.fullmatch(str(part)) for part in shape):
        return None
    points, dimensions = (int(part) for part in shape)
    return points * dimensions if points < 10_000 and dimensions in (2, 3) else None


@dataclass(slots=True)
class _Evidence:
    """What the lines of one length have in common."""

    beyond: bool = False  # one has a whole number that is no share: of a track, or a visibility
    whole_end: bool = True  # all end in a whole number
    boxes: bool = True  # the first four numbers of all are a box inside the image
    visibilities: bool = True  # every third number after the box is 0, 1 or 2 in all

    def add(self, values: Sequence[float], box: Shares, last: str) -> None:
        rest = values[4:]
        self.beyond = self.beyond or any(value >= 2 and value.is_integer() for value in rest)
        self.whole_end = self.whole_end and bool(_WHOLE.fullmatch(last))
        inside = min(box) > 1 - _OUTSIDE and max(box) < _OUTSIDE
        self.boxes = self.boxes and inside and values[2] > 0 and values[3] > 0
        self.visibilities = self.visibilities and all(value in (0, 1, 2) for value in rest[2::3])


@dataclass(slots=True)
class LineReader:
    """Judges lines by what all of the data set are like."""

    keypoints: int | None = None  # numbers of a pose's key points, where data.yaml says so
    _seen: dict[int, _Evidence] = field(default_factory=lambda: defaultdict(_Evidence))

    def read(self, text: str, image: int, number: int, file: Path) -> Line | None:
        """One line, which counts for what its length is; None if it is no class and numbers."""
        words = text[:_LONGEST].split()
        if len(words) < 5 or not all(_NUMBER.fullmatch(word) for word in words):
            return None
        values = [float(word) for word in words[1:]]
        x, y, width, height = values[:4]
        box = outline = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        if len(values) > 5:
            across, down = values[: len(values) // 2 * 2 : 2], values[1::2]
            outline = (min(across), min(down), max(across), max(down))
            self._seen[len(values)].add(values, box, words[-1])
        return Line(image, words[0], len(values), box, outline, text[:_SHOWN], number, file)

    def find_kind(self, count: int) -> str:
        """What lines of `count` numbers after the class are; "box" for a plain one, "" for none."""
        if count in (4, 5):
            return "box" if count == 4 else "score"
        if self.keypoints is not None and count - 4 - self.keypoints in (0, 1, 2):
            return "pose"
        seen = self._seen[count]
        if count == 6 and (seen.beyond or (seen.whole_end and seen.boxes)):
            return "track"
        if count > 6 and seen.boxes and (seen.beyond or ((count - 4) % 3 == 0 and seen.visibilities)):
            return "pose"
        return "polygon" if count % 2 == 0 else "scored polygon"


def explain_kind(kind: str) -> str:
    """What is said of a line of this kind; empty for a plain box."""
    return _TEXTS.get(kind, "")


def are_pixels(shares: Shares) -> bool:
    """True if the corners are far outside of any image: whole pixels in the place of shares."""
    x1, y1, x2, y2 = shares
    return max((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1) > _MOST_SHARE


def find_shares(kind: str, line: Line) -> Shares:
    """x1 y1 x2 y2 of a line of this kind."""
    return line.outline if kind in ("polygon", "scored polygon") else line.box
