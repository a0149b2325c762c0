"""Where the window needs a moment, it says at once what it does: a page that is built, other colours."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from desktop.base.theme import apply_theme, theme
from desktop.base.theme_cover import ThemeCover
from desktop.shell.main_window import MainWindow
from desktop.train.train_page import TrainPage
from tests.builders import project_with_pictures


class Diary(QObject):
    """Notes in order what is painted and what is made new."""

    def __init__(self, app: QApplication) -> None:
        super().__init__()
        self.entries: list[str] = []
        self._app = app
        app.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and isinstance(watched, QLabel) and "Opening" in watched.text():
            self.entries.append(watched.text())
        elif event.type() == QEvent.Type.Paint and isinstance(watched, ThemeCover):
            self.entries.append("cover")
        elif event.type() == QEvent.Type.StyleChange and isinstance(watched, MainWindow):
            self.entries.append("dressed")
        elif event.type() == QEvent.Type.Polish and isinstance(watched, TrainPage):
            self.entries.append("built")
        return False

    def close(self) -> None:
        self._app.removeEventFilter(self)


@pytest.fixture
def opened(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> MainWindow:
    project_with_pictures(tmp_path / "project", 2).close()
    window.open_project(tmp_path / "project")
    qtbot.waitExposed(window)
    return window


@pytest.fixture
def diary(qapp: QApplication, opened: MainWindow) -> Iterator[Diary]:
    diary = Diary(qapp)
    yield diary
    diary.close()


def test_a_page_that_is_built_is_announced_before_and_only_then(opened: MainWindow, diary: Diary) -> None:
    opened.pages.show_page(2)
    assert diary.entries[0] == "Opening the Train page …" and "built" in diary.entries
    assert opened.rail.marked_page == 2 and isinstance(opened.pages.front_page, TrainPage)
    diary.entries.clear()
    opened.pages.show_page(0)
    opened.pages.show_page(2)
    assert diary.entries == []


def test_a_window_of_many_widgets_shows_the_new_colours_before_it_is_dressed_in_them(
    qapp: QApplication, opened: MainWindow, diary: Diary
) -> None:
    for name in ("light", "dark"):
        apply_theme(qapp, name)
        assert diary.entries[:2] == ["cover", "dressed"]
        assert theme().name == name
        assert not any(cover.isVisible() for cover in opened.findChildren(ThemeCover))
        diary.entries.clear()


def test_a_small_window_needs_no_cover(qtbot: QtBot, qapp: QApplication) -> None:
    small = QWidget()
    qtbot.addWidget(small)
    small.show()
    apply_theme(qapp, "dark")
    assert small.findChildren(ThemeCover) == []


def pixels_of(page: QWidget) -> QImage:
    return page.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)


@pytest.mark.parametrize("number", [2, 3, 4])
def test_a_page_that_was_not_shown_when_the_colours_changed_has_them_when_it_is(
    qtbot: QtBot, qapp: QApplication, opened: MainWindow, number: int
) -> None:
    apply_theme(qapp, "light")
    opened.pages.show_page(number)
    opened.pages.show_page(0)
    apply_theme(qapp, "dark")
    opened.pages.show_page(number)
    qtbot.wait(100)
    found = pixels_of(opened.pages.get_page(number))
    # One sheet in the place of another: Qt dresses every widget anew.
    qapp.setStyleSheet(qapp.styleSheet() + "\n")
    assert found == pixels_of(opened.pages.get_page(number))


def test_a_change_of_colours_does_not_dress_every_widget_that_ever_was(qapp: QApplication, opened: MainWindow) -> None:
    for number in (1, 2, 3, 4, 0):
        opened.pages.show_page(number)
    start = time.thread_time()
    apply_theme(qapp, "light")
    spent = time.thread_time() - start
    start = time.thread_time()
    qapp.setStyleSheet(qapp.styleSheet() + "\n")
    assert spent < 0.6 * (time.thread_time() - start)


def test_a_page_is_built_in_its_place_so_that_nothing_in_it_is_dressed_twice(
    qapp: QApplication, opened: MainWindow
) -> None:
    changes = ParentChanges(qapp)
    opened.pages.show_page(2)
    changes.close()
    page = opened.pages.get_page(2)
    assert isinstance(page, TrainPage) and opened.pages.isAncestorOf(page)
    # What is large: each would be dressed again with all that is in it.
    assert all(count < 120 for count in changes.sizes), sorted(changes.sizes)[-5:]


class ParentChanges(QObject):
    """Notes of each widget that gets another parent how many are in it."""

    def __init__(self, app: QApplication) -> None:
        super().__init__()
        self.sizes: list[int] = []
        self._app = app
        app.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ParentChange and isinstance(watched, QWidget):
            self.sizes.append(len(watched.findChildren(QWidget)))
        return False

    def close(self) -> None:
        self._app.removeEventFilter(self)


LOADED_ASIDE = """
import gc, sys, threading
import desktop.app
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication
from desktop.shell.page_stack import load_modules
app = QApplication([])
thread = threading.Thread(target=load_modules)
thread.start()
thread.join()
elsewhere = [item for item in gc.get_objects() if isinstance(item, QObject) and item.thread() is not app.thread()]
print("desktop.train.train_page" in sys.modules, "torch" in sys.modules, elsewhere)
"""


def test_the_pages_can_be_loaded_aside_without_torch_and_without_an_object_of_that_thread() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED_ASIDE],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
    )
    assert done.stdout.split() == ["True", "False", "[]"]
