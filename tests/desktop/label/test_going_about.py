"""By mouse and keyboard: labels by a double click or after each box, to an image by number, its file, zoom, notes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QSpinBox, QToolButton
from pytestqt.qtbot import QtBot

from core.project.edits import image_edits
from desktop.base.session import Session
from desktop.label.go_to_dialog import GoToDialog
from desktop.label.label_page import LabelPage
from desktop.services import Services
from tests.builders import project_with_pictures
from tests.desktop.label.label_builders import at, boxes_of, draw_by_hand, loaded, names, project_of
from tests.desktop.label.page_driver import find_action, find_field, find_named

LEFT = Qt.MouseButton.LeftButton
Key = Qt.Key


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    session = Session()
    session.adopt(project_with_pictures(tmp_path / "project", 6))
    yield session
    session.close()


def double_click(page: LabelPage, x: float, y: float) -> None:
    """As a mouse does: press, release, a second press that the system calls a double click, release."""
    QTest.mouseClick(page.canvas.view, LEFT, pos=at(page, x, y))
    QTest.mouseDClick(page.canvas.view, LEFT, pos=at(page, x, y))


def place(page: LabelPage) -> int:
    return page.images.position()[0]


# -- labels


def test_a_double_click_on_a_box_edits_its_labels(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    draw_by_hand(qtbot, page, (5, 6), (30, 36))
    qtbot.keyClick(page.canvas.view, Key.Key_Escape)
    before = boxes_of(session)
    double_click(page, 15, 20)
    assert page.editing.picker.isVisible() and page.canvas.selected == {before[0].id}
    assert boxes_of(session) == before
    QTest.keyClicks(find_field(page.editing.picker), "pit")
    QTest.keyClick(find_field(page.editing.picker), Key.Key_Return)
    assert names(session, boxes_of(session)[0]) == ["pit"]
    assert not page.editing.picker.isVisible() and page.canvas.view.hasFocus()


def test_a_double_click_beside_the_boxes_or_while_drawing_opens_nothing(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    draw_by_hand(qtbot, page, (5, 6), (30, 36))
    double_click(page, 50, 40)
    assert not page.editing.picker.isVisible()
    qtbot.keyClick(page.canvas.view, Key.Key_W)
    double_click(page, 12, 12)
    assert not page.editing.picker.isVisible()


def test_a_double_click_opens_the_labels_of_a_locked_box_too(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    draw_by_hand(qtbot, page, (5, 6), (30, 36))
    qtbot.keyClick(page.canvas.view, Key.Key_L)
    double_click(page, 15, 20)
    assert page.editing.picker.isVisible()


def test_labels_are_asked_for_after_each_box_where_that_is_wanted(
    qtbot: QtBot, page: LabelPage, session: Session, services: Services
) -> None:
    draw_by_hand(qtbot, page, (5, 6), (20, 20))
    assert not page.editing.picker.isVisible()
    find_action(page, "ask_labels").trigger()
    assert services.settings.values.label_ask_labels
    for corner, label in (((30, 6), "scratch"), ((30, 26), "stain")):
        draw_by_hand(qtbot, page, corner, (corner[0] + 15, corner[1] + 15))
        field = find_field(page.editing.picker)
        assert field.hasFocus()
        QTest.keyClicks(field, label)
        QTest.keyClick(field, Key.Key_Return)
        assert page.canvas.view.hasFocus()
    assert [names(session, box) for box in boxes_of(session)] == [[], ["scratch"], ["stain"]]
    services.settings.update(label_ask_labels=False)
    assert not find_action(page, "ask_labels").isChecked()


# -- to an image


def test_home_and_end_go_to_the_first_and_the_last_image(qtbot: QtBot, page: LabelPage) -> None:
    qtbot.keyClick(page.canvas.view, Key.Key_End)
    assert place(page) == 6
    qtbot.keyClick(page.canvas.view, Key.Key_Home)
    assert place(page) == 1


def test_home_and_end_stay_with_the_list_of_labels_or_boxes_that_has_the_keys(
    qtbot: QtBot, page: LabelPage, session: Session
) -> None:
    draw_by_hand(qtbot, page, (5, 6), (20, 20))
    draw_by_hand(qtbot, page, (30, 25), (50, 40))
    for panel in (page.box_list, page.labels.rows):
        panel.take_focus()
        QTest.keyClick(panel, Key.Key_End)
        assert place(page) == 1
        assert panel.currentIndex().row() == panel.model().rowCount() - 1


def enter_number(number: int, *, accept: bool = True) -> None:
    """Type a number into the question that is about to come."""

    def enter() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, GoToDialog)
        field = find_named(dialog, QSpinBox, "Number of the image")
        assert (field.minimum(), field.maximum()) == (1, 6) and dialog.focusWidget() is field
        QTest.keyClicks(field, str(number))
        QTest.keyClick(field, Key.Key_Return if accept else Key.Key_Escape)

    QTimer.singleShot(0, enter)


def test_the_counter_and_a_key_ask_for_the_number_of_an_image(qtbot: QtBot, page: LabelPage) -> None:
    counter = find_named(page, QToolButton, "Number of the image among those shown")
    assert counter.text() == "1 / 6"
    enter_number(5)
    QTest.mouseClick(counter, LEFT)
    assert place(page) == 5 and counter.text() == "5 / 6"
    page.activateWindow()  # as a window manager does when a dialog closes
    qtbot.waitUntil(page.isActiveWindow)
    enter_number(2)
    qtbot.keyClick(page.canvas.view, Key.Key_G, Qt.KeyboardModifier.ControlModifier)
    assert place(page) == 2
    page.activateWindow()
    qtbot.waitUntil(page.isActiveWindow)
    enter_number(4, accept=False)
    qtbot.keyClick(page.canvas.view, Key.Key_G, Qt.KeyboardModifier.ControlModifier)
    assert place(page) == 2


# -- its file


def test_the_path_is_copied_and_the_folder_opened(
    qtbot: QtBot, page: LabelPage, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project_of(session).image_path(session.image_id or 0)
    modifiers = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(page.canvas.view, Key.Key_C, modifiers)
    assert QApplication.clipboard().text() == str(path)
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url) or True)
    find_action(page, "open_folder").trigger()
    assert [Path(url.toLocalFile()) for url in opened] == [path.parent]
    assert page.notice.text == ""
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda _url: False)
    find_action(page, "open_folder").trigger()
    assert str(path.parent) in page.notice.text and "file manager" in page.notice.text


def test_the_paths_of_several_images_are_copied_one_a_line(page: LabelPage, session: Session) -> None:
    ids = project_of(session).image_ids()[:3]
    page.work.copy_paths(ids)
    assert QApplication.clipboard().text().split("\n") == [str(project_of(session).image_path(one)) for one in ids]


# -- zoom


def test_the_zoom_figure_is_a_control(qtbot: QtBot, page: LabelPage) -> None:
    zoom = find_named(page, QToolButton, "Zoom")
    menu = zoom.menu()
    assert isinstance(menu, QMenu)
    entries = {action.text(): action for action in menu.actions() if not action.isSeparator()}
    entries["200%"].trigger()
    assert page.canvas.view.scale == pytest.approx(2.0) and zoom.text() == "200%"
    entries["Fit to the window"].trigger()
    assert page.canvas.view.place is None
    assert zoom.focusPolicy() == Qt.FocusPolicy.TabFocus  # a click leaves the keys with the image


# -- notes


def test_an_image_with_a_note_carries_a_mark_in_the_list(qtbot: QtBot, page: LabelPage, session: Session) -> None:
    view, project = page.images.view, project_of(session)
    first = page.images.shown.index(0)

    def picture() -> object:
        return view.grab(view.visualRect(first)).toImage()

    loaded(qtbot, page)
    qtbot.waitUntil(lambda: first.data(Qt.ItemDataRole.DecorationRole) is not None)
    before = picture()
    session.apply(image_edits.set_note(project, project.image_ids()[0], "Scratch is from the clamp"), None)
    assert picture() != before
    assert "has a note" in first.data(Qt.ItemDataRole.AccessibleTextRole)
    assert "Scratch is from the clamp" in first.data(Qt.ItemDataRole.ToolTipRole)


# -- the grid


def test_the_images_are_shown_as_a_grid_and_stay_so(
    qtbot: QtBot, page: LabelPage, session: Session, services: Services
) -> None:
    page.activateWindow()
    qtbot.waitUntil(page.isActiveWindow)
    qtbot.keyClick(page.canvas.view, Key.Key_T, Qt.KeyboardModifier.ShiftModifier)
    view = page.images.view
    assert view.columns >= 2 and services.settings.values.label_image_grid
    third = view.visualRect(page.images.shown.index(2))
    QTest.mouseClick(view.viewport(), LEFT, pos=third.center())
    assert place(page) == 3
    qtbot.waitUntil(lambda: page.images.shown.index(2).data(Qt.ItemDataRole.DecorationRole) is not None)
    assert not view.grab(third).toImage().isNull()
    again = LabelPage(session, services)
    qtbot.addWidget(again)
    assert find_action(again, "image_grid").isChecked() and again.images.view.columns >= 1
    qtbot.keyClick(page.canvas.view, Key.Key_T, Qt.KeyboardModifier.ShiftModifier)
    assert view.columns == 1 and not services.settings.values.label_image_grid
