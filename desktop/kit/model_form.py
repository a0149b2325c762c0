"""A form built from a pydantic model: title, limits, unit and help of each field are declared there once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QToolButton, QWidget

from desktop.base.theme import GAP
from desktop.kit.control_maker import find_field, make_control
from desktop.kit.field_controls import Control
from desktop.kit.formatting import setting
from desktop.kit.parts import icon_button, restyle, words

_RESET = 20  # pixels, of the button that sets a field back
# Choices for text fields whose values are known only at run time: field -> (value, text shown).
Choices = Mapping[str, Sequence[tuple[object, str]]]


class ModelForm(QWidget):
    """Controls for the fields of a model, and of the models inside it by dotted name ("schedule.epochs").

    `fields` is a list of names, or sections: heading -> names; without it all fields are shown, a section
    for each model inside. A change that the model does not accept is shown at its field, and `value()`
    stays the last accepted one.
    """

    changed = Signal(object)  # the accepted model, after a change by the user
    rejected = Signal()  # an entry of the user's is not accepted
    valid_changed = Signal(bool)

    def __init__(
        self,
        model: BaseModel,
        fields: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
        parent: QWidget | None = None,
        *,
        choices: Choices | None = None,
        folded: Collection[str] = (),
    ) -> None:
        """`folded`: headings of sections that can be folded, and are so at first."""
        super().__init__(parent)
        self._model = model
        self._usual: BaseModel | None = None  # what a field can be set back to
        self._entered: dict[str, Any] = {}  # entries that the model has not accepted
        self._rows: dict[str, _Row] = {}
        self._parts: dict[str, _Section] = {}
        self._folding = folded
        self._general = _error_label()
        self._build(_sections(model, fields), choices or {})
        self._show_all()
        self._refresh()

    @property
    def accepted(self) -> BaseModel:
        """The model as last accepted; what is being typed is left alone."""
        return self._model

    def value(self) -> BaseModel:
        """The model with what is typed in the focused control taken over if it is valid, as when typing has ended."""
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

    @property
    def names(self) -> list[str]:
        """The fields that have a control."""
        return list(self._rows)

    def control(self, field: str) -> Control:
        return self._rows[field].control

    def set_relevant(self, fields: Collection[str]) -> None:
        """Show these fields only; the others keep their values, and appear as soon as one of them is wrong."""
        for name, row in self._rows.items():
            row.relevant = name in fields
        self._refresh()

    def unfold(self, heading: str, open_: bool = True) -> None:
        """Show or hide the fields of a section that can be folded."""
        self._parts[heading].open = open_
        self._refresh()

    def add_below(self, heading: str, widget: QWidget) -> None:
        """Put a widget of one's own below the fields of a section."""
        part = self._parts[heading]
        part.below = widget
        grid = self.layout()
        assert isinstance(grid, QGridLayout)
        grid.addWidget(widget, part.last_line, 0, 1, 3)
        self._refresh()

    def mark_changed(self, reference: BaseModel) -> None:
        """Set off the titles of fields whose value is another than in `reference`, and offer to set them back."""
        self._usual = reference
        for name, row in self._rows.items():
            usual = value_at(reference, name)
            changed = value_at(self._model, name) != usual
            row.changed = changed
            restyle(row.title, "changed", changed)
            back = f"Back to the usual: {_shown(usual)}"
            row.reset.setToolTip(f"<p>{back}</p>")
            row.reset.setAccessibleName(f"{row.title.text()}: {back.lower()}")
            row.reset.setVisible(changed and row.seen and not row.title.isHidden())
            note = f"<p>{row.help}</p>" if row.help else ""
            if changed:
                note += f"<p>Usual for this model: {_shown(usual)}</p>"
            row.title.setToolTip(note)
            row.control.setToolTip(note)

    def reset(self, field: str) -> None:
        """Set a field back to what `mark_changed` was given as usual, as if the user had entered it."""
        assert self._usual is not None
        usual = value_at(self._usual, field)
        self._rows[field].control.show_value(usual)
        self._rows[field].control.setFocus()  # the button that was pressed goes away
        self._edited(field, usual)

    def reset_button(self, field: str) -> QToolButton:
        return self._rows[field].reset

    def set_field_enabled(self, field: str, enabled: bool) -> None:
        self._rows[field].title.setEnabled(enabled)
        self._rows[field].control.setEnabled(enabled)

    def _build(self, sections: Mapping[str, Sequence[str]], choices: Choices) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(GAP // 2)
        grid.setVerticalSpacing(GAP // 2)
        grid.setColumnMinimumWidth(1, _RESET)  # kept free, so that nothing moves when a field is changed
        grid.setColumnStretch(2, 1)
        line = 0
        for heading, names in sections.items():
            part = self._parts[heading] = _Section(list(names))
            if heading:
                part.head = self._heading(heading, part, line == 0)
                grid.addWidget(part.head, line, 0, 1, 3)
                line += 1
            for name in names:
                self._add_row(grid, line, name, choices.get(name))
                line += 2
            part.last_line = line
            line += 1
        grid.addWidget(self._general, line, 0, 1, 3)
        grid.setRowStretch(line + 1, 1)

    def _heading(self, text: str, part: _Section, first: bool) -> QWidget:
        if text not in self._folding:
            label = words(text, "section")
            label.setContentsMargins(0, 0 if first else GAP, 0, GAP // 4)
            return label
        part.open = False
        button = QToolButton()
        button.setText(text)
        button.setProperty("role", "fold")
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda: self.unfold(text, not part.open))
        part.fold = button
        return button

    def _add_row(self, grid: QGridLayout, line: int, name: str, choices: Sequence[tuple[object, str]] | None) -> None:
        info = find_field(type(self._model), name)
        title = QLabel(info.title or name.rpartition(".")[2].replace("_", " ").capitalize())
        control = make_control(info, choices)
        title.setBuddy(control)
        for widget in (title, control):
            # As rich text, so that Qt wraps a long help text.
            widget.setToolTip(f"<p>{info.description}</p>" if info.description else "")
        control.setAccessibleName(title.text())
        error = _error_label()
        reset = icon_button("undo", "", size=14)
        reset.setProperty("role", "reset")
        reset.setFixedSize(_RESET, _RESET)
        reset.hide()
        reset.clicked.connect(lambda: self.reset(name))
        row = self._rows[name] = _Row(title, control, error, reset, info.description or "")
        grid.addWidget(title, line, 0, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        grid.addWidget(reset, line, 1)
        grid.addWidget(control, line, 2)
        grid.addWidget(row.error, line + 1, 2)
        control.edited.connect(lambda value: self._edited(name, value))

    def entered_tree(self) -> dict[str, Any]:
        """The model as plain values, with what was entered and is not accepted."""
        tree = self._model.model_dump()
        for entered, entry in self._entered.items():
            *folders, leaf = entered.split(".")
            branch = tree
            for folder in folders:
                branch = branch[folder]
            branch[leaf] = entry
        return tree

    def _edited(self, name: str, value: object) -> None:
        self._entered[name] = value
        was_valid = not self.errors()
        try:
            accepted = type(self._model).model_validate(self.entered_tree())
        except ValidationError as error:
            self._show_errors(self._located(error))
            if was_valid:
                self.valid_changed.emit(False)
            self.rejected.emit()
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
        for part in self._parts.values():
            part.open = part.open or any(name in found for name in part.names)
        self._general.setText(found.get("", ""))
        self._general.setVisible("" in found)
        self._refresh()

    def _refresh(self) -> None:
        """Show the rows that matter, in sections that are open; what is wrong always matters."""
        for part in self._parts.values():
            for row in (rows := [self._rows[name] for name in part.names]):
                wrong = bool(row.error.text())
                row.seen = row.relevant or wrong
                for widget in (row.title, row.control):
                    widget.setVisible(row.seen and part.open)
                row.reset.setVisible(row.seen and part.open and row.changed)
                row.error.setVisible(wrong and part.open)
            some = not rows or any(row.seen for row in rows)
            if part.head is not None:
                part.head.setVisible(some)
            if part.fold is not None:
                part.fold.setArrowType(Qt.ArrowType.DownArrow if part.open else Qt.ArrowType.RightArrow)
            if part.below is not None:
                part.below.setVisible(some and part.open)

    def _show_all(self) -> None:
        for name, row in self._rows.items():
            row.control.show_value(value_at(self._model, name))


@dataclass(slots=True)
class _Row:
    title: QLabel
    control: Control
    error: QLabel
    reset: QToolButton
    help: str
    changed: bool = False
    relevant: bool = True
    seen: bool = True


@dataclass(slots=True)
class _Section:
    names: list[str]
    head: QWidget | None = None
    fold: QToolButton | None = None  # the head of a section that can be folded
    below: QWidget | None = None
    last_line: int = 0  # of the grid, below the fields
    open: bool = True


def value_at(model: BaseModel, name: str) -> Any:
    """The value of a dotted name."""
    value: Any = model
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _shown(value: object) -> str:
    return setting(value).replace("_", " ") or "none"


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
