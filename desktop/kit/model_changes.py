"""What a change of a pydantic model is called."""

from __future__ import annotations

from pydantic import BaseModel

from core.counting import format_count


def list_changes(before: BaseModel, after: BaseModel) -> list[str]:
    """The titles of the fields whose values differ, also of the models inside."""
    if type(before) is not type(after):
        return [type(after).__name__]
    found: list[str] = []
    for name, field in type(after).model_fields.items():
        old, new = getattr(before, name), getattr(after, name)
        if old == new:
            continue
        inside = isinstance(old, BaseModel) and isinstance(new, BaseModel)
        found += list_changes(old, new) if inside else [field.title or name.replace("_", " ").capitalize()]
    return found


def name_change(before: BaseModel, after: BaseModel) -> str:
    """The title of the one field that differs, or how many do."""
    found = list_changes(before, after)
    return found[0] if len(found) == 1 else format_count(len(found), "setting")
