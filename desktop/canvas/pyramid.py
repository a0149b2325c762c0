"""An image prepared for the screen: the picture and its halvings, so that a large image is drawn from few pixels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

# Below this longest side a further halving saves nothing.
SMALLEST = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Pyramid:
    """`levels[i]` is the image at 1 / 2**i of its size. Made in a background thread, drawn by the window's."""

    width: int
    height: int
    levels: tuple[QImage, ...]

    @property
    def bytes(self) -> int:
        return sum(level.sizeInBytes() for level in self.levels)

    def overview(self) -> NDArray[np.uint8]:
        """The smallest level, RGB of shape (h, w, 3)."""
        small = self.levels[-1]
        pixels = np.frombuffer(small.constBits(), np.uint8).reshape(small.height(), -1, 4)
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGB), np.uint8)

    def rgb_at(self, x: int, y: int) -> tuple[int, int, int]:
        """The value of a pixel that is in the image."""
        color = self.levels[0].pixelColor(x, y)
        return color.red(), color.green(), color.blue()

    def level_for(self, scale: float) -> int:
        """The coarsest level that still has a pixel for every screen pixel at `scale` screen pixels an image pixel."""
        level = 0
        while level + 1 < len(self.levels) and scale * 2 ** (level + 1) <= 1.0:
            level += 1
        return level


def make_pyramid(image: NDArray[np.uint8]) -> Pyramid:
    """Prepare `image`, uint8 RGB of shape (h, w, 3)."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(f"image must be uint8 of shape (h, w, 3), not {image.dtype} of {image.shape}")
    levels = []
    current = np.ascontiguousarray(image)
    while True:
        height, width = current.shape[:2]
        shown = QImage(current.data, width, height, current.strides[0], QImage.Format.Format_RGB888)
        # The conversion copies, so the array may go; 32 bits a pixel is what the screen draws fastest.
        levels.append(shown.convertToFormat(QImage.Format.Format_RGB32))
        if max(height, width) <= SMALLEST:
            break
        halved = (max(1, width // 2), max(1, height // 2))
        current = np.asarray(cv2.resize(current, halved, interpolation=cv2.INTER_AREA), np.uint8)
    return Pyramid(image.shape[1], image.shape[0], tuple(levels))


def to_qimage(picture: NDArray[np.uint8]) -> QImage:
    """A uint8 RGB array of shape (h, w, 3) as an image of its own memory."""
    picture = np.ascontiguousarray(picture)
    height, width = picture.shape[:2]
    return QImage(picture.data, width, height, picture.strides[0], QImage.Format.Format_RGB888).copy()
