"""Lengths on an image, in pixels and, where the project says how large a pixel is, in millimetres."""

from __future__ import annotations

import math
from dataclasses import dataclass

from desktop.label.canvas.shaping import XYXY, Point

STEPS = (1, 2, 5)  # marks of a ruler are these times a power of ten apart
WIDEST = 72.0  # between two numbers of a ruler at least, in widget pixels


@dataclass(frozen=True, slots=True)
class Measure:
    """A distance between two points of the image."""

    start: Point
    end: Point

    @property
    def dx(self) -> float:
        return abs(self.end[0] - self.start[0])

    @property
    def dy(self) -> float:
        return abs(self.end[1] - self.start[1])

    @property
    def length(self) -> float:
        return math.hypot(self.dx, self.dy)


def straighten_line(start: Point, end: Point) -> Point:
    """The nearest point to `end` that lies level with, above or below, or at 45 degrees from `start`."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    step = math.pi / 4
    angle = round(math.atan2(dy, dx) / step) * step
    length = dx * math.cos(angle) + dy * math.sin(angle)
    return (start[0] + length * math.cos(angle), start[1] + length * math.sin(angle))


def measure_lines(measure: Measure, mm_per_pixel: float | None) -> list[str]:
    """What is written at a measured distance: its length, then how far it goes across and down."""
    lines = [f"{measure.length:,.1f} px", f"Δx {measure.dx:,.1f}   Δy {measure.dy:,.1f} px"]
    if mm_per_pixel:
        mm = mm_per_pixel
        lines[0] = f"{format_millimetres(measure.length * mm)}   ({lines[0]})"
        lines.append(f"Δx {format_millimetres(measure.dx * mm)}   Δy {format_millimetres(measure.dy * mm)}")
    return lines


def size_text(xyxy: XYXY, mm_per_pixel: float | None) -> str:
    """Width and height of a box."""
    width, height = xyxy[2] - xyxy[0], xyxy[3] - xyxy[1]
    text = f"{_format_pixels(width)} × {_format_pixels(height)} px"
    if mm_per_pixel:
        text += f" · {_format_number(width * mm_per_pixel)} × {_format_number(height * mm_per_pixel)} mm"
    return text


def format_millimetres(length: float) -> str:
    """A length in mm with three figures."""
    return f"{_format_number(length)} mm"


def ruler_step(scale: float) -> tuple[float, int]:
    """How many image pixels apart a ruler's numbers are at `scale`, and into how many parts marks divide that."""
    least = WIDEST / scale
    power = 10.0 ** math.floor(math.log10(least))
    step = next(factor * power for factor in (*STEPS, 10) if factor * power >= least)
    step = max(step, 1.0)
    parts = 10 if step >= 10 and step * scale >= 10 * WIDEST / 9 else 5
    return step, parts if step >= parts else max(1, round(step))


def ruler_marks(first: float, last: float, scale: float) -> list[tuple[float, str]]:
    """Marks of a ruler from `first` to `last`, in image pixels: where each is, and its number; empty for a small one."""
    step, parts = ruler_step(scale)
    small = step / parts
    begin, end = math.ceil(first / small - 1e-9), math.floor(last / small + 1e-9)
    return [(index * small, f"{index * small:,.0f}" if index % parts == 0 else "") for index in range(begin, end + 1)]


def _format_number(value: float) -> str:
    digits = 0 if value >= 1000 else 1 if value >= 100 else 2 if value >= 1 else 3
    return f"{value:,.{digits}f}"


def _format_pixels(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
