"""An image as augmentation reads it: in parts, so that it need not lie in memory as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


class Pixels(Protocol):
    """An upright RGB image."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        ...

    def part(self, left: int, top: int, right: int, bottom: int) -> Image:
        """The pixels (bottom - top, right - left, 3) of a window inside the image. Not to be written to."""
        ...

    def mean_color(self) -> Image:
        """What is shown beside the image: (3,)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Plain:
    """An image (h, w, 3) in memory."""

    image: Image

    @property
    def size(self) -> tuple[int, int]:
        return self.image.shape[1], self.image.shape[0]

    def part(self, left: int, top: int, right: int, bottom: int) -> Image:
        return self.image[top:bottom, left:right]

    def mean_color(self) -> Image:
        return mean_color(self.image)


@dataclass(frozen=True, slots=True, eq=False)
class Turned:
    """An image turned clockwise by 90 degrees: what was at (x, y) is at (height - y, x)."""

    image: Pixels

    @property
    def size(self) -> tuple[int, int]:
        width, height = self.image.size
        return height, width

    def part(self, left: int, top: int, right: int, bottom: int) -> Image:
        height = self.image.size[1]
        part = self.image.part(top, height - right, bottom, height - left)
        return np.asarray(cv2.rotate(part, cv2.ROTATE_90_CLOCKWISE), np.uint8)

    def mean_color(self) -> Image:
        return self.image.mean_color()


def mean_color(image: Image) -> Image:
    """The mean of about a thousand pixels of (h, w, c), shape (c,): quick, and the same for the same image."""
    step_y, step_x = (max(1, side // 32) for side in image.shape[:2])
    return np.asarray(np.rint(image[::step_y, ::step_x].mean(axis=(0, 1))), np.uint8)
