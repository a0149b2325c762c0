"""The runs of the project, newest first, to choose the one whose curves are shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QWidget

from core.models.registry import MODELS
from core.project.records import CheckpointRecord, RunRecord
from desktop.kit.formatting import map_text


def model_title(name: str) -> str:
    """The model's title; its name where this version does not know it."""
    return MODELS[name].title if name in MODELS else name


def state_word(run: RunRecord) -> str:
    """Where a run stands; one that waits without a place in the queue was never begun."""
    if run.state == "waiting":
        return "not begun" if run.place is None else "queued"
    return run.state


class RunPicker(QComboBox):
    """`chosen` comes only from the person."""

    chosen = Signal(str)  # a run's id, or the path of a run folder that is watched

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Run")
        self.setMinimumWidth(240)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.activated.connect(lambda index: self.chosen.emit(self.itemData(index)))
        self.set_runs((), (), "")

    def set_runs(
        self,
        runs: Sequence[RunRecord],
        checkpoints: Sequence[CheckpointRecord],
        live: str,
        watched: Sequence[Path] = (),
    ) -> None:
        """List `runs` in this order. `live` is the run that trains now, which may not be among them yet.

        Run folders that are `watched` come last; they are known by their path.
        """
        best = {
            point.run: map_text(point.map50, point.map) for point in checkpoints if point.best and point.map is not None
        }
        self.clear()
        if live and all(run.id != live for run in runs):
            self.addItem(f"{live} · running", live)
        for run in runs:
            words = [run.id, model_title(run.model), "running" if run.id == live else state_word(run)]
            if run.id in best:
                words.append(best[run.id])
            self.addItem(" · ".join(words), run.id)
        for path in watched:
            self.addItem(f"watched · {path.name} in {path.parent.parent.name}", str(path))
        self.setEnabled(self.count() > 0)
        if not self.count():
            self.addItem("No run yet", "")

    def show_run(self, run: str) -> None:
        self.setCurrentIndex(max(0, self.findData(run)))
