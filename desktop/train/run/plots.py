"""The two plots of a training."""

from __future__ import annotations

from desktop.train.run.curve_plot import CurvePlot
from desktop.train.run.curve_style import LOSS_CURVES, MAP_CURVES


def loss_plot() -> CurvePlot:
    """It stands above the other one, whose axis names the epochs."""
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
