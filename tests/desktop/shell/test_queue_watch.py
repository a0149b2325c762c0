"""What another program adds to the queue is trained by the window that has the project open, whatever page is shown."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from core.jobs import queue
from core.jobs.folder import JobFolder
from core.operations.start_run import prepare_run
from core.project.project import Project
from core.recipe.recipe import default_recipe, with_settings
from desktop.services import Services
from desktop.shell.main_window import MainWindow
from desktop.train.train_page import TrainPage
from tests.desktop.train.train_driver import make_labelled_project
from tests.desktop.window_builders import make_services, make_test_launcher


@pytest.fixture
def services(qtbot: QtBot, tmp_path: Path) -> Iterator[Services]:
    found = make_services(tmp_path, make_test_launcher("training_child", queue="queue_child"))
    yield found
    found.tasks.shut_down()


@pytest.fixture
def window(window: MainWindow, tmp_path: Path) -> MainWindow:
    make_labelled_project(tmp_path / "p")
    return window


def add_run(folder: Path) -> JobFolder:
    """As 'defectdesk train DIR --queue' does in a terminal, beside the window."""
    with Project.open_beside(folder) as beside:
        job = prepare_run(beside, with_settings(default_recipe("ssd_compact"), {"schedule.epochs": 2}))
    queue.put_last(job)
    return job


def train_page(window: MainWindow) -> TrainPage:
    page = window.get_page("Train")
    assert isinstance(page, TrainPage)
    return page


@pytest.mark.parametrize("visited", [False, True])
def test_a_run_that_a_command_adds_is_trained_by_the_window(
    window: MainWindow, qtbot: QtBot, tmp_path: Path, visited: bool
) -> None:
    window.session.open(tmp_path / "p")
    if visited:
        window.pages.show_page(2)
        window.pages.show_page(0)
    first = add_run(tmp_path / "p")
    qtbot.waitUntil(lambda: first.state() == "finished")
    assert window.pages.front == 0, "the user goes on labelling"
    second = add_run(tmp_path / "p")
    qtbot.waitUntil(lambda: second.state() == "finished")
    project = window.session.project
    assert project is not None
    qtbot.waitUntil(lambda: [one.state for one in project.runs.list_runs()] == ["finished"] * 2)
    qtbot.waitUntil(lambda: not train_page(window).training)


def test_what_waited_when_the_project_was_opened_waits_for_the_user(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    waiting = add_run(tmp_path / "p")
    window.session.open(tmp_path / "p")
    window.pages.show_page(2)
    qtbot.wait(1500)
    assert waiting.state() == "waiting" and train_page(window).control.queue.held


def test_a_queue_that_the_user_holds_stays_held(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.session.open(tmp_path / "p")
    control = train_page(window).control
    control.hold_queue(True)
    added = add_run(tmp_path / "p")
    qtbot.waitUntil(lambda: [one.id for one in control.queue.waiting] == ["r001"])
    assert control.queue.held and added.state() == "waiting"
    control.hold_queue(False)
    qtbot.waitUntil(lambda: added.state() == "finished")
    qtbot.waitUntil(lambda: not train_page(window).training)


def test_while_another_program_trains_the_window_lets_its_runs_wait_and_begins_them_afterwards(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    window.session.open(tmp_path / "p")
    page = train_page(window)
    other = add_run(tmp_path / "p")
    assert queue.claim_job(other, waits=True)  # a command that was just started, here this very process
    page.control.begin_training()
    mine = JobFolder(tmp_path / "p" / "runs" / "r002")
    assert not page.training and mine.read_place() is not None and not page.control.queue.held
    assert other.owner_here() == os.getpid()
    other.withdraw_heartbeat()
    qtbot.waitUntil(lambda: mine.state() == "finished")
    qtbot.waitUntil(lambda: not page.training)


def test_a_second_window_that_only_reads_trains_nothing(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    with Project.open(tmp_path / "p"):
        window.session.open(tmp_path / "p", read_only=True)
        added = add_run(tmp_path / "p")
        qtbot.wait(1500)
        assert added.state() == "waiting" and 2 not in window.pages.built
        window.session.close()
