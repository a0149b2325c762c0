"""All boxes of an image with their names, drawn fast: in layers that are kept while nothing of them changes."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence, Set
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter

from core.types import Label
from desktop.label.canvas.box_layer import UNLABELLED, BoxLayer, Groups, Stroke
from desktop.label.canvas.interaction import Boxes
from desktop.label.canvas.overlay import HANDLE, paint_frame
from desktop.label.canvas.shaping import XYXY
from desktop.label.canvas.tags import Look, Tagged, TagPictures, followed_tags, named_rows, place_tags
from desktop.label.canvas.view_transform import ViewTransform

CHOSEN_WIDER = 1.5  # a selected box's line, in widths of the others
SMALL_MOVE = 48.0  # widget pixels for which tags keep their places
MOST_FORCED = 40  # of selected boxes, names are shown whatever they cover
NOBODY: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class CanvasStyle:
    """What the user has chosen for the look of boxes and guides."""

    line_width: float = 2.0  # widget pixels
    fill_opacity: float = 0.08  # of selected boxes
    guides: bool = False  # also while nothing is drawn
    guide_color: str = "#ffffff"


@dataclass(frozen=True, slots=True, eq=False)
class _Tags:
    """Tags as they were placed for a view; panned a little, they move with the image."""

    key: object
    port: ViewTransform | None
    placed: list[Tagged]


class BoxPicture:
    """Draws a `Boxes`; one per canvas."""

    def __init__(self) -> None:
        self._labels: tuple[Label, ...] = ()
        self._rest, self._chosen, self._new = BoxLayer(), BoxLayer(), BoxLayer()
        self._pictures = TagPictures()
        self._looks: _Looks | None = None
        self._tags = _Tags(None, None, [])

    def set_labels(self, labels: Sequence[Label]) -> None:
        self._labels = tuple(labels)
        self._looks = None

    def find_look(self, labels: Collection[int]) -> Look:
        """Names and colours of a set of labels, in the project's order."""
        return tuple((label.name, label.color) for label in self._labels if label.id in labels)

    def paint_boxes(
        self,
        painter: QPainter,
        still: Boxes,
        shown: Boxes,
        selected: frozenset[int],
        port: ViewTransform,
        style: CanvasStyle,
    ) -> None:
        """All outlines. `shown` differs from `still` only in boxes that are selected: those of the gesture under way."""
        looks = self._all_looks(still)
        held = _find_rows(still, selected)

        def others(seen: ViewTransform) -> Groups:
            rows = seen.in_sight(still.xyxy)
            return looks.group_rows(_leave_out(rows, held))

        key = (still, selected, style, self._labels)
        self._rest.paint_boxes(painter, key, still.xyxy, others, port, Stroke(style.line_width))
        if len(held):
            self._paint_chosen(painter, shown, selected, held, port, style)

    def _paint_chosen(
        self,
        painter: QPainter,
        shown: Boxes,
        selected: frozenset[int],
        held: NDArray[np.intp],
        port: ViewTransform,
        style: CanvasStyle,
    ) -> None:
        looks = self._all_looks(shown)

        def chosen(seen: ViewTransform) -> NDArray[np.intp]:
            return _keep_common(held, seen.in_sight(shown.xyxy))

        rows = chosen(port)
        rects = port.to_device(shown.xyxy[rows]) / port.ratio
        for row, (x1, y1, x2, y2) in zip(rows.tolist(), rects.tolist(), strict=True):
            painter.fillRect(QRectF(x1, y1, x2 - x1, y2 - y1), _make_wash(looks.each[row], style.fill_opacity))
        stroke = Stroke(style.line_width * CHOSEN_WIDER, rim=True)
        key = (shown, selected, style, self._labels)
        _paint_part(
            painter, self._chosen, key, shown.xyxy, lambda seen: looks.group_rows(chosen(seen)), rows, port, stroke
        )

    def paint_hover(self, painter: QPainter, xyxy: XYXY, port: ViewTransform, style: CanvasStyle) -> None:
        """A light line around the box that a click would take."""
        x1, y1, x2, y2 = port.to_widget(np.asarray([xyxy], np.float32))[0].tolist()
        away = style.line_width / 2 + 2
        paint_frame(
            painter,
            QRectF(QPointF(x1, y1), QPointF(x2, y2)).adjusted(-away, -away, away, away),
            port,
            QColor(255, 255, 255, 230),
        )

    def paint_new(
        self, painter: QPainter, xyxy: XYXY, labels: frozenset[int], port: ViewTransform, style: CanvasStyle
    ) -> None:
        """The box that is being drawn, with its names-to-be in colour."""
        corners = np.asarray([xyxy], np.float32)
        colors = tuple(color for _, color in self.find_look(labels))
        stroke = Stroke(style.line_width * CHOSEN_WIDER, rim=True)
        row = np.array([0])
        _paint_part(painter, self._new, (xyxy, colors, style), corners, lambda _seen: {colors: row}, row, port, stroke)

    def paint_tags(
        self,
        painter: QPainter,
        still: Boxes,
        shown: Boxes,
        selected: frozenset[int],
        hovered: int | None,
        port: ViewTransform,
        edge: float = 0.0,
        *,
        hurried: bool = False,
    ) -> None:
        """The names of those boxes for which there is room, and of those that are selected or pointed at.

        Nothing is written within `edge` widget pixels of the left and upper edges. `hurried`: in the middle of a zoom
        names keep to their boxes, and room is looked for when it rests.
        """
        apart = selected if len(selected) <= MOST_FORCED else NOBODY
        key = (still, apart, self._labels, edge)
        bounds = QRectF(edge, edge, port.width - edge, port.height - edge)
        at, placed = QPointF(0, 0), self._tags.placed
        if key == self._tags.key and (moved := _small_move(self._tags.port, port)) is not None:
            at = moved
        elif hurried and key == self._tags.key and self._tags.port is not None:
            placed = self._follow_tags(still, self._tags.port, port)
        else:
            rows = port.in_sight(still.xyxy)
            held = _find_rows(still, apart)
            placed = self._place_tags(still, _leave_out(rows, held), port, bounds)
            self._tags = _Tags(key, port, placed)
        looks = self._all_looks(shown)
        tags = [(tag.row, at + QPointF(tag.x, tag.y)) for tag in reversed(placed)]
        # What is selected or under the mouse changes at every move, and has its names on top.
        meant = _find_rows(shown, apart | ({hovered} if hovered is not None else NOBODY))
        meant = meant[port.in_sight(shown.xyxy[meant])]
        meant = _leave_out(meant, np.array([row for row, _ in tags], np.intp))
        # Beside the handles, which would lie on them.
        named = self._place_tags(shown, meant, port, bounds, always=True, margin=HANDLE)
        tags += [(tag.row, QPointF(tag.x, tag.y)) for tag in named]
        for row, place in tags:
            painter.drawImage(place, self._pictures.get_picture(looks.each[row], port.ratio))

    def _follow_tags(self, boxes: Boxes, before: ViewTransform, now: ViewTransform) -> list[Tagged]:
        rows = np.array([tag.row for tag in self._tags.placed], np.intp)
        seen = set(now.in_sight(boxes.xyxy).tolist())
        corners = boxes.xyxy[rows]
        tags = followed_tags(self._tags.placed, before.to_widget(corners), now.to_widget(corners))
        return [tag for tag in tags if tag.row in seen]

    def _place_tags(
        self,
        boxes: Boxes,
        rows: NDArray[np.intp],
        port: ViewTransform,
        bounds: QRectF,
        *,
        always: bool = False,
        margin: float = 0.0,
    ) -> list[Tagged]:
        """Places for the names of `rows`; `always`: also where they cover something."""
        if not len(rows):
            return []
        looks = self._all_looks(boxes)
        rects = port.to_widget(boxes.xyxy[rows])
        first = list(range(len(rows))) if always else []
        sizes = {}
        for place in named_rows(rects, first):
            size = self._pictures.get_picture(looks.each[int(rows[place])], port.ratio).deviceIndependentSize()
            sizes[place] = (size.width(), size.height())
        return [Tagged(int(rows[tag.row]), tag.x, tag.y) for tag in place_tags(rects, sizes, bounds, first, margin)]

    def _all_looks(self, boxes: Boxes) -> _Looks:
        """How every box is labelled. A gesture changes no labels, so the looks of its begin will do."""
        if self._looks is None or not _same_labels(self._looks.boxes, boxes):
            self._looks = _Looks(boxes, self.find_look)
        return self._looks


