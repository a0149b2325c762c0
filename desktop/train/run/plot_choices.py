"""How the user wants the plots of runs: kept over a restart. Knows no Qt."""

from __future__ import annotations

from dataclasses import dataclass

from core.settings import Settings
from desktop.train.run.run_curves import SMOOTHINGS

LABELS = "labels"  # among the plots: the average precision of each label, in the plot of mAP
# What can be shown, and how it is called.
PLOT_TITLES = {
    "loss": "Loss",
    "map": "Mean average precision",
    LABELS: "Average precision of each label",
    "rate": "Learning rate",
    "memory": "Memory",
    "speed": "Images per second",
}


@dataclass(frozen=True, slots=True)
class PlotChoices:
    """Smoothing, scale and plots."""

    smoothing: int = 20  # steps; one of SMOOTHINGS
    logarithmic: bool = False
    plots: frozenset[str] = frozenset({"loss", "map"})

    def show_plot(self, plot: str, on: bool) -> PlotChoices:
        """With a plot shown or not. One is always shown."""
        plots = self.plots | {plot} if on else self.plots - {plot}
        return PlotChoices(self.smoothing, self.logarithmic, plots if plots - {LABELS} else self.plots)


USUAL = PlotChoices()


def read_choices(settings: Settings) -> PlotChoices:
    """As they were left; what this version does not know is passed over."""
    values = settings.values
    smoothing = min(SMOOTHINGS, key=lambda steps: abs(steps - values.train_smoothing))
    plots = frozenset(values.train_curves) & frozenset(PLOT_TITLES)
    return PlotChoices(smoothing, values.train_log_scale, plots if plots - {LABELS} else USUAL.plots)


def keep_choices(settings: Settings, choices: PlotChoices) -> None:
    """Remember them for the next start."""
    settings.update(
        train_smoothing=choices.smoothing,
        train_log_scale=choices.logarithmic,
        train_curves=tuple(plot for plot in PLOT_TITLES if plot in choices.plots),
    )
