"""An edit of very many images does not freeze the window: it is done behind a dialog, also its undo."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from core.errors import InputError
from core.project.edits.image_edits import move_to_split
from core.types import Split
from desktop.base import session as module
from desktop.base.background import Tasks
from desktop.base.session import Session, SessionHooks
from desktop.kit.progress_dialog import result_behind_dialog
from tests.builders import draw, project_with_pictures


@pytest.fixture
def tasks(qtbot: QtBot) -> Iterator[Tasks]:
    tasks = Tasks()
    yield tasks
    tasks.shut_down()


def test_edits_of_many_images_are_done_at_length_and_others_at_once(
    qtbot: QtBot, tmp_path: Path, tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONG", 3)
    titles: list[str] = []
    threads: list[str] = []

    def at_length(title: str, work: Callable[[], Any]) -> Any:
        titles.append(title)

        def noted() -> Any:
            threads.append(threading.current_thread().name)
            return work()

        return result_behind_dialog(None, tasks, title, noted)

    session, project = Session(SessionHooks(at_length)), project_with_pictures(tmp_path / "project", 4)
    session.adopt(project)
    heard: list[int] = []
    session.changed.connect(lambda changes, _initiator: heard.append(len(changes.images)))
    ids = project.image_ids()
    session.apply(move_to_split(project, ids, Split.TEST))
    session.apply(move_to_split(project, ids[:1], Split.VAL))
    session.undo()
    session.undo("Set 4 images to test")
    session.redo("Set 4 images to test")
    session.go_to(0)
    assert heard == [4, 1, 1, 4, 4, 4]
    assert len(titles) == 4 and titles[1].startswith("Undo ") and titles[2].startswith("Redo ")
    assert threading.main_thread().name not in threads and len(threads) == 4
    session.close()


def test_what_goes_wrong_behind_the_dialog_is_raised_before_it(qtbot: QtBot, tasks: Tasks) -> None:
    def fail() -> int:
        raise InputError("labels: no good; choose another")

    with pytest.raises(InputError, match="no good"):
        result_behind_dialog(None, tasks, "Merging", fail)
    assert result_behind_dialog(None, tasks, "Merging", lambda: 7) == 7


def test_the_images_on_the_way_to_a_point_are_counted_for_each_edit(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "project", 3) as project:
        start = project.history.position
        project.apply(move_to_split(project, project.image_ids(), Split.TEST))
        draw(project, project.image_ids()[0])
        assert project.history.position == start + 2
        assert [project.history.count_images_to(start + by) for by in range(3)] == [4, 1, 0]
        project.history.undo()
        assert [project.history.count_images_to(start + by) for by in range(3)] == [3, 0, 1]
