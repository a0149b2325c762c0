"""What the Train page tries beside trainings: learning rates, and strategies against each other."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from core.errors import InputError
from core.jobs.process import CHILD_MODULE
from core.launching import prepare_range_test
from core.project.project import Project
from desktop.dialogs.range_test import RangeTestDialog
from desktop.live_job import LiveJob
from desktop.live_training import LiveTraining
from desktop.pages.recipe_side import RecipeSide
from desktop.session import Session

BUSY = "A training runs, and both would share the device. Wait for it, or pause it, and try again."


class Trials(QObject):
    """Opens the dialogs, and keeps their jobs apart from the training that runs."""

    changed = Signal()  # whether one runs

    def __init__(
        self,
        session: Session,
        live: LiveTraining,
        side: RecipeSide,
        window: QWidget,
        module: str = CHILD_MODULE,
    ) -> None:
        super().__init__(window)
        self._session, self._live = session, live
        self._side, self._window = side, window
        self._rate_job = LiveJob(module, self)
        self._rate_job.ended.connect(lambda _state: self.changed.emit())

    @property
    def running(self) -> bool:
        return self._rate_job.running

    def find_rate(self) -> None:
        """Find a learning rate for the recipe by trying, and put it into the form if the person takes it."""
        project = self._writable()
        if project is None:
            return
        if self._live.running or self.running:
            self._side.show_error(BUSY)
            return
        try:
            recipe = self._side.ready_recipe()
            self._session.settle.emit()
            folder = prepare_range_test(project, recipe, self._session.apply)
        except InputError as error:
            self._side.show_error(str(error))
            return
        self._side.show_error("")
        dialog = RangeTestDialog(folder, recipe, self._rate_job, self._window, self._live.warm.take())
        self.changed.emit()
        if dialog.exec():
            self._side.panel.set_rate(dialog.rate())
        dialog.deleteLater()
        self.changed.emit()

    def stop_and_wait(self) -> None:
        """End what runs; returns when no process is left."""
        self._rate_job.stop_and_wait()

    def _writable(self) -> Project | None:
        project = self._session.project
        return None if project is None or project.read_only else project
