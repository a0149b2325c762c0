"""Which control a pydantic field gets: its type, limits, unit and choices decide."""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from desktop.kit.color_control import ColorControl
from desktop.kit.field_controls import (
    ChoiceControl,
    Control,
    FlagControl,
    IntControl,
    NumberControl,
    SliderControl,
    TextControl,
)
from desktop.kit.list_controls import ListControl


def make_control(info: FieldInfo, choices: Sequence[tuple[object, str]] | None = None) -> Control:
    """A control for the field; `choices` (value, text shown) where its values are known only at run time."""
    kind = _strip_none(info.annotation)
    if choices is not None:
        return ChoiceControl(choices)
    if _find_extra(info, "control") == "color":
        return ColorControl(_find_extra(info, "empty"))
    if get_origin(kind) is Literal:
        return ChoiceControl([(value, str(value).replace("_", " ")) for value in get_args(kind)])
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        return ListControl(item if issubclass(item, BaseModel) else None)
    return _MAKERS[kind](info)


def find_field(model: type[BaseModel], name: str) -> FieldInfo:
    """The field of a dotted name, in the models inside `model`."""
    *folders, leaf = name.split(".")
    for folder in folders:
        inner = model.model_fields[folder].annotation
        assert isinstance(inner, type) and issubclass(inner, BaseModel), name
        model = inner
    return model.model_fields[leaf]


def _strip_none(annotation: Any) -> Any:
    """The annotation without None."""
    if get_origin(annotation) in (Union, types.UnionType):
        (annotation,) = [part for part in get_args(annotation) if part is not type(None)]
    return annotation


def _int_control(info: FieldInfo) -> Control:
    low, high = _find_limit(info, "ge"), _find_limit(info, "le")
    low = _find_limit(info, "gt") + 1 if low is None and _find_limit(info, "gt") is not None else low
    high = _find_limit(info, "lt") - 1 if high is None and _find_limit(info, "lt") is not None else high
    return IntControl(
        low, high, _find_limit(info, "multiple_of") or 1, _find_unit(info), zero=_find_extra(info, "zero")
    )


def _float_control(info: FieldInfo) -> Control:
    low, open_low = _find_limit(info, "ge"), False
    if low is None:
        low, open_low = _find_limit(info, "gt"), True
    high = _find_limit(info, "le")
    by_digits = _find_extra(info, "control") == "number"
    if high is None and (below := _find_limit(info, "lt")) is not None:
        high = below - (1e-9 if by_digits else 0.01)  # the last place of a slider
    unit, zero = _find_unit(info), _find_extra(info, "zero")
    # A default far below the upper limit, such as a learning rate of 0.001 in 0..10, needs magnitudes.
    magnitudes = low is None or high is None or by_digits or (info.default and info.default < 0.01 * high)
    if magnitudes:
        return NumberControl(-1e12 if low is None else low, high, unit, open_low=open_low, zero=zero)
    return SliderControl(low, high, unit, open_low=open_low, zero=zero)


_MAKERS: dict[type, Callable[[FieldInfo], Control]] = {
    float: _float_control,
    int: _int_control,
    bool: lambda _: FlagControl(),
    str: lambda _: TextControl(),
}


def _find_limit(info: FieldInfo, name: str) -> Any:
    return next((value for rule in info.metadata if (value := getattr(rule, name, None)) is not None), None)


def _find_unit(info: FieldInfo) -> str:
    return _find_extra(info, "unit")


def _find_extra(info: FieldInfo, name: str) -> str:
    """What is declared beside the field's limits: its unit, what zero means, which control suits it."""
    extra = info.json_schema_extra
    return str(extra.get(name, "")) if isinstance(extra, dict) else ""
