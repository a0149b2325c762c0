"""Finding what the Label page shows, as its user does: by kind and name."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit, QPlainTextEdit, QWidget

from core.changes import Changes
from core.imaging.adjust import Adjustment
from desktop.base.session import Session
from desktop.label.adjust_panel import AdjustPanel
from desktop.label.label_page import LabelPage
from desktop.label.labels.label_picker import LabelPicker

W = TypeVar("W", bound=QWidget)


def find_named(within: QWidget, kind: type[W], name: str) -> W:
    """The one widget of a kind that has this accessible name."""
    (found,) = [one for one in within.findChildren(kind) if one.accessibleName() == name]
    return found


def find_button(within: QWidget, text: str) -> QAbstractButton:
    """The one button whose text begins like this."""
    (found,) = [one for one in within.findChildren(QAbstractButton) if one.text().startswith(text)]
    return found


def find_only(within: QWidget, kind: type[W]) -> W:
    """The one widget of a kind."""
    (found,) = within.findChildren(kind)
    return found


def read_words(within: QWidget) -> list[str]:
    """What the labels say."""
    return [label.text() for label in within.findChildren(QLabel)]


def find_action(page: LabelPage, name: str) -> QAction:
    (found,) = [action for action in page.actions() if action.objectName() == name]
    return found


def find_note(page: LabelPage) -> QPlainTextEdit:
    return find_named(page.details, QPlainTextEdit, "Note on the image")


def find_field(picker: LabelPicker) -> QLineEdit:
    """Where the picker is typed into."""
    return find_named(picker, QLineEdit, "Label to set")


def adjust_view(page: LabelPage, adjustment: Adjustment) -> None:
    """Set everything in the panel that adjusts the view."""
    find_only(page.canvas.view, AdjustPanel).enter_adjustment(adjustment)


def refresh_image(session: Session) -> None:
    """Let the views follow an edit of the current image that was made past them."""
    assert session.image_id is not None
    session.notify(Changes(images=frozenset({session.image_id})))
