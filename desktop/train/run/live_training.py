"""The one training that the window may run: its history, and the process kept ready for the next."""

from __future__ import annotations

from PySide6.QtCore import QEventLoop, QObject

from core.jobs.events import Event, JobResumed, RunFailed, RunStarted
from core.jobs.folder import JobFolder
from core.jobs.launcher import JobLauncher, WarmChild
from desktop.base.job_runner import JobRunner
from desktop.base.job_thread import JobThread
from desktop.base.warm_child import WarmKeeper
from desktop.train.run.run_history import RunHistory


class LiveTraining(JobRunner):
    """Starts, pauses and stops a training, or takes up one that runs already, and keeps what it says."""

    def __init__(self, launcher: JobLauncher, warm: WarmKeeper, parent: QObject | None = None) -> None:
        super().__init__(launcher, parent)
        self._heard = False  # the process that works now has said that it began
        self.history = RunHistory()
        self.warm = warm

    @property
    def run(self) -> str:
        """The id of the run that trains; empty without one."""
        return self._thread.folder.path.name if self._thread is not None else ""

    @property
    def state(self) -> str:
        """How far the training is: "starting", "running", "pausing" or "stopping"; empty without one."""
        if self._thread is None:
            return ""
        if self._thread.stopping:
            return "stopping"
        if self._thread.pausing:
            return "pausing"
        return "running" if self._heard else "starting"

    def start(self, folder: JobFolder, warm: WarmChild | None = None) -> None:
        """Train in `folder`, which holds the recipe and the snapshot, or go on there."""
        super().start(folder, warm or self.warm.take_child())

    def pause(self) -> None:
        """Ask the training to pause; it saves, frees the device and ends."""
        if self._thread is not None:
            self._thread.pause()

    def stop_and_repaint(self) -> None:
        """Stop, and return when no process is left. The window lives on meanwhile."""
        if (thread := self._thread) is None:
            return
        thread.stop()
        loop = QEventLoop()
        thread.finished.connect(loop.quit)
        if not thread.isFinished():
            loop.exec()
        # The thread's last signals may still be on their way.
        if self._thread is thread:
            self._forget()

    def _begin(self, thread: JobThread) -> None:
        self.history = RunHistory()
        self._heard = False
        super()._begin(thread)

    def _hear(self, events: list[Event]) -> None:
        for event in events:
            # Of a run that is gone on with, what the process before said comes first.
            if isinstance(event, RunStarted | JobResumed | RunFailed):
                self._heard = not isinstance(event, JobResumed)
        self.history.add(events)
