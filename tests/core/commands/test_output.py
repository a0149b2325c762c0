"""What happens to the work of a command when its output cannot be written, or Ctrl+C comes: it stays, without a traceback."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from core import streams
from core.inspection import drawing
from core.jobs.events import UnknownEvent
from core.jobs.folder import JobFolder
from core.project.project import Project

ROOT = Path(__file__).parents[3]
FULL = Path("/dev/full")


def command(*arguments: object, **environment: str) -> tuple[list[str], dict[str, str]]:
    """The command line and the environment of `defectdesk` with these arguments."""
    return [sys.executable, "-m", "core.start", *map(str, arguments)], os.environ | environment


def write_images(folder: Path, count: int = 3) -> Path:
    folder.mkdir(parents=True)
    for number in range(count):
        drawing.write_picture(folder / f"{number}.png", np.full((40, 40, 3), 4 * number, np.uint8))
    return folder


def run_with_output(stdout: int, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run with stdout on this descriptor; stderr is kept."""
    line, variables = command(*arguments, **environment)
    return subprocess.run(
        line, cwd=ROOT, env=variables, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )


def closed_pipe() -> int:
    """The writing end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@pytest.mark.parametrize("errors_too", [False, True])
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_reader_that_closes_the_pipe_leaves_the_new_project(
    tmp_path: Path, options: tuple[str, ...], errors_too: bool
) -> None:
    images = write_images(tmp_path / "images")
    (images / "note.txt").write_text("not an image, so that there is something to say on stderr as well")
    pipe = closed_pipe()
    line, variables = command("new", tmp_path / "p", "--images", images, *options)
    done = subprocess.run(
        line,
        cwd=ROOT,
        env=variables,
        stdout=pipe,
        stderr=pipe if errors_too else subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(pipe)
    assert done.returncode == 0
    if not errors_too:
        assert "Traceback" not in done.stderr and "roken pipe" not in done.stderr
    with Project.open(tmp_path / "p") as project:
        assert project.counts().images == 3


def test_a_reader_that_closes_the_pipe_leaves_an_import(tmp_path: Path) -> None:
    images = write_images(tmp_path / "images")
    (tmp_path / "boxes.csv").write_text("image,x1,y1,x2,y2,label\n0.png,1,1,20,20,pit\n")
    pipe = closed_pipe()
    done = run_with_output(pipe, "import", tmp_path / "p", tmp_path / "boxes.csv", "--images", images)
    os.close(pipe)
    assert done.returncode == 0 and "Traceback" not in done.stderr
    with Project.open(tmp_path / "p") as project:
        assert project.counts().boxes == 1


@pytest.mark.skipif(not FULL.exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_full_disk_below_the_output_is_told_and_undoes_nothing(tmp_path: Path, options: tuple[str, ...]) -> None:
    images = write_images(tmp_path / "images")
    with FULL.open("w") as full:
        done = run_with_output(full.fileno(), "new", tmp_path / "p", "--images", images, *options)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1 and os.strerror(errno.ENOSPC) in done.stderr and "kept" in done.stderr
    with Project.open(tmp_path / "p") as project:
        assert project.counts().images == 3


@pytest.mark.skipif(os.name != "posix", reason="a shell closes descriptors")
def test_closed_descriptors_are_not_taken_by_files(tmp_path: Path) -> None:
    images = write_images(tmp_path / "images")
    line, variables = command("new", tmp_path / "p", "--images", images)
    done = subprocess.run(["sh", "-c", '"$@" <&- >&- 2>&-', "sh", *line], cwd=ROOT, env=variables, timeout=60)
    assert done.returncode == 0
    with Project.open(tmp_path / "p") as project:
        assert project.counts().images == 3


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "ascii:surrogateescape"},
        {"PYTHONIOENCODING": "cp1252"},
    ],
)
@pytest.mark.parametrize("arguments", [("info",), ("--help",), ("help", "models"), ("models",), ("status",)])
def test_any_locale_prints_every_text(tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
    Project.create(tmp_path / "p", ["Kratzer ü", "😀", "zu \u2014 ★"]).close()
    if arguments == ("info",):
        arguments = ("info", str(tmp_path / "p"))
    line, variables = command(*arguments, **environment)
    done = subprocess.run(line, cwd=ROOT, env=variables, capture_output=True, timeout=60, check=False)
    assert b"Traceback" not in done.stderr
    assert done.returncode == (2 if arguments == ("status",) else 0), done.stderr
    assert done.stdout or done.returncode


def test_following_a_run_ends_with_its_reader(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    Project.create(folder, ["pit"]).close()
    run = JobFolder.create(folder / "runs" / "r001", {"kind": "train"})
    run.write_heartbeat(os.getpid())
    for number in range(3):
        run.append_event(UnknownEvent({"event": f"event {number}"}))
    pipe = closed_pipe()
    done = run_with_output(pipe, "runs", "follow", folder, "r001", "--json")
    os.close(pipe)
    assert done.returncode == 0 and not done.stderr
    assert run.state() == "running"


def test_a_pipe_that_does_not_wait_gets_everything() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    program = """
import sys
from core import streams
streams.guard_streams()
print("x" * 1_000_000)
sys.stdout.flush()
assert streams.find_failure(sys.stdout) is None
"""
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert len(pipe.read()) == 1_000_001
    assert process.wait(30) == 0


def test_a_forgiving_file_drops_and_remembers(tmp_path: Path) -> None:
    pipe = closed_pipe()
    stream = streams.open_forgiving(pipe, sys.__stdout__ or sys.stdout)
    print("one \udc80", file=stream)
    assert streams.is_reader_gone(stream)
    print("two", file=stream, flush=True)
    os.close(pipe)


# Ctrl+C --------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="signals of Unix")
@pytest.mark.parametrize("delay", [0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9, 1.2])
def test_ctrl_c_at_any_moment_leaves_no_traceback(tmp_path: Path, delay: float) -> None:
    images = write_images(tmp_path / "images", count=60)
    line, variables = command("new", tmp_path / "p", "--images", images, "--json")
    process = subprocess.Popen(line, cwd=ROOT, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(delay)
    for _ in range(3):  # users press it more than once
        process.send_signal(signal.SIGINT)
        time.sleep(0.01)
    out, err = process.communicate(timeout=60)
    if err.startswith("Fatal Python error: init_import_site"):
        return  # the interpreter itself was not up yet: no line of the program had run
    assert "Traceback" not in err and len(err.splitlines()) <= 1, err
    assert process.returncode in (0, 130, -signal.SIGINT)
    if (tmp_path / "p").exists():  # it came after the work was done
        with Project.open(tmp_path / "p") as project:
            assert project.counts().images == 60
    else:
        assert not out and process.returncode != 0


@pytest.mark.skipif(os.name != "posix", reason="signals of Unix")
def test_ctrl_c_while_printing_leaves_the_project(tmp_path: Path) -> None:
    images = write_images(tmp_path / "images")
    program = """
