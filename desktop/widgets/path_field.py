"""A line for a path with a button that looks for it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QWidget

from desktop.theme import GAP


class PathField(QWidget):
    """Holds the path of a folder or of a file."""

    changed = Signal()

    def __init__(
        self, kind: Literal["folder", "file"], title: str, start: str, *, filter: str = "", hint: str = ""
    ) -> None:
        super().__init__()
        self._kind, self._title, self._start, self._filter = kind, title, start, filter
        self.line = QLineEdit(placeholderText=hint)
        self.line.setMinimumWidth(360)
        self.line.setAccessibleName(title)
        self.line.textChanged.connect(self.changed)
        button = QPushButton("Browse…")
        button.setAutoDefault(False)
        button.clicked.connect(self._browse)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        layout.addWidget(self.line, 1)
        layout.addWidget(button)
        self.setFocusProxy(self.line)

    @property
    def path(self) -> Path | None:
        """What was entered, with ~ expanded; None when the line is empty."""
        text = self.line.text().strip()
        return Path(text).expanduser() if text else None

    def set_path(self, path: Path) -> None:
        self.line.setText(str(path))

    def _browse(self) -> None:
        start = self.line.text() or self._start
        if self._kind == "folder":
            chosen = QFileDialog.getExistingDirectory(self, self._title, start)
        else:
            chosen, _ = QFileDialog.getOpenFileName(self, self._title, start, self._filter)
        if chosen:
            self.line.setText(chosen)
