from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from core.inspection.error_counts import count_errors
from core.inspection.matched_images import match_images
from core.inspection.prediction_cache import prediction_root
from core.project.edits import box_edits, image_edits, label_edits
from core.project.project import Project
from core.project.snapshot import take_snapshot
from core.settings import Settings
from core.types import Label, Split
from desktop.base.background import Tasks
from desktop.base.session import Session
from desktop.inspect.inspect_page import InspectPage
from desktop.services import Services
from desktop.viewer.thumbnails import ThumbnailLoader
from tests.builders import draw, project_with_pictures, write_picture
from tests.core.inspection.matched_builders import found, truth
from tests.desktop.model_builders import write_checkpoint, write_predictions
from tests.desktop.window_builders import make_test_launcher

Key = Qt.Key


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    """Twelve labelled images, eight of them in val, and two checkpoints."""
    project = project_with_pictures(tmp_path / "project", 12)
    ids = project.image_ids()
    for place, image_id in enumerate(ids):
        draw(project, image_id, (4, 4, 24, 26), ["scratch"] if place % 2 else ["scratch", "stain"])
        draw(project, image_id, (34, 12, 54, 40), ["pit"])
    project.apply(image_edits.set_split(project, ids[:8], Split.VAL))
    project.apply(image_edits.set_split(project, ids[8:], Split.TRAIN))
    write_checkpoint(project, "r001", "best", map50=0.6, created="2025-03-01T10:00:00+00:00")
    write_checkpoint(project, "r002", "best", map50=0.8, created="2025-03-02T10:00:00+00:00")
    project.sync_runs()
    opened = Session()
    opened.adopt(project)
    yield opened
    opened.close()


@pytest.fixture
def tasks(qtbot: QtBot) -> Iterator[Tasks]:
    made = Tasks()
    yield made
    made.shut_down()


def build(qtbot: QtBot, session: Session, tasks: Tasks, tmp_path: Path) -> InspectPage:
    services = Services(
        tasks, Settings(tmp_path / "settings"), ThumbnailLoader(tasks), make_test_launcher("predict_child")
    )
    page = InspectPage(session, services)
    qtbot.addWidget(page, before_close_func=lambda closing: closing.may_close())
    page.resize(1280, 740)
    page.show()
    page.activated()
    assert tasks.wait_idle()
    return page


@pytest.fixture
def page(qtbot: QtBot, session: Session, tasks: Tasks, tmp_path: Path) -> InspectPage:
    """The page on r002-best, which has predictions of all images."""
    record = next(record for record in project_of(session).checkpoints() if record.id == "r002-best")
    write_predictions(project_of(session), record, "all")
    return build(qtbot, session, tasks, tmp_path)


def project_of(session: Session) -> Project:
    assert session.project is not None
    return session.project


def rows(page: InspectPage) -> list[tuple[int, int, int, int]]:
    """Image id, missed, false and right of each row, as shown."""
    model = page.workspace.images.model
    return [
        (page.workspace.images.image_id(row), *(int(model.index(row, column).data()) for column in (1, 2, 3)))
        for row in range(model.rowCount())
    ]


def test_the_newest_checkpoint_on_val_is_shown_worst_image_first(page: InspectPage, session: Session) -> None:
    assert page.bar.checkpoint_id == "r002-best"
    assert page.bar.split == "val"
    shown = rows(page)
    assert {row[0] for row in shown} == set(project_of(session).image_ids()[:8])
    errors = [missed + false for _, missed, false, _ in shown]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 0
    assert page.workspace.image_id == shown[0][0]
    assert page.workspace.stage.left.has_image
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
    qtbot: QtBot, session: Session, tasks: Tasks, tmp_path: Path, taken: int, told: str
) -> None:
    project = project_of(session)
    record = next(record for record in project.checkpoints() if record.id == "r002-best")
    judged = [image.id for image in project.images() if image.split == Split.VAL]
    project.apply(image_edits.set_split(project, judged[:taken], Split.TRAIN))
    project.apply(
        image_edits.set_split(project, [image for image in project.image_ids() if image not in judged], Split.TEST)
    )
    take_snapshot(project).save(record.path.parents[1] / "snapshot.json")
    project.apply(image_edits.set_split(project, judged, Split.VAL))
    write_predictions(project, record, "all")
    page = build(qtbot, session, tasks, tmp_path)
    assert page.bar.note.text() == told


