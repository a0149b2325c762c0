"""No page and no dialog cuts a text that is said in it, in a small window as in a large one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QApplication, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from core.project.project import Project
from core.recipe.recipe import default_recipe
from core.types import Problem
from desktop.base.background import Tasks
from desktop.base.theme import apply_theme
from desktop.kit.problems_dialog import ProblemsDialog
from desktop.kit.progress_dialog import ProgressDialog
from desktop.label.file_notes import FileNotes
from desktop.label.label_page import LabelPage
from desktop.label.labels.merge_dialog import MergeLabelsDialog
from desktop.services import Services
from desktop.shell.main_window import MainWindow
from desktop.shell.page_stack import PAGES
from desktop.shell.settings.settings_dialog import SettingsDialog, list_sections
from desktop.train.trials.study_setup import StudySetup
from tests.builders import project_with_pictures
from tests.desktop.label.page_driver import find_action, find_only
from tests.desktop.shell.clipping import find_clipped, painted_texts
from tests.desktop.shell.crowded_project import LONG, make_crowded_project
from tests.desktop.shell.test_accessibility import DIALOGS

SIZES = (QSize(960, 640), QSize(1024, 700), QSize(1280, 800), QSize(2560, 1440))
ROOMY = 1280  # pixels from which on placeholders are whole as well


@pytest.fixture(autouse=True)
def dressed(qapp: QApplication) -> None:
    """The program's own style sheet and letters, which decide how much room a text needs."""
    apply_theme(qapp, "dark")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = make_crowded_project(tmp_path / "parts", images=30)
    yield made
    made.close()


@pytest.mark.parametrize("number", range(len(PAGES)), ids=[title for title, *_ in PAGES])
def test_every_page_shows_its_texts_and_numbers_whole(
    window: MainWindow, services: Services, tmp_path: Path, number: int
) -> None:
    window.session.adopt(make_crowded_project(tmp_path / "parts"))
    window.pages.show_page(number)
    for size in SIZES:
        window.resize(size)
        settle(services)
        assert window.size() == size
        assert_whole(window)


def test_a_window_that_is_too_small_for_a_page_scrolls_it(
    window: MainWindow, services: Services, project: Project
) -> None:
    window.session.adopt(project)
    window.setMinimumSize(400, 300)
    for number in range(len(PAGES)):
        window.pages.show_page(number)
        window.resize(853, 533)  # 1280 x 800 with letters of 150 %
        settle(services)
        page, area = window.pages.get_page(number), window.pages.currentWidget()
        assert isinstance(area, QScrollArea)
        least, seen = page.minimumSizeHint(), area.viewport().size()
        assert page.width() >= least.width() and page.height() >= least.height()
        for bar, missing in (
            (area.horizontalScrollBar(), page.width() - seen.width()),
            (area.verticalScrollBar(), page.height() - seen.height()),
        ):
            assert bar.maximum() == max(0, missing)


def test_the_smallest_window_shows_the_label_page_without_scrolling_also_below_a_banner(
    window: MainWindow, services: Services, project: Project
) -> None:
    window.session.adopt(project)
    window.resize(960, 640)
    settle(services)
    page = window.get_page("Label")
    banner = 46
    assert page.minimumSizeHint().height() <= page.height() - banner
    assert page.minimumSizeHint().width() <= page.width()


def test_the_label_page_shows_its_texts_whole_with_everything_switched_on(
    window: MainWindow, services: Services, project: Project
) -> None:
    window.session.adopt(project)
    page = window.get_page("Label")
    assert isinstance(page, LabelPage)
    for name in ("keep_labels", "hide", "lock", "measure"):
        find_action(page, name).trigger()
    page.notice.show_notice("The 12 boxes that were drawn here could not be kept: the disk is full.", "error")
    find_only(page, FileNotes).show_notes(
        [
            "its transparency is dropped",
            "16 bits, shown by the upper 8 (its highest value is 5,000): a depth scale helps",
        ]
    )
    for size in SIZES:
        window.resize(size)
        for tab in range(page.side.tabs.count()):
            page.side.tabs.setCurrentIndex(tab)
            settle(services)
            assert_whole(window)


