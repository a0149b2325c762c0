"""Thumbnails on the disk lie in the project's own folder, and only where it may be written."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pytestqt.qtbot import QtBot

from core.imaging.cameras import DepthScale
from core.imaging.cancelling import CancelledError, CancelToken
from desktop.base.background import Tasks
from desktop.base.session import Session
from desktop.viewer import slow_pictures
from desktop.viewer import thumbnails as loading
from desktop.viewer.thumbnails import THUMBNAIL, ThumbnailLoader
from tests.builders import picture, project_with_pictures, write_picture, write_pictures


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


def load_first(session: Session, tasks: Tasks, thumbnails: ThumbnailLoader) -> None:
    project = session.project
    assert project is not None
    thumbnails.request(project.image_path(project.image_ids()[0]), THUMBNAIL)
    assert tasks.wait_idle()


def test_each_project_keeps_its_own_thumbnails(tasks: Tasks, session: Session, tmp_path: Path) -> None:
    thumbnails = ThumbnailLoader(tasks)
    thumbnails.follow(session)
    for name in ("one", "two"):
        session.adopt(project_with_pictures(tmp_path / name, 1))
        load_first(session, tasks, thumbnails)
        assert len(list((tmp_path / name / "cache" / "thumbnails").iterdir())) == 1


def test_a_project_that_is_read_only_is_not_written_to(tasks: Tasks, session: Session, tmp_path: Path) -> None:
    project_with_pictures(tmp_path / "one", 1).close()
    thumbnails = ThumbnailLoader(tasks)
    thumbnails.follow(session)
    session.open(tmp_path / "one", read_only=True)
    load_first(session, tasks, thumbnails)
    assert not list((tmp_path / "one" / "cache").rglob("*.*"))


def test_a_project_that_was_closed_is_written_to_no_more(tasks: Tasks, session: Session, tmp_path: Path) -> None:
    thumbnails = ThumbnailLoader(tasks)
    thumbnails.follow(session)
    session.adopt(project_with_pictures(tmp_path / "one", 1))
    session.close()
    thumbnails.request(write_picture(tmp_path / "elsewhere.png"), THUMBNAIL)
    assert tasks.wait_idle()
    assert not list((tmp_path / "one" / "cache").rglob("*.*"))


# Of images that take long


class Gate:
    """Long images are those of more than 100,000 bytes or so; each waits for `opened`, looking at its token."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.begun: list[str] = []
        self.cancelled: list[str] = []
        self._make = loading.thumbnail

    def thumbnail(
        self, path: Path, size: int, cache: Path | None, window: DepthScale, cancel: CancelToken | None = None
    ) -> NDArray[np.uint8]:
        if cancel is None:
            return self._make(path, size, cache, window)
        self.begun.append(path.name)
        try:
            while not self.opened.wait(0.005):
                cancel.check()
            cancel.check()
        except CancelledError:
            self.cancelled.append(path.name)
            raise
        return self._make(path, size, cache, window, cancel)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate()
    monkeypatch.setattr(slow_pictures, "SLOW", 100_000)
    monkeypatch.setattr(loading, "thumbnail", gate.thumbnail)
    yield gate
    gate.opened.set()


def write_long(folder: Path, count: int) -> list[Path]:
    return [write_picture(folder / f"long{number}.png", picture(700, 500, number)) for number in range(count)]


def test_long_images_hold_up_no_other_thumbnail_and_are_made_one_at_a_time(
    qtbot: QtBot, tasks: Tasks, tmp_path: Path, gate: Gate
) -> None:
    long, small = write_long(tmp_path, 4), write_pictures(tmp_path / "small", 6)
    thumbnails = ThumbnailLoader(tasks)
    for path in (*long, *small):
        thumbnails.request(path, THUMBNAIL)
    qtbot.waitUntil(lambda: all(thumbnails.request(path, THUMBNAIL) is not None for path in small))
    assert len(gate.begun) == 1 and all(thumbnails.request(path, THUMBNAIL) is None for path in long)
    gate.opened.set()
    qtbot.waitUntil(lambda: all(thumbnails.request(path, THUMBNAIL) is not None for path in long))
    assert len(gate.begun) == 4


def test_a_long_thumbnail_waits_while_somebody_waits_for_an_image(
    qtbot: QtBot, tasks: Tasks, tmp_path: Path, gate: Gate
) -> None:
    (long,), thumbnails, release = write_long(tmp_path, 1), ThumbnailLoader(tasks), threading.Event()
    thumbnails.request(long, THUMBNAIL)
    qtbot.waitUntil(lambda: gate.begun == ["long0.png"])
    tasks.run("an image", lambda: release.wait(60), lambda _: None, slow=True)
    gate.opened.set()
    qtbot.wait(150)
    assert thumbnails.request(long, THUMBNAIL) is None
    release.set()
    qtbot.waitUntil(lambda: thumbnails.request(long, THUMBNAIL) is not None)


def test_a_long_thumbnail_stops_with_its_project_and_when_the_window_closes(
    qtbot: QtBot, tasks: Tasks, tmp_path: Path, gate: Gate
) -> None:
    first, second = write_long(tmp_path, 2)
    thumbnails = ThumbnailLoader(tasks)
    thumbnails.request(first, THUMBNAIL)
    qtbot.waitUntil(lambda: gate.begun == ["long0.png"])
    thumbnails.set_cache(tmp_path / "cache")
    qtbot.waitUntil(lambda: gate.cancelled == ["long0.png"])
    thumbnails.request(second, THUMBNAIL)
    qtbot.waitUntil(lambda: gate.begun == ["long0.png", "long1.png"])
    tasks.shut_down()
    assert gate.cancelled == ["long0.png", "long1.png"]


def test_a_long_image_that_somebody_opened_is_not_decoded_again_for_its_thumbnail(
    qtbot: QtBot, tasks: Tasks, tmp_path: Path, gate: Gate
) -> None:
    first, second = write_long(tmp_path, 2)
    thumbnails = ThumbnailLoader(tasks)
    thumbnails.set_cache(tmp_path / "cache")
    for path in (second, first):
        thumbnails.request(path, THUMBNAIL)
    qtbot.waitUntil(lambda: len(gate.begun) == 1)
    for number, path in enumerate((first, second)):
        thumbnails.take_picture(str(path), picture(700, 500, number))
        qtbot.waitUntil(lambda path=path: thumbnails.request(path, THUMBNAIL) is not None)
    assert tasks.wait_idle() and len(list((tmp_path / "cache").rglob("*.jpg"))) == 2
    # The next time it is found, without a look at the pixels.
    again = ThumbnailLoader(tasks)
    again.set_cache(tmp_path / "cache")
    again.request(first, THUMBNAIL)
    qtbot.waitUntil(lambda: again.request(first, THUMBNAIL) is not None)
    assert len(gate.cancelled) == len(gate.begun)


def test_a_damaged_long_image_is_told_of(qtbot: QtBot, tasks: Tasks, tmp_path: Path, gate: Gate) -> None:
    (long,), thumbnails = write_long(tmp_path, 1), ThumbnailLoader(tasks)
    long.write_bytes(long.read_bytes()[:-2000])
    gate.opened.set()
    with qtbot.waitSignal(thumbnails.failed):
        thumbnails.request(long, THUMBNAIL)
    assert "long0.png" in (thumbnails.problem(long) or "")
