"""Jobs, with real child processes that are ended in every way a process can end."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.errors import InputError
from core.jobs.child_runtime import LOOK_EVERY, ORPHAN_GRACE
from core.jobs.events import UnknownEvent
from core.jobs.folder import JobFolder
from core.jobs.launcher import JobLauncher
from core.jobs.process import POLL, JobProcess, follow_lines
from core.operations.launcher import make_launcher

CHILD = """
import itertools, os, signal, subprocess, sys, time
from core.errors import InputError
from core.jobs.child_runtime import run_child
from core.jobs.events import UnknownEvent

warmed = False

def warm_up():
    global warmed
    warmed = True

def main(folder, should_stop):
    kind = folder.read_job()["kind"]
    print("a line of text")
    yield UnknownEvent({"event": "started", "warm": warmed, "nice": os.nice(0), "omp": os.environ["OMP_NUM_THREADS"],
           "policy": os.environ["OMP_WAIT_POLICY"]})
    if kind == "count":
        for step in range(5):
            yield UnknownEvent({"event": "step", "step": step})
    elif kind == "until_stopped":
        for step in itertools.count():
            if should_stop():
                break
            yield UnknownEvent({"event": "step", "step": step})
            time.sleep(0.01)
    elif kind == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        yield UnknownEvent({"event": "step", "worker": worker.pid})
        time.sleep(600)
    elif kind == "bad_input":
        raise InputError("recipe.yaml: epochs: must be at least 1")
    elif kind == "bug":
        raise ZeroDivisionError("division by zero")
    yield UnknownEvent({"event": "finished", "stopped": should_stop()})

if __name__ == "__main__":
    run_child(main, warm_up, may_stay=lambda: True)
"""


@pytest.fixture
def launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobLauncher:
    """Starts children that do every job by a small module."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "small_child.py").write_text(CHILD)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return JobLauncher("small_child", code=[tmp_path / "code"])


@pytest.fixture
def started(tmp_path: Path, launcher: JobLauncher) -> Iterator[Callable[..., JobProcess]]:
    """Starts jobs of the small module, and leaves none behind."""
    jobs: list[JobProcess] = []

    def start(kind: str, *, detached: bool = False) -> JobProcess:
        folder = JobFolder.create(tmp_path / f"job{len(jobs)}", {"kind": kind})
        jobs.append(launcher.launch_job(folder, detached=detached))
        return jobs[-1]

    yield start
    for job in jobs:
        job.cancel(0, after_terminate=0)


PATIENCE = 60.0  # seconds: a busy machine is no reason to fail


def wait_until(true: Callable[[], object]) -> None:
    """Return once `true()` holds; fails only where that does not come at all."""
    limit = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.02)


