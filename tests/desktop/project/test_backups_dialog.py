"""Backups in the window: taken by the hour and at closing, listed, and put back with the project opened again."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from core.project import backup
from core.project.project import Project
from desktop.project.backups_dialog import BackupsDialog, describe_restoring
from desktop.services import Services
from desktop.shell.main_window import MainWindow
from tests.builders import draw, project_with_pictures
from tests.desktop.kit.form_driver import find_table, read_texts


def test_closing_takes_a_backup_and_closing_again_unchanged_takes_none(
    qtbot: QtBot, window: MainWindow, services: Services, tmp_path: Path
) -> None:
    project = project_with_pictures(tmp_path / "parts", 2)
    draw(project, project.image_ids()[0])
    window.session.adopt(project)
    window.action_set["close_project"].trigger()
    (taken,) = backup.list_backups(tmp_path / "parts")
    assert (taken.images, taken.boxes) == (2, 1)
    window.open_project(tmp_path / "parts")
    files = services.files
    files.look_now()
    qtbot.waitUntil(lambda: bool(files.listed_folders))
    window.action_set["close_project"].trigger()
    assert [one.path for one in backup.list_backups(tmp_path / "parts")] == [taken.path]


def test_the_hour_takes_a_backup_in_the_background(window: MainWindow, services: Services, tmp_path: Path) -> None:
    window.session.adopt(project_with_pictures(tmp_path / "parts", 1))
    keeping = window.project_actions.backups
    assert keeping.hourly.isActive() and keeping.hourly.interval() == 3_600_000
    keeping.hourly.timeout.emit()
    assert services.tasks.wait_idle()
    assert len(backup.list_backups(tmp_path / "parts")) == 1
    window.action_set["close_project"].trigger()
    assert not keeping.hourly.isActive()


def test_a_backup_that_cannot_be_written_is_told_and_the_project_closes(
    window: MainWindow, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = project_with_pictures(tmp_path / "parts", 1)
    window.session.adopt(project)
    backups = tmp_path / "parts" / "backups"
    backups.rmdir()
    backups.write_text("a file where the folder must be")
    window.project_actions.backups.back_up()
    assert services.tasks.wait_idle()
    notice = window.project_actions.notice
    assert notice.isVisible() and "backup" in notice.text and notice.button.text() == "Try again"
    said: list[str] = []
    monkeypatch.setattr("desktop.project.back_up.show_error", lambda _w, title, error: said.append(f"{title}. {error}"))
    window.action_set["close_project"].trigger()
    assert len(said) == 1 and "closed without a new backup" in said[0]
    assert window.session.project is None
    Project.open(tmp_path / "parts").close()


def test_the_list_tells_what_each_backup_holds(qtbot: QtBot, services: Services, tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "parts", 2) as project:
        backup.back_up(project)
        draw(project, project.image_ids()[0])
        dialog = BackupsDialog(services.tasks, project)
        qtbot.addWidget(dialog)
        assert services.tasks.wait_idle()
        assert find_table(dialog).model().rowCount() == 1
        dialog.back_up_now()
        assert services.tasks.wait_idle()
        rows = [[find_table(dialog).model().index(row, column).data() for column in (1, 2)] for row in range(2)]
        assert rows == [["2", "1"], ["2", "0"]]
        dialog.back_up_now()
        assert services.tasks.wait_idle()
        assert any("Nothing changed" in text for text in read_texts(dialog))
        assert dialog.confirm.isEnabled()


def test_a_damaged_backup_is_listed_and_cannot_be_restored(qtbot: QtBot, services: Services, tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "parts", 1) as project:
        taken = backup.back_up(project)
        assert taken is not None
        taken.path.write_bytes(b"x" * 5000)
        dialog = BackupsDialog(services.tasks, project)
        qtbot.addWidget(dialog)
        assert services.tasks.wait_idle()
        assert find_table(dialog).model().index(0, 4).data() == "damaged"
        assert not dialog.confirm.isEnabled()
        assert taken.path.name in dialog.problem.text()


def test_restoring_says_what_happens_and_opens_the_project_as_it_was(
    window: MainWindow, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = project_with_pictures(tmp_path / "parts", 2)
    backup.back_up(project)
    draw(project, project.image_ids()[0])
    window.session.adopt(project)
    said: list[str] = []

    def press(box: QMessageBox) -> int:
        said.append(box.informativeText())
        next(button for button in box.buttons() if button.text() == "Restore").click()
        return 0

    monkeypatch.setattr("desktop.kit.error_box.QMessageBox.exec", press)

    def choose(dialog: BackupsDialog) -> int:
        assert services.tasks.wait_idle()
        dialog.accept()
        return dialog.result()

    monkeypatch.setattr(BackupsDialog, "exec", choose)
    window.action_set["backups"].trigger()
    assert services.tasks.wait_idle()
    assert "1 box now; the backup has 2 images and 0 boxes" in said[0]
    again = window.session.project
    assert again is not None and again is not project
    assert (again.counts().images, again.counts().boxes) == (2, 0)
    assert sorted(one.boxes for one in backup.list_backups(tmp_path / "parts")) == [0, 1]


def test_cancelling_the_question_restores_nothing(
    qtbot: QtBot, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with project_with_pictures(tmp_path / "parts", 1) as project:
        backup.back_up(project)
        dialog = BackupsDialog(services.tasks, project)
        qtbot.addWidget(dialog)
        assert services.tasks.wait_idle()
        monkeypatch.setattr("desktop.kit.error_box.QMessageBox.exec", lambda _box: 0)
        dialog.accept()
        assert not dialog.result()
        assert "kept as one more backup" in describe_restoring(project.counts(), backup.list_backups(project.folder)[0])


def test_what_is_to_be_known_of_an_opening_is_shown(window: MainWindow, tmp_path: Path) -> None:
    project = project_with_pictures(tmp_path / "parts", 1)
    project.notices = ("The project was not closed properly; it is whole.",)
    window.session.adopt(project)
    assert window.banner.isVisible() and "not closed properly" in window.banner.text
