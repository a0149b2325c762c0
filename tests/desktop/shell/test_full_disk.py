"""A disk that is really full: the window says so, and nothing is left half-written."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from core.project import backup
from core.project.project import Project
from desktop.project.export_dialog import ExportDialog
from desktop.services import Services
from desktop.shell.main_window import MainWindow
from tests.builders import draw, project_with_pictures, write_picture, write_pictures
from tests.desktop.kit.form_driver import enter_text, find_button


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB of its own."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small file system can only be mounted by root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    for module in ("flow_context", "back_up", "open_project"):
        monkeypatch.setattr(
            f"desktop.project.{module}.show_error", lambda _w, title, error: said.append(f"{title}: {error}")
        )
    return said


@pytest.fixture
def window(qtbot: QtBot, services: Services, said: list[str], small: Path) -> Iterator[MainWindow]:
    """Closed while the small file system is still there."""
    window = MainWindow(services)
    qtbot.addWidget(window)
    window.show()
    yield window
    window.session.close()


def test_an_export_that_does_not_fit_leaves_nothing_behind(
    window: MainWindow,
    services: Services,
    said: list[str],
    small: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (900, 900, 3), np.uint8)  # 2.4 MB as PNG
    write_picture(tmp_path / "images" / "large.png", noise)
    project = Project.create(tmp_path / "parts", ["scratch"])
    project.files.add_images([tmp_path / "images"])
    draw(project, project.image_ids()[0])
    window.session.adopt(project)

    def ask(dialog: ExportDialog) -> int:
        enter_text(dialog, "Folder of the export", small / "out")
        find_button(dialog, "Copy the image files as well").setChecked(True)
        return 1

    monkeypatch.setattr(ExportDialog, "exec", ask)
    window.action_set["export_annotations"].trigger()
    assert services.tasks.wait_idle()
    assert len(said) == 1 and "could not be exported" in said[0] and "No space left" in said[0]
    assert list(small.iterdir()) == []


def test_adding_to_a_project_on_a_full_disk_says_so_and_adds_nothing(
    window: MainWindow, services: Services, said: list[str], small: Path, tmp_path: Path
) -> None:
    write_pictures(tmp_path / "images", 300)
    project = project_with_pictures(small / "parts", 2)
    window.session.adopt(project)
    _fill(small)
    window.project_actions.adder.add_paths([tmp_path / "images"])
    assert services.tasks.wait_idle(30_000)
    assert len(said) == 1 and "The images could not be added" in said[0] and "disk is full" in said[0]
    assert len(project.image_ids()) == 2
    (small / "rest").unlink()
    window.project_actions.adder.add_paths([tmp_path / "images"])
    assert services.tasks.wait_idle(30_000)
    assert len(project.image_ids()) == 302


def test_a_backup_that_does_not_fit_is_told_and_the_older_ones_stay(
    window: MainWindow, services: Services, said: list[str], small: Path
) -> None:
    project = project_with_pictures(small / "parts", 2)
    kept = backup.back_up(project)
    assert kept is not None
    draw(project, project.image_ids()[0])
    window.session.adopt(project)
    _fill(small)
    window.project_actions.backups.back_up()
    assert services.tasks.wait_idle()
    notice = window.project_actions.notice
    assert notice.isVisible() and "No backup could be taken" in notice.text and "disk is full" in notice.text
    assert [one.path for one in backup.list_backups(project.folder)] == [kept.path]
    window.action_set["close_project"].trigger()
    assert len(said) == 1 and "closed without a new backup" in said[0]
    assert [file.name for file in (small / "parts" / "backups").iterdir()] == [kept.path.name]


def _fill(folder: Path) -> None:
    """Write until nothing more fits."""
    with (folder / "rest").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass


def test_a_project_in_a_folder_that_cannot_be_written_can_be_looked_at(
    window: MainWindow, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = project_with_pictures(small / "parts", 2)
    draw(project, project.image_ids()[0])
    project.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    asked: list[str] = []

    def press(box: QMessageBox) -> int:
        asked.append(box.informativeText())
        next(button for button in box.buttons() if button.text() == "Open read-only").click()
        return 0

    monkeypatch.setattr("desktop.kit.error_box.QMessageBox.exec", press)
    window.open_project(small / "parts")
    assert len(asked) == 1 and "annot be written" in asked[0]
    shown = window.session.project
    assert shown is not None and shown.read_only and shown.counts().boxes == 1
    assert "read-only" in window.action_set["add_images"].toolTip()
