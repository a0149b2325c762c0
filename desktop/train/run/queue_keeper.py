"""The queue of the open project's runs, as the window works it off."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.jobs import queue
from core.jobs.folder import JobFolder
from core.jobs.launcher import JobLauncher
from core.project.project import Project
from core.project.records import RunRecord
from core.project.runs import read_run


class QueueKeeper(QObject):
    """Begins nothing by itself: it says whose turn it is."""

    changed = Signal()

    def __init__(self, launcher: JobLauncher, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._launcher = launcher
        self._runs: Path | None = None
        self._held = True
        self._held_by_user = False
        self.waiting: list[RunRecord] = []

    @property
    def held(self) -> bool:
        """None of the runs is begun, until the user says so."""
        return self._held

    def set_project(self, project: Project | None) -> None:
        """Keep the queue of another project's runs, or of none.

        A process that worked the queue off while no window did is relieved, and the queue goes on here.
        """
        self._runs = project.runs.folder if project is not None else None
        self._held, self._held_by_user = True, False
        if self._runs is not None and queue.worker_folder(self._runs).state() == "running":
            queue.dismiss_worker(self._runs)
            self._held = False
        self.refresh_queue()

    def find_running(self) -> JobFolder | None:
        """The run that a process of this machine trains without a window."""
        if self._runs is None:
            return None
        return next((job for job in queue.list_running(self._runs) if job.owner_here() is not None), None)

    def refresh_queue(self) -> None:
        """Look again at what waits."""
        self.waiting = [read_run(job.path) for job in queue.list_waiting(self._runs)] if self._runs is not None else []
        self.changed.emit()

    def hold_runs(self, held: bool) -> None:
        self._held = self._held_by_user = held
        self.changed.emit()

    def add_run(self, folder: JobFolder) -> None:
        """Let a run wait behind the others. Raises InputError where it runs already."""
        queue.put_last(folder)
        self._held = self._held_by_user = False
        self.refresh_queue()

    def take_in_added(self) -> None:
        """Another program has let runs wait: they are begun in their turn, unless the user holds the queue."""
        self._held = self._held_by_user
        self.refresh_queue()

    def claim(self, folder: JobFolder) -> bool:
        """Whether a run that was asked for may begin now, before those that wait; nobody else begins one then."""
        return queue.claim_job(folder)

    def name_running(self) -> str:
        """The run that is trained now, by whomever; empty without one."""
        running = queue.list_running(self._runs) if self._runs is not None else []
        return running[0].path.name if running else ""

    def move_run(self, run: str, by: int) -> None:
        if self._runs is not None:
            queue.move_job(JobFolder(self._runs / run), by)
            self.refresh_queue()

    def remove_run(self, run: str) -> None:
        if self._runs is not None:
            JobFolder(self._runs / run).leave_queue()
            self.refresh_queue()

    def claim_next(self) -> JobFolder | None:
        """The run to begin now; None if the queue is held, empty, or somebody else trains."""
        if self._runs is None or self._held:
            return None
        folder = queue.claim_next(self._runs)
        self.refresh_queue()
        return folder

    def hand_over(self) -> None:
        """Let a process of its own work the queue off, for the window is about to close."""
        if self._runs is not None and self.waiting and not self._held:
            queue.start_worker(self._runs, self._launcher).detach()
