"""Work that takes seconds: done in the background behind a dialog with a bar and a way to cancel."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from desktop.tasks import Tasks
from desktop.theme import GAP, PAD
from desktop.widgets.parts import words

T = TypeVar("T")
Progress = Callable[[int, int], None]

KEY = "work behind a dialog"
SHOWN_AFTER = 300  # ms: shorter work flashes no dialog


class Cancelled(Exception):
    """The person cancelled the work. Raised in its thread at its next report of progress."""


class ProgressDialog(QDialog):
    """Blocks the window while `work(progress)` runs in a thread."""

    _reported = Signal(int, int)

    def __init__(self, parent: QWidget | None, tasks: Tasks, title: str) -> None:
        kind = Qt.WindowType
        super().__init__(parent, kind.Dialog | kind.CustomizeWindowHint | kind.WindowTitleHint)
        self.setWindowTitle(title)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setMinimumWidth(420)
        self._tasks = tasks
        self._stop = threading.Event()
        self._running = False
        self._last_report = 0.0
        self._count = words("", "muted")
        self._bar = QProgressBar(minimum=0, maximum=0)
        self._cancel = QPushButton("Cancel")
        self._cancel.clicked.connect(self.reject)
        foot = QHBoxLayout()
        foot.addWidget(self._count, 1)
        foot.addWidget(self._cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * PAD, 2 * PAD, 2 * PAD, PAD + GAP)
        layout.setSpacing(PAD)
        layout.addWidget(words(title, "heading"))
        layout.addWidget(self._bar)
        layout.addLayout(foot)
        self._reported.connect(self._show)
        self._delay = QTimer(self, singleShot=True, interval=SHOWN_AFTER)
        self._delay.timeout.connect(self.open)

    def run(
        self, work: Callable[[Progress], T], done: Callable[[T], None], failed: Callable[[Exception], None]
    ) -> None:
        """Start; `done` or `failed` follows on the window's thread, neither when the person cancelled."""
        self._running = True
        self._delay.start()
        self._tasks.run(
            KEY,
            lambda: work(self._report),
            lambda result: self._end(lambda: done(result)),
            lambda error: self._end(lambda: failed(error) if not isinstance(error, Cancelled) else None),
        )

    def reject(self) -> None:
        """Ask the work to stop. The dialog stays until it has."""
        if self._running:
            self._stop.set()
            self._cancel.setEnabled(False)
            self._count.setText("Stopping…")
        else:
            super().reject()

    def _report(self, done: int, total: int) -> None:
        """Called in the work's thread."""
        if self._stop.is_set():
            raise Cancelled
        now = time.monotonic()
        if now - self._last_report > 0.05 or done == total:
            self._last_report = now
            self._reported.emit(done, total)

    def _show(self, done: int, total: int) -> None:
        if not self._stop.is_set():
            self._bar.setRange(0, total)
            self._bar.setValue(done)
            self._count.setText(f"{done:,} of {total:,}")

    def _end(self, then: Callable[[], object]) -> None:
        self._running = False
        self._delay.stop()
        self.hide()
        self.deleteLater()
        then()


def run_with_progress(
    parent: QWidget | None,
    tasks: Tasks,
    title: str,
    work: Callable[[Progress], T],
    done: Callable[[T], None],
    failed: Callable[[Exception], None],
) -> ProgressDialog:
    """Do `work` behind a progress dialog."""
    dialog = ProgressDialog(parent, tasks, title)
    dialog.run(work, done, failed)
    return dialog
