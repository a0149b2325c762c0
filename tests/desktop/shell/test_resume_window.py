"""A project opens where the person stopped: the page, the image, and the part of it that was in the view."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from PySide6.QtWidgets import QAbstractButton, QPushButton
from pytestqt.qtbot import QtBot

from core.project.edits import image_edits
from core.project.project import Project
from core.settings import RecentProject, Settings
from desktop.label.label_page import LabelPage
from desktop.services import Services
from desktop.shell.main_window import MainWindow
from desktop.shell.welcome import Welcome, about_recent
from tests.builders import project_with_pictures

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)


def label_page(qtbot: QtBot, window: MainWindow) -> LabelPage:
    page = window.get_page("Label")
    assert isinstance(page, LabelPage)
    qtbot.waitUntil(lambda: page.canvas.view.has_image, timeout=10_000)
    return page


def test_image_and_zoom_come_back(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    window.session.adopt(project_with_pictures(tmp_path / "parts", 4))
    assert window.session.project is not None
    third = window.session.project.image_ids()[2]
    window.session.select_image(third)
    page = label_page(qtbot, window)
    page.canvas.view.go_to((20.0, 30.0, 20.0))
    place = page.canvas.view.place
    assert place is not None
    window.action_set["close_project"].trigger()
    window.open_project(tmp_path / "parts")
    assert window.session.image_id == third
    page = label_page(qtbot, window)
    assert page.canvas.view.place == pytest.approx(place, abs=0.2)
    page.canvas.view.fit_image()
    window.action_set["close_project"].trigger()
    window.open_project(tmp_path / "parts")
    assert label_page(qtbot, window).canvas.view.place is None


def test_the_page_comes_back_and_each_project_has_its_own(
    window: MainWindow, services: Services, tmp_path: Path
) -> None:
    for name in ("parts", "boards"):
        project_with_pictures(tmp_path / name, 2).close()
    window.open_project(tmp_path / "parts")
    window.pages.show_page(2)
    window.open_project(tmp_path / "boards")
    window.action_set["close_project"].trigger()
    window.open_project(tmp_path / "parts")
    assert window.pages.front == 2
    assert services.settings.recent(tmp_path / "parts").images == 2


def test_an_image_that_is_gone_meanwhile_gives_way_to_the_first(window: MainWindow, tmp_path: Path) -> None:
    window.session.adopt(project_with_pictures(tmp_path / "parts", 3))
    assert window.session.project is not None
    first, *_, last = window.session.project.image_ids()
    window.session.select_image(last)
    window.action_set["close_project"].trigger()
    with_fewer = Project.open(tmp_path / "parts")
    with_fewer.apply(image_edits.remove_images(with_fewer, [last]))
    with_fewer.close()
    window.open_project(tmp_path / "parts")
    assert window.session.image_id == first


def test_what_is_remembered_survives_the_program_and_ends_with_the_list(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    settings.remember_project(tmp_path / "a", page=3, view=(2.0, 10.0, 20.0), image=7)
    settings.remember_project(tmp_path / "a", images=12)
    again = Settings(tmp_path)
    assert again.recent(tmp_path / "a") == RecentProject(page=3, view=(2.0, 10.0, 20.0), image=7, images=12)
    again.forget_project(tmp_path / "a")
    assert again.recent(tmp_path / "a") == RecentProject() and again.values.recent_details == {}
    for number in range(13):
        again.remember_project(tmp_path / str(number))
    assert len(again.values.recent_details) == 12


# -- how it is listed


def test_a_recent_project_says_its_size_and_last_use_or_that_it_is_gone(tmp_path: Path) -> None:
    project_with_pictures(tmp_path / "parts", 1).close()
    known = RecentProject(opened="2026-03-04T09:30:00+00:00", images=1234)
    assert about_recent(tmp_path / "parts", known, NOW) == "1,234 images  ·  yesterday 09:30"
    assert about_recent(tmp_path / "parts", RecentProject(), NOW) == ""
    assert about_recent(tmp_path / "elsewhere", known, NOW) == "Not there any more"


def test_a_project_that_is_gone_can_only_be_taken_off_the_list(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    project_with_pictures(tmp_path / "parts", 1).close()
    welcome = window.findChild(Welcome)
    assert welcome is not None
    gone: list[Path] = []
    welcome.forgotten.connect(gone.append)
    welcome.show_recent([(tmp_path / "parts", RecentProject()), (tmp_path / "elsewhere", RecentProject())])
    names = {button.accessibleName(): button for button in welcome.findChildren(QPushButton)}
    assert names[f"Open {tmp_path / 'parts'}"].isEnabled()
    assert not names[f"Open {tmp_path / 'elsewhere'}"].isEnabled()
    (forget,) = [one for one in welcome.findChildren(QAbstractButton) if "elsewhere off" in one.toolTip()]
    forget.click()
    assert gone == [tmp_path / "elsewhere"]
