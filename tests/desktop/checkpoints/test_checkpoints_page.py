from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from core.inspection.evaluation_key import find_key, hash_truth
from core.operations.launcher import make_launcher
from core.project.edits import image_edits
from core.project.evaluations import StoredEvaluation, save_evaluation
from core.project.project import Project
from core.project.snapshot import take_snapshot
from core.settings import Settings
from core.types import Split
from desktop.base.background import Tasks
from desktop.base.session import Session
from desktop.checkpoints.checkpoint_detail import list_recipe_lines
from desktop.checkpoints.checkpoint_table import COLUMNS, accepts_record
from desktop.checkpoints.checkpoints_page import CheckpointsPage
from desktop.checkpoints.deletion_texts import ask_deletion, describe_deletion
from desktop.kit import formatting
from desktop.services import Services
from desktop.viewer.thumbnails import ThumbnailLoader
from tests.builders import draw, picture, project_with_pictures, write_picture
from tests.desktop.answers import answer_question
from tests.desktop.model_builders import write_checkpoint
from tests.desktop.window_builders import make_services

LABELS = ("scratch", "pit")
Key = Qt.Key


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    project = Project.create(tmp_path / "project", LABELS)
    write_checkpoint(project, "r001", "best", epoch=8, map50=0.61, created="2025-03-01T10:00:00+00:00", size=300_000)
    write_checkpoint(project, "r001", "last", epoch=10, map50=0.58, created="2025-03-01T11:00:00+00:00")
    write_checkpoint(
        project, "r002", "best", epoch=20, map50=0.83, created="2025-03-02T09:00:00+00:00", model="ssd300_vgg16"
    )
    write_checkpoint(
        project, "r002", "last", epoch=21, map50=None, created="2025-03-02T10:00:00+00:00", model="ssd300_vgg16"
    )
    opened = Session()
    opened.adopt(project)
    yield opened
    opened.close()


def build_page(qtbot: QtBot, session: Session, tmp_path: Path) -> CheckpointsPage:
    tasks = Tasks()
    page = CheckpointsPage(
        session, Services(tasks, Settings(tmp_path / "settings"), ThumbnailLoader(tasks), make_launcher())
    )
    qtbot.addWidget(page)
    page.resize(1200, 700)
    page.show()
    page.activated()
    return page


@pytest.fixture
def page(qtbot: QtBot, session: Session, tmp_path: Path) -> CheckpointsPage:
    return build_page(qtbot, session, tmp_path)


def shown(page: CheckpointsPage) -> list[str]:
    return [record.id for record in page.list.list_shown()]


def cell(page: CheckpointsPage, checkpoint_id: str, key: str) -> str:
    return str(page.list.find_cell(checkpoint_id, key).data())


def click(qtbot: QtBot, page: CheckpointsPage, checkpoint_id: str, key: str, *, control: bool = False) -> None:
    index = page.list.find_cell(checkpoint_id, key)
    modifier = Qt.KeyboardModifier.ControlModifier if control else Qt.KeyboardModifier.NoModifier
    qtbot.mouseClick(
        page.list.table.viewport(), Qt.MouseButton.LeftButton, modifier, page.list.table.visualRect(index).center()
    )


def test_runs_that_appeared_on_the_disk_are_listed_newest_first(page: CheckpointsPage) -> None:
    assert shown(page) == ["r002-best", "r002-last", "r001-best", "r001-last"]
    assert cell(page, "r002-best", "map50") == "0.830"
    assert cell(page, "r002-best", "map") == "0.498"
    assert cell(page, "r002-last", "map50") == formatting.NONE
    assert cell(page, "r001-best", "size") == "300 kB"
    assert cell(page, "r001-best", "best") == "best"
    assert cell(page, "r001-last", "best") == ""


def test_numbers_stand_at_the_right(page: CheckpointsPage) -> None:
    for key, shown_column in COLUMNS.items():
        side = page.list.find_cell("r001-best", key).data(Qt.ItemDataRole.TextAlignmentRole)
        assert bool(side & Qt.AlignmentFlag.AlignRight) == shown_column.number


def test_sorting_by_map_puts_unjudged_checkpoints_last(page: CheckpointsPage) -> None:
    page.list.by_run.setChecked(False)
    page.list.sort_by("map50", Qt.SortOrder.DescendingOrder)
    assert shown(page) == ["r002-best", "r001-best", "r001-last", "r002-last"]
    page.list.sort_by("epoch", Qt.SortOrder.AscendingOrder)
    assert shown(page) == ["r001-best", "r001-last", "r002-best", "r002-last"]


