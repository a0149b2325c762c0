"""The boxes of a Pascal VOC object: corners, or the box around a turned one or a polygon; one object may have several."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from core.formats.difficult_marks import KNOWN
from core.formats.difficult_marks import find_marks as find_set
from core.formats.outlines import (
    OutlineError,
    box_around_line,
    box_around_points,
    box_around_turned,
    is_turned,
)
from core.formats.text import parse_number

CORNERS = ("xmin", "ymin", "xmax", "ymax")
_COORDINATE = re.compile(r"([xy])\d*")


@dataclass(frozen=True, slots=True)
class VocBox:
    """Corners as they are written, or of the box around something, and then what that is."""

    corners: Sequence[str | float]
    told: str = ""


def find_boxes(entry: Element) -> Iterator[VocBox | str]:
    """The boxes of an object, each or why it cannot be used."""
    plain = [child for child in entry if child.tag == "bndbox"]
    turn = _find_rotation(entry)
    for child in plain:
        sides = {side.tag: side.text or "" for side in child}
        if "xmin" not in sides and (points := _find_corner_points(child)):
            yield VocBox(box_around_points(points), "its box has corners of its own")
            continue
        corners = [sides.get(name, "") for name in CORNERS]
        if turn is not None and is_turned(turn):
            numbers = [number for text in corners if (number := parse_number(text)) is not None]
            if len(numbers) == 4:
                yield VocBox(box_around_turned(numbers, turn), f"it is turned by {turn:g} degrees")
                continue
        yield VocBox(corners)
    if plain:
        return
    others = [child for child in entry if child.tag in ("robndbox", "polygon", "line", "polyline")]
    if not others:
        yield "it has no bndbox"
    for child in others:
        try:
            if child.tag == "robndbox":
                yield VocBox(_box_around_turned(child), "it is a turned box")
            elif child.tag == "polygon":
                yield VocBox(box_around_points(_find_points(child)), "it is a polygon")
            else:
                yield VocBox(box_around_line(_find_points(child)), "it is a line")
        except OutlineError as error:
            yield str(error)


def find_marks(entry: Element) -> list[str]:
    """What is said of the object beside its name: difficult, truncated, occluded, or what CVAT calls an attribute."""
    values = {child.tag: child.text for child in entry if child.tag in KNOWN and child.text}
    for attribute in entry.iterfind("attributes/attribute"):
        values.setdefault((attribute.findtext("name") or "").strip(), attribute.findtext("value") or "")
    return find_set(values) if values else []


def _find_rotation(entry: Element) -> float | None:
    """The angle that CVAT writes as an attribute, in degrees."""
    for attribute in entry.iterfind("attributes/attribute"):
        if (attribute.findtext("name") or "").strip() == "rotation":
            return parse_number((attribute.findtext("value") or "").strip())
    return None


def _box_around_turned(child: Element) -> Sequence[float]:
    """As roLabelImg writes it: centre, size and an angle in radians."""
    values = [parse_number((child.findtext(name) or "").strip()) for name in ("cx", "cy", "w", "h", "angle")]
    if None in values:
        raise OutlineError("its robndbox is not cx, cy, w, h and angle in numbers")
    x, y, width, height, angle = (value for value in values if value is not None)
    corners = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
    return box_around_turned(corners, math.degrees(angle)) if is_turned(math.degrees(angle)) else corners


def _find_corner_points(child: Element) -> list[tuple[float, float]]:
    """Three corners or more of a `bndbox` that is no upright one: x1 y1 x2 y2 x3 y3 ...; none where it is another thing."""
    try:
        points = _find_points(child)
    except OutlineError:
        return []
    return points if len(points) > 2 else []


def _find_points(child: Element) -> list[tuple[float, float]]:
    """x1 y1 x2 y2 ... side by side, or x and y of one `pt` or `point` after the other."""
    coordinates: dict[str, list[float]] = {"x": [], "y": []}
    for part in child.iter():
        found = _COORDINATE.fullmatch(part.tag)
        if found is not None:
            number = parse_number((part.text or "").strip())
            if number is None:
                raise OutlineError(f"its {part.tag} is no number")
            coordinates[found[1]].append(number)
    if len(coordinates["x"]) != len(coordinates["y"]):
        raise OutlineError("its outline has an odd number of coordinates")
    return list(zip(coordinates["x"], coordinates["y"], strict=True))
