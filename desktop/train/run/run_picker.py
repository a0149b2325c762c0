"""The runs of the project, newest first, to choose the one whose curves are shown."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QWidget

from core.project.records import CheckpointRecord, RunRecord
from desktop.kit.formatting import map_text, model_title
from desktop.train.run.shown_run import ShownRun


def state_word(run: RunRecord) -> str:
    """Where a run stands; one that waits without a place in the queue was never begun."""
    if run.state == "waiting":
        return "not begun" if run.place is None else "queued"
    return run.state


def describe_run(run: RunRecord, best: CheckpointRecord | None = None) -> str:
    """A run in one line, with what its best checkpoint reaches."""
    parts = [run.id, *([run.name] if run.name else []), model_title(run.model), state_word(run)]
    if best is not None:
        parts.append(map_text(best.map50, best.map))
    return " · ".join(parts)


class RunPicker(QComboBox):
    """`chosen` comes only from the user."""

    chosen = Signal(object)  # ShownRun

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runs: list[ShownRun] = []
        self.setAccessibleName("Run")
        self.setMinimumWidth(200)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.activated.connect(self._choose_run)
        self.set_runs([])

    @property
    def runs(self) -> list[ShownRun]:
        """What is listed, in order."""
        return list(self._runs)

    @property
    def titles(self) -> list[str]:
        return [self.itemText(row) for row in range(self.count())]

    def set_runs(self, runs: Sequence[tuple[ShownRun, str]]) -> None:
        """List `runs`, each with its title, in this order."""
        self._runs = [run for run, _ in runs]
        self.clear()
        self.addItems([title for _, title in runs] or ["No run yet"])
        self.setEnabled(bool(runs))

    def show_run(self, run: ShownRun | None) -> None:
        self.setCurrentIndex(self._runs.index(run) if run in self._runs else 0)

    def _choose_run(self, row: int) -> None:
        self.chosen.emit(self._runs[row])