def test_list_strip_and_label_table_count_the_same(page: InspectPage) -> None:
    missed, false, right = (sum(row[column] for row in rows(page)) for column in (1, 2, 3))
    precision, recall = (float(text) for text in page.workspace.column.strip.list_texts()[:2])
    assert precision == pytest.approx(right / (right + false), abs=6e-4)
    assert recall == pytest.approx(right / (right + missed), abs=6e-4)
    table = page.workspace.column.labels
    by_label = [[int(table.item(row, column).text()) for column in (4, 5, 6)] for row in range(table.rowCount())]
    assert [sum(column) for column in zip(*by_label, strict=True)] == [right, false, missed]


def test_the_threshold_answers_at_once_and_more_is_missed_above(page: InspectPage) -> None:
    page.workspace.stage.set_threshold(0.05)
    low = rows(page)
    page.workspace.stage.set_threshold(0.95)
    high = rows(page)
    assert sum(row[1] for row in high) > sum(row[1] for row in low)
    assert sum(row[2] for row in high) < sum(row[2] for row in low)
    assert page.workspace.stage.value.text() == "0.95"


def test_keys_walk_the_list_switch_the_truth_and_move_the_threshold(
    qtbot: QtBot, page: InspectPage, tasks: Tasks
) -> None:
    page.activateWindow()
    page.workspace.images.table.setFocus()
    ids = [row[0] for row in rows(page)]
    for key, expected in ((Key.Key_D, 1), (Key.Key_D, 2), (Key.Key_A, 1), (Key.Key_A, 0), (Key.Key_A, 0)):
        QTest.keyClick(page.workspace.images.table, key)
        tasks.wait_idle()
        assert page.workspace.image_id == ids[expected]
    QTest.keyClick(page.workspace.images.table, Key.Key_T)
    assert not page.workspace.stage.chips["truth"].isChecked()
    assert all(mark.kind != "found" for mark in page.workspace.stage.left.visible_marks())
    before = page.workspace.stage.slider.value()
    QTest.keyClick(page.workspace.images.table, Key.Key_BracketRight)
    QTest.keyClick(page.workspace.images.table, Key.Key_BracketRight)
    QTest.keyClick(page.workspace.images.table, Key.Key_BracketLeft)
    assert page.workspace.stage.slider.value() == before + 1


def test_the_current_image_stays_while_the_order_changes(page: InspectPage, tasks: Tasks) -> None:
    page.workspace.images.step_image(3)
    tasks.wait_idle()
    current = page.workspace.image_id
    for threshold in (0.9, 0.1, 0.6):
        page.workspace.stage.set_threshold(threshold)
        index = page.workspace.images.table.currentIndex()
        assert page.workspace.images.image_id(index.row()) == current == page.workspace.image_id


def test_sort_and_errors_only(page: InspectPage) -> None:
    page.workspace.images.sorts.setCurrentText("Name")
    assert [row[0] for row in rows(page)] == sorted(row[0] for row in rows(page))
    page.workspace.images.sorts.setCurrentText("Most missed")
    missed = [row[1] for row in rows(page)]
    assert missed == sorted(missed, reverse=True)
    page.workspace.stage.set_threshold(0.4)
    everything = rows(page)
    page.workspace.images.only_errors.setChecked(True)
    assert rows(page) == [row for row in everything if row[1] + row[2]]


def test_a_click_on_a_label_shows_that_label_only_and_another_click_all(page: InspectPage) -> None:
    page.workspace.stage.set_threshold(0.3)
    whole = rows(page)
    table = page.workspace.column.labels
    pit = [table.item(row, 0).text() for row in range(3)].index("pit")
    table.itemClicked.emit(table.item(pit, 0))
    right, false, missed = (int(table.item(pit, column).text()) for column in (4, 5, 6))
    assert [sum(row[column] for row in rows(page)) for column in (1, 2, 3)] == [missed, false, right]
    assert all(pit in mark.labels for mark in page.workspace.stage.left.visible_marks())
    current = next(row for row in rows(page) if row[0] == page.workspace.image_id)
    assert [page.workspace.stage.chips[name].text().split()[-1] for name in ("fn", "fp", "tp")] == [
        str(count) for count in current[1:]
    ]
    assert [index.row() for index in table.selectionModel().selectedRows()] == [pit]
    assert page.workspace.column.all_labels.isVisible()
    table.itemClicked.emit(table.item(pit, 0))
    assert rows(page) == whole


def test_the_labels_are_gone_through_and_chosen_by_keys(qtbot: QtBot, page: InspectPage) -> None:
    page.workspace.stage.set_threshold(0.3)
    whole, table = rows(page), page.workspace.column.labels
    table.setFocus(Qt.FocusReason.TabFocusReason)
    assert table.currentRow() == 0
    qtbot.keyClick(table, Qt.Key.Key_Down)
    qtbot.keyClick(table, Qt.Key.Key_Return)
    assert [index.row() for index in table.selectionModel().selectedRows()] == [1]
    assert rows(page) != whole and page.workspace.column.all_labels.isVisible()
    qtbot.keyClick(table, Qt.Key.Key_Space)
    assert rows(page) == whole


