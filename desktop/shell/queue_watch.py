"""Watches the queue of the open project's runs, so that what another program adds is trained, whatever page is in front."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from core.errors import InputError
from core.jobs.queue import list_waiting
from core.project.project import Project
from desktop.base.background import Tasks
from desktop.base.session import Session

_LOOK_MS = 1000
# Looks after which the runs are gone through though the time of their folder is the same: a share may be late with it.
_THOROUGH = 10


class QueueWatch(QObject):
    """One per window; follows the session. It looks in the background, since the project may lie on a slow share."""

    added = Signal()  # runs wait that did not at the last look

    def __init__(self, session: Session, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._tasks = tasks
        self._known: frozenset[str] | None = None  # that wait; None before the first look
        self._stamp = 0
        self._looks = 0
        self._timer = QTimer(self, interval=_LOOK_MS)
        self._timer.timeout.connect(self.look)
        session.project_changed.connect(self._set_project)
        self._set_project()

    def _set_project(self) -> None:
        project = self._session.project
        self._known, self._stamp, self._looks = None, 0, 0
        self._timer.stop()
        if project is not None and not project.read_only:
            # Of a project that was just opened, what waits already is the Train page's to ask about.
            self._known = _read_waiting(project.runs.folder)
            self._timer.start()

    def look(self) -> None:
        """Look whether runs were added."""
        project = self._session.project
        if project is None:
            return
        folder, stamp = project.runs.folder, self._stamp if self._looks % _THOROUGH else -1
        self._looks += 1
        self._tasks.run(
            "queue:watch", lambda: _read_changed(folder, stamp), lambda found: self._take_in(project, found), _pass_over
        )

    def _take_in(self, project: Project, found: tuple[int, frozenset[str]] | None) -> None:
        if found is None or project is not self._session.project:
            return
        self._stamp, waiting = found
        grown = self._known is not None and bool(waiting - self._known)
        self._known = waiting
        if grown:
            self.added.emit()


def _read_changed(folder: Path, stamp: int) -> tuple[int, frozenset[str]] | None:
    """The time of the folder, with the runs that wait; None where the time is `stamp` still."""
    try:
        now = folder.stat().st_mtime_ns
    except OSError:  # there are no runs yet, or the share is away
        return None
    return None if now == stamp else (now, _read_waiting(folder))


def _read_waiting(folder: Path) -> frozenset[str]:
    return frozenset(job.path.name for job in list_waiting(folder))


def _pass_over(error: Exception) -> None:
    """What cannot be read now is at the next look."""
    if not isinstance(error, InputError | OSError):
        raise error
