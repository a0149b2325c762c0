"""Thumbnails on the disk lie in the project's own folder, and only where it may be written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from desktop.base.background import Tasks
from desktop.base.session import Session
from desktop.viewer.thumbnails import THUMBNAIL, ThumbnailLoader
from tests.builders import project_with_pictures


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
