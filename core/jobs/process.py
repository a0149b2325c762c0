"""Starting, following and ending the child process of a job."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import core
from core.jobs.folder import ENDED, JobFolder, State

CHILD_MODULE = "core.training.child"
POLL = 0.05  # seconds between looks at a folder that is followed: 20 a second
SILENCE = 3.0  # seconds without a process after which a job that said no last word counts as over


class JobProcess:
    """A job and the child process that does it."""

    def __init__(self, folder: JobFolder, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self._process = process
        self._collected = False

    @property
    def pid(self) -> int:
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code; None while the child runs. Whatever a crashed child has left running is ended."""
        code = self._process.poll()
        if code is not None and not self._collected:
            self._collected = True
            _close_input(self._process)
            if code != 0:
                _kill_group(self._process)
        return code

    def wait(self, seconds: float) -> bool:
        """Whether the child has ended, after at most `seconds`."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self.poll() is not None

    def state(self) -> State:
        """Where the job stands. A child that ended without a last word was interrupted."""
        ended = self.poll() is not None  # before the files are read: they are complete once it has ended
        state = self.folder.state()
        return "interrupted" if ended and state not in ENDED else state

    def detach(self) -> None:
        """Let the child go on after this process has ended."""
        _send(self._process, "detach")
        _close_input(self._process)
        # Somebody has to collect it when it ends, should this process go on so long.
        threading.Thread(target=self._process.wait, daemon=True).start()

    def cancel(self, grace: float = 5.0, *, after_terminate: float = 1.0) -> State:
        """Ask the job to stop; after `grace` seconds terminate it, and then kill its whole process group.

        Returns when no process is left.
        """
        self.folder.request_stop()
        if not self.wait(grace):
            self._process.terminate()
            if not self.wait(after_terminate):
                _kill_group(self._process)
                self._process.wait()
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
                _kill_of_another(pid)
                self._ends_within(1.0)
        return self.state()

    def _ends_within(self, seconds: float) -> bool:
        limit = time.monotonic() + seconds
        while self.folder.state() == "running" or self.folder.owner_here() is not None:
            if time.monotonic() > limit:
                return False
            time.sleep(POLL)
        return True


class WarmChild:
    """A child that was started ahead of time: it has imported what is slow to import and waits for a job."""

    def __init__(self, process: subprocess.Popen[bytes], module: str) -> None:
        self._process = process
        self._module = module

    @property
    def pid(self) -> int:
        return self._process.pid

    def start(self, folder: JobFolder, *, detached: bool = False) -> JobProcess:
        """Give the job to the waiting child, or to a new one if that has died meanwhile. Use a warm child once."""
        line = json.dumps({"folder": str(folder.path.absolute()), "detached": detached})
        folder.begin()
        if self._process.poll() is not None or not _send(self._process, line):
            self.dismiss()
            return spawn(folder, detached=detached, module=self._module)
        folder.beat(self._process.pid)
        return JobProcess(folder, self._process)

    def dismiss(self) -> None:
        """End the child that was not needed."""
        _close_input(self._process)
        _kill_group(self._process)
        self._process.wait()


def spawn(folder: JobFolder, *, detached: bool = False, module: str = CHILD_MODULE) -> JobProcess:
    """Start a child that does the job in `folder`. A `detached` child goes on when this process ends."""
    folder.begin()
    arguments = [*(["--detached"] if detached else []), str(folder.path.absolute())]
    with folder.log_path.open("ab") as log:
        process = _popen(module, arguments, log=log.fileno(), watched=not detached)
    # Written here as well as by the child: one that dies before its first line is then known to have lived.
    folder.beat(process.pid)
    return JobProcess(folder, process)


def prepare(*, module: str = CHILD_MODULE) -> WarmChild:
    """Start a child ahead of time, so that a click starts a training in well under the time torch takes to load."""
    return WarmChild(_popen(module, ["--wait"], log=subprocess.DEVNULL, watched=True), module)


def follow_batches(
    folder: JobFolder, process: JobProcess | AttachedJob | None = None, offset: int = 0
) -> Iterator[list[dict[str, Any]]]:
    """What happens in a folder, in batches at most 20 a second, until the job has ended.

    An empty batch says that nothing happened meanwhile, so that the caller can look at its own wishes. Without
    a `process`, the folder itself tells when it is over.
    """
    while True:
        # Asked before reading: what was written before the end is then surely read.
        ended = process.poll() is not None if process else folder.state() in ENDED
        events, offset = folder.read(offset)
        yield events
        if ended:
            return
        time.sleep(POLL)


def follow(
    folder: JobFolder, process: JobProcess | AttachedJob | None = None, offset: int = 0
) -> Iterator[dict[str, Any]]:
    """The events of a folder, one by one, as they come, until the job has ended."""
    for batch in follow_batches(folder, process, offset):
        yield from batch


def child_environment() -> dict[str, str]:
    """The environment of a child, set before torch is imported there, since OpenMP reads it once."""
    environment = dict(os.environ)
    # Spinning threads beside any busy process slow a training down forty times on two cores; waiting ones do not.
    environment["OMP_WAIT_POLICY"] = "PASSIVE"
    # All cores, from the window and from the command line alike: sums over another number of threads differ in
    # their last bits, and a run must be repeatable. The child's low priority keeps the window fluid.
    environment["OMP_NUM_THREADS"] = str(_cores())
    # The child runs the very code that its parent runs, whatever folder either was started in.
    code = str(Path(core.__file__).absolute().parents[1])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [code, environment.get("PYTHONPATH", "")]))
    return environment


def _popen(module: str, arguments: list[str], *, log: int, watched: bool) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, *arguments],  # -P: no module is taken from the current folder
        stdin=subprocess.PIPE if watched else subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=child_environment(),
        start_new_session=True,
        creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),
    )


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _send(process: subprocess.Popen[bytes], line: str) -> bool:
    """Whether the line reached the child's standard input."""
    if process.stdin is None or process.stdin.closed:
        return False
    try:
        process.stdin.write(line.encode() + b"\n")
        process.stdin.flush()
    except BrokenPipeError:
        return False
    return True


def _close_input(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None and not process.stdin.closed:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the child and all that it started, such as the workers that prepare its images."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.returncode is None:
        process.kill()


def _kill_of_another(pid: int) -> None:
    """Kill a child that another process started, with its group, which every child leads."""
    with contextlib.suppress(ProcessLookupError):
        if not hasattr(os, "killpg"):
            os.kill(pid, signal.SIGTERM)  # ends a process at once on Windows
        elif os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
