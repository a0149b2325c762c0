"""Following and ending the child process of a job."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

from core.jobs.events import Event, from_json
from core.jobs.folder import ENDED, JobFolder, State

POLL = 0.05  # seconds between looks at a folder that is followed: 20 a second
SILENCE = 3.0  # seconds without a process after which a job that said no last word counts as over


class JobProcess:
    """A job and the child process that does it.

    A process that `stays` may wait for another job once this one is over.
    """

    def __init__(self, folder: JobFolder, process: subprocess.Popen[bytes], *, stays: bool = False) -> None:
        self.folder = folder
        self.process = process
        self._stays = stays
        self._collected = False

    @property
    def pid(self) -> int:
        return self.process.pid

    def poll(self) -> int | None:
        """The exit code, 0 for a child that waits for another job; None while the job goes on.

        Whatever a crashed child has left running is ended.
        """
        code = self.process.poll()
        if self.is_released:
            return 0
        if code is not None and not self._collected:
            self._collected = True
            close_input(self.process)
            if code != 0:
                kill_group(self.process)
        return code

    @property
    def is_released(self) -> bool:
        """Whether the job is over and its child waits for another one."""
        return self._stays and self.process.returncode is None and self.folder.is_released()

    def wait(self, seconds: float) -> bool:
        """Whether the job is over, after at most `seconds`."""
        limit = time.monotonic() + seconds
        while self._stays and self.poll() is None and time.monotonic() < limit:
            time.sleep(POLL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            if not self.is_released:
                self.process.wait(max(0.0, limit - time.monotonic()))
        return self.poll() is not None

    def state(self) -> State:
        """Where the job stands. A child that ended without a last word was interrupted."""
        ended = self.poll() is not None  # before the files are read: they are complete once it has ended
        state = self.folder.state()
        return "interrupted" if ended and state not in ENDED else state

    def detach(self) -> None:
        """Let the child go on after this process has ended."""
        send_line(self.process, "detach")
        close_input(self.process)
        # Somebody has to collect it when it ends, should this process go on so long.
        threading.Thread(target=self.process.wait, daemon=True).start()

    def cancel(self, grace: float = 5.0, *, after_terminate: float = 1.0) -> State:
        """Ask the job to stop; after `grace` seconds terminate it, and then kill its whole process group.

        Returns when no process is left.
        """
        self.folder.request_stop()
        if not self.wait(grace):
            self.process.terminate()
            if not self.wait(after_terminate):
                kill_group(self.process)
                self.process.wait()
        return self.state()


class AttachedJob:
    """A job whose process somebody else started: a window that was closed, or a command in a terminal.

    Only the folder tells whether it lives, wherever it does.
    """

    def __init__(self, folder: JobFolder) -> None:
        self.folder = folder
        self._silent_since: float | None = None

    def poll(self) -> int | None:
        """0 once the job has ended; None while its process runs."""
        state = self.folder.state()
        if state == "running":
            self._silent_since = None
            return None
        if state != "interrupted":
            return 0
        # A machine that wakes from sleep has an old heartbeat for a moment.
        self._silent_since = self._silent_since or time.monotonic()
        return 0 if time.monotonic() - self._silent_since > SILENCE else None

    def state(self) -> State:
        return self.folder.state()

    def detach(self) -> None:
        """It goes on by itself already."""

    def cancel(self, grace: float = 5.0, *, after_terminate: float = 1.0) -> State:
        """As JobProcess.cancel; a process on another machine can only be asked."""
        self.folder.request_stop()
        pid = self.folder.owner_here()
        if not self._ends_within(grace) and pid is not None and pid == self.folder.owner_here():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            if not self._ends_within(after_terminate):
                _kill_foreign_group(pid)
                self._ends_within(1.0)
        return self.state()

    def _ends_within(self, seconds: float) -> bool:
        limit = time.monotonic() + seconds
        while self.folder.state() == "running" or self.folder.owner_here() is not None:
            if time.monotonic() > limit:
                return False
            time.sleep(POLL)
        return True


def follow_batches(
    folder: JobFolder, process: JobProcess | AttachedJob | None = None, offset: int = 0
) -> Iterator[list[Event]]:
    """What happens in a folder, in batches at most 20 a second, until the job has ended.

    An empty batch says that nothing happened meanwhile, so that the caller can look at its own wishes. Without
    a `process`, the folder itself tells when it is over.
    """
    for lines in _follow_line_batches(folder, process, offset):
        yield [from_json(line) for line in lines]


def follow_events(
    folder: JobFolder, process: JobProcess | AttachedJob | None = None, offset: int = 0
) -> Iterator[Event]:
    """The events of a folder, one by one, as they come, until the job has ended."""
    for batch in follow_batches(folder, process, offset):
        yield from batch


def follow_lines(folder: JobFolder, process: JobProcess | AttachedJob | None = None) -> Iterator[dict[str, Any]]:
    """As `follow_events`, with the events as they were written, also by another version of this program."""
    for lines in _follow_line_batches(folder, process, 0):
        yield from lines


def _follow_line_batches(
    folder: JobFolder, process: JobProcess | AttachedJob | None, offset: int
) -> Iterator[list[dict[str, Any]]]:
    while True:
        # Asked before reading: what was written before the end is then surely read.
        ended = process.poll() is not None if process else folder.state() in ENDED
        lines, offset = folder.read_lines(offset)
        yield lines
        if ended:
            return
        time.sleep(POLL)


def send_line(process: subprocess.Popen[bytes], line: str) -> bool:
    """Whether the line reached the child's standard input."""
    if process.stdin is None or process.stdin.closed:
        return False
    try:
        process.stdin.write(line.encode() + b"\n")
        process.stdin.flush()
    except BrokenPipeError:
        return False
    return True


def close_input(process: subprocess.Popen[bytes]) -> None:
    """Tell the child that its parent has no more to say."""
    if process.stdin is not None and not process.stdin.closed:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the child and all that it started, such as the workers that prepare its images."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.returncode is None:
        process.kill()


def _kill_foreign_group(pid: int) -> None:
    """Kill a child that another process started, with its group, which every child leads."""
    with contextlib.suppress(ProcessLookupError):
        if not hasattr(os, "killpg"):
            os.kill(pid, signal.SIGTERM)  # ends a process at once on Windows
        elif os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
