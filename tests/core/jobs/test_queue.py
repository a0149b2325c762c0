"""The queue of jobs, with real processes."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.jobs import queue
from core.jobs.events import UnknownEvent
from core.jobs.folder import JobFolder
from core.jobs.launcher import JobLauncher
from core.jobs.owner import describe_owner
from core.jobs.process import AttachedJob, follow_lines
from tests.core.conftest import Clock

CHILD = """
import time
from core.jobs.child_runtime import run_child
from core.jobs.events import UnknownEvent

def main(folder, should_stop):
    yield UnknownEvent({"event": "started", "at": time.monotonic()})
    while (folder.path / "hold").exists():
        if should_stop():
            break
        if folder.pause_requested():
            yield UnknownEvent({"event": "paused"})
            return
        time.sleep(0.01)
    yield UnknownEvent({"event": "finished", "stopped": should_stop(), "at": time.monotonic()})

if __name__ == "__main__":
    run_child(main, lambda: None)
"""


WORKER = """
from core.jobs.child_runtime import run_child
from core.jobs.launcher import JobLauncher
from core.jobs.queue import work_queue

def main(folder, should_stop):
    return work_queue(folder, should_stop, JobLauncher("queue_child"))

if __name__ == "__main__":
    run_child(main, lambda: None)
