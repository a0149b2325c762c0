"""Runs of a project are trained one after the other, whoever starts them, and however the project is open."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.commands import queue as queue_command
from core.commands import study as study_command
from core.commands import train as train_command
from core.errors import InputError
from core.jobs import queue
from core.jobs.events import Event, Notice, RunFinished
from core.jobs.folder import JobFolder
from core.jobs.launcher import JobLauncher
from core.jobs.process import AttachedJob, JobProcess
from core.operations.train_in_turn import train_in_turn, wait_to_claim
from core.project.edits.image_edits import set_split
from core.project.project import Project
from core.types import Split
from tests.builders import draw, project_with_pictures
from tests.core.conftest import Run

PATIENCE = 60.0

CHILD = """
import time
from core.jobs.child_runtime import run_child
from core.jobs.events import EpochDone, RunFinished, UnknownEvent

def main(folder, should_stop):
    yield UnknownEvent({"event": "began", "at": time.monotonic()})
    while (folder.path / "hold").exists() and not should_stop():
        time.sleep(0.01)
    yield UnknownEvent({"event": "ends", "at": time.monotonic()})
    yield RunFinished(1, 1.0, stopped=should_stop())

if __name__ == "__main__":
    run_child(main, lambda: None)
"""

WORKER = """
from core.jobs.child_runtime import run_child
from core.jobs.launcher import JobLauncher
from core.jobs.queue import work_queue

def main(folder, should_stop):
    return work_queue(folder, should_stop, JobLauncher("turn_child"))

if __name__ == "__main__":
    run_child(main, lambda: None)
"""


@pytest.fixture
def launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobLauncher:
    """Starts children that say when they work; the commands use it as well."""
    code = tmp_path / "code"
    code.mkdir()
    (code / "turn_child.py").write_text(CHILD)
    (code / "turn_worker.py").write_text(WORKER)
    found = JobLauncher("turn_child", {"queue": "turn_worker"}, [code])
    for command in (train_command, queue_command, study_command):
        monkeypatch.setattr(command, "make_launcher", lambda: found)
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Three pictures with a box each, divided already."""
    folder = tmp_path / "p"
    with project_with_pictures(folder, 3) as opened:
        ids = opened.image_ids()
        for image_id in ids:
            draw(opened, image_id)
        opened.apply(set_split(opened, ids[:2], Split.TRAIN))
        opened.apply(set_split(opened, ids[2:], Split.VAL))
    return folder


def wait_until(true: Callable[[], object]) -> None:
    limit = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.02)


def new_run(runs: Path, name: str, *, held: bool = False) -> JobFolder:
    job = JobFolder.create(runs / name, {"kind": "train"})
    if held:
        (job.path / "hold").touch()
    return job


@contextmanager
def running(runs: Path, launcher: JobLauncher, name: str = "r001") -> Iterator[JobProcess]:
    """A run that another program trains, until its file "hold" is gone."""
    process = launcher.launch_job(new_run(runs, name, held=True))
    wait_until(process.folder.count_bytes)
    try:
        yield process
    finally:
        process.cancel(PATIENCE)


@contextmanager
def when(true: Callable[[], object], then: Callable[[], object]) -> Iterator[None]:
    """Do `then` in a thread once something is true."""

    def watch() -> None:
        wait_until(true)
        then()

    thread = threading.Thread(target=watch)
    thread.start()
    yield
    thread.join()


def release(job: JobFolder) -> None:
    (job.path / "hold").unlink()


def span(job: JobFolder) -> tuple[float, float]:
    """When the run was under way."""
    times = [line["at"] for line in job.read_lines()[0] if "at" in line]
    return times[0], times[-1]


def texts(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Notice)]


def test_a_run_waits_for_the_one_that_is_trained_and_says_for_which(tmp_path: Path, launcher: JobLauncher) -> None:
    runs = tmp_path / "runs"
    with running(runs, launcher) as first:
        mine = new_run(runs, "r002")
        with when(lambda: mine.read_place() is not None, lambda: release(first.folder)):
            events = list(train_in_turn(mine, launcher))
    assert texts(events) == ["r002 waits for r001, which is running"]
    assert isinstance(events[-1], RunFinished) and mine.state() == "finished"
    assert span(first.folder)[1] <= span(mine)[0]


