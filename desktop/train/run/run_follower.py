"""A run that another program trains, followed from its folder; nothing is written there."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.errors import InputError
from core.jobs.events import Event
from core.jobs.folder import JobFolder
from desktop.base.job_thread import WatchThread


class RunFollower(QObject):
    """Follows one run at a time. Nothing is heard of a run once it is left."""

    progressed = Signal(list)  # events as plain values
    state_changed = Signal(str)
    restarted = Signal()  # the events begin from the first
    reachable_changed = Signal(object, bool)  # Path of the folder, whether it is there

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._watch: WatchThread | None = None

    def follow_run(self, folder: Path) -> None:
        """Leave the run before, and follow the one in `folder`."""
        self.leave_run()
        self._watch = watch = WatchThread(JobFolder(folder), self)
        watch.events.connect(self._pass_events)
        watch.state_changed.connect(self._pass_state)
        watch.began_anew.connect(self._pass_restart)
        watch.reachable_changed.connect(self._pass_reachable)
        watch.start()

    def leave_run(self) -> None:
        """Follow no run."""
        if self._watch is not None:
            self._watch.end()
            self._watch.deleteLater()
            self._watch = None

    def _pass_events(self, events: list[Event]) -> None:
        if self.sender() is self._watch:
            self.progressed.emit(events)

    def _pass_state(self, state: str) -> None:
        if self.sender() is self._watch:
            self.state_changed.emit(state)

    def _pass_restart(self) -> None:
        if self.sender() is self._watch:
            self.restarted.emit()

    def _pass_reachable(self, there: bool) -> None:
        if self._watch is not None and self.sender() is self._watch:
            self.reachable_changed.emit(self._watch.folder.path, there)


def check_run_folder(folder: Path) -> None:
    """Raise InputError unless `folder` is that of a training."""
    if not (folder / "job.json").is_file():
        raise InputError(f"{folder}: is not the folder of a run; choose one such as project/runs/r003")
    if JobFolder(folder).read_job().get("kind") != "train":
        raise InputError(f"{folder}: is the folder of a job, but not of a training; choose one such as runs/r003")
