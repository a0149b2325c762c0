"""The files of the images: finding lost ones, accepting changed ones, offering new ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path

from PySide6.QtWidgets import QMessageBox

from core.changes import Changes
from core.counting import format_count
from core.errors import InputError
from core.project.images.copies import describe_divided, find_divided_copies, list_divided_contents
from core.project.images.moved_cameras import OtherScaleError
from core.project.project import Project
from desktop.kit.error_box import message_box, show_error
from desktop.kit.notice import Notice
from desktop.kit.progress_dialog import Cancelled, Progress
from desktop.project.add_images import ImageAdder
from desktop.project.flow_context import FlowContext
from desktop.project.relocate_dialog import RelocateDialog

STOPPING = "Cancelling leaves the images where they are: what was read so far is dropped."


class ImageFiles:
    """Follows the watch over the files."""

    def __init__(self, context: FlowContext, adder: ImageAdder, notice: Notice) -> None:
        """`notice` is where new files are offered."""
        self._context = context
        self._adder = adder
        self._notice = notice
        self._new: list[Path] = []
        files = context.services.files
        files.follow_session(context.session)
        files.appeared.connect(self._offer_new)
        files.find_wanted.connect(lambda _ids: self.find_missing())
        files.accept_wanted.connect(self.accept_changed)
        context.session.project_changed.connect(self._set_project)

    def find_missing(self) -> None:
        """Ask for a folder, search it, and refer to what was found."""
        project = self._context.project_to_change()
        if project is None:
            return
        files = self._context.services.files
        dialog = RelocateDialog(
            self._context.services.tasks,
            project,
            files.changed,
            self._context.find_start_folder(),
            self._context.window,
        )
        if dialog.exec():
            self._relocate_images(project, dialog.list_chosen(certain=True), dialog.list_chosen(certain=False))

    def accept_changed(self, image_ids: Collection[int]) -> None:
        """Take the present content of these images' files for what is labelled."""
        project = self._context.project_to_change()
        if project is not None:
            self._relocate_images(project, {}, {image_id: project.image_path(image_id) for image_id in image_ids})

    def _relocate_images(
        self, project: Project, certain: Mapping[int, Path], others: Mapping[int, Path], *, other_scale: bool = False
    ) -> None:
        divided = list_divided_contents(project.images())

        def relocate(progress: Progress) -> tuple[Changes, InputError | None]:
            changes, before, total = Changes(), 0, len(others) + len(certain)
            for paths, other in ((others, True), (certain, False)):
                if not paths:
                    continue
                count = partial(_count_on, progress, before, total)
                try:
                    changes |= project.files.relocate_images(
                        paths, other_content=other, other_scale=other_scale, progress=count
                    )
                except InputError as error:
                    return changes, error
                except Cancelled:
                    if changes == Changes():
                        raise
                    return changes, None  # what was taken before is taken
                before += len(paths)
            return changes, None

        def report_found(result: tuple[Changes, InputError | None]) -> None:
            changes, error = result
            self._context.session.notify(changes)
            if isinstance(error, OtherScaleError):
                if self._is_scale_meant(error):
                    self._relocate_images(project, certain, others, other_scale=True)
                return
            if error is not None:
                show_error(self._context.window, "The files could not be taken", error)
            else:
                self._context.session.message.emit(f"{format_count(len(changes.images), 'image')} found again")
            self._warn_of_copies(project, divided)
            if said := project.depths.take_notices():
                self._notice.show_notice("\n".join(said), "info")

        title = "Checking the files"
        self._context.behind_dialog(
            title, relocate, report_found, "The files could not be taken", unit="files", note=STOPPING
        )

    def _is_scale_meant(self, error: OtherScaleError) -> bool:
        """Whether images may be seen through another depth scale than before."""
        box = message_box(self._context.window, "Show these images through another depth scale?", str(error))
        take = box.addButton("Use the other scale", QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        box.exec()
        return box.clickedButton() is take

    def _warn_of_copies(self, project: Project, before: frozenset[str]) -> None:
        """Say where another picture that was taken over is one of another split."""
        copies = find_divided_copies(project.images())
        if text := describe_divided([alike for alike in copies if alike[0].content_hash not in before]):
            self._notice.show_notice(text, "warning")

    # -- new files

    def _offer_new(self, files: list[Path]) -> None:
        project = self._context.project
        if project is None or project.read_only:
            return
        self._new += files
        folders = {file.parent for file in self._new}
        where = str(next(iter(folders))) if len(folders) == 1 else f"{len(folders):,} folders"
        text = f"{format_count(len(self._new), 'new image')} in {where}."
        self._notice.show_notice(text, "info", offer=("Add", self._add_new))

    def _add_new(self) -> None:
        new, self._new = self._new, []
        self._notice.clear()
        if new:
            self._adder.add_paths(new)

    def _set_project(self) -> None:
        self._new = []
        self._notice.clear()


def _count_on(progress: Progress, before: int, total: int, done: int, _total: int) -> None:
    """Count `done` files after those that were done `before`."""
    progress(before + done, total)
