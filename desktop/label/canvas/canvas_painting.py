"""Everything that is drawn over the image on the Label page, in the order in which it lies there."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter

from desktop.label.canvas import interaction as act
from desktop.label.canvas import overlay
from desktop.label.canvas.badge import paint_halo, paint_next_labels
from desktop.label.canvas.box_picture import BoxPicture, CanvasStyle
from desktop.label.canvas.canvas_state import ViewState
from desktop.label.canvas.measure import Measure, measure_lines, size_text
from desktop.label.canvas.pixel_grid import PixelGrid, ValueAt
from desktop.label.canvas.view_transform import ViewTransform


@dataclass(frozen=True, slots=True)
class OverlayScene:
    """What there is to draw."""

    port: ViewTransform
    still: act.Boxes  # the boxes as they are in the project
    shown: act.Boxes  # and as they are in the middle of a gesture
    selected: frozenset[int]
    hovered: int | None
    handles: bool  # of the one selected box
    gesture: act.Gesture | None
    pointer: QPointF | None
    new: act.XYXY | None  # the box that is being drawn
    guides: bool
    measure: Measure | None
    highlighted: int | None  # the box that a list points at
    next_labels: frozenset[int]
    labels_kept: bool
    off_key: str  # that ends keeping them
    size: tuple[int, int]  # of the image
    mm_per_pixel: float | None
    edge: int  # width of the rulers
    hurried: bool  # in the middle of a zoom


class CanvasPainting:
    """Keeps what is costly to draw."""

    def __init__(self) -> None:
        self.boxes = BoxPicture()
        self.grid = PixelGrid()

    def paint(
        self, painter: QPainter, now: OverlayScene, state: ViewState, style: CanvasStyle, value_at: ValueAt
    ) -> None:
        if state.pixel_grid and (grid := self.grid.picture(now.port, now.size, value_at)) is not None:
            painter.drawImage(0, 0, grid)
        if not state.hidden:
            self._paint_boxes(painter, now, state, style)
        self._paint_gesture(painter, now, style)
        if now.measure is not None:
            start, end = (_to_widget(point, now.port) for point in (now.measure.start, now.measure.end))
            lines = measure_lines(now.measure, now.mm_per_pixel)
            overlay.paint_measure(painter, start, end, lines, now.port)
        if now.guides and now.pointer is not None:
            color = QColor(style.guide_color)
            color.setAlpha(190)
            overlay.paint_guides(painter, now.pointer, now.port, color)
        if state.rulers:
            overlay.paint_rulers(painter, now.port, now.pointer)
        if now.labels_kept or (now.next_labels and not now.selected):
            look = self.boxes.look(now.next_labels)
            colors, names = [QColor(color) for _, color in look], [name for name, _ in look]
            painter.translate(now.edge, now.edge)
            paint_next_labels(
                painter, now.port.width - now.edge, colors, names, kept=now.labels_kept, off_key=now.off_key
            )
            painter.translate(-now.edge, -now.edge)

    def _paint_boxes(self, painter: QPainter, now: OverlayScene, state: ViewState, style: CanvasStyle) -> None:
        boxes, port = self.boxes, now.port
        boxes.paint_boxes(painter, now.still, now.shown, now.selected, port, style)
        if now.hovered is not None and (box := now.shown.box(now.hovered)) is not None:
            boxes.paint_hover(painter, box.xyxy, port, style)
        if now.highlighted is not None and (box := now.shown.box(now.highlighted)) is not None:
            x1, y1, x2, y2 = box.xyxy
            paint_halo(painter, QRectF(_to_widget((x1, y1), port), _to_widget((x2, y2), port)))
        if not state.names_hidden:
            boxes.paint_tags(
                painter, now.still, now.shown, now.selected, now.hovered, port, now.edge, hurried=now.hurried
            )
        one = now.shown.chosen(now.selected) if len(now.selected) == 1 else []
        if one and now.handles:
            points = act.handle_points(one[0].xyxy, port.scale).values()
            overlay.paint_handles(painter, [_to_widget(point, port) for point in points], port)

    def _paint_gesture(self, painter: QPainter, now: OverlayScene, style: CanvasStyle) -> None:
        if now.new is not None:
            self.boxes.paint_new(painter, now.new, now.next_labels, now.port, style)
            self._paint_size(painter, now.new, now)
        elif isinstance(now.gesture, act.Resizing) and (box := now.shown.box(now.gesture.box_id)) is not None:
            self._paint_size(painter, box.xyxy, now)
        elif isinstance(now.gesture, act.Banding) and now.pointer is not None:
            frame = QRectF(_to_widget(now.gesture.start, now.port), now.pointer).normalized()
            overlay.paint_band(painter, frame, now.port)

    def _paint_size(self, painter: QPainter, xyxy: act.XYXY, now: OverlayScene) -> None:
        """How large the box in the hand is, below its lower right corner."""
        corner = _to_widget((xyxy[2], xyxy[3]), now.port) + QPointF(2, 8)
        overlay.paint_words(painter, [size_text(xyxy, now.mm_per_pixel)], corner, now.port, to_left=True)


def _to_widget(point: act.Point, port: ViewTransform) -> QPointF:
    return QPointF(point[0] * port.scale + port.left, point[1] * port.scale + port.top)
