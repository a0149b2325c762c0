"""The keys for undo: through what the user drew, never silently past it, and on each page what that page edits."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from core.augmentation.config import PRESETS
from core.errors import InputError
from core.project.edits import image_edits
from core.project.project import Project
from core.recipe.draft import load_draft
from core.types import Split
from desktop.augment.augment_page import AugmentPage
from desktop.base.background import Tasks
from desktop.kit.field_controls import SliderControl
from desktop.services import Services
from desktop.shell.main_window import MainWindow
from desktop.train.train_page import TrainPage
from tests.builders import draw, project_with_pictures
from tests.desktop.answers import answer_question


@pytest.fixture
def project(window: MainWindow, tmp_path: Path) -> Project:
    project = project_with_pictures(tmp_path / "parts", 4)
    draw(project, project.image_ids()[0])
    window.session.adopt(project)
    return project


def press(window: MainWindow, action: str) -> None:
    window.action_set[action].trigger()


def show_augment(window: MainWindow, tasks: Tasks) -> AugmentPage:
    press(window, "page_2")
    page = window.get_page("Augment")
    assert isinstance(page, AugmentPage)
    assert tasks.wait_idle()
    return page


def test_undo_asks_before_it_goes_past_what_the_user_drew(window: MainWindow, project: Project) -> None:
    press(window, "undo")
    assert project.counts().boxes == 0
    said = answer_question("Leave it")
    press(window, "undo")
    assert len(project.image_ids()) == 4
    assert said[0].startswith("Undo “Add 4 images”?\nIt takes 4 images out of the project. Redo takes this back.")
    answer_question("Undo it")
    press(window, "undo")
    assert project.image_ids() == []


def test_it_asks_after_a_restart_as_well_and_redo_asks_too(window: MainWindow, project: Project) -> None:
    window.session.apply(image_edits.remove_images(project, project.image_ids()[:2]))
    folder = project.folder
    window.session.close()
    window.session.open(folder)
    reopened = window.session.project
    assert reopened is not None
    said = answer_question("Leave it")
    press(window, "undo")
    assert len(reopened.image_ids()) == 2 and "It puts 2 images into the project and brings 1 box." in said[0]
    answer_question("Undo it")
    press(window, "undo")
    assert len(reopened.image_ids()) == 4 and reopened.counts().boxes == 1
    said = answer_question("Leave it")
    press(window, "redo")
    assert said[0].startswith("Redo “Remove 2 images”?") and len(reopened.image_ids()) == 4


def test_without_the_name_the_session_refuses(window: MainWindow, project: Project) -> None:
    window.session.apply(image_edits.set_split(project, project.image_ids(), Split.TEST))
    with pytest.raises(InputError, match="undone by name only; choose it in the list of edits"):
        window.session.undo()
    window.session.undo("Move to test")
    assert project.counts().splits["test"] == 0
    with pytest.raises(InputError, match="done again by name only"):
        window.session.redo()


def test_on_the_augment_page_undo_is_of_its_sliders_and_presets(
    qtbot: QtBot, window: MainWindow, services: Services, project: Project
) -> None:
    page = show_augment(window, services.tasks)
    usual = load_draft(project).augmentation
    control = page.panel.form.control("noise")
    assert isinstance(control, SliderControl)
    for tick in (10, 40, 80):  # one drag
        control.slider.setValue(tick)
    preset = next(button for button in page.panel.presets.buttons() if button.text() == "Strong")
    preset.click()
    window.menus.edit.aboutToShow.emit()
    assert window.action_set["undo"].text() == "Undo “Preset Strong”"
    press(window, "undo")
    assert page.panel.form.value() == usual.model_copy(update={"noise": 40})
    window.menus.edit.aboutToShow.emit()
    assert window.action_set["undo"].text() == "Undo “Noise”"
    press(window, "undo")
    assert page.panel.form.value() == usual
    press(window, "undo")  # nothing is left, and the project's edits are not its business
    assert project.counts().boxes == 1
    press(window, "redo")
    press(window, "redo")
    assert page.panel.form.value() == PRESETS["Strong"] and preset.isChecked()
    press(window, "page_1")
    assert load_draft(project).augmentation == PRESETS["Strong"]
    assert services.tasks.wait_idle()


def test_a_pause_ends_a_step_of_a_slider(
    qtbot: QtBot, window: MainWindow, services: Services, project: Project
) -> None:
    page = show_augment(window, services.tasks)
    control = page.panel.form.control("noise")
    assert isinstance(control, SliderControl)
    control.slider.setValue(20)
    qtbot.waitUntil(lambda: load_draft(project).augmentation.noise == 10)
    control.slider.setValue(60)
    press(window, "undo")
    assert control.slider.value() == 20
    assert services.tasks.wait_idle()


def test_the_keys_reach_the_page_from_a_number_that_is_not_being_typed(
    qtbot: QtBot, window: MainWindow, services: Services, project: Project
) -> None:
    page = show_augment(window, services.tasks)
    control = page.panel.form.control("noise")
    assert isinstance(control, SliderControl)
    before = control.number.value()
    window.activateWindow()
    control.number.setFocus()
    qtbot.waitUntil(control.number.hasFocus)
    qtbot.keyClick(control.number, Qt.Key.Key_Up)
    assert control.number.value() > before
    qtbot.keyClick(control.number, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert control.number.value() == before and project.counts().boxes == 1
    assert services.tasks.wait_idle()


def test_on_the_train_page_undo_is_of_the_recipe(window: MainWindow, services: Services, project: Project) -> None:
    press(window, "page_3")
    page = window.get_page("Train")
    assert isinstance(page, TrainPage)
    model = page.draft.model
    usual = model.recipe
    model.set_rate(0.5)
    window.menus.edit.aboutToShow.emit()
    assert window.action_set["undo"].text() == "Undo “Learning rate”"
    press(window, "undo")
    assert model.recipe == usual and project.counts().boxes == 1
    press(window, "redo")
    assert model.recipe.optimizer.lr == 0.5
    page.draft.save_draft()
    assert load_draft(project).optimizer.lr == 0.5
    assert services.tasks.wait_idle()


def test_on_pages_without_edits_undo_changes_nothing_and_says_so(
    window: MainWindow, services: Services, project: Project
) -> None:
    said: list[str] = []
    window.session.message.connect(said.append)
    for number in (4, 5):
        press(window, f"page_{number}")
        press(window, "undo")
        assert said[-1].startswith("There is nothing to undo on this page")
    assert project.counts().boxes == 1
    assert services.tasks.wait_idle()
