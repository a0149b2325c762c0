"""The frame of a job's child process: start, heartbeat, stop, orphan watch, leaving.

A module of jobs ends with

    if __name__ == "__main__":
        run_child(main, warm_up)

and is started as `python -m MODULE [--detached] [--stays] FOLDER`, or ahead of time as `python -m MODULE --wait`: then it warms up
and waits on standard input for a line of JSON, {"folder": path, "detached": bool, "stays": bool}. One that stays, and that
`may_stay` lets, marks the folder when the job is done and waits for the next line. Standard input stays open as long as
the parent lives; its end means that the parent died. The line "detach" ends that watch.
"""

from __future__ import annotations

import errno
import gc
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from core.errors import InputError
from core.jobs.events import ActivityBegun, Event, JobProgress, RunFailed, StepDone
from core.jobs.folder import JobFolder

ORPHAN_GRACE = 4.0  # seconds that a child whose parent died has to save what it has
_BEAT_EVERY = 1.0
LOOK_EVERY = 0.1  # seconds between looks for the stop file
NICENESS = 10
_CHEAP = (StepDone, JobProgress, ActivityBegun)  # events that come by the hundred
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_WAITS_FOR_ROOM = 30  # seconds

Main = Callable[[JobFolder, Callable[[], bool]], Iterator[Event]]


def run_child(
    main: Main,
    warm_up: Callable[[], None],
    arguments: list[str] | None = None,
    *,
    niceness: int = NICENESS,
    may_stay: Callable[[], bool] = lambda: False,
) -> NoReturn:
    """Run one job, or several where the child may stay, and leave the process.

    `main(folder, should_stop)` does the work and yields its events; each is appended to the folder. When
    `should_stop()` turns true, or `folder.pause_requested()`, it should yield its last event soon.
    `warm_up` imports what is slow to import; it runs only in a child that is started ahead of time. A higher
    `niceness` leaves the processor to others, also for all processes that this one starts. `may_stay` is asked after a
    job that went well whether this process is worth keeping for the next.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if hasattr(os, "nice"):
        os.nice(niceness)
    parent = _Parent(watch="--detached" not in arguments)
    # Signals come to the main thread alone, which does the job: what it asks to stop is the job under way.
    signal.signal(signal.SIGTERM, lambda _number, _frame: parent.stop.set())
    given = None
    if "--wait" not in arguments:
        given = _GivenJob(JobFolder(Path(arguments[-1])), "--stays" in arguments)
        parent.working = True
    parent.start()
    if given is None:
        warm_up()
    while True:
        if given is None:
            given = parent.wait_for_job()
            _print_to(given.folder.log_path)
        code = _work_in(given.folder, main, parent)
        gc.collect()
        if code != 0 or not given.stays or not may_stay() or not parent.take_rest():
            _leave_process(code)
        _print_to(Path(os.devnull))
        # From here on nothing is done there, and the parent may ask for the next job.
        try:
            given.folder.mark_released()
        except OSError:  # the folder was deleted, or the disk is full: nobody would hear
            _leave_process(code)
        given = None


def _work_in(folder: JobFolder, main: Main, parent: _Parent) -> int:
    """Do the job in `folder`, which shows meanwhile that this process lives; the exit code."""
    folder.write_heartbeat()
    over = threading.Event()
    beating = threading.Thread(target=keep_beating, args=(folder, parent.stop, over), daemon=True)
    beating.start()
    code = do_job(main, folder, parent.stop)
    over.set()
    beating.join()
    return code


def do_job(main: Main, folder: JobFolder, stop: threading.Event) -> int:
    """Do the job in `folder` and write down what happens; the exit code."""
    try:
        writer = _EventWriter(folder)
        for event in main(folder, stop.is_set):
            writer.write_event(event)
        writer.wait_for_room()
    except InputError as error:
        folder.append_event(RunFailed(str(error)), durable=True)
        return 1
    except Exception as error:  # noqa: BLE001 - the process ends here, and the folder must say why
        traceback.print_exc()
        advice = f"The whole trace is in {folder.log_path}."
        folder.append_event(RunFailed(f"{type(error).__name__}: {error}", advice), durable=True)
        return 1
    return 0


class _EventWriter:
    """Appends events to a folder, also to one on a disk that is full for a while: a training must not end by that."""

    def __init__(self, folder: JobFolder) -> None:
        self._folder = folder
        self._unwritten: list[Event] = []

    def write_event(self, event: Event) -> None:
        """Append the event after those that found no room; of these, steps are let go."""
        self._unwritten.append(event)
        while self._unwritten:
            first = self._unwritten[0]
            try:
                # Steps come by the hundred and are cheap to lose; everything else survives a power cut.
                self._folder.append_event(first, durable=not isinstance(first, _CHEAP))
            except OSError as error:
                if error.errno not in _FULL:
                    raise
                self._unwritten = [one for one in self._unwritten if not isinstance(one, _CHEAP)]
                return
            self._unwritten.pop(0)

    def wait_for_room(self) -> None:
        """Wait some time for room for how the job ended. Raises OSError if there is none."""
        for _ in range(_WAITS_FOR_ROOM):
            if not self._unwritten:
                return
            time.sleep(1)
            self.write_event(self._unwritten.pop())
        if self._unwritten:
            self._folder.append_event(self._unwritten[-1], durable=True)


@dataclass(frozen=True, slots=True)
class _GivenJob:
    """What a child that was started ahead of time is to do."""

    folder: JobFolder
    stays: bool  # and wait for another job after it


class _Parent(threading.Thread):
    """Reads standard input: the jobs of a child that was started ahead of time, "detach", and the parent's end."""

    def __init__(self, *, watch: bool) -> None:
        super().__init__(name="parent", daemon=True)
        self.working = False
        self.stop = threading.Event()  # asks the job under way to end
        self._watch = watch
        self._jobs: queue.Queue[_GivenJob] = queue.Queue()

    def wait_for_job(self) -> _GivenJob:
        return self._jobs.get()

    def take_rest(self) -> bool:
        """Whether this process may wait for another job: the parent is there."""
        self.working = False
        self.stop = threading.Event()
        return self.is_alive()

    def run(self) -> None:
        if not self._watch:
            return
        for line in _read_lines(0):
            if line == "detach":
                return
            job = json.loads(line)
            self.working = True
            self._jobs.put(_GivenJob(JobFolder(Path(job["folder"])), bool(job.get("stays"))))
            if job["detached"]:
                return
        # End of input: the parent is gone. A child that waits has nothing to lose; one that works may still save.
        if self.working:
            self.stop.set()
            time.sleep(ORPHAN_GRACE)
        _end_group()


