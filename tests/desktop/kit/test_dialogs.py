"""Dialogs: they say what is wrong before anything is done, and do what they say in the background."""

from __future__ import annotations

import csv
import errno
import threading
import time
from collections.abc import Iterator
from pathlib import Path, PurePath

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from core.project.project import Project
from core.types import Label, Problem
from desktop.base.background import Tasks
from desktop.base.theme import apply_theme
from desktop.kit.dialog_frame import Paragraph
from desktop.kit.error_box import ErrorParts, error_text, parts_of
from desktop.kit.path_field import PathField
from desktop.kit.problem_table import visible
from desktop.kit.problems_dialog import ProblemPanel
from desktop.kit.progress_dialog import Pace, Progress, finish_behind_dialog, pace_text, run_with_progress
from desktop.label.labels.label_dialog import LabelDialog
from desktop.project.new_project_dialog import (
    NewProjectDialog,
    SampleDialog,
    folder_problem,
    free_folder,
    label_names,
)
from tests.builders import write_pictures
from tests.desktop.kit.form_driver import choose_entry, enter_text, find_button, find_field, read_texts


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


def test_new_project_can_be_created_only_from_fields_that_are_right(qtbot: QtBot, tasks: Tasks, tmp_path: Path) -> None:
    dialog = NewProjectDialog(tasks, tmp_path)
    qtbot.addWidget(dialog)
    create = _button(dialog, "Create project")
    assert create.isEnabled()
    enter_text(dialog, "Folder with images", tmp_path / "missing")
    assert not create.isEnabled()
    assert "missing" in dialog.problem.text()
    enter_text(dialog, "Folder with images", tmp_path)
    enter_text(dialog, "Labels", "scratch, pit")
    assert create.isEnabled()
    value = dialog.read_project()
    assert (value.images, value.labels) == (tmp_path, ("scratch", "pit"))


def test_two_labels_cannot_have_one_name(qtbot: QtBot) -> None:
    scratch, pit = Label(1, "scratch", "#e8443a", "1"), Label(2, "pit", "#2f83f0", "2")
    dialog = LabelDialog(pit, (scratch, pit), title="Label pit")
    qtbot.addWidget(dialog)
    confirm = find_button(dialog, "OK")
    (name,) = dialog.findChildren(QLineEdit)
    name.setText("scratch")
    assert not confirm.isEnabled() and any("already" in text for text in read_texts(dialog))
    name.setText(" dent ")
    assert confirm.isEnabled()
    assert dialog.value() == Label(2, "dent", "#2f83f0", "2")


def test_a_thousand_problems_are_listed_at_once(qtbot: QtBot) -> None:
    panel = ProblemPanel([Problem(f"part{n}.png", "truncated; skipped") for n in range(1000)])
    qtbot.addWidget(panel)
    assert panel.model.rowCount() == 1000
    assert panel.model.index(999, 0).data() == "part999.png"


def test_problems_are_searched_sorted_and_saved_as_they_are_shown(qtbot: QtBot, tmp_path: Path) -> None:
    problems = [
        Problem("/data/b.png", "truncated; skipped"),
        Problem("/data/A.png", "empty; skipped"),
        Problem('=cmd|"/c calc"', "not an image, skipped"),
    ]
    panel = ProblemPanel()
    qtbot.addWidget(panel)
    panel.show_problems(problems, PurePath("/data"))
    panel.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    assert [panel.model.index(row, 0).data() for row in range(3)] == ["A.png", "b.png", '=cmd|"/c calc"']
    panel.save(tmp_path / "all.csv")
    rows = list(csv.reader((tmp_path / "all.csv").read_text("utf-8-sig").splitlines()))
    assert rows == [
        ["File", "Problem"],
        ["/data/A.png", "empty; skipped"],
        ["/data/b.png", "truncated; skipped"],
        ['\'=cmd|"/c calc"', "not an image, skipped"],
    ]
    before = (tmp_path / "all.csv").read_bytes()
    assert panel.save(tmp_path / "all.csv") == tmp_path / "all-2.csv"
    assert (tmp_path / "all.csv").read_bytes() == (tmp_path / "all-2.csv").read_bytes() == before
    panel.search.setText("SKIPPED trunc")
    assert [problem.file for problem in panel.model.shown] == ["/data/b.png"]
    assert "1 of 3" in read_texts(panel)
    panel.table.selectRow(0)
    assert "/data/b.png\ntruncated; skipped" in read_texts(panel)


def test_a_name_cannot_turn_the_text_about_it() -> None:
    assert visible("photo\u202egpj.exe") == "photo[202E]gpj.exe"
    assert visible("שלום.png") == "שלום.png"
    assert visible("two\nlines") == "two lines"


def test_the_pace_is_of_the_last_seconds() -> None:
    pace = Pace()
    assert pace.rate() is None
    for second in range(20):
        pace.mark(second, second * 10)
    assert pace.rate() == 10
    for second in range(20, 30):
        pace.mark(second, 190 + (second - 19) * 100)
    assert pace.rate() == 100
    pace.mark(31, 5)  # another part of the work begins
    assert pace.rate() is None


