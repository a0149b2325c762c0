"""Taking up work on the Label page where it was left: the part of the image that was in the view."""

from __future__ import annotations

from PySide6.QtCore import QObject

from core.settings import Settings
from desktop.base.session import Session
from desktop.viewer.view import ImageView


class Resume(QObject):
    """Keeps the view when a project is closed, and goes back there once its image is decoded again."""

    def __init__(self, session: Session, settings: Settings, view: ImageView) -> None:
        super().__init__(view)
        self._session = session
        self._settings = settings
        self._view = view
        self._due: tuple[int, tuple[float, float, float]] | None = None  # image and place to go to
        session.closing.connect(self._keep_place)
        session.project_changed.connect(self._recall_place)
        view.view_changed.connect(self._go_to_place)
        self._recall_place()

    def _keep_place(self) -> None:
        project = self._session.project
        if project is not None:
            image = self._session.image_id
            self._settings.remember_project(project.folder, image=image, view=self._view.place)

    def _recall_place(self) -> None:
        project = self._session.project
        kept = self._settings.recent(project.folder) if project is not None else None
        self._due = (kept.image, kept.view) if kept is not None and kept.image is not None and kept.view else None

    def _go_to_place(self) -> None:
        if self._due is None or not self._view.has_image:
            return
        (image, place), self._due = self._due, None
        if image == self._session.image_id:
            self._view.go_to(place)
