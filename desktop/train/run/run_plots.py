"""The plots of a run, one above the other, with the bar that says how they are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.base.theme import GAP
from desktop.train.run.curve_bar import CurveBar
from desktop.train.run.curve_plot import CurvePlot
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
from desktop.train.run.empty_plots import explain_empty
from desktop.train.run.plot_choices import LABELS, USUAL, PlotChoices
from desktop.train.run.plots import MADE_PLOTS, link_plots
from desktop.train.run.run_curves import find_marks, shown_epochs, smooth_values
from desktop.train.run.run_differences import ComparedRun
from desktop.train.run.run_history import RunHistory

_LOSS_FIELDS = (
    "train_loss",
    "val_loss",
    "train_label_loss",
    "train_box_loss",
    "val_label_loss",
    "val_box_loss",
)


class RunPlots(QWidget):
    """Shows one RunHistory. All plots have the same epochs, and are read out at the same."""

    choices_changed = Signal(object)  # PlotChoices, by the user

    def __init__(self, choices: PlotChoices = USUAL, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choices = choices
        self._history = RunHistory()
        self._colors: Mapping[str, str] = {}
        self._compared: Mapping[str, ComparedRun] = {}
        self._chosen: tuple[object, ...] = ()  # what the present curves were chosen by
        self.bar = CurveBar(choices)
        self.plots: dict[str, CurvePlot] = {key: make() for key, make in MADE_PLOTS.items()}
        self.loss, self.map = self.plots["loss"], self.plots["map"]
        self.area = QWidget()  # what a picture of the plots is taken of
        inside = QVBoxLayout(self.area)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(GAP)
        for plot in self.plots.values():
            inside.addWidget(plot, 1)
        link_plots(list(self.plots.values()))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, GAP)
        layout.setSpacing(GAP)
        layout.addWidget(self.bar)
        layout.addWidget(self.area, 1)
        self.bar.choices_changed.connect(self._take_choices)
        self.loss.set_logarithmic(choices.logarithmic)
        self._place_plots()

    @property
    def shown_plots(self) -> list[str]:
        """The keys of the plots that are shown, from the top."""
        return [key for key in self.plots if key in self._choices.plots]

    def set_run(self, history: RunHistory, colors: Mapping[str, str]) -> None:
        """Show another run, all of it. `colors` are those of the labels, by name."""
        self._history, self._colors = history, colors
        for plot in self.plots.values():
            plot.fit()

    def draw(self, state: str, compared: Mapping[str, ComparedRun]) -> None:
        """Draw the run as far as it is now, with others beside it."""
        history, self._compared = self._history, compared
        self._choose_curves(history)
        x, loss = history.steps()
        self.loss.set_data("steps", x, loss)
        self.loss.set_data("smooth", x, smooth_values(loss, self._choices.smoothing))
        for field in _LOSS_FIELDS:
            self.loss.set_data(field, *history.epoch_curve(field))
        for style in self._averages(history):
            self.map.set_data(style.key, *history.epoch_curve(style.key))
        for name in history.metric_names():
            self.map.set_data(f"metric:{name}", *history.metric_curve(name))
        for name in history.label_names():
            self.map.set_data(f"label:{name}", *history.label_curve(name))
        self.plots["rate"].set_data("lr", *history.rate_steps())
        self.plots["memory"].set_data("memory_mb", *history.epoch_curve("memory_mb"))
        self.plots["speed"].set_data("images_per_second", *history.epoch_curve("images_per_second"))
        for run, (_, other) in compared.items():
            for field in COMPARED:
                plot, key = self.loss if field.endswith("loss") else self.map, compared_key(run, field)
                if key in plot.curve_keys():
                    plot.set_data(key, *other.epoch_curve(field))
        changes = find_marks(history)
        shown = shown_epochs(changes, history, (other for _, other in compared.values()))
        for key, plot in self.plots.items():
            plot.empty.setText(explain_empty(key, history, state))
            plot.set_marks(changes)
            plot.finish(shown)

    def _take_choices(self, choices: PlotChoices) -> None:
        before, self._choices = self._choices, choices
        if choices.logarithmic != before.logarithmic:
            self.loss.set_logarithmic(choices.logarithmic)
        if (LABELS in choices.plots) != (LABELS in before.plots):
            for name in self._history.label_names():
                self.map.set_shown(f"label:{name}", LABELS in choices.plots)
        if choices.smoothing != before.smoothing:
            x, loss = self._history.steps()
            self.loss.set_data("smooth", x, smooth_values(loss, choices.smoothing))
        self._place_plots()
        self.choices_changed.emit(choices)

    def _place_plots(self) -> None:
        """Only the lowest names the epochs: the words would cost the others height."""
        shown = self.shown_plots
        for key, plot in self.plots.items():
            plot.setVisible(key in shown)
            plot.name_epochs(key == shown[-1])

    def _choose_curves(self, history: RunHistory) -> None:
        labels, metrics = history.label_names(), history.metric_names()
        averages = self._averages(history)
        chosen = (labels, metrics, list(self._compared), averages)
        if chosen == self._chosen:
            return
        self._chosen = chosen
        self.loss.set_curves([*LOSS_CURVES, *self._compared_styles(LOSS_CURVES)])
        by_label = LABELS in self._choices.plots
        self.map.set_curves(
            [
                *averages,
                *(measure_curve_style(name, number) for number, name in enumerate(metrics)),
                *(label_curve_style(name, self._colors.get(name, ""), shown=by_label) for name in labels),
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
