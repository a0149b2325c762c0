"""A long job as a folder: what to do, what happened, whether it lives, and the wish that it stop.

    job.json      what to do
    events.jsonl  what happened, one JSON object a line, append-only
    heartbeat     which process works here; touched every second while it does
    stop          its presence asks the job to end and keep what it has
    pause         its presence asks the job to save, free the device and end, to be gone on with later
    queued        its presence asks for a start when those before it have ended; holds the place in the queue
    log.txt       what the process printed

Following a job that is live, one that outlived the window and one that ended last year is the same code.
"""

from __future__ import annotations

import errno
import json
import math
import os
import socket
import time
from collections.abc import Iterator
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

State = Literal["waiting", "running", "paused", "finished", "stopped", "failed", "interrupted"]
# No process works there any more; what is paused can be gone on with, and so can most others.
ENDED: frozenset[State] = frozenset({"paused", "finished", "stopped", "failed", "interrupted"})

STALE_AFTER = 15.0  # seconds without a heartbeat after which a job counts as dead, wherever it ran
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
        owner = {"pid": os.getpid() if pid is None else pid, "host": socket.gethostname()}
        if self._read_owner() == owner:
            os.utime(self._heartbeat_path)
        else:
            files.write_json(self._heartbeat_path, owner)

    def heartbeat_age(self) -> float | None:
        """Seconds since the last beat; None if there never was one."""
        try:
            return max(0.0, time.time() - self._heartbeat_path.stat().st_mtime)
        except FileNotFoundError:
            return None

    def _read_owner(self) -> dict[str, Any] | None:
        try:
            owner = json.loads(self._heartbeat_path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        return owner if isinstance(owner, dict) and isinstance(owner.get("pid"), int) else None

    def is_alive(self) -> bool:
        """Whether a process works here: a fresh heartbeat and, on its own machine, a process of that number."""
        age = self.heartbeat_age()
        if age is None or age > STALE_AFTER:
            return False
        owner = self._read_owner()
        if owner is None or owner.get("host") != socket.gethostname():
            return True
        return _process_exists(int(owner["pid"]))

    def owner_here(self) -> int | None:
        """The number of the process that works here now, if it is on this machine."""
        owner = self._read_owner()
        if owner is None or owner.get("host") != socket.gethostname() or not self.is_alive():
            return None
        return int(owner["pid"])

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
        for path in (self._stop_path, self._pause_path, self._queued_path):
            path.unlink(missing_ok=True)
        if not isinstance(next(self._read_backwards(), None), JobResumed) and self._has_begun():
            # What was the last word is no longer: the job goes on.
            self.append_event(JobResumed(), durable=True)

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
        return "interrupted" if self.heartbeat_age() is not None or self._has_begun() else "waiting"

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


def _process_exists(pid: int) -> bool:
    # Windows has no signal 0: os.kill would end the process there.
    if os.name != "posix":
        return True
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        # A container without an init process never collects its orphans: they keep their number as zombies.
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    except OSError:  # not Linux
        return True
    return state != "Z"
