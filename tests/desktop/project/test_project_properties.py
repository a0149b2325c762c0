"""Properties of a project: the scale, the depth window seen through, the kind of drive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QDoubleSpinBox, QSpinBox
from pytestqt.qtbot import QtBot

from core.project.project import Project
from desktop.base.background import Tasks
from desktop.project.depth_chooser import DepthChooser, Histogram
from desktop.project.properties_dialog import MM, NETWORK, WINDOW, ProjectProperties
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
def deep(tmp_path: Path) -> Path:
    """A grey image of 16 bits with values from 500 to 1,500."""
    values = np.linspace(500, 1500, 64 * 48).reshape(48, 64).astype(np.uint16)
    return write_picture(tmp_path / "deep.png", values)


def chooser_of(dialog: ProjectProperties) -> DepthChooser:
    (found,) = dialog.findChildren(DepthChooser)
    return found


def test_nothing_changed_is_nothing_to_save(qtbot: QtBot, tasks: Tasks, project: Project) -> None:
    project.set_setting(MM, 0.0125)
    project.set_setting(WINDOW, [100, 900])
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


def test_an_image_of_16_bits_suggests_a_window_and_is_seen_through_it(
    qtbot: QtBot, tasks: Tasks, project: Project, deep: Path
) -> None:
    dialog = ProjectProperties(tasks, project, deep)
    qtbot.addWidget(dialog)
    assert tasks.wait_idle()
    assert any("500 to 1,500" in text for text in read_texts(chooser_of(dialog).parentWidget()))
    assert dialog.list_changes() == {}
    find_button(dialog, "Look at images of 16 bits through a window").setChecked(True)
    low, high = chooser_of(dialog).chosen
    assert 400 < low < 520 and 1480 < high < 1600
    assert dialog.list_changes() == {WINDOW: [low, high]}
    shown = chooser_of(dialog).preview
    assert shown is not None
    image = shown.toImage()
    assert image.pixelColor(0, 0).red() < 20 and image.pixelColor(63, 47).red() > 235


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
