"""A field that holds several values, written in one line: "0.67, 0.92", or "4 stage3, 8 stage2" for groups of values."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel
from PySide6.QtWidgets import QLineEdit, QSizePolicy

from desktop.kit.field_controls import Control

# "0,5, 0,25": commas within the values, and commas with a space between them.
_DECIMAL_COMMAS = re.compile(r"\s*0,\d+(,\s+0,\d+)*\s*")


class ListControl(Control):
    """Values with commas between them, or semicolons where commas are in them.

    With a model as the item, its fields follow each other with spaces between.
    """

    def __init__(self, item: type[BaseModel] | None = None) -> None:
        super().__init__()
        self._names = list(item.model_fields) if item is not None else []
        self.line = QLineEdit()
        self.line.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.line.setPlaceholderText(", ".join([" ".join(self._names)] * 2))
        self._hold_child(self.line, 1)
        self.line.textEdited.connect(self._take_typed)

    def _display_value(self, value: object) -> None:
        assert isinstance(value, tuple | list)
        if self._parse_items(self.line.text()) != value:
            self.line.setText(", ".join(self._item_text(one) for one in value))
            self.line.setCursorPosition(0)
            self.line.setToolTip(self.line.text())

    def _take_typed(self, text: str) -> None:
        self.take_value(self._parse_items(text))

    def _parse_items(self, text: str) -> tuple[Any, ...]:
        """What stands in the line, as texts: the form's model turns them into its types, or says what is wrong."""
        pieces = _split_values(text)
        if not self._names:
            return tuple(pieces)
        parted = [piece.split(maxsplit=len(self._names) - 1) for piece in pieces]
        return tuple(dict(zip(self._names, parts, strict=False)) for parts in parted)

    def _item_text(self, item: object) -> str:
        if not self._names:
            return f"{item:g}" if isinstance(item, float) else str(item)
        value = item if isinstance(item, dict) else dict(item)  # type: ignore[call-overload]
        return " ".join(str(value[name]) for name in self._names if name in value)


def _split_values(text: str) -> list[str]:
    """The values of "0.67, 0.92", of "0,67; 0,92" and of "0,67, 0,92", with points before decimals."""
    if ";" in text or _DECIMAL_COMMAS.fullmatch(text):
        return [piece.strip().replace(",", ".") for piece in re.split(r";|,\s", text) if piece.strip()]
    return [piece.strip() for piece in text.split(",") if piece.strip()]
