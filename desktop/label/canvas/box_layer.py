"""Many boxes on a transparent picture of the size of the view, drawn in whole device pixels.

A thousand outlines are a handful of calls of OpenCV's, each for all boxes of one colour; by QPainter they are
thousands, and each costs the interpreter more than the drawing itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QImage, QPainter

from desktop.label.canvas.view_transform import FAR, ViewTransform

STRIPE = 10.0  # length of one colour along the outline of a box with several labels, in widget pixels
CASING = QColor(8, 9, 12, 170)  # around and between all colours, so that they are seen on any image
UNLABELLED = QColor("#eef0f4")
DASHES = (UNLABELLED.name(), "")  # the stripes of a box without labels: a colour, and a gap
MOST_STRIPES = 2500  # of one drawing; where there would be more, they are made longer
MARGIN = 192  # device pixels beyond the view

Corners = NDArray[np.int64]  # (n, 4) x1 y1 x2 y2 in device pixels
Groups = Mapping[tuple[str, ...], NDArray[np.intp]]  # rows of boxes by the colours of their labels


@dataclass(frozen=True, slots=True)
class Stroke:
    """How outlines are drawn, in widget pixels."""

    width: float = 2.0
    rim: bool = False  # a white line along the inside: the mark of what is selected, seen on any image


class BoxLayer:
    """Keeps its picture, which reaches beyond the view, until other boxes, another zoom or what lies farther off is
    asked for: panning then only moves it."""

    def __init__(self) -> None:
        self._key: object = None
        self._port: ViewTransform | None = None
        self._margin = 0  # device pixels that the picture reaches beyond the view
        self._pixels: NDArray[np.uint8] = np.zeros((0, 0, 4), np.uint8)

    def paint_boxes(
        self,
        painter: QPainter,
        key: object,
        xyxy: NDArray[np.float32],
        groups: Callable[[ViewTransform], Groups],
        port: ViewTransform,
        stroke: Stroke,
    ) -> None:
        """Paint the outlines of `xyxy` (n, 4), in image pixels. `groups`: the rows in a view, by their labels' colours.

        `key` is equal to that of the last call exactly when nothing but the `port` has changed since.
        """
        shift = _find_shift(self._port, port, self._margin) if key == self._key else None
        if shift is None:
            # While one zooms a margin would never be used.
            pans = key == self._key and self._port is not None and self._port.scale == port.scale
            self._key, self._port, shift = key, port, (0, 0)
            self._margin = MARGIN if pans else 0
            wide = port.widened(self._margin)
            draw_outlines(self._clear_pixels(port), wide.to_device(xyxy), groups(wide), port.ratio, stroke)
        width, height = port.device_size
        across, down = width + 2 * self._margin, height + 2 * self._margin
        # Qt wants its bytes in one piece: from the first pixel of the part that is used to its last.
        line, cut = self._pixels.strides[0], MARGIN - self._margin
        first = cut * line + cut * 4
        used = self._pixels.reshape(-1)[first : first + (down - 1) * line + across * 4]
        picture = QImage(used.data, across, down, line, QImage.Format.Format_ARGB32_Premultiplied)
        picture.setDevicePixelRatio(port.ratio)
        at = QPointF(shift[0] - self._margin, shift[1] - self._margin) / port.ratio
        painter.drawImage(at, picture)

    def _clear_pixels(self, port: ViewTransform) -> NDArray[np.uint8]:
        width, height = port.device_size
        if self._pixels.shape[:2] != (height + 2 * MARGIN, width + 2 * MARGIN):
            self._pixels = np.zeros((height + 2 * MARGIN, width + 2 * MARGIN, 4), np.uint8)
        view = self._used_pixels()
        view.view(np.uint32)[:] = 0  # one number a pixel, much faster than four bytes
        return view

    def _used_pixels(self) -> NDArray[np.uint8]:
        """The part of the memory that is used: with the margin, or without."""
        cut = MARGIN - self._margin
        height, width = self._pixels.shape[:2]
        return self._pixels[cut : height - cut, cut : width - cut]


def _find_shift(before: ViewTransform | None, now: ViewTransform, most: int) -> tuple[int, int] | None:
    """By how many whole device pixels the view has moved; None if it did otherwise, or by more than `most`."""
    if before is None or replace(now, left=before.left, top=before.top) != before:
        return None
    right, down = (now.left - before.left) * now.ratio, (now.top - before.top) * now.ratio
    whole = max(abs(right - round(right)), abs(down - round(down))) < 1e-6
    return (round(right), round(down)) if whole and max(abs(right), abs(down)) <= most else None


def draw_outlines(
    pixels: NDArray[np.uint8],
    corners: Corners,
    groups: Groups,
    ratio: float,
    stroke: Stroke,
) -> None:
    """Draw onto `pixels` (h, w, 4), premultiplied blue green red alpha. Without a colour an outline is dashed."""
    height, width = pixels.shape[:2]
    line = max(1, round(stroke.width * ratio))
    thin = max(1, round(ratio))
    outer = (line + 1) // 2
    inner = line - outer
    shown = {colors: rows[_find_reaching(corners[rows], width, height)] for colors, rows in groups.items()}
    every = np.concatenate([*shown.values(), np.zeros(0, np.intp)]).astype(np.intp)
    if not len(every):
        return
    near = np.clip(corners, -FAR, [width + FAR, height + FAR, width + FAR, height + FAR])
    # First all that is dark, so that no box's rim darkens another's colour.
    _draw_rings(pixels, near[every], range(outer, outer + thin), CASING)
    _draw_rings(pixels, near[every], range(-inner - thin, -inner), QColor("#ffffff") if stroke.rim else CASING)
    if stroke.rim:
        _draw_rings(pixels, near[every], range(-inner - 2 * thin, -inner - thin), CASING)
    for colors, rows in shown.items():
        if len(colors) == 1:
            _draw_rings(pixels, near[rows], range(-inner, outer), QColor(colors[0]))
    striped = [(colors or DASHES, rows) for colors, rows in shown.items() if len(colors) != 1 and len(rows)]
    if striped:
        rows = np.concatenate([members for _, members in striped])
        turns = [colors for colors, members in striped for _ in members]
        _draw_striped(pixels, corners[rows], near[rows], range(-inner, outer), turns, ratio)


def _find_reaching(corners: Corners, width: int, height: int) -> NDArray[np.bool_]:
    x1, y1, x2, y2 = corners.T
    return (x2 > -8) & (x1 < width + 8) & (y2 > -8) & (y1 < height + 8)


def _make_ring(corners: Corners, offset: int) -> Corners:
    """First and last pixels of rectangles: `offset` 0 is the first pixel outside of the corners, -1 the first inside."""
    ring = corners + np.array([-1 - offset, -1 - offset, offset, offset])
    # Inside a tiny box the rings meet in its middle.
    middle = (ring[:, :2] + ring[:, 2:]) // 2
    over = ring[:, :2] > ring[:, 2:]
    ring[:, :2][over] = ring[:, 2:][over] = middle[over]
    return ring


def _draw_rings(pixels: NDArray[np.uint8], corners: Corners, offsets: range, color: QColor) -> None:
    """All rings of `offsets`, in one line a box that goes round and round: a line costs more to begin than to draw."""
    turns = []
    for offset in offsets:
        x1, y1, x2, y2 = _make_ring(corners, offset).T
        turns += [x1, y1, x2, y1, x2, y2, x1, y2, x1, y1]
    _draw_lines(pixels, turns, color)


def _draw_lines(pixels: NDArray[np.uint8], coordinates: Sequence[NDArray[np.int64]], color: QColor) -> None:
    """Lines through points: `coordinates` are x of the first point of each line, y of it, x of the second, ..."""
    if len(coordinates[0]):
        points = np.stack(coordinates, 1).reshape(len(coordinates[0]), -1, 2).astype(np.int32)
        cv2.polylines(pixels, points, False, _to_bgra(color))  # type: ignore[call-overload]


def _draw_striped(
    pixels: NDArray[np.uint8],
    corners: Corners,
    near: Corners,
    offsets: range,
    turns: Sequence[tuple[str, ...]],
    ratio: float,
) -> None:
    """Outlines whose colours (`turns`, of each) take turns, from the box's own corner on, with a dark gap between."""
    _draw_rings(pixels, near, offsets, CASING)
    names = list(dict.fromkeys(name for colors in turns for name in colors if name))
    most = max(len(colors) for colors in turns)
    numbers = {name: number for number, name in enumerate(names)} | {"": -1}
    palette = np.array([[numbers[colors[turn % len(colors)]] for turn in range(most)] for colors in turns])
    period = np.array([len(colors) for colors in turns])
    reach = float((near[:, 2:] - near[:, :2]).sum()) * 2 / (STRIPE * ratio)
    # In steps, so that they do not creep along while more boxes come into sight.
    stripe = STRIPE * ratio * 2 ** math.ceil(math.log2(max(1.0, reach / MOST_STRIPES)))
    gap = max(1, round(ratio))
    rings = [_make_ring(near, offset) for offset in offsets]
    for upright, run, still in ((False, (0, 2), (1, 3)), (True, (1, 3), (0, 2))):
        box, start, end = _cut_stripes(corners[:, run[0]], near[:, run[0]], near[:, run[1]], stripe)
        turn = np.rint((start - corners[box, run[0]]) / stripe).astype(np.int64) % period[box]
        color_of = palette[box, turn]
        begin = np.maximum(np.rint(start).astype(np.int64), near[box, run[0]])
        last = np.minimum(np.rint(end).astype(np.int64) - 1 - gap, near[box, run[1]] - 1)
        for number, name in enumerate(names):
            chosen = (color_of == number) & (last >= begin)
            where = box[chosen]
            for edge in still:
                places = [ring[where, edge] for ring in rings]
                _draw_segments(pixels, begin[chosen], last[chosen], places, upright, QColor(name))


