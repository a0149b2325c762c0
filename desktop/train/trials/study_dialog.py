"""Comparing strategies on one's own data: what to compare, how it goes, and what follows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from core.errors import InputError
from core.jobs.folder import JobFolder
from core.recipe.recipe import Recipe
from core.study.results import StudyResult, read_result
from core.study.study import load_study, study_folders
from desktop.base.background import Tasks
from desktop.base.job_runner import JobRunner
from desktop.base.theme import GAP, PAD
from desktop.kit.dialog_frame import Paragraph, plain_button
from desktop.kit.parts import restyle, words
from desktop.kit.screen_room import resize_within_screen
from desktop.train.trials.study_request import StudyRequest
from desktop.train.trials.study_setup import StudySetup
from desktop.train.trials.study_view import StudyView

ABOUT = (
    "Does re-training the backbone help on your data? Several strategies are trained on the same images, with the same "
    "seeds and the same budget, and compared with the spread over the seeds."
)
LOOK_MS = 1500
HEIGHT = 880  # pixels, where the screen has them: a setup of all strategies without a scroll bar
_NEW = ""
_STATES = {
    "running": "It runs now.",
    "finished": "",
    "stopped": "It was stopped, and can be gone on with.",
    "failed": "It failed.",
    "interrupted": "It was interrupted, and can be gone on with.",
    "waiting": "It has not begun.",
    "paused": "It is paused, and can be gone on with.",
}

Begin = Callable[[StudyRequest], JobFolder]


class StudyDialog(QDialog):
    """Makes, follows and shows the studies of a project. It can be closed while one runs, and opened again."""

    run_requested = Signal(str)

    def __init__(
        self,
        studies: Path,
        runs: Path,
        base: Recipe,
        begin: Begin,
        job: JobRunner,
        tasks: Tasks,
        parent: QWidget | None = None,
    ) -> None:
        """`begin` makes the folder of a study and raises InputError where it cannot be."""
        super().__init__(parent)
        self.setWindowTitle("Transfer study")
        self._studies, self._runs, self._begin = studies, runs, begin
        self.job, self._tasks = job, tasks
        self._complete = False  # whether all runs of the study that is shown have ended
        self.setup = StudySetup(base)
        self.view = StudyView()
        self.choice = QComboBox()
        self.choice.setAccessibleName("Study")
        self.choice.setMinimumWidth(240)
        self.problem = Paragraph("", "error")
        self.start = QPushButton("Start the study")
        self.start.setProperty("role", "primary")
        self.start.setAutoDefault(False)
        self.report = plain_button("Open the report", self._open_report)
        self._stack = QStackedWidget()
        self._timer = QTimer(self, interval=LOOK_MS)
        self._lay_out()
        self.choice.activated.connect(lambda index: self.show_study(self.choice.itemData(index)))
        self.start.clicked.connect(self._press_start)
        self.setup.changed.connect(self._enable_start)
        self.view.run_requested.connect(self.run_requested)
        self._timer.timeout.connect(self._read_study)
        job.ended.connect(self._follow_end)
        self._list_studies()
        running = job.folder.path.name if job.folder is not None else _NEW
        self.show_study(running)

    @property
    def shown(self) -> str:
        """The id of the study that is shown; empty while one is set up."""
        return str(self.choice.currentData() or "")

    def show_study(self, study: str) -> None:
        """Go to a study by its id, or with an empty one to setting up a new one."""
        self.choice.setCurrentIndex(max(0, self.choice.findData(study)))
        self._stack.setCurrentIndex(1 if study else 0)
        if study:
            self._read_study()
        self._enable_start()

    def done(self, result: int) -> None:
        self._timer.stop()
        self._tasks.cancel("study:read")
        super().done(result)

    # -- what goes on ------------------------------------------------------------------------------------------

    def _press_start(self) -> None:
        if self._running_here():
            self.job.stop()
            self._enable_start()
        elif self.shown:
            self._start_job(JobFolder(self._studies / self.shown))
            self._read_study()
            self._enable_start()
        else:
            self._begin_new()

    def _begin_new(self) -> None:
        try:
            folder = self._begin(self.setup.read_request())
        except InputError as error:
            self._show_problem(str(error))
            return
        except OSError as error:
            self._show_problem(f"{error.filename or 'disk'}: {error.strerror}. Free some space and try again.")
            return
        self._start_job(folder)
        self._list_studies()
        self.show_study(folder.path.name)

    def _start_job(self, folder: JobFolder) -> None:
        self._complete = False
        self.job.start(folder)

    def _follow_end(self, _name: str, _state: str) -> None:
        self._read_study()
        self._enable_start()

    def _read_study(self) -> None:
        """Read what the study that is shown has come to."""
        study = self.shown
        if not study:
            return
        folder, runs = self._studies / study, self._runs

        def read() -> tuple[StudyResult, str]:
            return read_result(load_study(folder), runs), JobFolder(folder).state()

        def show(found: tuple[StudyResult, str]) -> None:
            if self.shown == study:
                self.view.show_result(found[0], _STATES.get(found[1], ""))
                self._complete = found[0].is_complete
                self._enable_start()

        def failed(error: Exception) -> None:
            if not isinstance(error, InputError):
                raise error
            self._show_problem(str(error))

        self._tasks.run("study:read", read, show, failed)
        self._timer.start() if self._running_here() else self._timer.stop()

    def _running_here(self) -> bool:
        return self.job.folder is not None and self.job.folder.path.name == self.shown

    def _list_studies(self) -> None:
        self.choice.clear()
        self.choice.addItem("New study", _NEW)
        for folder in reversed(study_folders(self._studies)):
            self.choice.addItem(f"Study {folder.name}", folder.name)

    def _open_report(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._studies / self.shown / "report.md")))

    # -- looks -------------------------------------------------------------------------------------------------

    def _what_hinders(self) -> tuple[str, str]:
        """Why the study that is shown cannot be started, and the role of the text; empty if it can."""
        if self.shown:
            return "", "muted"
        asked = self.setup.read_request()
        if missing := asked.find_missing():
            return missing, "muted"
        return asked.find_problem(), "error"

    def _enable_start(self) -> None:
        here, study, role = self._running_here(), self.shown, "muted"
        if here:
            text, reason = "Stop", "" if not self.job.stopping else "It stops after saving what the run has learnt."
            self.start.setEnabled(not self.job.stopping)
        elif self.job.running:
            text, reason = "Start the study" if not study else "Go on", "Another study runs now."
            self.start.setEnabled(False)
        else:
            text = "Go on" if study else "Start the study"
            reason, role = self._what_hinders()
            self.start.setEnabled(not reason and not (study and self._complete))
        self.start.setText(text)
        self.start.setVisible(not (study and not here and self._complete))
        self.report.setVisible(bool(study) and (self._studies / study / "report.md").is_file())
        self._show_problem(reason, role)

    def _show_problem(self, text: str, role: str = "error") -> None:
        self.problem.setText(text)
        restyle(self.problem, "role", role)
        self.problem.setVisible(bool(text))

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(words("Transfer study", "heading"), 1)
        head.addWidget(self.choice)
        scroll = QScrollArea(widgetResizable=True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(self.setup)
        scroll.viewport().setAutoFillBackground(False)
        self.setup.setAutoFillBackground(False)
        self._stack.addWidget(scroll)
        self._stack.addWidget(self.view)
        foot = QHBoxLayout()
        foot.setSpacing(GAP)
        foot.addWidget(self.report)
        foot.addStretch(1)
        foot.addWidget(self.start)
        foot.addWidget(plain_button("Close", self.reject))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * PAD, 2 * PAD, 2 * PAD, PAD + GAP)
        layout.setSpacing(PAD)
        layout.addLayout(head)
        layout.addWidget(Paragraph(ABOUT, "muted"))
        layout.addWidget(self._stack, 1)
        layout.addWidget(self.problem)
        layout.addLayout(foot)
        resize_within_screen(self, 1000, HEIGHT)
