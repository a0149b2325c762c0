"""What lies under the overlay of an image view: the image's visible part as the screen shows it, kept between paints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QSize
from PySide6.QtGui import QColor, QImage, QPainter

from core.imaging.adjust import Tone
from desktop.viewer.pyramid import Placing, Pyramid, Sample, sample

Area = tuple[int, int, int, int]  # x1, y1, x2, y2 in screen pixels
# Screen pixels that are drawn sharp within a frame while one zooms, counted as if nothing of them was adjusted.
WITHIN_A_FRAME = 2.2e6
TABLE_COST, TILES_COST = 1.4, 3.0
# Screen pixels that a pixel may at least be wide in the middle of a zoom.
HURRIED, HURRIED_TILES = 1.0, 1.4


@dataclass(frozen=True, slots=True)
class Scene:
    """All that the pixels of a backdrop depend on."""

    pyramid: Pyramid | None
    tone: Tone | None
    placing: Placing
    size: QSize  # in screen pixels
    ratio: float  # screen pixels a widget pixel
    color: QColor  # around the image
    hurried: bool = False  # may be drawn from fewer pixels, in the middle of a zoom

    @property
    def enlarged(self) -> float:
        """At least so many screen pixels wide are the pixels that it is drawn from."""
        tiles = self.tone is not None and self.tone.tiles is not None
        return 0.0 if not self.hurried else HURRIED_TILES if tiles else HURRIED

    @property
    def is_heavy(self) -> bool:
        """Whether it is too much to be drawn sharp within a frame."""
        cost = 1.0 if self.tone is None else TABLE_COST if self.tone.tiles is None else TILES_COST
        return self.size.width() * self.size.height() * cost > WITHIN_A_FRAME


class Backdrop:
    """Draws a scene only where it differs from the one before: panning draws the strips that come into sight.

    The pixels are kept as if the memory was rolled up in both directions: where the image moves by whole pixels, what
    comes into sight takes the place of what goes out of it, and nothing is copied.
    """

    def __init__(self) -> None:
        self._scene: Scene | None = None
        self._pixels: NDArray[np.uint8] = np.zeros((0, 0, 4), np.uint8)  # as QImage's Format_RGB32
        self._origin = (0, 0)  # where in `_pixels` the view's first pixel is
        self._sized: tuple[Pyramid, Placing, Area, int, NDArray[np.uint8]] | None = None

    def paint(self, painter: QPainter, scene: Scene) -> None:
        """Paint the scene over the whole of a widget."""
        self._update_pixels(scene)
        width, height = scene.size.width(), scene.size.height()
        for (x1, y1, x2, y2), pixels in self._cut_pieces((0, 0, width, height)):
            line = self._pixels.strides[0]
            first = pixels.ctypes.data - self._pixels.ctypes.data
            # Qt wants its bytes in one piece: from the first pixel of the part that is used to its last.
            used = self._pixels.reshape(-1)[first : first + (y2 - y1 - 1) * line + (x2 - x1) * 4]
            picture = QImage(used.data, x2 - x1, y2 - y1, line, QImage.Format.Format_RGB32)
            picture.setDevicePixelRatio(scene.ratio)
            painter.drawImage(QPointF(x1, y1) / scene.ratio, picture)

    def _update_pixels(self, scene: Scene) -> None:
        before = self._scene
        scene = replace(scene, hurried=scene.hurried and scene.is_heavy)
        if scene.hurried and before is not None and _find_shift(before, replace(scene, hurried=False)) is not None:
            scene = replace(scene, hurried=False)  # what is sharp stays so
        if scene == before:
            return
        width, height = scene.size.width(), scene.size.height()
        if self._pixels.shape[:2] != (height, width):
            self._pixels = np.zeros((height, width, 4), np.uint8)
        for area in self._find_move(scene, width, height):
            for piece, pixels in self._cut_pieces(area):
                self._draw_area(scene, pixels, piece)
        self._scene = scene

    def _find_move(self, scene: Scene, width: int, height: int) -> list[Area]:
        """Take over what only moved; the areas that are left to be drawn."""
        shift = _find_shift(self._scene, scene)
        if shift is None or abs(shift[0]) >= width or abs(shift[1]) >= height:
            self._origin = (0, 0)
            return [(0, 0, width, height)] if width and height else []
        right, down = shift
        self._origin = ((self._origin[0] - right) % width, (self._origin[1] - down) % height)
        areas = []
        if down:
            areas.append((0, 0, width, down) if down > 0 else (0, height + down, width, height))
        if right:
            top, bottom = max(down, 0), height + min(down, 0)
            areas.append((0, top, right, bottom) if right > 0 else (width + right, top, width, bottom))
        return areas

    def _cut_pieces(self, area: Area) -> Iterator[tuple[Area, NDArray[np.uint8]]]:
        """`area` in up to four pieces, each with its pixels, which are in one piece of memory."""
        height, width = self._pixels.shape[:2]
        for top, bottom, row in _unroll_pixels(area[1], area[3], self._origin[1], height):
            for left, right, column in _unroll_pixels(area[0], area[2], self._origin[0], width):
                pixels = self._pixels[row : row + bottom - top, column : column + right - left]
                yield (left, top, right, bottom), pixels

    def _draw_area(self, scene: Scene, pixels: NDArray[np.uint8], area: Area) -> None:
        pyramid, placing = scene.pyramid, scene.placing
        covered = None if pyramid is None else _on_image(pyramid, placing, area)
        if covered != area:
            # One number a pixel is written many times as fast as four bytes.
            pixels.view(np.uint32)[..., 0] = scene.color.rgb()
        if pyramid is None or covered is None:
            return
        x, y = area[0], area[1]
        target = pixels[covered[1] - y : covered[3] - y, covered[0] - x : covered[2] - x]
        found = sample(pyramid, placing, covered, scene.enlarged)
        if found.nearest:
            target[:] = found.sized(_to_bgra(_apply_tone(found.part, scene.tone, found.frame)))
        elif found.pixels < found.area:
            _to_bgra(found.sized(_apply_tone(found.part, scene.tone, found.frame)), target)
        elif scene.tone is None:
            _to_bgra(found.sized(found.part), target)
        else:
            shown = self._find_sizing(pyramid, placing, covered, found)
            _to_bgra(_apply_tone(shown, scene.tone, _find_fractions(pyramid, placing, covered)), target)

    def _find_sizing(self, pyramid: Pyramid, placing: Placing, area: Area, found: Sample) -> NDArray[np.uint8]:
        """The last one is kept, so that a slider of the adjustment changes its tone and nothing else."""
        if self._sized is None or self._sized[:4] != (pyramid, placing, area, found.pixels):
            self._sized = (pyramid, placing, area, found.pixels, found.sized(found.part))
        return self._sized[4]


def _unroll_pixels(start: int, end: int, origin: int, length: int) -> list[tuple[int, int, int]]:
    """From `start` to `end` in pieces: start and end of each, and where it lies in a rolled memory of `length`."""
    edge = length - origin  # here the memory begins again
    pieces = ((start, min(end, edge), start + origin), (max(start, edge), end, max(start, edge) - edge))
    return [piece for piece in pieces if piece[0] < piece[1]]


def _apply_tone(
    part: NDArray[np.uint8], tone: Tone | None, frame: tuple[float, float, float, float]
) -> NDArray[np.uint8]:
    return part if tone is None else tone.apply(part, frame)


def _to_bgra(part: NDArray[np.uint8], target: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    code = cv2.COLOR_GRAY2BGRA if part.ndim == 2 else cv2.COLOR_RGB2BGRA
    return np.asarray(cv2.cvtColor(part, code, dst=target), np.uint8)


def _find_shift(before: Scene | None, now: Scene) -> tuple[int, int] | None:
    """By how many whole screen pixels everything moved; None if something else changed, or by parts of a pixel."""
    if before is None or replace(now, placing=before.placing) != before or now.placing.scale != before.placing.scale:
        return None
    right, down = now.placing.left - before.placing.left, now.placing.top - before.placing.top
    if max(abs(right - round(right)), abs(down - round(down))) > 1e-6:
        return None
    return round(right), round(down)


def _on_image(pyramid: Pyramid, placing: Placing, area: Area) -> Area | None:
    """The part of `area` that the image covers."""
    frame = placing.covered(pyramid.width, pyramid.height)
    left, top, right, bottom = (*map(max, frame[:2], area[:2]), *map(min, frame[2:], area[2:]))
    return (left, top, right, bottom) if left < right and top < bottom else None


def _find_fractions(pyramid: Pyramid, placing: Placing, area: Area) -> tuple[float, float, float, float]:
    wide, high = pyramid.width * placing.scale, pyramid.height * placing.scale
    return (
        (area[0] - placing.left) / wide,
        (area[1] - placing.top) / high,
        (area[2] - placing.left) / wide,
        (area[3] - placing.top) / high,
    )
