"""Real processes, really killed."""

import itertools
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import InputError
from core.project.edits import image_edits
from core.project.project import Project
from core.types import Split
from tests.builders import draw, project_with_pictures

ROOT = Path(__file__).parents[3]

# Draws, labels and undoes without end, and prints what is promised as soon as each call has returned.
WRITER = """
import sys
from pathlib import Path
from core.project.edits import box_edits
from core.project.project import Project

with Project.open(Path(sys.argv[1])) as project:
    print("open", flush=True)
    image = project.image_ids()[0]
    for number in range(100_000):
        project.apply(box_edits.add_box(project, image, (1, 1, 9 + number % 50, 20), {1}))
        if number % 3 == 2:
            project.history.undo()
        print(f"{project.new_ids('box', 1)[0] - 1} {len(project.boxes(image))}", flush=True)
"""

# Holds a project and does one edit for each line that it is sent.
HOLDER = """
import sys
from pathlib import Path
from core.project.edits import box_edits
from core.project.project import Project

with Project.open(Path(sys.argv[1])) as project:
    image = project.image_ids()[0]
    print("open", flush=True)
    for line in sys.stdin:
        project.apply(box_edits.add_box(project, image, (1, 1, 20, 20), {1}))
        print(len(project.boxes(image)), flush=True)
"""

IMPORTER = """
import sys
from pathlib import Path
from core.project.project import Project

with Project.open(Path(sys.argv[1])) as project:
    print("open", flush=True)
    project.files.add_images([Path(sys.argv[2])])
"""


def start(script: str, *arguments: Path) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=ROOT,
    )
    assert process.stdout is not None and process.stdout.readline() == "open\n"
    return process


def stop(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_an_import_that_is_killed_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    Project.create(folder).close()
    source = project_with_pictures(tmp_path / "source", 60)
    source.close()
    seen: set[int] = set()
    for wait in (0.0, 0.02, 0.05, 0.1, 5.0):
        with start(IMPORTER, folder, tmp_path / "source" / "images") as process:
            try:
                process.wait(wait)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
        with Project.open(folder) as project:
            seen.add(len(project.image_ids()))
            while project.history.undo() is not None:
                pass
    assert seen <= {0, 60} and 60 in seen


def test_a_second_process_is_told_that_the_project_is_open_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    project_with_pictures(folder, 1).close()
    holder = start(HOLDER, folder)
    with pytest.raises(
        InputError, match=f"{folder}: the project is open elsewhere; close it there first, or open it read-only"
    ):
        Project.open(folder)
    stop(holder)
    Project.open(folder).close()


def test_a_second_process_may_read_what_the_first_has_saved(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    project_with_pictures(folder, 1).close()
    holder = start(HOLDER, folder)
    assert holder.stdin is not None and holder.stdout is not None
    for count in range(1, 6):
        holder.stdin.write("draw\n")
        holder.stdin.flush()
        assert int(holder.stdout.readline()) == count
        with Project.open(folder, read_only=True) as copy:
            assert len(copy.boxes(copy.image_ids()[0])) == count == copy.counts().boxes
    stop(holder)
    assert sorted(path.name for path in folder.iterdir()) == ["backups", "cache", "images", "project.sqlite", "runs"]
    with Project.open(folder) as project:
        assert project.counts().boxes == 5


def test_reading_beside_a_busy_writer_never_shows_a_torn_state(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    with project_with_pictures(folder, 1) as project:
        # Enough pages that the log is moved into the main file now and then while copies are made.
        project.apply(image_edits.set_note(project, project.image_ids()[0], "x" * 200_000))
    process = start(WRITER, folder)
    counts = []
    try:
        for _ in range(40):
            with Project.open(folder, read_only=True) as copy:
                (image,) = copy.image_ids()
                boxes = copy.boxes(image)
                assert len(boxes) == copy.image(image).box_count
                assert copy.history.undo_name == "Draw box" or not boxes
                counts.append(len(boxes))
    finally:
        process.kill()
        process.communicate()
    assert counts == sorted(counts) or max(a - b for a, b in itertools.pairwise(counts)) <= 1
    assert counts[-1] > counts[0]


def test_a_copy_can_be_read_where_nothing_may_be_written(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 2) as project:
        draw(project, project.image_ids()[0])
        project.apply(image_edits.set_split(project, project.image_ids(), Split.TEST))
    (tmp_path / "p" / "project.sqlite").chmod(0o444)
    (tmp_path / "p").chmod(0o555)
    try:
        with Project.open(tmp_path / "p", read_only=True) as copy:
            assert copy.counts().splits["test"] == 2 and copy.counts().boxes == 1
    finally:
        (tmp_path / "p").chmod(0o755)
