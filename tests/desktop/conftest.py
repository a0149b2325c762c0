"""What tests of the window share. A test file that needs another session, page or window has a fixture of that name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import SignalInstance
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from pytestqt.wait_signal import SignalBlocker

from desktop.base.session import Session
from desktop.label.label_page import LabelPage
from desktop.services import Services
from desktop.shell.main_window import MainWindow
from tests.desktop.label.label_builders import shown_page
from tests.desktop.window_builders import make_services

PATIENCE_MS = 60_000  # a busy machine is no reason to fail: what must come may take this long


class PatientBot(QtBot):
    """A bot whose waits end in failure only when what is waited for does not come at all."""

    def waitUntil(self, callback: Callable[[], bool | None], *, timeout: int = PATIENCE_MS) -> None:
        super().waitUntil(callback, timeout=timeout)

    def waitSignal(self, signal: SignalInstance, *, timeout: int = PATIENCE_MS, **options: Any) -> SignalBlocker:
        return super().waitSignal(signal, timeout=timeout, **options)


@pytest.fixture
def qtbot(qapp: QApplication, request: pytest.FixtureRequest) -> QtBot:
    return PatientBot(request)


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
