"""Curves as a picture, for places without a window."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from core.inspection.drawing import INK, MUTED, PAPER, WHITE, Color, Image, draw_text, text_width

# Told apart by eyes of every kind (Okabe and Ito), darkened a little for white paper.
SERIES: tuple[Color, ...] = (
    (0, 104, 178),
    (213, 94, 0),
    (0, 146, 108),
    (190, 100, 155),
    (200, 140, 0),
    (60, 160, 215),
    (90, 90, 90),
)
GRID: Color = (228, 230, 233)


@dataclass(frozen=True, slots=True)
class Series:
    """One line: points (x, y); a point whose y is None is left out."""

    name: str
    points: tuple[tuple[float, float | None], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """One panel."""

    title: str
    x_title: str
    series: tuple[Series, ...]
    low: float | None = None  # fixed ends of the y axis
    high: float | None = None
    x_low: float | None = None
    x_high: float | None = None
    per_epoch: bool = False  # x counts epochs: whole numbers, and a dot at each where they are few


def draw_charts(charts: Sequence[Chart], title: str, subtitle: str = "", width: int = 560, height: int = 420) -> Image:
    """The charts side by side under a title."""
    head, gap = 84, 20
    picture = np.full((head + height + gap, len(charts) * (width + gap) + gap, 3), PAPER, np.uint8)
    draw_text(picture, title, gap, 38, 24, bold=True)
    draw_text(picture, subtitle, gap, 66, 15, MUTED)
    for index, chart in enumerate(charts):
        left = gap + index * (width + gap)
        _draw_chart(picture[head : head + height, left : left + width], chart)
    return picture


def place_ticks(low: float, high: float, wanted: int = 5, whole: bool = False) -> list[float]:
    """Round numbers from `low` to `high`, some `wanted` of them; `whole` ones only if so asked."""
    span = high - low
    rough = span / wanted
    unit = 10 ** math.floor(math.log10(rough))
    factors = (1, 2, 5, 10) if whole else (1, 2, 2.5, 5, 10)
    step = next(unit * factor for factor in factors if unit * factor >= rough * 0.999)
    if whole:
        step = max(step, 1)
    first = math.ceil(low / step - 1e-9)
    return [round(index * step, 12) for index in range(first, math.floor(high / step + 1e-9) + 1)]


def _draw_chart(panel: Image, chart: Chart) -> None:
    panel[:] = WHITE
    height, width = panel.shape[:2]
    cv2.rectangle(panel, (0, 0), (width - 1, height - 1), GRID, 1)
    draw_text(panel, chart.title, 16, 30, 18, bold=True)
    _draw_legend(panel, chart)
    known = [(x, y) for series in chart.series for x, y in series.points if y is not None and math.isfinite(y)]
    if not known:
        draw_text(panel, "nothing to show", 16, height / 2, 15, MUTED)
        return
    x_low, x_high = _find_range([x for x, _ in known], chart.x_low, chart.x_high, grow=0)
    y_low, y_high = _find_range([y for _, y in known], chart.low, chart.high, grow=0.05)
    left, right, top, bottom = 58, width - 20, 74, height - 50

    def to_pixels(x: float, y: float) -> tuple[float, float]:
        return (
            left + (x - x_low) / (x_high - x_low) * (right - left),
            bottom - (min(max(y, y_low), y_high) - y_low) / (y_high - y_low) * (bottom - top),
        )

    for value in place_ticks(y_low, y_high):
        y = round(to_pixels(x_low, value)[1])
        cv2.line(panel, (left, y), (right, y), GRID, 1)
        text = f"{value:g}"
        draw_text(panel, text, left - 8 - text_width(text, 13), y + 5, 13, MUTED)
    for value in place_ticks(x_low, x_high, whole=chart.per_epoch):
        x = round(to_pixels(value, y_low)[0])
        cv2.line(panel, (x, bottom), (x, bottom + 4), MUTED, 1)
        text = f"{value:g}"
        draw_text(panel, text, x - text_width(text, 13) / 2, bottom + 19, 13, MUTED)
    cv2.line(panel, (left, bottom), (right, bottom), MUTED, 1)
    draw_text(panel, chart.x_title, (left + right - text_width(chart.x_title, 14)) / 2, height - 12, 14, INK)
    for index, series in enumerate(chart.series):
        dots = [to_pixels(x, y) for x, y in series.points if y is not None and math.isfinite(y)]
        if not dots:
            continue
        path = np.rint(np.array(dots) * 16).astype(np.int32)
        cv2.polylines(panel, [path], False, SERIES[index % len(SERIES)], 2, cv2.LINE_AA, 4)
        if chart.per_epoch and len(dots) <= 40:
            for dot in path:
                cv2.circle(panel, dot.tolist(), 3 * 16, SERIES[index % len(SERIES)], -1, cv2.LINE_AA, 4)


def _draw_legend(panel: Image, chart: Chart) -> None:
    x = 16
    for index, series in enumerate(chart.series):
        color = SERIES[index % len(SERIES)]
        cv2.line(panel, (x, 50), (x + 16, 50), color, 3, cv2.LINE_AA)
        draw_text(panel, series.name, x + 22, 55, 13, MUTED)
        x += 22 + text_width(series.name, 13) + 14


def _find_range(values: list[float], low: float | None, high: float | None, grow: float) -> tuple[float, float]:
    smallest = min(values) if low is None else low
    largest = max(values) if high is None else high
    span = largest - smallest
    if span <= 0:
        return smallest - 0.5, largest + 0.5
    return (smallest - span * grow if low is None else smallest), (largest + span * grow if high is None else largest)