def exists(pid: int) -> bool:
    """Whether a process runs; one that has ended and is not yet collected does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


# -- the folder ------------------------------------------------------------------------------------------------


def test_a_torn_last_line_waits_until_it_is_whole(tmp_path: Path) -> None:
    folder = JobFolder.create(tmp_path, {})
    folder.append_event(UnknownEvent({"event": "step", "step": 1}))
    with folder.events_path.open("ab") as file:
        file.write(b'{"event": "st')
    events, offset = folder.read_lines()
    assert [event["step"] for event in events] == [1]
    with folder.events_path.open("ab") as file:
        file.write(b'ep", "step": 2}\n')
    events, offset = folder.read_lines(offset)
    assert [event["step"] for event in events] == [2]
    assert folder.read_lines(offset) == ([], offset)


def test_a_line_torn_by_a_crash_spoils_nothing_that_is_written_later(tmp_path: Path) -> None:
    JobFolder.create(tmp_path, {}).events_path.write_bytes(b'{"event": "step", "step": 1}\n{"event": "step", "\xff')
    again = JobFolder(tmp_path)
    again.append_event(UnknownEvent({"event": "step", "step": 2}))
    again.append_event(UnknownEvent({"event": "step", "step": 3}))
    assert [event["step"] for event in again.read_lines()[0]] == [1, 2, 3]


def test_numbers_that_json_does_not_have_become_null(tmp_path: Path) -> None:
    folder = JobFolder.create(tmp_path, {})
    folder.append_event(UnknownEvent({"event": "step", "loss": float("nan"), "parts": [float("inf"), 1.0]}))
    (line,) = folder.events_path.read_text().splitlines()
    assert json.loads(line) == {"event": "step", "loss": None, "parts": [None, 1.0]}


def test_text_beyond_ascii_survives(tmp_path: Path) -> None:
    folder = JobFolder.create(tmp_path, {"kind": "train", "name": "Prüfung 検査"})
    folder.append_event(UnknownEvent({"event": "notice", "text": "Kratzer größer als 5 µm"}))
    assert folder.read_job()["name"] == "Prüfung 検査"
    assert folder.read_lines()[0] == [{"event": "notice", "text": "Kratzer größer als 5 µm"}]


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_a_missing_or_damaged_job_is_named(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "job.json").write_text(content)
    with pytest.raises(InputError, match="job.json"):
        JobFolder(tmp_path).read_job()


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([], "waiting"),
        ([{"event": "started"}, {"event": "finished", "stopped": False}], "finished"),
        ([{"event": "finished", "stopped": True}], "stopped"),
        ([{"event": "finished", "stopped": False}, {"event": "notice", "text": ""}], "finished"),
        ([{"event": "failed", "reason": ""}], "failed"),
        ([{"event": "notice", "text": "of the preparation"}], "waiting"),
        ([{"event": "paused"}], "paused"),
        ([{"event": "paused"}, {"event": "resumed"}], "interrupted"),
        ([{"event": "started"}, {"event": "step"}], "interrupted"),
        ([{"event": "finished", "stopped": True}, {"event": "started"}], "interrupted"),
    ],
)
def test_the_state_follows_from_the_files_alone(tmp_path: Path, events: list[dict[str, object]], state: str) -> None:
    folder = JobFolder.create(tmp_path, {})
    for event in events:
        folder.append_event(UnknownEvent(event))
    assert folder.state() == state


# -- the process -----------------------------------------------------------------------------------------------


def test_every_event_of_a_child_arrives_once_and_in_order(started: Callable[..., JobProcess]) -> None:
    job = started("count")
    events = list(follow_lines(job.folder, job))
    assert [event["event"] for event in events] == ["started"] + ["step"] * 5 + ["finished"]
    assert [event["step"] for event in events[1:-1]] == [0, 1, 2, 3, 4]
    assert (job.state(), job.poll()) == ("finished", 0)
    assert "a line of text" in job.folder.log_path.read_text()


def test_a_child_is_polite_and_its_sums_are_those_of_every_other_run(started: Callable[..., JobProcess]) -> None:
    job = started("count")
    first, *_ = follow_lines(job.folder, job)
    assert first["nice"] == min(19, os.nice(0) + 10)
    assert first["policy"] == "PASSIVE"
    assert int(first["omp"]) == len(os.sched_getaffinity(0))


def test_a_stop_file_ends_the_child(started: Callable[..., JobProcess]) -> None:
    job = started("until_stopped")
    wait_until(lambda: len(job.folder.read_lines()[0]) > 3)
    assert job.state() == "running"
    job.folder.request_stop()
    wait_until(lambda: job.poll() is not None)
    assert (job.state(), job.poll()) == ("stopped", 0)


def test_a_stop_is_looked_for_so_often_that_a_user_hardly_waits() -> None:
    assert LOOK_EVERY + POLL <= 0.2


def test_a_child_that_is_asked_to_terminate_says_its_last_word(started: Callable[..., JobProcess]) -> None:
    job = started("until_stopped")
    wait_until(lambda: len(job.folder.read_lines()[0]) > 3)
    os.kill(job.pid, signal.SIGTERM)
    assert job.wait(PATIENCE)
    assert job.state() == "stopped"


def test_a_deaf_child_is_killed_with_all_that_it_started(started: Callable[..., JobProcess]) -> None:
    job = started("deaf")
    wait_until(lambda: len(job.folder.read_lines()[0]) == 2)
    worker = job.folder.read_lines()[0][1]["worker"]
    assert exists(worker)
    assert job.cancel(0.3, after_terminate=0.3) == "interrupted"
    assert job.poll() == -signal.SIGKILL
    wait_until(lambda: not exists(worker))


def test_a_child_killed_from_outside_leaves_an_interrupted_job_and_no_workers(
    started: Callable[..., JobProcess],
) -> None:
    job = started("deaf")
    wait_until(lambda: len(job.folder.read_lines()[0]) == 2)
    worker = job.folder.read_lines()[0][1]["worker"]
    os.kill(job.pid, signal.SIGKILL)
    wait_until(lambda: job.poll() is not None)
    assert job.state() == "interrupted"
    assert JobFolder(job.folder.path).state() == "interrupted"
    wait_until(lambda: not exists(worker))


def test_bad_input_is_the_reason_of_the_failure(started: Callable[..., JobProcess]) -> None:
    job = started("bad_input")
    last = list(follow_lines(job.folder, job))[-1]
    assert last == {"event": "failed", "reason": "recipe.yaml: epochs: must be at least 1", "advice": ""}
    assert (job.state(), job.poll()) == ("failed", 1)


def test_a_bug_fails_the_job_and_leaves_its_trace_in_the_log(started: Callable[..., JobProcess]) -> None:
    job = started("bug")
    last = list(follow_lines(job.folder, job))[-1]
    assert last["reason"] == "ZeroDivisionError: division by zero"
    assert str(job.folder.log_path) in last["advice"]
    assert "Traceback" in job.folder.log_path.read_text()


def test_a_child_that_cannot_start_is_interrupted_and_the_log_says_why(tmp_path: Path) -> None:
    job = JobLauncher("no_such_module").launch_job(JobFolder.create(tmp_path / "job", {}))
    assert list(follow_lines(job.folder, job)) == []
    assert job.state() == job.folder.state() == "interrupted"
    assert "no_such_module" in job.folder.log_path.read_text()


def test_a_stop_of_last_time_does_not_stop_the_next_start(tmp_path: Path, launcher: JobLauncher) -> None:
    folder = JobFolder.create(tmp_path / "job", {"kind": "count"})
    folder.request_stop()
    job = launcher.launch_job(folder)
    assert list(follow_lines(folder, job))[-1] == {"event": "finished", "stopped": False}


def test_each_kind_of_job_has_its_module_and_the_usual_one_refuses_the_rest(tmp_path: Path) -> None:
    launcher = JobLauncher("usual", {"study": "of_studies"})
    kinds = {"study": "of_studies", "train": "usual", "": "usual"}
    for kind, module in kinds.items():
        assert launcher.find_module(JobFolder.create(tmp_path / f"job-{kind}", {"kind": kind})) == module
    damaged = JobFolder.create(tmp_path / "damaged", {})
    (damaged.path / "job.json").write_text("{")
    assert launcher.find_module(damaged) == "usual"


def test_the_modules_of_the_program_are_there_and_end_as_jobs() -> None:
    launcher = make_launcher()
    for module in (launcher.module, *launcher.modules.values()):
        spec = importlib.util.find_spec(module)
        assert spec is not None and spec.origin is not None
        assert "run_child(main, " in Path(spec.origin).read_text("utf-8")


# -- a child that waits ----------------------------------------------------------------------------------------


def test_a_warm_child_does_the_job_that_it_is_given(tmp_path: Path, launcher: JobLauncher) -> None:
    warm = launcher.prepare_child()
    folder = JobFolder.create(tmp_path / "job", {"kind": "count"})
    job = warm.start_job(folder)
    assert job.pid == warm.pid
    events = list(follow_lines(folder, job))
    assert events[0]["warm"] is True
    assert events[-1]["event"] == "finished"
    assert "a line of text" in folder.log_path.read_text()


def test_a_warm_child_that_died_is_replaced(tmp_path: Path, launcher: JobLauncher) -> None:
    warm = launcher.prepare_child()
    os.kill(warm.pid, signal.SIGKILL)
    wait_until(lambda: not exists(warm.pid))
    folder = JobFolder.create(tmp_path / "job", {"kind": "count"})
    job = warm.start_job(folder)
    assert list(follow_lines(folder, job))[-1]["event"] == "finished"
    assert job.pid != warm.pid


def test_a_warm_child_that_is_not_needed_leaves(launcher: JobLauncher) -> None:
    warm = launcher.prepare_child()
    assert exists(warm.pid)
    warm.dismiss_child()
    assert not exists(warm.pid)


@pytest.mark.parametrize("how", ["cold", "warm"])
def test_a_child_that_stays_does_the_next_job_too(tmp_path: Path, launcher: JobLauncher, how: str) -> None:
    folders = [JobFolder.create(tmp_path / f"job{number}", {"kind": "count"}) for number in range(3)]
    child = launcher.prepare_child() if how == "warm" else None
    pids = []
    for folder in folders:
        job = child.start_job(folder, stays=True) if child else launcher.launch_job(folder, stays=True)
        pids.append(job.pid)
        events = list(follow_lines(folder, job))
        assert [event["event"] for event in events] == ["started"] + ["step"] * 5 + ["finished"]
        assert job.wait(PATIENCE) and (job.state(), job.poll()) == ("finished", 0)
        assert "a line of text" in folder.log_path.read_text()
        child = launcher.take_back(job)
        assert child is not None and exists(child.pid)
    assert len(set(pids)) == 1
    child.dismiss_child()
    assert not exists(pids[0])


def test_a_child_that_stays_hears_a_stop_in_each_job_anew(tmp_path: Path, launcher: JobLauncher) -> None:
    first, second = (JobFolder.create(tmp_path / name, {"kind": "until_stopped"}) for name in ("first", "second"))
    job = launcher.launch_job(first, stays=True)
    wait_until(lambda: len(first.read_lines()[0]) > 3)
    assert job.cancel(PATIENCE) == "stopped"
    child = launcher.take_back(job)
    assert child is not None, "it was ended by force"
    job = child.start_job(second, stays=True)
    wait_until(lambda: len(second.read_lines()[0]) > 3)
    assert job.poll() is None, "the stop of the first job was heard in the second"
    assert job.cancel(PATIENCE) == "stopped"
    again = launcher.take_back(job)
    assert again is not None
    again.dismiss_child()


@pytest.mark.parametrize(("kind", "stays"), [("bad_input", True), ("bug", True), ("count", False)])
def test_a_child_whose_job_failed_or_that_was_not_asked_to_stay_leaves(
    tmp_path: Path, launcher: JobLauncher, kind: str, stays: bool
) -> None:
    folder = JobFolder.create(tmp_path / "job", {"kind": kind})
    job = launcher.launch_job(folder, stays=stays)
    list(follow_lines(folder, job))
    wait_until(lambda: not exists(job.pid))
    assert launcher.take_back(job) is None


def test_a_child_that_rests_and_died_is_replaced(tmp_path: Path, launcher: JobLauncher) -> None:
    folders = [JobFolder.create(tmp_path / f"job{number}", {"kind": "count"}) for number in range(2)]
    job = launcher.launch_job(folders[0], stays=True)
    assert job.wait(PATIENCE)
    child = launcher.take_back(job)
    assert child is not None
    os.kill(child.pid, signal.SIGKILL)
    wait_until(lambda: not exists(child.pid))
    job = child.start_job(folders[1])
    assert list(follow_lines(folders[1], job))[-1]["event"] == "finished"


# -- a parent that dies ----------------------------------------------------------------------------------------

PARENT = """
import sys, time
from pathlib import Path
from core.jobs.folder import JobFolder
from core.jobs.launcher import JobLauncher

