"""Undo and redo: what they do, when they are offered, and what they are called."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from core.errors import InputError
from desktop.base.actions import ActionSet
from desktop.base.session import Session
from desktop.kit.error_box import show_error


class UndoActions(QObject):
    """Steps through the edits of the session's project."""

    def __init__(self, session: Session, actions: ActionSet, window: QWidget) -> None:
        """A refusal is shown over `window`."""
        super().__init__(window)
        self._session = session
        self._window = window
        self._undo, self._redo = actions["undo"], actions["redo"]
        actions.add_handlers(
            {"undo": lambda: self._try_step(session.undo), "redo": lambda: self._try_step(session.redo)}
        )
        session.project_changed.connect(self._set_project)
        self._set_project()

    def show_names(self) -> None:
        """Name in the actions' texts which edits they are about. To be called before they are seen."""
        undone, redone = self._session.undo_name, self._session.redo_name
        self._undo.setText(f"Undo “{undone}”" if undone else "Undo")
        self._redo.setText(f"Redo “{redone}”" if redone else "Redo")

    def _try_step(self, step: Callable[[], None]) -> None:
        try:
            step()
        except InputError as error:
            show_error(self._window, "This cannot be undone or redone now", error)

    def _set_project(self) -> None:
        project = self._session.project
        for action in (self._undo, self._redo):
            action.setEnabled(project is not None and not project.read_only)
