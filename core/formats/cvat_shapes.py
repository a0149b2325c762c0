"""The box of one shape of CVAT's XML."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree.ElementTree import Element

from core.formats.outlines import (
    Corners,
    OutlineError,
    box_around_ellipse,
    box_around_line,
    box_around_points,
    box_around_turned,
    is_turned,
)
from core.formats.text import parse_number

_CUBOID = [f"{side}{corner}{number}" for number in (1, 2) for corner in ("tl", "bl", "tr", "br") for side in ("x", "y")]


def find_corners(shape: Element) -> Corners:
    """x1 y1 x2 y2 of the box, or of the box around the shape. Raises OutlineError."""
    return SHAPES[shape.tag](shape)


def is_turned_shape(shape: Element) -> bool:
    """True if its box is not the one that its corners tell."""
    return is_turned(parse_number(shape.get("rotation")))


def _numbers(shape: Element, *names: str) -> list[float]:
    found = []
    for name in names:
        number = parse_number(shape.get(name))
        if number is None:
            raise OutlineError(f"its {name} is no number")
        found.append(number)
    return found


def _points(shape: Element) -> list[tuple[float, float]]:
    """Points as texts "x,y;x,y"."""
    points = []
    for text in shape.get("points", "").split(";"):
        x, _, y = text.partition(",")
        numbers = parse_number(x.strip()), parse_number(y.strip())
        if numbers[0] is None or numbers[1] is None:
            raise OutlineError("its points are not pairs of numbers")
        points.append((numbers[0], numbers[1]))
    return points


def _find_box(shape: Element) -> Corners:
    corners = _numbers(shape, "xtl", "ytl", "xbr", "ybr")
    turn = parse_number(shape.get("rotation"))
    return box_around_turned(corners, turn) if turn is not None and is_turned(turn) else corners


def _find_ellipse(shape: Element) -> Corners:
    x, y, across, down = _numbers(shape, "cx", "cy", "rx", "ry")
    return box_around_ellipse(x, y, across, down, parse_number(shape.get("rotation")) or 0.0)


def _find_mask(shape: Element) -> Corners:
    left, top, width, height = _numbers(shape, "left", "top", "width", "height")
    return [left, top, left + width, top + height]


def _find_cuboid(shape: Element) -> Corners:
    values = _numbers(shape, *_CUBOID)
    return box_around_points(list(zip(values[::2], values[1::2], strict=True)))


def _find_cluster(shape: Element) -> Corners:
    points = _points(shape)
    if len(points) < 2:
        raise OutlineError("a point covers no area")
    return box_around_line(points)


def _find_skeleton(shape: Element) -> Corners:
    return box_around_line([point for part in shape.iterfind("points") for point in _points(part)])


SHAPES: dict[str, Callable[[Element], Corners]] = {
    "box": _find_box,
    "polygon": lambda shape: box_around_points(_points(shape)),
    "polyline": lambda shape: box_around_line(_points(shape)),
    "points": _find_cluster,
    "ellipse": _find_ellipse,
    "mask": _find_mask,
    "cuboid": _find_cuboid,
    "skeleton": _find_skeleton,
}
