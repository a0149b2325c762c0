"""The thread that drives a job's child process and turns what appears in its folder into signals."""

from __future__ import annotations

import threading
import time

from PySide6.QtCore import QObject, QThread, Signal

from core.jobs.folder import ENDED, JobFolder
from core.jobs.process import CHILD_MODULE, JobProcess, WarmChild, follow_batches, spawn

# Seconds that a child has to save after a stop before it is terminated. It stops at once, but hundreds of megabytes
# on a slow disk take their time, and killing it there would lose what was learnt.
STOP_GRACE = 60.0
KILL_AFTER = 1.0  # seconds from terminate to kill


class JobThread(QThread):
    """Starts the child (or takes over a warm one), follows the folder, and ends when the child has ended."""

    events = Signal(list)  # dicts as in events.jsonl, at most 20 batches a second
    ended = Signal(str)  # core.jobs.folder.State

    def __init__(
        self,
        folder: JobFolder,
        warm: WarmChild | None = None,
        *,
        module: str = CHILD_MODULE,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.folder = folder
        self._warm = warm
        self._module = module
        self._stop = threading.Event()

    def stop(self) -> None:
        """Ask the job to end and keep what it has; a child that does not hear is ended by force."""
        self._stop.set()

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def stop_and_wait(self) -> bool:
        """Stop, and return when no process is left; False if the thread itself hangs."""
        self.stop()
        return self.wait(int((STOP_GRACE + KILL_AFTER + 5) * 1000))

    def run(self) -> None:
        try:
            process = self._warm.start(self.folder) if self._warm else spawn(self.folder, module=self._module)
        except OSError as error:
            self._report_no_start(error)
            return
        self._follow(process)

    def _follow(self, process: JobProcess) -> None:
        asked = 0.0
        for batch in follow_batches(self.folder, process):
            if batch:
                self.events.emit(batch)
            if not self._stop.is_set() or process.poll() is not None:
                continue
            if not asked:
                asked = time.monotonic()
                self.folder.request_stop()
            elif time.monotonic() - asked > STOP_GRACE:
                process.cancel(0, after_terminate=KILL_AFTER)
        state = process.state()
        assert state in ENDED
        self.ended.emit(state)

    def _report_no_start(self, error: OSError) -> None:
        failed = {
            "event": "failed",
            "reason": f"The training process could not be started ({error.strerror}).",
            "advice": "Close other programs or free disk space, and train again.",
        }
        self.events.emit([failed])
        self.ended.emit("failed")
