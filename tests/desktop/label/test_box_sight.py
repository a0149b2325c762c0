"""Boxes are hidden, shown alone and locked, by themselves and by label: with keys, menus and the mouse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QAction, QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from core.project.edits.label_edits import delete_labels
from core.project.project import Project
from core.types import Box
from desktop.base.session import Session
from desktop.label.boxes.box_table import HIDDEN, LOCKED
from desktop.label.canvas.box_rules import NO_RULES, BoxRules
from desktop.label.label_page import LabelPage
from desktop.label.labels import label_list
from tests.builders import draw, project_with_pictures
from tests.desktop.label.label_builders import CONTROL, KEYS, SHIFT, at, boxes_of, draw_by_hand, names, project_of
from tests.desktop.mouse import drag

# Of the platform that the tests run on: a menu is shown there all the same.
shows_menus = pytest.mark.qt_log_ignore("This plugin does not support")
ALT = Qt.KeyboardModifier.AltModifier
Key = Qt.Key
FIRST, SECOND, BARE = (5, 6, 25, 30), (30, 6, 50, 30), (5, 34, 25, 46)


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    """On the first image a scratch, a pit, and a box without a label; all three are apart."""
    project = project_with_pictures(tmp_path / "project", 2)
    image_id = project.image_ids()[0]
    draw(project, image_id, FIRST, ["scratch"])
    draw(project, image_id, SECOND, ["pit"])
    draw(project, image_id, BARE, [])
    session = Session()
    session.adopt(project)
    yield session
    session.close()


def middle(box: tuple[int, int, int, int]) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def click(page: LabelPage, box: tuple[int, int, int, int]) -> None:
    QTest.mouseClick(page.canvas.view, Qt.MouseButton.LeftButton, pos=at(page, *middle(box)))


def seen(page: LabelPage) -> list[tuple[float, ...]]:
    return [box.xyxy for box in page.canvas.visible_boxes]


def badge_texts(page: LabelPage) -> list[str]:
    return [badge.text for badge in page.canvas.badges]


def label_id(session: Session, name: str) -> int:
    return next(label.id for label in project_of(session).labels() if label.name == name)


# -- the rules alone


def test_a_box_is_hidden_by_its_labels_only_where_none_of_them_is_to_be_seen() -> None:
    both, bare = Box(1, 0, 0, 5, 5, frozenset({1, 2})), Box(2, 0, 0, 5, 5, frozenset())
    rules = NO_RULES.with_label_hidden(1)
    assert not rules.hides(both) and not rules.hides(bare)
    assert rules.with_label_hidden(2).hides(both)
    assert rules.with_label_hidden(1) == NO_RULES
    only = rules.with_only_label(3)
    assert only.hides(both) and only.hides(bare) and only.hides_label(1) and not only.hides_label(3)
    assert only.with_only_label(3) == NO_RULES
    assert only.with_all_shown() == NO_RULES
    assert NO_RULES.with_label_locked(2).locks(both) and not NO_RULES.with_label_locked(2).locks(bare)


def test_locks_are_switched_for_all_of_several_boxes() -> None:
    one, two = Box(1, 0, 0, 5, 5, frozenset()), Box(2, 0, 0, 5, 5, frozenset())
    some = BoxRules(locked_boxes=frozenset({1}))
    assert some.with_locks_switched([one, two]).locked_boxes == {1, 2}
    assert some.with_locks_switched([one, two]).with_locks_switched([one, two]) == NO_RULES


# -- hiding


def test_a_hidden_box_is_not_drawn_not_hit_and_not_lost(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    before = boxes_of(session)
    click(page, FIRST)
    qtbot.keyClick(page.canvas.view, Key.Key_H, CONTROL)
    assert seen(page) == [SECOND, BARE] and page.canvas.selected == frozenset()
    assert badge_texts(page) == ["1 box hidden"]
    qtbot.keyClick(page.canvas.view, Key.Key_A, CONTROL)
    assert len(page.canvas.selected) == 2
    qtbot.keyClick(page.canvas.view, Key.Key_Right)  # an edit of the others leaves it what it is
    page.canvas.finish_nudging()
    assert boxes_of(session)[0] == before[0] and boxes_of(session)[1].x1 == SECOND[0] + 1
    qtbot.keyClick(page.canvas.view, Key.Key_Escape)
    click(page, FIRST)
    assert page.canvas.selected == frozenset()
    qtbot.keyClick(page.canvas.view, Key.Key_H, CONTROL | ALT)
    assert len(seen(page)) == 3 and badge_texts(page) == []


def test_only_the_selected_box_is_shown_and_other_images_are_as_they_were(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    draw(project_of(session), project_of(session).image_ids()[1], (1, 1, 9, 9))
    click(page, SECOND)
    qtbot.keyClick(page.canvas.view, Key.Key_H, CONTROL | SHIFT)
    assert seen(page) == [SECOND] and badge_texts(page) == ["2 boxes hidden"]
    qtbot.keyClick(page.canvas.view, Key.Key_D)
    qtbot.waitUntil(lambda: page.canvas.view.has_image)
    assert seen(page) == [(1, 1, 9, 9)] and badge_texts(page) == []


def test_a_hidden_box_that_the_list_selects_is_shown_while_it_is_selected(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    click(page, FIRST)
    qtbot.keyClick(page.canvas.view, Key.Key_H, CONTROL)
    model = page.box_list.model()
    assert [model.index(row, 0).data(HIDDEN) for row in range(3)] == [True, False, False]
    page.box_list.chosen.emit(frozenset({boxes_of(session)[0].id}))
    assert FIRST in seen(page)
    qtbot.keyClick(page.canvas.view, Key.Key_Escape)
    assert FIRST not in seen(page)


def test_boxes_are_hidden_and_shown_alone_by_label(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    scratch, pit = label_id(session, "scratch"), label_id(session, "pit")
    page.labels.hide_switched.emit(scratch)
    assert seen(page) == [SECOND, BARE]
    assert [page.labels.model.index(row).data(label_list.HIDDEN) for row in range(3)] == [True, False, False]
    page.labels.only_switched.emit(pit)
    assert seen(page) == [SECOND]
    page.canvas.badge_clicked.emit("show_hidden")
    assert len(seen(page)) == 3


def test_a_box_drawn_while_its_label_is_hidden_stays_in_sight_until_it_is_let_go(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    page.labels.only_switched.emit(label_id(session, "pit"))
    draw_by_hand(qtbot, page, (30, 33), (50, 46))
    assert len(seen(page)) == 2 and len(boxes_of(session)) == 4
    qtbot.keyClick(page.canvas.view, KEYS["2"])
    qtbot.keyClick(page.canvas.view, Key.Key_Escape)
    assert len(seen(page)) == 2 and names(session, boxes_of(session)[3]) == ["pit"]


# -- locking


def test_a_locked_box_is_not_moved_resized_nudged_or_deleted_but_labelled(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    click(page, FIRST)
    qtbot.keyClick(page.canvas.view, Key.Key_L, SHIFT)
    before = boxes_of(session)
    drag(qtbot, page.canvas.view, at(page, *middle(FIRST)), at(page, 20, 25))
    click(page, FIRST)
    drag(qtbot, page.canvas.view, at(page, FIRST[2], FIRST[3]), at(page, 28, 32))  # where a handle would be
    click(page, FIRST)
    assert page.canvas.selected == {before[0].id}
    qtbot.keyClick(page.canvas.view, Key.Key_Right)
    assert "locked" in page.canvas.hint and "Shift+L" in page.canvas.hint
    qtbot.keyClick(page.canvas.view, Key.Key_Delete)
    qtbot.keyClick(page.canvas.view, Key.Key_X, CONTROL)
    page.canvas.finish_nudging()
    assert boxes_of(session)[:3] == before
    qtbot.keyClick(page.canvas.view, KEYS["3"])
    assert set(names(session, boxes_of(session)[0])) == {"scratch", "stain"}
    assert page.box_list.model().index(0, 0).data(LOCKED) is True
    qtbot.keyClick(page.canvas.view, Key.Key_L, SHIFT)
    drag(qtbot, page.canvas.view, at(page, *middle(FIRST)), at(page, 20, 22))
    assert boxes_of(session)[0].xyxy != FIRST


def test_of_a_selection_only_what_is_not_locked_moves_and_goes(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    page.labels.lock_switched.emit(label_id(session, "pit"))
    assert page.labels.model.index(1).data(label_list.LOCKED) is True
    qtbot.keyClick(page.canvas.view, Key.Key_A, CONTROL)
    qtbot.keyClick(page.canvas.view, Key.Key_Down)
    page.canvas.finish_nudging()
    assert [box.y1 for box in boxes_of(session)] == [FIRST[1] + 1, SECOND[1], BARE[1] + 1]
    drag(qtbot, page.canvas.view, at(page, 15, 20), at(page, 17, 20))
    assert boxes_of(session)[0].x1 > FIRST[0] and boxes_of(session)[1].xyxy == SECOND
    qtbot.keyClick(page.canvas.view, Key.Key_Delete)
    assert [box.xyxy for box in boxes_of(session)] == [SECOND]


def test_another_project_begins_with_everything_shown_and_free(
    qtbot: QtBot, page: LabelPage, session: Session, tmp_path: Path
) -> None:
    page.labels.only_switched.emit(label_id(session, "pit"))
    page.labels.lock_switched.emit(label_id(session, "pit"))
    session.adopt(project_with_pictures(tmp_path / "other", 1))
    assert page.sight.rules == NO_RULES


# -- menus


def ask_for_menu(page: LabelPage, reason: QContextMenuEvent.Reason, place: QPoint) -> None:
    view = page.canvas.view
    QApplication.sendEvent(view, QContextMenuEvent(reason, place, view.mapToGlobal(place)))


def open_menu(page: LabelPage, x: float, y: float) -> dict[str, QAction]:
    """Press the right button on the canvas; the entries by their texts."""
    ask_for_menu(page, QContextMenuEvent.Reason.Mouse, at(page, x, y))
    return {action.text(): action for action in page.canvas_menu.menu.actions() if not action.isSeparator()}


@shows_menus
def test_the_right_button_selects_the_box_and_offers_what_can_be_done_to_it(page: LabelPage, session: Session) -> None:
    entries = open_menu(page, *middle(SECOND))
    assert page.canvas_menu.menu.isVisible()
    assert page.canvas.selected == {boxes_of(session)[1].id}
    assert {"Pick labels…", "Duplicate", "Delete", "Hide box", "Show only this box", "Lock or unlock box"} <= set(
        entries
    )
    entries["Difficult"].trigger()
    assert [box.difficult for box in boxes_of(session)] == [False, True, False]
    entries["Delete"].trigger()
    page.canvas_menu.menu.close()
    assert [box.xyxy for box in boxes_of(session)] == [FIRST, BARE]


@shows_menus
def test_the_right_button_on_one_of_several_selected_boxes_keeps_them(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    qtbot.keyClick(page.canvas.view, Key.Key_A, CONTROL)
    open_menu(page, *middle(FIRST))
    assert len(page.canvas.selected) == 3
    page.canvas_menu.menu.close()


@shows_menus
def test_beside_the_boxes_the_menu_is_about_the_image(page: LabelPage, session: Session) -> None:
    click(page, FIRST)
    entries = open_menu(page, 55, 45)
    assert page.canvas.selected == {boxes_of(session)[0].id}  # looking at a menu changes nothing
    assert {"Draw a box", "Paste boxes", "Clean", "Fit to the window", "Open the containing folder"} <= set(entries)
    assert "Delete" not in entries
    page.canvas_menu.menu.close()


def test_no_menu_opens_in_the_middle_of_a_gesture(qtbot: QtBot, page: LabelPage) -> None:
    QTest.mousePress(page.canvas.view, Qt.MouseButton.LeftButton, pos=at(page, 30, 40))
    QTest.mouseMove(page.canvas.view, at(page, 50, 46))
    open_menu(page, 50, 46)
    assert not page.canvas_menu.menu.isVisible()
    QTest.mouseRelease(page.canvas.view, Qt.MouseButton.LeftButton, pos=at(page, 50, 46))


@shows_menus
def test_the_menu_key_is_about_the_selected_boxes_wherever_the_mouse_is(page: LabelPage, session: Session) -> None:
    click(page, SECOND)
    ask_for_menu(page, QContextMenuEvent.Reason.Keyboard, at(page, *middle(FIRST)))
    assert page.canvas.selected == {boxes_of(session)[1].id}
    assert page.canvas_menu.menu.actions()[0].text() == "Pick labels…"
    page.canvas_menu.menu.close()


@shows_menus
def test_the_menu_of_a_label_hides_shows_alone_and_locks_its_boxes(page: LabelPage, session: Session) -> None:
    def choose(text: str) -> None:
        def trigger() -> None:
            menu = QApplication.activePopupWidget()
            assert isinstance(menu, QMenu)
            next(action for action in menu.actions() if action.text() == text).trigger()
            menu.close()

        QTimer.singleShot(0, trigger)
        page.labels.rows.menu_wanted.emit(0, QPoint(50, 50))

    choose("Hide its boxes")
    assert seen(page) == [SECOND, BARE]
    choose("Show only its boxes")
    assert seen(page) == [FIRST]
    choose("Lock its boxes")
    assert page.sight.rules.locks(boxes_of(session)[0])


# -- until the project is opened again


def test_what_was_hidden_and_locked_is_so_again_when_the_project_is_opened(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    folder = project_of(session).folder
    click(page, FIRST)
    qtbot.keyClick(page.canvas.view, Key.Key_H, CONTROL)
    click(page, SECOND)
    qtbot.keyClick(page.canvas.view, Key.Key_L, SHIFT)
    page.sight.switch_label_hidden(label_id(session, "stain"))
    page.sight.switch_label_locked(label_id(session, "scratch"))
    before = page.sight.rules
    assert before != NO_RULES
    session.close()
    assert page.sight.rules == NO_RULES
    session.adopt(Project.open(folder))
    assert page.sight.rules == before
    qtbot.waitUntil(lambda: seen(page) == [SECOND, BARE])
    assert "1 box hidden" in badge_texts(page)


def test_a_label_that_was_shown_alone_and_is_gone_hides_nothing(page: LabelPage, session: Session) -> None:
    folder, stain = project_of(session).folder, label_id(session, "stain")
    page.sight.switch_only_label(stain)
    session.close()
    with Project.open(folder) as project:
        project.apply(delete_labels(project, [stain]))
    session.adopt(Project.open(folder))
    assert page.sight.rules == NO_RULES


def test_another_project_is_seen_whole(page: LabelPage, session: Session, tmp_path: Path) -> None:
    page.sight.switch_label_hidden(label_id(session, "scratch"))
    session.adopt(project_with_pictures(tmp_path / "other", 1))
    assert page.sight.rules == NO_RULES
