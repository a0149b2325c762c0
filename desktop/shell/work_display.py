"""Shows on every page what runs: at the rail, in the status bar, and when it ends."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QWidget

from core.jobs import queue
from desktop.base.session import Session
from desktop.services import Services
from desktop.shell.end_notice import EndNotice
from desktop.shell.page_stack import TITLES, PageStack
from desktop.shell.rail import Rail
from desktop.shell.work_line import describe_work

TRAIN = TITLES.index("Train")
_LOOK_AFTER = 300  # ms after a project was opened: its first image is painted by then


class WorkDisplay(QObject):
    """Follows what runs. A training that was left going is taken up before anybody visits its page."""

    def __init__(self, services: Services, rail: Rail, pages: PageStack, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._running, self._tasks = services.running, services.tasks
        self._rail, self._pages, self._session = rail, pages, session
        self.notice = EndNotice(services, window)
        self._look = QTimer(self, singleShot=True, interval=_LOOK_AFTER)
        self._look.timeout.connect(self._take_up_training)
        self._running.changed.connect(self._show_work)
        self._running.show_requested.connect(self._show_page)
        self._running.ended.connect(self.notice.tell_end)
        self.notice.pressed.connect(self._running.show_requested)
        session.project_changed.connect(self._look.start)

    def _show_work(self) -> None:
        status = self._running.status
        if status is None:
            self._rail.clear_work(TRAIN)
        else:
            self._rail.show_work(TRAIN, status.share, describe_work(status))

    def _show_page(self) -> None:
        self._pages.show_page(TRAIN)

    def _take_up_training(self) -> None:
        """The page knows of a training only once it is built."""
        project = self._session.project
        if project is None or project.read_only or TRAIN in self._pages.built:
            return
        folder = project.runs.folder

        def build_page(trained: bool) -> None:
            if trained and self._session.project is project:
                self._pages.get_page(TRAIN)

        # In the background, since the project may lie on a slow share.
        self._tasks.run("work:left going", lambda: _is_trained_here(folder), build_page)


def _is_trained_here(runs: Path) -> bool:
    """Whether a process of this machine works on one of the runs of a folder."""
    return any(job.owner_here() is not None for job in queue.list_running(runs))
