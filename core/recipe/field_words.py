"""Settings of a recipe in the words of the form, for what a user reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.fields import FieldInfo

from core.counting import singularize
from core.models.registry import MODELS
from core.recipe.recipe import Recipe


def field_title(name: str) -> str:
    """What the form calls the setting with this dotted name. Raises KeyError if there is no such setting."""
    return _find_field(name).title or name


def describe_value(name: str, value: Any) -> str:
    """A value of the setting with this dotted name, with its unit, as the form shows it."""
    if name == "model":
        return MODELS[value].title
    extra = _find_field(name).json_schema_extra
    unit = str(extra.get("unit", "")) if isinstance(extra, dict) else ""
    text = f"{value:,g}" if isinstance(value, float) else f"{value:,}" if type(value) is int else str(value)
    if value == 1 and unit.endswith("s"):
        unit = singularize(unit)
    return f"{text} {unit}".strip()


def describe_change(settings: Mapping[str, Any]) -> str:
    """A change of settings by dotted name, such as "set Input to crops and Input size to 256 px"."""
    parts = [f"{field_title(name)} to {describe_value(name, value)}" for name, value in settings.items()]
    last = parts.pop()
    return f"set {', '.join(parts)} and {last}" if parts else f"set {last}"


def _find_field(name: str) -> FieldInfo:
    *folders, leaf = name.split(".")
    fields = Recipe.model_fields
    for folder in folders:
        fields = fields[folder].annotation.model_fields  # type: ignore[union-attr]
    return fields[leaf]