def _read_lines(handle: int) -> Iterator[str]:
    """Lines of a file descriptor as they come. sys.stdin would hold a lock that the interpreter wants at its end."""
    rest = b""
    while data := os.read(handle, 4096):
        *whole, rest = (rest + data).split(b"\n")
        yield from (line.decode() for line in whole)


def keep_beating(folder: JobFolder, stop: threading.Event, over: threading.Event | None = None) -> None:
    """Show until `over` that this process works in `folder`; sets `stop` when the folder asks for it, or is gone."""
    beaten, over = 0.0, over or threading.Event()
    while not over.is_set():
        if folder.stop_requested():
            stop.set()
        if time.monotonic() - beaten >= _BEAT_EVERY:
            beaten = time.monotonic()
            try:
                folder.write_heartbeat()
            except FileNotFoundError:
                # The folder was deleted: there is nowhere left to save to.
                stop.set()
            except OSError as error:
                # A full disk or a network share that is away for a moment must not end the training.
                print(f"heartbeat: {error}", file=sys.stderr)
        over.wait(LOOK_EVERY)


def _print_to(path: Path) -> None:
    """Send everything that is printed from now on, by libraries in C too, to `path`."""
    sys.stdout.flush()
    sys.stderr.flush()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.close(handle)


def _end_group() -> NoReturn:
    """Leave at once, with every process that this one started."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def _leave_process(code: int) -> NoReturn:
    # Tearing down torch and CUDA in order takes over a second and can hang; the system frees all of it anyway.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