"""


@pytest.fixture
def launcher(tmp_path: Path) -> JobLauncher:
    code = tmp_path / "code"
    code.mkdir()
    (code / "queue_child.py").write_text(CHILD)
    (code / "queue_worker.py").write_text(WORKER)
    return JobLauncher("queue_child", {"queue": "queue_worker"}, [code])


def made(folder: Path, count: int, *, held: bool = False) -> list[JobFolder]:
    """Jobs that wait for their turn; those that are `held` last until their files "hold" are gone."""
    jobs = [JobFolder.create(folder / f"r{number:03d}", {"kind": "train"}) for number in range(1, count + 1)]
    for job in jobs:
        if held:
            (job.path / "hold").touch()
        queue.put_last(job)
    return jobs


def names(jobs: list[JobFolder]) -> list[str]:
    return [job.path.name for job in jobs]


PATIENCE = 60.0  # seconds: a busy machine is no reason to fail


def wait_until(true: Callable[[], object]) -> None:
    limit = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.02)


def never() -> bool:
    return False


# -- order -----------------------------------------------------------------------------------------------------


def test_who_comes_first_is_served_first_and_a_job_can_leave_the_queue(tmp_path: Path) -> None:
    first, second, third = made(tmp_path, 3)
    assert {job.state() for job in (first, second, third)} == {"waiting"}
    assert second.leave_queue()
    assert not second.leave_queue()
    assert names(queue.list_waiting(tmp_path)) == ["r001", "r003"]
    queue.put_last(second)
    assert names(queue.list_waiting(tmp_path)) == ["r001", "r003", "r002"]


@settings(max_examples=20, deadline=None)  # the disk is asked to keep every place
@given(moves=st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 5)), max_size=6))
def test_moving_changes_one_place_and_keeps_the_order_of_the_others(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("queue")
    jobs = made(folder, 4)
    order = names(jobs)
    for which, by in moves:
        name = jobs[which].path.name
        old = order.index(name)
        order.remove(name)
        order.insert(max(0, min(3, old + by)), name)
        queue.move_job(jobs[which], by)
        assert names(queue.list_waiting(folder)) == order


def test_a_damaged_place_is_the_last(tmp_path: Path) -> None:
    first, *_ = made(tmp_path, 2)
    (first.path / "queued").write_text("soon")
    assert names(queue.list_waiting(tmp_path)) == ["r002", "r001"]


def test_a_job_that_ended_waits_again_once_it_is_queued(tmp_path: Path) -> None:
    (job,) = made(tmp_path, 1)
    job.prepare_start()
    job.append_event(UnknownEvent({"event": "started"}))
    job.append_event(UnknownEvent({"event": "paused"}))
    assert job.state() == "paused"
    queue.put_last(job)
    assert job.state() == "waiting"
    job.prepare_start()
    job.write_heartbeat()
    assert job.state() == "running"
    with pytest.raises(InputError, match="r001: it runs already"):
        queue.put_last(job)


def test_only_one_of_many_that_ask_at_once_gets_the_turn(tmp_path: Path) -> None:
    made(tmp_path, 5)
    got: list[JobFolder | None] = []
    start = threading.Barrier(8)

    def ask() -> None:
        start.wait()
        for _ in range(20):
            got.append(queue.claim_next(tmp_path))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    claimed = [job for job in got if job is not None]
    assert names(claimed) == ["r001"]
    assert names(queue.list_waiting(tmp_path)) == ["r002", "r003", "r004", "r005"]
    assert not (tmp_path / ".choosing").exists()


def test_a_lock_that_a_crash_left_behind_holds_nobody_up_for_long(tmp_path: Path) -> None:
    made(tmp_path, 1)
    lock = tmp_path / ".choosing"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    lock.write_text(json.dumps(describe_owner() | {"pid": ended.pid}))
    assert queue.claim_next(tmp_path) is not None, "its process is known to be gone"


@pytest.mark.parametrize("hours", [-1, 0, 1])
def test_a_lock_of_another_machine_holds_until_it_stood_still_whatever_its_clock_says(
    tmp_path: Path, clock: Clock, hours: int
) -> None:
    made(tmp_path, 1)
    lock = tmp_path / ".choosing"
    lock.write_text(json.dumps({"pid": 1, "host": "elsewhere"}))
    then = time.time() + hours * 3600
    os.utime(lock, (then, then))
    assert queue.claim_next(tmp_path) is None
    clock.now += 10
    assert queue.claim_next(tmp_path) is None
    clock.now += 10
    assert queue.claim_next(tmp_path) is not None


# -- working it off --------------------------------------------------------------------------------------------


def test_jobs_run_one_after_the_other_in_their_order(tmp_path: Path, launcher: JobLauncher) -> None:
    runs = tmp_path / "runs"
    jobs = made(runs, 3)
    queue.move_job(jobs[2], -2)
    started = [process.folder.path.name for process in queue.run_waiting_jobs(runs, never, launcher)]
    assert started == ["r003", "r001", "r002"]
    times = [[event["at"] for event in JobFolder(runs / name).read_lines()[0]] for name in started]
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(times))
    assert {job.state() for job in jobs} == {"finished"}


def test_the_queue_waits_for_a_job_that_somebody_else_has_started(tmp_path: Path, launcher: JobLauncher) -> None:
    runs = tmp_path / "runs"
    other = JobFolder.create(runs / "r009", {"kind": "train"})
    (other.path / "hold").touch()
    process = launcher.launch_job(other)
    wait_until(lambda: other.read_lines()[0])
    made(runs, 1)
    assert queue.claim_next(runs) is None
    looks = itertools.count()

    def release_at_third_look() -> bool:
        if next(looks) == 2:
            (other.path / "hold").unlink()
        return False

    for _ in queue.run_waiting_jobs(runs, release_at_third_look, launcher):
        pass
    assert process.wait(PATIENCE)
    end = other.read_lines()[0][-1]["at"]
    assert JobFolder(runs / "r001").read_lines()[0][0]["at"] >= end


def test_a_worker_goes_on_without_its_parent_and_leaves_its_job_going_when_dismissed(
    tmp_path: Path, launcher: JobLauncher
) -> None:
    runs = tmp_path / "runs"
    first, second = made(runs, 2, held=True)
    worker = queue.start_worker(runs, launcher)
    wait_until(lambda: first.state() == "running" and first.read_lines()[0])
    queue.dismiss_worker(runs)
    assert worker.wait(PATIENCE)
    assert queue.worker_folder(runs).state() == "stopped"
    assert (first.state(), second.state()) == ("running", "waiting")
    attached = AttachedJob(first)
    assert attached.poll() is None
    assert attached.cancel(PATIENCE) == "stopped"
    assert list(follow_lines(first, attached))[-1]["stopped"] is True


def test_an_attached_job_pauses_and_one_that_is_killed_counts_as_over(tmp_path: Path, launcher: JobLauncher) -> None:
    job = JobFolder.create(tmp_path / "r001", {"kind": "train"})
    (job.path / "hold").touch()
    process = launcher.launch_job(job)
    attached = AttachedJob(job)
    wait_until(lambda: job.read_lines()[0])
    job.request_pause()
    wait_until(lambda: attached.poll() is not None)
    assert process.wait(PATIENCE)
    assert attached.state() == "paused"
    again = launcher.launch_job(job)
    assert not job.pause_requested()
    wait_until(lambda: len(job.read_lines()[0]) >= 4)
    assert job.state() == "running"
    assert [event["event"] for event in job.read_lines()[0]] == ["started", "paused", "resumed", "started"]
    os.kill(again.pid, signal.SIGKILL)  # it hears nothing of it, and says nothing
    assert again.wait(PATIENCE)
    attached = AttachedJob(job)
    assert attached.poll() is None, "a machine that wakes up must not look dead"
    wait_until(lambda: attached.poll() == 0)
    assert attached.state() == "interrupted"
