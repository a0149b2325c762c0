"""Which column of a CSV file holds what: by the headers that programs write, or as a user names them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import InputError
from core.formats.difficult_marks import KNOWN
from core.formats.text import parse_number, quote_short

HEADER = (
    "image",
    "width",
    "height",
    "x1",
    "y1",
    "x2",
    "y2",
    "label",
    "box",
    "status",
    "split",
    "group",
    "note",
    "content_hash",
    "difficult",
)
OWN_HEADERS = (HEADER, HEADER[:-1])  # also of exports from before boxes could be difficult
CORNERS = ("x1", "y1", "x2", "y2")
BOX = "x1, y1, x2, y2 (or x, y, w, h)"  # what is missing where no form of a box is complete
FORMS = (CORNERS, ("cx", "cy", "w", "h"), ("x", "y", "w", "h"))
FIELDS = (
    "image",
    "label",
    *CORNERS,
    "x",
    "y",
    "w",
    "h",
    "cx",
    "cy",
    "width",
    "height",
    "split",
    "group",
    "note",
    *KNOWN,
)
MARKS = KNOWN
_ALIASES = {
    "image": (
        *("image", "filename", "file", "file_name", "path", "image_path", "imagename", "image_name", "img_path"),
        *("filepath", "file_path", "image_id", "imageid", "img", "img_name"),
    ),
    "x1": ("x1", "xmin", "x_min", "left", "bbox_x1", "bbox_xmin"),
    "y1": ("y1", "ymin", "y_min", "top", "bbox_y1", "bbox_ymin"),
    "x2": ("x2", "xmax", "x_max", "right", "bbox_x2", "bbox_xmax"),
    "y2": ("y2", "ymax", "y_max", "bottom", "bbox_y2", "bbox_ymax"),
    "cx": ("cx", "xc", "x_center", "xcenter", "center_x", "x_centre", "centre_x", "bbox_cx"),
    "cy": ("cy", "yc", "y_center", "ycenter", "center_y", "y_centre", "centre_y", "bbox_cy"),
    "x": ("x", "bbox_x", "box_x", "bbox_left", "x1", "xmin", "x_min", "left"),
    "y": ("y", "bbox_y", "box_y", "bbox_top", "y1", "ymin", "y_min", "top"),
    "w": ("w", "bbox_width", "bbox_w", "box_width", "box_w", "width"),
    "h": ("h", "bbox_height", "bbox_h", "box_height", "box_h", "height"),
    "width": ("image_width", "img_width", "img_w", "width"),
    "height": ("image_height", "img_height", "img_h", "height"),
    "label": ("label", "class", "class_name", "classname", "category", "name", "label_name", "labelname"),
    "split": ("split", "set", "subset"),
    "difficult": ("difficult", "is_difficult"),
    "crowd": ("iscrowd", "is_crowd", "crowd"),
    "ignore": ("ignore", "ignored", "is_ignored"),
    "truncated": ("truncated", "istruncated", "is_truncated"),
    "occluded": ("occluded", "isoccluded", "is_occluded"),
}
_LIKE_RETINANET = ("image", *CORNERS, "label")
_LIKE_MAKESENSE = ("label", "x", "y", "w", "h", "image", "width", "height")
_NAMED = 20  # columns that a message names


class ColumnsError(InputError):
    """A table whose columns are not known by their names."""

    def __init__(self, path: Path, header: Sequence[str], missing: Sequence[str]) -> None:
        names = ", ".join(quote_short(name.strip() or "(no name)", 30) for name in header[:_NAMED])
        more = f" and {len(header) - _NAMED:,} more" if len(header) > _NAMED else ""
        field = missing[0].partition(" ")[0].rstrip(",")
        super().__init__(
            f"{path}: not a CSV file of boxes (no column is known as {', '.join(missing)}); its columns are "
            f"{names}{more}; say which is which, such as --columns {field}={_find_example(header)}"
        )
        self.header = tuple(header)
        self.missing = tuple(missing)


@dataclass(frozen=True, slots=True)
class Columns:
    """Places of the columns by our names."""

    places: Mapping[str, int]
    has_header: bool = True
    is_ours: bool = False
    form: tuple[str, ...] = field(init=False)  # the four columns of a box

    def __post_init__(self) -> None:
        form = next(form for form in FORMS if all(name in self.places for name in form))
        object.__setattr__(self, "form", form)  # asked for with every row

    def find_corners(self, texts: Sequence[str]) -> Sequence[str | float]:
        """x1 y1 x2 y2 of what a row has in the columns of `form`; texts where they are no numbers."""
        if self.form is CORNERS:
            return texts
        numbers = [number for text in texts if (number := parse_number(text)) is not None]
        if len(numbers) != 4:
            return texts
        x, y, width, height = numbers
        if "cx" in self.form:
            x, y = x - width / 2, y - height / 2
        return [x, y, x + width, y + height]


def find_columns(path: Path, first: Sequence[str], named: Mapping[str, str] | None = None) -> Columns:
    """The columns of a table that begins with the row `first`; `named` are a user's names of columns by ours.

    Raises ColumnsError naming those of the file.
    """
    if tuple(first) in OWN_HEADERS and not named:
        return Columns({name: place for place, name in enumerate(first)}, is_ours=True)
    if not named and (places := _find_without_header(first)) is not None:
        return Columns(places, has_header=False)
    header = [_fold_name(name) for name in first]
    places = {} if named is None else _take_named(path, first, named)
    taken = set(places.values())
    box = next(
        (form for form in FORMS if all(_find_place(name, header, places, taken) is not None for name in form)), None
    )
    for name in (*(box or ()), *(name for name in (*_ALIASES, *HEADER) if not any(name in form for form in FORMS))):
        place = _find_place(name, header, places, taken)
        if place is not None and (name in places or place not in places.values()):
            places[name] = place
    missing = [name for name in ("image", "label") if name not in places]
    if box is None:
        missing.append(BOX)
    if missing:
        raise ColumnsError(path, first, missing)
    return Columns(places)


def _find_place(name: str, header: Sequence[str], places: Mapping[str, int], taken: Iterable[int]) -> int | None:
    """The first column that is known as `name` and that no user has given another meaning."""
    if name in places:
        return places[name]
    found = (header.index(alias) for alias in _ALIASES.get(name, (name,)) if alias in header)
    return next((place for place in found if place not in taken), None)


def _take_named(path: Path, first: Sequence[str], named: Mapping[str, str]) -> dict[str, int]:
    places: dict[str, int] = {}
    exact, folded = [name.strip() for name in first], [_fold_name(name) for name in first]
    for name, column in named.items():
        if name not in FIELDS:
            raise InputError(f"there is no field {quote_short(name)!r} of a box; choose one of {', '.join(FIELDS)}")
        if column.strip() in exact:
            places[name] = exact.index(column.strip())
        elif _fold_name(column) in folded:
            places[name] = folded.index(_fold_name(column))
        else:
            raise InputError(
                f"{path}: it has no column {quote_short(column)!r}; its columns are {', '.join(map(quote_short, exact[:_NAMED]))}"
            )
    return places


def _find_without_header(first: Sequence[str]) -> dict[str, int] | None:
    """Columns of a first row that is about an image: as keras-retinanet and makesense write them."""
    cells = [text.strip() for text in first]
    if len(cells) == len(_LIKE_RETINANET) and cells[0]:
        corners = cells[1:5]
        if all(parse_number(text) is not None for text in corners) or not any([*corners, cells[5]]):
            return {name: place for place, name in enumerate(_LIKE_RETINANET)}
    numbers = [*cells[1:5], *cells[6:8]]
    if len(cells) == len(_LIKE_MAKESENSE) and all(parse_number(text) is not None for text in numbers) and cells[5]:
        return {name: place for place, name in enumerate(_LIKE_MAKESENSE)}
    return None


def _fold_name(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def _find_example(header: Sequence[str]) -> str:
    """A column that no field is known by, for the message."""
    known = {alias for aliases in _ALIASES.values() for alias in aliases} | set(HEADER)
    return next((name.strip() for name in header if name.strip() and _fold_name(name) not in known), "NAME")


def parse_named_columns(texts: Iterable[str]) -> dict[str, str]:
    """Columns by our names from texts such as "label=cell_type", or several with commas. Raises InputError."""
    named: dict[str, str] = {}
    for text in texts:
        for part in text.split(","):
            field, equals, column = part.partition("=")
            if not equals or not field.strip() or not column.strip():
                raise InputError(f"{quote_short(text)!r} names no column; write FIELD=COLUMN, such as label=cell_type")
            named[field.strip().lower()] = column.strip()
    return named
