"""Keys of the page in front work wherever the focus is, unless a text is typed; notices give the keys back."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from core.project.project import Project
from core.types import Status
from desktop.kit.notice import Notice
from desktop.label.label_page import LabelPage
from desktop.services import Services
from desktop.shell.main_window import MainWindow
from desktop.shell.page_stack import TITLES
from tests.builders import draw, project_with_pictures, write_picture
from tests.desktop.label.page_driver import find_note
from tests.desktop.shell.crowded_project import make_crowded_project

Key = Qt.Key
TYPED = (QLineEdit, QPlainTextEdit, QAbstractSpinBox)
NO_FOCUS = Qt.FocusPolicy.NoFocus


@pytest.fixture
def page(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> LabelPage:
    """The Label page of a project of three images, with a box on the first, which is selected."""
    project = project_with_pictures(tmp_path / "project", 3)
    draw(project, project.image_ids()[0])
    project.close()
    window.open_project(tmp_path / "project")
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    page = window.get_page("Label")
    assert isinstance(page, LabelPage)
    qtbot.waitUntil(lambda: page.canvas.view.has_image, timeout=10_000)
    page.canvas.view.setFocus()
    page.canvas.select_all()
    return page


def opened(window: MainWindow) -> Project:
    assert window.session.project is not None
    return window.session.project


def press(*keys: Qt.Key) -> None:
    """Press keys where the focus is."""
    for key in keys:
        focused = QApplication.focusWidget()
        assert focused is not None
        QTest.keyClick(focused, key)


def focus_rail(window: MainWindow) -> QToolButton:
    button = next(one for one in window.rail.findChildren(QToolButton) if one.isChecked())
    button.setFocus(Qt.FocusReason.TabFocusReason)
    return button


def test_page_keys_work_while_the_rail_has_the_focus(window: MainWindow, page: LabelPage) -> None:
    focus_rail(window)
    press(Key.Key_Delete)
    assert opened(window).boxes(window.session.image_id or 0) == ()
    press(Key.Key_D)
    assert window.session.image_id == opened(window).image_ids()[1]


def test_tab_from_the_note_to_the_rail_leaves_delete_and_escape_alive(window: MainWindow, page: LabelPage) -> None:
    page.side.tabs.setCurrentWidget(page.details)
    find_note(page).setFocus()
    for _ in range(60):
        press(Key.Key_Tab)
        if window.rail.isAncestorOf(QApplication.focusWidget()):
            break
    else:
        pytest.fail("Tab never came to the rail")
    press(Key.Key_Escape)
    assert page.canvas.selected == frozenset() and page.canvas.view.hasFocus()


def test_escape_in_a_text_leaves_it_and_keeps_the_selection(window: MainWindow, page: LabelPage) -> None:
    page.images.focus_search()
    assert not page.canvas.view.hasFocus()
    press(Key.Key_Escape)
    assert page.canvas.view.hasFocus() and len(page.canvas.selected) == 1


def test_keys_are_typed_into_a_text_and_go_nowhere_else(window: MainWindow, page: LabelPage) -> None:
    page.images.focus_search()
    first = window.session.image_id
    press(Key.Key_D, Key.Key_Delete, Key.Key_Backspace)
    assert window.session.image_id == first and len(opened(window).boxes(first or 0)) == 1


def test_add_on_the_notice_of_new_images_leaves_the_keys_with_the_image(
    qtbot: QtBot, window: MainWindow, page: LabelPage, services: Services
) -> None:
    project = opened(window)
    first, second, *_ = project.image_ids()
    fresh = write_picture(project.image_path(first).parent / "fresh.png", seed=9)
    services.files.appeared.emit([fresh])
    notice = window.project_actions.notice
    assert notice.isVisible()
    QTest.mouseClick(notice.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(project.image_ids()) == 4, timeout=10_000)
    window.activateWindow()  # as a window manager does when a dialog closes
    qtbot.waitUntil(page.canvas.view.hasFocus)
    press(Key.Key_D)
    assert window.session.image_id == second


def test_a_notice_that_goes_while_it_has_the_keys_gives_them_to_the_image(window: MainWindow, page: LabelPage) -> None:
    for notice in (window.project_actions.notice, page.notice):
        notice.show_notice("1 new image", "info", offer=("Add", notice.clear))
        notice.button.setFocus(Qt.FocusReason.TabFocusReason)
        assert notice.button.hasFocus()
        press(Key.Key_Space)
        assert page.canvas.view.hasFocus()


def test_buttons_of_notices_are_pressed_by_the_mouse_without_taking_the_keys(window: MainWindow) -> None:
    for notice in window.findChildren(Notice):
        buttons: list[QWidget] = [*notice.findChildren(QPushButton), *notice.findChildren(QToolButton)]
        assert all(button.focusPolicy() == Qt.FocusPolicy.TabFocus for button in buttons), notice.accessibleName()


def test_space_still_presses_a_button_where_it_is_a_key_of_the_page(
    window: MainWindow, page: LabelPage, services: Services
) -> None:
    services.settings.update(shortcut_preset="labelImg")

    button = focus_rail(window)
    pressed: list[str] = []
    button.clicked.connect(lambda: pressed.append(button.text()))
    press(Key.Key_Space)
    assert pressed
    assert opened(window).image(opened(window).image_ids()[0]).status is not Status.REVIEWED


@pytest.mark.parametrize(
    ("title", "key", "action"),
    [
        ("Label", Key.Key_D, "next"),
        ("Augment", Key.Key_N, "new_seeds"),
        ("Checkpoints", Key.Key_S, "star"),
        ("Inspect", Key.Key_B, "side_by_side"),
    ],
)
def test_the_keys_of_every_page_are_heard_from_each_of_its_controls(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, title: str, key: Qt.Key, action: str
) -> None:
    window.session.adopt(make_crowded_project(tmp_path / "parts", images=10))
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    window.pages.show_page(TITLES.index(title))
    page = window.get_page(title)
    qtbot.wait(200)
    heard: list[str] = []
    (found,) = [one for one in page.actions() if one.objectName() == action]
    found.triggered.connect(lambda: heard.append(action))
    deaf, tried = [], 0
    for control in [focus_rail(window), *page.findChildren(QWidget)]:
        if not isValid(control):
            continue  # rebuilt by what a key did
        typed = isinstance(control, TYPED) or (isinstance(control, QComboBox) and control.isEditable())
        if typed or not control.isVisible() or not control.isEnabled() or control.focusPolicy() == NO_FOCUS:
            continue
        control.setFocus()
        if QApplication.focusWidget() is not control:
            continue  # another takes the focus for it
        before, tried = len(heard), tried + 1
        QTest.keyClick(control, key)
        if len(heard) == before:
            deaf.append(f"{type(control).__name__} {control.accessibleName()}")
    assert tried > 3 and not deaf
