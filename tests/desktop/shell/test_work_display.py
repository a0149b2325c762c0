"""What runs is seen on every page: at the rail, in the status bar, and when it ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from core.jobs.folder import JobFolder
from desktop.base.running_work import WorkStatus
from desktop.services import Services
from desktop.shell.end_notice import EndNotice
from desktop.shell.main_window import MainWindow
from desktop.shell.page_stack import TITLES
from desktop.shell.work_line import describe_work
from tests.builders import project_with_pictures

TRAIN = TITLES.index("Train")
STATUS = WorkStatus("r003", "judging 12 of 40 images", "epoch 3 of 24", 0.34, 310)


def open_window(window: MainWindow, folder: Path) -> None:
    project_with_pictures(folder).close()
    window.open_project(folder)


@pytest.mark.parametrize("page", range(len(TITLES)))
def test_the_status_bar_and_the_rail_tell_on_every_page_what_runs(
    window: MainWindow, services: Services, tmp_path: Path, page: int
) -> None:
    open_window(window, tmp_path / "parts")
    window.pages.show_page(page)
    line, button = window.status.work, window.rail.buttons[TRAIN]
    assert not line.isVisibleTo(window) and button.work_text == ""
    services.running.report("training", STATUS)
    assert line.isVisibleTo(window) and line.progress == 340
    assert line.text == "r003 judging 12 of 40 images · epoch 3 of 24 · 34% · 5 min 10 s left"
    assert button.work_share == 0.34 and button.work_text == line.text and line.text in button.toolTip()
    window.grab()
    services.running.report("training", None)
    assert not line.isVisibleTo(window) and button.work_text == "" and "r003" not in button.toolTip()


def test_in_a_narrow_window_the_place_is_left_out(window: MainWindow, services: Services, tmp_path: Path) -> None:
    open_window(window, tmp_path / "parts")
    services.running.report("training", STATUS)
    window.resize(970, 700)
    QApplication.processEvents()
    assert window.status.work.text == "r003 judging 12 of 40 images · 34% · 5 min 10 s left"
    assert describe_work(WorkStatus("study s001", "loading")) == "study s001 loading"


def test_a_press_on_the_line_shows_the_train_page(window: MainWindow, services: Services, tmp_path: Path) -> None:
    open_window(window, tmp_path / "parts")
    services.running.report("training", STATUS)
    window.status.work.press()
    assert window.pages.front == TRAIN


def test_a_training_that_was_left_going_is_taken_up_before_its_page_is_visited(
    window: MainWindow, services: Services, tmp_path: Path, qtbot: QtBot
) -> None:
    project_with_pictures(tmp_path / "parts").close()
    run = JobFolder.create(tmp_path / "parts" / "runs" / "r001", {"kind": "train"})
    run.write_heartbeat()  # this process trains it, as far as anybody sees
    window.open_project(tmp_path / "parts")
    assert window.pages.front != TRAIN
    qtbot.waitUntil(lambda: services.running.status is not None)
    assert services.running.status is not None and services.running.status.name == "r001"
    assert window.rail.buttons[TRAIN].work_text.startswith("r001")
    page = window.get_page("Train")
    page.live.leave()


def test_the_end_is_told_by_the_desktop_unless_it_is_seen_or_not_wanted(services: Services, qtbot: QtBot) -> None:
    other = QWidget()
    qtbot.addWidget(other)
    notice = EndNotice(services, other)
    notice.tell_end("Training r001", "finished")
    assert notice.told == ["Training r001 finished"]
    services.settings.update(notify_end=False)
    notice.tell_end("Training r002", "failed")
    services.settings.update(notify_end=True)
    with qtbot.waitExposed(other):
        other.show()
    other.activateWindow()
    qtbot.waitUntil(other.isActiveWindow)
    notice.tell_end("Training r003", "finished")
    assert notice.told == ["Training r001 finished"]
