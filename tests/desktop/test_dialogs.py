"""Dialogs: they say what is wrong before anything is done, and do what they say in the background."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialogButtonBox, QPushButton
from pytestqt.qtbot import QtBot

from core.project.project import Project
from core.types import Label, Problem
from desktop.dialogs.errors import ErrorParts, parts_of
from desktop.dialogs.label_dialog import LabelDialog
from desktop.dialogs.new_project import NewProjectDialog, folder_problem, free_folder, label_names
from desktop.dialogs.problems import ProblemPanel
from desktop.dialogs.progress import Progress, run_with_progress
from desktop.tasks import Tasks
from tests.builders import write_pictures


@pytest.fixture
def tasks(qtbot: QtBot) -> Iterator[Tasks]:
    tasks = Tasks()
    yield tasks
    tasks.shut_down()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "/data/part.png: truncated; copy it again",
            ErrorParts("/data/part.png", "Truncated.", "Copy it again."),
        ),
        (
            r"C:\data\part.png: cannot be read (denied); check the permissions",
            ErrorParts(r"C:\data\part.png", "Cannot be read (denied).", "Check the permissions."),
        ),
        ("labels: a name is blank", ErrorParts("labels", "A name is blank.", "")),
        ("Nothing more is known", ErrorParts("", "Nothing more is known.", "")),
    ],
)
def test_an_error_is_taken_apart_into_where_what_and_what_to_do(text: str, parts: ErrorParts) -> None:
    assert parts_of(text) == parts


def test_label_names_come_from_a_line_each_once() -> None:
    assert label_names(" scratch, pit ;stain,,scratch ") == ("scratch", "pit", "stain")
    assert label_names("  ") == ()


def test_a_folder_that_can_hold_no_project_is_refused_with_the_reason(tmp_path: Path) -> None:
    Project.create(tmp_path / "taken").close()
    (tmp_path / "file").write_text("x")
    assert folder_problem(tmp_path / "new") == ""
    assert "already" in folder_problem(tmp_path / "taken")
    assert "file" in folder_problem(tmp_path / "file")
    assert "whole path" in folder_problem(Path("somewhere"))
    assert folder_problem(None)


def test_a_suggested_folder_is_one_that_does_not_exist(tmp_path: Path) -> None:
    assert free_folder(tmp_path / "a") == tmp_path / "a"
    (tmp_path / "a").mkdir()
    (tmp_path / "a-2").mkdir()
    assert free_folder(tmp_path / "a") == tmp_path / "a-3"


def test_new_project_can_be_created_only_from_fields_that_are_right(
    qtbot: QtBot, tasks: Tasks, tmp_path: Path
) -> None:
    dialog = NewProjectDialog(tasks, tmp_path)
    qtbot.addWidget(dialog)
    create = _button(dialog, "Create project")
    assert create.isEnabled()
    dialog._images.set_path(tmp_path / "missing")
    assert not create.isEnabled()
    assert "missing" in dialog.problem.text()
    dialog._images.set_path(tmp_path)
    dialog._labels.setText("scratch, pit")
    assert create.isEnabled()
    value = dialog.value()
    assert (value.images, value.labels) == (tmp_path, ("scratch", "pit"))


def test_two_labels_cannot_have_one_name(qtbot: QtBot) -> None:
    scratch, pit = Label(1, "scratch", "#e8443a", "1"), Label(2, "pit", "#2f83f0", "2")
    dialog = LabelDialog(pit, (scratch, pit), title="Label pit")
    qtbot.addWidget(dialog)
    confirm = dialog._buttons.button(QDialogButtonBox.StandardButton.Ok)
    dialog._name.setText("scratch")
    assert not confirm.isEnabled() and "already" in dialog._problem.text()
    dialog._name.setText(" dent ")
    assert confirm.isEnabled()
    assert dialog.value() == Label(2, "dent", "#2f83f0", "2")


def test_a_thousand_problems_are_listed_at_once(qtbot: QtBot) -> None:
    panel = ProblemPanel([Problem(f"part{n}.png", "truncated; skipped") for n in range(1000)])
    qtbot.addWidget(panel)
    assert panel.model.rowCount() == 1000
    assert panel.model.index(999, 0).data() == "part999.png"


def test_work_behind_a_dialog_reports_and_hands_over_its_result(qtbot: QtBot, tasks: Tasks) -> None:
    results: list[int] = []

    def work(progress: Progress) -> int:
        for done in range(1, 6):
            progress(done, 5)
        return 42

    run_with_progress(None, tasks, "Working", work, results.append, _fail)
    assert tasks.wait_idle()
    assert results == [42]


def test_cancelling_stops_the_work_at_its_next_report_and_calls_nobody(qtbot: QtBot, tasks: Tasks) -> None:
    cancelled = threading.Event()
    reports: list[int] = []

    def work(progress: Progress) -> None:
        for done in range(1000):
            progress(done, 1000)
            reports.append(done)
            if done == 3:
                assert cancelled.wait(5)

    dialog = run_with_progress(None, tasks, "Working", work, lambda _: _fail(ValueError("done was called")), _fail)
    qtbot.waitUntil(lambda: len(reports) == 4)
    dialog.reject()
    cancelled.set()
    assert tasks.wait_idle()
    assert reports == [0, 1, 2, 3]


def test_an_error_behind_a_dialog_is_handed_over(qtbot: QtBot, tasks: Tasks) -> None:
    errors: list[str] = []

    def work(_progress: Progress) -> None:
        raise OSError("the disk is gone")

    run_with_progress(None, tasks, "Working", work, _fail, lambda error: errors.append(str(error)))
    assert tasks.wait_idle()
    assert errors == ["the disk is gone"]


def _button(dialog: object, text: str) -> QPushButton:
    (found,) = [button for button in dialog.findChildren(QPushButton) if button.text() == text]  # type: ignore[attr-defined]
    return found


def _fail(error: object) -> None:
    pytest.fail(f"not expected: {error}")
