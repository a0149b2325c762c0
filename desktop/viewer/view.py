"""An image on the screen with zoom and pan. The canvases of the pages are built on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QElapsedTimer, QEvent, QPointF, QRectF, QSize, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QLineEdit, QPlainTextEdit, QTextEdit, QWidget

from core.imaging.adjust import Adjustment, Tone, make_tone
from desktop.base.theme import notifier, theme
from desktop.viewer.backdrop import Backdrop, Scene
from desktop.viewer.pyramid import Placing, Pyramid, make_pyramid, rounded, to_qimage
from desktop.viewer.viewport import Viewport

WHEEL_STEP = 1.2  # zoom for one notch of the wheel
SCROLL_STEP = 90.0  # widget pixels for one notch of the wheel
ZOOM = Qt.NativeGestureType.ZoomNativeGesture
REST_MS = 80  # after the last step of a zoom everything is drawn sharp
TAP_MS = 350  # Space held longer than this was held to move the image, also where it did not
NOTCH = 120.0  # eighths of a degree, as Qt counts a wheel's turn


class ImageView(QWidget):
    """Shows one image. The wheel scrolls, with Shift sideways; Ctrl+wheel and pinching zoom at the cursor; Space-drag
    and the middle button pan.

    A subclass draws over the image in `paint_overlay` and takes the left button in `left_pressed`,
    `left_moved` and `left_released`; here the left button pans, and a click without a drag is announced.
    """

    image_clicked = Signal(QPointF)  # image pixels
    view_changed = Signal()  # zoom or position
    space_tapped = Signal()  # pressed and released without moving the image

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pyramid: Pyramid | None = None
        self._viewport = Viewport()
        self._message = ""
        self._adjustment: Adjustment | None = None
        self._tone: Tone | None = None  # the adjustment for this image
        self._background: QColor | None = None
        self._backdrop = Backdrop()
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)  # runs while one zooms or moves a slider
        self._rest.timeout.connect(self._redraw)
        self._pan_from: QPointF | None = None
        self._pan_button = Qt.MouseButton.NoButton  # that holds the image, whatever the other buttons do
        self._pressed_at: QPointF | None = None
        self._space_held = False
        self._space_tap = QElapsedTimer()  # runs while Space may still turn out to be a tap
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(160, 120)
        notifier.theme_changed.connect(self._redraw)

    # -- what is shown

    def set_image(self, image: NDArray[np.uint8] | Pyramid | None, *, keep_view: bool = False) -> None:
        """Show `image` (uint8 RGB, h x w x 3), or nothing. A large one is better made a Pyramid in the background.

        An array is copied: it may be changed afterwards.
        """
        pyramid = make_pyramid(image.copy()) if isinstance(image, np.ndarray) else image
        same_size = (
            self._pyramid is not None
            and pyramid is not None
            and (self._pyramid.width, self._pyramid.height) == (pyramid.width, pyramid.height)
        )
        self._pyramid = pyramid
        self._viewport.image = QSizeF(self.image_size)
        self._message = ""
        self._make_tone()
        if keep_view and same_size:
            self._redraw()
        else:
            self.fit()

    def set_message(self, text: str) -> None:
        """Words in the middle of the view, such as why there is no image."""
        if text != self._message:
            self._message = text
            self._redraw()

    def set_adjustment(self, adjustment: Adjustment | None) -> None:
        """Show this image, and those after it, with other brightness, contrast or channels. None: as they are."""
        if adjustment != self._adjustment:
            self._adjustment = adjustment
            self._make_tone()
            if self._tone is not None and self._tone.tiles is not None:
                self._rest.start()
            self._redraw()

    @property
    def adjustment(self) -> Adjustment | None:
        return self._adjustment

    def _make_tone(self) -> None:
        self._tone = None
        if self._adjustment is not None and not self._adjustment.is_neutral and self._pyramid is not None:
            self._tone = make_tone(self._pyramid.overview(), self._adjustment)

    def overview(self) -> QImage:
        """The whole image in at most about 1,000 pixels a side, as it is shown; null without an image."""
        if self._pyramid is None:
            return QImage()
        small = self._pyramid.overview()
        return to_qimage(small if self._tone is None else self._tone.apply(small))

    def rgb_at(self, x: int, y: int) -> tuple[int, int, int] | None:
        """The value of an image pixel as it is in the file, whatever the adjustment; None outside of the image."""
        if self._pyramid is None or not (0 <= x < self._pyramid.width and 0 <= y < self._pyramid.height):
            return None
        return self._pyramid.rgb_at(x, y)

    @property
    def message(self) -> str:
        return self._message

    @property
    def has_image(self) -> bool:
        return self._pyramid is not None

    @property
    def image_size(self) -> QSize:
        """In image pixels; empty without an image."""
        return QSize(self._pyramid.width, self._pyramid.height) if self._pyramid else QSize(0, 0)

    # -- zoom and position

    @property
    def scale(self) -> float:
        """Widget pixels for one image pixel."""
        return self._viewport.scale

    def to_widget(self, point: QPointF) -> QPointF:
        return self._viewport.to_widget(point)

    def to_image(self, point: QPointF) -> QPointF:
        return self._viewport.to_image(point)

    def rect_to_widget(self, xyxy: tuple[float, float, float, float]) -> QRectF:
        """A box of image pixels as a rectangle of the widget."""
        return QRectF(self.to_widget(QPointF(xyxy[0], xyxy[1])), self.to_widget(QPointF(xyxy[2], xyxy[3])))

    def fit(self) -> None:
        """Show the whole image, and keep doing so when the window's size changes, until somebody zooms."""
        self._port.fit()
        self._view_moved()

    def actual_size(self) -> None:
        """One image pixel on one pixel of the screen."""
        self.zoom_to(1.0 / self.devicePixelRatioF(), self._port.middle)

    def zoom_to(self, scale: float, at: QPointF) -> None:
        """Zoom so that the image point under `at`, a widget position, stays where it is."""
        if self._pyramid is not None:
            self._port.zoom_to(scale, at)
            self._rest.start()
            self._view_moved()

    def zoom_by(self, factor: float) -> None:
        """Zoom about the middle of the view."""
        self.zoom_to(self.scale * factor, self._port.middle)

    def show_rect(self, xyxy: tuple[float, float, float, float]) -> None:
        """Bring a box of image pixels into the middle, as large as leaves some surroundings visible."""
        if self._pyramid is not None:
            self._port.show_rect(xyxy)
            self._view_moved()

    def visible_rect(self) -> QRectF:
        """The part of the image that is in the view, in image pixels; empty without an image."""
        if self._pyramid is None:
            return QRectF()
        corner, opposite = self.to_image(QPointF(0, 0)), self.to_image(QPointF(self.width(), self.height()))
        return QRectF(corner, opposite).intersected(QRectF(0, 0, self._pyramid.width, self._pyramid.height))

    def center_on(self, point: QPointF) -> None:
        """Bring a point of the image, in image pixels, into the middle of the view, at the same zoom."""
        self.pan_by(self._port.middle - self.to_widget(point))

    @property
    def place(self) -> tuple[float, float, float] | None:
        """Zoom and the image point in the middle, to come back to by `go_to`; None where the image is fitted."""
        port = self._port
        if port.fitted or self._pyramid is None:
            return None
        middle = port.to_image(port.middle)
        return port.scale, middle.x(), middle.y()

    def go_to(self, place: tuple[float, float, float]) -> None:
        """Show the zoom and the part of the image that `place` was taken at."""
        scale, x, y = place
        self.zoom_to(scale, self._port.middle)
        self.center_on(QPointF(x, y))

    def follow(self, other: ImageView) -> None:
        """Show the same part of the image as `other`."""
        if self._viewport.take(other._viewport):
            self._redraw()

    def scroll_by(self, delta: QPointF) -> None:
        """Move the image by widget pixels, no further than to its edges: what is seen whole stays where it is."""
        if self._pyramid is not None and self._port.scroll_by(delta):
            self._view_moved()

    def pan_by(self, delta: QPointF) -> None:
        """Move the image by widget pixels."""
        if self._pyramid is not None:
            self._port.pan_by(delta)
            self._view_moved()

    @property
    def _port(self) -> Viewport:
        """The viewport, which knows the widget as it is now."""
        self._viewport.room, self._viewport.ratio = QSizeF(self.size()), self.devicePixelRatioF()
        return self._viewport

    def _view_moved(self) -> None:
        self._redraw()
        self.view_changed.emit()

    def _redraw(self) -> None:
        self.update()

    # -- drawing

    def set_background(self, color: QColor | None) -> None:
        """The colour around the image; None follows the theme."""
        self._background = color
        self._redraw()

    def paint_overlay(self, painter: QPainter) -> None:
        """For subclasses: draw over the image, in widget coordinates."""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self._backdrop.paint(painter, self._scene())
        if self._message:
            painter.setPen(theme().muted)
            room = QRectF(self.rect()).adjusted(40, 40, -40, -40)
            painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), self._message)
        if self._pyramid is not None:
            self.paint_overlay(painter)
        if self.hasFocus():
            painter.setPen(theme().link)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _scene(self) -> Scene:
        port = self._port
        ratio, corner = port.ratio, port.corner * port.ratio
        placing = Placing(port.scale * ratio, rounded(corner.x()), rounded(corner.y()))
        color = self._background or theme().canvas
        return Scene(self._pyramid, self._tone, placing, self.size() * ratio, ratio, color, self.hurried)

    @property
    def hurried(self) -> bool:
        """Whether one zooms or moves a slider: what is drawn meanwhile is drawn again when it rests."""
        return self._rest.isActive()

    # -- mouse and keys

    def left_pressed(self, at: QPointF, event: QMouseEvent) -> None:
        """For subclasses: the left button went down at widget position `at`."""
        self._pressed_at = at
        self._pan_from = at

    def left_moved(self, at: QPointF, event: QMouseEvent) -> None:
        """For subclasses: the mouse moved, with or without the left button."""

    def left_released(self, at: QPointF, event: QMouseEvent) -> None:
        """For subclasses: the left button went up."""
        pressed, self._pressed_at, self._pan_from = self._pressed_at, None, None
        moved = pressed is None or (at - pressed).manhattanLength() > QApplication.startDragDistance()
        if not moved and self._pyramid is not None:
            self.image_clicked.emit(self.to_image(at))

    def update_cursor(self) -> None:
        """Show by the cursor what the left button would do. Subclasses call this where they have no better one."""
        if self._pan_from is not None and self._space_held:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif self._space_held:
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        else:
            self.unsetCursor()

    @property
    def panning(self) -> bool:
        """The hand is holding the image, or Space is held ready to."""
        return self._space_held or self._pan_from is not None

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.accept()
        zooms = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        turned = QPointF(event.angleDelta()) / NOTCH
        if zooms:
            self.zoom_to(self.scale * WHEEL_STEP ** (turned.y() or turned.x()), event.position())
            return
        # A touchpad tells how far the fingers went; a wheel only how far it turned.
        exact = QPointF(event.pixelDelta())
        way = turned * SCROLL_STEP if exact.isNull() else exact
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not way.x():
            way = QPointF(way.y(), 0)
        self.scroll_by(way)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent) and event.gestureType() is ZOOM:
            self.zoom_to(self.scale * (1 + event.value()), event.position())
            return True
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _is_space(event):
            # An action that has Space hears of a tap only, so that the image can still be moved.
            event.accept()
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._space_tap.invalidate()
        hand = event.button() == Qt.MouseButton.LeftButton and self._space_held
        if event.button() == Qt.MouseButton.MiddleButton or hand:
            self._pan_from, self._pan_button = event.position(), event.button()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif event.button() == Qt.MouseButton.LeftButton:
            self.left_pressed(event.position(), event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pan_from is not None and event.buttons() != Qt.MouseButton.NoButton:
            if self._pyramid is not None:
                self.pan_by(event.position() - self._pan_from)
            self._pan_from = event.position()
        else:
            self._pan_from, self._pan_button = None, Qt.MouseButton.NoButton
            self.left_moved(event.position(), event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == self._pan_button:
            self._pan_from, self._pan_button = None, Qt.MouseButton.NoButton
            self.update_cursor()
        elif event.button() == Qt.MouseButton.LeftButton:
            self.left_released(event.position(), event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if _is_space(event):
            if not event.isAutoRepeat():
                self._space_held = True
                self._space_tap.start()
                self.update_cursor()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            tapped = self._space_tap.isValid() and self._space_tap.elapsed() < TAP_MS
            self._space_held = False
            self._space_tap.invalidate()
            self.update_cursor()
            if tapped:
                self.space_tapped.emit()
        else:
            super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._space_held = False
        self._space_tap.invalidate()
        self.update_cursor()
        self.update()
        super().focusOutEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()
        super().focusInEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        # Keys go to the image under the mouse, but never away from a field that is being typed in.
        focused = QApplication.focusWidget()
        if not isinstance(focused, QLineEdit | QAbstractSpinBox | QTextEdit | QPlainTextEdit):
            self.setFocus(Qt.FocusReason.MouseFocusReason)
        super().enterEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        if self._port.fitted:
            self.fit()
        elif self._pyramid is not None:
            self._port.keep_in_sight()
            self._view_moved()
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._redraw()
        super().changeEvent(event)

    def sizeHint(self) -> QSize:
        return QSize(640, 480)


def _is_space(event: QKeyEvent) -> bool:
    return event.key() == Qt.Key.Key_Space and event.modifiers() == Qt.KeyboardModifier.NoModifier
