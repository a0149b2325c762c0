"""A long job as a folder: what to do, what happened, whether it lives, and the wish that it stop.

    job.json      what to do
    events.jsonl  what happened, one JSON object a line, append-only
    heartbeat     which process works here; touched every second while it does
    stop          its presence asks the job to end and keep what it has
    pause         its presence asks the job to save, free the device and end, to be gone on with later
    queued        its presence asks for a start when those before it have ended; holds the place in the queue
    released      its presence says that the process which did the job waits for another one
    log.txt       what the process printed

Following a job that is live, one that outlived the window and one that ended last year is the same code.
"""

from __future__ import annotations

import errno
import json
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from core import files
from core.errors import InputError
from core.jobs.events import (
    CheckpointSaved,
    Event,
    JobFinished,
    JobResumed,
    Notice,
    RunFailed,
    RunFinished,
    RunPaused,
    from_json,
    to_json,
)
from core.jobs.owner import describe_owner, find_owner
from core.jobs.pulse import PULSES, SILENT_AFTER, Pulse

State = Literal["waiting", "running", "paused", "finished", "stopped", "failed", "interrupted"]
# No process works there any more; what is paused can be gone on with, and so can most others.
ENDED: frozenset[State] = frozenset({"paused", "finished", "stopped", "failed", "interrupted"})

_LOOK = 0.2  # seconds between looks at heartbeats that are waited for
_TAIL = 65_536  # bytes at the end of events.jsonl that are searched for how the job ended


