"""The Label page by mouse and keyboard, on a real project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from core.project.edits import image_edits, label_edits
from core.types import Split, Status
from desktop.base.session import Session
from desktop.label import label_page
from desktop.label.canvas.nudging import NUDGE_ENDS
from desktop.label.label_page import LabelPage
from desktop.label.labels.label_list import CHECKED
from desktop.services import Services
from tests.builders import draw, project_with_pictures, write_picture
from tests.desktop.label.label_builders import KEYS, at, boxes_of, draw_by_hand, loaded, names, project_of
from tests.desktop.label.page_driver import find_note


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    session = Session()
    session.adopt(project_with_pictures(tmp_path / "project", 4))
    yield session
    session.close()


def test_a_drawn_box_is_in_the_project_when_the_mouse_goes_up(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    draw_by_hand(qtbot, page, (5, 6), (30, 36))
    (box,) = boxes_of(session)
    assert box.xyxy == pytest.approx((5, 6, 30, 36), abs=0.5)
    assert box.labels == frozenset()
    assert page.canvas.selected == {box.id}
    assert project_of(session).image(session.image_id or 0).status is Status.LABELLED


def test_digits_toggle_labels_of_the_selected_box(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    draw_by_hand(qtbot, page, (5, 6), (30, 36))
    qtbot.keyClick(page.canvas.view, KEYS["1"])
    qtbot.keyClick(page.canvas.view, KEYS["3"])
    assert names(session, boxes_of(session)[0]) == ["scratch", "stain"]
    assert [page.labels.model.index(row).data(CHECKED) for row in range(3)] == [True, False, True]
    qtbot.keyClick(page.canvas.view, KEYS["1"])
    assert names(session, boxes_of(session)[0]) == ["stain"]


def test_a_digit_on_several_boxes_is_one_edit(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    draw_by_hand(qtbot, page, (5, 6), (20, 20))
    draw_by_hand(qtbot, page, (30, 25), (50, 40))
    qtbot.keyClick(page.canvas.view, KEYS["2"])
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert len(page.canvas.selected) == 2
    assert page.labels.model.index(1).data(CHECKED) is None
    qtbot.keyClick(page.canvas.view, KEYS["2"])
    assert [names(session, box) for box in boxes_of(session)] == [["pit"], ["pit"]]
    session.undo()
    assert [names(session, box) for box in boxes_of(session)] == [[], ["pit"]]


def test_without_a_selection_digits_choose_the_labels_of_the_next_box(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    qtbot.keyClick(page.canvas.view, KEYS["1"])
    qtbot.keyClick(page.canvas.view, KEYS["2"])
    assert page.canvas.strip.words == "Next box: scratch, pit · Esc clears"
    assert page.labels.model.index(0).data(CHECKED) is True
    draw_by_hand(qtbot, page, (5, 6), (30, 36))
    assert names(session, boxes_of(session)[0]) == ["scratch", "pit"]
    for _ in range(2):
        qtbot.keyClick(page.canvas.view, Qt.Key.Key_Escape)
    draw_by_hand(qtbot, page, (40, 10), (60, 40))
    assert names(session, boxes_of(session)[1]) == []


def test_undo_and_redo_bring_boxes_labels_and_status_back(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    draw_by_hand(qtbot, page, (5, 6), (30, 36))
    qtbot.keyClick(page.canvas.view, KEYS["1"])
    session.undo()
    session.undo()
    assert boxes_of(session) == () and page.canvas.boxes == ()
    assert project_of(session).image(session.image_id or 0).status is Status.UNLABELLED
    session.redo()
    session.redo()
    assert page.canvas.boxes == boxes_of(session)
    assert names(session, page.canvas.boxes[0]) == ["scratch"]


def test_undo_goes_to_the_image_where_the_edit_was_made(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    first = session.image_id
    draw_by_hand(qtbot, page, (5, 6), (30, 36))
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_D)
    assert session.image_id != first
    session.undo()
    assert session.image_id == first
    assert page.canvas.boxes == ()


def test_nudges_are_durable_after_a_pause_or_before_anything_else(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    draw_by_hand(qtbot, page, (5, 6), (30, 36))
    before = boxes_of(session)[0].x1
    for _ in range(3):
        qtbot.keyClick(page.canvas.view, Qt.Key.Key_Right)
    qtbot.wait(NUDGE_ENDS + 150)
    assert boxes_of(session)[0].x1 == before + 3
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_Right)
    first = session.image_id
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_D)
    assert project_of(session).boxes(first or 0)[0].x1 == before + 4
    session.undo()
    assert boxes_of(session)[0].x1 == before + 3
    session.undo()
    assert boxes_of(session)[0].x1 == before


def test_an_undo_while_nudging_takes_the_nudge_back(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    draw_by_hand(qtbot, page, (5, 6), (30, 36))
    before = boxes_of(session)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_Right)
    session.undo()
    assert boxes_of(session) == before == page.canvas.boxes


def test_next_and_previous_walk_through_the_list_and_stop_at_its_ends(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    ids = project_of(session).image_ids()
    for key, expected in (
        (Qt.Key.Key_D, 1),
        (Qt.Key.Key_PageDown, 2),
        (Qt.Key.Key_A, 1),
        (Qt.Key.Key_PageUp, 0),
        (Qt.Key.Key_A, 0),
    ):
        qtbot.keyClick(page.canvas.view, key)
        assert session.image_id == ids[expected]


def test_no_box_is_shown_before_its_image_is(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    ids = project_of(session).image_ids()
    draw(project_of(session), ids[1])
    page.pictures.forget()
    session.select_image(ids[1])
    assert not page.canvas.view.has_image
    assert page.canvas.boxes == ()
    assert page.canvas.view.message == "Loading…"
    loaded(qtbot, page)
    assert len(page.canvas.boxes) == 1
    assert page.canvas.view.message == ""


def test_an_image_that_cannot_be_read_says_why_and_the_next_one_still_opens(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    project = project_of(session)
    ids = project.image_ids()
    page.pictures.forget()
    project.image_path(ids[2]).write_bytes(b"")
    session.select_image(ids[2])
    qtbot.waitUntil(lambda: "part3.png" in page.canvas.view.message)
    assert not page.canvas.view.has_image
    session.select_image(ids[3])
    loaded(qtbot, page)


def test_neighbours_are_decoded_ahead(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    project = project_of(session)
    qtbot.waitUntil(lambda: page.pictures.get(project.image_path(project.image_ids()[2])) is not None)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_D)
    assert page.canvas.view.has_image


def test_clean_is_refused_with_boxes_and_the_reason_is_shown(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    draw_by_hand(qtbot, page, (5, 6), (30, 36))
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_C)
    assert "delete its boxes first" in page.notice.text
    assert page.notice.isVisible()
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_Delete)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_C)
    assert project_of(session).image(session.image_id or 0).status is Status.CLEAN
    assert not page.notice.isVisible()


def test_reviewed_goes_on_to_the_next_and_clean_stays_clean(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    project, control = project_of(session), Qt.KeyboardModifier.ControlModifier
    ids = project.image_ids()
    draw_by_hand(qtbot, page, (5, 6), (30, 36))
    qtbot.keyClick(page.canvas.view, KEYS["1"])
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_Space, control)
    assert project.image(ids[0]).status is Status.REVIEWED
    assert session.image_id == ids[1]
    loaded(qtbot, page)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_Space, control)
    assert session.image_id == ids[1]  # nothing was said about it yet
    assert "no boxes" in page.notice.text
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_C)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_Space, control)
    assert project.image(ids[1]).status is Status.CLEAN
    assert session.image_id == ids[2]


def test_copied_boxes_are_pasted_on_another_image_with_their_labels(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    control = Qt.KeyboardModifier.ControlModifier
    draw_by_hand(qtbot, page, (5, 6), (30, 36))
    qtbot.keyClick(page.canvas.view, KEYS["2"])
    (original,) = boxes_of(session)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_C, control)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_D)
    loaded(qtbot, page)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_V, control)
    (copy,) = boxes_of(session)
    assert (copy.xyxy, copy.labels) == (original.xyxy, original.labels)
    assert copy.id != original.id
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_D, control)
    assert len(boxes_of(session)) == 2
    assert boxes_of(session)[1].xyxy != copy.xyxy


def test_hidden_boxes_come_back(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    draw_by_hand(qtbot, page, (5, 6), (30, 36))
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_Escape)
    shown = page.canvas.view.grab().toImage()
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_H)
    hidden = page.canvas.view.grab().toImage()
    assert hidden != shown
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_H)
    assert page.canvas.view.grab().toImage() == shown
    assert len(boxes_of(session)) == 1


def test_choosing_in_the_box_list_selects_on_the_canvas(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    draw_by_hand(qtbot, page, (5, 6), (20, 20))
    draw_by_hand(qtbot, page, (30, 25), (50, 40))
    first = boxes_of(session)[0]
    rect = page.box_list.visualRect(page.box_list.sorted.index(0, 0))
    qtbot.mouseClick(page.box_list.viewport(), Qt.MouseButton.LeftButton, pos=rect.center())
    assert page.canvas.selected == {first.id}


def test_clicking_a_label_in_the_panel_toggles_it(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    draw_by_hand(qtbot, page, (5, 6), (20, 20))
    view = page.labels.rows
    row = view.visualRect(page.labels.model.index(1))
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=row.topLeft() + QPoint(20, 15))
    assert names(session, boxes_of(session)[0]) == ["pit"]


def test_typing_in_the_search_field_is_no_command(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    field = page.images.filter_bar.search
    field.setFocus()
    qtbot.keyClicks(field, "part3 d")
    assert field.text() == "part3 d"
    assert session.image_id == project_of(session).image_ids()[0]
    qtbot.waitUntil(lambda: page.images.shown.rowCount() == 0)
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    qtbot.keyClicks(field, "part3")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert page.images.shown.rowCount() == 1
    assert session.image_id == project_of(session).image_ids()[2]
    assert page.canvas.view.hasFocus()


def test_split_and_note_are_kept_for_the_image_they_were_entered_on(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    project = project_of(session)
    first, second = project.image_ids()[:2]
    page.details.split_chosen.emit(Split.VAL)
    find_note(page).setPlainText("glare on the left")
    session.select_image(second)
    assert project.image(first).split is Split.VAL
    assert project.image(first).note == "glare on the left"
    assert project.image(second).note == ""
    assert find_note(page).toPlainText() == ""


def test_looking_at_an_image_changes_nothing_of_what_an_import_wrote(page: LabelPage, session: Session) -> None:
    project = project_of(session)
    first, second = project.image_ids()[:2]
    session.apply(image_edits.set_group(project, [first, second], "lot 1 "))
    session.apply(image_edits.set_note(project, first, "burr\r\nat the edge\n"))
    before = project.history.position
    for image in (second, first, second):
        session.select_image(image)
    assert project.history.position == before
    find_note(page).setPlainText("burr")
    session.select_image(first)
    assert project.image(second).note == "burr" and project.image(second).group == "lot 1 "


def test_labels_are_renamed_recoloured_and_deleted_everywhere(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    project = project_of(session)
    draw_by_hand(qtbot, page, (5, 6), (20, 20))
    qtbot.keyClick(page.canvas.view, KEYS["1"])
    qtbot.keyClick(page.canvas.view, KEYS["2"])
    scratch, *others = project.labels()
    before = page.canvas.view.grab().toImage()
    session.apply(label_edits.set_labels(project, (type(scratch)(scratch.id, "scar", "#123456", "1"), *others)))
    assert page.labels.model.index(0).data() == "scar"
    assert page.canvas.view.grab().toImage() != before
    session.apply(label_edits.set_labels(project, others))
    assert names(session, boxes_of(session)[0]) == ["pit"]
    session.undo("Delete label")
    assert names(session, boxes_of(session)[0]) == ["scar", "pit"]


def test_a_key_given_to_one_label_is_taken_from_another(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    scratch, _, _ = project_of(session).labels()
    page.labels.change_label(type(scratch)(scratch.id, "scratch", scratch.color, "3"))
    assert [label.shortcut for label in project_of(session).labels()] == ["3", "2", ""]


def test_a_read_only_project_can_be_looked_at_but_not_changed(
    qtbot: QtBot, session: Session, services: Services
) -> None:
    folder = project_of(session).folder
    draw(project_of(session), project_of(session).image_ids()[0])
    session.close()
    session.open(folder, read_only=True)
    page = LabelPage(session, services)
    qtbot.addWidget(page)
    page.resize(1200, 700)
    page.show()
    loaded(qtbot, page)
    before = boxes_of(session)
    assert len(page.canvas.boxes) == 1
    draw_by_hand(qtbot, page, (30, 30), (60, 45))
    qtbot.mouseClick(page.canvas.view, Qt.MouseButton.LeftButton, pos=at(page, 15, 15))
    qtbot.keyClick(page.canvas.view, KEYS["2"])
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_Delete)
    assert boxes_of(session) == before
    assert "Read-only" in page.canvas.hint


def test_the_hint_follows_what_the_hand_can_do(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    hints: list[str] = []
    session.hint.connect(hints.append)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_W)
    assert "two corners" in hints[-1]
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_Escape)
    assert "Drag to draw" in hints[-1]
    draw_by_hand(qtbot, page, (5, 6), (20, 20))
    assert "resize" in hints[-1]  # the mouse is on its corner


def test_locked_boxes_are_not_deleted_by_mistake(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    draw_by_hand(qtbot, page, (5, 6), (20, 20))
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_L)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_Delete)
    assert len(boxes_of(session)) == 1 and "L unlocks" in page.canvas.hint
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_L)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_Delete)
    assert boxes_of(session) == ()


@pytest.mark.parametrize("many", [1000, 0])
def test_a_file_that_was_replaced_is_seen_as_it_is_now(
    qtbot: QtBot, page: LabelPage, session: Session, services: Services, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr(label_page, "MANY", many)
    services.files.follow_session(session)
    before = page.canvas.view.grab().toImage()
    path = project_of(session).image_path(session.image_id or 0)
    write_picture(path, np.full((48, 64, 3), 250, np.uint8))
    services.files.look_now()
    qtbot.waitUntil(lambda: services.files.find_state(session.image_id or 0) == "changed", timeout=10_000)
    middle = page.canvas.view.rect().center()
    qtbot.waitUntil(lambda: page.canvas.view.grab().toImage().pixelColor(middle).lightness() > 240, timeout=10_000)
    assert page.canvas.view.grab().toImage() != before
