"""A form built from a pydantic model: title, limits, unit and help of each field are declared there once."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from desktop.theme import GAP
from desktop.widgets.color_control import ColorControl
from desktop.widgets.field_controls import (
    ChoiceControl,
    Control,
    FlagControl,
    IntControl,
    NumberControl,
    SliderControl,
    TextControl,
)
from desktop.widgets.list_controls import ListControl

# Choices for text fields whose values are known only at run time: field -> (value, text shown).
Choices = Mapping[str, Sequence[tuple[object, str]]]


class ModelForm(QWidget):
    """Controls for the fields of a model, and of the models inside it by dotted name ("schedule.epochs").

    `fields` is a list of names, or sections: heading -> names; without it all fields are shown, a section
    for each model inside. A change that the model does not accept is shown at its field, and `value()`
    stays the last accepted one.
    """

    changed = Signal(object)  # the accepted model, after a change by the person
    valid_changed = Signal(bool)

    def __init__(
        self,
        model: BaseModel,
        fields: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
        parent: QWidget | None = None,
        *,
        choices: Choices | None = None,
    ) -> None:
        super().__init__(parent)
        self._model = model
        self._entered: dict[str, Any] = {}  # entries that the model has not accepted
        self._rows: dict[str, _Row] = {}
        self._general = _error_label()
        self._build(_sections(model, fields), choices or {})
        self._show_all()

    def value(self) -> BaseModel:
        """The model as last accepted, with what is typed in the focused control taken over if it is valid."""
        for row in self._rows.values():
            row.control.commit()
        return self._model

    def set_value(self, model: BaseModel) -> None:
        """Show `model`, without telling `changed`."""
        self._model = model
        self._entered.clear()
        self._show_all()
        self._show_errors({})

    def is_valid(self) -> bool:
        return not self._entered

    def errors(self) -> dict[str, str]:
        """What is wrong, by field; under "" what concerns no shown field."""
        shown = {name: row.error.text() for name, row in self._rows.items() if row.error.text()}
        return shown | ({"": self._general.text()} if self._general.text() else {})

    def control(self, field: str) -> Control:
        return self._rows[field].control

    def set_field_visible(self, field: str, visible: bool) -> None:
        """Hide a field that does not matter at present; its value stays."""
        row = self._rows[field]
        row.hidden = not visible
        for widget in (row.title, row.control):
            widget.setVisible(visible)
        row.error.setVisible(visible and bool(row.error.text()))

    def set_field_enabled(self, field: str, enabled: bool) -> None:
        self._rows[field].title.setEnabled(enabled)
        self._rows[field].control.setEnabled(enabled)

    def _build(self, sections: Mapping[str, Sequence[str]], choices: Choices) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(2 * GAP)
        grid.setVerticalSpacing(GAP // 2)
        grid.setColumnStretch(1, 1)
        line = 0
        for heading, names in sections.items():
            if heading:
                label = QLabel(heading)
                label.setProperty("role", "section")
                label.setContentsMargins(0, GAP if line else 0, 0, GAP // 4)
                grid.addWidget(label, line, 0, 1, 2)
                line += 1
            for name in names:
                self._add_row(grid, line, name, choices.get(name))
                line += 2
        grid.addWidget(self._general, line, 0, 1, 2)
        grid.setRowStretch(line + 1, 1)

    def _add_row(self, grid: QGridLayout, line: int, name: str, choices: Sequence[tuple[object, str]] | None) -> None:
        info = _field(type(self._model), name)
        title = QLabel(info.title or name.rpartition(".")[2].replace("_", " ").capitalize())
        control = _control(info, choices)
        title.setBuddy(control)
        for widget in (title, control):
            # As rich text, so that Qt wraps a long help text.
            widget.setToolTip(f"<p>{info.description}</p>" if info.description else "")
        control.setAccessibleName(title.text())
        error = _error_label()
        row = self._rows[name] = _Row(title, control, error)
        grid.addWidget(title, line, 0, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        grid.addWidget(control, line, 1)
        grid.addWidget(row.error, line + 1, 1)
        control.edited.connect(lambda value: self._edited(name, value))

    def _edited(self, name: str, value: object) -> None:
        self._entered[name] = value
        was_valid = not self.errors()
        tree = self._model.model_dump()
        for entered, entry in self._entered.items():
            *folders, leaf = entered.split(".")
            branch = tree
            for folder in folders:
                branch = branch[folder]
            branch[leaf] = entry
        try:
            accepted = type(self._model).model_validate(tree)
        except ValidationError as error:
            self._show_errors(self._located(error))
            if was_valid:
                self.valid_changed.emit(False)
            return
        self._model = accepted
        self._entered.clear()
        self._show_errors({})
        if not was_valid:
            self.valid_changed.emit(True)
        self.changed.emit(accepted)

    def _located(self, error: ValidationError) -> dict[str, str]:
        """The messages by shown field. A rule over several fields names its field in front of a colon."""
        found: dict[str, str] = {}
        for entry in error.errors():
            name = ".".join(str(part) for part in entry["loc"])
            text = entry["msg"].removeprefix("Value error, ")
            front, colon, rest = text.partition(": ")
            if colon and f"{name}.{front}".lstrip(".") in self._rows:
                name, text = f"{name}.{front}".lstrip("."), rest
            while name and name not in self._rows:  # an item of a list is shown where the list is
                name = name.rpartition(".")[0]
            found.setdefault(name, text)
        return found

    def _show_errors(self, found: Mapping[str, str]) -> None:
        for name, row in self._rows.items():
            row.control.mark_invalid(name in found)
            row.error.setText(found.get(name, ""))
            row.error.setVisible(name in found and not row.hidden)
        self._general.setText(found.get("", ""))
        self._general.setVisible("" in found)

    def _show_all(self) -> None:
        for name, row in self._rows.items():
            value: Any = self._model
            for part in name.split("."):
                value = getattr(value, part)
            row.control.show_value(value)


@dataclass(slots=True)
class _Row:
    title: QLabel
    control: Control
    error: QLabel
    hidden: bool = False


def _error_label() -> QLabel:
    label = QLabel()
    label.setProperty("role", "error")
    label.setWordWrap(True)
    label.hide()
    return label


def _sections(
    model: BaseModel, fields: Sequence[str] | Mapping[str, Sequence[str]] | None
) -> Mapping[str, Sequence[str]]:
    if isinstance(fields, Mapping):
        return fields
    if fields is not None:
        return {"": fields}
    sections: dict[str, list[str]] = {"": []}
    for name, info in type(model).model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            heading = info.title or name.replace("_", " ").capitalize()
            sections[heading] = [f"{name}.{inner}" for inner in info.annotation.model_fields]
        else:
            sections[""].append(name)
    return {heading: names for heading, names in sections.items() if names}


def _field(model: type[BaseModel], name: str) -> FieldInfo:
    *folders, leaf = name.split(".")
    for folder in folders:
        inner = model.model_fields[folder].annotation
        assert isinstance(inner, type) and issubclass(inner, BaseModel), name
        model = inner
    return model.model_fields[leaf]


def _control(info: FieldInfo, choices: Sequence[tuple[object, str]] | None) -> Control:
    kind = _kind(info.annotation)
    if choices is not None:
        return ChoiceControl(choices)
    extra = info.json_schema_extra
    if isinstance(extra, dict) and extra.get("control") == "color":
        return ColorControl(str(extra.get("empty", "")))
    if get_origin(kind) is Literal:
        return ChoiceControl([(value, str(value).replace("_", " ")) for value in get_args(kind)])
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        return ListControl(item if issubclass(item, BaseModel) else None)
    return _MAKERS[kind](info)


def _kind(annotation: Any) -> Any:
    """The annotation without None."""
    if get_origin(annotation) in (Union, types.UnionType):
        (annotation,) = [part for part in get_args(annotation) if part is not type(None)]
    return annotation


def _int_control(info: FieldInfo) -> Control:
    low, high = _limit(info, "ge"), _limit(info, "le")
    low = _limit(info, "gt") + 1 if low is None and _limit(info, "gt") is not None else low
    high = _limit(info, "lt") - 1 if high is None and _limit(info, "lt") is not None else high
    return IntControl(low, high, _limit(info, "multiple_of") or 1, _unit(info))


def _float_control(info: FieldInfo) -> Control:
    low, open_low = _limit(info, "ge"), False
    if low is None:
        low, open_low = _limit(info, "gt"), True
    high = _limit(info, "le")
    if high is None and (below := _limit(info, "lt")) is not None:
        high = below - 0.001
    if low is None or high is None:
        return NumberControl(-1e12 if low is None else low, high, _unit(info), open_low=open_low)
    # A default far below the upper limit, such as a learning rate of 0.001 in 0..10, needs magnitudes.
    if info.default and info.default < 0.01 * high:
        return NumberControl(low, high, _unit(info), open_low=open_low)
    return SliderControl(low, high, _unit(info), open_low=open_low)


_MAKERS: dict[type, Callable[[FieldInfo], Control]] = {
    float: _float_control,
    int: _int_control,
    bool: lambda _: FlagControl(),
    str: lambda _: TextControl(),
}


def _limit(info: FieldInfo, name: str) -> Any:
    return next((value for rule in info.metadata if (value := getattr(rule, name, None)) is not None), None)


def _unit(info: FieldInfo) -> str:
    extra = info.json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""
