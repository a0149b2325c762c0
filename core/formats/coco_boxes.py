"""The box of a COCO annotation: as it is written, or the one around its outline or its mask."""

from __future__ import annotations

from typing import Any, NamedTuple

from core.formats.annotations import CROWD
from core.formats.difficult_marks import KNOWN
from core.formats.difficult_marks import find_marks as find_set
from core.formats.outlines import (
    Corners,
    OutlineError,
    box_around_points,
    box_around_runs,
    box_around_turned,
    is_turned,
    pair_points,
)
from core.formats.text import parse_number, quote_short

_OWN = tuple(name for name in KNOWN if name != CROWD)  # as fields of an annotation
_USED = (*KNOWN, "rotation", "iscrowd", "is_crowd", "track_id", "keyframe", "outside")
_FARTHEST = 1e9  # pixels


class BoxFault(Exception):
    """The annotation has no box that can be used; the text says why."""


class CocoBox(NamedTuple):
    """Corners x1 y1 x2 y2 in pixels, and how they were come by, if not as they are written."""

    corners: Corners
    told: str = ""


def find_box(entry: dict[str, Any]) -> CocoBox:
    """The box of an annotation. Raises BoxFault."""
    bbox, outline = entry.get("bbox"), entry.get("segmentation")
    if outline and _is_empty(bbox):
        try:
            return CocoBox(_box_around(outline), "it has no box; the box around its outline was taken")
        except OutlineError as error:
            raise BoxFault(f"it has no box, and {error}") from error
    corners = parse_bbox(bbox)
    attributes = entry.get("attributes")
    if not isinstance(attributes, dict):
        return CocoBox(corners)
    turn = parse_number(attributes.get("rotation"))
    if is_turned(turn):
        assert turn is not None
        return CocoBox(
            box_around_turned(corners, turn), f"it is turned by {turn:g} degrees; the box around it was taken"
        )
    return CocoBox(corners)


def parse_bbox(bbox: Any) -> Corners:
    """x1 y1 x2 y2 of x, y, width, height. Raises BoxFault."""
    if isinstance(bbox, list) and len(bbox) == 4 and str in map(type, bbox):
        numbers = [parse_number(value) for value in bbox]
        bbox = bbox if None in numbers else numbers
    if not isinstance(bbox, list) or len(bbox) != 4 or not {*map(type, bbox)} <= {int, float}:
        raise BoxFault(f"its box {quote_short(bbox)} is not a list of four numbers")
    x, y, width, height = bbox
    low, high = -_FARTHEST, _FARTHEST
    if not (low < x < high and low < y < high and low < width < high and low < height < high):  # also False for NaN
        raise BoxFault(f"its box {quote_short(bbox)} is not finite")
    x, y, width, height = float(x), float(y), float(width), float(height)
    if not (x + width > x and y + height > y):
        raise BoxFault(f"its box {quote_short(bbox)} has no area")
    return [x, y, x + width, y + height]


def _is_empty(bbox: Any) -> bool:
    """True where programs write a box because there has to be one."""
    return not bbox or (isinstance(bbox, list) and len(bbox) == 4 and not any(bbox))


def _box_around(outline: Any) -> Corners:
    if isinstance(outline, dict):
        size, counts = outline.get("size"), outline.get("counts")
        if not isinstance(size, list) or len(size) != 2 or not all(type(side) is int for side in size):
            raise OutlineError("its mask has no size")
        if not isinstance(counts, list | str):
            raise OutlineError("its mask has no run lengths")
        return box_around_runs(counts, *size)
    parts = outline if isinstance(outline, list) else []
    if parts and not isinstance(parts[0], list):
        parts = [parts]  # one outline without the list around it
    points = []
    for part in parts:
        numbers = [parse_number(value) for value in part] if isinstance(part, list) else [None]
        if None in numbers:
            raise OutlineError(f"its outline {quote_short(part)} is no list of numbers")
        points += pair_points(value for value in numbers if value is not None)
    return box_around_points(points)


def find_marks(entry: dict[str, Any]) -> list[str]:
    """What the annotation says of its box beside its category, such as `occluded` of CVAT."""
    attributes = entry.get("attributes")
    own = {name: entry[name] for name in _OWN if name in entry}
    if not own and attributes is None:
        return []
    return find_set(own, attributes)


def find_attributes(entry: dict[str, Any]) -> set[str]:
    """Names of the attributes, as CVAT writes them, that say something and of which nothing is made."""
    attributes = entry.get("attributes")
    if not isinstance(attributes, dict):
        return set()
    marks = find_set(attributes)
    return {
        name
        for name, value in attributes.items()
        if name not in (*_USED, *marks) and value not in (None, "", False, "false")
    }


def is_brush_mask(entry: dict[str, Any]) -> bool:
    """True for a mask of CVAT's brush, which is marked as a crowd although nobody said that it is one."""
    attributes = entry.get("attributes")
    return isinstance(attributes, dict) and "occluded" in attributes and not attributes.get("is_crowd")
