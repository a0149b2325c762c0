"""Which box on the image is meant in a list elsewhere."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen


def paint_halo(painter: QPainter, rect: QRectF) -> None:
    """Around the box that the mouse is on in a list."""
    painter.save()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for width, color in ((7.0, QColor(0, 0, 0, 110)), (3.0, QColor("#ffffff"))):
        painter.setPen(QPen(color, width))
        painter.drawRect(rect.adjusted(-5, -5, 5, 5))
    painter.restore()
