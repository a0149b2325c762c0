"""Work that takes seconds: done in the background behind a dialog with a bar, its pace, and a way to cancel."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QEventLoop, Qt, QTimer, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from desktop.base.background import Tasks
from desktop.base.theme import GAP, PAD
from desktop.kit.parts import words

T = TypeVar("T")
Progress = Callable[[int, int], None]

KEY = "work behind a dialog"
SHOWN_AFTER = 300  # ms: shorter work flashes no dialog
REPORT_EVERY = 0.1  # s: what nobody can read is not sent
PACE_OVER = 5.0  # s over which the pace is taken: long enough to be calm, short enough to follow a slow disk


class Cancelled(Exception):
    """The user cancelled the work. Raised in its thread at its next report of progress."""


class Pace:
    """How fast something goes now, and how long the rest takes."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque()

    def mark(self, now: float, done: int) -> None:
        """At `now` (seconds of a monotonic clock) `done` were done; fewer than before starts over."""
        if self._marks and done < self._marks[-1][1]:
            self._marks.clear()
        self._marks.append((now, done))
        while len(self._marks) > 2 and now - self._marks[1][0] >= PACE_OVER:
            self._marks.popleft()

    def rate(self) -> float | None:
        """Per second; None while too little is known."""
        (start, first), (end, last) = (self._marks[0], self._marks[-1]) if self._marks else ((0.0, 0), (0.0, 0))
        return (last - first) / (end - start) if end - start >= 0.5 and last > first else None


def pace_text(done: int, total: int, rate: float | None, unit: str = "") -> str:
    """How it goes, in words: 3,200 of 10,000 images · 450 a second · 15 s left."""
    parts = [f"{done:,} of {total:,}" + (f" {unit}" if unit else "")]
    if rate is not None and done < total:
        parts.append(f"{rate:,.0f} a second" if rate >= 10 else f"{rate:.1f} a second")
        parts.append(f"{duration((total - done) / rate)} left")
    return " · ".join(parts)


def duration(seconds: float) -> str:
    """A duration as one waits for it: 8 s, 2 min 30 s, 1 h 20 min."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        # By tens: nobody counts single seconds of minutes.
        minutes, rest = divmod(round(whole / 10) * 10, 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, rest = divmod(round(whole / 60), 60)
    return f"{hours} h {rest} min"


class ProgressDialog(QDialog):
    """Blocks the window while `work(progress)` runs in a thread."""

    _reported = Signal(int, int)

    def __init__(
        self,
        parent: QWidget | None,
        tasks: Tasks,
        title: str,
        *,
        unit: str = "",
        note: str = "",
        can_cancel: bool = True,
    ) -> None:
        """`unit` is what is counted; `note` says what cancelling does, where the work can be cancelled."""
        kind = Qt.WindowType
        super().__init__(parent, kind.Dialog | kind.CustomizeWindowHint | kind.WindowTitleHint)
        self.setWindowTitle(title)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setMinimumWidth(460)
        self._tasks = tasks
        self._unit = unit
        self._stop = threading.Event()
        self._running = False
        self._last_report = 0.0
        self._pace = Pace()
        self._count = words("Beginning…", "muted")
        self._bar = QProgressBar(minimum=0, maximum=0)
        self._bar.setAccessibleName(title)
        self._cancel = QPushButton("Cancel")
        self._cancel.setAutoDefault(False)
        self._cancel.clicked.connect(self.reject)
        self._cancel.setVisible(can_cancel)
        self._can_cancel = can_cancel
        foot = QHBoxLayout()
        foot.addWidget(self._count, 1)
        foot.addWidget(self._cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * PAD, 2 * PAD, 2 * PAD, PAD + GAP)
        layout.setSpacing(PAD)
        layout.addWidget(words(title, "heading"))
        layout.addWidget(self._bar)
        if note:
            layout.addWidget(words(note, "small", wrap=True))
        layout.addLayout(foot)
        self._reported.connect(self._show_progress)
        self._delay = QTimer(self, singleShot=True, interval=SHOWN_AFTER)
        self._delay.timeout.connect(self.open)

    @property
    def running(self) -> bool:
        """Whether the work has not been handed back yet."""
        return self._running

    def run(
        self,
        work: Callable[[Progress], T],
        done: Callable[[T], None],
        failed: Callable[[Exception], None],
        cancelled: Callable[[], None] = lambda: None,
    ) -> None:
        """Start; one of `done`, `failed` and `cancelled` follows on the window's thread."""
        self._running = True
        self._delay.start()
        self._tasks.run(
            f"{KEY} {id(self)}",
            lambda: work(self._report_progress),
            lambda result: self._end_work(lambda: done(result)),
            lambda error: self._end_work(lambda: cancelled() if isinstance(error, Cancelled) else failed(error)),
        )

    def reject(self) -> None:
        """Ask the work to stop. The dialog stays until it has."""
        if self._running and not self._can_cancel:
            return
        if self._running:
            self._stop.set()
            self._cancel.setEnabled(False)
            self._count.setText("Stopping…")
        else:
            super().reject()

    def _report_progress(self, done: int, total: int) -> None:
        """Called in the work's thread; a total of 0 is one that is not known yet."""
        if self._stop.is_set():
            raise Cancelled
        now = time.monotonic()
        if now - self._last_report > REPORT_EVERY or done == total:
            self._last_report = now
            self._reported.emit(done, total)

    def _show_progress(self, done: int, total: int) -> None:
        if not self._stop.is_set():
            if total:
                self._pace.mark(time.monotonic(), done)
            self._bar.setRange(0, total)
            self._bar.setValue(done)
            # The last step, writing what was read, has no count.
            if not total:
                text = f"Looking through folders… {done:,} files"
            elif done < total:
                text = pace_text(done, total, self._pace.rate(), self._unit)
            else:
                text = "Finishing…"
            self._count.setText(text)

    def _end_work(self, then: Callable[[], object]) -> None:
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
    *,
    unit: str = "",
    note: str = "",
    can_cancel: bool = True,
) -> ProgressDialog:
    """Do `work` behind a progress dialog; when it is cancelled, neither `done` nor `failed` is called."""
    dialog = ProgressDialog(parent, tasks, title, unit=unit, note=note, can_cancel=can_cancel)
    dialog.run(work, done, failed)
    return dialog


def finish_behind_dialog(
    parent: QWidget | None, tasks: Tasks, title: str, work: Callable[[Progress], object]
) -> Exception | None:
    """Do `work` in the background and return when it has ended, with its error if it had one.

    For what must be done before something is closed; it cannot be cancelled.
    """
    loop = QEventLoop()
    errors: list[Exception] = []

    def failed(error: Exception) -> None:
        errors.append(error)
        loop.quit()

    dialog = ProgressDialog(parent, tasks, title, can_cancel=False)
    dialog.run(work, lambda _: loop.quit(), failed)
    # Until the dialog is shown nothing else keeps the user off what is being closed.
    QTimer.singleShot(SHOWN_AFTER, loop.quit)
    loop.exec(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
    if dialog.running:
        loop.exec()
    return errors[0] if errors else None


def result_behind_dialog(parent: QWidget | None, tasks: Tasks, title: str, work: Callable[[], T]) -> T:
    """Do `work` in the background and return what it gives, or raise what it raises; it cannot be cancelled."""
    results: list[T] = []
    error = finish_behind_dialog(parent, tasks, title, lambda _progress: results.append(work()))
    if error is not None:
        raise error
    return results[0]
