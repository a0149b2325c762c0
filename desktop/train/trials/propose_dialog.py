"""Asking how long a training may take, and showing the recipe that is proposed for it, with the reason for each choice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QProgressBar, QScrollArea, QVBoxLayout, QWidget

from core.errors import InputError
from core.jobs.events import Event, JobProgress, RunFailed, SpeedMeasured
from core.jobs.folder import JobFolder
from core.jobs.launcher import WarmChild
from core.operations.propose import MOST_MINUTES, ProposalRequest, forget_trial
from core.training.data.proposal import Proposal
from core.training.data.speed import TRIAL_STEPS
from desktop.base.background import Tasks
from desktop.base.job_runner import JobRunner
from desktop.base.theme import GAP
from desktop.kit.dialog_frame import DialogFrame, Paragraph, numeric
from desktop.kit.formatting import sentence
from desktop.kit.number_fields import DecimalSpinBox
from desktop.kit.parts import words

ABOUT = (
    "A recipe for these images and boxes, this machine and the time that you have. The recipe changes only when you press "
    "“Use this recipe”, and one undo takes it back."
)
KEY = "train:propose"
_SOON = 500  # ms: minutes that are being typed are worked out once


@dataclass(frozen=True, slots=True)
class ProposalSource:
    """Where the dialog gets what it shows."""

    request: Callable[[float], ProposalRequest]  # for so many minutes; called in a thread
    make_trial: Callable[[ProposalRequest], JobFolder]
    take_child: Callable[[], WarmChild | None]


class ProposeDialog(DialogFrame):
    """`proposal` is what was accepted, or what is shown."""

    def __init__(
        self, source: ProposalSource, job: JobRunner, tasks: Tasks, minutes: float, parent: QWidget | None = None
    ) -> None:
        super().__init__("Propose a recipe", ABOUT, confirm="Use this recipe", parent=parent, width=680)
        self.job = job
        self.proposal: Proposal | None = None
        self._source, self._tasks = source, tasks
        self._request: ProposalRequest | None = None
        self._measured: SpeedMeasured | None = None  # by the trial of this dialog
        self._trial: JobFolder | None = None
        self.minutes = DecimalSpinBox(0.5, MOST_MINUTES, 1)
        self.minutes.setSuffix(" min")
        self.minutes.setValue(minutes)
        numeric(self.minutes, "Minutes that the training may take", 140)
        self.measure = QCheckBox("Measure the speed by a short trial")
        self.measure.setChecked(True)
        self.measure.setToolTip(
            "<p>Otherwise usual speeds are taken, which may be wrong by a factor of two or more.</p>"
        )
        self.progress = QProgressBar(maximum=TRIAL_STEPS)
        self.progress.setAccessibleName("Steps of the trial")
        self.reasons = _Reasons()
        self._timer = QTimer(self, singleShot=True, interval=_SOON)
        self._timer.timeout.connect(self._begin)
        self._lay_out()
        self.minutes.valueChanged.connect(self._wait)
        self.measure.toggled.connect(self._wait)
        self.job.progressed.connect(self._take_in)
        self.job.ended.connect(self._end_trial)
        self._begin()

    def done(self, result: int) -> None:
        """What is under way ends with the dialog."""
        self._timer.stop()
        self._tasks.cancel(KEY)
        self.job.progressed.disconnect(self._take_in)
        self.job.ended.disconnect(self._end_trial)
        self.job.stop_and_wait()
        self._forget_trial()
        super().done(result)

    # -- steps -------------------------------------------------------------------------------------------------

    def _wait(self, *_change: object) -> None:
        self.confirm.setEnabled(False)
        self._timer.start()

    def _begin(self) -> None:
        """Look at the data, measure where that was not done, and work the proposal out."""
        if self.job.running:
            return  # what it measures is used for the minutes that are entered then
        self.proposal = None
        self.confirm.setEnabled(False)
        self.say("Looking at the images and boxes…")
        minutes = self.minutes.value()
        self._tasks.run(KEY, lambda: self._source.request(minutes), self._follow_request, self._fail, slow=True)

    def _follow_request(self, request: ProposalRequest) -> None:
        self._request = request
        measured = request.known or self._measured
        if measured is not None or not self.measure.isChecked():
            self._work_out(measured if self.measure.isChecked() else None)
            return
        try:
            self._trial = self._source.make_trial(request)
        except InputError as error:
            self._fail(error)
            return
        self.say("Measuring how fast it learns here: the model and the first images are loaded…")
        self.progress.setValue(0)
        self.progress.show()
        self.job.start(self._trial, self._source.take_child())

    def _take_in(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, JobProgress):
                self.progress.setValue(event.done)
            elif isinstance(event, SpeedMeasured):
                self._measured = event
            elif isinstance(event, RunFailed):
                self._fail(InputError(f"The trial failed: {event.reason} {event.advice}".strip()))

    def _end_trial(self, _name: str, _state: str) -> None:
        self.progress.hide()
        log = self._trial.log_path if self._trial is not None else None
        if self._measured is None:
            if self.problem.property("role") != "error":
                self._fail(
                    InputError(f"The trial ended without a word; see {log}. Without it, usual speeds are taken.")
                )
            return  # its folder stays until the dialog closes: the log says why
        self._forget_trial()
        if self._request is not None and self._request.minutes == self.minutes.value():
            self._work_out(self._measured)
        else:
            self._begin()

    def _work_out(self, measured: SpeedMeasured | None) -> None:
        request = self._request
        assert request is not None
        self.say("Trying inputs on the boxes…")
        self._tasks.run(KEY, lambda: request.make_proposal(measured), self._show, self._fail, slow=True)

    def _show(self, proposal: Proposal) -> None:
        self.proposal = proposal
        self.reasons.show_proposal(proposal)
        self.say("")
        self.confirm.setEnabled(True)

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, InputError):
            raise error
        self.proposal = None
        self.reasons.show_proposal(None)
        self.refuse(str(error))

    def _forget_trial(self) -> None:
        if self._trial is not None:
            forget_trial(self._trial)
            self._trial = None

    # -- looks -------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addWidget(words("Time for the training"))
        row.addWidget(self.minutes)
        row.addSpacing(GAP)
        row.addWidget(self.measure)
        row.addStretch(1)
        self.progress.hide()
        self.body.addLayout(row)
        self.body.addWidget(self.progress)
        self.body.addWidget(self.reasons, 1)
        self.grow_to(600)


class _Reasons(QScrollArea):
    """The choices of a proposal, each with its reason, and what the recipe still does badly."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Choices and reasons")
        self.viewport().setAutoFillBackground(False)  # the dialog's own colour shows through
        self.texts: list[str] = []

    def show_proposal(self, proposal: Proposal | None) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, GAP, 0)
        column.setSpacing(2)
        self.texts = []
        for choice in proposal.choices if proposal else ():
            column.addWidget(words(choice.about, "section"))
            column.addWidget(Paragraph(f"{choice.what[:1].upper()}{choice.what[1:]}"))
            column.addWidget(Paragraph(f"Because {choice.why}.", "small"))
            column.addSpacing(GAP)
            self.texts.append(choice.sentence)
        for finding in proposal.findings if proposal else ():
            column.addWidget(Paragraph(sentence(finding.text), "warning"))
            self.texts.append(finding.text)
        column.addStretch(1)
        self.setWidget(inside)
        inside.setAutoFillBackground(False)  # which setWidget turns on
