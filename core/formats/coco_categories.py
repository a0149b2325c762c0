"""Which label a COCO category is: categories may share a name, have none, or only stand for those below them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.formats.label_names import find_reserved_meaning

Entry = dict[str, Any]


def name_categories(entries: Sequence[Entry]) -> list[Any]:
    """The label of each category: its name; where others of it share that name, "parent/name"; "parent" without a name."""
    parents: dict[str, dict[Any, None]] = {}
    for entry in entries:
        if isinstance(entry.get("name"), str):
            parents.setdefault(entry["name"].strip(), {})[_find_parent(entry)] = None
    names: list[Any] = []
    for entry in entries:
        name, parent = entry.get("name"), _find_parent(entry)
        if isinstance(name, int | float) and not isinstance(name, bool):
            name = str(name)
        if not isinstance(name, str) or not name.strip():
            name = parent if name in (None, "") and parent else name
        elif len(parents.get(name.strip(), ())) > 1 and parent:
            name = f"{parent}/{name.strip()}"
        names.append(name)
    return names


def _find_parent(entry: Entry) -> str:
    parent = entry.get("supercategory")
    return parent.strip() if isinstance(parent, str) and parent.strip().lower() != "none" else ""


def find_spare_labels(entries: Sequence[Entry]) -> dict[str, str]:
    """Names of categories that are none of a defect if no box has them, with the reason."""
    parents = {_find_parent(entry) for entry in entries} - {""}
    found: dict[str, str] = {}
    for entry in entries:
        name = entry.get("name")
        if not isinstance(name, str):
            continue
        if meaning := find_reserved_meaning(name):
            found[name] = meaning
        elif name.strip().lower() == "background":
            found[name] = "no box has it, and it is called after the background"
        elif name.strip() in parents - {_find_parent(entry)} or _is_root(entry, parents):
            found[name] = "no box has it, and it stands for the categories below it"
    return found


def _is_root(entry: Entry, parents: set[str]) -> bool:
    """True for the category that Roboflow puts above all others."""
    return bool(parents) and bool(entry.get("supercategory")) and not _find_parent(entry)
