"""What lies under the overlay of an image view: the image's visible part as the screen shows it, kept between paints."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QImage

from core.imaging.adjust import Tone
from core.imaging.decode import as_rgb
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
        self._image = QImage()

    def image(self, scene: Scene) -> QImage:
        """The scene as an image of its `size`."""
        if scene == self._scene:
            return self._image
        image = QImage(scene.size, QImage.Format.Format_RGB32)
        pixels = np.frombuffer(image.bits(), np.uint8).reshape(image.height(), image.width(), 4)
        for area in self._kept(scene, pixels):
            _draw(scene, pixels, area)
        image.setDevicePixelRatio(scene.ratio)
        self._scene, self._image = scene, image
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


def _draw(scene: Scene, pixels: NDArray[np.uint8], area: Area) -> None:
    color = scene.color
    target = pixels[area[1] : area[3], area[0] : area[2]]
    on_image = (0, 0, 0, 0)
    if scene.pyramid is not None:
        frame = scene.placing.covered(scene.pyramid.width, scene.pyramid.height)
        left, top, right, bottom = (*map(max, frame[:2], area[:2]), *map(min, frame[2:], area[2:]))
        if left < right and top < bottom:
            on_image = (left, top, right, bottom)
    if on_image != area:
        target[:] = (color.blue(), color.green(), color.red(), 255)
    if scene.pyramid is not None and on_image != (0, 0, 0, 0):
        shown = render(scene.pyramid, scene.placing, on_image)
        if scene.tone is not None:
            shown = scene.tone.apply(as_rgb(shown), _fractions(scene, on_image))
        code = cv2.COLOR_GRAY2BGRA if shown.ndim == 2 else cv2.COLOR_RGB2BGRA
        pixels[on_image[1] : on_image[3], on_image[0] : on_image[2]] = cv2.cvtColor(shown, code)


def _fractions(scene: Scene, area: Area) -> tuple[float, float, float, float]:
    assert scene.pyramid is not None
    placing = scene.placing
    wide, high = scene.pyramid.width * placing.scale, scene.pyramid.height * placing.scale
    return (
        (area[0] - placing.left) / wide,
        (area[1] - placing.top) / high,
        (area[2] - placing.left) / wide,
        (area[3] - placing.top) / high,
    )
