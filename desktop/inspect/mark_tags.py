"""The words at the boxes of the Inspect page: what they say, where they go, and how they are painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from core.inspection.marks import Mark, MarkFilter
from desktop.base import theme
from desktop.viewer.box_painter import TAG_HEIGHT, TAG_PADDING, tag_font

SWATCH = 5.0  # width of the label's own colour in a tag, in widget pixels
ROWS = 7  # how far words move away from their box to make room for others
MOST_COVERED = 0.3  # share of boxes that words may cover; those that would cover more wait for the pointer
ROOMY = 20.0  # times the size of its words from which on a box has room for them inside
NEAR = 6.0  # widget pixels between words and their box, from which on a line leads from one to the other

# The picture is the same in both versions of the window, and a dark line lies under every outline: the bright colours.
ON_IMAGE = theme.DARK
QUIET = QColor(20, 22, 27, 215)  # ground of words that judge nothing


@dataclass(frozen=True, slots=True)
class Names:
    """What labels are called and which colours they have."""

    names: tuple[str, ...]
    colors: tuple[QColor, ...]


@dataclass(frozen=True, slots=True)
class Tag:
    """One part of the words at a box."""

    text: str
    ground: QColor
    swatch: QColor


def list_tags(mark: Mark, names: Names, mark_filter: MarkFilter) -> list[Tag]:
    """The words at a mark. A sign says what the colour says, for those who cannot tell the colours apart."""
    if mark.source == "truth" and mark.kind == "ignored":
        if len(mark.labels) == len(names.names):
            return [Tag("ignored", QUIET, ON_IMAGE.muted)]
        return [Tag(f"ignored {names.names[label]}", QUIET, names.colors[label]) for label in mark.labels]
    result = []
    for text, label, right in zip(mark.label_texts(names.names), mark.labels, mark.verdicts, strict=True):
        if mark.source == "detection":
            sign, ground = ("✓ ", ON_IMAGE.good) if right else ("✗ ", ON_IMAGE.bad)
            if right is None:
                sign, ground = "ignored ", QUIET
        elif not right and mark_filter.fn:
            sign, ground = "missed ", ON_IMAGE.warning
        else:
            sign, ground = "", QUIET
        result.append(Tag(sign + text, ground, names.colors[label]))
    return result


def place_tag(
    rect: QRectF,
    size: QSizeF,
    bounds: QRectF,
    taken: Sequence[QRectF],
    boxes: Sequence[QRectF] = (),
    *,
    below: bool = False,
    always: bool = True,
) -> QRectF | None:
    """Where the words of a box go: above it or below, beside it, or further off; always inside `bounds`.

    Never on the words of others in `taken` while there is room, and where they cover as little as can be of any of the
    `boxes`: what is in these is what the image is looked at for. None where that is too much, unless `always`.
    """
    places = [place for place in _list_places(rect, size, bounds, below=below) if bounds.contains(place)]
    free = _leave_out_taken(places, taken)
    if free:
        covered = _cover_boxes(free, [*boxes, rect]).tolist()
        least, _, place = min(zip(covered, range(len(free)), free, strict=True), key=lambda one: one[:2])
        return place if always or least <= MOST_COVERED else None
    if not always and rect.width() * rect.height() < ROOMY * size.width() * size.height():
        return None
    if places:
        return places[0]
    # No room around it: a box as large as the view has its words inside.
    left = min(max(rect.left() - 1, bounds.left()), max(bounds.left(), bounds.right() - size.width()))
    inside = max(bounds.top(), min(rect.top() + 1, bounds.bottom() - size.height()))
    return QRectF(round(left), round(inside), size.width(), size.height())


def _leave_out_taken(places: list[QRectF], taken: Sequence[QRectF]) -> list[QRectF]:
    """The places on which nothing lies yet."""
    if not places or not taken:
        return places
    place_p4, taken_t4 = _to_corners(places), _to_corners(taken)
    low = np.maximum(place_p4[:, None, :2], taken_t4[None, :, :2])
    high = np.minimum(place_p4[:, None, 2:], taken_t4[None, :, 2:])
    free_p = ~np.any(np.all(high > low, axis=2), axis=1)
    return [places[row] for row in np.flatnonzero(free_p)]


def _list_places(rect: QRectF, size: QSizeF, bounds: QRectF, *, below: bool) -> list[QRectF]:
    """The places that come into question, the nearest first."""
    # Whole pixels, and never rounded out of the view.
    left = floor(min(max(rect.left() - 1, bounds.left()), max(bounds.left(), bounds.right() - size.width())))
    places: list[QPointF] = []
    for row in range(ROWS):
        away = row * (size.height() + 1)
        above, under = rect.top() - size.height() - 1 - away, rect.bottom() + 2 + away
        places += [QPointF(left, top) for top in ((under, above) if below else (above, under))]
        side = rect.top() + away
        places += [QPointF(rect.right() + 3, side), QPointF(rect.left() - size.width() - 3, side)]
    return [QRectF(round(place.x()), round(place.y()), size.width(), size.height()) for place in places]


def _cover_boxes(places: Sequence[QRectF], boxes: Sequence[QRectF]) -> NDArray[np.float64]:
    """How much of the boxes each place covers: the sum of the shares of each box, or of the place where that is smaller.

    Words on a box that is many times their size hide little of it. Rounded, so that a nearer place is preferred to one
    that covers hardly less.
    """
    place_p4, box_b4 = _to_corners(places), _to_corners(boxes)
    low = np.maximum(place_p4[:, None, :2], box_b4[None, :, :2])
    high = np.minimum(place_p4[:, None, 2:], box_b4[None, :, 2:])
    shared_pb = np.clip(high - low, 0, None).prod(axis=2)
    areas_b = (box_b4[:, 2:] - box_b4[:, :2]).prod(axis=1)
    areas_p = (place_p4[:, 2:] - place_p4[:, :2]).prod(axis=1)
    shares_pb = shared_pb / np.maximum(np.minimum(areas_p[:, None], areas_b[None]), 1)
    shares_pb = np.where(areas_b[None] >= ROOMY * areas_p[:, None], shares_pb / 5, shares_pb)
    return np.asarray(np.round(shares_pb.sum(axis=1), 1), np.float64)


def _to_corners(rects: Sequence[QRectF]) -> NDArray[np.float64]:
    return np.array([(one.left(), one.top(), one.right(), one.bottom()) for one in rects], np.float64).reshape(-1, 4)


def find_leader(rect: QRectF, place: QRectF) -> QLineF | None:
    """The line from words that stand away from their box to the nearest point of it; None where they are beside it."""
    centre = place.center()
    end = QPointF(
        min(max(centre.x(), rect.left()), rect.right()),
        min(max(centre.y(), rect.top()), rect.bottom()),
    )
    begin = QPointF(min(max(end.x(), place.left()), place.right()), min(max(end.y(), place.top()), place.bottom()))
    line = QLineF(begin, end)
    return line if line.length() > NEAR else None


@dataclass(frozen=True, slots=True)
class PlacedTag:
    """The words of a box, where they go, and the line that leads to their box where they stand away from it."""

    parts: tuple[Tag, ...]
    widths: tuple[float, ...]  # of the parts
    place: QRectF
    leader: QLineF | None


def lay_tag(
    rect: QRectF,
    parts: Sequence[Tag],
    bounds: QRectF,
    taken: Sequence[QRectF],
    boxes: Sequence[QRectF],
    *,
    below: bool,
    always: bool,
) -> PlacedTag | None:
    """Find a place for the words of a box; None where there is no room for them, unless `always`."""
    metrics = QFontMetricsF(tag_font())
    widths = tuple(metrics.horizontalAdvance(part.text) + 2 * TAG_PADDING + SWATCH for part in parts)
    whole = QSizeF(sum(widths) + len(widths) - 1, TAG_HEIGHT)
    place = place_tag(rect, whole, bounds, taken, boxes, below=below, always=always)
    return None if place is None else PlacedTag(tuple(parts), widths, place, find_leader(rect, place))


def paint_tags(painter: QPainter, tags: Sequence[PlacedTag]) -> None:
    """Paint all lines, and over them all words."""
    painter.save()
    painter.setFont(tag_font())
    for tag in tags:
        if tag.leader is not None:
            for color, width in ((QColor(0, 0, 0, 150), 3.0), (tag.parts[0].swatch, 1.0)):
                painter.setPen(QPen(color, width))
                painter.drawLine(tag.leader)
    for tag in tags:
        left = tag.place.x()
        for part, width in zip(tag.parts, tag.widths, strict=True):
            area = QRectF(left, tag.place.y(), width, TAG_HEIGHT)
            painter.fillRect(area, part.ground)
            painter.fillRect(QRectF(left, tag.place.y(), SWATCH, TAG_HEIGHT), part.swatch)
            painter.setPen(theme.text_on(part.ground))
            painter.drawText(area.adjusted(SWATCH, 0, 0, 0), Qt.AlignmentFlag.AlignCenter, part.text)
            left += width + 1
    painter.restore()
