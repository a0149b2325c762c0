"""How the curves of a training are called and drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtGui import QColor

from desktop.base.theme import theme
from desktop.kit.formatting import measure


@dataclass(frozen=True, slots=True)
class CurveStyle:
    """How one curve is called and drawn."""

    key: str
    title: str
    series: int = 0  # which of the theme's curve colours
    color: str = ""  # a colour of its own, such as a label's, in place of the theme's
    dashed: bool = False
    marks: bool = True  # one marker a value: epochs; without: a line through many steps
    width: float = 2.0
    alpha: float = 1.0
    shown: bool = True
    follows: str = ""  # shown and hidden with this curve, with no switch of its own
    in_menu: bool = False  # its switch is in the "Labels" menu rather than in the row
    read_out: bool = True  # whether its values are told at the cursor

    def pen_color(self) -> QColor:
        colors = theme().series
        color = QColor(self.color) if self.color else QColor(colors[self.series % len(colors)])
        color.setAlphaF(self.alpha)
        return color


LOSS_CURVES = (
    CurveStyle("steps", "Steps", 0, marks=False, width=1.0, alpha=0.28, follows="train_loss", read_out=False),
    CurveStyle("smooth", "Steps", 0, marks=False, width=1.6, alpha=0.75, follows="train_loss"),
    CurveStyle("train_loss", "Train", 0),
    CurveStyle("val_loss", "Validation", 1),
    CurveStyle("train_label_loss", "Train: labels", 4, shown=False, width=1.5, in_menu=True),
    CurveStyle("train_box_loss", "Train: boxes", 2, shown=False, width=1.5, in_menu=True),
    CurveStyle("val_label_loss", "Validation: labels", 4, dashed=True, shown=False, width=1.5, in_menu=True),
    CurveStyle("val_box_loss", "Validation: boxes", 2, dashed=True, shown=False, width=1.5, in_menu=True),
)
MAP_CURVES = (
    CurveStyle("map50", "mAP@0.5", 2),
    CurveStyle("map", "mAP@[.5:.95]", 3),
)
# Of a model that tells labels of images: their average precision has no overlap in it.
LABEL_CURVES = (CurveStyle("map", "mAP", 3),)
RATE_CURVES = (CurveStyle("lr", "Learning rate", 4, marks=False, width=1.6),)
MEMORY_CURVES = (CurveStyle("memory_mb", "MB, the most so far", 6),)
SPEED_CURVES = (CurveStyle("images_per_second", "Images per second", 5),)
_CHIEF = ("macro_f1", "micro_f1", "macro_roc_auc")  # measures that are drawn beside it at once
COMPARED = ("train_loss", "val_loss", "map50", "map")  # what is drawn of runs beside the one that is shown
MOST_COMPARED = 4  # more could not be told apart
_COMPARED_SERIES = (5, 6, 4, 7)


def label_curve_style(name: str, color: str, *, shown: bool = False) -> CurveStyle:
    """AP@0.5 of one label, in the label's own colour; hidden until the user asks for it."""
    return CurveStyle(f"label:{name}", name, color=color, width=1.4, shown=shown, in_menu=True)


def measure_curve_style(name: str, number: int) -> CurveStyle:
    """A further measure of the task, such as macro F1."""
    chief = name in _CHIEF
    series = _CHIEF.index(name) if chief else 4 + number % 4
    return CurveStyle(f"metric:{name}", measure(name), series, width=1.6, shown=chief, in_menu=not chief)


def compared_style(style: CurveStyle, run: str, number: int) -> CurveStyle:
    """The same curve of another run: one colour a run, and the lesser curve of each plot dashed."""
    return replace(
        style,
        key=compared_key(run, style.key),
        title=f"{run} {style.title}",
        series=_COMPARED_SERIES[number % len(_COMPARED_SERIES)],
        dashed=style.key in ("train_loss", "map"),
        marks=True,
        width=1.4,
        follows=style.key,
        read_out=style.key in ("val_loss", "map50", "map", "train_loss"),
    )


def compared_key(run: str, key: str) -> str:
    return f"{run}/{key}"


def compared_color(number: int) -> QColor:
    colors = theme().series
    return QColor(colors[_COMPARED_SERIES[number % len(_COMPARED_SERIES)] % len(colors)])
