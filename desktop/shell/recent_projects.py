"""Keeps the list of recent projects: what is known of each, and where the user stopped in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from PySide6.QtCore import QObject

from desktop.base.session import Session
from desktop.services import Services
from desktop.shell.welcome import PICTURES, Welcome

LISTED = frozenset({"recent_projects", "recent_details"})  # settings


class RecentProjects(QObject):
    """Writes the list to the settings and shows it on the welcome page."""

    def __init__(self, session: Session, services: Services, welcome: Welcome, front_page: Callable[[], int]) -> None:
        """`front_page` gives the number of the page in front."""
        super().__init__(welcome)
        self._session = session
        self._settings = services.settings
        self._welcome = welcome
        self._front_page = front_page
        welcome.forgotten.connect(self._settings.forget_project)
        services.settings_changed.connect(self._follow_settings)
        session.project_changed.connect(self._set_project)
        session.closing.connect(lambda: self._remember_project(page=max(front_page(), 0)))
        self._set_project()

    def list_folders(self) -> list[str]:
        """The folders of the recent projects, the latest first."""
        return list(self._settings.values.recent_projects)

    def _set_project(self) -> None:
        self._remember_project()
        self._show_list()

    def _remember_project(self, **details: object) -> None:
        if (project := self._session.project) is not None:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            first = tuple(str(project.image_path(image_id)) for image_id in project.image_ids()[:PICTURES])
            self._settings.remember_project(
                project.folder, opened=now, images=project.counts().images, pictures=first, **details
            )

    def _follow_settings(self, names: frozenset[str]) -> None:
        if names & LISTED:
            self._show_list()

    def _show_list(self) -> None:
        # Behind a page nobody sees it, and each row looks for its folder on the disk.
        if self._session.project is None:
            folders = [Path(name) for name in self.list_folders()]
            self._welcome.show_recent([(folder, self._settings.recent(folder)) for folder in folders])
