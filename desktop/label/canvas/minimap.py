"""The whole image small in a corner of the view, with a frame around what is seen; a click or drag there goes there."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QWidget

from desktop.base.theme import theme
from desktop.label.canvas.overlay import paint_frame
from desktop.label.canvas.view_transform import ViewTransform

LONGEST, SMALLEST = 190.0, 120.0  # longer side of the picture in large and in small views, in widget pixels
SHARE = 0.24  # of the view's shorter side, in between
SHORTEST = 30.0  # shorter side of a line scan
AWAY = 14  # from the edges of the view
RIM = 3.0  # around the picture
ALL = 0.985  # with this much of both sides in the view nothing is missed


def shown_size(width: int, height: int, view: QSize) -> QSizeF:
    """The size of the picture for an image of `width` x `height`; a line scan is drawn broader than it is."""
    longest = min(max(SHARE * min(view.width(), view.height()), SMALLEST), LONGEST)
    scale = longest / max(width, height, 1)
    return QSizeF(max(width * scale, SHORTEST), max(height * scale, SHORTEST))


def is_wanted(visible: QRectF, width: int, height: int, view: QSize) -> bool:
    """Whether a minimap helps: a part of the image is out of sight, and the view has room for it."""
    if width <= 0 or height <= 0 or view.width() < 3 * SMALLEST or view.height() < 2 * SMALLEST:
        return False
    return visible.width() < ALL * width or visible.height() < ALL * height


def to_minimap(visible: QRectF, width: int, height: int, size: QSizeF) -> QRectF:
    """Where `visible`, image pixels, lies on a picture of `size`; never too small to be seen."""
    across, down = size.width() / width, size.height() / height
    frame = QRectF(visible.x() * across, visible.y() * down, visible.width() * across, visible.height() * down)
    grow_x, grow_y = max(0.0, 6 - frame.width()) / 2, max(0.0, 6 - frame.height()) / 2
    return frame.adjusted(-grow_x, -grow_y, grow_x, grow_y)


def to_image(at: QPointF, width: int, height: int, size: QSizeF) -> QPointF:
    """The image point under a point of the picture, held in the image."""
    x, y = at.x() / size.width() * width, at.y() / size.height() * height
    return QPointF(min(max(x, 0.0), width), min(max(y, 0.0), height))


class Minimap(QWidget):
    """A child of the view. `show_visible` tells it what is seen; `wanted` asks to bring a point of the image to the middle."""

    wanted = Signal(QPointF)  # image pixels

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._view = parent
        self._width, self._height = 0, 0
        self._visible = QRectF()
        self._source: QImage | None = None
        self._picture: QPixmap | None = None
        self._grip = QPointF()  # from the middle of the frame to where it was taken
        # Else the view would be painted twice: once below, and once around.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip("Click or drag to go to another part of the image")
        self.setAccessibleName("Overview of the image")
        self.hide()

    def _picture_size(self) -> QSizeF:
        return shown_size(self._width, self._height, self._view.size())

    def show_image(self, overview: QImage, width: int, height: int) -> None:
        """The image in small, as it is shown, and its size in image pixels."""
        self._source, self._picture = overview, None
        self._width, self._height = width, height
        self.update()

    @property
    def source(self) -> QImage | None:
        """The small image that was given last."""
        return self._source

    def show_visible(self, visible: QRectF) -> None:
        """Show `visible`, image pixels, as what is seen, and stand in the lower right corner."""
        size = self._picture_size() + QSizeF(2 * RIM, 2 * RIM)
        view = self._view.size()
        whole = size.toSize()
        self.setGeometry(
            view.width() - whole.width() - AWAY, view.height() - whole.height() - AWAY, whole.width(), whole.height()
        )
        if (
            self._picture is not None
            and self._picture.deviceIndependentSize().toSize() != self._picture_size().toSize()
        ):
            self._picture = None
        if visible != self._visible:
            self._visible = QRectF(visible)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        ratio, size = self.devicePixelRatioF(), self._picture_size()
        if self._picture is None and self._source is not None:
            small = self._source.scaled(
                (size * ratio).toSize(),
                Qt.AspectRatioMode.IgnoreAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
            self._picture = QPixmap.fromImage(small)
            self._picture.setDevicePixelRatio(ratio)
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(8, 9, 12))
        if self._picture is not None and self._width:
            port = ViewTransform(1.0, 0.0, 0.0, self.width(), self.height(), ratio)
            painter.drawPixmap(QPointF(RIM, RIM), self._picture)
            picture = QRectF(QPointF(RIM, RIM), size)
            frame = to_minimap(self._visible, self._width, self._height, size).translated(RIM, RIM)
            frame = frame.intersected(picture)
            painter.save()
            painter.setClipRect(picture)
            # What is out of sight is darker.
            shade = QColor(0, 0, 0, 120)
            painter.fillRect(QRectF(picture.left(), picture.top(), picture.width(), frame.top() - picture.top()), shade)
            painter.fillRect(QRectF(picture.left(), frame.bottom(), picture.width(), picture.bottom()), shade)
            painter.fillRect(QRectF(picture.left(), frame.top(), frame.left() - picture.left(), frame.height()), shade)
            painter.fillRect(QRectF(frame.right(), frame.top(), picture.right(), frame.height()), shade)
            painter.restore()
            paint_frame(painter, frame.adjusted(-1, -1, 1, 1), port, QColor("#ffffff"), 2.0)
            paint_frame(painter, frame, port, theme().accent)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or not self._width:
            event.ignore()
            return
        size = self._picture_size()
        frame = to_minimap(self._visible, self._width, self._height, size).translated(RIM, RIM)
        inside = frame.contains(event.position())
        self._grip = event.position() - frame.center() if inside else QPointF()
        self._go_to(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._go_to(event.position())

    def _go_to(self, at: QPointF) -> None:
        size = self._picture_size()
        self.wanted.emit(to_image(at - self._grip - QPointF(RIM, RIM), self._width, self._height, size))
