"""Telling the project, and so the other pages, what trainings have written into the folders of runs."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from core.changes import Changes
from core.errors import InputError
from core.project.project import Project
from desktop.base.background import Tasks
from desktop.base.session import Session

_SOON_MS = 1500  # the Checkpoints page hears of new checkpoints this soon


class RunSync(QObject):
    """Reads the folders in the background. A project that cannot be written to is read as it is."""

    synced = Signal()
    failed = Signal(str)

    def __init__(self, session: Session, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._tasks = tasks
        self._timer = QTimer(self, singleShot=True, interval=_SOON_MS)
        self._timer.timeout.connect(self.sync_runs)

    def sync_soon(self) -> None:
        """Read the folders in a while, once for all that is written until then."""
        if not self._timer.isActive():
            self._timer.start()

    def sync_runs(self) -> None:
        """Read the folders now."""
        project = self._session.project
        if project is None:
            return
        if project.read_only:
            self.synced.emit()
            return
        self._tasks.run(
            "train:sync",
            project.runs.sync_folders,
            lambda changes: self._pass_changes(project, changes),
            lambda error: self._pass_error(project, error),
        )

    def _pass_changes(self, project: Project, changes: Changes) -> None:
        if project is self._session.project:
            self.synced.emit()
            self._session.notify(changes, self)

    def _pass_error(self, project: Project, error: Exception) -> None:
        if project is not self._session.project:
            return  # it was closed meanwhile
        if not isinstance(error, InputError | OSError):
            raise error
        self.failed.emit(str(error))