def _cut_stripes(
    origin: NDArray[np.int64], low: NDArray[np.int64], high: NDArray[np.int64], stripe: float
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
    """Pieces of `stripe` length counted from `origin`, those between `low` and `high`: row, start and end of each."""
    first = np.floor((low - origin) / stripe).astype(np.int64)
    count = np.ceil((high - origin) / stripe).astype(np.int64) - first
    count = np.maximum(count, 0)
    rows = np.repeat(np.arange(len(origin)), count)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
    start = origin[rows] + (first[rows] + within) * stripe
    return rows, start, start + stripe


def _draw_segments(
    pixels: NDArray[np.uint8],
    begin: NDArray[np.int64],
    last: NDArray[np.int64],
    places: Sequence[NDArray[np.int64]],
    upright: bool,
    color: QColor,
) -> None:
    """Pieces of sides, as thick as there are `places`: one line to and fro for each."""
    run = []
    for turn, place in enumerate(places):
        for along in (last, begin) if turn % 2 else (begin, last):
            run += [place, along] if upright else [along, place]
    _draw_lines(pixels, run, color)


def _to_bgra(color: QColor) -> tuple[int, int, int, int]:
    alpha = color.alpha()
    blue, green, red = (round(part * alpha / 255) for part in (color.blue(), color.green(), color.red()))
    return blue, green, red, alpha
