"""Uses a form as a user does: fields by the names that stand before them, buttons and texts by what they read."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QLineEdit, QTableView, QWidget

W = TypeVar("W", bound=QWidget)


def find_field(form: QWidget, kind: type[W], name: str) -> W:
    """The one field of that kind and accessible name."""
    (found,) = [field for field in form.findChildren(kind) if field.accessibleName() == name]
    return found


def find_button(form: QWidget, text: str) -> QAbstractButton:
    """The button or box that reads `text`; a count in brackets may follow."""
    (found,) = [
        button
        for button in form.findChildren(QAbstractButton)
        if (read := button.text().replace("&", "")) == text or read.startswith(f"{text} (")
    ]
    return found


def find_table(form: QWidget) -> QTableView:
    """The only table."""
    (found,) = form.findChildren(QTableView)
    return found


def read_texts(form: QWidget) -> list[str]:
    """What the labels read that would be seen if the form were open."""
    return [label.text() for label in form.findChildren(QLabel) if label.isVisibleTo(form)]


def enter_text(form: QWidget, name: str, text: str | Path) -> None:
    """Put a text or a path into a line."""
    find_field(form, QLineEdit, name).setText(str(text))


def choose_entry(form: QWidget, name: str, number: int) -> None:
    """Choose an entry of a combo box."""
    find_field(form, QComboBox, name).setCurrentIndex(number)
