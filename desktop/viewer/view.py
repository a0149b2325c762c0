"""An image on the screen with zoom and pan. What lies over it, and what mouse and keys do there, is handed in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QElapsedTimer, QEvent, QPoint, QPointF, QRectF, QSize, QSizeF, Qt, QTimer, Signal
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

from core.imaging.adjust import Adjustment
from desktop.base.theme import notifier, theme
from desktop.viewer.backdrop import Backdrop, Scene
from desktop.viewer.image_grip import ImageGrip
from desktop.viewer.pyramid import Placing, Pyramid, make_pyramid, rounded
from desktop.viewer.shown_image import ShownImage
from desktop.viewer.view_input import ViewInput
from desktop.viewer.viewport import Viewport

WHEEL_STEP = 1.2  # zoom for one notch of the wheel
SCROLL_STEP = 90.0  # widget pixels for one notch of the wheel
ZOOM = Qt.NativeGestureType.ZoomNativeGesture
REST_MS = 80  # after the last step of a zoom everything is drawn sharp
SETTLED_MS = 500  # since an image came; from then on one works on it
NOTCH = 120.0  # eighths of a degree, as Qt counts a wheel's turn
TABS = (Qt.Key.Key_Tab, Qt.Key.Key_Backtab)
TYPED_IN = (QLineEdit, QAbstractSpinBox, QTextEdit, QPlainTextEdit)

Overlay = Callable[[QPainter], None]  # draws over the image, in widget coordinates


class ImageView(QWidget):
    """Shows one image. The wheel scrolls, with Shift sideways; Ctrl+wheel and pinching zoom at the cursor; Space-drag
    and the middle button pan.

    Overlays draw over the image, and an input handler takes the left button and the keys. What it leaves alone pans, and
    a click without a drag is announced.
    """

    image_clicked = Signal(QPointF)  # image pixels
    view_changed = Signal()  # zoom or position
    grip_changed = Signal()  # the image is held to be moved, or could be with the next press, or no more
    space_tapped = Signal()  # pressed and released without moving the image

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image = ShownImage()
        self._viewport = Viewport()
        self._message = ""
        self._background: QColor | None = None
        self._backdrop = Backdrop()
        self._overlays: list[Overlay] = []
        self._input = ViewInput()
        self._grip = ImageGrip()
        self._top, self._window_size = 0, QSize()  # where the view lies in its window
        self._shown = QElapsedTimer()  # since the image came
        self._shown.start()
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)  # runs while one zooms or moves a slider
        self._rest.timeout.connect(self.update)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(160, 120)
        notifier.theme_changed.connect(self.update)

    # -- what is handed in

    def add_overlay(self, overlay: Overlay) -> None:
        """Let `overlay` draw over the image, and over the overlays before it."""
        self._overlays.append(overlay)
        self.update()

    def set_input(self, handler: ViewInput) -> None:
        """Let `handler` take mouse and keys, in place of the one before."""
        self._input = handler
        self.update_cursor()

    # -- what is shown

    def set_image(self, image: NDArray[np.uint8] | Pyramid | None, *, keep_view: bool = False) -> None:
        """Show `image` (uint8 RGB, h x w x 3), or nothing. A large one is better made a Pyramid in the background.

        An array is copied: it may be changed afterwards.
        """
        before = self.image_size if self.has_image else None
        self._shown.restart()
        self._image.set_pyramid(make_pyramid(image.copy()) if isinstance(image, np.ndarray) else image)
        self._viewport.image = QSizeF(self.image_size)
        self._message = ""
        if keep_view and self.has_image and self.image_size == before:
            self.update()
        else:
            self.fit_image()

    def set_message(self, text: str) -> None:
        """Words in the middle of the view, such as why there is no image."""
        if text != self._message:
            self._message = text
            self.update()

    def set_adjustment(self, adjustment: Adjustment | None) -> None:
        """Show this image, and those after it, with other brightness, contrast or channels. None: as they are."""
        if adjustment != self.adjustment:
            self._image.set_adjustment(adjustment)
            if self._image.tone is not None and self._image.tone.tiles is not None:
                self._rest.start()
            self.update()

    def set_background(self, color: QColor | None) -> None:
        """The colour around the image; None follows the theme."""
        self._background = color
        self.update()

    @property
    def adjustment(self) -> Adjustment | None:
        return self._image.adjustment

    def make_overview(self) -> QImage:
        """The whole image in at most about 1,000 pixels a side, as it is shown; null without an image."""
        return self._image.make_overview()

    def rgb_at(self, x: int, y: int) -> tuple[int, int, int] | None:
        """The value of an image pixel as it is in the file, whatever the adjustment; None outside of the image."""
        return self._image.rgb_at(x, y)

    @property
    def message(self) -> str:
        return self._message

    @property
    def has_image(self) -> bool:
        return self._image.pyramid is not None

    def shows_preview_of(self, picture: Pyramid) -> bool:
        """Whether what is shown is a preview of an image of that size."""
        shown = self._image.pyramid
        return shown is not None and shown.is_preview and shown.full_size == (picture.width, picture.height)

    @property
    def image_size(self) -> QSize:
        """In image pixels; empty without an image."""
        return self._image.size

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

    def fit_image(self) -> None:
        """Show the whole image, and keep doing so when the window's size changes, until somebody zooms."""
        self._port.fit()
        self._view_moved()

    def show_actual_size(self) -> None:
        """One image pixel on one pixel of the screen."""
        self.zoom_to(1.0 / self.devicePixelRatioF(), self._port.middle)

    def zoom_to(self, scale: float, at: QPointF) -> None:
        """Zoom so that the image point under `at`, a widget position, stays where it is."""
        if self.has_image:
            self._port.zoom_to(scale, at)
            self._rest.start()
            self._view_moved()

    def zoom_to_scale(self, scale: float) -> None:
        """Zoom about the middle of the view, to widget pixels for one image pixel."""
        self.zoom_to(scale, self._port.middle)

    def zoom_by(self, factor: float) -> None:
        """Zoom about the middle of the view."""
        self.zoom_to(self.scale * factor, self._port.middle)

    def show_rect(self, xyxy: tuple[float, float, float, float]) -> None:
        """Bring a box of image pixels into the middle, as large as leaves some surroundings visible."""
        if self.has_image:
            self._port.show_rect(xyxy)
            self._view_moved()

    def bring_into_view(self, xyxy: tuple[float, float, float, float]) -> None:
        """Move the image, where nothing of a box of image pixels is seen, so that its middle is."""
        room, rect = QRectF(self.rect()).adjusted(30, 30, -30, -30), self.rect_to_widget(xyxy)
        if not room.intersects(rect):
            self.pan_by(room.center() - rect.center())

    def visible_rect(self) -> QRectF:
        """The part of the image that is in the view, in image pixels; empty without an image."""
        if not self.has_image:
            return QRectF()
        corner, opposite = self.to_image(QPointF(0, 0)), self.to_image(QPointF(self.width(), self.height()))
        return QRectF(corner, opposite).intersected(QRectF(QPointF(), QSizeF(self.image_size)))

    def center_on(self, point: QPointF) -> None:
        """Bring a point of the image, in image pixels, into the middle of the view, at the same zoom."""
        self.pan_by(self._port.middle - self.to_widget(point))

    @property
    def place(self) -> tuple[float, float, float] | None:
        """Zoom and the image point in the middle, to come back to by `go_to`; None where the image is fitted."""
        port = self._port
        if port.fitted or not self.has_image:
            return None
        middle = port.to_image(port.middle)
        return port.scale, middle.x(), middle.y()

    def go_to(self, place: tuple[float, float, float]) -> None:
        """Show the zoom and the part of the image that `place` was taken at."""
        scale, x, y = place
        self.zoom_to(scale, self._port.middle)
        self.center_on(QPointF(x, y))

    def follow_view(self, other: ImageView) -> None:
        """Show the same part of the image as `other`."""
        if self._viewport.take(other._viewport):
            self.update()

    def scroll_by(self, delta: QPointF) -> None:
        """Move the image by widget pixels, no further than to its edges: what is seen whole stays where it is."""
        if self.has_image and self._port.scroll_by(delta):
            self._view_moved()

    def pan_by(self, delta: QPointF) -> None:
        """Move the image by widget pixels."""
        if self.has_image:
            self._port.pan_by(delta)
            self._view_moved()

    @property
    def _port(self) -> Viewport:
        """The viewport, which knows the widget as it is now."""
        self._viewport.room, self._viewport.ratio = QSizeF(self.size()), self.devicePixelRatioF()
        return self._viewport

    def _view_moved(self) -> None:
        self.update()
        self.view_changed.emit()

    # -- drawing

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self._backdrop.paint(painter, self._make_scene())
        if self._message:
            painter.setPen(theme().muted)
            room = QRectF(self.rect()).adjusted(40, 40, -40, -40)
            painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), self._message)
        if self.has_image:
            for paint_overlay in self._overlays:
                paint_overlay(painter)
        if self.hasFocus():
            painter.setPen(theme().link)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _make_scene(self) -> Scene:
        port, image = self._port, self._image
        ratio, corner = port.ratio, port.corner * port.ratio
        placing = Placing(port.scale * ratio, rounded(corner.x()), rounded(corner.y()))
        color = self._background or theme().canvas
        return Scene(image.pyramid, image.tone, placing, self.size() * ratio, ratio, color, self.hurried)

    @property
    def hurried(self) -> bool:
        """Whether one zooms or moves a slider: what is drawn meanwhile is drawn again when it rests."""
        return self._rest.isActive()

    # -- mouse

    @property
    def panning(self) -> bool:
        """A button holds the image, or Space is held, so that the next press does."""
        return self._grip.holds_image or self._grip.space_held

    @property
    def holds_image(self) -> bool:
        """A button is down and moves the image."""
        return self._grip.holds_image

    def update_cursor(self) -> None:
        """Show by the cursor what the left button would do."""
        shape = self._input.choose_cursor() or self._grip.cursor
        if shape is None:
            self.unsetCursor()
        else:
            self.setCursor(shape)

    def _follow_grip(self) -> None:
        self.update_cursor()
        self.grip_changed.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._grip.take_press(event):
            self._follow_grip()
        elif event.button() == Qt.MouseButton.LeftButton and not self._input.press_left(event.position(), event):
            self._grip.begin_click(event.position())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        left = event.button() == Qt.MouseButton.LeftButton and not self.panning
        if not (left and self._input.double_click_left(event.position(), event)):
            self.mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        # Also while the image is moved, or what is drawn at the mouse would be at another place.
        self._input.track_mouse(event.position())
        if (step := self._grip.take_step(event)) is None:
            self._input.move_mouse(event.position(), event)
        else:
            self.pan_by(step)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._grip.take_release(event):
            self._follow_grip()
        elif event.button() == Qt.MouseButton.LeftButton and self._grip.is_clicking:
            if self._grip.end_click(event.position()) and self.has_image:
                self.image_clicked.emit(self.to_image(event.position()))
            self.grip_changed.emit()
        elif event.button() == Qt.MouseButton.LeftButton:
            self._input.release_left(event.position(), event)

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

    def enterEvent(self, event: QEnterEvent) -> None:
        # Keys go to the image under the mouse, but never away from a field that is being typed in.
        if not isinstance(QApplication.focusWidget(), TYPED_IN):
            self.setFocus(Qt.FocusReason.MouseFocusReason)
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._input.leave_view()
        super().leaveEvent(event)

    # -- keys

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent) and event.gestureType() is ZOOM:
            self.zoom_to(self.scale * (1 + event.value()), event.position())
            return True
        if isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.ShortcutOverride and _is_space(event):
                # An action that has Space hears of a tap only, so that the image can still be moved.
                event.accept()
                return True
            if event.type() == QEvent.Type.KeyPress and event.key() in TABS and self._take_tab(event):
                return True
        return super().event(event)

    def _take_tab(self, event: QKeyEvent) -> bool:
        """Tab would leave for the next widget before keyPressEvent saw it; where it is taken, Ctrl+Tab still does."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            return self.focusNextPrevChild(event.key() == Qt.Key.Key_Tab)
        return self._input.press_key(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if _is_space(event):
            if not event.isAutoRepeat():
                self._grip.hold_space()
                self._follow_grip()
        elif not self._input.press_key(event):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            tapped = self._grip.release_space()
            self._follow_grip()
            if tapped:
                self.space_tapped.emit()
        elif not self._input.release_key(event):
            super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._input.lose_focus()
        self._grip.forget_space()
        self._follow_grip()
        self.update()
        super().focusOutEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()
        super().focusInEvent(event)

    # -- the widget

    def resizeEvent(self, event: QResizeEvent) -> None:
        only_strip, moved_by = self._follow_place(event)
        if self._port.fitted and not only_strip:
            self.fit_image()
        elif self.has_image:
            if only_strip:
                self._viewport.offset -= QPointF(0, moved_by)
            self._port.keep_in_sight()
            self._view_moved()
        super().resizeEvent(event)

    def _follow_place(self, event: QResizeEvent) -> tuple[bool, int]:
        """Whether no more than a strip above or below came or went, and how far down that moved the view.

        The image stays where it is then, since one may be aiming at it. Strips that come with an image are no such case.
        """
        top, size = self.mapTo(self.window(), QPoint(0, 0)).y(), self.window().size()
        moved_by, same = top - self._top, size == self._window_size and event.size().width() == event.oldSize().width()
        self._top, self._window_size = top, size
        return same and self.has_image and self._shown.elapsed() > SETTLED_MS, moved_by

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self.update()
        super().changeEvent(event)

    def sizeHint(self) -> QSize:
        return QSize(640, 480)


def _is_space(event: QKeyEvent) -> bool:
    return event.key() == Qt.Key.Key_Space and event.modifiers() == Qt.KeyboardModifier.NoModifier
