"""Boxes that count for nothing look like no box that does."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from desktop.viewer.box_painter import paint_box

RECT = QRectF(10, 10, 60, 60)


def painted(colors: list[str], **how: bool) -> QImage:
    image = QImage(80, 80, QImage.Format.Format_RGB32)
    image.fill(QColor("#808080"))
    painter = QPainter(image)
    paint_box(painter, RECT, [QColor(color) for color in colors], colors, tag=False, **how)
    painter.end()
    return image


def test_hatching_fills_a_box_where_two_labels_only_part_its_outline() -> None:
    def inside(image: QImage) -> set[str]:
        return {image.pixelColor(x, y).name() for x in range(16, 64) for y in range(16, 64)}

    assert inside(painted(["red", "blue"])) == {"#808080"} == inside(painted(["red"], dashed=True))
    assert len(inside(painted(["red"], hatched=True))) > 1
    assert len(inside(painted(["red", "blue"], hatched=True))) > 1