class _Looks:
    """Names and colours of all boxes, and their rows by colours."""

    def __init__(self, boxes: Boxes, look: Callable[[frozenset[int]], Look]) -> None:
        made = {labels: look(labels) for labels in {box.labels for box in boxes.all}}
        self.boxes = boxes
        self.each = [made[box.labels] for box in boxes.all]
        colors = {labels: tuple(color for _, color in found) for labels, found in made.items()}
        # A difficult box is dashed: a gap takes its turn among the colours.
        groups = [colors[box.labels] + (("",) if box.difficult and box.labels else ()) for box in boxes.all]
        self._groups = list(dict.fromkeys(groups))
        numbers = {group: number for number, group in enumerate(self._groups)}
        self._group_of = np.array([numbers[group] for group in groups], np.intp)

    def group_rows(self, rows: NDArray[np.intp]) -> Groups:
        """`rows` by their colours."""
        group_of = self._group_of[rows]
        found = {group: rows[group_of == number] for number, group in enumerate(self._groups)}
        return {group: members for group, members in found.items() if len(members)}


# numpy's own set operations import a large part of it at the first call, which would be in the middle of a paint.
def _mark_rows(rows: NDArray[np.intp], marks: NDArray[np.intp]) -> NDArray[np.bool_]:
    """For each of `rows` whether it is among `marks`."""
    marked = np.zeros(max(rows.max(initial=-1), marks.max(initial=-1)) + 1, np.bool_)
    marked[marks] = True
    return marked[rows]


