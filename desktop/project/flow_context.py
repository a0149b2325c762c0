"""What the flows of the Project menu share: the session, the window, work behind a dialog, where dialogs start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PySide6.QtWidgets import QWidget

from core.errors import InputError, StorageError
from core.gc_pause import gc_paused
from core.project.project import Project
from desktop.base.session import Session
from desktop.kit.error_box import show_error
from desktop.kit.progress_dialog import Progress, run_with_progress
from desktop.services import Services

T = TypeVar("T")

READ_ONLY = "The project is open read-only: nothing can be changed."
NO_PROJECT = "Open a project first."


class FlowContext:
    """One per window."""

    def __init__(self, session: Session, services: Services, window: QWidget, may_close: Callable[[], bool]) -> None:
        """`may_close` asks the pages, a running training for one, before the open project is given up."""
        self.session = session
        self.services = services
        self.window = window
        self.may_close = may_close

    @property
    def project(self) -> Project | None:
        return self.session.project

    def project_to_change(self) -> Project | None:
        """The open project where it may be written; elsewhere the status bar says why not.

        None as well, with a message, while edits wait for the disk: the work would begin without them.
        """
        if (reason := self.find_hindrance()) is not None:
            self.session.message.emit(reason)
            return None
        return self.session.project if self.is_written() else None

    def is_written(self) -> bool:
        """Whether every edit is on the disk, where work reads the project; a message says so where they are not."""
        try:
            self.session.require_written()
        except StorageError as error:
            show_error(self.window, "This does not begin while edits wait for the disk", error)
            return False
        return True

    def find_hindrance(self) -> str | None:
        """Why the project cannot be changed, or None."""
        if self.session.project is None:
            return NO_PROJECT
        return READ_ONLY if self.session.project.read_only else None

    def behind_dialog(
        self,
        title: str,
        work: Callable[[Progress], T],
        done: Callable[[T], object],
        complaint: str,
        *,
        unit: str = "",
        note: str = "",
        can_cancel: bool = True,
    ) -> None:
        """Do `work` in the background; `complaint` heads the message where it fails."""

        def show_failure(error: Exception) -> None:
            if not isinstance(error, InputError | OSError):
                raise error
            show_error(self.window, complaint, error)

        def work_without_collecting(progress: Progress) -> T:
            with gc_paused():
                return work(progress)

        run_with_progress(
            self.window,
            self.services.tasks,
            title,
            work_without_collecting,
            lambda result: _drop_value(done(result)),
            show_failure,
            unit=unit,
            note=note,
            can_cancel=can_cancel,
        )

    def find_start_folder(self) -> Path:
        """Where file dialogs begin."""
        kept = self.services.settings.values.last_folder
        return Path(kept) if kept and Path(kept).is_dir() else Path.home()

    def remember_folder(self, folder: Path) -> None:
        self.services.settings.update(last_folder=str(folder))


def _drop_value(_value: object) -> None:
    """For a callback whose answer nobody wants."""
