"""The CSV of VGG Image Annotator 2: a row for each region, with JSON in its cells; brought into the shape of its JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.formats.collecting import AnnotationCollector
from core.formats.csv import read_rows
from core.formats.text import EncodingError, quote_short

_FILE, _OF_FILE, _SHAPE, _OF_REGION = "filename", "file_attributes", "region_shape_attributes", "region_attributes"


def is_table(head: bytes) -> bool:
    """True if a file that begins so is such a table."""
    first = head.partition(b"\n")[0]
    return all(name.encode() in first for name in (_FILE, _SHAPE, _OF_REGION))


def find_entries(file: Path, into: AnnotationCollector, most: int) -> list[dict[str, Any]]:
    """The images with their regions. Raises InputError."""
    rows = read_rows(file)
    try:
        header = [name.strip() for name in next(rows, [])]
    except EncodingError as error:
        text = f"{file}: not a table of VGG Image Annotator (not text in UTF-8); save it as CSV UTF-8"
        raise InputError(text) from error
    missing = [name for name in (_FILE, _SHAPE, _OF_REGION) if name not in header]
    if missing:
        raise InputError(f"{file}: not a table of VGG Image Annotator (it has no column {missing[0]})")
    entries: dict[str, dict[str, Any]] = {}
    for number, row in enumerate(rows, start=2):
        if number > most:
            raise InputError(f"{file}: it has more than {most:,} rows; divide it")
        values = dict(zip(header, row, strict=False))
        name = values.get(_FILE, "").strip()
        parts = [_parse_cell(values.get(key, "")) for key in (_OF_FILE, _SHAPE, _OF_REGION)]
        if not name or None in parts:
            why = "it names no image" if not name else f"{quote_short(','.join(row))!r} holds no JSON"
            into.report("line", f"row {number}: {why}; skipped", file)
            continue
        entry = entries.setdefault(name, {"filename": name, "regions": [], "file_attributes": {}})
        of_file, shape, of_region = parts
        entry["file_attributes"] |= of_file
        if shape:
            entry["regions"].append({"shape_attributes": shape, "region_attributes": of_region})
    return list(entries.values())


def _parse_cell(text: str) -> dict[str, Any] | None:
    """The object in a cell; an empty one in an empty cell, None where it is something else."""
    try:
        value = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
