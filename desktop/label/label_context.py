"""What the parts of the Label page share: the current image, and how an edit of it is made durable."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from core.errors import InputError, StorageError
from core.project.edits.edit import Edit
from core.project.project_reader import ProjectReader
from core.types import Box, ImageRecord
from desktop.base.session import Session
from desktop.kit.notice import Notice


class LabelContext(QObject):
    """One per Label page."""

    refused = Signal()  # an edit was not made: show what is true

    def __init__(self, session: Session, notice: Notice) -> None:
        super().__init__()
        self.session = session
        self.notice = notice

    @property
    def project(self) -> ProjectReader | None:
        """The project as it is shown: with the edits that wait for the disk."""
        return self.session.shown

    @property
    def record(self) -> ImageRecord | None:
        """The current image."""
        project, image_id = self.project, self.session.image_id
        return project.image(image_id) if project is not None and image_id is not None else None

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The boxes of the current image, whether or not it is on the screen yet."""
        project, image_id = self.project, self.session.image_id
        return project.boxes(image_id) if project is not None and image_id is not None else ()

    @property
    def editable(self) -> bool:
        return self.session.project is not None and not self.session.project.read_only

    def apply(self, build: Callable[[ProjectReader, int], Edit]) -> bool:
        """Make an edit of the current image durable; where that is refused, say why and announce `refused`.

        Where only the disk refuses, the edit stays on the screen and waits in `session.pending`: True as well.
        """
        image_id = self.session.image_id
        return image_id is not None and self.apply_to_project(lambda project: build(project, image_id))

    def apply_to_project(self, build: Callable[[ProjectReader], Edit]) -> bool:
        """As `apply`, for an edit that is not about the current image alone."""
        project = self.project
        if project is None:
            return False
        try:
            edit = build(project)
            try:
                self.session.apply(edit, self)
            except StorageError as error:
                if edit.added or edit.removed or not self.editable:
                    raise
                self.session.hold_edit(edit, str(error))
        except InputError as error:
            self.notice.show_notice(str(error))
            self.refused.emit()
            return False
        self.notice.clear()
        return True
