"""Undo and redo: what they do, when they are offered, and what they are called."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMessageBox, QWidget

from core.errors import InputError
from core.project.edits.edit import HistoryEntry
from desktop.base.actions import ActionSet
from desktop.base.session import Session
from desktop.base.undo_steps import UndoSteps
from desktop.kit.error_box import message_box, show_error


class ProjectSteps:
    """Undo and redo of the project's edits; those that are undone by name only are asked about."""

    def __init__(self, session: Session, window: QWidget) -> None:
        self._session = session
        self._window = window

    @property
    def undo_name(self) -> str | None:
        return entry.name if (entry := self._session.find_undo()) is not None else None

    @property
    def redo_name(self) -> str | None:
        return entry.name if (entry := self._session.find_redo()) is not None else None

    def undo(self) -> None:
        """Raises InputError."""
        self._session.settle.emit()
        entry = self._session.find_undo()
        if entry is None or not entry.by_name or self._is_meant("Undo", entry):
            self._session.undo(entry.name if entry is not None else None)

    def redo(self) -> None:
        """Raises InputError."""
        self._session.settle.emit()
        entry = self._session.find_redo()
        if entry is None or not entry.by_name or self._is_meant("Redo", entry):
            self._session.redo(entry.name if entry is not None else None)

    def _is_meant(self, verb: str, entry: HistoryEntry) -> bool:
        back = "Redo" if verb == "Undo" else "Undo"
        effect = self._session.describe_step(entry)
        text = f"{effect} {back} takes this back. The Undo tab of the Label page lists every edit."
        box = message_box(self._window, f"{verb} “{entry.name}”?", text)
        yes = box.addButton(f"{verb} it", QMessageBox.ButtonRole.DestructiveRole)
        keep = box.addButton("Leave it", QMessageBox.ButtonRole.RejectRole)
        keep.setMinimumWidth(100)  # the default button is bold, which its own hint forgets
        box.setDefaultButton(keep)
        box.setEscapeButton(keep)
        box.exec()
        return box.clickedButton() is yes


class UndoActions(QObject):
    """Steps through what the page in front edits: the session's project, or a value of its own."""

    def __init__(
        self, session: Session, actions: ActionSet, window: QWidget, front_steps: Callable[[], UndoSteps | None]
    ) -> None:
        """`front_steps`: of the page in front; None where it edits the project. Refusals are shown over `window`."""
        super().__init__(window)
        self._session = session
        self._window = window
        self._front_steps = front_steps
        self._project_steps = ProjectSteps(session, window)
        self._undo, self._redo = actions["undo"], actions["redo"]
        actions.add_handlers({"undo": self._try_undo, "redo": self._try_redo})
        session.project_changed.connect(self._set_project)
        self._set_project()

    def show_names(self) -> None:
        """Name in the actions' texts which edits they are about. To be called before they are seen."""
        steps = self._steps
        self._undo.setText(f"Undo “{steps.undo_name}”" if steps.undo_name else "Undo")
        self._redo.setText(f"Redo “{steps.redo_name}”" if steps.redo_name else "Redo")

    @property
    def _steps(self) -> UndoSteps:
        return self._front_steps() or self._project_steps

    def _try_undo(self) -> None:
        self._try_step("undo", self._steps.undo_name, self._steps.undo)

    def _try_redo(self) -> None:
        self._try_step("redo", self._steps.redo_name, self._steps.redo)

    def _try_step(self, verb: str, name: str | None, step: Callable[[], None]) -> None:
        try:
            step()
        except InputError as error:
            show_error(self._window, "This cannot be undone or redone now", error)
            return
        if self._steps is not self._project_steps:
            done = "Undone" if verb == "undo" else "Redone"
            self._session.message.emit(
                f"{done}: {name}"
                if name
                else f"There is nothing to {verb} on this page; edits of images are undone on the Label page"
            )

    def _set_project(self) -> None:
        project = self._session.project
        for action in (self._undo, self._redo):
            action.setEnabled(project is not None and not project.read_only)
