"""Strategies of a person's own, as they are written: a name, and settings over the study's recipe."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from core.errors import InputError
from core.recipe.recipe import parse_yaml
from core.study.study import Arm

FORM = "KEY=VALUE, KEY=VALUE, such as strategy.backbone_lr_factor=0.01"
_OPENING, _CLOSING = "[{(", ")}]"


def parse_variant(name: str, settings: str) -> Arm:
    """The arm `name` with `settings`, written as FORM says, values as in YAML. Raises InputError that names the variant."""
    where = f"strategy {name.strip() or '?'}"
    given: dict[str, Any] = {}
    for part in _split_parts(settings):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not key:
            raise InputError(f"{where}: {part.strip()!r} is no setting; write {FORM}")
        if key in given:
            raise InputError(f"{where}: {key} is given twice")
        given[key] = parse_yaml(value, f"{where}: {key}")
    if not given:
        raise InputError(f"{where}: says nothing of its own; write {FORM}")
    try:
        return Arm(name=name.strip(), settings=given)
    except ValidationError as error:
        raise InputError(f"{where}: give it a name of letters, digits, blanks and . + - _, of 60 at most") from error


def _split_parts(text: str) -> list[str]:
    """`text` parted at its commas, but for those inside a list, and without what is empty."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in _OPENING) - (letter in _CLOSING)
        if letter == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part for part in parts if part.strip()]
