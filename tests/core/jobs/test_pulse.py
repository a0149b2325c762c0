"""Whether a process lives that this machine knows nothing of, whose clock may be another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.jobs import queue
from core.jobs.events import UnknownEvent
from core.jobs.folder import JobFolder, await_decisions
from core.jobs.launcher import JobLauncher
from core.jobs.owner import describe_owner
from core.jobs.pulse import SILENT_AFTER
from tests.core.conftest import Clock

HOURS = [-24.0 * 365, -1.0, -20 / 3600, 0.0, 20 / 3600, 1.0]


def write_beat(job: JobFolder, at: float, **owner: object) -> None:
    """A heartbeat as another machine leaves it, at a time of its own clock."""
    beat = job.path / "heartbeat"
    beat.write_text(json.dumps({"pid": os.getpid(), "host": "elsewhere", **owner}))
    os.utime(beat, (at, at))


def begun_job(path: Path) -> JobFolder:
    job = JobFolder.create(path, {"kind": "train"})
    job.append_event(UnknownEvent({"event": "started"}))
    return job


@contextmanager
def beating(job: JobFolder, ahead: float) -> Iterator[None]:
    """Another machine that works in the job's folder, whose clock is `ahead` by so many seconds."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(0.1):
            write_beat(job, time.time() + ahead)

    thread = threading.Thread(target=beat)
    write_beat(job, time.time() + ahead)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize("hours", HOURS)
def test_a_job_lives_as_long_as_its_heartbeat_changes_whatever_the_clock_there_says(
    tmp_path: Path, clock: Clock, hours: float
) -> None:
    job = begun_job(tmp_path / "r001")
    there = time.time() + hours * 3600
    for beat in range(40):
        write_beat(job, there + beat)
        assert JobFolder(job.path).state() == "running"
        assert [one.path for one in queue.list_running(tmp_path)] == [job.path]
        clock.now += 1
    clock.now += SILENT_AFTER - 2
    assert job.state() == "running"
    clock.now += 2
    assert JobFolder(job.path).state() == "interrupted" and queue.list_running(tmp_path) == []
    write_beat(job, there + 99)
    assert job.state() == "running", "the share was away for a while"


@pytest.mark.parametrize("hours", HOURS)
def test_a_heartbeat_that_stands_still_is_no_life_whatever_its_date(tmp_path: Path, clock: Clock, hours: float) -> None:
    job = begun_job(tmp_path / "r001")
    write_beat(job, time.time() + hours * 3600)
    assert job.is_undecided() and job.state() == "running", "until it is known, nobody else may work there"
    clock.now += SILENT_AFTER + 1
    assert not job.is_undecided() and job.state() == "interrupted"
    job.append_event(UnknownEvent({"event": "finished", "stopped": False}))
    assert job.state() == "finished"


def test_what_a_job_says_is_life_even_where_its_heartbeat_does_not_arrive(tmp_path: Path, clock: Clock) -> None:
    job = begun_job(tmp_path / "r001")
    write_beat(job, time.time())
    for step in range(5):
        job.append_event(UnknownEvent({"event": "step", "step": step}))
        assert job.state() == "running"
        clock.now += SILENT_AFTER - 1


@pytest.mark.parametrize("ahead", [-3600.0, -20.0, 20.0, 3600.0])
def test_who_cannot_look_twice_waits_until_a_heartbeat_has_changed(tmp_path: Path, ahead: float) -> None:
    live, dead = begun_job(tmp_path / "r001"), begun_job(tmp_path / "r002")
    write_beat(dead, time.time() + ahead)
    with beating(live, ahead):
        told: list[str] = []
        await_decisions([live, dead], 1.0, lambda job: told.append(job.path.name))
        assert told == ["r001", "r002"]
        assert (live.state(), dead.state()) == ("running", "interrupted")
        await_decisions([live, dead], 60.0)  # is known: nothing is waited for


def test_a_process_of_this_machine_is_known_without_waiting(tmp_path: Path) -> None:
    job = begun_job(tmp_path / "r001")
    job.write_heartbeat()
    os.utime(job.path / "heartbeat", (1e9, 1e9))
    assert not job.is_undecided() and job.state() == "running" and job.owner_here() == os.getpid()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    job.write_heartbeat(ended.pid)
    ended.wait()
    assert not job.is_undecided() and job.state() == "interrupted" and job.owner_here() is None


def test_another_process_that_has_the_number_by_now_is_not_taken_for_it(tmp_path: Path) -> None:
    job = begun_job(tmp_path / "r001")
    owner = describe_owner()
    if not owner["began"]:
        pytest.skip("this system does not say when a process began")
    write_beat(job, time.time(), **(owner | {"began": "1"}))
    assert job.state() == "interrupted" and job.owner_here() is None


def test_a_machine_of_the_same_name_is_another_one(tmp_path: Path, clock: Clock) -> None:
    job = begun_job(tmp_path / "r001")
    owner = describe_owner()
    if not owner["boot"]:
        pytest.skip("this system does not say when it began")
    write_beat(job, time.time(), **(owner | {"boot": "another", "pid": 2**22 + 1}))
    assert job.is_undecided() and job.state() == "running" and job.owner_here() is None
    clock.now += SILENT_AFTER + 1
    assert job.state() == "interrupted"


def test_a_heartbeat_of_an_earlier_version_is_judged_as_well(tmp_path: Path, clock: Clock) -> None:
    job = begun_job(tmp_path / "r001")
    write_beat(job, time.time() - 3600, host=describe_owner()["host"])  # says neither boot nor beginning
    assert job.state() == "running" and job.owner_here() == os.getpid()
    clock.now += SILENT_AFTER + 1
    assert job.state() == "interrupted" and job.owner_here() is None


def test_a_start_that_is_refused_leaves_no_sign_of_life(tmp_path: Path, clock: Clock) -> None:
    job = JobFolder.create(tmp_path / "r001", {"kind": "train"})
    queue.put_last(job)
    claimed = queue.claim_next(tmp_path)
    assert claimed is not None and claimed.state() == "running"
    claimed.log_path.mkdir()  # where the log is to be written
    with pytest.raises(IsADirectoryError):
        JobLauncher("core.nothing").launch_job(claimed)
    assert job.state() == "waiting" and queue.list_running(tmp_path) == []
