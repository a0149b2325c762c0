"""The queue of a folder of jobs: which wait, in what order, and whose turn it is.

The queue is no list of its own: a job waits because its folder holds a file `queued` with its place. Jobs of one
folder run one after the other, whoever starts them: a window, a command, or the process that works the queue off
when the window is closed.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import InputError
from core.jobs.events import Event, JobFinished, QueuedJobStarted
from core.jobs.folder import JobFolder
from core.jobs.launcher import JobLauncher
from core.jobs.owner import describe_owner, find_owner
from core.jobs.process import AttachedJob, JobProcess
from core.jobs.pulse import PULSES

_LOOK = 0.25  # seconds between looks


def list_jobs(folder: Path) -> list[JobFolder]:
    """The jobs of a folder, by name."""
    if not folder.is_dir():
        return []
    return [JobFolder(path) for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")]


def list_waiting(folder: Path) -> list[JobFolder]:
    """The jobs that wait for their turn, the next first."""
    places = {job: place for job in list_jobs(folder) if (place := job.read_place()) is not None}
    return sorted(places, key=lambda job: (places[job], job.path.name))


def list_running(folder: Path) -> list[JobFolder]:
    """The jobs that a process works on now."""
    return [job for job in list_jobs(folder) if job.state() == "running"]


def put_last(job: JobFolder) -> None:
    """Let `job` wait behind all others. Raises InputError where it runs already."""
    if job.state() == "running":
        raise InputError(f"{job.path}: it runs already")
    places = [place for other in list_waiting(job.path.parent) if (place := other.read_place()) is not None]
    job.join_queue(max(places, default=0.0) + 1)
    # Whoever works the queue off looks at the time of the folder first, and at what is in it only where that changed.
    with contextlib.suppress(OSError):
        os.utime(job.path.parent)


def move_job(job: JobFolder, by: int) -> None:
    """Move `job` so many places towards the end, or towards the beginning if negative."""
    order = list_waiting(job.path.parent)
    names = [other.path.name for other in order]
    if job.path.name not in names:
        return
    old = names.index(job.path.name)
    order.insert(max(0, min(len(order) - 1, old + by)), order.pop(old))
    for place, other in enumerate(order, start=1):
        if other.read_place() != place:
            other.join_queue(place)


def claim_next(folder: Path) -> JobFolder | None:
    """The job whose turn it is, taken out of the queue; None while one runs or none waits.

    Of several processes that ask at the same time, one gets it. It counts as running from now on, and is to be
    started at once.
    """
    with _lock_queue(folder) as held:
        if not held or list_running(folder):
            return None
        for job in list_waiting(folder):
            if job.leave_queue():
                job.prepare_start()
                job.write_heartbeat()
                return job
    return None


def claim_job(job: JobFolder, *, waits: bool = False) -> bool:
    """Take the turn for `job` in particular, whatever waits before it; whether it was to be had.

    It is not while another job runs, nor where somebody else has begun this one; of one that `waits`, its being in the
    queue no more tells. The job counts as running from now on, and is to be started at once.
    """
    folder = job.path.parent
    with _lock_queue(folder) as held:
        if not held or list_running(folder) or (waits and not job.leave_queue()):
            return False
        job.prepare_start()
        job.write_heartbeat()
        return True


@contextmanager
def _lock_queue(folder: Path) -> Iterator[bool]:
    """Whether this process may choose; another that is choosing will do so as well."""
    lock = folder / ".choosing"
    _remove_stale_lock(lock)
    try:
        handle = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except (FileExistsError, FileNotFoundError):
        yield False
        return
    try:
        try:
            os.write(handle, json.dumps(describe_owner()).encode())
        finally:
            os.close(handle)
        yield True
    finally:
        lock.unlink(missing_ok=True)


def _remove_stale_lock(lock: Path) -> None:
    """Take away a lock that a process left behind when it died."""
    try:
        stat = lock.stat()
        text = lock.read_text(encoding="utf-8")
    except OSError:
        return
    try:
        owner = json.loads(text)
    except ValueError:  # its process is about to write it, or died before it did
        owner = None
    presence = find_owner(owner if isinstance(owner, dict) else None)
    if presence == "here":
        return
    sign = (stat.st_mtime_ns, stat.st_ino)
    if presence == "gone" or PULSES.read_pulse(lock.absolute(), sign) == "silent":
        lock.unlink(missing_ok=True)


# -- working it off --------------------------------------------------------------------------------------------


def run_waiting_jobs(folder: Path, should_stop: Callable[[], bool], launcher: JobLauncher) -> Iterator[JobProcess]:
    """Start one job after the other, each in a process that goes on when this one ends; yields each as it starts.

    Ends when none waits and none runs, or when `should_stop()` is true; what runs then goes on. A job that another
    process has started is waited for.
    """
    current: JobProcess | AttachedJob | None = None
    while not should_stop():
        if current is not None and current.poll() is None:
            time.sleep(_LOOK)
            continue
        current = None
        if (job := claim_next(folder)) is not None:
            current = launcher.launch_job(job, detached=True)
            yield current
        elif others := list_running(folder):
            current = AttachedJob(others[0])
        elif not list_waiting(folder):
            return
        else:
            time.sleep(_LOOK)


def worker_folder(folder: Path) -> JobFolder:
    """The process that works the queue of `folder` off without a window is a job itself."""
    return JobFolder(folder / ".queue")


def start_worker(folder: Path, launcher: JobLauncher) -> JobProcess:
    """Work the queue off in a process that outlives this one."""
    return launcher.launch_job(JobFolder.create(worker_folder(folder).path, {"kind": "queue"}), detached=True)


def dismiss_worker(folder: Path) -> None:
    """Ask that process to leave, if there is one. The job that it started goes on."""
    worker = worker_folder(folder)
    if worker.state() == "running":
        worker.request_stop()


def work_queue(worker: JobFolder, should_stop: Callable[[], bool], launcher: JobLauncher) -> Iterator[Event]:
    """What the process in the folder `worker` does; yields its events as they come."""
    for process in run_waiting_jobs(worker.path.parent, should_stop, launcher):
        yield QueuedJobStarted(process.folder.path.name)
    yield JobFinished(should_stop())
