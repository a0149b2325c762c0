"""Make, open and close projects."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QMessageBox

from core.errors import InputError, StorageError
from core.project.project import Project
from core.sample import make_sample_project
from desktop.kit.error_box import error_box, show_error
from desktop.project.add_images import ImageAdder
from desktop.project.flow_context import FlowContext
from desktop.project.new_project_dialog import NewProject, NewProjectDialog, SampleDialog


class ProjectOpener:
    """Asks which project, and puts it in the place of the one that is open."""

    def __init__(self, context: FlowContext, adder: ImageAdder) -> None:
        self._context = context
        self._adder = adder

    def open_project(self, folder: Path) -> None:
        """Open the project in `folder`; one that is open elsewhere can be looked at read-only."""
        present = self._context.project
        if present is not None and not present.read_only and present.folder.resolve() == folder.resolve():
            self._context.session.message.emit(f"{present.name} is open already")
            return
        if not self._context.may_close():
            return
        try:
            self._context.session.open(folder)
        except InputError as error:
            self._offer_read_only(folder, error)
        else:
            self._context.remember_folder(folder.parent)

    def close_project(self) -> None:
        """Close it, unless a page or an edit that waits for the disk keeps it open."""
        if self._context.may_close():
            self._context.session.close()

    def choose_and_open(self) -> None:
        start = str(self._context.find_start_folder())
        if chosen := QFileDialog.getExistingDirectory(self._context.window, "Open a project", start):
            self.open_project(Path(chosen))

    def ask_new_project(self, images: Path | None = None) -> None:
        """Ask for a project; its images may be named already."""
        dialog = NewProjectDialog(self._context.services.tasks, self._context.find_start_folder(), self._context.window)
        if images is not None:
            dialog.use_images(images)
        if not dialog.exec() or not self._context.may_close():
            return
        self.make_project(dialog.read_project())

    def make_project(self, wanted: NewProject) -> None:
        """Make a project and fill it with the images that were asked for."""
        try:
            self._context.session.adopt(Project.create(wanted.folder, wanted.labels))
        except InputError as error:
            show_error(self._context.window, "The project could not be made", error)
            return
        self._context.remember_folder(wanted.folder.parent)
        if wanted.images is not None:
            self._adder.add_paths([wanted.images], wanted.group)

    def ask_sample_project(self) -> None:
        dialog = SampleDialog(self._context.find_start_folder(), self._context.window)
        if not dialog.exec() or not self._context.may_close():
            return
        folder, count = dialog.read_sample()
        self._context.remember_folder(folder.parent)
        self._context.behind_dialog(
            "Making the sample project",
            lambda progress: make_sample_project(folder, count, progress=progress),
            self._context.session.adopt,
            "The sample could not be made",
            unit="images",
            note="Cancelling leaves no project behind.",
        )

    def _offer_read_only(self, folder: Path, error: InputError) -> None:
        window = self._context.window
        box = error_box(window, "The project cannot be opened", error)
        button = None
        # Elsewhere it is open, or its folder cannot be written: looking needs neither.
        if isinstance(error, StorageError) or "open elsewhere" in str(error):
            button = box.addButton("Open read-only", QMessageBox.ButtonRole.AcceptRole)
        box.exec()
        if button is not None and box.clickedButton() is button:
            try:
                self._context.session.open(folder, read_only=True)
            except InputError as second:
                show_error(window, "The project cannot be opened", second)