class JobFolder:
    """One job on disk. Holds nothing open; any number of processes may look at the same folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.events_path = path / "events.jsonl"
        self.log_path = path / "log.txt"
        self._job_path = path / "job.json"
        self._stop_path = path / "stop"
        self._pause_path = path / "pause"
        self._queued_path = path / "queued"
        self._heartbeat_path = path / "heartbeat"
        self._released_path = path / "released"
        self._tail_checked = False

    @classmethod
    def create(cls, path: Path, job: dict[str, Any]) -> JobFolder:
        """Make the folder where it is missing and say in it what is to be done."""
        path.mkdir(parents=True, exist_ok=True)
        files.write_json(path / "job.json", job)
        return cls(path)

    def read_job(self) -> dict[str, Any]:
        """What is to be done. Raises InputError if job.json is missing or damaged."""
        try:
            job = json.loads(self._job_path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{self._job_path}: cannot be read ({error.strerror}); this is no job folder") from error
        except (ValueError, RecursionError) as error:
            raise InputError(f"{self._job_path}: damaged, not JSON; start the job anew") from error
        if not isinstance(job, dict):
            raise InputError(f"{self._job_path}: damaged, not an object; start the job anew")
        return job

    def read_kind(self) -> str:
        """What kind of job this is; empty if job.json does not say."""
        try:
            return str(self.read_job().get("kind", ""))
        except InputError:
            return ""

    # -- events ------------------------------------------------------------------------------------------------

    def append_event(self, event: Event, *, durable: bool = False) -> None:
        """Add one event as one line, in one write. `durable` waits until the disk has it."""
        line = json.dumps(to_json(event), ensure_ascii=False, allow_nan=False).encode() + b"\n"
        handle = os.open(self.events_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            if not self._tail_checked:
                # A process that died in the middle of a line must not spoil the first line after it.
                line = b"\n" + line if self._ends_torn() else line
                self._tail_checked = True
            if os.write(handle, line) < len(line):
                self._tail_checked = False  # what is written once there is room again must not continue this line
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.events_path))
            if durable:
                os.fsync(handle)
        finally:
            os.close(handle)

    def read_events(self, offset: int = 0) -> tuple[list[Event], int]:
        """The events from byte `offset` on, and the offset at which to go on reading; see `read_lines`."""
        lines, offset = self.read_lines(offset)
        return [from_json(line) for line in lines], offset

    def read_lines(self, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
        """The events from byte `offset` on as they were written, and the offset at which to go on reading.

        A last line without its end is left for the next call; lines that are no JSON object are passed over.
        """
        try:
            with self.events_path.open("rb") as file:
                file.seek(offset)
                data = file.read()
        except FileNotFoundError:
            return [], offset
        whole = data[: data.rfind(b"\n") + 1]
        return _parse_lines(whole), offset + len(whole)

    def count_bytes(self) -> int:
        """Bytes of events so far."""
        return self.events_path.stat().st_size if self.events_path.exists() else 0

    def _ends_torn(self) -> bool:
        with self.events_path.open("rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return False
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"

    def _read_backwards(self) -> Iterator[Event]:
        """The events from the last one backwards, as far as the end of the file tells."""
        try:
            with self.events_path.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
                lines = file.read().split(b"\n")
        except OSError:  # there is none yet, or it belongs to somebody else
            return
        for line in reversed(lines):
            yield from map(from_json, _parse_lines(line))

    # -- life --------------------------------------------------------------------------------------------------

    def write_heartbeat(self, pid: int | None = None) -> None:
        """Say that process `pid` (this one by default) works here now."""
        owner = describe_owner(pid)
        if self._read_owner() == owner:
            os.utime(self._heartbeat_path)
        else:
            files.write_json(self._heartbeat_path, owner)

    def withdraw_heartbeat(self) -> None:
        """Say that nobody works here after all."""
        self._heartbeat_path.unlink(missing_ok=True)

    def _read_owner(self) -> dict[str, Any] | None:
        try:
            owner = json.loads(self._heartbeat_path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        return owner if isinstance(owner, dict) and isinstance(owner.get("pid"), int) else None

    def is_alive(self) -> bool:
        """Whether a process works here.

        Of a process on this machine the system says so. Any other lives as long as its heartbeat, or what it says,
        changes; until that is known, which takes seconds, it counts as alive: two must never work here.
        """
        return self._read_pulse() in ("beats", "unknown")

    def is_undecided(self) -> bool:
        """Whether only a look some seconds later tells if a process works here; see `await_decisions`."""
        return self._last_word() is None and self._read_pulse() == "unknown"

    def conclude_silent(self) -> None:
        """Take the process that worked here for dead until something changes."""
        PULSES.conclude_silent(self._heartbeat_path.absolute())

    def _read_pulse(self) -> Pulse:
        try:
            beat = self._heartbeat_path.stat()
        except OSError:
            return "silent"
        if self.is_released():
            return "silent"
        match find_owner(self._read_owner()):
            case "here":
                return "beats"
            case "gone":
                return "silent"
        return PULSES.read_pulse(self._heartbeat_path.absolute(), (beat.st_mtime_ns, beat.st_ino, self.count_bytes()))

    def owner_here(self) -> int | None:
        """The number of the process that works here now, if it is on this machine."""
        owner = self._read_owner()
        if owner is None or find_owner(owner) == "elsewhere" or not self.is_alive():
            return None
        return int(owner["pid"])

    def owner_host(self) -> str:
        """The machine of the process that works here, or did last; empty if none is known."""
        return str((self._read_owner() or {}).get("host", ""))

    # -- wishes ------------------------------------------------------------------------------------------------

    def request_stop(self) -> None:
        """Ask the job to end soon and keep what it has."""
        self._stop_path.touch()

    def stop_requested(self) -> bool:
        return self._stop_path.exists()

    def request_pause(self) -> None:
        """Ask the job to save, free the device and end soon, to be gone on with later."""
        self._pause_path.touch()

    def pause_requested(self) -> bool:
        return self._pause_path.exists()

    def join_queue(self, place: float) -> None:
        """Ask for a start when the jobs with lower places have ended."""
        files.write_text(self._queued_path, f"{place!r}\n")

    def read_place(self) -> float | None:
        """The place in the queue; None if the job is not in it. A damaged place is the last."""
        try:
            return float(self._queued_path.read_text(encoding="ascii"))
        except OSError:
            return None
        except ValueError:
            return math.inf

    def leave_queue(self) -> bool:
        """Take the job out of the queue. Of several that try, one gets True: it may start the job."""
        try:
            self._queued_path.unlink()
        except FileNotFoundError:
            return False
        return True

    def prepare_start(self) -> None:
        """To be called before a process starts here, for the first time or once more: withdraw every wish."""
        for path in (self._stop_path, self._pause_path, self._queued_path, self._released_path):
            path.unlink(missing_ok=True)
        if not isinstance(next(self._read_backwards(), None), JobResumed) and self._has_begun():
            # What was the last word is no longer: the job goes on.
            self.append_event(JobResumed(), durable=True)

    def mark_released(self) -> None:
        """Say that the process which did the job does nothing here any more, and waits for another job."""
        self._released_path.touch()

    def is_released(self) -> bool:
        return self._released_path.exists()

    # -- where it stands ---------------------------------------------------------------------------------------

    def state(self) -> State:
        """Where the job stands, from its files alone."""
        last = self._last_word()
        if last is None and self.is_alive():
            return "running"
        if self.read_place() is not None:
            return "waiting"
        if last is not None:
            return last
        return "interrupted" if self._heartbeat_path.exists() or self._has_begun() else "waiting"

    def _has_begun(self) -> bool:
        """Whether a process said anything here. The notices of who prepared the job are no such thing."""
        return any(not isinstance(event, Notice) for event in self._read_backwards())

    def _last_word(self) -> State | None:
        """How the job said that it ended; None if it did not, or goes on since."""
        for event in self._read_backwards():
            match event:
                case RunFinished() | JobFinished():
                    return "stopped" if event.stopped else "finished"
                case RunFailed():
                    return "failed"
                case RunPaused():
                    return "paused"
                case Notice() | CheckpointSaved():
                    continue
                case _:
                    return None
        return None


def _parse_lines(data: bytes) -> list[dict[str, Any]]:
    events = []
    for line in data.split(b"\n"):
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):  # also a line that is not UTF-8: a crash can leave anything
            continue
        if isinstance(event, dict):
            events.append(event)
    return events


def await_decisions(
    jobs: Iterable[JobFolder], patience: float = SILENT_AFTER, tell: Callable[[JobFolder], None] = lambda _job: None
) -> None:
    """Wait until it is known of each job whether it lives: for those of other machines, until a heartbeat changes.

    What stands still for `patience` seconds is taken for dead. `tell` hears of each that is waited for.
    """
    waited = [job for job in jobs if job.is_undecided()]
    for job in waited:
        tell(job)
    deadline = time.monotonic() + patience
    while waited and time.monotonic() < deadline:
        time.sleep(_LOOK)
        waited = [job for job in waited if job.is_undecided()]
    for job in waited:
        job.conclude_silent()
