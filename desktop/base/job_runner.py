"""A long job in a process of its own, such as a training or a study: its thread, and what it says."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from core.jobs.events import Event
from core.jobs.folder import JobFolder
from core.jobs.launcher import JobLauncher, WarmChild
from desktop.base.job_thread import JobThread
from desktop.base.warm_child import WarmKeeper


class JobRunner(QObject):
    """Starts and stops one job at a time."""

    progressed = Signal(list)  # core.jobs.events.Event
    ended = Signal(str, str)  # name of the job's folder, state

    def __init__(self, launcher: JobLauncher, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._launcher = launcher
        self._thread: JobThread | None = None
        self._keeper: WarmKeeper | None = None

    @property
    def running(self) -> bool:
        return self._thread is not None

    @property
    def stopping(self) -> bool:
        return self._thread is not None and self._thread.stopping

    @property
    def folder(self) -> JobFolder | None:
        """Of the job that runs."""
        return self._thread.folder if self._thread is not None else None

    def start(self, folder: JobFolder, warm: WarmChild | None = None) -> None:
        """Do the job in `folder` in a process of its own, or in `warm`, which waits for one."""
        self._begin(JobThread(self._launcher, folder, warm, parent=self))

    def start_kept(self, folder: JobFolder, keeper: WarmKeeper) -> None:
        """Do the job in the child that `keeper` has, or in a new one; it goes back to `keeper` if it may wait for another."""
        self._keeper = keeper
        self._begin(JobThread(self._launcher, folder, keeper.take_child(), stays=True, parent=self))

    def attach(self, folder: JobFolder) -> None:
        """Take up the job that another process does in `folder`."""
        self._begin(JobThread(self._launcher, folder, attach=True, parent=self))

    def leave(self) -> None:
        """Let the job go on by itself when this program ends."""
        if self._thread is not None:
            self._thread.leave()
            self._forget()

    def _begin(self, thread: JobThread) -> None:
        assert self._thread is None
        self._thread = thread
        self._thread.events.connect(self._take_in)
        self._thread.ended.connect(self._end)
        self._thread.start()

    def stop(self) -> None:
        """Ask the job to end."""
        if self._thread is not None:
            self._thread.stop()

    def stop_and_wait(self) -> None:
        """Stop, and return when no process is left, without handling any event of the window."""
        if self._thread is not None:
            self._thread.stop_and_wait()
            self._forget()

    def _hear(self, events: list[Event]) -> None:
        """Events that are about to be told."""

    def _take_in(self, events: list[Event]) -> None:
        if self._thread is not None and self.sender() is self._thread:
            self._hear(events)
            self.progressed.emit(events)

    def _end(self, state: str) -> None:
        if self._thread is not None and self.sender() is self._thread:
            name = self._thread.folder.path.name
            self._forget()
            self.ended.emit(name, state)

    def _forget(self) -> None:
        thread, self._thread = self._thread, None
        assert thread is not None
        thread.wait()
        if thread.released is not None and self._keeper is not None:
            self._keeper.give_back(thread.released)
        thread.deleteLater()
