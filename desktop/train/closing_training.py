"""What becomes of a training when the window closes."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QProgressDialog, QWidget

from core.counting import format_count
from desktop.train.run.live_training import LiveTraining


def ask_how_to_close(parent: QWidget, run: str, waiting: int) -> Literal["stop", "leave", "cancel"]:
    """Ask whether `run` is stopped or left going. `waiting`: runs that would be trained after it."""
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle("A training is running")
    box.setText(f"Training {run} is running. What becomes of it?")
    after = (
        f" {format_count(waiting, 'run waits', 'runs wait')} in the queue, to be trained after it." if waiting else ""
    )
    box.setInformativeText(
        "Stopped, it keeps what was learnt so far, and can be resumed. Left going, it trains on without the window, and "
        f"is shown again when the project is opened the next time.{after}"
    )
    leave = box.addButton("Leave it going", QMessageBox.ButtonRole.AcceptRole)
    stop = box.addButton("Stop and close", QMessageBox.ButtonRole.DestructiveRole)
    cancel = box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(leave)
    box.setEscapeButton(cancel)
    box.exec()
    return "leave" if box.clickedButton() is leave else "stop" if box.clickedButton() is stop else "cancel"


def wait_for_stop(live: LiveTraining, window: QWidget) -> None:
    """Return once the training has saved what was learnt; where that takes time, `window` says so."""
    wait = QProgressDialog("Stopping the training and saving what was learnt…", "", 0, 0, window)
    wait.setCancelButton(None)
    wait.setWindowModality(Qt.WindowModality.WindowModal)
    wait.setMinimumDuration(300)
    live.stop_and_repaint()
    wait.close()
    wait.deleteLater()
