"""What the canvas says over the image: the labels of the next box, and which box is meant elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from desktop.base.theme import text_on, theme
from desktop.viewer.box_painter import TAG_HEIGHT, TAG_PADDING, tag_font

INSET = 12.0  # of the badge from the corner of the canvas, in widget pixels
WIDEST_NAME = 220.0
DARK = QColor(16, 18, 22, 235)


def paint_next_labels(
    painter: QPainter, width: float, colors: Sequence[QColor], names: Sequence[str], *, kept: bool, off_key: str
) -> None:
    """The labels of the next box, large in the corner; unmistakable where they are kept for every box to come."""
    font = tag_font()
    if kept:
        font.setPixelSize(15)
        font.setBold(True)
    metrics = QFontMetricsF(font)
    loud = theme().warning
    first = (
        ("KEEPING for every next box:" if names else "KEEPING labels: the next that you give") if kept else "Next box:"
    )
    parts = [(first, loud if kept else DARK), *zip(names, colors, strict=True)]
    stop = f"{off_key} stops it" if off_key else "stop it beside the labels"
    parts.append((stop if kept else "Esc clears", DARK))
    height = TAG_HEIGHT + (14 if kept else 8)
    painter.save()
    painter.setFont(font)
    left, top = INSET, INSET
    shape = QRectF(left, top, 0, height)
    for text, ground in parts:
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, WIDEST_NAME if ground is not loud else width)
        size = QSizeF(metrics.horizontalAdvance(shown) + 2 * TAG_PADDING + 6, height)
        if left + size.width() > width - INSET and left > INSET:
            left, top = INSET, top + height
        part = QRectF(QPointF(left, top), size)
        painter.fillRect(part, ground)
        painter.setPen(text_on(ground))
        painter.drawText(part, Qt.AlignmentFlag.AlignCenter, shown)
        left = part.right()
        shape = shape.united(part)
    if kept:
        painter.setPen(QPen(loud, 3))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(shape.adjusted(-1.5, -1.5, 1.5, 1.5))
    painter.restore()


def paint_halo(painter: QPainter, rect: QRectF) -> None:
    """Around the box that the mouse is on in a list."""
    painter.save()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for width, color in ((7.0, QColor(0, 0, 0, 110)), (3.0, QColor("#ffffff"))):
        painter.setPen(QPen(color, width))
        painter.drawRect(rect.adjusted(-5, -5, 5, 5))
    painter.restore()
