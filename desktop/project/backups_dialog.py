"""The backups of a project, and going back to one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from core.counting import format_count
from core.errors import InputError
from core.project import backup
from core.project.backup import Backup
from core.project.project import Project
from core.project.records import Counts
from desktop.base.background import Tasks
from desktop.kit.dialog_frame import DialogFrame
from desktop.kit.error_box import error_text, message_box
from desktop.kit.formatting import date, size
from desktop.kit.parts import words
from desktop.kit.problem_table import visible
from desktop.kit.problems_dialog import plain_table
from desktop.kit.screen_room import resize_within_screen

KEY = "list backups"
TITLES = ("Taken", "Images", "Boxes", "Size", "")
Index = QModelIndex | QPersistentModelIndex
NO_PARENT = QModelIndex()


class BackupModel(QAbstractTableModel):
    """One row a backup, the newest first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.backups: list[Backup] = []
        self._now = datetime.now().astimezone()

    def set_backups(self, backups: list[Backup]) -> None:
        self.beginResetModel()
        self.backups = backups
        self._now = datetime.now().astimezone()
        self.endResetModel()

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self.backups)

    def columnCount(self, parent: Index = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(TITLES)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        if not index.isValid():
            return None
        one = self.backups[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            counts = ("–", "–") if one.fault else (f"{one.images:,}", f"{one.boxes:,}")
            return (date(one.time, self._now), *counts, size(one.size_bytes), "damaged" if one.fault else "")[
                index.column()
            ]
        if role == Qt.ItemDataRole.ToolTipRole:
            return visible(one.fault or str(one.path))
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() in (1, 2, 3):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = int(Qt.ItemDataRole.DisplayRole)
    ) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return TITLES[section]
        if role == Qt.ItemDataRole.TextAlignmentRole and section in (1, 2, 3):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None


class BackupsDialog(DialogFrame):
    """Lists in the background; `find_chosen` is the backup to restore once it was accepted."""

    def __init__(self, tasks: Tasks, project: Project, parent: QWidget | None = None) -> None:
        about = (
            f"A backup is taken every hour and at closing, if something changed; the newest {backup.KEPT} are kept in "
            f"{project.folder / backup.FOLDER}. They hold labels, boxes, settings and history: not the image files."
        )
        super().__init__("Backups", about, confirm="Restore…", dismiss="Close", parent=parent, width=680)
        self._tasks = tasks
        self._project = project
        self._model = BackupModel(self)
        self._count = words("Looking for backups…", "muted")
        self._table = plain_table(self._model, "Backups, the newest first")
        for column, width in enumerate((190, 100, 110, 110)):
            self._table.setColumnWidth(column, width)
        self._table.doubleClicked.connect(lambda _: self.confirm.click())
        self._take = self.add_button("Back up now", self.back_up_now)
        self._take.setEnabled(not project.read_only)
        self.body.addWidget(self._count)
        self.body.addWidget(self._table, 1)
        resize_within_screen(self, 700, 480)
        self._table.selectionModel().selectionChanged.connect(lambda *_: self._check_choice())
        self._check_choice()
        self._list_backups()

    def find_chosen(self) -> Backup | None:
        """The backup that is selected."""
        index = self._table.currentIndex()
        return self._model.backups[index.row()] if index.isValid() else None

    def back_up_now(self) -> None:
        """Take one at once, if anything changed since the last."""
        self._take.setEnabled(False)
        self._count.setText("Backing up…")
        self._tasks.run(KEY, lambda: backup.back_up(self._project), self._report_taken, self._show_failure)

    def accept(self) -> None:
        chosen = self.find_chosen()
        if chosen is not None and self._is_meant(chosen):
            super().accept()

    def done(self, result: int) -> None:
        self._tasks.cancel(KEY)
        super().done(result)

    def _report_taken(self, taken: Backup | None) -> None:
        self._take.setEnabled(True)
        self._list_backups("Nothing changed since the last backup." if taken is None else "")

    def _list_backups(self, remark: str = "") -> None:
        self._tasks.run(
            KEY,
            lambda: backup.list_backups(self._project.folder),
            lambda found: self._show_backups(found, remark),
            self._show_failure,
        )

    def _show_backups(self, found: list[Backup], remark: str) -> None:
        self._model.set_backups(found)
        self._count.setText(f"{format_count(len(found), 'backup')}. {remark}" if found else "There is no backup yet.")
        if found:
            self._table.setCurrentIndex(self._model.index(0, 0))
            self._table.setFocus()
        self._check_choice()

    def _show_failure(self, error: Exception) -> None:
        if not isinstance(error, InputError | OSError):
            raise error
        self._take.setEnabled(not self._project.read_only)
        self._count.setText("")
        self.say(error_text(error), "error")

    def _check_choice(self) -> None:
        chosen = self.find_chosen()
        if self._project.read_only:
            self.refuse("The project is open read-only: it cannot be restored from here.")
        elif chosen is None:
            self.refuse("")
            self.confirm.setEnabled(False)
        else:
            self.refuse(chosen.fault)

    def _is_meant(self, chosen: Backup) -> bool:
        when = date(chosen.time, datetime.now().astimezone())
        box = message_box(self, f"Go back to {when}?", describe_restoring(self._project.counts(), chosen))
        yes = box.addButton("Restore", QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        box.exec()
        return box.clickedButton() is yes


def describe_restoring(now: Counts, chosen: Backup) -> str:
    """What restoring a backup does, in words."""
    return (
        f"The project has {format_count(now.images, 'image')} and {format_count(now.boxes, 'box')} now; the backup has "
        f"{format_count(chosen.images, 'image')} and {format_count(chosen.boxes, 'box')}. Everything that was done since then is "
        "taken back. The present state is kept as one more backup, so you can return to it. The project is closed and "
        "opened again."
    )
