"""Saying what is wrong with what, and what to do."""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from desktop.base.theme import GAP, PAD, icon_pixmap, theme
from desktop.kit.formatting import sentence


@dataclass(frozen=True, slots=True)
class ErrorParts:
    """The text of an InputError taken apart."""

    where: str  # the file or field; may be empty
    wrong: str
    mend: str  # may be empty


def parts_of(text: str) -> ErrorParts:
    """Take "<file or field>: what is wrong; what to do" apart. A drive letter's colon is no separator."""
    where, separator, rest = "", "", text
    if found := re.match(r"((?:[A-Za-z]:[\\/])?[^:\n]+): (.+)", text, re.DOTALL):
        where, separator, rest = found[1], ": ", found[2]
    wrong, _, mend = rest.partition("; ")
    return ErrorParts(where if separator else "", sentence(wrong), sentence(mend))


def error_text(error: Exception | str) -> str:
    """The text of an error in the form of an InputError's, also where the system reports it."""
    if not isinstance(error, OSError):
        return str(error)
    where = error.filename2 or error.filename or "disk"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{where}: the disk is full; free some space and try again"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{where}: cannot be written or read ({error.strerror}); check the permissions of its folder"
    return f"{where}: {error.strerror or error}"


def message_box(parent: QWidget | None, title: str, text: str, *, sign: str = "warning") -> QMessageBox:
    """A message box in the window's dress, not yet shown: `title` in bold, `text` below, no buttons."""
    box = QMessageBox(parent)
    box.setWindowTitle(title)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setIconPixmap(icon_pixmap(sign, theme().warning, 32, box.devicePixelRatioF()))
    box.setText(title)
    box.setInformativeText(text)
    layout = box.layout()
    assert layout is not None
    layout.setContentsMargins(2 * PAD, 2 * PAD, 2 * PAD, PAD + GAP)
    return box


def error_box(parent: QWidget | None, title: str, error: Exception | str) -> QMessageBox:
    """A message box for an error, not yet shown, so that a caller may add a way out."""
    parts = parts_of(error_text(error))
    box = message_box(parent, title, "\n\n".join(part for part in (parts.wrong, parts.where, parts.mend) if part))
    box.setStandardButtons(QMessageBox.StandardButton.Ok)
    return box


def show_error(parent: QWidget | None, title: str, error: Exception | str) -> None:
    """Show an error and wait until it was read."""
    error_box(parent, title, error).exec()
