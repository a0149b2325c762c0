from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QNativeGestureEvent, QPointingDevice, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from core.imaging.adjust import Adjustment
from desktop.viewer.view import SCROLL_STEP, WHEEL_STEP, ImageView
from desktop.viewer.view_input import ViewInput
from tests.desktop.mouse import drag, move

NONE = Qt.KeyboardModifier.NoModifier
CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def view(qtbot: QtBot) -> ImageView:
    view = ImageView()
    qtbot.addWidget(view)
    view.resize(400, 300)
    view.show()
    view.set_image(np.full((600, 1000, 3), 90, np.uint8))
    return view


def turn(view: ImageView, notches: QPoint, keys: Qt.KeyboardModifier = NONE, pixels: QPoint | None = None) -> None:
    at = QPointF(100, 80)
    phase = Qt.ScrollPhase.NoScrollPhase
    event = QWheelEvent(
        at, view.mapToGlobal(at), pixels or QPoint(), notches * 120, Qt.MouseButton.NoButton, keys, phase, False
    )
    QApplication.sendEvent(view, event)


def corner(view: ImageView) -> QPointF:
    return view.to_widget(QPointF(0, 0))


def same_pixel(one: QPointF, other: QPointF) -> bool:
    """The image's corner lies on whole pixels of the screen."""
    return max(abs((one - other).x()), abs((one - other).y())) <= 1.0


def gray_of(view: ImageView) -> np.ndarray:
    image = view.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    return np.array(image.constBits()).reshape(image.height(), image.bytesPerLine())[:, : image.width()]


def test_the_wheel_scrolls_and_with_shift_sideways(view: ImageView) -> None:
    view.zoom_to(2.0, QPointF(200, 150))
    scale, before = view.scale, corner(view)
    turn(view, QPoint(0, -1))
    assert corner(view) == before + QPointF(0, -SCROLL_STEP)
    turn(view, QPoint(0, -1), SHIFT)
    assert corner(view) == before + QPointF(-SCROLL_STEP, -SCROLL_STEP)
    turn(view, QPoint(1, 0))
    assert corner(view) == before + QPointF(0, -SCROLL_STEP)
    assert view.scale == scale


def test_a_touchpad_scrolls_as_far_as_the_fingers_go(view: ImageView) -> None:
    view.zoom_to(2.0, QPointF(200, 150))
    before = corner(view)
    turn(view, QPoint(0, -1), pixels=QPoint(-7, -13))
    assert corner(view) == before + QPointF(-7, -13)


def test_the_wheel_with_ctrl_zooms_at_the_cursor(view: ImageView) -> None:
    under, scale = view.to_image(QPointF(100, 80)), view.scale
    turn(view, QPoint(0, 1), CTRL)
    assert view.scale == pytest.approx(scale * WHEEL_STEP)
    assert same_pixel(view.to_widget(under), QPointF(100, 80))
    turn(view, QPoint(0, -2), CTRL)
    assert view.scale == pytest.approx(scale / WHEEL_STEP)


def test_pinching_zooms_at_the_fingers(view: ImageView) -> None:
    at = QPointF(150, 90)
    under, scale = view.to_image(at), view.scale
    device = QPointingDevice.primaryPointingDevice()
    kind = Qt.NativeGestureType.ZoomNativeGesture
    event = QNativeGestureEvent(kind, device, 2, at, at, view.mapToGlobal(at), 0.25, QPointF())
    QApplication.sendEvent(view, event)
    assert view.scale == pytest.approx(scale * 1.25)
    assert same_pixel(view.to_widget(under), at)


@pytest.mark.parametrize("steps", [1, 12])
def test_zooming_in_and_out_again_ends_where_it_began(view: ImageView, steps: int) -> None:
    at = QPointF(61, 47)
    view.zoom_to(0.731, at)
    before, scale = corner(view), view.scale
    for factor in [1.07] * steps + [1 / 1.07] * steps:
        view.zoom_to(view.scale * factor, at)
    assert view.scale == pytest.approx(scale) and corner(view) == before


@pytest.mark.parametrize("scale", [0.3, 0.97, 1.0, 1.5, 3.7])
def test_image_and_boxes_lie_on_the_same_pixels_of_the_screen(view: ImageView, scale: float) -> None:
    image = np.zeros((600, 1000, 3), np.uint8)
    image[200:300, 400:700] = 255
    view.set_image(image)
    view.set_background(QColor(0, 0, 0))
    view.zoom_to(scale, QPointF(103.3, 77.7))
    view.center_on(QPointF(400.21, 250.43))  # the left edge of the white
    for _ in range(7):
        view.pan_by(QPointF(0.37, -0.61))
        frame = view.rect_to_widget((400, 200, 700, 300))
        row = gray_of(view)[round(frame.center().y()), 1:-1] / 255  # without the line around what has the focus
        begin, end = frame.left() - 1, min(frame.right() - 1, row.size)
        # How much of the row is white tells where its edges are, in fractions of a pixel.
        assert row.sum() == pytest.approx(end - begin, abs=0.6)
        assert row[: int(begin) - 1].max() < 0.1 < 0.9 < row[int(begin) + 2 : int(end) - 2].min()


def test_scrolling_stops_at_the_edges_and_leaves_alone_what_is_seen_whole(view: ImageView) -> None:
    before = corner(view)
    turn(view, QPoint(0, -3))
    assert corner(view) == before
    view.zoom_to(2.0, QPointF(200, 150))
    for _ in range(40):
        turn(view, QPoint(-1, -1))
    frame = view.rect_to_widget((0, 0, 1000, 600))
    assert 0 < view.width() - frame.right() < 40 and 0 < view.height() - frame.bottom() < 40


