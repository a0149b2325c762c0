"""An image prepared for the screen: the picture and its halvings, so that a large image is drawn from few pixels.

The levels are plain arrays, and only the part that is in sight is ever handed to Qt: its limits of 32,767 pixels a
side, and of 256 MB an image, are those of the screen and not of the image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from core.imaging.decode import as_rgb

# Below this longest side a further halving saves nothing.
SMALLEST = 1024
# From this many screen pixels an image pixel on, pixels are shown as they are: an inspector judges pixels, not an
# interpolation.
NEAREST_FROM = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Pyramid:
    """`levels[i]` is the image at 1 / 2**i of its size: (h, w, 3) RGB, or (h, w) of a grey one.

    Made in a background thread, drawn by the window's.
    """

    levels: tuple[NDArray[np.uint8], ...]
    notices: tuple[str, ...] = ()  # what a person should know of the file

    @property
    def width(self) -> int:
        return int(self.levels[0].shape[1])

    @property
    def height(self) -> int:
        return int(self.levels[0].shape[0])

    @property
    def bytes(self) -> int:
        return sum(level.nbytes for level in self.levels)

    def overview(self) -> NDArray[np.uint8]:
        """The smallest level, RGB of shape (h, w, 3)."""
        return as_rgb(self.levels[-1])

    def rgb_at(self, x: int, y: int) -> tuple[int, int, int]:
        """The value of a pixel that is in the image."""
        red, green, blue = np.broadcast_to(self.levels[0][y, x], 3).tolist()
        return red, green, blue

    def level_for(self, scale: float) -> int:
        """The coarsest level that still has a pixel for every screen pixel at `scale` screen pixels an image pixel."""
        level = 0
        while level + 1 < len(self.levels) and scale * 2 ** (level + 1) <= 1.0:
            level += 1
        return level


def make_pyramid(image: NDArray[np.uint8], notices: tuple[str, ...] = ()) -> Pyramid:
    """Prepare `image`, uint8 of shape (h, w, 3) or (h, w). It is kept, so it must not be changed afterwards."""
    if image.dtype != np.uint8 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)):
        raise ValueError(f"image must be uint8 of shape (h, w, 3) or (h, w), not {image.dtype} of {image.shape}")
    levels = [np.ascontiguousarray(image)]
    while max(levels[-1].shape[:2]) > SMALLEST:
        height, width = levels[-1].shape[:2]
        halved = (max(1, width // 2), max(1, height // 2))
        levels.append(np.asarray(cv2.resize(levels[-1], halved, interpolation=cv2.INTER_AREA), np.uint8))
    return Pyramid(tuple(levels), notices)


@dataclass(frozen=True, slots=True)
class Placing:
    """Where an image lies on the screen, in the screen's own pixels."""

    scale: float  # screen pixels for one image pixel
    left: float  # of the image's corner
    top: float

    def covered(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom screen pixel of an image of `width` x `height`; at least one in each direction."""
        left, right = _rounded(self.left), _rounded(self.left + width * self.scale)
        top, bottom = _rounded(self.top), _rounded(self.top + height * self.scale)
        return left, top, max(right, left + 1), max(bottom, top + 1)


def render(pyramid: Pyramid, placing: Placing, area: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """The pixels of the screen from x1, y1 up to x2, y2, which must lie on the image; grey or RGB as the image is."""
    source = pyramid.levels[pyramid.level_for(placing.scale)]
    height, width = source.shape[:2]
    left, right = area[0], area[2]
    across, first_x, columns = _mapping(left, right, placing.left, placing.scale * pyramid.width / width, width)
    down, first_y, rows = _mapping(area[1], area[3], placing.top, placing.scale * pyramid.height / height, height)
    # A slice around what is seen: no side of it is longer than a few screens.
    part = source[rows[0] : rows[1], columns[0] : columns[1]]
    matrix = np.array([[across, 0, first_x - columns[0]], [0, down, first_y - rows[0]]])
    way = cv2.INTER_NEAREST if placing.scale >= NEAREST_FROM else cv2.INTER_LINEAR
    size = (right - left, area[3] - area[1])
    drawn = cv2.warpAffine(part, matrix, size, flags=way | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(drawn, np.uint8)


def _mapping(start: int, end: int, origin: float, scale: float, length: int) -> tuple[float, float, tuple[int, int]]:
    """From screen to source along one side: step, source position of the first pixel, and the slice that is needed."""
    step = 1 / scale
    first = (start + 0.5 - origin) * step - 0.5
    last = first + (end - 1 - start) * step
    low = min(max(math.floor(first) - 1, 0), length - 1)
    high = max(min(math.ceil(last) + 2, length), low + 1)
    return step, first, (low, high)


def _rounded(value: float) -> int:
    # Python's own rounding would send .5 to either side, and an image would change its size while being panned.
    return math.floor(value + 0.5)


def to_qimage(picture: NDArray[np.uint8]) -> QImage:
    """A uint8 RGB array of shape (h, w, 3) as an image of its own memory."""
    picture = np.ascontiguousarray(picture)
    height, width = picture.shape[:2]
    return QImage(picture.data, width, height, picture.strides[0], QImage.Format.Format_RGB888).copy()