@pytest.mark.parametrize(
    ("done", "total", "rate", "text"),
    [
        (3200, 10000, 450.0, "3,200 of 10,000 images · 450 a second · 15 s left"),
        (10, 5000, 2.5, "10 of 5,000 images · 2.5 a second · 33 min 20 s left"),
        (10, 100_000, 10.0, "10 of 100,000 images · 10 a second · 2 h 47 min left"),
        (5, 10, None, "5 of 10 images"),
        (10, 10, 3.0, "10 of 10 images"),
    ],
)
def test_progress_is_told_with_rate_and_remaining_time(done: int, total: int, rate: float | None, text: str) -> None:
    assert pace_text(done, total, rate, "images") == text


def test_work_that_cannot_be_cancelled_offers_no_cancel_and_ends_by_itself(qtbot: QtBot, tasks: Tasks) -> None:
    went_on = threading.Event()
    error = finish_behind_dialog(None, tasks, "Closing", lambda _progress: went_on.set())
    assert error is None and went_on.is_set()

    def fail(_progress: Progress) -> None:
        time.sleep(0.4)  # long enough for the dialog to be shown
        raise OSError("the disk is gone")

    error = finish_behind_dialog(None, tasks, "Closing", fail)
    assert str(error) == "the disk is gone"


@pytest.mark.parametrize(
    ("code", "says"), [(errno.ENOSPC, "the disk is full; free some space"), (errno.EROFS, "check the permissions")]
)
def test_what_the_system_says_is_put_in_words(code: int, says: str) -> None:
    text = error_text(OSError(code, "system words", "/data/out.csv"))
    assert text.startswith("/data/out.csv: ") and says in text


def test_labels_come_from_a_file_and_a_pattern_is_tried_on_the_images(
    qtbot: QtBot, tasks: Tasks, tmp_path: Path
) -> None:
    for lot in ("lot1", "lot2"):
        write_pictures(tmp_path / "images" / lot, 2)
    (tmp_path / "classes.txt").write_text("scratch\n\npit, deep\nscratch\n")
    dialog = NewProjectDialog(tasks, tmp_path)
    qtbot.addWidget(dialog)
    dialog.take_labels(tmp_path / "classes.txt")
    assert find_field(dialog, QLineEdit, "Labels").text() == "scratch, pit, deep"
    dialog.take_labels(tmp_path / "nothing.txt")
    assert "nothing.txt" in dialog.problem.text()
    dialog.use_images(tmp_path / "images")
    assert find_field(dialog, QLineEdit, "Folder of the project").text() == str(tmp_path / "images-project")
    qtbot.waitUntil(lambda: any(text.startswith("4 images found") for text in read_texts(dialog)))
    choose_entry(dialog, "Images belong together by", 1)
    assert "4 images found, 2 groups: lot1 (2), lot2 (2)." in read_texts(dialog)
    choose_entry(dialog, "Images belong together by", 2)
    enter_text(dialog, "Pattern of the file names", "{group")
    assert not dialog.confirm.isEnabled() and "pattern" in dialog.problem.text()
    enter_text(dialog, "Pattern of the file names", "{group}.png")
    assert any("2 groups: part1 (2), part2 (2)" in text for text in read_texts(dialog))
    group = dialog.read_project().group
    assert group is not None and list(group(["a/part1.png", "a/x.jpg"])) == ["part1", None]


def test_a_label_that_is_none_is_refused_while_it_is_typed(qtbot: QtBot, tasks: Tasks, tmp_path: Path) -> None:
    dialog = NewProjectDialog(tasks, tmp_path)
    qtbot.addWidget(dialog)
    enter_text(dialog, "Labels", "scratch, " + "x" * 200)
    assert not dialog.confirm.isEnabled()
    assert "longer than" in dialog.problem.text()


def test_a_paragraph_is_as_high_as_its_text(qtbot: QtBot) -> None:
    paragraph = Paragraph("many words " * 30)
    qtbot.addWidget(paragraph)
    paragraph.resize(200, 10)
    paragraph.show()
    assert paragraph.minimumHeight() >= paragraph.heightForWidth(200) > 5 * paragraph.fontMetrics().lineSpacing()


def test_the_button_that_does_it_is_named_in_full(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> None:
    apply_theme(qapp, "dark")
    dialog = SampleDialog(tmp_path)
    qtbot.addWidget(dialog)
    dialog.show()
    text = dialog.confirm.fontMetrics().horizontalAdvance(dialog.confirm.text())
    assert dialog.confirm.width() >= text + 20


def test_a_path_that_a_file_manager_drops_is_a_path(qtbot: QtBot, tmp_path: Path) -> None:
    field = PathField("either", "Annotations", "")
    qtbot.addWidget(field)
    field.line.setText(f"file://{tmp_path}/a%20b.json")
    assert field.path == tmp_path / "a b.json"


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
