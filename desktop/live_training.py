"""The one training that the window may run: its thread, its history, and the process kept ready for the next."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEventLoop, QObject, Signal

from core.jobs.folder import JobFolder
from core.jobs.process import CHILD_MODULE
from desktop.models.run_history import RunHistory
from desktop.training_thread import JobThread
from desktop.warm_child import WarmKeeper


class LiveTraining(QObject):
    """Starts, pauses and stops a training, or takes up one that runs already, and keeps what it says."""

    progressed = Signal(list)  # events, after the history has taken them in
    ended = Signal(str, str)  # run, state

    def __init__(self, module: str = CHILD_MODULE, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._module = module
        self._thread: JobThread | None = None
        self._heard = False  # the process that works now has said that it began
        self.history = RunHistory()
        self.warm = WarmKeeper(module, self)

    @property
    def running(self) -> bool:
        return self._thread is not None

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

    def start(self, folder: JobFolder) -> None:
        """Train in `folder`, which holds the recipe and the snapshot, or go on there."""
        self._begin(JobThread(folder, self.warm.take(), module=self._module, parent=self))

    def attach(self, folder: JobFolder) -> None:
        """Take up the training that another process has started in `folder`."""
        self._begin(JobThread(folder, attach=True, parent=self))

    def _begin(self, thread: JobThread) -> None:
        assert self._thread is None
        self.history = RunHistory()
        self._heard = False
        self._thread = thread
        self._thread.events.connect(self._take_in)
        self._thread.ended.connect(self._end)
        self._thread.start()

    def stop(self) -> None:
        """Ask the training to stop; it saves what it has learnt and then ends."""
        if self._thread is not None:
            self._thread.stop()

    def pause(self) -> None:
        """Ask the training to pause; it saves, frees the device and ends."""
        if self._thread is not None:
            self._thread.pause()

    def leave(self) -> None:
        """Let the training go on by itself when this program ends."""
        if self._thread is not None:
            self._thread.leave()
            self._forget()

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

    def stop_and_wait(self) -> None:
        """Stop, and return when no process is left, without handling any event of the window."""
        if self._thread is not None:
            self._thread.stop_and_wait()
            self._forget()

    def _take_in(self, events: list[dict[str, Any]]) -> None:
        if self._thread is None or self.sender() is not self._thread:
            return
        for event in events:
            # Of a run that is gone on with, what the process before said comes first.
            if event.get("event") in ("started", "resumed", "failed"):
                self._heard = event["event"] != "resumed"
        self.history.add(events)
        self.progressed.emit(events)

    def _end(self, state: str) -> None:
        if self._thread is not None and self.sender() is self._thread:
            run = self.run
            self._forget()
            self.ended.emit(run, state)

    def _forget(self) -> None:
        thread, self._thread = self._thread, None
        assert thread is not None
        thread.wait()
        thread.deleteLater()
