"""The window: places the pages, the menus and the status bar. What they do is decided elsewhere."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path

from PySide6.QtCore import QByteArray, SignalInstance
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from core.changes import Changes
from core.errors import InputError
from core.project.project import Project
from desktop.base.actions import WINDOW, ActionSet
from desktop.base.session import Session
from desktop.base.theme import apply_theme
from desktop.kit.error_box import show_error
from desktop.kit.formatting import plural
from desktop.kit.notice import Notice
from desktop.kit.progress_dialog import result_behind_dialog
from desktop.project.project_actions import ProjectActions
from desktop.services import Services
from desktop.shell.menus import Menus
from desktop.shell.pending_notice import WaitingNotice
from desktop.shell.rail import Rail
from desktop.shell.welcome import Welcome
from desktop.shell.window_dialogs import Front, WindowDialogs

# Title, icon, module and class. All but the first are imported when they are first shown.
PAGES = (
    ("Label", "label", "desktop.label.label_page", "LabelPage"),
    ("Augment", "augment", "desktop.augment.augment_page", "AugmentPage"),
    ("Train", "train", "desktop.train.train_page", "TrainPage"),
    ("Checkpoints", "checkpoints", "desktop.checkpoints.checkpoints_page", "CheckpointsPage"),
    ("Inspect", "inspect", "desktop.inspect.inspect_page", "InspectPage"),
)
TITLES = tuple(title for title, *_ in PAGES)


class MainWindow(QMainWindow):
    """One window on one session."""

    def __init__(self, session: Session, services: Services) -> None:
        super().__init__()
        self.setAcceptDrops(True)
        self.setMinimumSize(960, 620)
        self._session = session
        self._services = services
        self._actions = ActionSet(self, WINDOW)
        services.keymap.attach("window", self, self._actions.values())
        self._project_actions = ProjectActions(session, services, self, self._actions, self._may_close)
        self._dialogs = WindowDialogs(self, session, services, self._front_actions)
        self._actions.add_handlers(self._handlers())
        self._actions.require_handlers()
        self._pages: dict[int, QWidget] = {}
        self._front = -1
        self._rail = Rail([(title, icon) for title, icon, *_ in PAGES])
        self._banner = Notice()
        self._waiting = WaitingNotice(session)
        self._welcome = Welcome(self._actions)
        self._stack = QStackedWidget()
        self._hint = QLabel()
        self._counts = QLabel()
        self._place()
        self._menus = Menus(self, self._actions, lambda: services.settings.values.recent_projects, self.open_project)
        self._show_theme()
        self._connect()
        self._set_project()
        self._restore_geometry()

    # -- building

    def _handlers(self) -> dict[str, Callable[..., object]]:
        return {
            "close_project": self._close_project,
            "undo": lambda: self._step(self._session.undo),
            "redo": lambda: self._step(self._session.redo),
            "quit": self.close,
            **{f"page_{number + 1}": partial(self.show_page, number) for number in range(len(PAGES))},
            **{f"theme_{choice}": partial(self._theme_toggled, choice) for choice in ("system", "dark", "light")},
            "next_control": lambda: self.focusNextPrevChild(True),
            "previous_control": lambda: self.focusNextPrevChild(False),
            "full_screen": lambda on: self.showFullScreen() if on else self.showNormal(),
            "palette": self._show_palette,
            "settings": self._dialogs.settings,
            "shortcuts": self._dialogs.shortcuts,
        }

    def _place(self) -> None:
        body = QWidget()
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._banner)
        column.addWidget(self._waiting)
        column.addWidget(self._project_actions.notice)
        column.addWidget(self._stack, 1)
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._rail)
        row.addLayout(column, 1)
        self.setCentralWidget(body)
        self._stack.addWidget(self._welcome)
        self.statusBar().setSizeGripEnabled(False)
        self.statusBar().addWidget(self._hint, 1)
        self.statusBar().addPermanentWidget(self._counts)

    def _connect(self) -> None:
        session = self._session
        self._rail.chosen.connect(self.show_page)
        self._welcome.chosen.connect(self._project_actions.open)
        self._welcome.forgotten.connect(self._forget_recent)
        self._menus.edit.aboutToShow.connect(self._name_edits)
        self._services.settings_changed.connect(self._settings_changed)
        session.project_changed.connect(self._set_project)
        session.closing.connect(lambda: self._remember(session.project, page=max(self._front, 0)))
        session.at_length = partial(result_behind_dialog, self, self._services.tasks)
        session.stopped_at = lambda project: self._services.settings.recent(project.folder).image
        session.changed.connect(self._count)
        session.hint.connect(self._hint.setText)
        session.waiting.dropped.connect(self._banner.show_notice)
        session.message.connect(lambda text: self.statusBar().showMessage(text, 6000))
        session.page_requested.connect(lambda title: self.show_page(TITLES.index(title)))
        session.inspect_requested.connect(self._ask_to_inspect)
        session.continue_requested.connect(self._ask_to_continue)

    # -- pages

    def show_page(self, number: int) -> None:
        """Bring a page to the front; it is built when it is shown for the first time."""
        if self._session.project is None or number == self._front:
            if self._front >= 0:
                self._rail.show_page(self._front)
            return
        if (leaving := self._pages.get(self._front)) is not None:
            self._call(leaving, "deactivated")
        page = self._page(number)
        self._front = number
        self._rail.show_page(number)
        self._hint.clear()
        self._stack.setCurrentWidget(page)
        self._menus.show_page(PAGES[number][0].lower(), page.actions())
        self._call(page, "activated")

    def open_project(self, folder: Path) -> None:
        """Open a project; a message says why where that cannot be done."""
        self._project_actions.open(folder)

    def page(self, title: str) -> QWidget:
        """The page of that title, built if need be."""
        return self._page(TITLES.index(title))

    def _page(self, number: int) -> QWidget:
        if number not in self._pages:
            _, _, module, name = PAGES[number]
            page: QWidget = getattr(import_module(module), name)(self._session, self._services)
            self._pages[number] = page
            self._services.keymap.attach(PAGES[number][0].lower(), page, page.actions())
            self._stack.addWidget(page)
        return self._pages[number]

    def _front_actions(self) -> Front:
        page = self._pages.get(self._front)
        return (PAGES[self._front][0].lower(), page.actions()) if page is not None else ("", ())

    def _show_palette(self) -> None:
        self._name_edits()
        self._dialogs.palette(self._actions)

    def _ask_to_inspect(self, checkpoint: str) -> None:
        self._ask("Inspect", self._session.inspect_requested, checkpoint)

    def _ask_to_continue(self, checkpoint: str) -> None:
        self._ask("Train", self._session.continue_requested, checkpoint)

    def _ask(self, title: str, request: SignalInstance, checkpoint: str) -> None:
        """Show the page that a request is for. One that is only built now has not heard it, so it is said again."""
        number = TITLES.index(title)
        fresh = number not in self._pages
        self.show_page(number)
        if fresh:
            request.emit(checkpoint)

    @staticmethod
    def _call(page: QWidget, method: str) -> None:
        if (does := getattr(page, method, None)) is not None:
            does()

    # -- the project

    def _set_project(self) -> None:
        project = self._session.project
        self._banner.clear()
        self._rail.setEnabled(project is not None)
        self._rail.setVisible(project is not None)
        writable = project is not None and not project.read_only
        for name in ("undo", "redo"):
            self._actions[name].setEnabled(writable)
        for name in ("close_project", *(f"page_{number + 1}" for number in range(len(PAGES)))):
            self._actions[name].setEnabled(project is not None)
        if project is None:
            self._front = -1
            self._menus.show_page("", ())
            self.setWindowTitle("DefectDesk")
            self._show_recent()
            self._stack.setCurrentWidget(self._welcome)
            self._hint.clear()
            self._counts.clear()
            return
        self.setWindowTitle(f"{project.name} — DefectDesk")
        self._services.thumbnails.set_cache(None if project.read_only else project.folder / "cache" / "thumbnails")
        kept = self._services.settings.recent(project.folder)
        self._remember(project)
        self._count()
        if project.read_only:
            text = "Opened read-only: this shows what was saved when it was opened, and nothing can be changed."
            self._banner.show_notice(text, "warning")
        elif project.notices:
            self._banner.show_notice("\n".join(project.notices), "warning")
        if self._front < 0:
            self.show_page(min(kept.page, len(PAGES) - 1))

    def _remember(self, project: Project | None, **details: object) -> None:
        """Keep how a project is listed among the recent ones, and where the person stops in it."""
        if project is not None:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            images = project.counts().images
            self._services.settings.remember_project(project.folder, opened=now, images=images, **details)

    def _count(self, _changes: Changes | None = None, _initiator: object = None) -> None:
        if (project := self._session.shown) is not None:
            counts = project.counts()
            amount = f"{plural(counts.images, 'image')} · {plural(counts.boxes, 'box', 'boxes')}"
            self._counts.setText(f"{amount} · {project.folder}")

    def _close_project(self) -> None:
        if self._may_close():
            self._session.close()

    def _step(self, step: Callable[[], None]) -> None:
        try:
            step()
        except InputError as error:
            show_error(self, "This cannot be undone or redone now", error)

    def _name_edits(self) -> None:
        names = (self._session.undo_name, self._session.redo_name)
        for action, word, name in zip(("undo", "redo"), ("Undo", "Redo"), names, strict=True):
            self._actions[action].setText(f"{word} “{name}”" if name else word)

    def _forget_recent(self, folder: Path) -> None:
        self._services.settings.forget_project(folder)
        self._show_recent()

    def _show_recent(self) -> None:
        settings = self._services.settings
        folders = [Path(name) for name in settings.values.recent_projects]
        self._welcome.show_recent([(folder, settings.recent(folder)) for folder in folders])

    # -- settings

    def _theme_toggled(self, choice: str, on: bool) -> None:
        if on and choice != self._services.settings.values.theme:
            self._services.settings.update(theme=choice)

    def _settings_changed(self, names: frozenset[str]) -> None:
        if "theme" in names:
            app = QApplication.instance()
            assert isinstance(app, QApplication)
            apply_theme(app, self._services.settings.values.theme)
            self._show_theme()

    def _show_theme(self) -> None:
        self._actions[f"theme_{self._services.settings.values.theme}"].setChecked(True)

    # -- files dropped on the window

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls() and any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        event.acceptProposedAction()
        self._project_actions.take_dropped(paths)

    # -- closing

    def _may_close(self) -> bool:
        self._session.settle.emit()
        pages = (page for page in self._pages.values() if hasattr(page, "may_close"))
        return self._waiting.may_leave("project") and all(page.may_close() for page in pages)

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._may_close():
            event.ignore()
            return
        kept = b64encode(self.saveGeometry().data()).decode("ascii")
        self._services.settings.update(window_geometry=kept)
        self._session.close()
        event.accept()

    def _restore_geometry(self) -> None:
        kept = self._services.settings.values.window_geometry
        if not (kept and self.restoreGeometry(QByteArray(b64decode(kept)))):
            screen = self.screen().availableGeometry()
            self.resize(min(1600, round(screen.width() * 0.9)), min(1000, round(screen.height() * 0.9)))
