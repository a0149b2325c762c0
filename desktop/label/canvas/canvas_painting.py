"""Everything that is drawn over the image on the Label page, in the order in which it lies there."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter

from desktop.label.canvas import interaction as act
from desktop.label.canvas import overlay
from desktop.label.canvas.box_picture import BoxPicture, CanvasStyle
from desktop.label.canvas.canvas_state import ViewState
from desktop.label.canvas.halo import paint_halo
from desktop.label.canvas.measure import Measure, measure_lines, size_text
from desktop.label.canvas.pixel_grid import PixelGrid, ValueAt
from desktop.label.canvas.shaping import XYXY, Point
from desktop.label.canvas.view_transform import ViewTransform


@dataclass(frozen=True, slots=True)
class OverlayScene:
    """What there is to draw."""

    view: ViewTransform
    saved: act.Boxes  # the boxes as they are in the project
    shown: act.Boxes  # and as they are in the middle of a gesture
    selected: frozenset[int]
    hovered: int | None
    handles: bool  # of the one selected box
    gesture: act.Gesture | None
    pointer: QPointF | None
    new: XYXY | None  # the box that is being drawn
    guides: bool
    measure: Measure | None
    highlighted: int | None  # the box that a list points at
    next_labels: frozenset[int]  # of the box that is drawn
    size: tuple[int, int]  # of the image
    mm_per_pixel: float | None
    edge: int  # width of the rulers
    hurried: bool  # in the middle of a zoom or while a slider moves


class CanvasPainting:
    """Keeps what is costly to draw."""

    def __init__(self) -> None:
        self.boxes = BoxPicture()
        self.grid = PixelGrid()

    def paint_scene(
        self, painter: QPainter, scene: OverlayScene, state: ViewState, style: CanvasStyle, value_at: ValueAt
    ) -> None:
        if state.pixel_grid and (grid := self.grid.make_picture(scene.view, scene.size, value_at)) is not None:
            painter.drawImage(0, 0, grid)
        if not state.hidden:
            self._paint_boxes(painter, scene, state, style)
        self._paint_gesture(painter, scene, style)
        if scene.measure is not None:
            start, end = (_to_widget(point, scene.view) for point in (scene.measure.start, scene.measure.end))
            lines = measure_lines(scene.measure, scene.mm_per_pixel)
            overlay.paint_measure(painter, start, end, lines, scene.view)
        if scene.guides and scene.pointer is not None:
            color = QColor(style.guide_color)
            color.setAlpha(190)
            overlay.paint_guides(painter, scene.pointer, scene.view, color)
        if state.rulers:
            overlay.paint_rulers(painter, scene.view, scene.pointer)

    def _paint_boxes(self, painter: QPainter, scene: OverlayScene, state: ViewState, style: CanvasStyle) -> None:
        boxes, port = self.boxes, scene.view
        boxes.paint_boxes(painter, scene.saved, scene.shown, scene.selected, port, style)
        if scene.hovered is not None and (box := scene.shown.box(scene.hovered)) is not None:
            boxes.paint_hover(painter, box.xyxy, port, style)
        if scene.highlighted is not None and (box := scene.shown.box(scene.highlighted)) is not None:
            x1, y1, x2, y2 = box.xyxy
            paint_halo(painter, QRectF(_to_widget((x1, y1), port), _to_widget((x2, y2), port)))
        if not state.names_hidden:
            boxes.paint_tags(
                painter,
                scene.saved,
                scene.shown,
                scene.selected,
                scene.hovered,
                port,
                scene.edge,
                hurried=scene.hurried,
            )
        one = scene.shown.chosen(scene.selected) if len(scene.selected) == 1 else []
        if one and scene.handles:
            points = act.place_handles(one[0].xyxy, port.scale).values()
            overlay.paint_handles(painter, [_to_widget(point, port) for point in points], port)

    def _paint_gesture(self, painter: QPainter, scene: OverlayScene, style: CanvasStyle) -> None:
        if scene.new is not None:
            self.boxes.paint_new(painter, scene.new, scene.next_labels, scene.view, style)
            self._paint_size(painter, scene.new, scene)
        elif isinstance(scene.gesture, act.Resizing) and (box := scene.shown.box(scene.gesture.box_id)) is not None:
            self._paint_size(painter, box.xyxy, scene)
        elif isinstance(scene.gesture, act.Banding) and scene.pointer is not None:
            frame = QRectF(_to_widget(scene.gesture.start, scene.view), scene.pointer).normalized()
            overlay.paint_band(painter, frame, scene.view)

    def _paint_size(self, painter: QPainter, xyxy: XYXY, scene: OverlayScene) -> None:
        """How large the box is that is drawn or resized, below its lower right corner."""
        corner = _to_widget((xyxy[2], xyxy[3]), scene.view) + QPointF(2, 8)
        overlay.paint_words(painter, [size_text(xyxy, scene.mm_per_pixel)], corner, scene.view, to_left=True)


def _to_widget(point: Point, port: ViewTransform) -> QPointF:
    return QPointF(point[0] * port.scale + port.left, point[1] * port.scale + port.top)
