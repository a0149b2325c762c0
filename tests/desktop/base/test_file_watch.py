"""The watch over the images' files: gone, changed, new; and that it never asks for each file of a large project."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from core.project.edits import image_edits
from core.project.project import Project
from desktop.base import file_watch
from desktop.base.background import Tasks
from desktop.base.file_checks import folders_of, list_folder, look_over
from desktop.base.file_watch import FileWatch
from desktop.base.session import Session
from tests.builders import project_with_pictures, write_picture


@pytest.fixture
def tasks(qtbot: QtBot) -> Iterator[Tasks]:
    tasks = Tasks()
    yield tasks
    tasks.shut_down()


@pytest.fixture
def session(qtbot: QtBot) -> Iterator[Session]:
    session = Session()
    yield session
    session.close()


@pytest.fixture
def watch(qtbot: QtBot, tasks: Tasks, session: Session, monkeypatch: pytest.MonkeyPatch) -> FileWatch:
    """A watch that loses no time."""
    for name, value in (("BEGIN_AFTER", 0), ("CHECK_EVERY", 50), ("QUIET", 20)):
        monkeypatch.setattr(file_watch, name, value)
    watch = FileWatch(tasks)
    watch.follow_session(session)
    return watch


def test_a_file_that_goes_is_missing_and_one_that_comes_back_is_not(
    qtbot: QtBot, watch: FileWatch, session: Session, tmp_path: Path
) -> None:
    session.adopt(project_with_pictures(tmp_path / "parts", 3))
    first, second, _ = _project(session).image_ids()
    told: list[frozenset[int]] = []
    watch.states_changed.connect(told.append)
    file = _project(session).image_path(first)
    file.rename(tmp_path / "elsewhere.png")
    qtbot.waitUntil(lambda: watch.find_state(first) == "missing")
    assert watch.find_state(second) == "present"
    assert watch.missing == {first}
    assert told == [frozenset([first])]
    (tmp_path / "elsewhere.png").rename(file)
    qtbot.waitUntil(lambda: watch.find_state(first) == "present")


def test_a_folder_that_is_gone_takes_all_of_its_images_along(
    qtbot: QtBot, watch: FileWatch, session: Session, tmp_path: Path
) -> None:
    project = project_with_pictures(tmp_path / "parts", 3)
    shutil.move(tmp_path / "parts" / "images", tmp_path / "moved")
    session.adopt(project)
    qtbot.waitUntil(lambda: watch.missing == frozenset(project.image_ids()))


def test_other_content_is_told_whether_or_not_the_size_is_the_same(
    qtbot: QtBot, watch: FileWatch, session: Session, tmp_path: Path
) -> None:
    session.adopt(project_with_pictures(tmp_path / "parts", 4))
    project = _project(session)
    larger, same_size, touched, _ = project.image_ids()
    write_picture(project.image_path(larger), seed=77)
    data = bytearray(project.image_path(same_size).read_bytes())
    data[-20] ^= 1
    project.image_path(same_size).write_bytes(bytes(data))
    os.utime(project.image_path(touched), (1, 1))
    qtbot.waitUntil(lambda: watch.changed == {larger, same_size})
    project.files.relocate_images({larger: project.image_path(larger)}, other_content=True)
    session.notify(image_edits.set_note(project, larger, "x").changes())
    qtbot.waitUntil(lambda: watch.changed == {same_size})


def test_new_images_in_the_projects_folders_are_told_once_and_old_ones_never(
    qtbot: QtBot, watch: FileWatch, session: Session, tmp_path: Path
) -> None:
    project = project_with_pictures(tmp_path / "parts", 2)
    left_out = project.image_ids()[0]
    session.adopt(project)
    told: list[list[Path]] = []
    watch.appeared.connect(told.append)
    qtbot.waitUntil(lambda: bool(watch.listed_folders))
    session.apply(image_edits.remove_images(project, [left_out]))
    new = [write_picture(tmp_path / "parts" / "images" / f"new{n}.png", seed=n + 9) for n in range(3)]
    (tmp_path / "parts" / "images" / "notes.txt").write_text("x")
    qtbot.waitUntil(lambda: sum(map(len, told)) >= 3)
    last = write_picture(tmp_path / "parts" / "images" / "newest.png", seed=20)  # which makes it look once more
    qtbot.waitUntil(lambda: any(last in files for files in told))
    assert sorted(file for files in told for file in files) == [*new, last]


def test_what_came_while_the_project_was_closed_is_told_at_its_opening(
    qtbot: QtBot, watch: FileWatch, session: Session, tmp_path: Path
) -> None:
    project_with_pictures(tmp_path / "parts", 1).close()
    write_picture(tmp_path / "parts" / "images" / "never-wanted.png", seed=5)
    session.open(tmp_path / "parts")
    qtbot.waitUntil(lambda: bool(watch.listed_folders))
    session.close()
    came = write_picture(tmp_path / "parts" / "images" / "over-night.png", seed=6)
    told: list[list[Path]] = []
    watch.appeared.connect(told.append)
    session.open(tmp_path / "parts")
    qtbot.waitUntil(lambda: bool(told))
    assert told == [[came]]


def test_another_project_begins_anew(qtbot: QtBot, watch: FileWatch, session: Session, tmp_path: Path) -> None:
    project = project_with_pictures(tmp_path / "one", 1)
    shutil.rmtree(tmp_path / "one" / "images")
    session.adopt(project)
    qtbot.waitUntil(lambda: bool(watch.missing))
    session.adopt(project_with_pictures(tmp_path / "two", 1))
    assert not watch.missing
    qtbot.waitUntil(lambda: bool(watch.listed_folders))
    assert watch.watched_folders == {str(tmp_path / "two" / "images")}


def test_missing_files_of_a_large_folder_are_told_by_one_listing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with project_with_pictures(tmp_path / "parts", 3) as project:
        (folder,) = folders_of(project.images(), project.folder).values()
        gone = project.image_ids()[1]
        project.image_path(gone).unlink()
        asked: list[str] = []
        stat = Path.stat

        def counted(path: Path, **options: bool) -> os.stat_result:
            asked.append(str(path))
            return stat(path, **options)

        monkeypatch.setattr(Path, "stat", counted)
        assert list_folder(folder).missing == {gone}
        assert asked == [folder.path]


def test_a_file_whose_time_is_the_noted_one_is_not_read(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "parts", 2) as project:
        first, second = project.images()
        os.utime(project.image_path(second), (5, 5))
        found = look_over([(image, project.image_path(image)) for image in (first, second)])
        assert (found.changed, found.touched) == (frozenset(), (second.id,))


def _project(session: Session) -> Project:
    assert session.project is not None
    return session.project
