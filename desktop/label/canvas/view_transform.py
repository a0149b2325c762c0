"""Which part of an image is on the screen, and how large: what everything that draws over it needs to know."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

FAR = 64  # device pixels beyond the view, where lines of boxes that reach out of it are let end


@dataclass(frozen=True, slots=True)
class ViewTransform:
    """A widget pixel is `ratio` device pixels wide, and `scale` of an image pixel."""

    scale: float  # widget pixels for one image pixel
    left: float  # where the image's corner is, in widget pixels
    top: float
    width: float  # of the widget, in widget pixels
    height: float
    ratio: float = 1.0
    wider: int = 0  # device pixels by which it reaches beyond the widget

    @property
    def device_size(self) -> tuple[int, int]:
        """Width and height in device pixels."""
        return round(self.width * self.ratio) + self.wider, round(self.height * self.ratio) + self.wider

    def to_widget(self, xyxy: NDArray[np.float32]) -> NDArray[np.float64]:
        """Boxes (n, 4) of image pixels in widget pixels."""
        return np.asarray(xyxy, np.float64) * self.scale + (self.left, self.top, self.left, self.top)

    def to_device(self, xyxy: NDArray[np.float32]) -> NDArray[np.int64]:
        """Boxes (n, 4) of image pixels in whole device pixels, so that every line of them is crisp."""
        return np.rint(self.to_widget(xyxy) * self.ratio).astype(np.int64)

    def widened(self, margin: int) -> ViewTransform:
        """The same with so many device pixels more on every side."""
        more = margin / self.ratio
        return replace(self, left=self.left + more, top=self.top + more, wider=self.wider + 2 * margin)

    def in_sight(self, xyxy: NDArray[np.float32]) -> NDArray[np.intp]:
        """The rows of boxes (n, 4) of image pixels of which a part, or the outline, is in the view."""
        x1, y1, x2, y2 = self.to_widget(xyxy).T
        width, height = (side / self.ratio for side in self.device_size)
        return np.flatnonzero((x2 > -8) & (x1 < width + 8) & (y2 > -8) & (y1 < height + 8))
