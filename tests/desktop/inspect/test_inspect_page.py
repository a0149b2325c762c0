"""The Inspect page: what it lists, counts and draws, and how it follows the user and the project."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from core.inspection.error_counts import count_errors
from core.inspection.matched_images import match_images
from core.project.edits import box_edits, image_edits, label_edits
from core.project.snapshot import take_snapshot
from core.types import Label, Split
from desktop.base.background import Tasks
from desktop.base.session import Session
from desktop.inspect.inspect_page import InspectPage
from desktop.services import Services
from tests.builders import draw, picture, project_with_pictures, write_picture
from tests.core.inspection.matched_builders import found, truth
from tests.desktop.inspect.inspect_builders import build_page, find_checkpoint, list_rows, project_of
from tests.desktop.model_builders import write_checkpoint, write_predictions

Key = Qt.Key


def test_the_newest_checkpoint_on_val_is_shown_worst_image_first(page: InspectPage, session: Session) -> None:
    assert page.bar.checkpoint_id == "r002-best"
    assert page.bar.split == "val"
    shown = list_rows(page)
    assert {row[0] for row in shown} == set(project_of(session).image_ids()[:8])
    errors = [missed + false for _, missed, false, _ in shown]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 0
    assert page.workspace.image_id == shown[0][0]
    assert page.workspace.stage.left.view.has_image
    assert page.workspace.stage.left.visible_marks()


@pytest.mark.parametrize(
    ("taken", "told"),
    [
        (0, ""),
        (3, "It was trained on 3 of these 8 images: expect more errors on new ones."),
        (8, "It was trained on these images: expect more errors on new ones."),
    ],
)
def test_images_that_it_has_learnt_from_are_told_whatever_their_split_is_now(
    qtbot: QtBot, session: Session, services: Services, taken: int, told: str
) -> None:
    project = project_of(session)
    record = find_checkpoint(session, "r002-best")
    judged = [image.id for image in project.images() if image.split == Split.VAL]
    project.apply(image_edits.set_split(project, judged[:taken], Split.TRAIN))
    project.apply(
        image_edits.set_split(project, [image for image in project.image_ids() if image not in judged], Split.TEST)
    )
    take_snapshot(project).save(record.path.parents[1] / "snapshot.json")
    project.apply(image_edits.set_split(project, judged, Split.VAL))
    write_predictions(project, record, "all")
    page = build_page(qtbot, session, services)
    assert page.bar.note.text() == told


def test_list_strip_and_label_table_count_the_same(page: InspectPage) -> None:
    missed, false, right = (sum(row[column] for row in list_rows(page)) for column in (1, 2, 3))
    precision, recall = (float(text) for text in page.workspace.column.strip.list_texts()[:2])
    assert precision == pytest.approx(right / (right + false), abs=6e-4)
    assert recall == pytest.approx(right / (right + missed), abs=6e-4)
    table = page.workspace.column.labels
    by_label = [[int(table.item(row, column).text()) for column in (4, 5, 6)] for row in range(table.rowCount())]
    assert [sum(column) for column in zip(*by_label, strict=True)] == [right, false, missed]


def test_the_threshold_answers_at_once_and_more_is_missed_above(page: InspectPage) -> None:
    page.workspace.stage.score.set_value(0.05)
    low = list_rows(page)
    page.workspace.stage.score.set_value(0.95)
    high = list_rows(page)
    assert sum(row[1] for row in high) > sum(row[1] for row in low)
    assert sum(row[2] for row in high) < sum(row[2] for row in low)
    assert page.workspace.stage.score.text == "0.950"


def test_keys_walk_the_list_switch_the_truth_and_move_the_threshold(
    qtbot: QtBot, page: InspectPage, tasks: Tasks
) -> None:
    page.activateWindow()
    page.workspace.images.table.setFocus()
    ids = [row[0] for row in list_rows(page)]
    for key, expected in ((Key.Key_D, 1), (Key.Key_D, 2), (Key.Key_A, 1), (Key.Key_A, 0), (Key.Key_A, 0)):
        QTest.keyClick(page.workspace.images.table, key)
        tasks.wait_idle()
        assert page.workspace.image_id == ids[expected]
    QTest.keyClick(page.workspace.images.table, Key.Key_T)
    assert not page.workspace.stage.chips["truth"].isChecked()
    assert all(mark.kind != "found" for mark in page.workspace.stage.left.visible_marks())
    before = page.workspace.stage.score.slider.value()
    QTest.keyClick(page.workspace.images.table, Key.Key_BracketRight)
    QTest.keyClick(page.workspace.images.table, Key.Key_BracketRight)
    QTest.keyClick(page.workspace.images.table, Key.Key_BracketLeft)
    assert page.workspace.stage.score.slider.value() == before + 10


def test_the_current_image_stays_while_the_order_changes(page: InspectPage, tasks: Tasks) -> None:
    page.workspace.images.step_image(3)
    tasks.wait_idle()
    current = page.workspace.image_id
    for threshold in (0.9, 0.1, 0.6):
        page.workspace.stage.score.set_value(threshold)
        index = page.workspace.images.table.currentIndex()
        assert page.workspace.images.image_id(index.row()) == current == page.workspace.image_id


def test_sort_and_errors_only(page: InspectPage) -> None:
    page.workspace.images.sorts.setCurrentText("Name")
    assert [row[0] for row in list_rows(page)] == sorted(row[0] for row in list_rows(page))
    page.workspace.images.sorts.setCurrentText("Most missed")
    missed = [row[1] for row in list_rows(page)]
    assert missed == sorted(missed, reverse=True)
    page.workspace.stage.score.set_value(0.4)
    everything = list_rows(page)
    page.workspace.images.only_errors.setChecked(True)
    assert list_rows(page) == [row for row in everything if row[1] + row[2]]


def test_a_click_on_a_label_shows_that_label_only_and_another_click_all(page: InspectPage) -> None:
    page.workspace.stage.score.set_value(0.3)
    whole = list_rows(page)
    table = page.workspace.column.labels
    pit = [table.item(row, 0).text() for row in range(3)].index("pit")
    table.itemClicked.emit(table.item(pit, 0))
    right, false, missed = (int(table.item(pit, column).text()) for column in (4, 5, 6))
    assert [sum(row[column] for row in list_rows(page)) for column in (1, 2, 3)] == [missed, false, right]
    assert all(pit in mark.labels for mark in page.workspace.stage.left.visible_marks())
    current = next(row for row in list_rows(page) if row[0] == page.workspace.image_id)
    assert [page.workspace.stage.chips[name].text().split()[-1] for name in ("fn", "fp", "tp")] == [
        str(count) for count in current[1:]
    ]
    assert [index.row() for index in table.selectionModel().selectedRows()] == [pit]
    assert page.workspace.column.all_labels.isVisible()
    table.itemClicked.emit(table.item(pit, 0))
    assert list_rows(page) == whole


def test_the_labels_are_gone_through_and_chosen_by_keys(qtbot: QtBot, page: InspectPage) -> None:
    page.workspace.stage.score.set_value(0.3)
    whole, table = list_rows(page), page.workspace.column.labels
    table.setFocus(Qt.FocusReason.TabFocusReason)
    assert table.currentRow() == 0
    qtbot.keyClick(table, Qt.Key.Key_Down)
    qtbot.keyClick(table, Qt.Key.Key_Return)
    assert [index.row() for index in table.selectionModel().selectedRows()] == [1]
    assert list_rows(page) != whole and page.workspace.column.all_labels.isVisible()
    qtbot.keyClick(table, Qt.Key.Key_Space)
    assert list_rows(page) == whole


def test_a_pointed_box_shows_all_its_scores(qtbot: QtBot, page: InspectPage) -> None:
    page.workspace.stage.score.set_value(0.3)
    shown = page.workspace.stage.left
    view = shown.view
    mark = next(mark for mark in shown.visible_marks() if mark.source == "detection")
    rect = view.rect_to_widget(mark.xyxy)
    pointed = shown.mark_at(rect.center())
    assert pointed is not None
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=rect.center().toPoint())
    panel = page.workspace.column.panel
    assert panel.title.isVisible()
    assert {bar.name for bar in panel.bars.bars} == {"scratch", "pit", "stain"}
    values = [bar.value or 0 for bar in panel.bars.bars]
    assert values == sorted(values, reverse=True)
    assert pointed.source == "truth" or sum(bool(bar.verdict) for bar in panel.bars.bars) == len(pointed.labels)
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=view.to_widget(QPointF(1, 45)).toPoint())
    assert panel.prompt.isVisible()


def test_side_by_side_shows_truth_and_detections_at_the_same_place(qtbot: QtBot, page: InspectPage) -> None:
    page.workspace.stage.side_by_side.setChecked(True)
    left, right = page.workspace.stage.left, page.workspace.stage.right
    assert {mark.source for mark in left.visible_marks()} == {"truth"}
    assert {mark.source for mark in right.visible_marks()} <= {"detection"}
    left.view.zoom_to(9.0, QPointF(100, 100))
    assert right.view.scale == left.view.scale == 9.0
    right.view.pan_by(QPointF(-30, 12))
    assert left.view.to_widget(QPointF(5, 5)) == right.view.to_widget(QPointF(5, 5))


def test_a_stricter_iou_finds_less(page: InspectPage, tasks: Tasks) -> None:
    page.workspace.stage.score.set_value(0.3)
    before = sum(row[3] for row in list_rows(page))
    page.workspace.stage.ious.setCurrentIndex(page.workspace.stage.ious.findData(0.9))
    tasks.wait_idle()
    assert page.workspace.matched.iou == 0.9
    assert page.workspace.stage.threshold == 0.3
    assert sum(row[3] for row in list_rows(page)) < before


def test_the_truth_shown_is_the_present_one(page: InspectPage, session: Session, tasks: Tasks) -> None:
    project = project_of(session)
    image_id = page.workspace.image_id
    page.workspace.stage.score.set_value(0.99)
    before = next(row for row in list_rows(page) if row[0] == image_id)
    session.apply(box_edits.add_box(project, image_id, (2, 40, 20, 47), {project.labels()[0].id}))
    tasks.wait_idle()
    after = next(row for row in list_rows(page) if row[0] == image_id)
    assert after[1] == before[1] + 1
    assert page.workspace.image_id == image_id


def test_images_without_predictions_are_counted_and_predicting_again_is_offered(
    page: InspectPage, session: Session, tasks: Tasks
) -> None:
    project = project_of(session)
    path = write_picture(project.folder / "images" / "new.png", seed=99)
    changes, _ = project.files.add_images([path])
    session.notify(changes)
    new = next(image.id for image in project.images() if image.path.endswith("new.png"))
    draw(project, new)
    session.apply(image_edits.set_split(project, [new], Split.VAL))
    tasks.wait_idle()
    assert new not in {row[0] for row in list_rows(page)}
    assert "1 image has no predictions yet" in page.bar.note.text()
    assert page.bar.button.text() == "Predict"


def test_a_replaced_picture_is_marked_and_shows_no_predictions(
    page: InspectPage, session: Session, tasks: Tasks
) -> None:
    project, images, stage = project_of(session), page.workspace.images, page.workspace.stage
    first = page.workspace.image_id
    assert first is not None
    before = page.workspace.column.strip.list_texts()
    page.deactivated()
    write_picture(project.image_path(first), picture(seed=70))
    page.activated()
    assert tasks.wait_idle()
    assert "1 image holds another picture than was labelled and predicted" in page.bar.note.text()
    assert page.workspace.matched is not None and first not in page.workspace.matched.image_ids
    assert page.workspace.column.strip.list_texts() != before
    # It stays in the list, marked, without a figure and without a mark on it.
    last, name = images.shown - 1, project.image_path(first).stem
    assert images.shown == 8 and images.image_id(last) == first
    assert [images.model.index(last, column).data() for column in range(4)] == [name, "–", "–", "–"]
    assert images.model.index(last, 0).data(Qt.ItemDataRole.AccessibleTextRole) == f"{name}, changed"
    assert "holds another picture" in images.model.index(last, 0).data(Qt.ItemDataRole.ToolTipRole)
    images.choose_image(first)
    assert page.workspace.image_id == first and not stage.left.view.has_image
    assert f"{name}.png is not judged" in stage.left.view.message
    stage.score.set_value(0.05)
    images.step_image(-1)
    assert tasks.wait_idle() and stage.left.view.has_image
    images.only_errors.setChecked(True)
    assert first not in [images.image_id(row) for row in range(images.shown)]


def test_a_picture_that_was_taken_over_is_predicted_again_by_the_button(
    qtbot: QtBot, page: InspectPage, session: Session, services: Services, tasks: Tasks
) -> None:
    project = project_of(session)
    first = project.image_ids()[0]
    path = write_picture(project.image_path(first), picture(seed=70))
    services.files.states_changed.emit(frozenset([first]))
    assert tasks.wait_idle() and "1 image holds another picture" in page.bar.note.text()
    session.notify(project.files.relocate_images({first: path}, other_content=True))
    assert tasks.wait_idle()
    assert "1 image was predicted when the file held another picture" in page.bar.note.text()
    assert page.bar.button.text() == "Predict again" and page.bar.button.property("role") == "primary"
    with qtbot.waitSignal(page.inspect_session.prediction.ended):
        page.bar.button.click()
    assert tasks.wait_idle()
    assert "held another picture" not in page.bar.note.text()
    assert first in page.workspace.matched.image_ids


def test_labels_that_only_one_side_knows_are_told(session: Session, qtbot: QtBot, services: Services) -> None:
    project = project_of(session)
    record = find_checkpoint(session, "r002-best")
    write_predictions(project, record, "all", labels=("scratch", "dent"))
    page = build_page(qtbot, session, services)
    assert page.workspace.matched.label_names == ("scratch", "pit", "stain", "dent")
    assert "does not know pit and stain" in page.bar.note.text()
    assert "no label dent" in page.bar.note.text()


def test_renaming_a_label_keeps_its_predictions_apart(page: InspectPage, session: Session, tasks: Tasks) -> None:
    project = project_of(session)
    renamed = [
        Label(label.id, "groove" if label.name == "scratch" else label.name, label.color) for label in project.labels()
    ]
    session.apply(label_edits.set_labels(project, renamed))
    tasks.wait_idle()
    assert page.workspace.matched.unknown_to_model == ("groove",)
    assert page.workspace.matched.not_in_project == ("scratch",)


def test_correcting_opens_the_image_on_the_label_page(page: InspectPage, session: Session) -> None:
    asked: list[str] = []
    session.page_requested.connect(asked.append)
    page.workspace.images.step_image(2)
    page.workspace.stage.open_button.click()
    assert asked == ["Label"]
    assert session.image_id == page.workspace.image_id


def test_without_project_checkpoints_or_images_the_page_says_what_to_do(
    qtbot: QtBot, services: Services, tasks: Tasks, tmp_path: Path
) -> None:
    session = Session()
    page = build_page(qtbot, session, services)
    assert "Open a project" in page.absence
    project = project_with_pictures(tmp_path / "bare", 2)
    session.adopt(project)
    assert "Train page" in page.absence
    write_checkpoint(project, "r001", "best")
    session.notify(project.runs.sync_folders())
    tasks.wait_idle()
    assert "No labelled or clean image" in page.absence
    assert not page.bar.button.isEnabled()
    session.close()


def test_an_image_that_cannot_be_read_is_told_and_the_next_is_shown(
    page: InspectPage, session: Session, tasks: Tasks
) -> None:
    second = page.workspace.images.image_id(1)
    project_of(session).image_path(second).write_bytes(b"broken")
    page.workspace.pictures.forget()
    page.workspace.images.step_image(1)
    tasks.wait_idle()
    assert "part" in page.workspace.stage.left.view.message
    page.workspace.images.step_image(1)
    tasks.wait_idle()
    assert page.workspace.stage.left.view.has_image
    assert page.workspace.stage.left.view.message == ""


def test_a_thousand_images_follow_the_slider_within_a_frame_or_three(page: InspectPage) -> None:
    """By the time of the processor, whatever else it does; the usual one is below 10 ms."""
    random = np.random.default_rng(0)
    names = ("scratch", "stain")
    truths, detections = [], []
    for _ in range(1000):
        low = random.uniform(0, 500, (60, 2))
        boxes = [tuple(box) for box in np.concatenate([low, low + random.uniform(10, 60, (60, 2))], axis=1)]
        truths.append(truth(*((box, (0,)) for box in boxes[:6])))
        detections.append(found(*((box, tuple(random.uniform(0, 1, 2))) for box in boxes)))
    data = match_images(range(1000), truths, detections, names, names, 0.5)
    model = page.workspace.images.model
    model.set_images(data.image_ids, [Path(f"/images/{number}.png") for number in range(1000)])
    spent = []
    for threshold in np.linspace(0.05, 0.95, 15):
        began = time.thread_time()
        counts = count_errors(data, float(threshold))
        model.set_counts(*(part.sum(axis=1) for part in (counts.tp, counts.fp, counts.fn)))
        spent.append(time.thread_time() - began)
    assert float(np.median(spent)) < 0.05


def test_ignored_boxes_are_drawn_named_and_counted(page: InspectPage, session: Session, tasks: Tasks) -> None:
    project, stage, column = project_of(session), page.workspace.stage, page.workspace.column
    assert not stage.chips["ignored"].isVisible() and not column.ignored.isVisible()
    image_id = page.workspace.image_id
    stage.score.set_value(0.01)
    hard = project.boxes(image_id)[1]
    session.apply(box_edits.toggle_difficult(project, image_id, [hard.id]))
    tasks.wait_idle()
    assert page.workspace.image_id == image_id and stage.chips["ignored"].isVisible()
    marks = [mark for mark in stage.left.visible_marks() if mark.kind == "ignored"]
    assert hard.xyxy in [mark.xyxy for mark in marks if mark.source == "truth"]
    counts = stage.chips["ignored"].text().split()
    assert counts == ["Ignored", str(len(marks))]
    assert column.ignored.text().startswith("Ignored: 1 box, difficult or without a label, and ")
    stage.select_mark(next(mark for mark in marks if mark.source == "truth"))
    assert column.panel.title.text() == "Ignored box" and "nothing is missed here" in column.panel.reasons.text()
    stage.toggle_marks("ignored")
    assert all(mark.kind != "ignored" for mark in stage.left.visible_marks())


def test_edits_that_wait_for_the_disk_are_in_the_truth(page: InspectPage, session: Session, tasks: Tasks) -> None:
    project = project_of(session)
    image_id = page.workspace.image_id
    page.workspace.stage.score.set_value(0.99)
    before = next(row for row in list_rows(page) if row[0] == image_id)
    edit = box_edits.add_box(project, image_id, (2, 40, 20, 47), {project.labels()[0].id})
    session.hold_edit(edit, "the disk is full")
    tasks.wait_idle()
    after = next(row for row in list_rows(page) if row[0] == image_id)
    assert after[1] == before[1] + 1 and len(project.boxes(image_id)) == 2


def test_hidden_names_come_back_at_what_is_pointed_at(qtbot: QtBot, page: InspectPage) -> None:
    stage = page.workspace.stage
    page.activateWindow()
    page.workspace.images.table.setFocus()
    assert len(stage.left.named_marks()) > 1
    QTest.keyClick(page.workspace.images.table, Key.Key_H, Qt.KeyboardModifier.ShiftModifier)
    assert stage.hide_names.isChecked() and stage.left.named_marks() == []
    mark = stage.left.visible_marks()[-1]
    stage.select_mark(mark)
    assert stage.left.named_marks() == [mark]
    stage.hide_names.setChecked(False)
    assert len(stage.left.named_marks()) > 1


# -- the list keeps its place


def test_the_image_is_found_again_after_another_checkpoint_or_split(page: InspectPage, tasks: Tasks) -> None:
    images = page.workspace.images
    images.step_image(4)
    assert tasks.wait_idle()
    current = page.workspace.image_id
    for checkpoint, split in (("r001-best", "val"), ("r002-best", "train"), ("r002-best", "all")):
        page.inspect_session.choose_images(checkpoint, split)
        assert tasks.wait_idle()
    page.inspect_session.choose_images("r002-best", "val")
    assert tasks.wait_idle()
    assert page.workspace.image_id == current == images.image_id(images.table.currentIndex().row())


def test_a_filter_that_hides_the_image_gives_its_row_back(page: InspectPage, tasks: Tasks) -> None:
    images, workspace = page.workspace.images, page.workspace
    workspace.stage.score.set_value(0.35)
    images.sorts.setCurrentText("Most errors")
    rows = list_rows(page)
    clean = next(row[0] for row in rows if row[1] + row[2] == 0)
    images.choose_image(clean)
    images.only_errors.setChecked(True)
    assert workspace.image_id == clean and not images.table.currentIndex().isValid()
    images.only_errors.setChecked(False)
    assert images.image_id(images.table.currentIndex().row()) == clean == workspace.image_id
    images.only_errors.setChecked(True)
    images.step_image(-1)
    assert workspace.image_id == images.image_id(images.shown - 1)


def test_the_list_stays_scrolled_when_it_is_read_again(page: InspectPage, tasks: Tasks) -> None:
    images = page.workspace.images
    images.table.setFixedHeight(150)
    images.table.scrollToBottom()
    assert tasks.wait_idle()
    images.choose_image(images.image_id(images.shown - 1))
    top = images.image_id(images.table.rowAt(0))
    assert top != images.image_id(0)
    page.inspect_session.reload()
    assert tasks.wait_idle()
    assert images.image_id(images.table.rowAt(0)) == top


def test_order_filter_and_names_are_kept_over_a_restart(
    qtbot: QtBot, page: InspectPage, session: Session, services: Services
) -> None:
    page.workspace.images.sorts.setCurrentText("Name")
    page.workspace.images.only_errors.setChecked(True)
    page.workspace.stage.hide_names.setChecked(True)
    again = build_page(qtbot, session, services)
    assert list_rows(again) == list_rows(page)
    assert again.workspace.images.sorts.currentText() == "Name" and again.workspace.stage.hide_names.isChecked()


def test_figures_of_one_checkpoint_never_stand_under_the_name_of_another(page: InspectPage, tasks: Tasks) -> None:
    assert page.absence == "" and page.workspace.matched is not None
    page.inspect_session.choose_images("r001-best", "val")
    assert page.absence == "Reading what r001-best found…" and page.workspace.matched is None
    assert not page.bar.button.isEnabled()
    assert tasks.wait_idle()
    assert "r001-best has not looked at these 8 images yet" in page.absence and page.bar.button.isEnabled()


def test_progress_tells_speed_and_time_left(page: InspectPage) -> None:
    page.inspect_session.prediction.progressed.emit(100, 400, 2.5)
    assert page.bar.status.text() == "100 of 400 images, 2.5 images/s, 2 min 0 s left"
    page.inspect_session.prediction.progressed.emit(0, 0, 0.0)
    assert page.bar.status.text() == "Loading the model…"


def test_two_views_have_room_beside_each_other_in_the_narrowest_stage(qtbot: QtBot, page: InspectPage) -> None:
    stage = page.workspace.stage
    stage.side_by_side.setChecked(True)
    page.resize(868, 560)  # what the window leaves of 960 pixels
    page.workspace.spread_widths(868)
    qtbot.waitUntil(lambda: stage.width() < 400)
    left, right = stage.left.view, stage.right.view
    assert left.x() + left.width() <= right.x() and right.x() + right.width() <= stage.width()