def test_ctrl_c_while_a_run_waits_takes_it_out_of_the_queue(tmp_path: Path, launcher: JobLauncher) -> None:
    runs = tmp_path / "runs"
    with running(runs, launcher):
        mine = new_run(runs, "r002")
        with (
            when(lambda: mine.read_place() is not None, lambda: os.kill(os.getpid(), signal.SIGINT)),
            pytest.raises(KeyboardInterrupt),
        ):
            list(train_in_turn(mine, launcher))
        assert mine.state() == "waiting" and mine.read_place() is None and not mine.count_bytes()


def test_a_run_that_is_taken_out_of_the_queue_elsewhere_is_not_begun(tmp_path: Path, launcher: JobLauncher) -> None:
    runs = tmp_path / "runs"
    with running(runs, launcher):
        mine = new_run(runs, "r002")
        with (
            when(lambda: mine.read_place() is not None, mine.leave_queue),
            pytest.raises(InputError, match="r002: was taken out of the queue; 'defectdesk train DIR --resume r002'"),
        ):
            list(train_in_turn(mine, launcher))
        assert not mine.count_bytes()


def test_a_run_that_another_program_takes_out_of_the_queue_to_train_it_is_followed_there(
    tmp_path: Path, launcher: JobLauncher
) -> None:
    runs = tmp_path / "runs"
    with running(runs, launcher) as first:
        mine = new_run(runs, "r002")

        def work_off() -> None:
            release(first.folder)
            first.wait(PATIENCE)
            for process in queue.run_waiting_jobs(runs, lambda: False, launcher):
                process.wait(PATIENCE)

        # The worker waits already when the turn comes, and is told of it by nobody: either of the two may begin it.
        with when(lambda: mine.read_place() is not None, work_off):
            events = list(train_in_turn(mine, launcher))
    assert isinstance(events[-1], RunFinished)
    assert [line["event"] for line in mine.read_lines()[0]].count("began") == 1, "trained once"


def test_runs_that_wait_while_nobody_works_the_queue_off_hold_no_training_up(
    tmp_path: Path, launcher: JobLauncher
) -> None:
    runs = tmp_path / "runs"
    queue.put_last(new_run(runs, "r001"))
    mine = new_run(runs, "r002")
    assert isinstance(list(train_in_turn(mine, launcher))[-1], RunFinished)
    assert JobFolder(runs / "r001").state() == "waiting"


