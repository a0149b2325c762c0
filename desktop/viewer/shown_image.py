"""The image that a view shows, and how its values are changed for the eye."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QImage

from core.imaging.adjust import Adjustment, Tone, make_tone
from desktop.viewer.pyramid import Pyramid, to_qimage


class ShownImage:
    """Keeps what an adjustment makes of the image, which is worked out once for both."""

    def __init__(self) -> None:
        self._pyramid: Pyramid | None = None
        self._adjustment: Adjustment | None = None
        self._tone: Tone | None = None  # the adjustment for this image

    @property
    def pyramid(self) -> Pyramid | None:
        return self._pyramid

    @property
    def adjustment(self) -> Adjustment | None:
        return self._adjustment

    @property
    def tone(self) -> Tone | None:
        return self._tone

    @property
    def size(self) -> QSize:
        """In image pixels; empty without an image."""
        return QSize(self._pyramid.width, self._pyramid.height) if self._pyramid else QSize(0, 0)

    def set_pyramid(self, pyramid: Pyramid | None) -> None:
        self._pyramid = pyramid
        self._make_tone()

    def set_adjustment(self, adjustment: Adjustment | None) -> None:
        self._adjustment = adjustment
        self._make_tone()

    def make_overview(self) -> QImage:
        """The whole image in at most about 1,000 pixels a side, as it is shown; null without an image."""
        if self._pyramid is None:
            return QImage()
        small = self._pyramid.overview()
        return to_qimage(small if self._tone is None else self._tone.apply(small))

    def rgb_at(self, x: int, y: int) -> tuple[int, int, int] | None:
        """The value of an image pixel as it is in the file, whatever the adjustment; None outside of the image.

        A preview does not know it: None.
        """
        if self._pyramid is None or self._pyramid.is_preview:
            return None
        if not (0 <= x < self._pyramid.width and 0 <= y < self._pyramid.height):
            return None
        return self._pyramid.rgb_at(x, y)

    def _make_tone(self) -> None:
        self._tone = None
        if self._adjustment is not None and not self._adjustment.is_neutral and self._pyramid is not None:
            self._tone = make_tone(self._pyramid.overview(), self._adjustment)
