"""On a screen of 960 x 640 every dialog comes up, and stays, with all of its buttons on the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QAbstractButton, QApplication, QDialogButtonBox, QWidget
from pytestqt.qtbot import QtBot

from core.jobs.folder import JobFolder
from core.operations.propose import request_proposal
from core.project.edits import image_edits
from core.project.project import Project
from core.recipe.recipe import default_recipe
from desktop.base.background import Tasks
from desktop.base.job_runner import JobRunner
from desktop.base.theme import apply_theme
from desktop.kit import body_scroll, screen_room
from desktop.kit.body_scroll import BodyScroll
from desktop.project.export_dialog import ExportDialog
from desktop.project.import_dialog import ImportDialog
from desktop.project.properties_dialog import ProjectProperties
from desktop.services import Services
from desktop.shell.settings.settings_dialog import SettingsDialog
from desktop.train.trials.lr_finder_dialog import RangeTestDialog
from desktop.train.trials.propose_dialog import ProposalSource, ProposeDialog
from desktop.train.trials.study_dialog import StudyDialog
from tests.builders import write_coco, write_picture
from tests.desktop.label.page_driver import find_only
from tests.desktop.shell.crowded_project import make_crowded_project
from tests.desktop.shell.test_accessibility import DIALOGS
from tests.desktop.shell.test_every_text_has_room import MORE_DIALOGS
from tests.desktop.window_builders import make_test_launcher

SCREEN = QRect(0, 0, 960, 640)
ROOM = SCREEN.adjusted(0, 0, 0, -screen_room.TITLE_BAR)


@pytest.fixture(autouse=True)
def small_screen(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    apply_theme(qapp, "light")
    for module in (screen_room, body_scroll):
        monkeypatch.setattr(module, "find_room", lambda _widget: ROOM)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = make_crowded_project(tmp_path / "parts", images=30)
    yield made
    made.close()


def read_import(tasks: Tasks, folder: Path, project: Project) -> QWidget:
    """With marks to choose, problems, copies to group, and a folder for a new project."""
    for number in range(40):
        write_picture(folder / "set" / f"a.rf.{number:032x}.png", seed=number)
    file = write_coco(
        folder / "set" / "coco.json",
        [{"id": n, "file_name": f"a.rf.{n:032x}.png", "width": 64, "height": 48} for n in range(45)],
        [
            {
                "id": n,
                "image_id": n,
                "category_id": 1,
                "bbox": [1, 1, 20 if n % 2 else 0, 9],
                "iscrowd": int(n % 3 == 0),
            }
            for n in range(45)
        ],
        ["scratch"],
    )
    dialog = ImportDialog(tasks, folder, None)
    dialog.show()
    dialog.choose_source(file)
    assert tasks.wait_idle()
    assert dialog.tabs.isVisible() and dialog.group_copies.isVisible() and dialog.marks.isVisible()
    return dialog


def ask_for_columns(tasks: Tasks, folder: Path, project: Project) -> QWidget:
    write_picture(folder / "a.png")
    (folder / "boxes.csv").write_text("picture,kind,left,top,right,bottom\na.png,pit,1,2,9,9\n")
    dialog = ImportDialog(tasks, folder, project)
    dialog.show()
    dialog.choose_source(folder / "boxes.csv")
    assert tasks.wait_idle()
    assert dialog.columns.isVisible()
    return dialog


def show_cameras(tasks: Tasks, folder: Path, project: Project) -> QWidget:
    """The properties of a project with images above 8 bits, of two cameras."""
    for number, top in enumerate((4_000, 60_000)):
        deep = np.linspace(0, top, 64 * 48).astype(np.uint16).reshape(48, 64)
        write_picture(folder / f"cam{number}" / "deep.png", deep if number else np.dstack([deep] * 3))
    project.files.add_images([folder / "cam0", folder / "cam1"])
    return ProjectProperties(tasks, project, folder / "cam0" / "deep.png")


def show_losses(tasks: Tasks, folder: Path, project: Project) -> QWidget:
    project.apply(image_edits.set_note(project, project.image_ids()[0], "the lamp was dim"))
    return ExportDialog(tasks, project, folder)


def set_up_study(tasks: Tasks, folder: Path, project: Project) -> QWidget:
    job = JobRunner(make_test_launcher("study_child"))
    return StudyDialog(
        folder / "studies", folder / "runs", default_recipe("ssd300_vgg16"), lambda _r: JobFolder(folder), job, tasks
    )


def show_range_test(tasks: Tasks, folder: Path, project: Project) -> QWidget:
    made = JobFolder.create(folder / "range", {"kind": "range_test"})
    return RangeTestDialog(made, default_recipe("ssd_compact"), JobRunner(make_test_launcher("trial_child")))


def show_proposal(tasks: Tasks, folder: Path, project: Project) -> QWidget:
    source = ProposalSource(
        lambda minutes: request_proposal(project, minutes), lambda _r: JobFolder(folder), lambda: None
    )
    dialog = ProposeDialog(source, JobRunner(make_test_launcher("training_child")), tasks, 30)
    dialog.measure.setChecked(False)
    return dialog


FILLED: dict[str, Callable[[Tasks, Path, Project], QWidget]] = {
    "import that was read": read_import,
    "import that asks for columns": ask_for_columns,
    "cameras": show_cameras,
    "export with losses": show_losses,
    "study": set_up_study,
    "range test": show_range_test,
    "proposal": show_proposal,
}


@pytest.mark.parametrize("name", [*DIALOGS, *(name for name in MORE_DIALOGS if name != "strategies"), *FILLED])
def test_the_buttons_of_every_dialog_are_on_a_small_screen(
    qtbot: QtBot, services: Services, tmp_path: Path, project: Project, name: str
) -> None:
    dialog = {**DIALOGS, **MORE_DIALOGS, **FILLED}[name](services.tasks, tmp_path, project)
    qtbot.addWidget(dialog)
    dialog.show()
    settle(services)
    check_buttons(dialog)


def test_the_settings_have_their_buttons_on_a_small_screen(qtbot: QtBot, services: Services) -> None:
    dialog = SettingsDialog(services.settings)
    qtbot.addWidget(dialog)
    dialog.show()
    settle(services)
    check_buttons(dialog)


def test_what_lies_below_the_edge_of_a_dialog_is_scrolled_to(
    qtbot: QtBot, services: Services, tmp_path: Path, project: Project
) -> None:
    dialog = read_import(services.tasks, tmp_path, project)
    assert isinstance(dialog, ImportDialog)
    qtbot.addWidget(dialog)
    settle(services)
    scroll = find_only(dialog, BodyScroll)
    bar = scroll.verticalScrollBar()
    assert bar.maximum() > 0
    bar.setValue(bar.maximum())
    bottom = dialog.tabs.mapTo(scroll.viewport(), QPoint(0, dialog.tabs.height())).y()
    assert bottom <= scroll.viewport().height()
    assert scroll.viewport().width() >= scroll.widget().width()


def check_buttons(dialog: QWidget) -> None:
    assert dialog.width() <= ROOM.width() and dialog.height() <= ROOM.height(), dialog.size()
    inside = dialog.rect()
    for box in dialog.findChildren(QDialogButtonBox):
        for button in box.findChildren(QAbstractButton):
            if button.isVisible():
                place = QRect(button.mapTo(dialog, QPoint()), button.size())
                assert inside.contains(place), (button.text(), place, inside)


def settle(services: Services) -> None:
    assert services.tasks.wait_idle()
    for _ in range(3):
        QApplication.processEvents()
