"""The strip below the title bar: what is to be known of the project that was opened."""

from __future__ import annotations

from desktop.base.session import Session
from desktop.kit.notice import Notice

READ_ONLY = "Opened read-only: this shows what was saved when it was opened, and nothing can be changed."


class ProjectBanner(Notice):
    """Says that a project is read-only, what its opening has to report, and which edits the disk refused for good."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        session.project_changed.connect(self._set_project)
        session.pending.dropped.connect(self.show_notice)

    def _set_project(self) -> None:
        self.clear()
        project = self._session.project
        if project is not None and project.read_only:
            self.show_notice(READ_ONLY, "warning")
        elif project is not None and project.notices:
            self.show_notice("\n".join(project.notices), "warning")
