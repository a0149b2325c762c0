"""Backups of the project: taken by the hour and at closing, listed, and put back."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from core.errors import InputError
from core.project import backup
from core.project.backup import Backup
from core.project.project import Project
from desktop.kit.error_box import error_text, parts_of, show_error
from desktop.kit.notice import Notice
from desktop.kit.progress_dialog import finish_behind_dialog
from desktop.project.backups_dialog import BackupsDialog
from desktop.project.flow_context import FlowContext

EVERY = 60 * 60 * 1000  # ms
KEY = "back up"


class BackupKeeper(QObject):
    """Keeps the open project backed up, without a word where all is well."""

    def __init__(self, context: FlowContext, notice: Notice) -> None:
        """`notice` is where a backup that failed is reported."""
        super().__init__(context.window)
        self._context = context
        self._notice = notice
        self._restoring = False
        self.hourly = QTimer(self, interval=EVERY)
        self.hourly.timeout.connect(self.back_up)
        context.session.project_changed.connect(self._set_project)
        context.session.closing.connect(self._back_up_at_closing)

    def back_up(self) -> None:
        """Take a backup in the background, if anything changed since the last."""
        project = self._context.project
        if project is not None and not project.read_only and not self._context.services.tasks.busy(KEY):
            self._context.services.tasks.run(
                KEY, lambda: backup.back_up(project), lambda _: None, self._report_failure, priority=-3
            )

    def show_backups(self) -> None:
        """List the backups; restore one."""
        project = self._context.project
        if project is None:
            return
        dialog = BackupsDialog(self._context.services.tasks, project, self._context.window)
        if dialog.exec() and (chosen := dialog.find_chosen()) is not None:
            self.restore_backup(chosen)

    def restore_backup(self, chosen: Backup) -> None:
        """Close the project, put the backup in its place, and open it again."""
        project = self._context.project
        if project is None or project.read_only or not self._context.may_close():
            return
        folder = project.folder
        # What is there now is kept by the restoring itself.
        self._restoring = True
        self._context.session.close()
        self._restoring = False
        # Opened again also where it failed: the project is as it was then.
        self._context.behind_dialog(
            "Restoring the backup",
            lambda _progress: _try_restore(folder, chosen),
            lambda error: self._reopen_project(folder, error),
            "The backup could not be restored",
            can_cancel=False,
        )

    def _reopen_project(self, folder: Path, error: InputError | None) -> None:
        if error is not None:
            show_error(self._context.window, "The backup could not be restored", error)
        try:
            self._context.session.open(folder)
        except InputError as second:
            show_error(self._context.window, "The project cannot be opened", second)
            return
        if error is None:
            self._context.session.message.emit(
                "The backup was restored; what was there before is kept as a backup, too"
            )

    def _set_project(self) -> None:
        self._context.services.tasks.cancel(KEY)
        project = self._context.project
        if project is not None and not project.read_only:
            self.hourly.start()
        else:
            self.hourly.stop()

    def _back_up_at_closing(self) -> None:
        project = self._context.project
        if project is None or project.read_only or self._restoring:
            return
        self._context.services.tasks.cancel(KEY)
        error = finish_behind_dialog(
            self._context.window,
            self._context.services.tasks,
            "Backing up the project",
            lambda _: backup.back_up(project),
        )
        if error is not None:
            self._told_at_closing(project, error)

    def _told_at_closing(self, project: Project, error: Exception) -> None:
        if not isinstance(error, InputError | OSError):
            raise error
        title = f"{project.name} is closed without a new backup"
        show_error(self._context.window, title, f"{error_text(error)}. Everything is saved in the project itself")

    def _report_failure(self, error: Exception) -> None:
        if not isinstance(error, InputError | OSError):
            raise error
        parts = parts_of(error_text(error))
        text = f"No backup could be taken. {parts.wrong} {parts.mend}\n{parts.where}"
        self._notice.show_notice(text, "warning", offer=("Try again", self.back_up))


def _try_restore(folder: Path, chosen: Backup) -> InputError | None:
    try:
        backup.restore_backup(folder, chosen)
    except InputError as error:
        return error
    return None
