"""Everything about one run: where it stands, its curves, its notices, its log, its recipe and where it was computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QSplitter, QVBoxLayout, QWidget

from desktop.base.theme import GAP
from desktop.train.run.curve_bar import CurveBar
from desktop.train.run.curve_style import (
    COMPARED,
    LABEL_CURVES,
    LOSS_CURVES,
    MAP_CURVES,
    CurveStyle,
    compared_key,
    compared_style,
    label_curve_style,
    measure_curve_style,
)
from desktop.train.run.plots import loss_plot, map_plot
from desktop.train.run.run_about import RunAbout
from desktop.train.run.run_curves import find_marks, shown_epochs, smooth_values
from desktop.train.run.run_differences import ComparedRun
from desktop.train.run.run_history import RunHistory
from desktop.train.run.run_status import RunStatus, RunSummary
from desktop.train.run.run_texts import RunTexts

TEXTS = 110  # pixels below the plots, at least
REDRAW_MS = 100  # ten times a second is fluid for curves, and leaves the processor to the training
_EPOCH_FIELDS = (
    "train_loss",
    "val_loss",
    "train_label_loss",
    "train_box_loss",
    "val_label_loss",
    "val_box_loss",
)


class RunView(QWidget):
    """Shows one RunHistory. A history that grows is shown again by `refresh`, at most ten times a second."""

    inspect_requested = Signal(str)
    checkpoints_requested = Signal()
    resume_requested = Signal()
    compared_changed = Signal(list)  # ids of runs whose histories are wanted, see `set_compared`
    csv_wanted = Signal()
    tensorboard_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._history = RunHistory()
        self._state = ""
        self._about = RunAbout()
        self._colors: Mapping[str, str] = {}
        self._compared: dict[str, ComparedRun] = {}
        self._curves: tuple[object, ...] = ()  # what the present curves were chosen by
        self.status = RunStatus()
        self.summary = RunSummary()
        self.summary.inspect_requested.connect(self.inspect_requested)
        self.summary.checkpoints_requested.connect(self.checkpoints_requested)
        self.summary.resume_requested.connect(self.resume_requested)
        self.bar = CurveBar()
        self.loss = loss_plot()
        self.map = map_plot()
        self.map.link(self.loss)
        self.texts = RunTexts()
        self.bar.smoothing_changed.connect(self._draw)
        self.bar.logarithmic_changed.connect(self.loss.set_logarithmic)
        self.bar.compared_changed.connect(self.compared_changed)
        self.bar.csv_wanted.connect(self.csv_wanted)
        self.bar.tensorboard_wanted.connect(self.tensorboard_wanted)
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
        self.loss.fit()
        self.map.fit()
        self._draw()

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
        self._draw_curves(history)
        self.texts.show_run(history, self._about, list(self._compared.values()))
        self.bar.set_exportable(bool(history.epochs or history.last_step))

    def _draw_curves(self, history: RunHistory) -> None:
        self._choose_curves(history)
        x, loss = history.steps()
        self.loss.set_data("steps", x, loss)
        self.loss.set_data("smooth", x, smooth_values(loss, self.bar.smoothing))
        for field in _EPOCH_FIELDS:
            self.loss.set_data(field, *history.epoch_curve(field))
        for style in self._averages(history):
            self.map.set_data(style.key, *history.epoch_curve(style.key))
        for name in history.metric_names():
            self.map.set_data(f"metric:{name}", *history.metric_curve(name))
        for name in history.label_names():
            self.map.set_data(f"label:{name}", *history.label_curve(name))
        for run, (_, other) in self._compared.items():
            for field in COMPARED:
                plot, key = self.loss if field.endswith("loss") else self.map, compared_key(run, field)
                if key in plot.curve_keys():
                    plot.set_data(key, *other.epoch_curve(field))
        changes = find_marks(history)
        shown = shown_epochs(changes, history, (other for _, other in self._compared.values()))
        for plot in (self.loss, self.map):
            plot.set_marks(changes)
            plot.finish(shown)

    def _choose_curves(self, history: RunHistory) -> None:
        labels, metrics = history.label_names(), history.metric_names()
        averages = self._averages(history)
        chosen = (labels, metrics, list(self._compared), averages)
        if chosen == self._curves:
            return
        self._curves = chosen
        self.loss.set_curves([*LOSS_CURVES, *self._compared_styles(LOSS_CURVES)])
        self.map.set_curves(
            [
                *averages,
                *(measure_curve_style(name, number) for number, name in enumerate(metrics)),
                *(label_curve_style(name, self._colors.get(name, "")) for name in labels),
                *self._compared_styles(averages),
            ]
        )
        if history.tells_labels:
            self.map.set_titles("Labels of images", "Measure")
        else:
            self.map.set_titles("Mean average precision", "mAP")

    def _averages(self, history: RunHistory) -> tuple[CurveStyle, ...]:
        """The mean average precisions that the run's task has."""
        return LABEL_CURVES if history.tells_labels else MAP_CURVES

    def _compared_styles(self, styles: Sequence[CurveStyle]) -> list[CurveStyle]:
        return [
            compared_style(style, run, number)
            for number, run in enumerate(self._compared)
            for style in styles
            if style.key in COMPARED
        ]

    def _lay_out(self) -> None:
        plots = QWidget()
        inside = QVBoxLayout(plots)
        inside.setContentsMargins(0, 0, 0, GAP)
        inside.setSpacing(GAP)
        inside.addWidget(self.bar)
        inside.addWidget(self.loss, 1)
        inside.addWidget(self.map, 1)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(plots)
        splitter.addWidget(self.texts)
        splitter.setStretchFactor(0, 1)
        splitter.setCollapsible(0, False)
        splitter.setSizes([680, TEXTS])
        self.texts.setMinimumHeight(TEXTS)
        self.texts.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)
        content = QWidget()
        content.setObjectName("scrolled")
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        column.addWidget(self.status)
        column.addWidget(self.summary)
        column.addWidget(splitter, 1)
        # In a low window the plots keep the height that their axes need, and what is below them is scrolled to.
        scroll = QScrollArea(widgetResizable=True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # what is in it takes the keys
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)