def test_two_that_begin_at_once_train_one_after_the_other(tmp_path: Path, launcher: JobLauncher) -> None:
    runs = tmp_path / "runs"
    jobs = [new_run(runs, f"r{number:03d}") for number in range(1, 5)]
    claimed: list[JobFolder] = []
    start = threading.Barrier(4)

    def ask(job: JobFolder) -> None:
        start.wait()
        for _ in range(20):
            if queue.claim_job(job):
                claimed.append(job)

    threads = [threading.Thread(target=ask, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == 1 and [one.path for one in queue.list_running(runs)] == [claimed[0].path]


def test_a_study_takes_its_turn_as_well_and_no_run_twice(tmp_path: Path, launcher: JobLauncher) -> None:
    runs = tmp_path / "runs"
    with running(runs, launcher) as first:
        mine = new_run(runs, "r002")
        waiting = wait_to_claim(mine, lambda: False)
        assert next(waiting) == Notice("waiting for r001, which is running")
        release(first.folder)
        with pytest.raises(StopIteration) as end:
            next(waiting)
        assert end.value.value is True and mine.state() == "running"
        # What another program has finished meanwhile is not done again.
        again = wait_to_claim(first.folder, lambda: False)
        with pytest.raises(StopIteration) as end:
            next(again)
        assert end.value.value is False


def test_the_queue_goes_on_after_a_crash_of_the_process_that_worked_it_off(
    tmp_path: Path, launcher: JobLauncher
) -> None:
    runs = tmp_path / "runs"
    first, second = new_run(runs, "r001", held=True), new_run(runs, "r002")
    for job in (first, second):
        queue.put_last(job)
    worker = queue.start_worker(runs, launcher)
    wait_until(first.count_bytes)
    os.kill(worker.pid, signal.SIGKILL)
    assert worker.wait(PATIENCE)
    assert (first.state(), second.state()) == ("running", "waiting"), "the run has a process of its own"
    with when(lambda: True, lambda: release(first)):
        for process in queue.run_waiting_jobs(runs, lambda: False, launcher):
            assert process.wait(PATIENCE)
    assert (first.state(), second.state()) == ("finished", "finished")
    assert span(first)[1] <= span(second)[0]


# -- the commands, beside a window ---------------------------------------------------------------------------------


def test_train_waits_for_the_run_of_another_terminal(project: Path, launcher: JobLauncher, run: Run) -> None:
    with running(project / "runs", launcher, "r007") as other:
        mine = JobFolder(project / "runs" / "r001")
        with when(lambda: mine.read_place() is not None, lambda: release(other.folder)):
            code, _, told = run("train", project, "--epochs", "1")
    assert code == 0 and "r001 waits for r007, which is running" in told
    assert span(other.folder)[1] <= span(mine)[0]


@pytest.mark.parametrize("resumed", [False, True])
def test_what_is_added_beside_an_open_window_waits_with_the_annotations_as_they_are_on_the_disk(
    project: Path, launcher: JobLauncher, run: Run, resumed: bool
) -> None:
    with Project.open(project) as window:
        draw(window, window.image_ids()[0], (30, 5, 50, 40), ("pit",))
        if resumed:
            assert run("train", project, "--queue")[0] == 0
            JobFolder(project / "runs" / "r001").leave_queue()
            code, out, error = run("queue", project, "add", "r001")
        else:
            code, out, error = run("train", project, "--queue")
        assert code == 0, error
        assert "a window that has the project open trains what waits" in out
        snapshot = json.loads((project / "runs" / "r001" / "snapshot.json").read_text())
        assert sorted(len(image["boxes"]) for image in snapshot["images"]) == [1, 1, 2]
        assert [job.path.name for job in queue.list_waiting(project / "runs")] == ["r001"]
        # The window numbers on from what it finds, also after it was deleted.
        assert window.runs.make_folder().name == "r002"
        JobFolder(project / "runs" / "r001").leave_queue()
        assert run("train", project, "--queue")[0] == 0
        JobFolder(project / "runs" / "r003").leave_queue()
        window.runs.delete_run("r003")
        assert window.runs.make_folder().name == "r004"


def test_recipes_are_added_and_studies_and_trainings_done_beside_an_open_window(
    project: Path, tmp_path: Path, launcher: JobLauncher, run: Run
) -> None:
    recipe = tmp_path / "a.yaml"
    recipe.write_text("model: ssd_compact\nschedule:\n  epochs: 1\n")
    with Project.open(project) as window:
        code, out, error = run("queue", project, "add", recipe)
        assert code == 0 and "a window that has the project open" in out and "r001" in out, error
        code, _, error = run("train", project)
        assert code == 0, error
        window.runs.sync_folders()
        assert [one.state for one in window.runs.list_runs()] == ["waiting", "finished"]


def test_images_in_no_split_are_not_divided_behind_the_back_of_a_window(tmp_path: Path, run: Run) -> None:
    with project_with_pictures(tmp_path / "p", 3) as window:
        for image_id in window.image_ids():
            draw(window, image_id)
        code, _, error = run("train", tmp_path / "p", "--queue")
        assert code == 2 and "divide them there, or close it" in error and "Traceback" not in error
        assert not list((tmp_path / "p" / "runs").glob("r*"))


def test_an_attached_run_is_asked_to_stop_by_ctrl_c(tmp_path: Path, launcher: JobLauncher) -> None:
    with running(tmp_path / "runs", launcher) as other:
        assert AttachedJob(other.folder).cancel(PATIENCE) == "stopped"
