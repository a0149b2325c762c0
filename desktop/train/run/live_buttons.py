"""What the user can do with the training that runs, beside the run that is shown."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from desktop.base.theme import GAP


class LiveButtons(QWidget):
    """Pause and Stop while the training that runs is the one that is shown; else the way to it."""

    pause_wanted = Signal()
    stop_wanted = Signal()
    show_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pause = QPushButton("Pause")
        self.stop = QPushButton("Stop")
        self.show_live = QPushButton()
        self.show_live.setProperty("role", "link")
        self.pause.clicked.connect(self.pause_wanted)
        self.stop.clicked.connect(self.stop_wanted)
        self.show_live.clicked.connect(self.show_wanted)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        for button in (self.show_live, self.pause, self.stop):
            layout.addWidget(button)
        self.show_state("", "", shown=False)

    def show_state(self, run: str, state: str, *, shown: bool) -> None:
        """`run` is the one that trains, and `state` as LiveTraining has it; both are empty without one."""
        for button in (self.pause, self.stop):
            button.setVisible(bool(run) and shown)
        self.show_live.setVisible(bool(run) and not shown)
        self.show_live.setText(f"{run} trains")
        self.show_live.setToolTip(f"Show {run}, the run that trains")
        pausing, stopping = state == "pausing", state == "stopping"
        self.pause.setText("Pausing…" if pausing else "Pause")
        self.pause.setToolTip(f"Save {run}, free the device, and go on later")
        self.pause.setEnabled(not pausing and not stopping)
        self.stop.setText("Stopping…" if stopping else "Stop")
        self.stop.setToolTip(f"Stop {run}, and keep what was learnt")
        self.stop.setEnabled(not stopping)
