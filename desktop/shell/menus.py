"""The menu bar: where each action of the table has its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMainWindow, QMenu

from desktop.base import actions as table

LINE, RECENT, THEMES, PAGES = "", "recent", "themes", "pages"
PROJECT = (
    "new_project",
    "open_project",
    RECENT,
    "sample_project",
    "import_as_project",
    LINE,
    "add_images",
    "add_folder",
    "import_annotations",
    "export_annotations",
    LINE,
    "assign_splits",
    "find_missing",
    LINE,
    "backups",
    "project_properties",
    LINE,
    "close_project",
    "quit",
)
EDIT = ("undo", "redo")
EDIT_END = ("palette", "settings")
VIEW = (PAGES,)
VIEW_END = (THEMES, "full_screen")
PAGE_ACTIONS = ("page_1", "page_2", "page_3", "page_4", "page_5")
CONTROLS = ("next_control", "previous_control")
THEME_ACTIONS = ("theme_system", "theme_dark", "theme_light")
HELP = ("help", "shortcuts", "about")

# The menu of what a page is about; the other two places are the Edit and the View menu.
PAGE_TITLES = {
    "label": "&Image",
    "augment": "&Image",
    "train": "&Training",
    "checkpoints": "&Checkpoint",
    "inspect": "&Image",
}
EDITING = {"label": table.LABEL_BOXES}
PANELS = tuple(spec for spec in table.LABEL_IMAGES if spec.name in ("show_images", "show_panels"))
VIEWING = {"label": (*table.LABEL_VIEW, *PANELS)}
# Of the View menu what stands in menus of its own, by their titles; the rest stands in it.
VIEW_GROUPS = {
    "&Zoom": ("fit", "actual_size", "zoom_selection", "zoom_in", "zoom_out"),
    "On the &image": ("guides", "pixel_grid", "rulers", "minimap"),
    "A&djustment": ("adjust", "compare"),
    "&Panels": ("show_images", "show_panels", "next_control", "previous_control"),
}
HIDDEN = {"label": table.LABEL_DIGITS}


class Menus(QObject):
    """Project, Edit, View, one of the page in front, and Help."""

    def __init__(
        self,
        window: QMainWindow,
        actions: Mapping[str, QAction],
        recent: Callable[[], Sequence[str]],
        open_project: Callable[[Path], object],
    ) -> None:
        """`recent` has the folders of the projects that were open last."""
        super().__init__(window)
        self._actions = actions
        self._recent_folders = recent
        self._open_recent = open_project
        bar = window.menuBar()
        self._recent = QMenu("Open recent", window)
        self._recent.aboutToShow.connect(self._list_recent)
        self._themes = QMenu("Theme", window)
        group = QActionGroup(self)
        for name in THEME_ACTIONS:
            group.addAction(actions[name])
            self._themes.addAction(actions[name])
        self._pages = QMenu("P&ages", window)
        self._pages.addActions([actions[name] for name in PAGE_ACTIONS])
        self._view_groups = {title: QMenu(title, window) for title in VIEW_GROUPS}
        project = bar.addMenu("&Project")
        self.edit = bar.addMenu("&Edit")
        self._view = bar.addMenu("&View")
        self._page = bar.addMenu("&Image")
        self._fill_menu(project, PROJECT)
        self._fill_menu(bar.addMenu("&Help"), HELP)
        self.show_page("", ())

    def show_page(self, scope: str, actions: Sequence[QAction]) -> None:
        """Offer the actions of the page in front; none with an empty `scope`."""
        by_name = {action.objectName(): action for action in actions}
        edits = [by_name.pop(spec.name) for spec in EDITING.get(scope, ())]
        views = [by_name.pop(spec.name) for spec in VIEWING.get(scope, ())]
        for spec in HIDDEN.get(scope, ()):
            by_name.pop(spec.name)
        self.edit.clear()
        self._fill_menu(self.edit, EDIT)
        self.edit.addSeparator()
        self.edit.addActions(edits)
        self.edit.addSeparator()
        self._fill_menu(self.edit, EDIT_END)
        self._fill_view({action.objectName(): action for action in views})
        self._page.clear()
        self._page.setTitle(PAGE_TITLES.get(scope, ""))
        self._page.addActions(list(by_name.values()))
        self._page.menuAction().setVisible(bool(by_name))

    def _fill_view(self, views: Mapping[str, QAction]) -> None:
        """What is shown and how; what belongs together in a menu of its own, so that the eye finds it."""
        offered = {**views, **{name: self._actions[name] for name in CONTROLS}}
        self._view.clear()
        self._fill_menu(self._view, VIEW)
        self._view.addSeparator()
        for title, names in VIEW_GROUPS.items():
            menu = self._view_groups[title]
            menu.clear()
            menu.addActions([offered.pop(name) for name in names if name in offered])
            if not menu.isEmpty():
                self._view.addMenu(menu)
        self._view.addSeparator()
        self._view.addActions(list(offered.values()))
        self._view.addSeparator()
        self._fill_menu(self._view, VIEW_END)

    def _fill_menu(self, menu: QMenu, names: Sequence[str]) -> None:
        for name in names:
            if name == LINE:
                menu.addSeparator()
            elif name in (RECENT, THEMES, PAGES):
                menu.addMenu({RECENT: self._recent, THEMES: self._themes, PAGES: self._pages}[name])
            else:
                menu.addAction(self._actions[name])

    def _list_recent(self) -> None:
        self._recent.clear()
        for folder in self._recent_folders():
            self._recent.addAction(folder.replace("&", "&&"), partial(self._open_recent, Path(folder)))
        if self._recent.isEmpty():
            self._recent.addAction("None yet").setEnabled(False)