def test_a_pointed_box_shows_all_its_scores(qtbot: QtBot, page: InspectPage) -> None:
    page.workspace.stage.set_threshold(0.3)
    view = page.workspace.stage.left
    mark = next(mark for mark in view.visible_marks() if mark.source == "detection")
    rect = view.rect_to_widget(mark.xyxy)
    pointed = view.mark_at(rect.center())
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
    left.zoom_to(9.0, QPointF(100, 100))
    assert right.scale == left.scale == 9.0
    right.pan_by(QPointF(-30, 12))
    assert left.to_widget(QPointF(5, 5)) == right.to_widget(QPointF(5, 5))


def test_a_stricter_iou_finds_less(page: InspectPage, tasks: Tasks) -> None:
    page.workspace.stage.set_threshold(0.3)
    before = sum(row[3] for row in rows(page))
    page.workspace.stage.ious.setCurrentIndex(page.workspace.stage.ious.findData(0.9))
    tasks.wait_idle()
    assert page.workspace.matched.iou == 0.9
    assert page.workspace.stage.threshold == 0.3
    assert sum(row[3] for row in rows(page)) < before


def test_the_truth_shown_is_the_present_one(page: InspectPage, session: Session, tasks: Tasks) -> None:
    project = project_of(session)
    image_id = page.workspace.image_id
    page.workspace.stage.set_threshold(0.99)
    before = next(row for row in rows(page) if row[0] == image_id)
    session.apply(box_edits.add_box(project, image_id, (2, 40, 20, 47), {project.labels()[0].id}))
    tasks.wait_idle()
    after = next(row for row in rows(page) if row[0] == image_id)
    assert after[1] == before[1] + 1
    assert page.workspace.image_id == image_id


def test_images_without_predictions_are_counted_and_predicting_again_is_offered(
    page: InspectPage, session: Session, tasks: Tasks
) -> None:
    project = project_of(session)
    path = write_picture(project.folder / "images" / "new.png", seed=99)
    changes, _ = project.add_images([path])
    session.notify(changes)
    new = next(image.id for image in project.images() if image.path.endswith("new.png"))
    draw(project, new)
    session.apply(image_edits.set_split(project, [new], Split.VAL))
    tasks.wait_idle()
    assert new not in {row[0] for row in rows(page)}
    assert "1 image has no predictions yet" in page.bar.note.text()
    assert page.bar.button.text() == "Predict"


def test_labels_that_only_one_side_knows_are_told(session: Session, qtbot: QtBot, tasks: Tasks, tmp_path: Path) -> None:
    project = project_of(session)
    record = next(record for record in project.checkpoints() if record.id == "r002-best")
    write_predictions(project, record, "all", labels=("scratch", "dent"))
    page = build(qtbot, session, tasks, tmp_path)
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


def test_predicting_runs_in_a_child_and_its_result_is_there_at_once_the_next_time(
    qtbot: QtBot, session: Session, tasks: Tasks, tmp_path: Path
) -> None:
    page = build(qtbot, session, tasks, tmp_path)
    session.inspect_requested.emit("r001-best")
    tasks.wait_idle()
    assert page.bar.checkpoint_id == "r001-best"
    assert "has not looked at these 8 images" in page.absence
    page.activateWindow()
    page.bar.button.setFocus()
    with qtbot.waitSignal(page.inspect_session.prediction_ended, timeout=15_000) as ended:
        page.bar.button.click()
        assert page.bar.cancel_button.isVisible() and page.bar.cancel_button.hasFocus()
    assert ended.args == ["finished", ""] and page.bar.button.hasFocus(), "the keys stay on the page"
    tasks.wait_idle()
    assert len(rows(page)) == 8
    assert page.workspace.column.strip.list_texts() == ["1.000", "1.000", "1.000", "1.000"]
    again = build(qtbot, session, tasks, tmp_path)
    again.inspect_session.show_checkpoint("r001-best")
    tasks.wait_idle()
    assert len(rows(again)) == 8
    files = list(prediction_root(project_of(session)).rglob("predictions.npz"))
    assert len(files) == 1
    assert files[0].parent.name.startswith("r001-best-val-")


def test_a_checkpoint_file_that_was_replaced_is_predicted_anew(
    page: InspectPage, session: Session, tasks: Tasks
) -> None:
    record = page.inspect_session.checkpoint
    assert record is not None
    os.utime(record.path, ns=(5, 5))
    page.inspect_session.show_checkpoint("r002-best")
    tasks.wait_idle()
    assert page.workspace.matched is None
    assert page.bar.button.text() == "Predict"