def _leave_out(rows: NDArray[np.intp], others: NDArray[np.intp]) -> NDArray[np.intp]:
    return rows[~_mark_rows(rows, others)] if len(others) else rows


def _keep_common(rows: NDArray[np.intp], others: NDArray[np.intp]) -> NDArray[np.intp]:
    return rows[_mark_rows(rows, others)]


def _find_rows(boxes: Boxes, ids: Set[int]) -> NDArray[np.intp]:
    return np.array(sorted(boxes.rows[one] for one in ids if one in boxes.rows), np.intp)


def _paint_part(
    painter: QPainter,
    layer: BoxLayer,
    key: object,
    xyxy: NDArray[np.float32],
    groups: Callable[[ViewTransform], Groups],
    rows: NDArray[np.intp],
    port: ViewTransform,
    stroke: Stroke,
) -> None:
    """Paint a layer that reaches no farther than around `rows`: a box that is dragged is drawn at every step."""
    if not len(rows):
        return
    width, height = port.device_size
    away = math.ceil((stroke.width + 6) * port.ratio)
    corners = port.to_device(xyxy[rows])
    left, top = (max(0, int(low) - away) for low in corners[:, :2].min(axis=0))
    right, bottom = (
        min(most, int(high) + away) for most, high in zip((width, height), corners[:, 2:].max(axis=0), strict=True)
    )
    if right <= left or bottom <= top:
        return
    x, y = left / port.ratio, top / port.ratio
    part = replace(
        port,
        left=port.left - x,
        top=port.top - y,
        width=(right - left) / port.ratio,
        height=(bottom - top) / port.ratio,
    )
    painter.translate(x, y)
    layer.paint_boxes(painter, key, xyxy, groups, part, stroke)
    painter.translate(-x, -y)


def _small_move(before: ViewTransform | None, now: ViewTransform) -> QPointF | None:
    """How far the image has moved since; None if it was zoomed, or moved so far that other boxes are in sight."""
    if before is None or replace(now, left=before.left, top=before.top) != before:
        return None
    move = QPointF(now.left - before.left, now.top - before.top)
    return move if max(abs(move.x()), abs(move.y())) <= SMALL_MOVE else None


def _same_labels(one: Boxes, other: Boxes) -> bool:
    if one is other:
        return True
    return [(box.labels, box.difficult) for box in one.all] == [(box.labels, box.difficult) for box in other.all]


def _make_wash(look: Look, opacity: float) -> QColor:
    color = QColor(look[0][1]) if look else QColor(UNLABELLED)
    color.setAlphaF(opacity)
    return color
