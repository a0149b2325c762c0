"""Saving the measures of a run for other programs."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from core.errors import InputError
from core.recipe.recipe import load_recipe
from core.training.tracking import export_csv, export_tensorboard
from desktop.base.background import Tasks


class RunExport(QObject):
    """Asks for the place, and writes there in the background."""

    exported = Signal(str)  # what was written, in words
    failed = Signal(str)

    def __init__(self, tasks: Tasks, window: QWidget) -> None:
        super().__init__(window)
        self._tasks = tasks
        self._window = window

    def export_csv(self, run: Path) -> None:
        """Save the measures of the run in this folder as tables."""
        name, _ = QFileDialog.getSaveFileName(self._window, "Export the measures", f"{run.name}.csv", "Tables (*.csv)")
        if name:
            path = Path(name)
            self._tasks.run(
                "train:export",
                lambda: export_csv(run, path),
                lambda steps: self.exported.emit(f"Exported {path.name} and {steps.name} to {path.parent}"),
                self._tell_failure,
            )

    def export_tensorboard(self, run: Path) -> None:
        """Save the measures of the run in this folder as an event file of TensorBoard."""
        name = QFileDialog.getExistingDirectory(self._window, "Folder for TensorBoard's event file")
        if name:
            target = Path(name) / run.name
            self._tasks.run(
                "train:export",
                lambda: export_tensorboard(run, target, load_recipe(run / "recipe.yaml")),
                lambda _none: self.exported.emit(f"Exported to {target}; 'tensorboard --logdir {name}' shows it"),
                self._tell_failure,
            )

    def _tell_failure(self, error: Exception) -> None:
        if not isinstance(error, InputError | OSError):
            raise error
        self.failed.emit(str(error))