def test_filters_by_words_model_and_toggles(page: CheckpointsPage, session: Session) -> None:
    page.list.search.setText("vgg last")
    assert shown(page) == ["r002-last"]
    assert page.list.count.text() == "1 of 4"
    page.list.search.setText("")
    page.list.best.setChecked(True)
    assert shown(page) == ["r002-best", "r001-best"]
    page.list.models.setCurrentIndex(page.list.models.findData("ssd_compact"))
    assert shown(page) == ["r001-best"]
    page.list.starred.setChecked(True)
    assert shown(page) == []


def test_a_click_on_the_star_and_the_key_s_star_for_good(qtbot: QtBot, page: CheckpointsPage, session: Session) -> None:
    project = session.project
    assert project is not None
    click(qtbot, page, "r001-best", "star")
    assert [record.id for record in project.runs.list_checkpoints() if record.star] == ["r001-best"]
    assert cell(page, "r001-best", "star") == "★"
    click(qtbot, page, "r001-last", "id")
    qtbot.keyClick(page.list.table, Key.Key_S)
    assert {record.id for record in project.runs.list_checkpoints() if record.star} == {"r001-best", "r001-last"}
    qtbot.keyClick(page.list.table, Key.Key_S)
    assert {record.id for record in project.runs.list_checkpoints() if record.star} == {"r001-best"}
    assert [record.id for record in page.list.list_selected()] == ["r001-last"]


def test_the_keys_of_the_page_are_heard_wherever_no_text_is_typed(
    qtbot: QtBot, page: CheckpointsPage, session: Session
) -> None:
    asked: list[str] = []
    session.inspect_requested.connect(asked.append)
    assert session.project is not None
    runs = session.project.runs
    click(qtbot, page, "r001-last", "id")
    page.detail.resume_button.setFocus()
    qtbot.keyClick(page.detail.resume_button, Key.Key_S)
    assert [record.id for record in runs.list_checkpoints() if record.star] == ["r001-last"]
    qtbot.keyClick(page.detail.resume_button, Key.Key_Return)  # of the button, not of the table
    search = next(field for field in page.list.findChildren(QLineEdit) if field.placeholderText())
    search.setFocus()
    for key in (Key.Key_S, Key.Key_Backspace, Key.Key_Delete, Key.Key_Return):
        qtbot.keyClick(search, key)
    assert asked == [] and len(runs.list_checkpoints()) == 4
    assert [record.id for record in runs.list_checkpoints() if record.star] == ["r001-last"]


def test_a_note_is_written_in_the_table_and_keys_in_it_are_letters(
    qtbot: QtBot, page: CheckpointsPage, session: Session
) -> None:
    index = page.list.find_cell("r001-best", "note")
    page.list.table.setCurrentIndex(index)
    page.list.table.edit(index)
    editor = page.list.table.viewport().findChild(QLineEdit)
    assert editor is not None
    qtbot.keyClicks(editor, "misses thin scratches")
    qtbot.keyClick(editor, Key.Key_Return)
    project = session.project
    assert project is not None

    def note() -> str:
        return next(record.note for record in project.runs.list_checkpoints() if record.id == "r001-best")

    qtbot.waitUntil(lambda: note() == "misses thin scratches")
    assert not any(record.star for record in project.runs.list_checkpoints())
    page.list.search.setText("thin")
    assert shown(page) == ["r001-best"]


def test_enter_and_the_button_ask_for_inspection_and_for_training(
    qtbot: QtBot, page: CheckpointsPage, session: Session
) -> None:
    asked: list[tuple[str, str]] = []
    session.inspect_requested.connect(lambda name: asked.append(("inspect", name)))
    session.continue_requested.connect(lambda name: asked.append(("continue", name)))
    click(qtbot, page, "r002-best", "id")
    for key in (Key.Key_Return, Key.Key_Enter):
        qtbot.keyClick(page.list.table, key)
    page.detail.predict_button.click()
    page.detail.resume_button.click()
    assert asked == [("inspect", "r002-best")] * 3 + [("continue", "r002-best")]
    click(qtbot, page, "r001-best", "id", control=True)
    assert not page.detail.predict_button.isEnabled()
    qtbot.keyClick(page.list.table, Key.Key_Return)
    assert len(asked) == 4


def test_delete_names_file_and_size_and_deletes_only_after_consent(
    qtbot: QtBot, page: CheckpointsPage, session: Session
) -> None:
    assert session.project is not None
    path = next(record.path for record in session.project.runs.list_checkpoints() if record.id == "r001-best")
    click(qtbot, page, "r001-best", "id")
    said = answer_question("Cancel")
    qtbot.keyClick(page.list.table, Key.Key_Delete)
    assert path.exists()
    assert "best.safetensors of r001 (300 kB)" in said[0]
    assert str(path) in said[0]
    answer_question("Delete")
    page.detail.delete_button.click()
    assert not path.exists()
    assert "r001-best" not in shown(page)


