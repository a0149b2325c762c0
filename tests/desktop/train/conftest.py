"""The page that the tests of trainings share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from desktop.base.session import Session
from desktop.train.train_page import TrainPage
from tests.desktop.train.train_driver import TrainBench, make_labelled_project
from tests.desktop.window_builders import make_services, make_test_launcher


@pytest.fixture
def bench(tmp_path: Path, qtbot: QtBot) -> Iterator[TrainBench]:
    folder = tmp_path / "project"
    make_labelled_project(folder)
    services = make_services(tmp_path, make_test_launcher("training_child", queue="queue_child"))
    tasks = services.tasks
    session = Session()
    session.open(folder)
    page = TrainPage(session, services)
    page.resize(1200, 760)
    page.show()  # not given to qtbot, which would delete it before the training is stopped below
    bench = TrainBench(page, session, tasks, folder, qtbot, services)
    session.inspect_requested.connect(lambda name: bench.said.append(("inspect", name)))
    session.page_requested.connect(lambda name: bench.said.append(("page", name)))
    bench.change_settings(schedule__epochs=3)
    yield bench
    page.ask_how_to_close = lambda: "stop"
    assert page.may_close()
    tasks.wait_idle()
    session.close()
    tasks.shut_down()
    page.close()
    page.deleteLater()
