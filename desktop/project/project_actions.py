"""What the Project menu does, for one window: each flow in a module of its own, put together here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMessageBox, QWidget

from core.counting import format_count
from core.errors import InputError
from desktop.base.actions import ActionSet
from desktop.base.session import Session
from desktop.base.theme import icon_pixmap, theme
from desktop.kit.error_box import show_error
from desktop.kit.notice import Notice
from desktop.project.add_images import ImageAdder
from desktop.project.back_up import BackupKeeper
from desktop.project.drop_files import DropHandler
from desktop.project.flow_context import FlowContext
from desktop.project.image_files import ImageFiles
from desktop.project.import_export import AnnotationTransfer
from desktop.project.open_project import ProjectOpener
from desktop.project.properties_dialog import ProjectProperties
from desktop.project.split_dialog import SplitImagesDialog
from desktop.services import Services

# What an action needs: an open project, one that may be changed, or nothing.
NEED_PROJECT = ("close_project", "export_annotations", "backups", "project_properties")
NEED_WRITING = ("add_images", "add_folder", "import_annotations", "assign_splits", "find_missing")


class ProjectActions(QObject):
    """The flows of one window."""

    def __init__(
        self,
        session: Session,
        services: Services,
        window: QWidget,
        actions: ActionSet,
        may_close: Callable[[], bool],
    ) -> None:
        """`may_close` asks the pages, a running training for one, before the open project is given up."""
        super().__init__(window)
        self._context = FlowContext(session, services, window, may_close)
        self._session = session
        self._services = services
        self._window = window
        self.adder = ImageAdder(self._context)
        self.opener = ProjectOpener(self._context, self.adder)
        self.transfer = AnnotationTransfer(self._context)
        self.notice = Notice()  # of new files and of backups that failed; the window places it
        self.image_files = ImageFiles(self._context, self.adder, self.notice)
        self.backups = BackupKeeper(self._context, self.notice)
        self._drop_handler = DropHandler(self._context, self.opener, self.adder, self.transfer)
        self._actions = actions
        actions.add_handlers(self._handlers())
        session.project_changed.connect(self._offer_actions)
        session.properties_requested.connect(self.edit_properties)
        # The keymap writes the tool tips again.
        services.keymap.changed.connect(self._offer_actions)
        self._offer_actions()

    def _handlers(self) -> dict[str, Callable[..., object]]:
        return {
            "new_project": self.opener.ask_new_project,
            "close_project": self.opener.close_project,
            "open_project": self.opener.choose_and_open,
            "sample_project": self.opener.ask_sample_project,
            "import_as_project": self.transfer.import_as_project,
            "add_images": self.adder.choose_images,
            "add_folder": self.adder.choose_image_folder,
            "import_annotations": self.transfer.import_annotations,
            "export_annotations": self.transfer.export_annotations,
            "assign_splits": self.assign_splits,
            "find_missing": self.image_files.find_missing,
            "backups": self.backups.show_backups,
            "project_properties": self.edit_properties,
            "about": self.show_about,
        }

    def open_project(self, folder: Path) -> None:
        """Open the project in `folder`; a message says why where that cannot be done."""
        self.opener.open_project(folder)

    def take_dropped(self, paths: Sequence[Path]) -> None:
        """Take what was dropped on the window."""
        self._drop_handler.take_paths(paths)

    def assign_splits(self) -> None:
        project = self._context.project_to_change()
        if project is None:
            return
        dialog = SplitImagesDialog(project, self._window)
        if not dialog.exec():
            return
        try:
            changes = self._session.apply(dialog.build_edit(), self)
        except InputError as error:
            show_error(self._window, "The images could not be divided", error)
            return
        self._session.message.emit(f"{format_count(len(changes.images), 'image')} put into a split")

    def edit_properties(self) -> None:
        project, image_id = self._context.project, self._session.image_id
        if project is None:
            return
        image = project.image_path(image_id) if image_id is not None else None
        dialog = ProjectProperties(self._services.tasks, project, image, self._window)
        if not dialog.exec():
            return
        try:
            for key, value in dialog.list_changes().items():
                self._session.set_setting(key, value)
        except InputError as error:
            show_error(self._window, "The properties could not be saved", error)

    def show_about(self) -> None:
        box = QMessageBox(self._window)
        box.setWindowTitle("About DefectDesk")
        box.setIconPixmap(icon_pixmap("logo", theme().accent, 48, box.devicePixelRatioF()))
        box.setText("DefectDesk")
        box.setInformativeText(
            "Label defects that carry several labels, fine-tune a detector on this machine, "
            "and look hard at what it misses."
        )
        box.exec()

    def _offer_actions(self) -> None:
        """Offer each action only where it can be done, and say in its tool tip why not elsewhere."""
        for names, hindrance in (
            (NEED_PROJECT, None if self._session.project is not None else "Open a project first."),
            (NEED_WRITING, self._context.find_hindrance()),
        ):
            for name in names:
                set_available(self._actions[name], hindrance)


def set_available(action: QAction, hindrance: str | None) -> None:
    """Enable an action, or disable it and say why in its tool tip."""
    tip = action.toolTip().split("\n")[0]
    action.setToolTip(f"{tip}\n{hindrance}" if hindrance else tip)
    action.setEnabled(hindrance is None)
