"""Finding images again: by content without asking, anything else only after a clear yes; and the notices that lead there."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QMessageBox
from pytestqt.qtbot import QtBot

from core.operations.depth import divide_cameras
from core.project.edits import image_edits
from core.project.project import Project
from core.types import Split
from desktop.base import file_watch
from desktop.label.file_notice import FileNotice
from desktop.project.relocate_dialog import RelocateDialog
from desktop.project.relocation_model import BY, IMAGE, RelocationModel
from desktop.services import Services
from desktop.shell.main_window import MainWindow
from tests.builders import draw, picture, project_with_pictures, write_picture
from tests.desktop.answers import answer_question
from tests.desktop.kit.form_driver import find_button, find_table, read_texts
from tests.desktop.window_builders import make_services


@pytest.fixture
def services(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    for name, value in (("BEGIN_AFTER", 0), ("CHECK_EVERY", 50), ("QUIET", 20)):
        monkeypatch.setattr(file_watch, name, value)
    services = make_services(tmp_path)
    yield services
    services.tasks.shut_down()


@pytest.fixture
def moved(tmp_path: Path) -> Iterator[Project]:
    """Of four images two were moved (one renamed as well), one was replaced by another picture, one is gone."""
    with project_with_pictures(tmp_path / "parts", 4) as project:
        images, moved = tmp_path / "parts" / "images", tmp_path / "moved"
        shutil.move(images, moved)
        (moved / "part2.png").rename(moved / "renamed.png")
        write_picture(moved / "part3.png", picture(seed=99))
        (moved / "part4.png").unlink()
        yield project


@pytest.fixture
def dialog(qtbot: QtBot, services: Services, moved: Project, tmp_path: Path) -> RelocateDialog:
    dialog = RelocateDialog(services.tasks, moved, [], tmp_path)
    qtbot.addWidget(dialog)
    assert services.tasks.wait_idle()
    return dialog


def rows_of(dialog: RelocateDialog) -> RelocationModel:
    model = find_table(dialog).model()
    assert isinstance(model, RelocationModel)
    return model


def uncertain_box(dialog: RelocateDialog) -> QCheckBox:
    (found,) = dialog.findChildren(QCheckBox)
    return found


def test_missing_images_are_listed_before_anything_is_searched(dialog: RelocateDialog) -> None:
    assert "4 images missing." in read_texts(dialog)
    assert len(rows_of(dialog).rows) == 4
    assert not dialog.confirm.isEnabled()


def test_only_files_of_the_same_content_are_taken_by_themselves(
    dialog: RelocateDialog, services: Services, moved: Project, tmp_path: Path
) -> None:
    one, two, three, _ = moved.image_ids()
    dialog.choose_folder(tmp_path / "moved")
    dialog.search_folder()
    assert services.tasks.wait_idle()
    assert dialog.list_chosen(certain=True) == {
        one: tmp_path / "moved" / "part1.png",
        two: tmp_path / "moved" / "renamed.png",
    }
    assert dialog.list_chosen(certain=False) == {}
    assert "2 images found by content; 1 only by name: those files hold something else; 1 not found." in read_texts(
        dialog
    )
    assert dialog.confirm.text() == "Use 2 files"
    assert uncertain_box(dialog).isVisibleTo(dialog)
    uncertain_box(dialog).setChecked(True)
    assert dialog.list_chosen(certain=False) == {three: tmp_path / "moved" / "part3.png"}
    assert dialog.confirm.text() == "Use 3 files"


@pytest.mark.parametrize("answer", ["Attach them", "Cancel"])
def test_other_content_needs_a_second_yes(
    dialog: RelocateDialog, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    said: list[str] = []
    monkeypatch.setattr("desktop.kit.error_box.QMessageBox.exec", _pressing(answer, said))
    dialog.choose_folder(tmp_path / "moved")
    dialog.search_folder()
    assert services.tasks.wait_idle()
    uncertain_box(dialog).setChecked(True)
    dialog.accept()
    assert len(said) == 1 and "another picture" in said[0]
    assert bool(dialog.result()) is (answer == "Attach them")


@pytest.mark.parametrize("seconds", [0, 0.3])
def test_a_search_that_is_stopped_leaves_the_list_as_it_was(
    dialog: RelocateDialog, services: Services, tmp_path: Path, seconds: float
) -> None:
    dialog.choose_folder(tmp_path / "moved")
    dialog.search_folder()
    time.sleep(seconds)  # it may have come to its end meanwhile, which the window has not heard of yet
    dialog.search_folder()
    assert services.tasks.wait_idle()
    assert "Stopped." in read_texts(dialog)
    assert len(rows_of(dialog).rows) == 4 and not dialog.confirm.isEnabled()
    assert find_button(dialog, "Search")


def test_a_folder_that_is_not_there_is_said_at_once(dialog: RelocateDialog, tmp_path: Path) -> None:
    dialog.choose_folder(tmp_path / "nowhere")
    assert "there is no such folder" in dialog.problem.text()
    assert not find_button(dialog, "Search").isEnabled()


def test_a_row_is_ticked_by_the_space_key(
    qtbot: QtBot, dialog: RelocateDialog, services: Services, moved: Project, tmp_path: Path
) -> None:
    dialog.choose_folder(tmp_path / "moved")
    dialog.search_folder()
    assert services.tasks.wait_idle()
    dialog.show()
    row = next(place for place, row in enumerate(rows_of(dialog).rows) if row.found is not None and not row.is_certain)
    find_table(dialog).setCurrentIndex(rows_of(dialog).index(row, IMAGE))
    qtbot.keyClick(find_table(dialog), Qt.Key.Key_Space)
    assert list(dialog.list_chosen(certain=False)) == [moved.image_ids()[2]]
    assert "other content" in rows_of(dialog).index(row, BY).data()


def test_what_was_not_found_has_nothing_to_tick(moved: Project) -> None:
    model = RelocationModel()
    model.set_images([(image, "missing") for image in moved.images()])
    assert not any(model.flags(model.index(row, IMAGE)) & Qt.ItemFlag.ItemIsUserCheckable for row in range(4))


# -- in the window


@pytest.fixture
def window(qtbot: QtBot, services: Services) -> Iterator[MainWindow]:
    window = MainWindow(services)
    qtbot.addWidget(window)
    window.show()
    yield window
    window.session.close()


def test_a_missing_image_says_so_above_the_canvas_until_it_is_found(
    qtbot: QtBot, window: MainWindow, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = project_with_pictures(tmp_path / "parts", 2)
    first = project.image_ids()[0]
    draw(project, first)
    shutil.move(tmp_path / "parts" / "images", tmp_path / "moved")
    window.session.adopt(project)
    notice = window.get_page("Label").findChild(FileNotice)
    assert notice is not None
    qtbot.waitUntil(notice.isVisible)
    assert "part1.png is not in" in notice.text
    assert notice.button.text() == "Find…"
    assert not notice.accept.isVisible()

    def search(dialog: RelocateDialog) -> int:
        assert services.tasks.wait_idle()
        dialog.choose_folder(tmp_path / "moved")
        dialog.search_folder()
        assert services.tasks.wait_idle()
        assert dialog.confirm.isEnabled()
        return 1

    monkeypatch.setattr(RelocateDialog, "exec", search)
    notice.button.click()
    qtbot.waitUntil(lambda: not notice.isVisible())
    assert project.image_path(first) == tmp_path / "moved" / "part1.png"
    assert len(project.boxes(first)) == 1
    answer_question("Undo it")
    window.action_set["undo"].trigger()
    assert project.image_path(first) == tmp_path / "parts" / "images" / "part1.png"


@pytest.mark.parametrize(("answer", "moved"), [("Use the other scale", True), ("Cancel", False)])
def test_files_in_the_folder_of_another_camera_are_asked_about(
    window: MainWindow,
    services: Services,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    moved: bool,
) -> None:
    deep = [write_picture(tmp_path / f"line-{n}" / "a.png", np.full((20, 30), n * 900, np.uint16)) for n in (1, 2)]
    project = Project.create(tmp_path / "parts")
    project.files.add_images(deep)
    divide_cameras(project, "folder")
    window.session.adopt(project)
    first = project.image_ids()[0]
    target = deep[0].rename(tmp_path / "line-2" / "b.png")
    said: list[str] = []
    monkeypatch.setattr(QMessageBox, "exec", _pressing(answer, said))

    def search(dialog: RelocateDialog) -> int:
        assert services.tasks.wait_idle()
        dialog.choose_folder(tmp_path / "line-2")
        dialog.search_folder()
        assert services.tasks.wait_idle()
        return 1

    monkeypatch.setattr(RelocateDialog, "exec", search)
    window.project_actions.image_files.find_missing()
    assert services.tasks.wait_idle()
    assert len(said) == 1 and "images of several cameras lie there together" in said[0]
    assert (project.image_path(first) == target) is moved
    assert ("is another one than before" in window.project_actions.notice.text) is moved


def test_a_changed_image_warns_and_can_be_accepted(
    qtbot: QtBot, window: MainWindow, services: Services, tmp_path: Path
) -> None:
    project = project_with_pictures(tmp_path / "parts", 2)
    window.session.adopt(project)
    notice = window.get_page("Label").findChild(FileNotice)
    assert notice is not None and not notice.isVisible()
    qtbot.waitUntil(lambda: bool(services.files.listed_folders))
    write_picture(project.image_path(project.image_ids()[0]), picture(seed=50))
    qtbot.waitUntil(notice.isVisible)
    assert "not the file that was labelled" in notice.text
    notice.accept.click()
    qtbot.waitUntil(lambda: not notice.isVisible())
    assert project.history.undo_name == "Relocate image"


def test_a_picture_taken_over_that_is_one_of_another_split_is_said(
    qtbot: QtBot, window: MainWindow, services: Services, tmp_path: Path
) -> None:
    project = project_with_pictures(tmp_path / "parts", 2)
    window.session.adopt(project)
    first, second = project.image_ids()
    project.apply(image_edits.move_to_split(project, [first], Split.TRAIN))
    project.apply(image_edits.move_to_split(project, [second], Split.VAL))
    shutil.copy(project.image_path(second), project.image_path(first))
    services.files.accept_wanted.emit(frozenset([first]))
    notice = window.project_actions.notice
    qtbot.waitUntil(notice.isVisible)
    assert "A picture is in more than one of train, val and test" in notice.text


def test_new_images_are_offered_and_added(qtbot: QtBot, window: MainWindow, services: Services, tmp_path: Path) -> None:
    project = project_with_pictures(tmp_path / "parts", 1)
    window.session.adopt(project)
    qtbot.waitUntil(lambda: bool(services.files.listed_folders))
    for number in range(2):
        write_picture(tmp_path / "parts" / "images" / f"new{number}.png", seed=number + 20)
    notice = window.project_actions.notice
    qtbot.waitUntil(lambda: notice.text.startswith("2 new images in"))
    assert notice.isVisible()
    notice.button.click()
    assert services.tasks.wait_idle()
    assert len(project.image_ids()) == 3
    assert not notice.isVisible()


def _pressing(text: str, said: list[str]) -> object:
    def answer(box: QMessageBox) -> int:
        said.append(box.informativeText())
        next(button for button in box.buttons() if button.text().replace("&", "") == text).click()
        return 0

    return answer
