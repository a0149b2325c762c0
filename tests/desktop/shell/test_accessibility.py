"""Every page and dialog is used by keyboard alone, and a screen reader has a name for everything in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QScrollArea,
    QTabBar,
    QTabWidget,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from core.project.edits import image_edits
from core.project.project import Project
from core.settings import Settings
from core.types import Split
from desktop.base.actions import SCOPES
from desktop.base.background import Tasks
from desktop.base.key_choice import KeyChoice
from desktop.label.go_to_dialog import GoToDialog
from desktop.label.label_page import LabelPage
from desktop.label.labels.label_dialog import LabelDialog
from desktop.project.backups_dialog import BackupsDialog
from desktop.project.export_dialog import ExportDialog
from desktop.project.group_dialog import GroupImagesDialog
from desktop.project.import_dialog import ImportDialog
from desktop.project.new_project_dialog import NewProjectDialog, SampleDialog
from desktop.project.properties_dialog import ProjectProperties
from desktop.project.relocate_dialog import RelocateDialog
from desktop.project.split_dialog import SplitImagesDialog
from desktop.services import Services
from desktop.shell.help.help_window import HelpWindow
from desktop.shell.main_window import MainWindow
from desktop.shell.menus import PAGE_TITLES
from desktop.shell.page_stack import PAGES
from desktop.shell.settings.key_dialog import KeyDialog
from desktop.shell.settings.settings_dialog import SettingsDialog, list_sections
from desktop.shell.settings.shortcuts_sheet import ShortcutsDialog
from tests.builders import draw, project_with_pictures
from tests.desktop.model_builders import write_checkpoint, write_predictions

INTERACTIVE = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTabBar,
)
PLAIN = KeyChoice("defectdesk", {})


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = labelled_project(tmp_path / "parts")
    yield made
    made.close()


def labelled_project(folder: Path) -> Project:
    """Four labelled images, a checkpoint and its predictions, so that every page has something to show."""
    made = project_with_pictures(folder, 4)
    ids = made.image_ids()
    for image_id in ids:
        draw(made, image_id, (4, 4, 24, 26), ["scratch", "stain"])
        draw(made, image_id, (34, 12, 54, 40), ["pit"])
    made.apply(image_edits.set_split(made, ids[:2], Split.VAL))
    made.apply(image_edits.set_split(made, ids[2:], Split.TRAIN))
    write_checkpoint(made, "r001", "best", map50=0.6, created="2025-03-01T10:00:00+00:00")
    made.runs.sync_folders()
    write_predictions(made, made.runs.list_checkpoints()[0], "all")
    return made


def test_the_welcome_page_can_be_used_by_keyboard(window: MainWindow, services: Services, tmp_path: Path) -> None:
    project_with_pictures(tmp_path / "recent", 1).close()
    services.settings.remember_project(tmp_path / "recent")
    services.settings.remember_project(tmp_path / "gone")
    QApplication.processEvents()
    assert_usable(window, at_least=7)


@pytest.mark.parametrize("number", range(len(PAGES)), ids=[title for title, *_ in PAGES])
def test_every_page_can_be_used_by_keyboard(
    window: MainWindow, services: Services, tmp_path: Path, number: int
) -> None:
    window.session.adopt(labelled_project(tmp_path / "parts"))
    window.pages.show_page(number)
    assert services.tasks.wait_idle()
    assert_usable(window, at_least=12)


def test_the_image_can_be_left_by_a_key_though_tab_selects_boxes(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    window.session.adopt(labelled_project(tmp_path / "parts"))
    page = window.get_page("Label")
    assert isinstance(page, LabelPage)
    qtbot.waitUntil(lambda: page.canvas.view.has_image, timeout=10_000)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    page.canvas.view.setFocus()
    QTest.keyClick(page.canvas.view, Qt.Key.Key_Tab)
    assert page.canvas.view.hasFocus() and len(page.canvas.selected) == 1
    window.action_set["next_control"].trigger()
    assert not page.canvas.view.hasFocus()
    window.action_set["previous_control"].trigger()
    assert page.canvas.view.hasFocus()


DIALOGS: dict[str, Callable[[Tasks, Path, Project], QWidget]] = {
    "new project": lambda tasks, folder, project: NewProjectDialog(tasks, folder),
    "sample": lambda tasks, folder, project: SampleDialog(folder),
    "split": lambda tasks, folder, project: SplitImagesDialog(project),
    "group": lambda tasks, folder, project: GroupImagesDialog(tasks, {"All": project.images()}),
    "import": lambda tasks, folder, project: ImportDialog(tasks, folder, project),
    "import as project": lambda tasks, folder, project: ImportDialog(tasks, folder, None),
    "export": lambda tasks, folder, project: ExportDialog(tasks, project, folder),
    "backups": lambda tasks, folder, project: BackupsDialog(tasks, project),
    "relocate": lambda tasks, folder, project: RelocateDialog(tasks, project, (), folder),
    "properties": lambda tasks, folder, project: ProjectProperties(tasks, project, None),
    "go to": lambda tasks, folder, project: GoToDialog(3, 1_000),
    "label": lambda tasks, folder, project: LabelDialog(project.labels()[0], project.labels(), title="Label"),
    "shortcuts": lambda tasks, folder, project: ShortcutsDialog(PLAIN, "label"),
    "help": lambda tasks, folder, project: HelpWindow(Settings(folder)),
    "key": lambda tasks, folder, project: KeyDialog(PLAIN, "label.draw"),
}


@pytest.mark.parametrize("name", DIALOGS)
def test_every_dialog_can_be_used_by_keyboard(
    qtbot: QtBot, services: Services, tmp_path: Path, project: Project, name: str
) -> None:
    dialog = DIALOGS[name](services.tasks, tmp_path, project)
    qtbot.addWidget(dialog)
    dialog.show()
    assert services.tasks.wait_idle()
    assert dialog.windowTitle()
    assert_usable(dialog, at_least=2)


def test_every_section_of_the_settings_can_be_used_by_keyboard(qtbot: QtBot, services: Services) -> None:
    dialog = SettingsDialog(services.settings)
    qtbot.addWidget(dialog)
    dialog.show()
    for name in (*list_sections(), "Shortcuts"):
        dialog.show_section(name)
        assert_usable(dialog, at_least=5)


def test_the_menus_offer_every_action_of_the_window_and_the_page(window: MainWindow, tmp_path: Path) -> None:
    window.session.adopt(project_with_pictures(tmp_path / "parts", 3))
    for number, (title, *_rest) in enumerate(PAGES):
        window.pages.show_page(number)
        offered = {action.objectName() for menu in menus(window) for action in menu.actions()}
        scope = SCOPES[title.lower()]
        wanted = {name for name in scope if not name.startswith("digit_")} | set(SCOPES["window"])
        assert wanted <= offered, wanted - offered


def test_the_view_menu_can_be_taken_in_at_a_glance(window: MainWindow, tmp_path: Path) -> None:
    window.session.adopt(project_with_pictures(tmp_path / "parts", 1))
    (view,) = [action.menu() for action in window.menuBar().actions() if action.text() == "&View"]
    assert isinstance(view, QMenu)
    entries = [action for action in view.actions() if not action.isSeparator()]
    assert len(entries) <= 14, [action.text() for action in entries]


def test_no_two_menus_have_the_same_letter(window: MainWindow) -> None:
    for title in PAGE_TITLES.values():
        titles = ["&Project", "&Edit", "&View", title, "&Help"]
        letters = [text[text.index("&") + 1].upper() for text in titles]
        assert len(set(letters)) == len(letters)
    shown = {action.text() for action in window.menuBar().actions() if action.isVisible()}
    assert shown == {"&Project", "&Edit", "&View", "&Help"}


# -- what is asked of a window


def assert_usable(window: QWidget, *, at_least: int) -> None:
    """Every control in sight has a name, and Tab reaches it or an action does what it does."""
    controls = [widget for widget in window.findChildren(QWidget) if is_control(widget)]
    assert len(controls) >= at_least
    nameless = [describe(widget) for widget in controls if not name_of(widget)]
    assert not nameless, "\n".join(nameless)
    chain = focus_chain(window)
    unreachable = [describe(widget) for widget in controls if not reachable(widget, chain)]
    assert not unreachable, "\n".join(unreachable)


def is_control(widget: QWidget) -> bool:
    focusable = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
    if not widget.isVisible() or not widget.isEnabled() or isinstance(widget, QHeaderView | QMenu | QTabWidget):
        return False
    if is_inner(widget):
        return False
    return focusable or isinstance(widget, INTERACTIVE)


def is_inner(widget: QWidget) -> bool:
    """A part of another control: the line of a spin box, the scroll bars and the view of a list, the arrows of tabs."""
    around = widget.parentWidget()
    inner = "qt_" in widget.objectName() or isinstance(around, QAbstractSpinBox | QComboBox | QTabBar | QLineEdit)
    while around is not None and not inner:
        scrolled = around.objectName() == "qt_scrollarea_viewport" and isinstance(around.parentWidget(), QScrollArea)
        inner = ("qt_scrollarea" in around.objectName() and not scrolled) or isinstance(around, QHeaderView)
        around = around.parentWidget()
    return inner or (isinstance(widget, QAbstractButton) and isinstance(widget.parentWidget(), QAbstractItemView))


def name_of(widget: QWidget) -> str:
    interface = QAccessible.queryAccessibleInterface(widget)
    text = interface.text(QAccessible.Text.Name) if interface is not None and interface.isValid() else ""
    return widget.accessibleName() or text


def focus_chain(window: QWidget) -> set[QObject]:
    """What Tab comes by, once round."""
    found: set[QObject] = set()
    widget = window.nextInFocusChain()
    while widget is not None and widget not in found:
        found.add(widget)
        widget = widget.nextInFocusChain()
    return found


def reachable(widget: QWidget, chain: set[QObject]) -> bool:
    if isinstance(widget, QToolButton) and widget.defaultAction() is not None and widget.defaultAction().objectName():
        # The same action is in a menu and in the palette.
        return True
    if isinstance(widget, QAbstractButton) and widget.group() is not None and widget.group().exclusive():
        # Arrows go from one button of such a group to the next; Tab stops at one of them.
        return any(button in chain for button in widget.group().buttons())
    policy = widget.focusPolicy()
    if widget.focusProxy() is not None:
        policy = widget.focusProxy().focusPolicy()
    return bool(policy & Qt.FocusPolicy.TabFocus) and widget in chain


def describe(widget: QWidget) -> str:
    path, around = [], widget
    while around is not None and len(path) < 5:
        path.append(f"{type(around).__name__}[{around.objectName() or around.accessibleName()}]")
        around = around.parentWidget()
    text = widget.property("text") or widget.toolTip()
    return f"{' in '.join(path)}: {text!r}"


def menus(window: MainWindow) -> list[QMenu]:
    shown = [action.menu() for action in window.menuBar().actions() if action.isVisible()]
    inner = [action.menu() for menu in shown for action in menu.actions() if action.menu() is not None]
    return [menu for menu in [*shown, *inner] if isinstance(menu, QMenu)]
