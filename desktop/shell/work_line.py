"""The line of the status bar that says what runs, on every page."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QToolButton, QWidget

from desktop.base.running_work import RunningWork, WorkStatus
from desktop.base.theme import GAP
from desktop.kit.formatting import format_duration

BAR = 72  # pixels


class WorkLine(QWidget):
    """Hidden while nothing runs. A press on it shows the work."""

    def __init__(self, running: RunningWork) -> None:
        super().__init__()
        self._running = running
        self._short = False
        self._bar = QProgressBar()
        self._bar.setRange(0, 1000)
        self._bar.setTextVisible(False)
        self._bar.setFixedSize(BAR, 6)
        self._bar.setAccessibleName("Progress of what runs")
        self._words = QToolButton()
        self._words.setProperty("role", "chip-link")
        self._words.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._words.clicked.connect(running.show_requested)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GAP, 0, GAP, 0)
        layout.setSpacing(GAP)
        layout.addWidget(self._bar)
        layout.addWidget(self._words)
        running.changed.connect(self._show_status)
        self.hide()

    @property
    def text(self) -> str:
        """What is said of the work; empty while nothing runs."""
        return self._words.text() if self._running.status is not None else ""

    @property
    def progress(self) -> int:
        """Thousandths that are done."""
        return self._bar.value()

    def press(self) -> None:
        """Show the work, as a click on the line does."""
        self._words.click()

    def set_short(self, short: bool) -> None:
        """Whether there is so little room that the place is left out."""
        self._short = short
        self._show_status()

    def _show_status(self) -> None:
        status = self._running.status
        self.setVisible(status is not None)
        if status is None:
            return
        self._bar.setVisible(status.share is not None)
        self._bar.setValue(round(1000 * (status.share or 0.0)))
        self._words.setText(describe_work(status, short=self._short))
        self._words.setToolTip(f"{describe_work(status)}\nShow it on the Train page")


def describe_work(status: WorkStatus, *, short: bool = False) -> str:
    """The work in one line, such as: r003 learning · epoch 3 of 24 · 12% · 5 min left."""
    parts = [f"{status.name} {status.doing}"]
    if status.place and not short:
        parts.append(status.place)
    if status.share is not None:
        parts.append(f"{status.share:.0%}")
    if status.seconds_left is not None:
        parts.append(f"{format_duration(status.seconds_left)} left")
    return " · ".join(parts)
