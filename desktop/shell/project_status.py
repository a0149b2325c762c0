"""The status bar: what can be done now, messages, and the size and folder of the project."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QStatusBar

from desktop.base.session import Session
from desktop.kit.formatting import plural

MESSAGE_TIME = 6000  # ms


class ProjectStatus(QStatusBar):
    """Follows the session."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._hint = QLabel()
        self._counts = QLabel()
        self.setSizeGripEnabled(False)
        self.addWidget(self._hint, 1)
        self.addPermanentWidget(self._counts)
        session.hint.connect(self._hint.setText)
        session.message.connect(lambda text: self.showMessage(text, MESSAGE_TIME))
        session.changed.connect(lambda _changes, _initiator: self._show_counts())
        session.project_changed.connect(self._show_counts)

    def clear_hint(self) -> None:
        """Say nothing of the page that is left."""
        self._hint.clear()

    def _show_counts(self) -> None:
        project = self._session.project
        if project is None:
            self._counts.clear()
            return
        counts = project.counts()
        amount = f"{plural(counts.images, 'image')} · {plural(counts.boxes, 'box', 'boxes')}"
        self._counts.setText(f"{amount} · {project.folder}")
