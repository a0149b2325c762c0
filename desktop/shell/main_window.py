"""The window: places the pages, the menus and the status bar. What they do is decided elsewhere."""

from __future__ import annotations

from base64 import b64decode, b64encode
from functools import partial
from pathlib import Path

from PySide6.QtCore import QByteArray, QSize
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QVBoxLayout, QWidget

from desktop.base.actions import WINDOW, ActionSet
from desktop.base.digit_places import DigitPlaces
from desktop.base.session import Session, SessionHooks
from desktop.kit.progress_dialog import result_behind_dialog
from desktop.project.project_actions import ProjectActions
from desktop.services import Services
from desktop.shell.menus import Menus
from desktop.shell.page_stack import NONE, PAGES, TITLES, PageStack
from desktop.shell.pending_notice import PendingNotice, ask_before_leaving
from desktop.shell.project_banner import ProjectBanner
from desktop.shell.project_status import ProjectStatus
from desktop.shell.queue_watch import QueueWatch
from desktop.shell.rail import Rail
from desktop.shell.recent_projects import RecentProjects
from desktop.shell.theme_actions import ThemeActions
from desktop.shell.undo_actions import UndoActions
from desktop.shell.welcome import Welcome
from desktop.shell.window_dialogs import WindowDialogs
from desktop.shell.window_keys import WindowKeys
from desktop.shell.work_display import WorkDisplay

SMALLEST = QSize(960, 620)


class MainWindow(QMainWindow):
    """One window with a session of its own, in which no project is open yet."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.setAcceptDrops(True)
        # Large letters make a small screen smaller still: pages are scrolled then.
        self.setMinimumSize(SMALLEST.boundedTo(self.screen().availableSize() * 0.95))
        self.session = session = Session(self._make_hooks(services))
        # Before any list asks for a picture of the project that is opened.
        services.thumbnails.follow(session)
        self._settings = services.settings
        self.action_set = ActionSet(self, WINDOW)
        services.keymap.attach_actions("window", self, self.action_set.values())
        DigitPlaces(self, services.keymap)
        self.project_actions = ProjectActions(session, services, self, self.action_set, self._may_close)
        ThemeActions(services, self.action_set, self)
        self.welcome = Welcome(self.action_set, services.thumbnails)
        self.banner = ProjectBanner(session)
        self.pending = PendingNotice(session)
        self.status = ProjectStatus(session, services.running)
        # After what tells of the project: a page that is shown for the first time may take a moment.
        self.pages = PageStack(session, services, self.action_set, self.welcome)
        self._undo = UndoActions(session, self.action_set, self, self.pages.front_steps)
        recent = RecentProjects(session, services, self.welcome, lambda: self.pages.front)
        self.dialogs = WindowDialogs(
            self, session, services, self.action_set, self.pages.front_actions, self._undo.show_names
        )
        self._handle_own_actions()
        WindowKeys(self, self.pages.press_escape)
        self.rail = Rail([(title, icon) for title, icon, *_ in PAGES], self.pages.choices)
        self._work = WorkDisplay(services, self.rail, self.pages, session, self)
        QueueWatch(session, services.tasks, self).added.connect(self.pages.take_in_added)
        self.menus = Menus(self, self.action_set, recent.list_folders, self.open_project)
        self._place_parts()
        self._connect_parts()
        self._show_front(NONE)
        self._restore_geometry()

    # -- for the program

    def open_project(self, folder: Path) -> None:
        """Open a project; a message says why where that cannot be done."""
        self.project_actions.open_project(folder)

    def get_page(self, title: str) -> QWidget:
        """The page of that title, built if need be."""
        return self.pages.get_page(TITLES.index(title))

    # -- building

    def _make_hooks(self, services: Services) -> SessionHooks:
        return SessionHooks(
            run_at_length=partial(result_behind_dialog, self, services.tasks),
            may_leave_image=lambda session: ask_before_leaving(session, "image", self),
            find_last_image=lambda project: services.settings.recent(project.folder).image,
        )

    def _handle_own_actions(self) -> None:
        self.action_set.add_handlers(
            {
                "quit": self.close,
                "next_control": lambda: self.focusNextPrevChild(True),
                "previous_control": lambda: self.focusNextPrevChild(False),
                "full_screen": lambda on: self.showFullScreen() if on else self.showNormal(),
            }
        )
        self.action_set.require_handlers()

    def _place_parts(self) -> None:
        body = QWidget()
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for notice in (self.banner, self.pending, self.project_actions.notice):
            column.addWidget(notice)
        column.addWidget(self.pages, 1)
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.rail)
        row.addLayout(column, 1)
        self.setCentralWidget(body)
        self.setStatusBar(self.status)

    def _connect_parts(self) -> None:
        self.rail.chosen.connect(self.pages.show_page)
        self.welcome.chosen.connect(self.open_project)
        self.menus.edit.aboutToShow.connect(self._undo.show_names)
        self.pages.page_opening.connect(self.rail.show_page)
        self.pages.page_shown.connect(self._show_front)
        for notice in (self.banner, self.pending, self.project_actions.notice):
            notice.left.connect(self.pages.take_focus)

    def _show_front(self, number: int) -> None:
        """Dress the window for the page that is in front."""
        project = self.session.project
        self.setWindowTitle(f"{project.name} — DefectDesk" if project is not None else "DefectDesk")
        self.rail.show_page(number)
        self.menus.show_page(*self.pages.front_actions())
        self.status.clear_hint()

    # -- files dropped on the window

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls() and any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()
            self.welcome.show_drop(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.welcome.show_drop(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self.welcome.show_drop(False)
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        event.acceptProposedAction()
        self.project_actions.take_dropped(paths)

    # -- closing

    def _may_close(self) -> bool:
        self.session.settle.emit()
        return ask_before_leaving(self.session, "project", self) and self.pages.may_close()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._may_close():
            event.ignore()
            return
        kept = b64encode(self.saveGeometry().data()).decode("ascii")
        self._settings.update(window_geometry=kept)
        self.dialogs.close_help()
        self.session.close()
        event.accept()

    def _restore_geometry(self) -> None:
        kept = self._settings.values.window_geometry
        if not (kept and self.restoreGeometry(QByteArray(b64decode(kept)))):
            screen = self.screen().availableGeometry()
            self.resize(min(1600, round(screen.width() * 0.9)), min(1000, round(screen.height() * 0.9)))
