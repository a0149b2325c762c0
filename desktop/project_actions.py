"""Making, opening and filling projects: the dialogs and the background work behind the Project menu."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from core.changes import Changes
from core.errors import InputError
from core.formats.importing import import_into
from core.imaging.decode import IMAGE_SUFFIXES
from core.project.database import FILE_NAME
from core.project.project import Project
from core.sample import make_sample_project
from core.types import Problem
from desktop.dialogs.errors import error_box, show_error
from desktop.dialogs.import_coco import ImportCocoDialog
from desktop.dialogs.new_project import NewProjectDialog, SampleDialog
from desktop.dialogs.problems import ProblemsDialog
from desktop.dialogs.progress import Progress, run_with_progress
from desktop.dialogs.split_images import SplitImagesDialog
from desktop.models.wording import plural
from desktop.services import Services
from desktop.session import Session
from desktop.theme import icon_pixmap, theme

T = TypeVar("T")


class ProjectActions(QObject):
    """What the Project menu does, for one window."""

    def __init__(
        self, session: Session, services: Services, window: QWidget, may_close: Callable[[], bool]
    ) -> None:
        """`may_close` asks the pages, a running training for one, before the open project is given up."""
        super().__init__(window)
        self._session = session
        self._services = services
        self._window = window
        self._may_close = may_close

    # -- opening

    def open(self, folder: Path) -> None:
        """Open the project in `folder`; one that is open elsewhere can be looked at read-only."""
        if not self._may_close():
            return
        try:
            self._session.open(folder)
        except InputError as error:
            self._offer_read_only(folder, error)
        else:
            self._remember_folder(folder.parent)

    def choose_and_open(self) -> None:
        if chosen := QFileDialog.getExistingDirectory(self._window, "Open a project", self._start()):
            self.open(Path(chosen))

    def new(self) -> None:
        dialog = NewProjectDialog(Path(self._start()), self._window)
        if not dialog.exec() or not self._may_close():
            return
        wanted = dialog.value()
        try:
            self._session.adopt(Project.create(wanted.folder, wanted.labels))
        except InputError as error:
            show_error(self._window, "The project could not be made", error)
            return
        self._remember_folder(wanted.folder.parent)
        if wanted.images is not None:
            self.add([wanted.images])

    def sample(self) -> None:
        dialog = SampleDialog(Path(self._start()), self._window)
        if not dialog.exec() or not self._may_close():
            return
        folder, count = dialog.value()
        self._remember_folder(folder.parent)
        self._behind_dialog(
            "Making the sample project",
            lambda progress: make_sample_project(folder, count, progress=progress),
            self._session.adopt,
            "The sample could not be made",
        )

    def _offer_read_only(self, folder: Path, error: InputError) -> None:
        box = error_box(self._window, "The project cannot be opened", error)
        button = None
        if "open elsewhere" in str(error):
            button = box.addButton("Open read-only", QMessageBox.ButtonRole.AcceptRole)
        box.exec()
        if button is not None and box.clickedButton() is button:
            try:
                self._session.open(folder, read_only=True)
            except InputError as second:
                show_error(self._window, "The project cannot be opened", second)

    # -- adding

    def add(self, paths: Sequence[Path]) -> None:
        """Add image files and folders of images in the background."""
        project = self._session.project
        if project is None:
            return

        def done(result: tuple[Changes, list[Problem]]) -> None:
            changes, problems = result
            self._session.notify(changes)
            added = plural(len(changes.images), "image")
            if problems:
                text = f"{added} added. {plural(len(problems), 'file')} could not be: the table says why."
                ProblemsDialog(self._window, "Some files were not added", text, problems).open()
            elif changes.images:
                self._session.message.emit(f"{added} added")
            else:
                self._session.message.emit("All of these images are in the project already")

        self._behind_dialog(
            "Adding images", lambda progress: project.add_images(paths, progress), done, "The images could not be added"
        )

    def choose_images(self) -> None:
        suffixes = " ".join(f"*{suffix}" for suffix in sorted(IMAGE_SUFFIXES))
        chosen, _ = QFileDialog.getOpenFileNames(
            self._window, "Add images", self._start(), f"Images ({suffixes});;All files (*)"
        )
        if chosen:
            self._remember_folder(Path(chosen[0]).parent)
            self.add([Path(name) for name in chosen])

    def choose_image_folder(self) -> None:
        if chosen := QFileDialog.getExistingDirectory(self._window, "Add a folder of images", self._start()):
            self._remember_folder(Path(chosen))
            self.add([Path(chosen)])

    def take_dropped(self, paths: Sequence[Path]) -> None:
        """A dropped project is opened, a dropped JSON file imported, anything else added as images."""
        first = paths[0]
        project = self._session.project
        if len(paths) == 1 and (first / FILE_NAME).is_file():
            self.open(first)
        elif len(paths) == 1 and first.name == FILE_NAME:
            self.open(first.parent)
        elif project is None:
            self._session.message.emit("Make or open a project first, then drop images on it")
        elif project.read_only:
            self._session.message.emit("The project is open read-only: nothing can be added")
        elif len(paths) == 1 and first.suffix.lower() == ".json":
            self.import_coco(first)
        else:
            self.add(paths)

    def import_coco(self, file: Path | None = None) -> None:
        project = self._session.project
        if project is None:
            return
        dialog = ImportCocoDialog(self._services.tasks, self._start(), self._window)
        if file is not None:
            dialog.choose(file)
        if not dialog.exec() or dialog.imported is None:
            return
        imported = dialog.imported
        self._remember_folder(imported.source.parent)

        def done(result: tuple[Changes, list[Problem]]) -> None:
            changes, problems = result
            self._session.notify(changes)
            text = f"{plural(len(changes.images), 'image')} taken in from {imported.source.name}."
            if problems:
                text += f" {plural(len(problems), 'problem')}: the table says what was left out or mended."
                ProblemsDialog(self._window, "Imported with problems", text, problems).open()
            self._session.message.emit(text)

        self._behind_dialog(
            "Importing annotations",
            lambda progress: import_into(project, imported, progress),
            done,
            "The annotations could not be imported",
        )

    def assign_splits(self) -> None:
        project = self._session.project
        if project is None:
            return
        dialog = SplitImagesDialog(project, self._window)
        if not dialog.exec():
            return
        try:
            changes = self._session.apply(dialog.edit(), self)
        except InputError as error:
            show_error(self._window, "The images could not be divided", error)
            return
        self._session.message.emit(f"{plural(len(changes.images), 'image')} put into a split")

    def about(self) -> None:
        box = QMessageBox(self._window)
        box.setWindowTitle("About DefectDesk")
        box.setIconPixmap(icon_pixmap("logo", theme().accent, 48, box.devicePixelRatioF()))
        box.setText("DefectDesk")
        box.setInformativeText(
            "Label defects that carry several labels, fine-tune a detector on this machine, "
            "and look hard at what it misses."
        )
        box.exec()

    # -- helpers

    def _behind_dialog(
        self, title: str, work: Callable[[Progress], T], done: Callable[[T], None], complaint: str
    ) -> None:
        def failed(error: Exception) -> None:
            if not isinstance(error, InputError | OSError):
                raise error
            show_error(self._window, complaint, error)

        run_with_progress(self._window, self._services.tasks, title, work, done, failed)

    def _start(self) -> str:
        kept = self._services.settings.values.last_folder
        return kept if kept and Path(kept).is_dir() else str(Path.home())

    def _remember_folder(self, folder: Path) -> None:
        self._services.settings.update(last_folder=str(folder))
