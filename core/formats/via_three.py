"""Projects of VGG Image Annotator 3, brought into the shape of version 2: an image with its regions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.errors import InputError
from core.formats.collecting import AnnotationCollector
from core.formats.json_stream import JsonObject, Unreadable
from core.formats.text import quote_short

_IMAGE, _URL, _LOCAL_URL = 2, 2, 3  # type of a file; where it is
# Numbers of shapes, and what follows them (VIA 3, _VIA_RSHAPE).
_BY_NUMBERS = {
    1: ("point", "cx cy"),
    2: ("rect", "x y width height"),
    3: ("circle", "cx cy r"),
    4: ("ellipse", "cx cy rx ry"),
}
_BY_POINTS = {5: "polyline", 6: "polyline", 7: "polygon", 8: "polygon"}
_KINDS = {1: "text", 2: "checkbox", 3: "radio", 4: "dropdown", 5: "image"}


def is_third(tree: JsonObject) -> bool:
    """True for a project of version 3."""
    return all(tree.is_object(key) for key in ("file", "view", "metadata", "attribute"))


def find_entries(tree: JsonObject, file: Path, into: AnnotationCollector, most: int) -> list[dict[str, Any]]:
    """The images with their regions. Raises JsonError, InputError."""
    attributes = tree.value("attribute")
    if not isinstance(attributes, dict):
        raise InputError(f"{file}: not a project of VGG Image Annotator (its attribute is no object)")
    entries: dict[str, dict[str, Any]] = {}
    for key, value in tree.child("file", most).items():
        name = _find_name(value)
        if name is None:
            into.report("entry", f"file {quote_short(key)}: it is no image; skipped, and its regions with it", file)
        else:
            entries[key] = {"filename": name, "regions": [], "file_attributes": {}}
    views = {key: _first_file(value) for key, value in tree.child("view", most).items()}
    for key, value in tree.child("metadata", most).items():
        where = f"metadata {quote_short(key)}"
        if isinstance(value, Unreadable) or not isinstance(value, dict):
            into.report("entry", f"{where}: not an object; skipped", file)
            continue
        view = views.get(str(value.get("vid")))
        if view is None:
            into.report("dangling image", f"{where}: there is no image {quote_short(value.get('vid'))}; skipped", file)
        elif view in entries:
            said = _resolve(value.get("av"), attributes)
            if value.get("xy"):
                shape = _find_shape(value["xy"])
                entries[view]["regions"].append({"shape_attributes": shape, "region_attributes": said})
            else:
                entries[view]["file_attributes"] |= said
    return list(entries.values())


def _find_name(value: Any) -> str | None:
    if not isinstance(value, dict) or value.get("type", _IMAGE) != _IMAGE:
        return None
    name, source = value.get("fname"), value.get("src")
    if value.get("loc") == _LOCAL_URL and isinstance(source, str) and source.strip():
        name = source.removeprefix("file://")
    if not isinstance(name, str) or not name.strip():
        return None
    return name.rpartition("/")[2].partition("?")[0] if value.get("loc") == _URL and "://" in name else name


def _first_file(value: Any) -> str | None:
    files = value.get("fid_list") if isinstance(value, dict) else None
    return str(files[0]) if isinstance(files, list) and files else None


def _find_shape(numbers: Any) -> dict[str, Any]:
    """A shape as version 2 writes it; one of a name that nobody knows, where it is none."""
    if not isinstance(numbers, list) or not numbers or type(numbers[0]) is not int:
        return {"name": "shape without a kind"}
    kind, rest = numbers[0], numbers[1:]
    if kind in _BY_NUMBERS:
        name, keys = _BY_NUMBERS[kind]
        return {"name": name} | dict(zip(keys.split(), rest, strict=False))
    if kind in _BY_POINTS:
        return {"name": _BY_POINTS[kind], "all_points_x": rest[::2], "all_points_y": rest[1::2]}
    return {"name": f"shape of kind {kind}"}


def _resolve(values: Any, attributes: dict[str, Any]) -> dict[str, Any]:
    """Attributes by their names, with the texts of options in place of their numbers."""
    found: dict[str, Any] = {}
    for key, value in values.items() if isinstance(values, dict) else ():
        attribute = attributes.get(key)
        if not isinstance(attribute, dict):
            continue
        name, options = attribute.get("aname"), attribute.get("options")
        text = value if isinstance(value, str) else str(value)
        kind = _KINDS.get(attribute.get("type", 1), "text") if isinstance(attribute.get("type", 1), int) else "text"
        if kind != "text" and isinstance(options, dict):
            parts = text.split(",") if kind == "checkbox" else [text]
            texts = [str(options.get(part.strip(), part.strip())) for part in parts]
        else:
            texts = [text]
        found[name if isinstance(name, str) and name.strip() else f"attribute {key}"] = texts
    return found
