"""Going through many images on the Label page: filters, bulk edits, groups, splits, notes, what was done."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QItemSelectionModel, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit, QMessageBox, QSpinBox, QTableView, QToolButton
from pytestqt.qtbot import QtBot

from core.imaging.cameras import Camera, Cameras
from core.project.edits import box_edits, image_edits
from core.project.images.query import NO_LABEL, Filter, Range, SortKey, Where
from core.project.project import Project
from core.types import Split, Status
from desktop.base.session import Session
from desktop.kit.chips import Chips
from desktop.label.file_notes import FileNotes
from desktop.label.label_page import LabelPage
from desktop.project.group_dialog import PATTERN, GroupImagesDialog, preview_groups, summarize_groups
from desktop.project.split_counts import SplitCounts
from desktop.project.split_dialog import SplitImagesDialog
from desktop.services import Services
from tests.builders import draw, project_with_pictures, write_picture
from tests.desktop.label.label_builders import loaded, shown_page
from tests.desktop.label.page_driver import (
    find_action,
    find_button,
    find_field,
    find_named,
    find_note,
    find_only,
    read_words,
)

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    session = Session()
    project = project_with_pictures(tmp_path / "project", 8)
    # Two with boxes, one clean, five that nothing was said about.
    for image_id in project.image_ids()[:2]:
        draw(project, image_id, labels=["scratch"])
    project.apply(image_edits.set_status(project, [project.image_ids()[2]], Status.CLEAN))
    session.adopt(project)
    yield session
    session.close()


@pytest.fixture
def page(qtbot: QtBot, session: Session, services: Services) -> LabelPage:
    page = shown_page(qtbot, session, services)
    page.resize(1200, 760)
    return page


@pytest.fixture
def ids(session: Session) -> list[int]:
    return _project(session).image_ids()


def _project(session: Session) -> Project:
    assert session.project is not None
    return session.project


def _select(page: LabelPage, image_ids: list[int]) -> None:
    model = page.images.view.selectionModel()
    model.clearSelection()
    for image_id in image_ids:
        model.select(
            page.images.shown.index(page.images.shown.row_of(image_id)), QItemSelectionModel.SelectionFlag.Select
        )


def _chips(page: LabelPage) -> dict[str, QToolButton]:
    return {chip.text(): chip for chip in page.images.filter_bar.chips}


def _answer(monkeypatch: pytest.MonkeyPatch, text: str) -> list[str]:
    """Press the button `text` in the next message boxes; what they said."""
    said: list[str] = []

    def press(box: QMessageBox) -> int:
        said.append(f"{box.text()} {box.informativeText()}")
        next(button for button in box.buttons() if button.text().replace("&", "") == text).click()
        return 0

    monkeypatch.setattr(QMessageBox, "exec", press)
    return said


# Going about


def test_n_goes_to_the_next_unlabelled_image_and_round_the_end(
    qtbot: QtBot, page: LabelPage, session: Session, ids: list[int]
) -> None:
    said: list[str] = []
    session.message.connect(said.append)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_N)
    assert session.image_id == ids[3]
    session.select_image(ids[7])
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_N)
    assert session.image_id == ids[3] and "round" in said[-1]
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_N, SHIFT)
    assert session.image_id == ids[7]
    session.apply(image_edits.set_status(_project(session), ids[3:], Status.CLEAN))
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_N)
    assert said[-1] == "All images are done" and session.image_id == ids[7]


def test_the_next_unlabelled_is_looked_for_among_those_shown_and_others_are_told(
    qtbot: QtBot, page: LabelPage, session: Session, ids: list[int]
) -> None:
    said: list[str] = []
    session.message.connect(said.append)
    page.images.set_filter(Filter(statuses=frozenset({Status.LABELLED})))
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_N)
    assert "5 others" in said[-1] and session.image_id == ids[0]


def test_reviewed_goes_on_among_those_shown_and_what_was_reviewed_stays_in_sight(
    qtbot: QtBot, page: LabelPage, session: Session, ids: list[int]
) -> None:
    page.images.set_filter(Filter(statuses=frozenset({Status.LABELLED})))
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_Space, CONTROL)
    assert session.image_id == ids[1]
    assert _project(session).image(ids[0]).status is Status.REVIEWED
    assert page.images.shown.rowCount() == 2
    again = find_button(page.images, "Apply again")
    assert again.text() == "Apply again (1)" and again.isVisible()
    qtbot.mouseClick(again, Qt.MouseButton.LeftButton)
    assert page.images.shown.image_ids() == [ids[1]]


# Filters


def test_a_filter_is_shown_as_words_that_can_be_taken_away(
    qtbot: QtBot, page: LabelPage, session: Session, ids: list[int]
) -> None:
    scratch, pit, _ = _project(session).labels()
    wanted = Filter(statuses=frozenset({Status.LABELLED}), carries=frozenset({scratch.id}), lacks=frozenset({pit.id}))
    page.images.set_filter(wanted)
    assert page.images.shown.image_ids() == ids[:2]
    assert list(_chips(page)) == ["Labelled", "scratch", "Not pit", "Clear all"]
    _chips(page)["Labelled"].click()
    assert page.images.shown.filter == Filter(carries=frozenset({scratch.id}), lacks=frozenset({pit.id}))
    _chips(page)["Clear all"].click()
    assert not page.images.shown.filter and page.images.shown.rowCount() == 8
    assert not find_only(page.images.filter_bar, Chips).isVisible()


def test_every_field_of_the_filter_window_asks_for_what_it_says(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    project = _project(session)
    scratch, pit, _ = project.labels()
    session.apply(image_edits.put_in_group(project, project.image_ids()[:1], "lot 7"))
    bar = page.images.filter_bar
    bar.offers_wanted.emit()
    popup = bar.popup
    for name in ("Split no split", "Images with scratch", "Images without pit"):
        find_named(popup, QToolButton, name).click()
    find_named(popup, QSpinBox, "Fewest boxes").setValue(1)
    find_named(popup, QSpinBox, "Smallest box at most").setValue(40)
    typed = find_named(popup, QComboBox, "Group").lineEdit()
    typed.setText("LOT 7")
    typed.returnPressed.emit()
    for name, value in (
        ("Where the labels must be", Where.EXACT),
        ("Difficult boxes", False),
        ("Note", False),
        ("Predictions", False),
        ("File", False),
    ):
        choice = find_named(popup, QComboBox, name)
        choice.setCurrentIndex(choice.findData(value))
    assert bar.value == Filter(
        splits=frozenset({Split.NONE}),
        groups=frozenset({"lot 7"}),
        carries=frozenset({scratch.id}),
        where=Where.EXACT,
        lacks=frozenset({pit.id}),
        boxes=Range(1),
        smallest=Range(None, 40),
        difficult=False,
        note=False,
        predicted=False,
        missing=False,
    )
    assert page.images.shown.image_ids() == project.image_ids()[:1]
    assert popup.count_text == "1 of 8 images"
    find_button(popup, "Clear all").click()
    assert bar.value == Filter() and page.images.shown.rowCount() == 8


def test_enter_in_a_list_of_the_filter_window_chooses_and_keeps_the_window(
    page: LabelPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    popup = page.images.filter_bar.popup
    closed: list[bool] = []
    monkeypatch.setattr(popup, "close", lambda: closed.append(True))
    enter = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier)
    find_named(popup, QComboBox, "Note").setFocus()
    popup.keyPressEvent(enter)  # as it comes here after the list took it
    assert not closed
    find_named(popup, QSpinBox, "Fewest boxes").setFocus()
    popup.keyPressEvent(enter)
    assert closed


def test_with_and_without_a_label_exclude_each_other(page: LabelPage, session: Session) -> None:
    scratch = _project(session).labels()[0]
    bar = page.images.filter_bar
    bar.offers_wanted.emit()
    buttons = [find_named(bar.popup, QToolButton, f"Images {way} scratch") for way in ("with", "without")]
    for button in buttons:
        button.click()
    assert [button.isChecked() for button in buttons] == [False, True]
    assert page.images.shown.filter == Filter(lacks=frozenset({scratch.id}))


def test_the_progress_counts_follow_edits_and_filter_when_pressed(
    qtbot: QtBot, page: LabelPage, session: Session, ids: list[int]
) -> None:
    progress = page.images.progress
    assert progress.text == "3 of 8 done · 38%"
    session.apply(image_edits.set_status(_project(session), ids[3:5], Status.CLEAN))
    assert progress.text == "5 of 8 done · 62%"
    clean = dict(zip(Status, progress.fields(), strict=True))[Status.CLEAN]
    clean.click()
    assert page.images.shown.image_ids() == ids[2:5]
    clean.click()
    assert page.images.shown.rowCount() == 8


def test_a_filter_does_not_take_the_current_image_off_the_canvas(
    page: LabelPage, session: Session, ids: list[int]
) -> None:
    page.images.set_filter(Filter(statuses=frozenset({Status.UNLABELLED})))
    assert session.image_id == ids[0] and page.canvas.view.has_image
    assert page.images.position() == (0, 5)
    page.images.step(1)
    assert session.image_id == ids[3]


def test_the_order_can_be_chosen_and_steps_follow_it(page: LabelPage, session: Session, ids: list[int]) -> None:
    page.images.filter_bar.choose_sorting(SortKey.NAME, True)
    assert page.images.shown.image_ids() == ids[::-1]
    page.images.step(1)
    assert session.image_id == ids[0]  # the last row
    page.images.step(-1)
    assert session.image_id == ids[1]


# Many at once


def test_control_a_in_the_list_selects_all_images_and_not_boxes(
    qtbot: QtBot, page: LabelPage, session: Session, ids: list[int]
) -> None:
    page.images.view.setFocus()
    qtbot.keyClick(page.images.view, Qt.Key.Key_A, CONTROL)
    assert page.images.chosen() == ids and page.canvas.selected == frozenset()
    assert page.images.bulk.isVisible() and page.images.bulk.text == "8 chosen"
    page.canvas.view.setFocus()
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_A, CONTROL)
    assert len(page.canvas.selected) == 1


def test_a_selection_is_moved_to_a_split_in_one_edit(
    qtbot: QtBot, page: LabelPage, session: Session, ids: list[int]
) -> None:
    _select(page, ids[:5])
    page.work.set_split(page.images.chosen(), Split.TRAIN)
    assert _project(session).history.undo_name == "Set 5 images to train"
    assert [_project(session).image(i).split for i in ids] == [Split.TRAIN] * 5 + [Split.NONE] * 3
    session.undo("Set 5 images to train")
    assert _project(session).counts().splits["train"] == 0


def test_marking_a_selection_tells_which_images_could_not_be(page: LabelPage, session: Session, ids: list[int]) -> None:
    page.work.set_status(ids[:5], Status.CLEAN)
    assert [_project(session).image(i).status for i in ids[:5]] == ["labelled"] * 2 + ["clean"] * 3
    assert "2 images with boxes cannot be clean" in page.notice.text


@pytest.mark.parametrize(("answer", "moved"), [("Move all 3 images", 3), ("Only the 1 chosen", 1), ("Cancel", 0)])
def test_moving_a_part_of_a_group_asks_about_the_rest(
    page: LabelPage, session: Session, ids: list[int], monkeypatch: pytest.MonkeyPatch, answer: str, moved: int
) -> None:
    project = _project(session)
    session.apply(image_edits.put_in_group(project, ids[:3], "lot 7"))
    session.apply(image_edits.move_to_split(project, ids, Split.TRAIN))
    said = _answer(monkeypatch, answer)
    page.work.set_split(ids[:1], Split.VAL)
    assert project.counts().splits["val"] == moved
    assert len(said) == 1 and "“lot 7”" in said[0] and "2 images" in said[0]


@pytest.mark.parametrize(("answer", "moved"), [("Move all 2 images", 2), ("Cancel", 0)])
def test_moving_one_of_several_copies_asks_about_the_others(
    page: LabelPage,
    session: Session,
    ids: list[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    moved: int,
) -> None:
    project, one = _project(session), ids[0]
    shutil.copy(project.image_path(one), tmp_path / "again.png")
    project.files.add_images([tmp_path / "again.png"])
    session.apply(image_edits.move_to_split(project, project.image_ids(), Split.TRAIN))
    said = _answer(monkeypatch, answer)
    page.work.set_split([one], Split.VAL)
    assert project.counts().splits["val"] == moved
    assert len(said) == 1 and "1 exact copy under another name is in another split" in said[0]


@pytest.mark.parametrize(("answer", "moved"), [("Move all 4 images", 4), ("Only the 1 chosen and their copies", 2)])
def test_copies_go_along_whatever_becomes_of_the_group(
    page: LabelPage,
    session: Session,
    ids: list[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    moved: int,
) -> None:
    project, one = _project(session), ids[0]
    shutil.copy(project.image_path(one), tmp_path / "again.png")
    project.files.add_images([tmp_path / "again.png"])
    session.apply(image_edits.put_in_group(project, ids[:3], "lot 7"))
    session.apply(image_edits.move_to_split(project, project.image_ids(), Split.TRAIN))
    said = _answer(monkeypatch, answer)
    page.work.set_split([one], Split.VAL)
    assert project.counts().splits["val"] == moved
    assert "“lot 7”" in said[0] and "1 exact copy" in said[0]


def test_a_group_that_parts_a_picture_from_its_copy_is_said(
    page: LabelPage, session: Session, ids: list[int], tmp_path: Path
) -> None:
    project = _project(session)
    shutil.copy(project.image_path(ids[0]), tmp_path / "again.png")
    project.files.add_images([tmp_path / "again.png"])
    page.work.set_group(ids[:2], "lot 7")
    assert "in several groups" in page.notice.text and "in group “lot 7”" in page.notice.text
    session.apply(image_edits.move_to_split(project, ids[1:2], Split.TRAIN))
    session.apply(image_edits.move_to_split(project, ids[2:3], Split.VAL))
    page.work.set_group(ids[1:3], "lot 8")
    assert "The group “lot 8” is divided over train, val and test" in page.notice.text


def test_a_group_that_gives_an_image_another_scale_is_said(page: LabelPage, session: Session, tmp_path: Path) -> None:
    project = _project(session)
    project.files.add_images([write_picture(tmp_path / "deep.png", np.full((20, 30), 900, np.uint16))])
    deep = next(image.id for image in project.images() if image.path.endswith("deep.png"))
    cameras = project.depths.cameras().cameras
    page.work.set_group([deep], "lot 6")
    assert "depth scale" not in page.notice.text
    project.depths.set_cameras(Cameras((*cameras, Camera((0, 2000), group="lot 7"))))
    page.work.set_group([deep], "lot 7")
    assert "0 to 2,000 instead of 0 to 1,023 for deep.png" in page.notice.text


def test_taking_out_many_images_asks_first(
    page: LabelPage, session: Session, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop.label.image_work.ASK_FROM", 5)
    said = _answer(monkeypatch, "Cancel")
    page.work.remove_images(ids[:5])
    assert len(_project(session).image_ids()) == 8 and "2 boxes" in said[0]
    _answer(monkeypatch, "Take out")
    page.work.remove_images(ids[:5])
    assert _project(session).image_ids() == ids[5:]
    session.undo("Remove 5 images")
    assert _project(session).image_ids() == ids


# Notes and what was done


def test_a_note_of_several_lines_is_kept_on_leaving_and_found_by_the_search(
    qtbot: QtBot, page: LabelPage, session: Session, ids: list[int]
) -> None:
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_M, CONTROL)
    note = QApplication.focusWidget()
    assert note is find_note(page)
    qtbot.keyClicks(note, "glare, d")
    qtbot.keyClick(note, Qt.Key.Key_Return)
    qtbot.keyClicks(note, "ask again")
    assert session.image_id == ids[0] and _project(session).image(ids[0]).note == ""
    qtbot.keyClick(note, Qt.Key.Key_Escape)
    assert _project(session).image(ids[0]).note == "glare, d\nask again"
    assert page.canvas.view.hasFocus()
    page.images.set_filter(Filter(words="again"))
    assert page.images.shown.image_ids() == [ids[0]]


def test_an_edit_elsewhere_does_not_wipe_out_a_note_that_is_being_typed(
    page: LabelPage, session: Session, ids: list[int]
) -> None:
    find_note(page).setPlainText("half a sen")
    session.apply(image_edits.set_split(_project(session), [ids[0]], Split.VAL))
    assert find_note(page).toPlainText() == "half a sen"


def test_the_history_of_the_image_is_shown_newest_first(
    qtbot: QtBot, page: LabelPage, session: Session, ids: list[int]
) -> None:
    page.side.tabs.setCurrentWidget(page.history)
    session.apply(image_edits.set_split(_project(session), [ids[0]], Split.VAL))
    shown = [page.history.list.item(row).text().split("\n")[0] for row in range(page.history.list.count())]
    assert shown == ["Move to val", "Draw box", "Add 8 images"]
    session.undo()
    assert page.history.list.item(0).text().startswith("Move to val (undone)\ntoday")
    session.select_image(ids[5])
    assert [page.history.list.item(row).text().split("\n")[0] for row in range(page.history.list.count())] == [
        "Add 8 images"
    ]


# The page


def test_the_outer_columns_fold_away_and_stay_so(
    qtbot: QtBot, page: LabelPage, session: Session, services: Services
) -> None:
    before = page.canvas.view.width()
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_B, CONTROL)
    assert not page.images.isVisible()
    qtbot.waitUntil(lambda: page.canvas.view.width() > before)
    other = LabelPage(session, services)
    qtbot.addWidget(other)
    other.show()
    assert not other.images.isVisible() and other.side.isVisible()
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_Slash)
    assert page.images.isVisible() and page.images.filter_bar.search.hasFocus()


def test_what_is_odd_about_a_file_is_said_once(page: LabelPage) -> None:
    notes = find_only(page, FileNotes)
    assert notes.text == "" and not notes.isVisible()
    notes.show_notes(["has 4 pages; only the first is shown and used"])
    assert notes.text == "This file has 4 pages; only the first is shown and used." and notes.isVisible()
    find_named(notes, QToolButton, "Do not say this again").click()
    notes.show_notes(["has 4 pages; only the first is shown and used"])
    assert not notes.isVisible()


# Dialogs


def test_groups_are_seen_before_they_are_made(
    qtbot: QtBot, page: LabelPage, session: Session, services: Services
) -> None:
    project = _project(session)
    dialog = GroupImagesDialog(services.tasks, {"All 8 images": project.images()}, page)
    dialog.show()
    find_button(dialog, "File name").setChecked(True)
    pattern = find_named(dialog, QLineEdit, "Pattern of the file name")
    made = find_named(dialog, QTableView, "Groups that would be made")
    pattern.setText("part{group}.png")
    qtbot.waitUntil(lambda: len(dialog.read_groups()) == 8)
    assert any("8 groups of 8 images" in text for text in read_words(dialog)) and dialog.confirm.isEnabled()
    assert made.model().index(0, 2).data() == "part1.png"
    pattern.setText("part{grp}.png")
    qtbot.waitUntil(lambda: "there is no {grp}" in dialog.problem.text())
    assert dialog.read_groups() == {} and not dialog.confirm.isEnabled() and made.model().rowCount() == 0
    dialog.reject()


def test_grouping_that_divides_a_group_over_splits_is_told(session: Session, ids: list[int]) -> None:
    project = _project(session)
    project.apply(image_edits.move_to_split(project, ids[:1], Split.TRAIN))
    project.apply(image_edits.move_to_split(project, ids[1:2], Split.VAL))
    found = preview_groups(project.images(), PATTERN, "{group:4}{*}")
    assert found.divided == ("part",)
    assert summarize_groups(found.grouping) == "1 group of 8 images."


def test_the_split_dialog_shows_the_counts_by_label_that_will_be(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    project = _project(session)
    dialog = SplitImagesDialog(project, page)
    dialog.show()
    qtbot.waitUntil(lambda: "As the images will be divided" in read_words(dialog))
    counts = find_only(dialog, SplitCounts).model()
    assert counts.index(0, 0).data() == "All images" and counts.index(1, 0).data() == "scratch"
    edit = dialog.build_edit()
    placed = [fields.split for fields in (edit.fields_after or {}).values()]
    assert [counts.index(0, column).data().split()[0] for column in (1, 2, 3)] == [
        str(placed.count(split)) for split in (Split.TRAIN, Split.VAL, Split.TEST)
    ]
    # Two scratches cannot be in three splits.
    assert any("carries “scratch”" in text for text in read_words(dialog))
    dialog.reject()


def test_tab_goes_through_the_list_from_top_to_bottom(qtbot: QtBot, page: LabelPage) -> None:
    page.images.focus_search()
    order = [*page.images.filter_bar.fields(), *page.images.progress.fields(), page.images.view]
    reached = [QApplication.focusWidget()]
    for _ in order[1:]:
        qtbot.keyClick(reached[-1], Qt.Key.Key_Tab)
        reached.append(QApplication.focusWidget())
    assert reached == order


def test_review_asks_for_the_label_of_a_box_that_has_none(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    project, image_id = _project(session), session.image_id or 0
    session.apply(box_edits.add_box(project, image_id, (30, 20, 40, 30), ()))
    loaded(qtbot, page)
    find_action(page, "reviewed").trigger()
    assert project.image(image_id).status is Status.LABELLED and session.image_id == image_id
    assert "A box has no label yet" in page.notice.text
    bare = next(box for box in project.boxes(image_id) if not box.labels)
    picker = page.editing.picker
    assert page.canvas.selected == {bare.id} and picker.isVisible()
    qtbot.keyClicks(find_field(picker), "pit")
    qtbot.keyClick(find_field(picker), Qt.Key.Key_Return)
    picker.dismiss()
    find_action(page, "reviewed").trigger()
    assert project.image(image_id).status is Status.REVIEWED


def test_the_list_finds_images_with_boxes_that_have_no_label(page: LabelPage, session: Session) -> None:
    project, image_id = _project(session), _project(session).image_ids()[4]
    session.apply(box_edits.add_box(project, image_id, (30, 20, 40, 30), ()))
    page.images.set_filter(Filter(carries=frozenset({NO_LABEL})))
    assert page.images.shown.image_ids() == [image_id]
