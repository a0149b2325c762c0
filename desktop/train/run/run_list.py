"""Opens the table of the runs, and keeps what is named and noted there."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from core.errors import InputError
from core.project.records import CheckpointRecord, RunRecord
from core.settings import Settings
from desktop.base.session import Session
from desktop.train.run.run_list_dialog import RunListDialog
from desktop.train.run.run_table import RunRow


class RunList(QObject):
    """Keeps the rows also while the table is closed."""

    run_chosen = Signal(str)
    failed = Signal(str)  # why a name or a note could not be kept

    def __init__(self, session: Session, settings: Settings, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._settings, self._window = session, settings, window
        self._rows: list[RunRow] = []
        self.dialog: RunListDialog | None = None

    def set_runs(self, runs: Sequence[RunRecord], checkpoints: Sequence[CheckpointRecord]) -> None:
        """List these runs, each with its best checkpoint."""
        best = {one.run: one for one in checkpoints if one.best}
        self._rows = [RunRow(run, best.get(run.id)) for run in runs]
        self._show_rows()

    def open_list(self, run: str) -> None:
        """Show the table with the row of `run` chosen."""
        if self.dialog is not None:
            self.dialog.raise_()
            self.dialog.activateWindow()
        else:
            self.dialog = dialog = RunListDialog(self._settings, self._window)
            dialog.run_chosen.connect(self.run_chosen)
            dialog.words_edited.connect(self.keep_words)
            dialog.finished.connect(self._forget_dialog)
            self._show_rows()
            dialog.show()
        self.dialog.choose_run(run)

    def close_list(self) -> None:
        """Close the table, since another project is shown, or none."""
        if self.dialog is not None:
            self.dialog.close()

    def keep_words(self, run: str, name: str, note: str) -> None:
        """Call a run by a name and keep a note on it."""
        project = self._session.project
        if project is None:
            return
        try:
            changes = project.runs.set_run_words(run, name, note)
        except InputError as error:
            self.failed.emit(str(error))
            if self.dialog is not None:
                self.dialog.say(str(error), "error")
            return
        if self.dialog is not None:
            self.dialog.say("")
        self._session.notify(changes, None)

    def _show_rows(self) -> None:
        project = self._session.project
        if self.dialog is not None:
            self.dialog.show_runs(self._rows, editable=project is not None and not project.read_only)

    def _forget_dialog(self) -> None:
        if self.dialog is not None:
            self.dialog.deleteLater()
            self.dialog = None
