"""Properties of a project: the scale, the depth window seen through, the kind of drive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QSpinBox
from pytestqt.qtbot import QtBot

from core.imaging.cameras import Camera, Cameras
from core.project.project import Project
from desktop.base.background import Tasks
from desktop.project.depth_chooser import DepthChooser, Histogram
from desktop.project.properties_dialog import CAMERAS, MM, NETWORK, ProjectProperties
from tests.builders import project_with_pictures, write_picture
from tests.desktop.kit.form_driver import choose_entry, find_button, find_field, read_texts


@pytest.fixture
def tasks(qtbot: QtBot) -> Iterator[Tasks]:
    tasks = Tasks()
    yield tasks
    tasks.shut_down()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with project_with_pictures(tmp_path / "parts", 1) as project:
        yield project


@pytest.fixture
def deep(tmp_path: Path, project: Project) -> Path:
    """A grey image of the project, of 16 bits with values from 500 to 1,500."""
    values = np.linspace(500, 1500, 64 * 48).reshape(48, 64).astype(np.uint16)
    path = write_picture(tmp_path / "deep.png", values)
    project.files.add_images([path])
    return path


def chooser_of(dialog: ProjectProperties) -> DepthChooser:
    (found,) = dialog.findChildren(DepthChooser)
    return found


def test_nothing_changed_is_nothing_to_save(qtbot: QtBot, tasks: Tasks, project: Project) -> None:
    project.set_setting(MM, 0.0125)
    project.depths.set_cameras(Cameras.of_window((100, 900)))
    dialog = ProjectProperties(tasks, project, None)
    qtbot.addWidget(dialog)
    assert find_field(dialog, QDoubleSpinBox, "Millimetres per pixel").value() == 0.0125
    assert chooser_of(dialog).chosen == (100, 900)
    assert dialog.list_changes() == {}


def test_two_lengths_give_the_scale(qtbot: QtBot, tasks: Tasks, project: Project) -> None:
    dialog = ProjectProperties(tasks, project, None)
    qtbot.addWidget(dialog)
    find_field(dialog, QDoubleSpinBox, "Length in pixels").setValue(250)
    assert dialog.list_changes() == {}
    find_field(dialog, QDoubleSpinBox, "The same length in millimetres").setValue(10)
    assert dialog.list_changes() == {MM: pytest.approx(0.04)}
    find_field(dialog, QDoubleSpinBox, "Millimetres per pixel").setValue(0)
    assert dialog.list_changes() == {}


def test_the_kind_of_drive_can_be_declared(qtbot: QtBot, tasks: Tasks, project: Project) -> None:
    dialog = ProjectProperties(tasks, project, None)
    qtbot.addWidget(dialog)
    choose_entry(dialog, "Drive", 1)
    assert dialog.list_changes() == {NETWORK: True}


def test_an_image_of_16_bits_is_seen_through_its_camera_and_can_suggest_a_window(
    qtbot: QtBot, tasks: Tasks, project: Project, deep: Path
) -> None:
    dialog = ProjectProperties(tasks, project, deep)
    qtbot.addWidget(dialog)
    assert tasks.wait_idle()
    assert any("500 to 1,500" in text for text in read_texts(chooser_of(dialog).parentWidget()))
    assert dialog.list_changes() == {} and chooser_of(dialog).chosen == (0, 4095)
    find_button(dialog, "Suggest").click()
    low, high = chooser_of(dialog).chosen
    assert 400 < low < 520 and 1480 < high < 1600
    assert dialog.list_changes() == {CAMERAS: [{"window": [low, high], "channels": 1, "bits": 16}]}
    shown = chooser_of(dialog).preview
    assert shown is not None
    image = shown.toImage()
    assert image.pixelColor(0, 0).red() < 20 and image.pixelColor(63, 47).red() > 235


def test_each_camera_is_shown_with_its_own_scale_and_an_image_of_it(
    qtbot: QtBot, tasks: Tasks, project: Project, deep: Path, tmp_path: Path
) -> None:
    bright = write_picture(tmp_path / "line-2" / "bright.png", np.full((48, 64), 60000, np.uint16))
    project.files.add_images([bright])
    general = project.depths.cameras().cameras
    project.depths.set_cameras(Cameras((*general, Camera((0, 65535), folder="line-2", channels=1, bits=16))))
    dialog = ProjectProperties(tasks, project, deep)
    qtbot.addWidget(dialog)
    assert tasks.wait_idle()
    choice = next(one for one in dialog.findChildren(QComboBox) if one.accessibleName() == "Camera")
    names = [choice.itemText(row) for row in range(choice.count())]
    assert names == ["grey, 16 bits (1 image)", "grey, 16 bits, folder line-2 (1 image)"]
    choice.setCurrentIndex(1)
    assert tasks.wait_idle()
    assert chooser_of(dialog).chosen == (0, 65535)
    shown = chooser_of(dialog).preview
    assert shown is not None and shown.toImage().pixelColor(5, 5).red() == 233
    chooser_of(dialog).set_window((0, 60000))
    assert [one["window"] for one in dialog.list_changes()[CAMERAS]] == [list(general[0].window), [0, 60000]]


def test_an_image_of_8_bits_has_no_window(qtbot: QtBot, tasks: Tasks, project: Project) -> None:
    dialog = ProjectProperties(tasks, project, project.image_path(project.image_ids()[0]))
    qtbot.addWidget(dialog)
    assert tasks.wait_idle()
    assert any("8 bits" in text for text in read_texts(chooser_of(dialog).parentWidget()))


def test_a_read_only_project_can_be_looked_at(qtbot: QtBot, tasks: Tasks, project: Project) -> None:
    with Project.open(project.folder, read_only=True) as copy:
        dialog = ProjectProperties(tasks, copy, None)
        qtbot.addWidget(dialog)
        assert not dialog.confirm.isEnabled()
        assert "read-only" in dialog.problem.text()


def test_low_stays_below_high_however_they_are_moved(qtbot: QtBot) -> None:
    chooser = DepthChooser()
    qtbot.addWidget(chooser)
    told: list[tuple[int, int]] = []
    chooser.changed.connect(lambda: told.append(chooser.chosen))
    find_field(chooser, QSpinBox, "White at").setValue(1000)
    find_field(chooser, QSpinBox, "Black at").setValue(5000)
    assert chooser.chosen == (5000, 5001)
    find_field(chooser, QSpinBox, "White at").setValue(10)
    assert chooser.chosen == (9, 10)
    assert told == [(0, 1000), (5000, 5001), (9, 10)]


def test_the_ends_of_the_histogram_are_dragged(qtbot: QtBot) -> None:
    chooser = DepthChooser()
    qtbot.addWidget(chooser)
    chooser.show_samples(np.linspace(0, 1023, 4096).reshape(64, 64).astype(np.uint16))
    chooser.set_window((256, 768))
    histogram = chooser.findChild(Histogram)
    assert histogram is not None
    chooser.resize(600, 400)
    chooser.show()
    width, middle = histogram.width(), histogram.height() // 2
    qtbot.mousePress(histogram, Qt.MouseButton.LeftButton, pos=QPoint(round(width * 0.26), middle))
    qtbot.mouseMove(histogram, QPoint(round(width * 0.1), middle))
    qtbot.mouseRelease(histogram, Qt.MouseButton.LeftButton, pos=QPoint(round(width * 0.1), middle))
    low, high = chooser.chosen
    assert low < 300 and high == 768
