"""Training a run when its turn has come: runs of a project are trained one after the other, whoever starts them."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator

from core.errors import InputError
from core.jobs.events import Event, Notice
from core.jobs.folder import JobFolder
from core.jobs.launcher import JobLauncher
from core.jobs.process import AttachedJob, follow_batches
from core.jobs.queue import claim_job, list_running, list_waiting, put_last
from core.operations.start_run import count_past, first_interrupt_stops, run_training

_LOOK = 0.25  # seconds between looks
# Seconds without any run after which nobody works the queue off: what waits before is held, and need not be waited for.
_QUIET = 3.0
_START = 5.0  # seconds that whoever took a run out of the queue has to begin it


def train_in_turn(
    folder: JobFolder, launcher: JobLauncher, interrupted: Callable[[], None] = lambda: None
) -> Iterator[Event]:
    """As `run_training`, once no other run of the project is trained.

    Until then the run waits in the queue, a notice says for which, and Ctrl+C takes it out again. Where a window or
    another process that works the queue off begins it, it is followed there; Ctrl+C asks it to stop all the same.
    Raises InputError if somebody takes it out of the queue.
    """
    offset = count_past(folder)
    if claim_job(folder) or (yield from _wait_for_turn(folder)):
        yield from run_training(folder, launcher, interrupted, offset=offset)
    else:
        yield from _follow_elsewhere(folder, interrupted, offset)


def wait_to_claim(folder: JobFolder, should_stop: Callable[[], bool]) -> Generator[Event, None, bool]:
    """Wait outside the queue until no other run is trained; whether the turn was taken for `folder`.

    It is not where somebody else has finished it meanwhile.
    """
    told = ""
    while not should_stop() and folder.state() != "finished":
        if claim_job(folder):
            return True
        if (others := list_running(folder.path.parent)) and others[0].path.name != told:
            told = others[0].path.name
            yield Notice(f"waiting for {told}, which is running")
        time.sleep(_LOOK)
    return False


def _wait_for_turn(folder: JobFolder) -> Generator[Event, None, bool]:
    """Let the run wait in the queue; whether its turn was taken here, and not by somebody else."""
    runs = folder.path.parent
    waits, told, busy_at = False, "", time.monotonic()
    try:
        while True:
            others = [job for job in list_running(runs) if job.path != folder.path]
            if others:
                busy_at = time.monotonic()
                if not waits:
                    put_last(folder)
                    waits = True
                if others[0].path.name != told:
                    told = others[0].path.name
                    yield Notice(f"{folder.path.name} waits for {told}, which is running")
            elif _may_begin(folder, waits=waits, quiet=time.monotonic() - busy_at) and claim_job(folder, waits=waits):
                waits = False
                return True
            if waits and folder.read_place() is None:
                waits = False
                return False
            time.sleep(_LOOK)
    finally:
        if waits:
            folder.leave_queue()


def _may_begin(folder: JobFolder, *, waits: bool, quiet: float) -> bool:
    """Whether no run that waits before this one would be passed over."""
    if not waits or quiet > _QUIET:
        return True
    waiting = list_waiting(folder.path.parent)
    return bool(waiting) and waiting[0].path == folder.path


def _follow_elsewhere(folder: JobFolder, interrupted: Callable[[], None], offset: int) -> Iterator[Event]:
    """What happens to a run that somebody else took out of the queue, to begin it."""
    run = folder.path.name
    deadline = time.monotonic() + _START
    while folder.state() != "running" and folder.count_bytes() <= offset:
        if time.monotonic() > deadline:
            raise InputError(f"{run}: was taken out of the queue; 'defectdesk train DIR --resume {run}' trains it")
        time.sleep(_LOOK)
    yield Notice(f"{run} is trained by the program that works the queue off, such as a window")
    with first_interrupt_stops(folder, interrupted):
        for batch in follow_batches(folder, AttachedJob(folder), offset):
            yield from batch