import signal, sys
from core import cli
from core.commands import projects
def interrupt(*_):
    signal.raise_signal(signal.SIGINT)
projects.say = interrupt
cli.main()
"""
    line = [sys.executable, "-c", program, "new", str(tmp_path / "p"), "--images", str(images)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 130 and not done.stderr
    with Project.open(tmp_path / "p") as project:
        assert project.counts().images == 3


@pytest.mark.skipif(os.name != "posix", reason="signals of Unix")
@pytest.mark.parametrize("where", ["raise ImportError('half loaded')", "pass"])
def test_what_ctrl_c_turns_into_is_ctrl_c(where: str) -> None:
    """A library that catches KeyboardInterrupt, or loses it in `__del__`, does not bring out a traceback."""
    program = f"""
import signal, sys, time
from core import cli
class Loses:
    def __del__(self): signal.raise_signal(signal.SIGINT)
def work():
    if {where != "pass"}:
        try: signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt: {where}
    Loses()
    time.sleep(20)
cli._run_command = work
cli.main()
"""
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
    assert time.monotonic() - began < 15


@pytest.mark.skipif(os.name != "posix", reason="signals of Unix")
def test_ctrl_c_that_whoever_started_it_turned_off_stays_off(tmp_path: Path) -> None:
    images = write_images(tmp_path / "images")
    line, variables = command("new", tmp_path / "p", "--images", images, "--json")
    shell = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *line]
    process = subprocess.Popen(shell, cwd=ROOT, env=variables, stdout=subprocess.PIPE, text=True)
    time.sleep(0.4)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and json.loads(out)["images"] == 3
