"""A line for a path with buttons that look for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QUrl, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QWidget

from desktop.base.theme import GAP


class PathField(QWidget):
    """Holds the path of a folder, of a file, or of either."""

    changed = Signal()

    def __init__(
        self, kind: Literal["folder", "file", "either"], title: str, start: str, *, filter: str = "", hint: str = ""
    ) -> None:
        super().__init__()
        self._title, self._start, self._filter = title, start, filter
        self.line = QLineEdit(placeholderText=hint)
        self.line.setMinimumWidth(360)
        self.line.setAccessibleName(title)
        self.line.textChanged.connect(self.changed)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        layout.addWidget(self.line, 1)
        if kind == "either":
            layout.addWidget(_build_button("File…", f"Choose a file: {title}", self._browse_file))
            layout.addWidget(_build_button("Folder…", f"Choose a folder: {title}", self._browse_folder))
        else:
            browse = self._browse_folder if kind == "folder" else self._browse_file
            layout.addWidget(_build_button("Browse…", f"Browse: {title}", browse))
        self.setFocusProxy(self.line)

    @property
    def path(self) -> Path | None:
        """What was entered, with ~ expanded; None when the line is empty. File managers drop and paste addresses."""
        text = self.line.text().strip()
        if text.startswith("file:"):
            text = QUrl(text).toLocalFile()
        return Path(text).expanduser() if text else None

    def set_path(self, path: Path) -> None:
        self.line.setText(str(path))

    def _browse_folder(self) -> None:
        self._take_path(QFileDialog.getExistingDirectory(self, self._title, self.line.text() or self._start))

    def _browse_file(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, self._title, self.line.text() or self._start, self._filter)
        self._take_path(chosen)

    def _take_path(self, chosen: str) -> None:
        if chosen:
            self.line.setText(chosen)


def _build_button(text: str, name: str, does: Callable[[], None]) -> QPushButton:
    button = QPushButton(text)
    button.setAutoDefault(False)
    button.setAccessibleName(name)
    button.clicked.connect(lambda: does())
    return button
