"""What the user should know of how the current file is read, in one quiet line."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from desktop.base.theme import GAP, PAD, icon_pixmap, notifier, theme
from desktop.kit.parts import ElidedLabel, icon_button


class FileNotes(QFrame):
    """Hidden where there is nothing to say. What was closed once is not said again until the program is started again."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "bar")
        self._notes: tuple[str, ...] = ()
        self._closed: set[str] = set()
        self._sign = QLabel()
        self._text = ElidedLabel("", "small")
        close = icon_button("close", "Do not say this again")
        close.clicked.connect(self._close_notes)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(PAD, 1, GAP, 1)
        layout.setSpacing(GAP)
        layout.addWidget(self._sign)
        layout.addWidget(self._text, 1)
        layout.addWidget(close)
        notifier.theme_changed.connect(self._tint_sign)
        self._tint_sign()
        self.hide()

    @property
    def text(self) -> str:
        """What is said now; empty where the line is hidden."""
        return self._text.text() if not self.isHidden() else ""

    def show_notes(self, notes: Sequence[str]) -> None:
        """Say these of the file, such as "has 4 pages; only the first is shown and used"."""
        self._notes = tuple(note for note in notes if note not in self._closed)
        self._text.setText("This file " + "; it ".join(self._notes) if self._notes else "")
        self.setVisible(bool(self._notes))

    def _close_notes(self) -> None:
        self._closed |= set(self._notes)
        self.show_notes(())

    def _tint_sign(self) -> None:
        self._sign.setPixmap(icon_pixmap("info", theme().muted, 14, self.devicePixelRatioF()))
