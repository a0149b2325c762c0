"""What is drawn over image and boxes for a moment: guides, frames, measures, words. In widget coordinates."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from desktop.base.theme import mono_font, theme
from desktop.label.canvas.measure import ruler_marks
from desktop.label.canvas.view_transform import ViewTransform
from desktop.viewer.box_painter import tag_font

DARK = QColor(8, 9, 12, 225)
SHADOW = QColor(0, 0, 0, 110)
HANDLE = 8.0  # side of a handle's square, in widget pixels
PILL_HEIGHT = 20.0
RULER = 16.0  # width of the rulers, in widget pixels: no wider than the margin around a fitted image


def paint_guides(painter: QPainter, at: QPointF, port: ViewTransform, color: QColor) -> None:
    """Lines through `at` from edge to edge, with a gap around it so that the pixel itself is seen."""
    gap = 9.0
    x, y, line = _snap_pixel(at.x(), port), _snap_pixel(at.y(), port), _line_width(port)
    for shift, tint in ((line, SHADOW), (0.0, color)):
        painter.fillRect(QRectF(0, y + shift, x - gap, line), tint)
        painter.fillRect(QRectF(x + gap, y + shift, port.width - x - gap, line), tint)
        painter.fillRect(QRectF(x + shift, 0, line, y - gap), tint)
        painter.fillRect(QRectF(x + shift, y + gap, line, port.height - y - gap), tint)


def paint_handles(painter: QPainter, points: Iterable[QPointF], port: ViewTransform) -> None:
    """The squares by which a box is resized."""
    line = _line_width(port)
    for point in points:
        x, y = _snap_pixel(point.x() - HANDLE / 2, port), _snap_pixel(point.y() - HANDLE / 2, port)
        painter.fillRect(QRectF(x - line, y - line, HANDLE + 2 * line, HANDLE + 2 * line), DARK)
        painter.fillRect(QRectF(x, y, HANDLE, HANDLE), QColor("#ffffff"))


def paint_band(painter: QPainter, frame: QRectF, port: ViewTransform) -> None:
    """The frame that selects what it touches."""
    wash = QColor(theme().accent)
    wash.setAlpha(46)
    painter.fillRect(frame, wash)
    paint_frame(painter, frame, port, theme().accent)


def paint_frame(painter: QPainter, frame: QRectF, port: ViewTransform, color: QColor, width: float = 1.0) -> None:
    """A crisp rectangle."""
    line = max(1, round(width * port.ratio)) / port.ratio
    x1, y1, x2, y2 = (_snap_pixel(side, port) for side in (frame.left(), frame.top(), frame.right(), frame.bottom()))
    painter.fillRect(QRectF(x1, y1, x2 - x1, line), color)
    painter.fillRect(QRectF(x1, y2 - line, x2 - x1, line), color)
    painter.fillRect(QRectF(x1, y1, line, y2 - y1), color)
    painter.fillRect(QRectF(x2 - line, y1, line, y2 - y1), color)


def paint_measure(painter: QPainter, start: QPointF, end: QPointF, lines: Sequence[str], port: ViewTransform) -> None:
    """A distance: the line, what it is across and down, and its numbers beside its end."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    corner = QPointF(end.x(), start.y())
    for width, color in ((3.0, SHADOW), (1.0, QColor(255, 255, 255, 190))):
        pen = QPen(color, width, Qt.PenStyle.DashLine)
        pen.setDashPattern([4 / width, 4 / width])
        painter.setPen(pen)
        painter.drawLine(QLineF(start, corner))
        painter.drawLine(QLineF(corner, end))
    line = QLineF(start, end)
    across = QPointF(-line.dy(), line.dx()) * (6 / line.length()) if line.length() else QPointF()
    for width, color in ((4.0, QColor(0, 0, 0, 170)), (2.0, QColor("#ffd84d"))):
        painter.setPen(QPen(color, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
        painter.drawLine(line)
        for point in (start, end):
            painter.drawLine(QLineF(point - across, point + across))
    painter.restore()
    away = QPointF(14 if end.x() >= start.x() else -14, 14 if end.y() >= start.y() else -14)
    paint_words(painter, lines, end + away, port, to_left=end.x() < start.x(), upward=end.y() < start.y())


def paint_words(
    painter: QPainter,
    lines: Sequence[str],
    at: QPointF,
    port: ViewTransform,
    *,
    to_left: bool = False,
    upward: bool = False,
) -> QRectF:
    """Lines of words on a dark ground with a corner at `at`, moved into the view; returns where they are."""
    painter.save()
    font = tag_font()
    metrics = QFontMetricsF(font)
    width = max(math.ceil(metrics.horizontalAdvance(line)) for line in lines) + 16
    height = PILL_HEIGHT + (len(lines) - 1) * (metrics.height() + 1)
    x = at.x() - width if to_left else at.x()
    y = at.y() - height if upward else at.y()
    place = QRectF(
        _snap_pixel(min(max(x, 4), max(4, port.width - width - 4)), port),
        _snap_pixel(min(max(y, 4), max(4, port.height - height - 4)), port),
        width,
        height,
    )
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(DARK)
    painter.drawRoundedRect(place, 4, 4)
    painter.setFont(font)
    painter.setPen(QColor("#ffffff"))
    for number, line in enumerate(lines):
        top = place.top() + (PILL_HEIGHT - metrics.height()) / 2 + number * (metrics.height() + 1)
        painter.drawText(QPointF(place.left() + 8, top + metrics.ascent()), line)
        painter.setPen(QColor(255, 255, 255, 190))
    painter.restore()
    return place


def paint_rulers(painter: QPainter, port: ViewTransform, at: QPointF | None) -> None:
    """Rulers in image pixels along the upper and left edges, with a mark where the mouse is."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setFont(mono_font(9))
    ground, ink, line = theme().panel, theme().muted, _line_width(port)
    painter.fillRect(QRectF(0, 0, port.width, RULER), ground)
    painter.fillRect(QRectF(0, RULER, RULER, port.height - RULER), ground)
    for upright in (False, True):
        origin, length = (port.top, port.height) if upright else (port.left, port.width)
        for place, number in ruler_marks((RULER - origin) / port.scale, (length - origin) / port.scale, port.scale):
            along, mark = _snap_pixel(origin + place * port.scale, port), 8.0 if number else 3.0
            box = QRectF(RULER - mark, along, mark, line) if upright else QRectF(along, RULER - mark, line, mark)
            painter.fillRect(box, ink)
            if number:
                painter.setPen(ink)
                _write_along(painter, number, along, upright)
    painter.fillRect(QRectF(0, RULER, port.width, line), theme().border)
    painter.fillRect(QRectF(RULER, 0, line, port.height), theme().border)
    if at is not None:
        painter.fillRect(QRectF(_snap_pixel(at.x(), port), 0, line, RULER), theme().accent)
        painter.fillRect(QRectF(0, _snap_pixel(at.y(), port), RULER, line), theme().accent)
    painter.fillRect(QRectF(0, 0, RULER, RULER), ground)
    painter.restore()


def _write_along(painter: QPainter, number: str, along: float, upright: bool) -> None:
    if not upright:
        painter.drawText(QPointF(along + 3, 9), number)
        return
    painter.save()
    painter.translate(9, along - 3)
    painter.rotate(-90)
    painter.drawText(QPointF(0, 0), number)
    painter.restore()


def _snap_pixel(value: float, port: ViewTransform) -> float:
    return round(value * port.ratio) / port.ratio


def _line_width(port: ViewTransform) -> float:
    """The width of a thin line: whole device pixels."""
    return max(1, round(port.ratio)) / port.ratio
