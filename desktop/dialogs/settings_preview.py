"""A small canvas that shows what the settings of the canvas do."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from core.project.palette import COLORS
from core.settings import Preferences
from desktop.theme import theme


class CanvasPreview(QWidget):
    """An image with a box, a selected box, and the guides of one being drawn."""

    def __init__(self, values: Preferences) -> None:
        super().__init__()
        self._values = values
        self.setMinimumHeight(150)
        self.setAccessibleName("Preview of the canvas")

    def show_values(self, values: Preferences) -> None:
        self._values = values
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(480, 220)

    def paintEvent(self, event: QPaintEvent) -> None:
        values, painter = self._values, QPainter(self)
        around = QColor(values.canvas_background) if values.canvas_background else theme().canvas
        painter.fillRect(self.rect(), around)
        image = QRectF(self.rect()).adjusted(28, 16, -28, -16)
        metal = QLinearGradient(image.topLeft(), image.bottomRight())
        metal.setColorAt(0, QColor("#5d6166"))
        metal.setColorAt(0.5, QColor("#8b9096"))
        metal.setColorAt(1, QColor("#43474c"))
        painter.fillRect(image, metal)
        self._paint_scratch(painter, image)
        plain = _part(image, 0.08, 0.2, 0.3, 0.75)
        chosen = _part(image, 0.42, 0.3, 0.7, 0.85)
        self._paint_box(painter, plain, QColor(COLORS[0]), selected=False)
        self._paint_box(painter, chosen, QColor(COLORS[1]), selected=True)
        if values.canvas_crosshair:
            at = QPointF(image.left() + 0.86 * image.width(), image.top() + 0.36 * image.height())
            color = QColor(values.canvas_guide_color)
            color.setAlpha(170)
            painter.setPen(QPen(color, 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(0, at.y()), QPointF(self.width(), at.y()))
            painter.drawLine(QPointF(at.x(), 0), QPointF(at.x(), self.height()))
        painter.end()

    def _paint_box(self, painter: QPainter, rect: QRectF, color: QColor, *, selected: bool) -> None:
        width = self._values.canvas_line_width * (1.5 if selected else 1.0)
        if selected:
            wash = QColor(color)
            wash.setAlphaF(self._values.canvas_fill_opacity)
            painter.fillRect(rect, wash)
        for pen in (QPen(QColor(0, 0, 0, 150), width + 2), QPen(color, width)):
            pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
            painter.setPen(pen)
            painter.drawRect(rect)

    @staticmethod
    def _paint_scratch(painter: QPainter, image: QRectF) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(235, 238, 242, 190), 2))
        painter.drawLine(
            _part(image, 0.46, 0.42, 0.66, 0.74).topLeft(), _part(image, 0.46, 0.42, 0.66, 0.74).bottomRight()
        )
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(30, 32, 36, 200))
        painter.drawEllipse(_part(image, 0.14, 0.38, 0.24, 0.62))
        painter.restore()


def _part(rect: QRectF, left: float, top: float, right: float, bottom: float) -> QRectF:
    """A part of `rect`, given in shares of its width and height."""
    corner = QPointF(rect.left() + left * rect.width(), rect.top() + top * rect.height())
    return QRectF(corner, QPointF(rect.left() + right * rect.width(), rect.top() + bottom * rect.height()))
