"""What the new project dialog says of groups is about the folder that stands in it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QComboBox, QLabel
from pytestqt.qtbot import QtBot

from desktop.project.new_project_dialog import NewProjectDialog
from desktop.services import Services
from tests.builders import write_picture


def read_preview(dialog: NewProjectDialog) -> str:
    return " ".join(label.text() for label in dialog.findChildren(QLabel) if " found" in label.text())


def test_groups_of_another_folder_are_not_shown(qtbot: QtBot, services: Services, tmp_path: Path) -> None:
    for name in ("lot1/a.png", "lot2/b.png"):
        write_picture(tmp_path / "plates" / name)
    (tmp_path / "empty").mkdir()
    dialog = NewProjectDialog(services.tasks, tmp_path)
    qtbot.addWidget(dialog)
    dialog.use_images(tmp_path / "plates")
    groups = next(one for one in dialog.findChildren(QComboBox) if one.accessibleName() == "Images belong together by")
    groups.setCurrentText("By folder")
    qtbot.waitUntil(lambda: "lot1" in read_preview(dialog) and "2 images" in read_preview(dialog))
    dialog.use_images(tmp_path / "empty")
    qtbot.waitUntil(lambda: read_preview(dialog) == "")
