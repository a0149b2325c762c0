"""Running a prediction as a job in a child process."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, Signal

from core.jobs.folder import JobFolder
from core.jobs.launcher import JobLauncher
from core.project.snapshot import Snapshot
from desktop.base.background import Tasks
from desktop.base.job_thread import JobThread

KEY = "inspect predict start"


@dataclass(frozen=True, slots=True)
class PredictionRequest:
    """What to predict, and the folder that the result goes to."""

    checkpoint: Path
    split: str
    folder: Path


class PredictJob(QObject):
    """At most one prediction at a time. A new start stops the present one."""

    progress = Signal(int, int)  # images done, of how many
    ended = Signal(str, str)  # core.jobs.folder.State, and the reason where it failed

    def __init__(self, tasks: Tasks, launcher: JobLauncher, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._launcher = launcher
        self._thread: JobThread | None = None
        self._wanted: PredictionRequest | None = None
        self._reason = ""
        application = QCoreApplication.instance()
        assert application is not None
        # A thread must not outlive the program.
        application.aboutToQuit.connect(self.stop_and_wait)

    @property
    def running(self) -> bool:
        return self._wanted is not None

    @property
    def wanted(self) -> PredictionRequest | None:
        """What is being predicted."""
        return self._wanted

    def start(self, wanted: PredictionRequest, snapshot: Snapshot) -> None:
        """Predict. The folder is made anew: a job that was cancelled there leaves nothing behind."""
        self.stop_and_wait()
        self._wanted, self._reason = wanted, ""
        job = {"kind": "predict", "checkpoint": str(wanted.checkpoint), "split": wanted.split, "device": "auto"}

        def prepare() -> JobFolder:
            if wanted.folder.exists():
                shutil.rmtree(wanted.folder)
            folder = JobFolder.create(wanted.folder, job)
            snapshot.save(wanted.folder / "snapshot.json")
            return folder

        self._tasks.run(KEY, prepare, self._begin, self._no_start)

    def stop(self) -> None:
        """Ask the job to end; `ended` tells when it has."""
        if self._thread is not None:
            self._thread.stop()
        elif self._wanted is not None:
            self._tasks.cancel(KEY)
            self._finish("stopped")

    def stop_and_wait(self) -> None:
        """End the job now and say nothing of it."""
        self._tasks.cancel(KEY)
        if self._thread is not None:
            thread, self._thread = self._thread, None
            thread.events.disconnect(self._take)
            thread.ended.disconnect(self._finish)
            thread.stop_and_wait()
        self._wanted = None

    def _begin(self, folder: JobFolder) -> None:
        self._thread = JobThread(self._launcher, folder, parent=self)
        self._thread.events.connect(self._take)
        self._thread.ended.connect(self._finish)
        self._thread.finished.connect(self._thread.deleteLater)
        self._thread.start()

    def _no_start(self, error: Exception) -> None:
        if not isinstance(error, OSError):
            raise error
        self._reason = f"{error.filename}: cannot be written ({error.strerror}); free space on the disk"
        self._finish("failed")

    def _take(self, events: list[dict[str, Any]]) -> None:
        for event in events:
            if event.get("event") == "progress":
                self.progress.emit(int(event["done"]), int(event["total"]))
            elif event.get("event") == "failed":
                self._reason = " ".join(filter(None, (str(event.get("reason", "")), str(event.get("advice", "")))))

    def _finish(self, state: str) -> None:
        if self._thread is not None:
            # The thread has said its last word and only has to return.
            self._thread.wait()
        self._thread, self._wanted = None, None
        if state == "interrupted":
            self._reason = self._reason or "The prediction ended without a word; its log is in the cache folder."
        self.ended.emit(state, self._reason)
