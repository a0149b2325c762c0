"""What lies under the overlay of an image view: the image's visible part as the screen shows it, kept between paints."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QImage

from core.imaging.adjust import Tone
from desktop.canvas.pyramid import Placing, Pyramid, render

Area = tuple[int, int, int, int]  # x1, y1, x2, y2 in screen pixels


@dataclass(frozen=True, slots=True)
class Scene:
    """All that the pixels of a backdrop depend on."""

    pyramid: Pyramid | None
    tone: Tone | None
    placing: Placing
    size: QSize  # in screen pixels
    ratio: float  # screen pixels a widget pixel
    color: QColor  # around the image


class Backdrop:
    """Draws a scene anew only where it differs from the one before: panning draws the strips that come into sight."""

    def __init__(self) -> None:
        self._scene: Scene | None = None
        self._image = self._spare = QImage()
        self._rendered: tuple[Pyramid, Placing, Area, NDArray[np.uint8]] | None = None

    def image(self, scene: Scene) -> QImage:
        """The scene as an image of its `size`."""
        if scene == self._scene:
            return self._image
        # Two take turns: fresh memory would cost more than drawing into it.
        image = self._spare if self._spare.size() == scene.size else QImage(scene.size, QImage.Format.Format_RGB32)
        pixels = np.frombuffer(image.bits(), np.uint8).reshape(image.height(), image.width(), 4)
        for area in self._kept(scene, pixels):
            self._draw(scene, pixels, area)
        image.setDevicePixelRatio(scene.ratio)
        self._scene, self._image, self._spare = scene, image, self._image
        return image

    def _kept(self, scene: Scene, pixels: NDArray[np.uint8]) -> list[Area]:
        """Take over what only moved; the areas that are left to be drawn."""
        width, height = scene.size.width(), scene.size.height()
        whole = [(0, 0, width, height)] if width and height else []
        shift = _shift(self._scene, scene)
        if shift is None:
            return whole
        right, down = shift
        if abs(right) >= width or abs(down) >= height:
            return whole
        before = np.frombuffer(self._image.constBits(), np.uint8).reshape(pixels.shape)
        pixels[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)] = before[
            max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)
        ]
        areas = []
        if down:
            areas.append((0, 0, width, down) if down > 0 else (0, height + down, width, height))
        if right:
            top, bottom = max(down, 0), height + min(down, 0)
            areas.append((0, top, right, bottom) if right > 0 else (width + right, top, width, bottom))
        return areas

    def _draw(self, scene: Scene, pixels: NDArray[np.uint8], area: Area) -> None:
        pyramid, placing = scene.pyramid, scene.placing
        covered = None if pyramid is None else _on_image(pyramid, placing, area)
        if covered != area:
            # One number a pixel is written many times as fast as four bytes.
            pixels.view(np.uint32)[area[1] : area[3], area[0] : area[2]] = scene.color.rgb()
        if pyramid is None or covered is None:
            return
        shown = self._rendering(pyramid, placing, covered)
        if scene.tone is not None:
            shown = scene.tone.apply(shown, _fractions(pyramid, placing, covered))
        code = cv2.COLOR_GRAY2BGRA if shown.ndim == 2 else cv2.COLOR_RGB2BGRA
        cv2.cvtColor(shown, code, dst=pixels[covered[1] : covered[3], covered[0] : covered[2]])

    def _rendering(self, pyramid: Pyramid, placing: Placing, area: Area) -> NDArray[np.uint8]:
        """As `render`; the last one is kept, so that a slider of the adjustment changes its tone and nothing else."""
        if self._rendered is None or self._rendered[:3] != (pyramid, placing, area):
            self._rendered = (pyramid, placing, area, render(pyramid, placing, area))
        return self._rendered[3]


def _shift(before: Scene | None, now: Scene) -> tuple[int, int] | None:
    """By how many whole screen pixels everything moved; None if something else changed, or by parts of a pixel."""
    if before is None or (before.pyramid, before.tone, before.size, before.ratio, before.color, before.placing.scale) != (
        now.pyramid, now.tone, now.size, now.ratio, now.color, now.placing.scale
    ):  # fmt: skip
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


def _fractions(pyramid: Pyramid, placing: Placing, area: Area) -> tuple[float, float, float, float]:
    wide, high = pyramid.width * placing.scale, pyramid.height * placing.scale
    return (
        (area[0] - placing.left) / wide,
        (area[1] - placing.top) / high,
        (area[2] - placing.left) / wide,
        (area[3] - placing.top) / high,
    )