def test_a_prediction_is_cancelled_and_leaves_nothing_that_looks_finished(
    qtbot: QtBot, session: Session, tasks: Tasks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREDICT_BEHAVIOUR", "slow")
    page = build(qtbot, session, tasks, tmp_path)
    page.bar.button.click()
    qtbot.waitUntil(lambda: page.bar.progress.maximum() == 8, timeout=15_000)
    with qtbot.waitSignal(page.inspect_session.prediction_ended, timeout=10_000) as ended:
        page.bar.cancel_button.click()
    assert ended.args[0] == "stopped"
    assert page.bar.status.text() == "Cancelled"
    assert page.bar.button.isVisible()
    assert not list(prediction_root(project_of(session)).rglob("predictions.npz"))


def test_a_prediction_that_fails_says_why(
    qtbot: QtBot, session: Session, tasks: Tasks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREDICT_BEHAVIOUR", "fail")
    page = build(qtbot, session, tasks, tmp_path)
    with qtbot.waitSignal(page.inspect_session.prediction_ended, timeout=15_000):
        page.bar.button.click()
    assert "best.safetensors: damaged" in page.bar.note.text()
    assert page.bar.button.isEnabled()


def test_closing_while_predicting_leaves_no_process(
    qtbot: QtBot, session: Session, tasks: Tasks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREDICT_BEHAVIOUR", "slow")
    page = build(qtbot, session, tasks, tmp_path)
    page.bar.button.click()
    qtbot.waitUntil(lambda: page.bar.progress.maximum() == 8, timeout=15_000)
    folder = page.inspect_session.job_folder
    assert folder is not None
    assert folder.alive()
    assert page.may_close()
    assert not folder.alive()
    assert not page.inspect_session.predicting


def test_without_project_checkpoints_or_images_the_page_says_what_to_do(
    qtbot: QtBot, tasks: Tasks, tmp_path: Path
) -> None:
    session = Session()
    page = build(qtbot, session, tasks, tmp_path)
    assert "Open a project" in page.absence
    project = project_with_pictures(tmp_path / "bare", 2)
    session.adopt(project)
    assert "Train page" in page.absence
    write_checkpoint(project, "r001", "best")
    session.notify(project.sync_runs())
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
    assert "part" in page.workspace.stage.left.message
    page.workspace.images.step_image(1)
    tasks.wait_idle()
    assert page.workspace.stage.left.has_image
    assert page.workspace.stage.left.message == ""


def test_a_thousand_images_follow_the_slider_within_a_frame_or_three(page: InspectPage) -> None:
    """A generous bound, for a busy machine; the usual time is below 10 ms."""
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
        began = time.perf_counter()
        counts = count_errors(data, float(threshold))
        model.set_counts(*(part.sum(axis=1) for part in (counts.tp, counts.fp, counts.fn)))
        spent.append(time.perf_counter() - began)
    assert float(np.median(spent)) < 0.05


def test_what_is_being_predicted_is_said_and_what_is_not_is_offered(
    qtbot: QtBot, session: Session, tasks: Tasks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREDICT_BEHAVIOUR", "slow")
    page = build(qtbot, session, tasks, tmp_path)
    page.bar.button.click()
    assert "r002-best is looking at the images" in page.absence
    page.inspect_session.show_checkpoint("r001-best")
    tasks.wait_idle()
    assert "r001-best has not looked" in page.absence
    page.inspect_session.show_checkpoint("r002-best")
    tasks.wait_idle()
    assert "r002-best is looking at the images" in page.absence


def test_predictions_that_cannot_be_read_are_told_also_where_there_are_no_others(
    qtbot: QtBot, session: Session, tasks: Tasks, tmp_path: Path
) -> None:
    record = next(record for record in project_of(session).checkpoints() if record.id == "r002-best")
    write_predictions(project_of(session), record, "all").write_bytes(b"torn")
    page = build(qtbot, session, tasks, tmp_path)
    assert "has not looked" in page.absence
    assert "earlier predictions was passed over" in page.bar.note.text()


def test_a_prediction_that_cannot_be_kept_names_the_file_and_can_be_tried_again(
    qtbot: QtBot, session: Session, tasks: Tasks, tmp_path: Path
) -> None:
    page = build(qtbot, session, tasks, tmp_path)
    root = prediction_root(project_of(session))
    root.parent.mkdir(exist_ok=True)
    root.write_bytes(b"a file where the folder belongs")
    with qtbot.waitSignal(page.inspect_session.prediction_ended) as ended:
        page.bar.button.click()
    assert ended.args[0] == "failed" and str(root) in ended.args[1]
    assert str(root) in page.bar.note.text()
    assert page.bar.button.isVisible()
