"""The open project and what is selected in it. Pages read from here and never talk to each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QObject, Signal

from core.changes import Changes
from core.errors import InputError, StorageError
from core.project.edits.edit import Edit, HistoryEntry, ImageEvent
from core.project.edits.effect import describe_effect
from core.project.project import Project
from core.project.project_reader import ProjectReader
from core.project.records import DATABASE_FILE
from desktop.base.pending_edits import PendingEdits
from desktop.base.prepared_index import PreparedIndex

T = TypeVar("T")
LONG = 2_000  # images from which on an edit is worth waiting for visibly


@dataclass(frozen=True, slots=True)
class SessionHooks:
    """What the window does for its session; without a window nothing is asked or shown."""

    run_at_length: Callable[[str, Callable[[], None]], None] = lambda _title, work: work()
    """Do work that may take seconds, under a title; raises what it raises."""
    may_leave_image: Callable[[Session], bool] = lambda _session: True
    """Asked before another image is shown while edits wait for the disk."""
    find_last_image: Callable[[Project], int | None] = lambda _project: None
    """The image on which the user stopped."""


class Session(QObject):
    """One per window. Every mutation of the project goes through here, so that every view hears of it."""

    changed = Signal(object, object)  # Changes, initiator: who made the change skips its own
    project_changed = Signal()  # a project was opened or closed
    image_changed = Signal()  # another image is current
    inspect_requested = Signal(str)  # a checkpoint id: show it on the Inspect page
    continue_requested = Signal(str)  # a checkpoint id: train on from it
    run_requested = Signal(str)  # a run's id: show it on the Train page
    page_requested = Signal(str)  # a page's title, such as Label: bring it to the front
    properties_requested = Signal()  # the properties of the project are to be set: its scale, the depth of its images
    images_requested = Signal(object)  # a Filter: list the images that pass it on the Label page
    message = Signal(str)  # one line for the status bar
    hint = Signal(str)  # what the user can do now: stays in the status bar until the next
    settle = Signal()  # whoever holds an edit back, such as a sequence of nudges, makes it now
    closing = Signal()  # the project is open for the last moment: every edit is made, a backup may be taken
    setting_changed = Signal(str)  # the key of a setting of the project, such as cameras or mm_per_pixel

    def __init__(self, hooks: SessionHooks = SessionHooks(), parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project: Project | None = None
        self._image_id: int | None = None
        self._hooks = hooks
        self.image_index = PreparedIndex()
        self.pending = PendingEdits(self)
        self.pending.due.connect(self.try_again)

    @property
    def project(self) -> Project | None:
        return self._project

    @property
    def shown(self) -> ProjectReader | None:
        """The project as the user sees it: with the edits that wait for the disk. Edits are built from it."""
        return self.pending.add_to_project(self._project) if self._project is not None else None

    @property
    def image_id(self) -> int | None:
        """The image that the Label and Augment pages show; None without a project or images."""
        return self._image_id

    def open(self, folder: Path, *, read_only: bool = False) -> None:
        """Open the project in `folder` in place of the present one. Raises InputError; the present one stays open."""
        self.adopt(Project.open(folder, read_only=read_only))

    def adopt(self, project: Project) -> None:
        """Take over an open project, closing the present one."""
        self.close()
        self._settle_cameras(project)
        self._project = project
        ids, kept = project.image_ids(), self._hooks.find_last_image(project)
        self._image_id = kept if kept in ids else next(iter(ids), None)
        self.project_changed.emit()
        self.image_changed.emit()

    def _settle_cameras(self, project: Project) -> None:
        """Before anything is shown: no image is ever scaled by its own values."""
        depths = project.depths
        if not depths.is_settled and depths.count_unseen():
            self.run_at_length("Choosing the depth scale", lambda: depths.settle())
        else:
            depths.settle()
        project.notices += tuple(depths.take_notices())

    def close(self) -> None:
        if self._project is None:
            return
        self.settle.emit()
        self.try_again()
        self.pending.drop_edits()
        self.closing.emit()
        closing, self._project, self._image_id = self._project, None, None
        self.project_changed.emit()
        self.image_changed.emit()
        closing.close()

    def select_image(self, image_id: int | None) -> None:
        if image_id != self._image_id:
            self.settle.emit()
            if not self.pending or self._hooks.may_leave_image(self):
                self._image_id = image_id
            # Also where the user stays: lists that went ahead come back.
            self.image_changed.emit()

    def apply(self, edit: Edit, initiator: object = None) -> Changes:
        """Make an edit durable and tell every view. Raises InputError; nothing was changed then.

        Edits that wait for the disk are written first; a StorageError may be about them.
        """
        assert self._project is not None
        self._write_pending()
        project, undone = self._project, self._project.history.undone_count
        changes = self._run_edit(edit.name, len(edit.image_ids), lambda: project.apply(edit))
        self.notify(changes, initiator)
        if undone and not project.history.undone_count:
            gone = "The edit that was undone" if undone == 1 else f"The {undone:,} edits that were undone"
            self.message.emit(
                f"{gone} cannot be redone any more: “{edit.name}” took {'its' if undone == 1 else 'their'} place"
            )
        return changes

    def _run_edit(self, title: str, images: int, work: Callable[[], T]) -> T:
        return self.run_at_length(title, lambda: self._prepare_after(work)) if images >= LONG else work()

    def _prepare_after(self, work: Callable[[], T]) -> T:
        result = work()
        if self._project is not None:
            self.prepare_lists(self._project)
        return result

    def prepare_lists(self, project: Project) -> None:
        """To be called in a thread that has changed many images, before the window's thread calls `notify`."""
        self.image_index.prepare_index(project)

    def run_at_length(self, title: str, work: Callable[[], T]) -> T:
        """Do work that may take seconds and return what it gives; a window shows meanwhile that it goes on."""
        results: list[T] = []
        self._hooks.run_at_length(title, lambda: results.append(work()))
        return results[0]

    def hold_edit(self, edit: Edit, reason: str) -> None:
        """Show an edit that the disk refused as if it were made, and try again until it is written."""
        self.pending.add_edit(edit, reason)
        self._tell_views(edit.changes())

    def try_again(self) -> bool:
        """Try to write what waits for the disk; False if that was refused again."""
        try:
            self._write_pending()
        except StorageError:
            return False
        return True

    def require_written(self) -> None:
        """Write every edit, before work that reads the project on the disk. Raises StorageError while the disk refuses."""
        self.settle.emit()
        try:
            self._write_pending()
        except StorageError as error:
            assert self._project is not None
            count = len(self.pending.edits)
            are = "1 edit is" if count == 1 else f"{count:,} edits are"
            reason = str(error).rpartition(f"{DATABASE_FILE}: ")[2]
            raise StorageError(
                f"{self._project.folder}: {are} not written to the disk yet and would be left out: {reason}"
            ) from error

    def _write_pending(self) -> None:
        """Raises StorageError while the disk refuses."""
        if self._project is None or not self.pending:
            return
        count = len(self.pending.edits)
        changes, refusal = self.pending.write_edits(self._project)
        self.notify(changes)
        if refusal is not None:
            raise refusal
        self.message.emit(f"Written: {count:,} {'edit' if count == 1 else 'edits'} that the disk had refused")

    def set_setting(self, key: str, value: object) -> None:
        """Keep a setting in the project and tell whoever shows it. Raises InputError; nothing was changed then."""
        assert self._project is not None
        self._project.set_setting(key, value)
        self.setting_changed.emit(key)

    def find_undo(self) -> HistoryEntry | None:
        """The edit that `undo` would take back."""
        if self._project is None:
            return None
        history = self._project.history
        waiting = self.pending.list_entries(history.position)
        return waiting[-1] if waiting else history.find_entry(history.position)

    def find_redo(self) -> HistoryEntry | None:
        """The edit that `redo` would do again; those that wait take the place of what was undone."""
        if self._project is None or self.pending:
            return None
        return self._project.history.find_entry(self._project.history.position + 1)

    def describe_step(self, entry: HistoryEntry) -> str:
        """What undoing or redoing an edit does, in one sentence."""
        if self._project is None:
            return ""
        if entry.waits:
            return describe_effect(self.pending.edits[entry.position - self._project.history.position - 1].reversed)
        history = self._project.history
        if entry.images < LONG:
            return history.describe_step(entry)
        return self.run_at_length(f"Reading “{entry.name}”", lambda: history.describe_step(entry))

    def undo(self, name: str | None = None) -> None:
        """Take back the last edit, and go to the image it was made on. Raises InputError.

        One that is undone by name only needs its `name`, and stays otherwise.
        """
        self.settle.emit()
        _check_named(self.find_undo(), name, "undone")
        if (edit := self.pending.take_back_last()) is not None:
            self._tell_views(edit.reversed.changes())
            self.message.emit(f"Undone: {edit.name}")
            return
        self._step_by("Undone", -1)

    def redo(self, name: str | None = None) -> None:
        """Do again what was undone, and go to the image it was made on; `name` as for `undo`. Raises InputError."""
        self.settle.emit()
        self._write_pending()
        _check_named(self.find_redo(), name, "done again")
        self._step_by("Redone", 1)

    def list_edits(self) -> list[HistoryEntry]:
        """What can be undone and redone, oldest first; those that wait for the disk take the place of what was undone."""
        if self._project is None:
            return []
        entries = self._project.history.list_entries()
        if not self.pending:
            return entries
        done = [entry for entry in entries if entry.done]
        return done + self.pending.list_entries(self._project.history.position)

    def images_of_edit(self, position: int) -> frozenset[int]:
        """The images that the edit of the `HistoryEntry` with this position touches."""
        if self._project is None:
            return frozenset()
        waiting = position - self._project.history.position - 1
        if self.pending and waiting >= 0:
            return self.pending.edits[waiting].image_ids
        return self._project.history.images_of_edit(position)

    def list_events(self, image_id: int) -> list[ImageEvent]:
        """What was done to an image, newest first, with what waits for the disk."""
        if self._project is None:
            return []
        return self.pending.list_events(image_id) + self._project.history.list_events(image_id)

    def go_to(self, position: int) -> None:
        """Undo or redo until the edit at `position`, as `list_edits` counts, is the last that is done. Raises InputError."""
        self.settle.emit()
        if self._project is None:
            return
        if self.pending and position >= self._project.history.position:
            self._take_back_pending(position - self._project.history.position)
            return
        self._write_pending()
        project, images = self._project, self._project.history.count_images_to(position)
        self._show_step(self._run_edit("Going to another point", images, lambda: project.history.go_to(position)))

    def _take_back_pending(self, kept: int) -> None:
        """Forget what waits for the disk, but for the first `kept` edits."""
        while len(self.pending.edits) > kept and (edit := self.pending.take_back_last()) is not None:
            self._tell_views(edit.reversed.changes())

    def notify(self, changes: Changes, initiator: object = None) -> None:
        """Tell every view of a change that was made through the project itself, such as added images."""
        self.pending.forget_project()
        self._tell_views(changes, initiator)

    def _tell_views(self, changes: Changes, initiator: object = None) -> None:
        moved = changes.image_list and self._keep_a_present_image()
        self.changed.emit(changes, initiator)
        if moved:
            self.image_changed.emit()

    def _step_by(self, word: str, by: int) -> None:
        project = self._project
        if project is None:
            return
        name, does = (
            (project.history.undo_name, project.history.undo)
            if by < 0
            else (project.history.redo_name, project.history.redo)
        )
        images = project.history.count_images_to(project.history.position + by)
        changes = self._run_edit(f"{'Undo' if by < 0 else 'Redo'} {name}", images, does)
        if changes is None:
            self.message.emit("There is nothing to undo" if word == "Undone" else "There is nothing to redo")
            return
        self._show_step(changes)
        self.message.emit(f"{word}: {name}")

    def _show_step(self, changes: Changes) -> None:
        self.notify(changes)
        if len(changes.images) == 1 and not changes.image_list:
            self.select_image(next(iter(changes.images)))

    def _keep_a_present_image(self) -> bool:
        """Choose another image where the current one is no longer in the project, or there was none."""
        assert self._project is not None
        present = self._project.image_ids()
        if self._image_id in present:
            return False
        self._image_id = present[0] if present else None
        return True


def _check_named(entry: HistoryEntry | None, name: str | None, does: str) -> None:
    """Raises InputError where an edit that is undone by name only was not named."""
    if entry is not None and entry.by_name and name != entry.name:
        raise InputError(f"history: “{entry.name}” is {does} by name only; choose it in the list of edits")