def test_the_welcome_page_shows_its_texts_whole(window: MainWindow, services: Services, tmp_path: Path) -> None:
    for number in range(7):
        folder = tmp_path / f"plates {number} of a {LONG} long name"
        project_with_pictures(folder, 1).close()
        services.settings.remember_project(folder, opened="2025-03-01T10:00:00+00:00", images=12_345)
    services.settings.remember_project(tmp_path / "gone")
    for size in SIZES:
        window.resize(size)
        settle(services)
        assert_whole(window)


MORE_DIALOGS: dict[str, Callable[[Tasks, Path, Project], QWidget]] = {
    "merge labels": lambda tasks, folder, project: MergeLabelsDialog(
        project.labels(), {frozenset({1, 2}): 1_234}, project.labels()[0]
    ),
    "problems": lambda tasks, folder, project: ProblemsDialog(
        None,
        "Some files were not added",
        "1,234 images were added, 2 were not.",
        [Problem(f"{folder}/one.png", "damaged, it ends early; skipped"), Problem("two.png", "empty; skipped")],
    ),
    "progress": lambda tasks, folder, project: ProgressDialog(
        None, tasks, "Checking the files", unit="files", note="Cancelling leaves the images where they are."
    ),
    "strategies": lambda tasks, folder, project: put_into_scroll(StudySetup(default_recipe("ssd300_vgg16"))),
}


@pytest.mark.parametrize("name", [*DIALOGS, *MORE_DIALOGS])
def test_every_dialog_fits_a_small_screen_and_shows_its_texts_whole(
    qtbot: QtBot, services: Services, tmp_path: Path, project: Project, name: str
) -> None:
    dialog = {**DIALOGS, **MORE_DIALOGS}[name](services.tasks, tmp_path, project)
    qtbot.addWidget(dialog)
    dialog.show()
    settle(services)
    wanted = dialog.size()
    for size in SIZES:
        dialog.resize(wanted.boundedTo(size))
        settle(services)
        assert dialog.height() <= size.height() and dialog.width() <= size.width(), dialog.size()
        assert_whole(dialog)


def test_every_section_of_the_settings_shows_its_texts_whole(qtbot: QtBot, services: Services) -> None:
    dialog = SettingsDialog(services.settings)
    qtbot.addWidget(dialog)
    dialog.show()
    wanted = dialog.size()
    for size in SIZES[:2]:
        dialog.resize(wanted.boundedTo(size))
        for name in (*list_sections(), "Shortcuts"):
            dialog.show_section(name)
            settle(services)
            assert dialog.height() <= size.height() and dialog.width() <= size.width(), dialog.size()
            assert_whole(dialog)


# -- what is asked of a window


def put_into_scroll(content: QWidget) -> QScrollArea:
    """As the dialog holds it, which is tried whole among those of a small screen."""
    area = QScrollArea(widgetResizable=True)
    area.setWidget(content)
    area.resize(900, 560)
    return area


def assert_whole(window: QWidget) -> None:
    with pytest.MonkeyPatch.context() as patch, painted_texts(patch) as painted:
        window.grab()
    cut = find_clipped(window, may_elide, placeholders=window.width() >= ROOMY)
    cut += [f"painted as {shown!r}: {text!r}" for text, shown in set(painted) if not may_elide(text)]
    assert not cut, f"{window.width()} x {window.height()}\n" + "\n".join(cut)


def may_elide(text: str) -> bool:
    """Names that the user gave, and folders: they are as long as they are, and a tool tip has them whole."""
    return LONG in text or "/" in text


def settle(services: Services) -> None:
    assert services.tasks.wait_idle()
    QApplication.processEvents()
    QApplication.processEvents()
