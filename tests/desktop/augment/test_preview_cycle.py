"""The cycle of previews: the latest request wins, and what is under way for the same image is still shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from core.recipe.recipe import default_recipe, with_settings
from desktop.augment.preview_cycle import PreviewCycle
from desktop.augment.previews import PreviewRequest, Previews, find_turns, make_request
from desktop.base.background import Tasks
from tests.builders import project_with_pictures


class Asked:
    """A cycle, requests to ask it for, and what it gave."""

    def __init__(self, tasks: Tasks, folder: Path) -> None:
        self.tasks, self.cycle = tasks, PreviewCycle(tasks)
        self.made: list[Previews] = []
        self.failures: list[str] = []
        self.cycle.made.connect(self.made.append)
        self.cycle.failed.connect(self.failures.append)
        self.project = project_with_pictures(folder, 2)

    def request(self, image: int, first: int = 0) -> PreviewRequest:
        recipe = with_settings(default_recipe("ssd_compact"), {"sampling.input_size": 64})
        record = self.project.images()[image]
        cameras = self.project.depths.cameras()
        return make_request(self.project, record, recipe, find_turns(recipe, [record], record), first, cameras)

    def firsts(self) -> list[int]:
        """The numbers of the first previews that were made, in order."""
        assert self.tasks.wait_idle()
        return [previews.request.first for previews in self.made]


@pytest.fixture
def asked(qtbot: QtBot, tmp_path: Path) -> Iterator[Asked]:
    tasks = Tasks()
    asked = Asked(tasks, tmp_path / "project")
    yield asked
    tasks.shut_down()
    asked.project.close()


def test_of_the_same_image_what_is_under_way_is_shown_and_then_the_latest(asked: Asked) -> None:
    for first in (0, 11, 22, 33):
        asked.cycle.ask_for(asked.request(0, first))
    assert asked.firsts() == [0, 33]
    assert asked.cycle.shown is asked.made[-1] and not asked.cycle.busy


def test_another_image_is_not_kept_waiting_by_the_one_before(asked: Asked) -> None:
    asked.cycle.ask_for(asked.request(0))
    asked.cycle.ask_for(asked.request(1, 11))
    assert asked.firsts() == [11]


def test_after_a_failure_the_latest_request_is_made(asked: Asked) -> None:
    asked.cycle.ask_for(asked.request(1))
    asked.firsts()
    broken = asked.request(0)
    broken.path.write_bytes(b"no image")
    asked.cycle.ask_for(broken)
    assert asked.firsts() == [0] and asked.cycle.shown is None
    assert broken.path.name in asked.failures[0]
    asked.cycle.ask_for(asked.request(1, 11))
    assert asked.firsts() == [0, 11]


def test_what_is_stopped_is_not_shown_and_what_is_shown_stays(asked: Asked) -> None:
    asked.cycle.ask_for(asked.request(0))
    asked.firsts()
    asked.cycle.ask_for(asked.request(0, 11))
    asked.cycle.stop()
    assert asked.firsts() == [0] and asked.cycle.shown is asked.made[0]
    asked.cycle.clear()
    assert asked.cycle.shown is None
