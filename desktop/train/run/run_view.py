"""Everything about one run: where it stands, its curves, its notices, its log, its recipe and where it was computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QScrollArea, QSizePolicy, QSplitter, QVBoxLayout, QWidget

from desktop.base.theme import GAP, PAD
from desktop.train.run.plot_choices import USUAL, PlotChoices
from desktop.train.run.run_about import RunAbout
from desktop.train.run.run_differences import ComparedRun
from desktop.train.run.run_history import RunHistory
from desktop.train.run.run_plots import RunPlots
from desktop.train.run.run_status import RunStatus, RunSummary
from desktop.train.run.run_texts import RunTexts
from desktop.train.run.samples_view import SamplesView

TEXTS = 110  # pixels below the plots, at least
_WIDE = 700  # pixels from which on the sample images stand beside the plots
REDRAW_MS = 100  # ten times a second is fluid for curves, and leaves the processor to the training


class RunView(QWidget):
    """Shows one RunHistory. A history that grows is shown again by `refresh`, at most ten times a second."""

    inspect_requested = Signal(str)
    checkpoints_requested = Signal()
    resume_requested = Signal()
    compared_changed = Signal(list)  # ids of runs whose histories are wanted, see `set_compared`
    csv_wanted = Signal()
    tensorboard_wanted = Signal()
    picture_wanted = Signal()
    run_changed = Signal()  # another run is shown
    judged = Signal()  # the run that is shown has judged one more epoch
    choices_changed = Signal(object)  # PlotChoices, by the user

    def __init__(self, parent: QWidget | None = None, choices: PlotChoices = USUAL) -> None:
        super().__init__(parent)
        self._history = RunHistory()
        self._state = ""
        self._about = RunAbout()
        self._colors: Mapping[str, str] = {}
        self._compared: dict[str, ComparedRun] = {}
        self._judged = 0
        self.status = RunStatus()
        self.summary = RunSummary()
        self.summary.inspect_requested.connect(self.inspect_requested)
        self.summary.checkpoints_requested.connect(self.checkpoints_requested)
        self.summary.resume_requested.connect(self.resume_requested)
        self.plots = RunPlots(choices)
        self.bar, self.loss, self.map = self.plots.bar, self.plots.loss, self.plots.map
        self.samples = SamplesView()
        self.texts = RunTexts()
        self.plots.choices_changed.connect(self.choices_changed)
        self.bar.compared_changed.connect(self.compared_changed)
        self.bar.csv_wanted.connect(self.csv_wanted)
        self.bar.tensorboard_wanted.connect(self.tensorboard_wanted)
        self.bar.picture_wanted.connect(self.picture_wanted)
        self._redraw = QTimer(self)
        self._redraw.setSingleShot(True)
        self._redraw.setInterval(REDRAW_MS)
        self._redraw.timeout.connect(self._draw)
        self._lay_out()
        self._draw()

    def show_run(
        self, history: RunHistory, state: str, colors: Mapping[str, str], about: RunAbout | None = None
    ) -> None:
        """Show another run. `colors` are those of the labels, by name."""
        self._history, self._state, self._colors = history, state, colors
        self._about = about or RunAbout()
        self.texts.clear()
        self.plots.set_run(history, colors)
        self._judged = self._count_judged()
        self._draw()
        self.run_changed.emit()

    def set_state(self, state: str) -> None:
        self._state = state
        self._draw()

    def set_compared(self, runs: Sequence[ComparedRun]) -> None:
        """Draw these runs beside the one that is shown, in this order, and tell in what they differ."""
        self._compared = {about.run: (about, history) for about, history in runs}
        self._draw()

    def refresh(self) -> None:
        """The history has grown: draw it soon."""
        if not self._redraw.isActive():
            self._redraw.start()

    @property
    def history(self) -> RunHistory:
        return self._history

    @property
    def about(self) -> RunAbout:
        return self._about

    @property
    def state(self) -> str:
        return self._state

    def _draw(self) -> None:
        history = self._history
        self.status.show_run(history, self._state)
        self.summary.show_run(history, self._state)
        self.plots.draw(self._state, self._compared)
        self.texts.show_run(history, self._about, list(self._compared.values()))
        self.bar.set_exportable(bool(history.epochs or history.last_step))
        if (count := self._count_judged()) != self._judged:
            self._judged = count
            self.judged.emit()

    def _count_judged(self) -> int:
        return sum(epoch.val_loss is not None for epoch in self._history.epochs)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is little room the sample images stand below the plots."""
        super().resizeEvent(event)
        beside = self.width() >= _WIDE
        directions = QBoxLayout.Direction
        self._beside.setDirection(directions.LeftToRight if beside else directions.TopToBottom)

    def _lay_out(self) -> None:
        """From the outside in: what comes into its place with all that is in it would be dressed twice."""
        # In a low window the plots keep the height that their axes need, and what is below them is scrolled to.
        scroll = QScrollArea(self, widgetResizable=True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # what is in it takes the keys
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)
        content = QWidget()
        content.setObjectName("scrolled")
        scroll.setWidget(content)
        splitter = QSplitter(Qt.Orientation.Vertical, content)
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        column.addWidget(self.status)
        column.addWidget(self.summary)
        column.addWidget(splitter, 1)
        upper = QWidget(splitter)
        splitter.addWidget(self.texts)
        splitter.setStretchFactor(0, 1)
        splitter.setCollapsible(0, False)
        splitter.setSizes([680, TEXTS])
        self.texts.setMinimumHeight(TEXTS)
        self.texts.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)
        self._beside = QBoxLayout(QBoxLayout.Direction.LeftToRight, upper)
        self._beside.setContentsMargins(0, 0, 0, 0)
        self._beside.setSpacing(PAD)
        self._beside.addWidget(self.plots, 3)
        self._beside.addWidget(self.samples, 1)