def test_several_are_deleted_at_once(qtbot: QtBot, page: CheckpointsPage, session: Session) -> None:
    click(qtbot, page, "r001-best", "id")
    click(qtbot, page, "r002-last", "id", control=True)
    said = answer_question("Delete")
    page.detail.delete_button.click()
    assert said[0].startswith("Delete 2 checkpoints")
    assert shown(page) == ["r002-best", "r001-last"]


def test_the_detail_pane_shows_labels_recipe_and_file(qtbot: QtBot, page: CheckpointsPage, session: Session) -> None:
    click(qtbot, page, "r002-best", "id")
    bars = page.detail.bars.bars
    assert [bar.name for bar in bars] == list(LABELS)
    assert all(bar.value is not None for bar in bars)
    assert any("best.safetensors" in text for text in page.detail.list_facts())
    assert "average precision" in bars[0].tooltip
    assert "scratch" in page.list.find_cell("r001-best", "star").data(Qt.ItemDataRole.ToolTipRole)


def test_reveal_opens_the_folder_and_says_where_it_is_gone(
    qtbot: QtBot, page: CheckpointsPage, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    # The only thing that is not real here: opening a file manager on the machine that runs the tests.
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()) or True)
    click(qtbot, page, "r001-best", "id")
    page.detail.reveal_button.click()
    assert opened == [str(page.list.list_selected()[0].path.parent)]


def test_an_empty_project_says_what_to_do(qtbot: QtBot, tmp_path: Path) -> None:
    session = Session()
    page = build_page(qtbot, session, tmp_path)
    assert "Open a project" in page.absence
    session.adopt(Project.create(tmp_path / "empty", LABELS))
    assert "Train page" in page.absence
    session.close()


def test_a_read_only_project_can_be_looked_at_but_not_changed(qtbot: QtBot, session: Session, tmp_path: Path) -> None:
    assert session.project is not None
    folder = session.project.folder
    session.close()
    session.open(folder, read_only=True)
    page = build_page(qtbot, session, tmp_path)
    assert len(shown(page)) == 4
    click(qtbot, page, "r001-best", "star")
    qtbot.keyClick(page.list.table, Key.Key_S)
    qtbot.keyClick(page.list.table, Key.Key_Delete)
    assert cell(page, "r001-best", "star") == "☆"
    assert not page.detail.delete_button.isEnabled()
    assert not page.list.find_cell("r001-best", "note").flags() & Qt.ItemFlag.ItemIsEditable


def test_questions_before_deleting_tell_what_will_be_missed(session: Session) -> None:
    project = session.project
    assert project is not None
    project.runs.sync_folders()
    project.runs.set_star("r001-best", True)
    records = project.runs.list_checkpoints()
    best = [record for record in records if record.id == "r001-best"]
    assert ask_deletion(best) == "Delete best.safetensors of r001 (300 kB)?"
    assert "starred" in describe_deletion(best)
    assert "best of its run" in describe_deletion(best)
    assert "2 are the best of a run" in describe_deletion(records)
    assert "and 4 more" in describe_deletion(records * 3)


@pytest.mark.parametrize("state", ["stopped", "paused", "interrupted", "failed", "finished", "running"])
def test_the_question_before_the_save_that_a_run_resumes_from_is_deleted_says_so(session: Session, state: str) -> None:
    project = session.project
    assert project is not None
    project.runs.sync_folders()
    last = [record for record in project.runs.list_checkpoints() if record.path.name == "last.safetensors"][:1]
    runs = [replace(run, state=state) for run in project.runs.list_runs()]
    told = describe_deletion(last, runs)
    lost = f"r001 is {state}, and Resume goes on from last.safetensors, after epoch {last[0].epoch}. Without it, "
    assert (lost + "it cannot be resumed any more." in told) == (state not in ("finished", "running"))
    last[0].path.with_name("previous.safetensors").touch()
    assert (lost + "it goes on from the save before" in describe_deletion(last, runs)) == (lost in told)


def test_every_word_of_the_filter_must_occur(session: Session) -> None:
    assert session.project is not None
    session.project.runs.sync_folders()
    record = session.project.runs.list_checkpoints()[0]
    assert accepts_record(record, ["r001", "pit"], "", False, False)
    assert not accepts_record(record, ["r001", "nothing"], "", False, False)


