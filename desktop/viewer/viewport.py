"""Where an image lies in a view of some size: zoom and position, without a widget."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSizeF

from desktop.viewer.pyramid import rounded

MARGIN = 16  # around a fitted image, in widget pixels
LARGEST_SCALE = 64.0
_LARGEST_FIT = 8.0  # a tiny image is not blown up beyond recognition
_STRIP = 80.0  # widget pixels of the image that cannot leave the view


class Viewport:
    """Widget position = image position x scale + offset. Methods that move the image need one with a size."""

    def __init__(self) -> None:
        self.image = QSizeF(0, 0)  # image pixels
        self.room = QSizeF(1, 1)  # of the widget
        self.ratio = 1.0  # pixels of the screen for one of the widget
        self.scale = 1.0  # widget pixels for one image pixel
        self.offset = QPointF(0, 0)  # widget position of the image's corner
        self.fitted = True  # the whole image is shown, also when the room changes

    def take(self, other: Viewport) -> bool:
        """Show the same part as `other`; whether that is another than now."""
        same = (self.scale, self.offset, self.fitted) == (other.scale, other.offset, other.fitted)
        self.scale, self.offset, self.fitted = other.scale, QPointF(other.offset), other.fitted
        return not same

    @property
    def corner(self) -> QPointF:
        """Where the image's corner is shown: on a whole pixel of the screen, so that nothing is blurred at 100%, the
        image and what is drawn over it lie on the same pixels, and panning moves what is drawn already."""
        return QPointF(
            rounded(self.offset.x() * self.ratio) / self.ratio, rounded(self.offset.y() * self.ratio) / self.ratio
        )

    def to_widget(self, point: QPointF) -> QPointF:
        return point * self.scale + self.corner

    def to_image(self, point: QPointF) -> QPointF:
        return (point - self.corner) / self.scale

    @property
    def middle(self) -> QPointF:
        """Of the widget."""
        return QPointF(self.room.width() / 2, self.room.height() / 2)

    @property
    def fitting_scale(self) -> float:
        """The largest that shows the whole image."""
        room_x, room_y = max(self.room.width() - 2 * MARGIN, 1), max(self.room.height() - 2 * MARGIN, 1)
        return min(room_x / self.image.width(), room_y / self.image.height(), _LARGEST_FIT)

    def fit(self) -> None:
        """Show the whole image."""
        self.fitted = True
        if not self.image.isEmpty():
            self.scale = self.fitting_scale
            shown = self.image * self.scale
            self.offset = QPointF((self.room.width() - shown.width()) / 2, (self.room.height() - shown.height()) / 2)

    def zoom_to(self, scale: float, at: QPointF) -> None:
        """Zoom so that the image point under `at`, a widget position, stays where it is."""
        # By the exact position: many small steps would add up what each is rounded by.
        anchor = (at - self.offset) / self.scale
        smallest = min(self.fitting_scale / 2, 1.0)
        self.scale = min(max(scale, smallest), LARGEST_SCALE)
        self.offset = at - anchor * self.scale
        self.fitted = False
        self.keep_in_sight()

    def show_rect(self, xyxy: tuple[float, float, float, float]) -> None:
        """Bring a box of image pixels into the middle, as large as leaves some surroundings visible."""
        width, height = max(xyxy[2] - xyxy[0], 1.0), max(xyxy[3] - xyxy[1], 1.0)
        scale = min(self.room.width() / width, self.room.height() / height) * 0.4
        self.scale = min(max(scale, self.fitting_scale), LARGEST_SCALE)
        self.offset = self.middle - QPointF((xyxy[0] + xyxy[2]) / 2, (xyxy[1] + xyxy[3]) / 2) * self.scale
        self.fitted = False
        self.keep_in_sight()

    def pan_by(self, delta: QPointF) -> None:
        """Move the image by widget pixels."""
        self.offset += delta
        self.fitted = False
        self.keep_in_sight()

    def scroll_by(self, delta: QPointF) -> bool:
        """Move the image by widget pixels, no further than to its edges: what is seen whole stays where it is.

        Whether it moved.
        """
        before, shown = QPointF(self.offset), self.image * self.scale
        self.offset = QPointF(
            _scroll_side(before.x(), delta.x(), shown.width(), self.room.width()),
            _scroll_side(before.y(), delta.y(), shown.height(), self.room.height()),
        )
        moved = self.offset != before
        self.fitted = self.fitted and not moved
        return moved

    def keep_in_sight(self) -> None:
        """At least a strip of the image stays in the widget, so that it cannot be lost."""
        shown = self.image * self.scale
        # A whole widget pixel at least: less of a hairline would be rounded off the edge.
        strip_x, strip_y = max(min(_STRIP, shown.width()), 1.0), max(min(_STRIP, shown.height()), 1.0)
        self.offset = QPointF(
            min(max(self.offset.x(), strip_x - shown.width()), self.room.width() - strip_x),
            min(max(self.offset.y(), strip_y - shown.height()), self.room.height() - strip_y),
        )


def _scroll_side(offset: float, delta: float, length: float, room: float) -> float:
    """Where an image of `length` begins after scrolling by `delta` in a view of `room`, all in widget pixels."""
    if length + 2 * MARGIN <= room:
        return offset
    # Where it was panned further off, scrolling brings it back and never jumps.
    lowest, highest = min(room - MARGIN - length, offset), max(float(MARGIN), offset)
    return min(max(offset + delta, lowest), highest)
