"""Edits that the disk refused: they stay on the screen and are tried again, in their order, until they are written."""

from __future__ import annotations

from datetime import UTC, datetime

from PySide6.QtCore import QObject, QTimer, Signal

from core.changes import Changes
from core.errors import InputError, StorageError
from core.project.edits.edit import Edit, HistoryEntry, ImageEvent
from core.project.pending import ProjectWithPendingEdits
from core.project.project import Project
from core.project.project_reader import ProjectReader

RETRY = 5_000  # ms between two tries


class PendingEdits(QObject):
    """The queue of one session. `reason` is what the disk said last."""

    changed = Signal()  # an edit joined or left, or the reason is another
    due = Signal()  # it is time for another try
    dropped = Signal(str)  # an edit that no longer fits the project could not be kept, and why

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._edits: list[Edit] = []
        self._times: list[str] = []  # of each edit, when it was made
        self._seen: ProjectWithPendingEdits | None = None  # the project with them; None: to be made
        self.reason = ""
        self._timer = QTimer(self, interval=RETRY)
        self._timer.timeout.connect(self.due)

    @property
    def edits(self) -> tuple[Edit, ...]:
        """What waits, the oldest first."""
        return tuple(self._edits)

    def list_entries(self, position: int) -> list[HistoryEntry]:
        """The entries of what waits behind the edits that are done, which are `position`."""
        return [
            HistoryEntry(number, edit.name, time, len(edit.image_ids), True, True, edit.is_undone_by_name)
            for number, (edit, time) in enumerate(zip(self._edits, self._times, strict=True), position + 1)
        ]

    def list_events(self, image_id: int) -> list[ImageEvent]:
        """What waits of an image, newest first."""
        pairs = zip(reversed(self._edits), reversed(self._times), strict=True)
        return [ImageEvent(time, edit.name, "waiting") for edit, time in pairs if image_id in edit.image_ids]

    def add_to_project(self, project: Project) -> ProjectReader:
        """The project as it will be once all of them are written; `project` itself where none waits."""
        if not self._edits:
            return project
        if self._seen is None:
            self._seen = project.with_pending(self._edits)
        return self._seen

    def forget_project(self) -> None:
        """The project under the edits has changed."""
        self._seen = None

    def __bool__(self) -> bool:
        return bool(self._edits)

    def add_edit(self, edit: Edit, reason: str) -> None:
        """Let `edit` wait behind the others."""
        self._edits.append(edit)
        self._times.append(datetime.now(UTC).isoformat(timespec="seconds"))
        if self._seen is not None:
            self._seen = self._seen.with_edit(edit)
        self.reason = reason
        self._timer.start()
        self.changed.emit()

    def write_edits(self, project: Project) -> tuple[Changes, StorageError | None]:
        """Write what waits, in order, up to the first edit that is refused again; what was changed, and the refusal."""
        done, refusal = Changes(), None
        while self._edits and refusal is None:
            try:
                done |= project.apply(self._edits[0])
            except StorageError as error:
                self.reason, refusal = str(error), error
            except InputError as error:
                # The project is not what the edit was made from: no later try can mend that.
                self.dropped.emit(f"“{self._edits[0].name}” could not be kept: {error}")
            if refusal is None:
                del self._edits[0], self._times[0]
                self._seen = None
        if not self._edits:
            self._timer.stop()
        self.changed.emit()
        return done, refusal

    def take_back_last(self) -> Edit | None:
        """Undo of what is not written yet: forget the last edit."""
        if not self._edits:
            return None
        edit, self._seen = self._edits.pop(), None
        self._times.pop()
        if not self._edits:
            self._timer.stop()
        self.changed.emit()
        return edit

    def drop_edits(self) -> None:
        """Give up what waits; the user was asked."""
        self._timer.stop()
        self._seen = None
        if self._edits:
            self._edits.clear()
            self._times.clear()
            self.changed.emit()
