"""Which labels the next box gets, and copies of boxes: by hand on the Label page."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QApplication, QCheckBox
from pytestqt.qtbot import QtBot

from core.project.palette import extend_labels
from core.project.project import Project
from desktop.base.session import Session
from desktop.label.boxes import box_clipboard
from desktop.label.boxes.box_clipboard import Copied, CopiedBox
from desktop.label.label_page import LabelPage
from desktop.label.next_labels import NextLabels
from tests.builders import draw, picture, project_with_pictures, write_picture
from tests.desktop.label.label_builders import (
    CONTROL,
    KEYS,
    SHIFT,
    boxes_of,
    draw_by_hand,
    loaded,
    names,
    next_image,
    project_of,
)
from tests.desktop.label.page_driver import find_action, find_only, refresh_image
from tests.desktop.mouse import LEFT, move


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    QApplication.clipboard().clear()
    session = Session()
    session.adopt(project_with_pictures(tmp_path / "project", 3))
    yield session
    session.close()


def _labels_drawn(qtbot: QtBot, page: LabelPage, session: Session) -> list[str]:
    """Draws one more box in a free place and tells the labels that it got."""
    count = len(boxes_of(session))
    left = 2 + 15 * (count % 4)
    draw_by_hand(qtbot, page, (left, 2 + 22 * (count // 4)), (left + 12, 18 + 22 * (count // 4)))
    assert len(boxes_of(session)) == count + 1
    return names(session, boxes_of(session)[-1])


def test_labels_chosen_for_the_next_box_hold_for_one_box_only(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    qtbot.keyClick(page.canvas.view, KEYS["1"])
    qtbot.keyClick(page.canvas.view, KEYS["2"])
    assert _labels_drawn(qtbot, page, session) == ["scratch", "pit"]
    assert _labels_drawn(qtbot, page, session) == []


def test_nothing_goes_over_to_another_image_or_project_unless_it_is_kept(
    qtbot: QtBot, page: LabelPage, session: Session, tmp_path: Path
) -> None:
    qtbot.keyClick(page.canvas.view, KEYS["1"])
    next_image(qtbot, page)
    assert _labels_drawn(qtbot, page, session) == []
    page.canvas.select_boxes(())
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_K)
    qtbot.keyClick(page.canvas.view, KEYS["2"])
    assert find_action(page, "keep_labels").isChecked()
    session.adopt(project_with_pictures(tmp_path / "other", 1))
    loaded(qtbot, page)
    assert not find_action(page, "keep_labels").isChecked() and not find_only(page.labels, QCheckBox).isChecked()
    assert _labels_drawn(qtbot, page, session) == []


def test_the_labels_given_last_come_first_in_the_picker_also_after_a_restart(
    qtbot: QtBot, page: LabelPage, session: Session, tmp_path: Path
) -> None:
    project = session.project
    assert project is not None
    first, second, third = (label.id for label in project.labels())
    _labels_drawn(qtbot, page, session)
    qtbot.keyClick(page.canvas.view, KEYS["2"])
    qtbot.keyClick(page.canvas.view, KEYS["3"])
    folder = project.folder
    session.close()
    session.adopt(project_with_pictures(tmp_path / "other", 1))
    loaded(qtbot, page)
    assert page.editing.recent_labels == ()
    again = Project.open(folder)
    again.set_setting("recent_labels", [*again.setting("recent_labels"), 99, "pit", second])
    session.adopt(again)
    loaded(qtbot, page)
    assert page.editing.recent_labels == (third, second)
    assert first not in page.editing.recent_labels


def test_kept_labels_are_proposed_on_every_image_until_it_is_switched_off(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    assert _labels_drawn(qtbot, page, session) == []
    qtbot.keyClick(page.canvas.view, KEYS["3"])
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_K)
    assert find_only(page.labels, QCheckBox).isChecked()
    assert _labels_drawn(qtbot, page, session) == ["stain"]
    qtbot.keyClick(page.canvas.view, KEYS["1"])  # the last set is what the last box ended with
    next_image(qtbot, page)
    assert _labels_drawn(qtbot, page, session) == ["scratch", "stain"]
    qtbot.mouseClick(find_only(page.labels, QCheckBox), Qt.MouseButton.LeftButton)
    assert not find_action(page, "keep_labels").isChecked()
    assert _labels_drawn(qtbot, page, session) == []


def test_keeping_is_said_loudly_above_the_image_also_beside_a_selection(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    _labels_drawn(qtbot, page, session)
    qtbot.keyClick(page.canvas.view, KEYS["3"])
    quiet = page.canvas.strip.grab().toImage()
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_K)
    loud = page.canvas.strip.grab().toImage()
    assert page.canvas.selected and loud != quiet and page.canvas.strip.words.startswith("KEEPING")
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_K)
    assert page.canvas.strip.grab().toImage() == quiet


def test_the_only_label_of_a_project_needs_no_choice_until_there_is_another() -> None:
    one, two = extend_labels((), ["scratch", "pit"])
    labels = NextLabels()
    labels.start_project([one])
    assert labels.labels == {one.id}
    labels.note_used()
    labels.leave_image()
    assert labels.labels == {one.id}
    labels.set_known([one, two])
    assert labels.labels == frozenset()


@given(
    st.lists(
        st.tuples(st.sampled_from(["choose", "given", "used", "leave", "known"]), st.frozensets(st.integers(1, 4)))
    )
)
def test_without_the_switch_nothing_survives_a_box_or_an_image(steps: list[tuple[str, frozenset[int]]]) -> None:
    all_labels = extend_labels((), ["a", "b", "c", "d"])
    labels = NextLabels()
    labels.start_project(all_labels)
    for what, ids in steps:
        if what == "choose":
            labels.choose_labels(ids)
            assert labels.labels == ids
        elif what == "given":
            before = labels.labels
            labels.note_given([ids], ids)
            assert labels.labels == before
        elif what == "known":
            labels.set_known(all_labels)
        else:
            (labels.note_used if what == "used" else labels.leave_image)()
            assert labels.labels == frozenset()
    assert len(labels.recent) == len(set(labels.recent)) <= 5


def test_pasted_boxes_keep_their_place_and_labels_on_other_images(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    draw_by_hand(qtbot, page, (5, 6), (30, 36))
    qtbot.keyClick(page.canvas.view, KEYS["2"])
    (original,) = boxes_of(session)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_C, CONTROL)
    for _ in range(2):
        next_image(qtbot, page)
        qtbot.keyClick(page.canvas.view, Qt.Key.Key_V, CONTROL)
        (copy,) = boxes_of(session)
        assert (copy.xyxy, copy.labels) == (original.xyxy, original.labels) and copy.id != original.id
        assert page.canvas.selected == {copy.id}
    session.undo()
    assert boxes_of(session) == ()


def test_cut_boxes_are_gone_in_one_edit_and_come_back_by_paste(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    draw_by_hand(qtbot, page, (5, 6), (30, 36))
    (original,) = boxes_of(session)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_X, CONTROL)
    assert boxes_of(session) == ()
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_V, CONTROL)
    assert [box.xyxy for box in boxes_of(session)] == [original.xyxy]


def test_copies_where_they_come_from_lie_aside(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    draw_by_hand(qtbot, page, (5, 6), (20, 20))
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_C, CONTROL)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_V, CONTROL)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_D, CONTROL)
    assert len({box.xyxy for box in boxes_of(session)}) == 3
    session.undo()
    session.undo()
    assert len(boxes_of(session)) == 1


def test_with_nothing_copied_the_boxes_of_the_image_before_are_offered_by_name(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    project = project_of(session)
    draw(project, project.image_ids()[0], (1, 2, 30, 20), ["scratch", "pit"])
    draw(project, project.image_ids()[0], (10, 20, 30, 40), ["stain"])
    next_image(qtbot, page)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_V, CONTROL)
    assert boxes_of(session) == ()
    assert "2 boxes of part1.png" in page.notice.text
    assert page.notice.button.text() == "Paste 2 boxes"
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_V, CONTROL)
    assert [names(session, box) for box in boxes_of(session)] == [["scratch", "pit"], ["stain"]]
    session.undo()
    assert boxes_of(session) == ()
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_V, CONTROL)
    page.notice.button.click()
    assert len(boxes_of(session)) == 2


def test_the_offer_is_for_the_image_that_it_was_made_on(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    project = project_of(session)
    first, second, third = project.image_ids()
    draw(project, first)
    draw(project, second, (1, 1, 9, 9))
    next_image(qtbot, page)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_V, CONTROL)
    next_image(qtbot, page)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_V, CONTROL)
    assert project.boxes(third) == ()  # asked again, about the other image
    assert "part2.png" in page.notice.text


def test_the_image_before_is_pasted_at_once_and_never_stacked(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    project = project_of(session)
    draw(project, project.image_ids()[0], (1, 2, 30, 20), ["scratch"])
    next_image(qtbot, page)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_V, CONTROL | SHIFT)
    assert len(boxes_of(session)) == 1
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_V, CONTROL | SHIFT)
    assert len(boxes_of(session)) == 1
    assert "1 is here already" in page.notice.text


def test_pasting_before_the_image_is_decoded_keeps_the_boxes_that_are_there(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    project = project_of(session)
    second = project.image_ids()[1]
    draw_by_hand(qtbot, page, (5, 6), (20, 20))
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_C, CONTROL)
    there = draw(project, second, (40, 30, 60, 44))
    page.pictures.forget()
    session.select_image(second)
    assert not page.canvas.view.has_image
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_V, CONTROL)
    assert there in {box.id for box in project.boxes(second)} and len(project.boxes(second)) == 2


def test_on_a_smaller_image_boxes_are_cut_or_left_out_and_that_is_told(
    qtbot: QtBot, page: LabelPage, session: Session, tmp_path: Path
) -> None:
    project = project_of(session)
    changes, _ = project.files.add_images([write_picture(tmp_path / "small.png", picture(20, 16))])
    session.notify(changes)
    first = session.image_id
    for xyxy in ((1, 1, 10, 10), (12, 8, 40, 12), (40, 30, 60, 44)):
        draw(project, first or 0, xyxy)
    refresh_image(session)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_A, CONTROL)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_C, CONTROL)
    session.select_image(next(image.id for image in project.images() if image.path.endswith("small.png")))
    loaded(qtbot, page)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_V, CONTROL)
    assert [box.xyxy for box in boxes_of(session)] == [(1, 1, 10, 10), (12, 8, 20, 12)]
    assert "1 box outside this image left out; 1 box cut off at its edge" in page.notice.text


def test_boxes_go_from_project_to_project_by_the_names_of_their_labels(
    qtbot: QtBot, page: LabelPage, session: Session, tmp_path: Path
) -> None:
    project = project_of(session)
    draw(project, session.image_id or 0, (1, 2, 30, 20), ["scratch", "pit"])
    refresh_image(session)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_A, CONTROL)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_C, CONTROL)
    other: Project = project_with_pictures(tmp_path / "other", 1, ["pit", "dent"])
    session.adopt(other)
    loaded(qtbot, page)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_V, CONTROL)
    assert names(session, boxes_of(session)[0]) == ["pit"]
    assert "without “scratch”" in page.notice.text


_names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_sides = st.floats(0, 1e5, allow_nan=False)
_copied_boxes = st.builds(
    lambda x, y, w, h, labels: CopiedBox((x, y, x + w, y + h), tuple(labels)),
    _sides,
    _sides,
    st.floats(1, 100),
    st.floats(1, 100),
    st.lists(_names, max_size=3),
)


@given(
    st.builds(lambda name, boxes: Copied(name, tuple(boxes)), _names, st.lists(_copied_boxes, min_size=1, max_size=4))
)
def test_what_is_copied_is_what_is_pasted(what: Copied) -> None:
    assert box_clipboard.from_text(box_clipboard.to_text(what)) == what


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a shopping list",
        '{"defectdesk_boxes": 1}',
        '{"defectdesk_boxes": 2, "image": "a", "boxes": [{"xyxy": [1, 1, 2, 2], "labels": []}]}',
        '{"defectdesk_boxes": 1, "image": "a", "boxes": [{"xyxy": [1, 1, NaN, 2], "labels": []}]}',
        '{"defectdesk_boxes": 1, "image": "a", "boxes": [{"xyxy": [1, 1, 1e999, 2], "labels": []}]}',
        '{"defectdesk_boxes": 1, "image": "a", "boxes": [{"xyxy": [1, 1, ' + "9" * 4000 + ', 2], "labels": []}]}',
        '{"defectdesk_boxes": 1, "image": "a", "boxes": [{"xyxy": [2, 1, 1, 2], "labels": []}]}',
        '{"defectdesk_boxes": 1, "image": "a", "boxes": [{"xyxy": [1, 1, 2], "labels": []}]}',
        '{"defectdesk_boxes": 1, "image": "a", "boxes": [{"xyxy": [1, 1, 2, 2], "labels": [3]}]}',
        '{"defectdesk_boxes": 1, "image": 3, "boxes": [{"xyxy": [1, 1, 2, 2], "labels": []}]}',
        '{"defectdesk_boxes": 1, "image": "a", "boxes": []}',
        '["defectdesk_boxes"]',
        '{"defectdesk_boxes": 1, "image": "a", "boxes": ' + "[" * 90_000,
    ],
)
def test_foreign_text_is_no_boxes(text: str) -> None:
    assert box_clipboard.from_text(text) is None


def test_a_program_that_copied_boxes_ends_in_order() -> None:
    code = (
        "from PySide6.QtWidgets import QApplication\n"
        "from desktop.label.boxes import box_clipboard as b\n"
        "app = QApplication([])\n"
        "b.put_boxes(b.Copied('a.png', (b.CopiedBox((0, 0, 9, 9), ('dent',)),)))\n"
        "assert b.take_boxes() is not None\n"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_the_clipboard_of_another_program_does_not_take_the_copied_boxes_away(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    draw_by_hand(qtbot, page, (5, 6), (20, 20))
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_C, CONTROL)
    QApplication.clipboard().setText("a shopping list")
    next_image(qtbot, page)
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_V, CONTROL)
    assert len(boxes_of(session)) == 1


@pytest.mark.parametrize("state", ["hidden", "locked"])
def test_no_copies_come_to_boxes_that_are_hidden_or_locked_and_the_hint_says_why(
    qtbot: QtBot, page: LabelPage, session: Session, state: str
) -> None:
    draw_by_hand(qtbot, page, (10, 10), (30, 30))
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_C, CONTROL)
    page.canvas.set_state(**{state: True})
    for key in (Qt.Key.Key_D, Qt.Key.Key_V):
        qtbot.keyClick(page.canvas.view, key, CONTROL)
        assert len(boxes_of(session)) == 1 and state in page.canvas.hint
    page.canvas.set_state(**{state: False})
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_V, CONTROL)
    assert len(boxes_of(session)) == 2


def test_undo_in_the_middle_of_a_drag_keeps_nothing_of_the_drag(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    draw_by_hand(qtbot, page, (10, 10), (30, 30))
    draw_by_hand(qtbot, page, (40, 10), (55, 30))
    before = boxes_of(session)[0]
    at = [page.canvas.view.to_widget(QPointF(x, 20)).toPoint() for x in (20, 26)]
    qtbot.mousePress(page.canvas.view, LEFT, pos=at[0])
    move(page.canvas.view, QPointF(at[1]))
    assert page.canvas.chosen[0].xyxy != before.xyxy
    session.undo()
    qtbot.mouseRelease(page.canvas.view, LEFT, pos=at[1])
    assert boxes_of(session) == (before,)
    session.redo()
    assert len(boxes_of(session)) == 2, "the drag was no edit, so that there is still something to do again"


def test_a_digit_while_a_box_is_drawn_is_for_that_box(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    draw_by_hand(qtbot, page, (10, 10), (30, 30))
    assert len(page.canvas.selected) == 1
    start, over, end = (page.canvas.view.to_widget(QPointF(x, x)).toPoint() for x in (40, 50, 56))
    qtbot.mousePress(page.canvas.view, LEFT, pos=start)
    move(page.canvas.view, QPointF(over))
    qtbot.keyClick(page.canvas.view, KEYS["1"])
    move(page.canvas.view, QPointF(end))
    qtbot.mouseRelease(page.canvas.view, LEFT, pos=end)
    assert [len(box.labels) for box in boxes_of(session)] == [0, 1]


def test_a_selected_box_is_marked_difficult_by_a_key(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    draw_by_hand(qtbot, page, (5, 6), (30, 36))
    qtbot.keyClick(page.canvas.view, KEYS["1"])
    plain = page.canvas.view.grab().toImage()
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_X, Qt.KeyboardModifier.ShiftModifier)
    (box,) = boxes_of(session)
    assert box.difficult and page.canvas.selected == {box.id}
    assert page.canvas.view.grab().toImage() != plain
    assert page.box_list.boxes.index(0, 0).data() == "scratch (difficult)"
    session.undo()
    assert not boxes_of(session)[0].difficult