@pytest.mark.parametrize(
    ("iso", "expected"),
    [
        ("2025-03-05T08:30:00+00:00", "today 09:30"),
        ("2025-03-04T23:30:00+00:00", "today 00:30"),
        ("2025-03-04T10:00:00+00:00", "yesterday 11:00"),
        ("2025-02-03T09:10:00+00:00", "3 Feb 10:10"),
        ("2023-11-03T09:10:00+00:00", "3 Nov 2023"),
        ("long ago", "long ago"),
    ],
)
def test_dates_are_told_as_people_tell_them(iso: str, expected: str) -> None:
    now = datetime(2025, 3, 5, 15, 0, tzinfo=UTC).astimezone(ZoneInfo("Europe/Berlin"))
    assert formatting.date(iso, now) == expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (4_240_000, "4.2 MB"), (123_400_000, "123 MB")],
)
def test_sizes_are_short(count: int, expected: str) -> None:
    assert formatting.size(count) == expected


def test_a_recipe_of_another_program_is_summarised_as_far_as_it_goes() -> None:
    assert list_recipe_lines({}) == []
    assert list_recipe_lines({"strategy": "odd", "seed": 3, "schedule": {"epochs": 20}}) == [
        ("Epochs", "20"),
        ("Seed", "3"),
    ]


def test_figures_that_were_measured_on_pictures_which_were_replaced_say_so(qtbot: QtBot, tmp_path: Path) -> None:
    project = project_with_pictures(tmp_path / "parts", 3)
    ids = project.image_ids()
    for image_id in ids:
        draw(project, image_id)
    project.apply(image_edits.set_split(project, ids[:2], Split.VAL))
    project.apply(image_edits.set_split(project, ids[2:], Split.TRAIN))
    path = write_checkpoint(project, "r001", "best")
    take_snapshot(project).save(path.parents[1] / "snapshot.json")
    write_checkpoint(project, "r002", "best")
    session = Session()
    session.adopt(project)
    services = make_services(tmp_path, make_launcher())
    page = CheckpointsPage(session, services)
    qtbot.addWidget(page)
    page.activated()
    rows = {record.id: row for row, record in enumerate(page.list.list_shown())}
    page.list.table.selectRow(rows["r001-best"])
    assert services.tasks.wait_idle()
    assert "2 validation images" in page.detail.list_facts() and page.detail.warning == ""
    write_picture(project.image_path(ids[0]), picture(seed=70))
    write_picture(project.image_path(ids[2]), picture(seed=71))  # nothing was judged by this one
    services.files.states_changed.emit(frozenset(ids))
    assert services.tasks.wait_idle()
    assert page.detail.warning.startswith("1 of the 2 validation images holds another picture now, such as part1.png")
    # A run without a snapshot says nothing of its images.
    page.list.table.selectRow(rows["r002-best"])
    assert services.tasks.wait_idle()
    assert page.detail.warning == "" and not any("validation" in fact for fact in page.detail.list_facts())
    services.tasks.shut_down()
    session.close()


def keep_on(session: Session, checkpoint_id: str, split: str, map50: float) -> None:
    """An evaluation of the project as it is now."""
    project = session.project
    assert project is not None
    path = next(record.path for record in project.runs.list_checkpoints() if record.id == checkpoint_id)
    snapshot = take_snapshot(project)
    key = find_key(path, snapshot, split, hash_truth(snapshot.label_names, snapshot.of_split(split)))
    figures = {"map50": map50, "map": map50 / 2, "labels": {"scratch": {"ap50": map50}, "pit": {"ap50": None}}}
    save_evaluation(path, StoredEvaluation(key, "evaluate", 8, 0, figures))


def test_what_was_judged_since_the_training_is_shown_until_boxes_change(
    page: CheckpointsPage, qtbot: QtBot, session: Session, tmp_path: Path
) -> None:
    project = session.project
    assert project is not None
    write_picture(tmp_path / "one.png", picture())
    project.files.add_images([tmp_path / "one.png"])
    [image] = project.image_ids()
    draw(project, image)
    project.apply(image_edits.set_split(project, [image], Split.TEST))
    keep_on(session, "r002-last", "test", 0.75)
    page.activated()
    qtbot.waitUntil(lambda: cell(page, "r002-last", "judged") == "test 0.750")
    assert cell(page, "r001-best", "judged") == ""
    click(qtbot, page, "r002-last", "id")
    assert page.detail.judged_text.startswith("test: mAP@0.5 0.750, mAP 0.375 on 8 images, by defectdesk evaluate")
    # It was not judged when it was trained: these are its figures.
    assert page.detail.list_averages() == [("mAP@0.5 on test", "0.750"), ("mAP@[.5:.95] on test", "0.375")]
    draw(project, image, (30, 30, 44, 44))
    page.activated()
    qtbot.waitUntil(lambda: cell(page, "r002-last", "judged") == "test 0.750*")
    assert "Outdated: images, boxes or labels changed since" in page.detail.judged_text
    click(qtbot, page, "r002-best", "id")
    assert page.detail.judged_text == "" and page.detail.list_averages()[0] == ("mAP@0.5", "0.830")
