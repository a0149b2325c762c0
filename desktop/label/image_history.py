"""What was done to the current image, and when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem, QStackedLayout, QVBoxLayout, QWidget

from core.project.edits.edit import ImageEvent
from desktop.base.theme import PAD, icon, notifier, theme
from desktop.kit import formatting
from desktop.kit.parts import words

LISTED = 500  # events; older ones are counted
SIGNS = {"done": "edit", "undone": "undo", "redone": "redo", "waiting": "edit"}
WORDS = {"done": "", "undone": "undone", "redone": "done again", "waiting": "not written yet"}


class ImageHistory(QWidget):
    """The newest event on top."""

    def __init__(self) -> None:
        super().__init__()
        self._events: Sequence[ImageEvent] = ()
        self.list = QListWidget()
        self.list.setAccessibleName("What was done to this image")
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._nothing = words("Nothing was done to this image yet.", "muted", wrap=True)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        empty = QWidget()
        inner = QVBoxLayout(empty)
        inner.setContentsMargins(PAD, PAD, PAD, PAD)
        inner.addWidget(self._nothing)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.list)
        self._stack.addWidget(empty)
        notifier.theme_changed.connect(self._fill_list)

    def show_events(self, events: Sequence[ImageEvent]) -> None:
        """Show what was done, newest first."""
        if tuple(events) != tuple(self._events) or not self.list.count():
            self._events = tuple(events)
            self._fill_list()
        self._stack.setCurrentIndex(0 if events else 1)

    def _fill_list(self) -> None:
        now = datetime.now().astimezone()
        self.list.clear()
        for event in self._events[:LISTED]:
            about = f" ({WORDS[event.kind]})" if WORDS[event.kind] else ""
            item = QListWidgetItem(icon(SIGNS[event.kind], theme().muted, size=16), f"{event.name}{about}")
            item.setText(f"{event.name}{about}\n{formatting.date(event.time, now)}")
            item.setToolTip(f"{event.name}{about}\n{event.time}")
            self.list.addItem(item)
        if (more := len(self._events) - LISTED) > 0:
            self.list.addItem(QListWidgetItem(f"and {more:,} before"))
