"""The pixels of the image one by one: a grid between them, and their values where there is room to read them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter

from desktop.base.theme import mono_font
from desktop.label.canvas.view_transform import ViewTransform

GRID_FROM = 10.0  # widget pixels for an image pixel
GREY_FROM = 30.0  # where a pixel has room for one number
COLOR_FROM = 44.0  # where it has room for three

Value = tuple[int, int, int]
ValueAt = Callable[[int, int], Value | None]


def grid_alpha(scale: float) -> int:
    """How strong the grid is: it fades in, so that it never appears with a jump."""
    if scale < GRID_FROM:
        return 0
    return round(min(1.0, 0.35 + (scale - GRID_FROM) / 30) * 90)


def visible_pixels(port: ViewTransform, width: int, height: int) -> tuple[int, int, int, int]:
    """Columns and rows of the image that are in the view: first column, first row, and those after the last."""
    left, top = math.floor(-port.left / port.scale), math.floor(-port.top / port.scale)
    right = math.ceil((port.width - port.left) / port.scale)
    bottom = math.ceil((port.height - port.top) / port.scale)
    return max(0, left), max(0, top), min(width, right), min(height, bottom)


def value_lines(value: Value, scale: float) -> tuple[str, ...]:
    """What is written into a pixel at `scale`: its grey value, or red, green and blue; nothing where there is no room."""
    red, green, blue = value
    if red == green == blue:
        return (str(red),) if scale >= GREY_FROM else ()
    return (str(red), str(green), str(blue)) if scale >= COLOR_FROM else ()


class PixelGrid:
    """Keeps its picture until the view moves or another image is shown."""

    def __init__(self) -> None:
        self._key: object = None
        self._picture = QImage()
        self._figures = _Figures()

    def forget_picture(self) -> None:
        """Another image is shown, or the same one has changed."""
        self._key = None

    def make_picture(self, port: ViewTransform, size: tuple[int, int], value_at: ValueAt) -> QImage | None:
        """The grid over an image of `size`, or None where it would not be seen."""
        if port.scale < GRID_FROM:
            return None
        key = (port, size)
        if key != self._key:
            self._key = key
            self._picture = self._draw_grid(port, size, value_at)
        return self._picture

    def _draw_grid(self, port: ViewTransform, size: tuple[int, int], value_at: ValueAt) -> QImage:
        across, down = port.device_size
        picture = QImage(across, down, QImage.Format.Format_ARGB32_Premultiplied)
        picture.fill(0)
        left, top, right, bottom = visible_pixels(port, *size)
        if right <= left or bottom <= top:
            picture.setDevicePixelRatio(port.ratio)
            return picture
        columns = np.rint((port.left + np.arange(left, right + 1) * port.scale) * port.ratio).astype(int).tolist()
        rows = np.rint((port.top + np.arange(top, bottom + 1) * port.scale) * port.ratio).astype(int).tolist()
        alpha, thin = grid_alpha(port.scale), max(1, round(port.ratio) - 1)
        pixels = np.frombuffer(picture.bits(), np.uint32).reshape(down, across)
        # A light line beside a dark one is seen on any image.
        for shift, color in ((0, QColor(0, 0, 0, alpha)), (-thin, QColor(255, 255, 255, alpha))):
            one = alpha << 24 | round(color.red() * alpha / 255) * 0x010101  # premultiplied
            lines = pixels[max(rows[0], 0) : max(rows[-1], 0)]
            lines[:, _thicken_lines(columns, shift, thin, across)] = one
            pixels[_thicken_lines(rows, shift, thin, down), max(columns[0], 0) : max(columns[-1], 0)] = one
        picture.setDevicePixelRatio(port.ratio)
        if port.scale >= GREY_FROM:
            self._write_values(picture, port, (left, top, right, bottom), value_at)
        return picture

    def _write_values(
        self, picture: QImage, port: ViewTransform, part: tuple[int, int, int, int], value_at: ValueAt
    ) -> None:
        painter = QPainter(picture)
        left, top, right, bottom = part
        for y in range(top, bottom):
            middle_y = port.top + (y + 0.5) * port.scale
            for x in range(left, right):
                value = value_at(x, y)
                if value is None:
                    continue
                lines = value_lines(value, port.scale)
                dark = value[0] * 3 + value[1] * 6 + value[2] > 1400
                middle_x = port.left + (x + 0.5) * port.scale
                for number, line in enumerate(lines):
                    figure = self._figures.get_figure(line, dark, port.ratio)
                    size = figure.deviceIndependentSize()
                    at_y = middle_y + (number - len(lines) / 2) * (size.height() - 2)
                    painter.drawImage(QPointF(round(middle_x - size.width() / 2), round(at_y)), figure)
        painter.end()


def _thicken_lines(places: list[int], shift: int, thin: int, length: int) -> NDArray[np.intp]:
    """All pixels of lines that begin `shift` after `places`, as far as they are in sight."""
    found = np.add.outer(np.asarray(places, np.intp) + shift, np.arange(thin)).ravel()
    return found[(found >= 0) & (found < length)]


class _Figures:
    """Numbers as pictures: a few hundred different ones, each drawn thousands of times."""

    def __init__(self) -> None:
        self._ratio = 0.0
        self._made: dict[tuple[str, bool], QImage] = {}

    def get_figure(self, text: str, dark: bool, ratio: float) -> QImage:
        if ratio != self._ratio:
            self._made.clear()
            self._ratio = ratio
        if (text, dark) not in self._made:
            self._made[text, dark] = _draw_figure(text, dark, ratio)
        return self._made[text, dark]


def _draw_figure(text: str, dark: bool, ratio: float) -> QImage:
    font: QFont = mono_font(11)
    width, height = 7 * len(text) + 2, 14
    picture = QImage(round(width * ratio), round(height * ratio), QImage.Format.Format_ARGB32_Premultiplied)
    picture.setDevicePixelRatio(ratio)
    picture.fill(0)
    painter = QPainter(picture)
    painter.setFont(font)
    painter.setPen(QColor("#101216") if dark else QColor("#f4f6fa"))
    painter.drawText(QRectF(0, 0, width, height), Qt.AlignmentFlag.AlignCenter, text)
    painter.end()
    return picture
