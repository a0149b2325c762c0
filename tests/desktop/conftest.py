"""What tests of the window share. A test file that needs another session, page or window has a fixture of that name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from desktop.base.session import Session
from desktop.label.label_page import LabelPage
from desktop.services import Services
from desktop.shell.main_window import MainWindow
from tests.desktop.label.label_builders import shown_page
from tests.desktop.window_builders import make_services


@pytest.fixture
def services(qtbot: QtBot, tmp_path: Path) -> Iterator[Services]:
    services = make_services(tmp_path)
    yield services
    services.tasks.shut_down()


@pytest.fixture
def window(qtbot: QtBot, services: Services) -> Iterator[MainWindow]:
    """The whole window, without a project."""
    window = MainWindow(services)
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    yield window
    window.session.close()


@pytest.fixture
def page(qtbot: QtBot, session: Session, services: Services) -> LabelPage:
    return shown_page(qtbot, session, services)