def test_scrolling_never_jumps_where_the_image_was_panned_off(view: ImageView) -> None:
    view.zoom_to(2.0, QPointF(200, 150))
    view.pan_by(QPointF(0, 5000))
    before = corner(view)
    turn(view, QPoint(0, 1))
    assert corner(view) == before
    turn(view, QPoint(0, -1))
    assert corner(view).y() == pytest.approx(before.y() - SCROLL_STEP)


def test_the_middle_button_and_space_with_the_left_one_pan(qtbot: QtBot, view: ImageView) -> None:
    view.zoom_to(2.0, QPointF(200, 150))
    before = corner(view)
    qtbot.keyPress(view, Qt.Key.Key_Space)
    drag(qtbot, view, QPoint(100, 100), QPoint(130, 80))
    qtbot.keyRelease(view, Qt.Key.Key_Space)
    assert corner(view) == before + QPointF(30, -20)
    qtbot.mousePress(view, Qt.MouseButton.MiddleButton, pos=QPoint(50, 50))
    assert view.cursor().shape() == Qt.CursorShape.ClosedHandCursor
    qtbot.mouseRelease(view, Qt.MouseButton.MiddleButton, pos=QPoint(50, 50))
    assert view.cursor().shape() != Qt.CursorShape.ClosedHandCursor


def test_the_visible_part_is_told_in_image_pixels(view: ImageView) -> None:
    assert view.visible_rect() == QRectF(0, 0, 1000, 600)
    view.zoom_to(2.0, QPointF(200, 150))
    view.center_on(QPointF(400, 300))
    seen = view.visible_rect()
    assert (seen.width(), seen.height()) == (200, 150)
    assert (seen.center() - QPointF(400, 300)).manhattanLength() < 1e-6
    view.set_image(None)
    assert view.visible_rect().isEmpty()


def test_an_adjustment_changes_the_screen_and_not_the_pixels(view: ImageView) -> None:
    at = view.rect().center()
    view.set_adjustment(Adjustment(brightness=20))
    assert view.grab().toImage().pixelColor(at) == QColor(141, 141, 141)
    assert view.make_overview().pixelColor(5, 5) == QColor(141, 141, 141)
    assert view.rgb_at(500, 300) == (90, 90, 90)
    around = view.grab().toImage().pixelColor(2, 2)
    view.set_adjustment(None)
    assert view.grab().toImage().pixelColor(at) == QColor(90, 90, 90)
    assert view.grab().toImage().pixelColor(2, 2) == around


def test_an_adjustment_stays_for_the_next_image(view: ImageView) -> None:
    view.set_adjustment(Adjustment(stretch=True))
    ramp = np.repeat(np.linspace(100, 120, 1000).astype(np.uint8)[None, :, None], 600, axis=0).repeat(3, axis=2)
    view.set_image(ramp)
    shown = view.grab().toImage()
    frame = view.rect_to_widget((0, 0, 1000, 600))
    middle = view.height() // 2
    assert shown.pixelColor(int(frame.left()) + 3, middle).red() == 0
    assert shown.pixelColor(int(frame.right()) - 3, middle).red() == 255


class _Taking(ViewInput):
    """Takes the left button, Tab and one key, and notes what it hears of."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def press_left(self, at: QPointF, event: QMouseEvent) -> bool:
        self.heard.append("press")
        return True

    def move_mouse(self, at: QPointF, event: QMouseEvent) -> None:
        self.heard.append("move")

    def release_left(self, at: QPointF, event: QMouseEvent) -> None:
        self.heard.append("release")

    def press_key(self, event: QKeyEvent) -> bool:
        self.heard.append("key")
        return event.key() in (Qt.Key.Key_Tab, Qt.Key.Key_X)

    def choose_cursor(self) -> Qt.CursorShape:
        return Qt.CursorShape.CrossCursor


def test_an_input_handler_takes_the_left_button_and_keys_and_leaves_panning_to_the_view(
    qtbot: QtBot, view: ImageView
) -> None:
    handler, clicks = _Taking(), list[QPointF]()
    view.set_input(handler)
    view.image_clicked.connect(clicks.append)
    view.zoom_by(10)
    before = view.visible_rect()
    drag(qtbot, view, QPoint(100, 100), QPoint(140, 120))
    assert handler.heard == ["press", "move", "move", "release"]
    assert view.visible_rect() == before and clicks == []
    assert view.cursor().shape() is Qt.CursorShape.CrossCursor
    qtbot.mousePress(view, Qt.MouseButton.MiddleButton, pos=QPoint(100, 100))
    move(view, QPointF(140, 120), held=Qt.MouseButton.MiddleButton)
    qtbot.mouseRelease(view, Qt.MouseButton.MiddleButton, pos=QPoint(140, 120))
    assert view.visible_rect() != before and len(handler.heard) == 4
    qtbot.keyClick(view, Qt.Key.Key_Tab)
    qtbot.keyClick(view, Qt.Key.Key_X)
    qtbot.keyClick(view, Qt.Key.Key_Space)
    assert handler.heard[4:] == ["key", "key"]


def test_overlays_draw_over_the_image_in_their_order_and_not_without_one(view: ImageView) -> None:
    view.add_overlay(lambda painter: painter.fillRect(view.rect(), QColor(255, 0, 0)))
    view.add_overlay(lambda painter: painter.fillRect(0, 0, 10, 10, QColor(0, 0, 255)))
    shown = view.grab().toImage()
    assert shown.pixelColor(5, 5) == QColor(0, 0, 255) and shown.pixelColor(50, 50) == QColor(255, 0, 0)
    view.set_image(None)
    assert view.grab().toImage().pixelColor(50, 50) != QColor(255, 0, 0)
