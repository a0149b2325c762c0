"""The threads that follow a job's folder and turn what appears there into signals."""

from __future__ import annotations

import threading
import time

from PySide6.QtCore import QObject, QThread, Signal

from core.jobs.events import RunFailed
from core.jobs.folder import ENDED, JobFolder
from core.jobs.launcher import JobLauncher, WarmChild
from core.jobs.process import AttachedJob, JobProcess, follow_batches

# Seconds that a child has to save after a stop before it is terminated. It stops at once, but hundreds of megabytes
# on a slow disk take their time, and killing it there would lose what was learnt.
STOP_GRACE = 60.0
KILL_AFTER = 1.0  # seconds from terminate to kill
WATCH_EVERY = 0.5  # seconds between looks at a folder that may lie on another machine
AT_ONCE = 500  # events that the window takes in between two frames


class JobThread(QThread):
    """Starts the child (or takes over a warm one, or one that runs already), and follows the folder to its end."""

    events = Signal(list)  # core.jobs.events.Event, at most 20 batches a second once all that is past was read
    ended = Signal(str)  # core.jobs.folder.State; not told where the job was left going

    def __init__(
        self,
        launcher: JobLauncher,
        folder: JobFolder,
        warm: WarmChild | None = None,
        *,
        attach: bool = False,
        stays: bool = False,
        parent: QObject | None = None,
    ) -> None:
        """With `attach`, a process that somebody else started works in `folder`. With `stays`, the child may wait for another
        job afterwards: it is then in `released`."""
        super().__init__(parent)
        self.folder = folder
        self.attached = attach
        self.released: WarmChild | None = None
        self._warm, self._stays = warm, stays
        self._launcher = launcher
        self._stop = threading.Event()
        self._pause = threading.Event()
        self._leave = threading.Event()

    def stop(self) -> None:
        """Ask the job to end and keep what it has; a child that does not hear is ended by force."""
        self._stop.set()

    def pause(self) -> None:
        """Ask the job to save, free the device and end, to be gone on with later."""
        self._pause.set()

    def leave(self) -> None:
        """Let the job go on without this program; the thread ends."""
        self._leave.set()

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    @property
    def pausing(self) -> bool:
        return self._pause.is_set()

    def stop_and_wait(self) -> bool:
        """Stop, and return when no process is left; False if the thread itself hangs."""
        self.stop()
        return self.wait(int((STOP_GRACE + KILL_AFTER + 5) * 1000))

    def run(self) -> None:
        try:
            process = self._start_process()
        except OSError as error:
            self._report_no_start(error)
            return
        self._follow(process)

    def _start_process(self) -> JobProcess | AttachedJob:
        if self.attached:
            return AttachedJob(self.folder)
        if self._warm is not None:
            return self._warm.start_job(self.folder, stays=self._stays)
        return self._launcher.launch_job(self.folder, stays=self._stays)

    def _follow(self, process: JobProcess | AttachedJob) -> None:
        asked = 0.0
        for batch in follow_batches(self.folder, process):
            for begin in range(0, len(batch), AT_ONCE):
                self.events.emit(batch[begin : begin + AT_ONCE])
            if process.poll() is not None:
                continue
            if self._leave.is_set():
                process.detach()
                return
            if self._pause.is_set() and not self.folder.pause_requested() and not self._stop.is_set():
                self.folder.request_pause()
            if not self._stop.is_set():
                continue
            if not asked:
                asked = time.monotonic()
                self.folder.request_stop()
            elif time.monotonic() - asked > STOP_GRACE:
                process.cancel(0, after_terminate=KILL_AFTER)
        state = process.state()
        if isinstance(process, JobProcess):
            self.released = self._launcher.take_back(process)
        self.ended.emit(state if state in ENDED else "interrupted")

    def _report_no_start(self, error: OSError) -> None:
        reason = f"Its process could not be started ({error.strerror})."
        self.events.emit([RunFailed(reason, "Close other programs or free disk space, and start it once more.")])
        self.ended.emit("failed")


class WatchThread(QThread):
    """Follows a job that is none of ours, and changes nothing in its folder."""

    events = Signal(list)  # core.jobs.events.Event
    state_changed = Signal(str)
    began_anew = Signal()  # what was told before is no longer there
    reachable_changed = Signal(bool)  # the folder went away, such as with a network drive, or came back

    def __init__(self, folder: JobFolder, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        self._end = threading.Event()

    def end(self) -> None:
        """Watch no more; returns when the thread has ended."""
        self._end.set()
        self.wait()

    def run(self) -> None:
        offset, told, there = 0, "", True
        while not self._end.is_set():
            if there != self.folder.path.is_dir():
                there = not there
                self.reachable_changed.emit(there)
            if not there:
                self._end.wait(WATCH_EVERY)
                continue
            state = self.folder.state()  # before reading: what was written before the end is then surely read
            if self.folder.count_bytes() < offset:
                offset = 0
                self.began_anew.emit()
            batch, offset = self.folder.read_events(offset)
            for begin in range(0, len(batch), AT_ONCE):
                self.events.emit(batch[begin : begin + AT_ONCE])
            if state != told:
                told = state
                self.state_changed.emit(state)
            self._end.wait(WATCH_EVERY)
