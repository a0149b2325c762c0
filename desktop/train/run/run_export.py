"""Saving the measures of a run for other programs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from core.errors import InputError
from core.recipe.recipe import load_recipe
from core.training.tracking import export_csv, export_tensorboard, find_free_csv, steps_path
from desktop.base.background import Tasks
from desktop.kit.new_file import ask_new_file
from desktop.train.run.plot_picture import save_picture


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
        wanted = ask_new_file(self._window, "Export the measures", f"{run.name}.csv", "Tables (*.csv)")
        if wanted is None:
            return

        def work() -> str:
            there = [one.name for one in (wanted, steps_path(wanted)) if os.path.lexists(one)]
            path = find_free_csv(wanted)
            steps = export_csv(run, path)
            return f"Exported {path.name} and {steps.name} to {path.parent}{_describe_kept(there)}"

        self._tasks.run("train:export", work, self.exported.emit, self._tell_failure)

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

    def export_plots(self, title: str, plots: QWidget) -> None:
        """Save a picture of the plots, as PNG or as SVG."""
        wanted = ask_new_file(
            self._window, "Save a picture of the plots", f"{title or 'run'}-plots.png", "PNG (*.png);;SVG (*.svg)"
        )
        if wanted is None:
            return
        try:
            path = save_picture(plots, title, wanted)
        except InputError as error:
            self.failed.emit(str(error))
            return
        kept = [] if path == wanted else [wanted.name]
        self.exported.emit(f"Saved {path.name} to {path.parent}{_describe_kept(kept)}")

    def _tell_failure(self, error: Exception) -> None:
        if not isinstance(error, InputError | OSError):
            raise error
        self.failed.emit(str(error))


def _describe_kept(names: Sequence[str]) -> str:
    """Files that were there already, for the end of a sentence; empty without one."""
    if not names:
        return ""
    return f"; {' and '.join(names)} {'was' if len(names) == 1 else 'were'} there already and left alone"
