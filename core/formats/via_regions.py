"""Regions of VGG Image Annotator: the box of a shape, and which of their attributes are labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from core.formats.difficult_marks import find_known_mark
from core.formats.outlines import Corners, OutlineError, box_around_ellipse, box_around_line, box_around_points
from core.formats.text import quote_short

# Names of an attribute that is the label, the likeliest first.
_LABEL_NAMES = (
    *(
        "label",
        "labels",
        "class",
        "classes",
        "class_name",
        "label_name",
        "category",
        "defect",
        "defects",
        "defect_type",
    ),
    *("defect_class", "type", "name", "object", "object_name", "damage", "kind"),
)
_CHOICES = ("checkbox", "radio", "dropdown")
_UNSET = ("", "undefined", "null")

Shape = Mapping[str, Any]


def find_corners(shape: Any) -> Corners:
    """x1 y1 x2 y2 of the box, or of the box around the shape. Raises OutlineError."""
    if not isinstance(shape, dict):
        raise OutlineError("it has no shape")
    kind = shape.get("name")
    if not isinstance(kind, str) or kind not in _SHAPES:
        raise OutlineError(f"a {quote_short(kind)} is no shape that is read")
    return _SHAPES[kind](shape)


def _numbers(shape: Shape, *names: str) -> list[float]:
    values = [shape.get(name) for name in names]
    return [_check_number(value, name) for value, name in zip(values, names, strict=True)]


def _check_number(value: Any, name: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < 1e9:
        raise OutlineError(f"its {name} is no number")
    return float(value)


def _points(shape: Shape) -> list[tuple[float, float]]:
    across, down = shape.get("all_points_x"), shape.get("all_points_y")
    if not isinstance(across, list) or not isinstance(down, list) or len(across) != len(down):
        raise OutlineError("its points are not as many across as down")
    return [(_check_number(x, "points"), _check_number(y, "points")) for x, y in zip(across, down, strict=True)]


def _find_rectangle(shape: Shape) -> Corners:
    x, y, width, height = _numbers(shape, "x", "y", "width", "height")
    return [x, y, x + width, y + height]


def _find_circle(shape: Shape) -> Corners:
    x, y, radius = _numbers(shape, "cx", "cy", "r")
    return box_around_ellipse(x, y, radius, radius)


def _find_ellipse(shape: Shape) -> Corners:
    x, y, across, down = _numbers(shape, "cx", "cy", "rx", "ry")
    turn = math.degrees(_check_number(shape.get("theta", 0), "theta"))
    return box_around_ellipse(x, y, across, down, turn)


def _find_point(shape: Shape) -> Corners:
    raise OutlineError("a point covers no area")


_SHAPES: dict[str, Callable[[Shape], Corners]] = {
    "rect": _find_rectangle,
    "circle": _find_circle,
    "ellipse": _find_ellipse,
    "polygon": lambda shape: box_around_points(_points(shape)),
    "polyline": lambda shape: box_around_line(_points(shape)),
    "point": _find_point,
}


class LabelChoice:
    """Which attributes of regions are labels, once all of a file were seen."""

    def __init__(self, attributes: Any) -> None:
        """`attributes` are those of regions as a project defines them; None where it does not."""
        self._defined: dict[str, dict[str, Any]] = {
            name: entry
            for name, entry in (attributes.items() if isinstance(attributes, dict) else ())
            if isinstance(entry, dict)
        }
        self._seen: dict[str, None] = {}
        self.chosen: tuple[str, ...] = ()
        self.left_out: tuple[str, ...] = ()

    def see(self, values: Any) -> None:
        """Note the attributes of a region that say something."""
        for name, value in values.items() if isinstance(values, dict) else ():
            if _list_texts(value) and find_known_mark(name) is None:
                self._seen[name] = None

    def decide(self) -> None:
        """Choose by what was seen."""
        names = tuple(self._seen)
        by_name = {name.strip().lower().replace(" ", "_").replace("-", "_"): name for name in reversed(names)}
        named = next((by_name[name] for name in _LABEL_NAMES if name in by_name), None)
        choices = tuple(name for name in names if self._defined.get(name, {}).get("type") in _CHOICES)
        self.chosen = (named,) if named is not None else choices or names
        self.left_out = tuple(name for name in names if name not in self.chosen)

    def find_labels(self, values: Any) -> list[str]:
        """The labels of a region, each once."""
        found: dict[str, None] = {}
        for name in self.chosen if isinstance(values, dict) else ():
            options = self._defined.get(name, {}).get("options")
            for text in _list_texts(values.get(name)):
                # A number only says which of the options it is.
                meaning = options.get(text) if isinstance(options, dict) and text.isdecimal() else None
                found[meaning if isinstance(meaning, str) and meaning.strip() else text] = None
        return list(found)


def _list_texts(value: Any) -> list[str]:
    """What an attribute says: a text, or the options of a checkbox that are ticked."""
    if isinstance(value, dict):
        return [key for key, ticked in value.items() if ticked in (True, 1, "true", "1") and key.strip() not in _UNSET]
    if isinstance(value, list):
        return [text for entry in value if not isinstance(entry, dict | list) for text in _list_texts(entry)]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return [str(value)]
    return [value.strip()] if isinstance(value, str) and value.strip().lower() not in _UNSET else []


def describe_values(values: Mapping[str, Any]) -> str:
    """Attributes of an image as one text."""
    texts = [f"{name}: {', '.join(found)}" for name, value in values.items() if (found := _list_texts(value))]
    return "; ".join(texts).replace("\0", "")
