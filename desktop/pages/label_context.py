"""What the parts of the Label page share: the current image, and how an edit of it is made durable."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from core.errors import InputError
from core.project.history import Edit
from core.project.project import Project
from core.types import ImageRecord
from desktop.session import Session
from desktop.widgets.notice import Notice


class LabelContext(QObject):
    """One per Label page."""

    refused = Signal()  # an edit was not made: show what is true

    def __init__(self, session: Session, notice: Notice) -> None:
        super().__init__()
        self.session = session
        self.notice = notice

    @property
    def project(self) -> Project | None:
        return self.session.project

    @property
    def record(self) -> ImageRecord | None:
        """The current image."""
        project, image_id = self.session.project, self.session.image_id
        return project.image(image_id) if project is not None and image_id is not None else None

    @property
    def editable(self) -> bool:
        return self.session.project is not None and not self.session.project.read_only

    def apply(self, build: Callable[[Project, int], Edit]) -> bool:
        """Make an edit of the current image durable; where that is refused, say why and announce `refused`."""
        project, image_id = self.session.project, self.session.image_id
        if project is None or image_id is None:
            return False
        try:
            self.session.apply(build(project, image_id), self)
        except InputError as error:
            self.notice.show_notice(str(error))
            self.refused.emit()
            return False
        self.notice.clear()
        return True
