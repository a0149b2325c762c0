"""An image prepared for the screen: the picture and its halvings, so that a large image is drawn from few pixels.

The levels are plain arrays, and only the part that is in sight is ever handed to Qt: its limits of 32,767 pixels a
side, and of 256 MB an image, are those of the screen and not of the image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

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
MEETING = 96  # screen pixels among which a whole one is looked for that lies on a whole source pixel


@dataclass(frozen=True, slots=True, eq=False)
class Pyramid:
    """`levels[i]` is the image at 1 / 2**i of its size: (h, w, 3) RGB, or (h, w) of a grey one.

    A preview has no more than the small levels of an image of `full_size`. Made in a background thread, drawn by the
    window's.
    """

    levels: tuple[NDArray[np.uint8], ...]
    notices: tuple[str, ...] = ()  # what the user should know of the file
    full_size: tuple[int, int] | None = None  # width and height of the image of which this is a preview

    @property
    def is_preview(self) -> bool:
        """Whether it is to be replaced by the picture itself."""
        return self.full_size is not None

    @property
    def width(self) -> int:
        """Of the image, in its own pixels."""
        return self.full_size[0] if self.full_size else int(self.levels[0].shape[1])

    @property
    def height(self) -> int:
        return self.full_size[1] if self.full_size else int(self.levels[0].shape[0])

    @property
    def bytes(self) -> int:
        return sum(level.nbytes for level in self.levels)

    def overview(self) -> NDArray[np.uint8]:
        """The smallest level, RGB of shape (h, w, 3)."""
        return as_rgb(self.levels[-1])

    def rgb_at(self, x: int, y: int) -> tuple[int, int, int]:
        """The value of a pixel that is in the image. A preview knows none: do not ask it."""
        red, green, blue = np.broadcast_to(self.levels[0][y, x], 3).tolist()
        return red, green, blue

    def level_for(self, scale: float) -> int:
        """The coarsest level that still has a pixel for every screen pixel at `scale` screen pixels an image pixel."""
        level = 0
        while level + 1 < len(self.levels) and scale * self._reduction * 2 ** (level + 1) <= 1.0:
            level += 1
        return level

    @property
    def _reduction(self) -> float:
        """How much smaller than the image the first level is."""
        return self.width / self.levels[0].shape[1]


def make_preview(small: NDArray[np.uint8], full_size: tuple[int, int], notices: tuple[str, ...] = ()) -> Pyramid:
    """Prepare a reduced picture to stand in for an image of `full_size` (width, height) until that is there."""
    return replace(make_pyramid(small, notices), full_size=full_size)


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
    """Where an image lies on the screen, in the screen's own pixels; sharpest with its corner on a whole one."""

    scale: float  # screen pixels for one image pixel
    left: float  # of the image's corner
    top: float

    def covered(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom screen pixel of an image of `width` x `height`; at least one in each direction."""
        left, right = rounded(self.left), rounded(self.left + width * self.scale)
        top, bottom = rounded(self.top), rounded(self.top + height * self.scale)
        return left, top, max(right, left + 1), max(bottom, top + 1)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The part of a level that is needed for an area of the screen, and how to bring it to the area's size."""

    part: NDArray[np.uint8]  # (h, w, 3) RGB or (h, w) grey; a view of the level
    frame: tuple[float, float, float, float]  # x1, y1, x2, y2 of `part` as fractions of the image
    across: _Side
    down: _Side
    nearest: bool

    @property
    def pixels(self) -> int:
        return int(self.part.shape[0] * self.part.shape[1])

    @property
    def area(self) -> int:
        """Pixels of the screen."""
        return self.across.count * self.down.count

    def sized(self, part: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """`part`, or what was made of it pixel by pixel, with any number of channels, in pixels of the screen."""
        across, down = self.across, self.down
        if self.nearest:
            return _repeat_pixels(part, across.nearest(), down.nearest())
        if not (across.copies and down.copies):
            # Unlike a transformation, which allows for any fraction of a pixel, this uses all of the processor.
            part = _at_least(part, math.ceil(across.step), math.ceil(down.step))
            part = np.asarray(
                cv2.resize(part, None, fx=1 / across.step, fy=1 / down.step, interpolation=cv2.INTER_LINEAR), np.uint8
            )
        shown = part[down.skipped : down.skipped + down.count, across.skipped : across.skipped + across.count]
        return _at_least(shown, across.count, down.count)  # by rounding one may be missing at the image's far edges


def sample(pyramid: Pyramid, placing: Placing, area: tuple[int, int, int, int], enlarged: float = 0.0) -> Sample:
    """What the screen shows from x1, y1 up to x2, y2, which must lie on the image.

    `enlarged`: from a level, where there is one, whose pixels are at least as many of the screen's wide. What is drawn
    lies where the sharp picture does.
    """
    level = pyramid.level_for(placing.scale)
    while placing.scale * 2**level < enlarged and level + 1 < len(pyramid.levels):
        level += 1
    source = pyramid.levels[level]
    height, width = source.shape[:2]
    across = _find_side(area[0], area[2], placing.left, width / (placing.scale * pyramid.width), width)
    down = _find_side(area[1], area[3], placing.top, height / (placing.scale * pyramid.height), height)
    part = source[down.low : down.high, across.low : across.high]
    frame = (across.low / width, down.low / height, across.high / width, down.high / height)
    return Sample(part, frame, across, down, placing.scale >= NEAREST_FROM)


def render(pyramid: Pyramid, placing: Placing, area: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """The pixels of the screen from x1, y1 up to x2, y2, which must lie on the image; grey or RGB as the image is."""
    found = sample(pyramid, placing, area)
    return found.sized(found.part)


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of an area: which source pixels it needs, and which of the pixels made of these it shows."""

    low: int
    high: int
    skipped: int  # screen pixels between those made of `low` and the area
    count: int  # screen pixels of the area
    step: float  # source pixels a screen pixel
    first: float  # where in the source, counted from `low`, the area begins

    @property
    def copies(self) -> bool:
        return abs(self.step - 1) < 1e-9

    def nearest(self) -> NDArray[np.intp]:
        """For each screen pixel the source pixel under its middle, counted from `low`."""
        middles = self.first + (np.arange(self.count) + 0.5) * self.step
        return np.clip(np.floor(middles), 0, self.high - self.low - 1).astype(np.intp)


def _find_side(start: int, end: int, origin: float, step: float, length: int) -> _Side:
    # Resizing begins at a whole source pixel and a whole screen pixel. So it begins at a place before the area where
    # the two meet: the picture is off by no more than about 1/64 of a pixel, however it is cut into areas.
    reached = start - max(0, math.ceil(0.5 / step - 0.5))  # so that the first pixel has its left neighbour
    begins = np.arange(reached, max(reached - MEETING, math.floor(origin)) - 1, -1)
    if not len(begins):
        begins = np.array([min(start, math.floor(origin + 0.5))])
    places = (begins - origin) * step
    whole = np.rint(places)
    away = np.abs(places - whole) + (whole < 0) * length
    near = np.flatnonzero(away < 1 / 64)
    best = int(near[0]) if len(near) else int(np.argmin(away))
    low = min(max(int(whole[best]), 0), length - 1)
    begin = int(begins[best])
    high = min(max(low + math.ceil((end - begin) * step) + 2, low + 1), length)
    return _Side(low, high, start - begin, end - start, step, (start - origin) * step - low)


def _at_least(part: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """`part`, its last row and column repeated where it is smaller."""
    down, across = max(0, height - part.shape[0]), max(0, width - part.shape[1])
    if not (down or across):
        return part
    return np.asarray(cv2.copyMakeBorder(part, 0, down, 0, across, cv2.BORDER_REPLICATE), np.uint8)


def _repeat_pixels(part: NDArray[np.uint8], columns: NDArray[np.intp], rows: NDArray[np.intp]) -> NDArray[np.uint8]:
    if part.ndim == 3 and part.shape[2] == 4:
        # A pixel is one number then, which is much faster.
        whole = np.ascontiguousarray(part).view(np.uint32)[..., 0]
        return whole.take(columns, axis=1).take(rows, axis=0).view(np.uint8).reshape(len(rows), len(columns), 4)
    return part.take(columns, axis=1).take(rows, axis=0)


def rounded(value: float) -> int:
    """The nearest whole number."""
    # Python's own rounding would send .5 to either side, and an image would change its size while being panned.
    return math.floor(value + 0.5)


def to_qimage(picture: NDArray[np.uint8]) -> QImage:
    """A uint8 RGB array of shape (h, w, 3) as an image of its own memory."""
    picture = np.ascontiguousarray(picture)
    height, width = picture.shape[:2]
    return QImage(picture.data, width, height, picture.strides[0], QImage.Format.Format_RGB888).copy()
