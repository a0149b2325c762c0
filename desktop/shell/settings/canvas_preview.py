"""The canvas itself, small, on a made-up image: it shows what the settings of the canvas do."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.project.palette import COLORS
from core.settings import Preferences
from core.types import Box, Label
from desktop.label.canvas.annotation_canvas import AnnotationCanvas
from desktop.label.canvas.box_picture import CanvasStyle

WIDTH, HEIGHT = 620, 190
LABELS = (Label(1, "pit", COLORS[0], ""), Label(2, "scratch", COLORS[1], ""))
BOXES = (
    Box(id=1, x1=60, y1=50, x2=160, y2=145, labels=frozenset({1})),
    Box(id=2, x1=270, y1=45, x2=440, y2=155, labels=frozenset({2})),
)


class CanvasPreview(QWidget):
    """A box, a selected box, and under the mouse the guides."""

    def __init__(self, values: Preferences) -> None:
        super().__init__()
        self.canvas = AnnotationCanvas()
        self.canvas.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.canvas.view.setAccessibleName("Preview of the canvas")
        self.canvas.set_labels(LABELS)
        self.canvas.set_image(draw_metal())
        self.canvas.set_boxes(BOXES)
        self.canvas.select_boxes([2])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.canvas.view)
        self.setMinimumHeight(150)
        self.show_values(values)

    def show_values(self, values: Preferences) -> None:
        """Look as these settings say."""
        self.canvas.set_style(
            CanvasStyle(
                line_width=values.canvas_line_width,
                fill_opacity=values.canvas_fill_opacity,
                guides=values.canvas_crosshair,
                guide_color=values.canvas_guide_color,
            )
        )
        self.canvas.set_state(
            minimap=values.canvas_minimap, rulers=values.canvas_rulers, pixel_grid=values.canvas_pixel_grid
        )
        self.canvas.view.set_background(QColor(values.canvas_background) if values.canvas_background else None)

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, HEIGHT + 40)


def draw_metal() -> NDArray[np.uint8]:
    """A brushed surface with a pit and a scratch, RGB."""
    shade = 100 + 40 * np.sin(np.linspace(0.4, 2.6, WIDTH))[None, :] + np.zeros((HEIGHT, 1))
    shade += np.random.default_rng(0).normal(0, 5, (HEIGHT, 1))
    image = np.repeat(shade[:, :, None], 3, axis=2).clip(0, 255).astype(np.uint8)
    cv2.circle(image, (110, 98), 30, (34, 36, 40), -1, cv2.LINE_AA)
    cv2.line(image, (285, 60), (425, 140), (222, 226, 232), 3, cv2.LINE_AA)
    return image