how, path = sys.argv[1], Path(sys.argv[2])
launcher = JobLauncher("small_child", code=[path.parent / "code"])
if how == "waiting":
    child = launcher.prepare_child()
elif how == "resting":
    job = launcher.launch_job(JobFolder.create(path, {"kind": "count"}), stays=True)
    job.wait(60)
    child = launcher.take_back(job)
else:
    folder = JobFolder.create(path, {"kind": "deaf" if how == "deaf" else "until_stopped"})
    if how == "warm":
        child = launcher.prepare_child().start_job(folder)
    else:
        child = launcher.launch_job(folder, detached=how == "detached")
    if how == "detached later":
        child.detach()
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("how", ["cold", "warm", "waiting", "resting"])
def test_a_child_whose_parent_is_killed_leaves_by_itself(tmp_path: Path, launcher: JobLauncher, how: str) -> None:
    child = _child_of_a_killed_parent(tmp_path, how)
    wait_until(lambda: not exists(child))
    if how != "waiting":
        assert JobFolder(tmp_path / "job").state() == ("finished" if how == "resting" else "stopped")


def test_a_deaf_child_whose_parent_is_killed_is_gone_in_a_few_seconds_with_its_workers(
    tmp_path: Path, launcher: JobLauncher
) -> None:
    before = time.monotonic()
    child = _child_of_a_killed_parent(tmp_path, "deaf")
    worker = JobFolder(tmp_path / "job").read_lines()[0][1]["worker"]
    wait_until(lambda: not exists(child))
    assert time.monotonic() - before >= ORPHAN_GRACE, "it had no time to save"
    wait_until(lambda: not exists(worker))
    assert JobFolder(tmp_path / "job").state() == "interrupted"


@pytest.mark.parametrize("how", ["detached", "detached later"])
def test_a_detached_child_goes_on_without_its_parent(tmp_path: Path, launcher: JobLauncher, how: str) -> None:
    child = _child_of_a_killed_parent(tmp_path, how)
    folder = JobFolder(tmp_path / "job")
    steps = len(folder.read_lines()[0])
    wait_until(lambda: len(folder.read_lines()[0]) > steps + 50)
    assert exists(child)
    assert folder.state() == "running"
    folder.request_stop()
    wait_until(lambda: not exists(child))
    assert folder.state() == "stopped"
    assert list(follow_lines(folder))[-1] == {"event": "finished", "stopped": True}


def _child_of_a_killed_parent(tmp_path: Path, how: str) -> int:
    """Start a parent that starts a child, kill the parent without a warning, and return the child's number."""
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT), how, str(tmp_path / "job")],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    if how != "waiting":
        wait_until(lambda: len(JobFolder(tmp_path / "job").read_lines()[0]) > (1 if how == "deaf" else 3))
    assert exists(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    return child
