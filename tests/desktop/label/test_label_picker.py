"""Picking labels by typing: which fit, and what the keys and the mouse do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtWidgets import QApplication, QListView
from pytestqt.qtbot import QtBot

from core.project.edits import image_edits
from core.project.palette import extend_labels
from core.types import Label
from desktop.base.session import Session
from desktop.label.label_page import LabelPage
from desktop.label.labels.label_match import find_matches, fold_name, same_name
from desktop.label.labels.label_picker import LabelPicker
from desktop.label.labels.label_picker_list import CHECKED
from tests.builders import draw, label_named, project_with_pictures
from tests.desktop.label.label_builders import CONTROL, KEYS, SHIFT, boxes_of, draw_by_hand, loaded, names, project_of
from tests.desktop.label.page_driver import find_field, find_only

NAMES = ("scratch", "pit", "stain", "solder bridge", "Übergang", "bridge crack")


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    session = Session()
    session.adopt(project_with_pictures(tmp_path / "project", 2, NAMES))
    yield session
    session.close()


def _picker(page: LabelPage) -> LabelPicker:
    return find_only(page, LabelPicker)


def _rows(page: LabelPage) -> list[str]:
    model = find_only(_picker(page), QListView).model()
    return [str(model.index(row, 0).data()) for row in range(model.rowCount())]


def _open(qtbot: QtBot, page: LabelPage) -> LabelPicker:
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_Return)
    picker = _picker(page)
    assert picker.isVisible()
    return picker


def _labels(*names: str) -> tuple[Label, ...]:
    return extend_labels((), names)


def _found(typed: str, *names: str, recent: tuple[int, ...] = ()) -> list[str]:
    return [match.label.name for match in find_matches(_labels(*names), typed, recent)]


def test_the_start_of_a_name_comes_before_words_before_parts_before_scattered_letters() -> None:
    names = ("misprint", "pin hole", "hair pin", "spin", "pixel noise")
    assert _found("pin", *names) == ["pin hole", "hair pin", "spin", "misprint", "pixel noise"]


def test_words_are_found_in_any_order() -> None:
    assert _found("cr bri", *NAMES) == ["bridge crack"]
    assert _found("bri", *NAMES) == ["bridge crack", "solder bridge"]


def test_accents_and_case_do_not_matter_and_the_typed_letters_are_known() -> None:
    assert _found("UBER", *NAMES) == ["Übergang"]
    assert _found("ubergang", "U\u0308bergang") == ["U\u0308bergang"]
    assert _found("strasse", "Straße") == ["Straße"]
    (match,) = find_matches(_labels("Straße"), "ss")
    assert match.letters == {4}
    label = same_name(_labels(*NAMES), " übergang ")
    assert label is not None and label.name == "Übergang"
    assert same_name(_labels(*NAMES), "über") is None


def test_recent_labels_come_first_among_equals() -> None:
    assert _found("", *NAMES, recent=(3, 5))[:3] == ["stain", "Übergang", "scratch"]
    assert _found("s", *NAMES, recent=(4, 2)) == ["solder bridge", "scratch", "stain"]


@given(st.text(max_size=20), st.text(max_size=8), st.text(max_size=8))
def test_a_name_is_found_by_itself_and_by_every_part_of_it(name: str, before: str, after: str) -> None:
    label = Label(1, f"{before}{name}{after} .", "#000000")
    for typed in (name, label.name):
        found = find_matches([label], typed)
        if not "".join(fold_name(typed)[0].split()):
            assert [match.label for match in found] == [label]
        elif "  " not in typed and typed == typed.strip():
            assert [match.label for match in found] == [label]
            assert all(0 <= place < len(label.name) for place in found[0].letters)


def test_enter_sets_the_label_and_goes_back_to_the_image(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    draw_by_hand(qtbot, page, (5, 6), (20, 20))
    picker = _open(qtbot, page)
    assert QApplication.focusWidget() is find_field(picker)
    qtbot.keyClicks(find_field(picker), "sta")
    assert _rows(page) == ["stain", "Create “sta”"]
    qtbot.keyClick(find_field(picker), Qt.Key.Key_Return)
    assert names(session, boxes_of(session)[0]) == ["stain"]
    assert not picker.isVisible() and QApplication.focusWidget() is page.canvas.view


def test_it_stays_for_several_labels_and_enter_twice_sets_the_latest(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    draw_by_hand(qtbot, page, (5, 6), (20, 20))
    picker = _open(qtbot, page)
    qtbot.keyClicks(find_field(picker), "pit")
    qtbot.keyClick(find_field(picker), Qt.Key.Key_Return, SHIFT)
    assert picker.isVisible() and find_field(picker).text() == ""
    qtbot.keyClicks(find_field(picker), "sol bri")  # a space is a letter of a name once one types
    qtbot.keyClick(find_field(picker), Qt.Key.Key_Return)
    assert names(session, boxes_of(session)[0]) == ["pit", "solder bridge"]
    draw_by_hand(qtbot, page, (30, 25), (50, 40))
    _open(qtbot, page)
    assert _rows(page)[:3] == ["solder bridge", "pit", "scratch"]
    qtbot.keyClick(find_field(picker), Qt.Key.Key_Return)
    assert names(session, boxes_of(session)[1]) == ["solder bridge"]


def test_arrows_and_space_tick_without_typing(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    draw_by_hand(qtbot, page, (5, 6), (20, 20))
    picker = _open(qtbot, page)
    qtbot.keyClick(find_field(picker), Qt.Key.Key_Down)
    qtbot.keyClick(find_field(picker), Qt.Key.Key_Space)
    qtbot.keyClick(find_field(picker), Qt.Key.Key_Up)
    qtbot.keyClick(find_field(picker), Qt.Key.Key_Up)  # round the end
    qtbot.keyClick(find_field(picker), Qt.Key.Key_Space)
    assert picker.isVisible()
    assert names(session, boxes_of(session)[0]) == ["pit", "bridge crack"]
    qtbot.keyClick(find_field(picker), Qt.Key.Key_Escape)
    assert not picker.isVisible()
    assert page.canvas.selected  # Esc was for the picker alone


def test_a_digit_is_a_key_and_no_name(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    draw_by_hand(qtbot, page, (5, 6), (20, 20))
    picker = _open(qtbot, page)
    qtbot.keyClick(find_field(picker), KEYS["2"])
    assert names(session, boxes_of(session)[0]) == ["pit"]
    assert picker.isVisible() and find_field(picker).text() == ""
    qtbot.keyClick(find_field(picker), KEYS["9"])
    assert find_field(picker).text() == "9"


def test_a_label_is_created_with_its_tick_in_one_edit(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    draw_by_hand(qtbot, page, (5, 6), (20, 20))
    picker = _open(qtbot, page)
    qtbot.keyClicks(find_field(picker), "porosity")
    assert _rows(page) == ["Create “porosity”"]
    qtbot.keyClick(find_field(picker), Qt.Key.Key_Return)
    assert names(session, boxes_of(session)[0]) == ["porosity"]
    session.undo()
    assert names(session, boxes_of(session)[0]) == []
    assert label_named(project_of(session), "porosity") is None


def test_what_exists_is_not_offered_to_be_created(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    draw_by_hand(qtbot, page, (5, 6), (20, 20))
    picker = _open(qtbot, page)
    qtbot.keyClicks(find_field(picker), "PIT")
    assert _rows(page) == ["pit"]
    find_field(picker).setText("x" * 110)
    assert _rows(page) == []
    qtbot.keyClick(find_field(picker), Qt.Key.Key_Return)
    assert len(project_of(session).labels()) == len(NAMES)


def test_several_boxes_show_what_they_share_and_get_it_together(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    project = project_of(session)
    image = project.image_ids()[0]
    draw(project, image, (5, 6, 20, 20), ["scratch", "pit"])
    draw(project, image, (30, 25, 50, 40), ["pit"])
    session.apply(image_edits.set_note(project, image, "seen"))
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_A, CONTROL)
    picker = _open(qtbot, page)
    model = find_only(picker, QListView).model()
    ticks = {str(model.index(row, 0).data()): model.index(row, 0).data(CHECKED) for row in range(3)}
    assert ticks == {"scratch": None, "pit": True, "stain": False}
    qtbot.keyClicks(find_field(picker), "scr")
    qtbot.keyClick(find_field(picker), Qt.Key.Key_Return)
    assert [names(session, box) for box in boxes_of(session)] == [["scratch", "pit"]] * 2
    session.undo()
    assert [names(session, box) for box in boxes_of(session)] == [["scratch", "pit"], ["pit"]]


def test_by_mouse_a_name_closes_and_a_tick_stays(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    draw_by_hand(qtbot, page, (5, 6), (20, 20))
    picker = _open(qtbot, page)
    view = find_only(picker, QListView)

    def click(row: int, x: int) -> None:
        rect = view.visualRect(view.model().index(row, 0))
        qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=rect.topLeft() + QPoint(x, 12))

    click(1, 12)
    assert picker.isVisible()
    click(2, 80)
    assert not picker.isVisible()
    assert names(session, boxes_of(session)[0]) == ["pit", "stain"]
    _open(qtbot, page)
    qtbot.mouseClick(page.canvas.view, Qt.MouseButton.LeftButton, pos=QPoint(5, 690))
    assert not picker.isVisible()


def test_it_closes_when_its_boxes_are_no_longer_what_is_selected(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    draw_by_hand(qtbot, page, (5, 6), (20, 20))
    picker = _open(qtbot, page)
    session.undo()
    assert not picker.isVisible()
    session.redo()
    page.canvas.select_boxes([boxes_of(session)[0].id])
    _open(qtbot, page)
    session.select_image(project_of(session).image_ids()[1])
    assert not picker.isVisible()


def test_it_lies_inside_the_window_beside_its_box(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    project = project_of(session)
    image = project.image_ids()[1]
    for corner in ((0, 0, 6, 6), (58, 0, 64, 6), (0, 42, 6, 48), (58, 42, 64, 48)):
        draw(project, image, corner)
    session.select_image(image)
    loaded(qtbot, page)
    for box in boxes_of(session):
        page.canvas.select_boxes([box.id])
        picker = _open(qtbot, page)
        assert page.rect().contains(picker.geometry())
        corner = page.canvas.view.mapTo(page, page.canvas.view.to_widget(QPointF(box.x1, box.y1)).toPoint())
        other = page.canvas.view.mapTo(page, page.canvas.view.to_widget(QPointF(box.x2, box.y2)).toPoint())
        assert not picker.geometry().intersects(QRect(corner, other))
        picker.dismiss()


def test_without_a_box_it_picks_for_the_next_one(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    qtbot.keyClick(page.canvas.view, Qt.Key.Key_E, CONTROL)
    picker = _picker(page)
    assert picker.isVisible()
    qtbot.keyClicks(find_field(picker), "pit")
    qtbot.keyClick(find_field(picker), Qt.Key.Key_Return)
    draw_by_hand(qtbot, page, (5, 6), (20, 20))
    assert names(session, boxes_of(session)[0]) == ["pit"]
