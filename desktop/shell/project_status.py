"""The status bar: what can be done now, messages, and the size and folder of the project."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QStatusBar

from core.counting import format_count
from desktop.base.running_work import RunningWork
from desktop.base.session import Session
from desktop.kit.parts import ElidedLabel
from desktop.shell.work_line import WorkLine

MESSAGE_TIME = 6000  # ms
NARROW = 1240  # pixels below which what runs is said in few words
LEAST_FOLDER, AROUND = 40, 60  # pixels of the folder's name at least, and of the room around the three


class ProjectStatus(QStatusBar):
    """Follows the session, and says what runs."""

    def __init__(self, session: Session, running: RunningWork) -> None:
        super().__init__()
        self._session = session
        self._hint = ElidedLabel(cut=Qt.TextElideMode.ElideRight)
        self._counts = QLabel()
        self._folder = ElidedLabel()
        self.setSizeGripEnabled(False)
        self.addWidget(self._hint, 1)
        self.work = WorkLine(running)
        self.addPermanentWidget(self.work)
        self.addPermanentWidget(self._counts)
        self.addPermanentWidget(self._folder)
        session.hint.connect(self._show_hint)
        session.message.connect(lambda text: self.showMessage(text, MESSAGE_TIME))
        session.changed.connect(lambda _changes, _initiator: self._show_counts())
        session.project_changed.connect(self._show_counts)
        running.changed.connect(self._fit_folder)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.work.set_short(self.width() < NARROW)
        self._fit_folder()

    def _show_hint(self, text: str) -> None:
        self._hint.setText(text)
        self._fit_folder()

    def _fit_folder(self) -> None:
        """The folder has what the hint leaves: it can be read in its tool tip."""
        taken = sum(_measure(label) for label in (self._hint, self._counts))
        if self.work.text:
            taken += self.work.sizeHint().width()
        self._folder.setMaximumWidth(
            max(LEAST_FOLDER, min(self._folder.sizeHint().width(), self.width() - taken - AROUND))
        )

    def clear_hint(self) -> None:
        """Say nothing of the page that is left."""
        self._show_hint("")

    def _show_counts(self) -> None:
        project = self._session.project
        if project is None:
            self._counts.clear()
            self._folder.clear()
            return
        counts = project.counts()
        self._counts.setText(f"{format_count(counts.images, 'image')} · {format_count(counts.boxes, 'box')}")
        self._folder.setText(str(project.folder))
        self._fit_folder()


def _measure(label: QLabel) -> int:
    return label.fontMetrics().horizontalAdvance(label.text()) + 4
