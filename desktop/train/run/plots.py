"""The plots of a training."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from desktop.train.run.curve_plot import CurvePlot
from desktop.train.run.curve_style import LOSS_CURVES, MAP_CURVES, MEMORY_CURVES, RATE_CURVES, SPEED_CURVES


def loss_plot() -> CurvePlot:
    return CurvePlot(
        "Loss",
        "Loss",
        LOSS_CURVES,
        "The loss of every step and epoch appears here once a training runs.",
        menu_title="More",
        x_title=False,
    )


def map_plot() -> CurvePlot:
    return CurvePlot(
        "Mean average precision",
        "mAP",
        MAP_CURVES,
        "Mean average precision on the validation images appears here after each epoch.",
        unit_range=True,
        menu_title="More",
    )


def rate_plot() -> CurvePlot:
    return CurvePlot("Learning rate", "", RATE_CURVES, "")


def memory_plot() -> CurvePlot:
    return CurvePlot("Memory", "", MEMORY_CURVES, "")


def speed_plot() -> CurvePlot:
    return CurvePlot("Images per second", "", SPEED_CURVES, "")


# From the top, by the keys of `plot_choices.PLOT_TITLES`.
MADE_PLOTS: dict[str, Callable[[], CurvePlot]] = {
    "loss": loss_plot,
    "map": map_plot,
    "rate": rate_plot,
    "memory": memory_plot,
    "speed": speed_plot,
}


def link_plots(plots: Sequence[CurvePlot]) -> None:
    """Move the epochs of all these together, and read all of them out at the same epoch."""
    for plot in plots:
        if plot is not plots[0]:
            plot.plot.setXLink(plots[0].plot)
        for other in plots:
            if other is not plot:
                plot.cursor_moved.connect(other.read_out_at)
