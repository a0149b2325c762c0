"""The names of boxes: a small picture for each set of labels, made once, and where these pictures go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter

from desktop.base.theme import text_on
from desktop.viewer.box_painter import NO_LABEL, TAG_HEIGHT, TAG_PADDING, tag_font, tag_origin

CROWD = 60  # with more boxes in sight than this, only those large enough are named
ROOMY = 60.0  # wide enough to be named in a crowd, in widget pixels
MOST_TAGS = 100  # more names than this at once cannot be read
MOST_PARTS = 4  # names in one tag; the others are counted
LONGEST = 150.0  # of one name, in widget pixels
SMALL = (160.0, 60.0)  # a box below this width and height would be hidden by a tag over its middle
TAG_CELL = 64  # widget pixels; about the size of a tag
CELL = 8  # widget pixels; how exactly the middles of small boxes are known

Rect = tuple[float, float, float, float]
Look = tuple[tuple[str, str], ...]  # name and colour of each label of a box, in the project's order


@dataclass(frozen=True, slots=True)
class Tagged:
    """A tag and where its top left corner goes, in widget pixels."""

    row: int
    x: float
    y: float


class TagPictures:
    """Makes each tag once for a pixel ratio."""

    def __init__(self) -> None:
        self._ratio = 0.0
        self._made: dict[Look, QImage] = {}

    def get_picture(self, look: Look, ratio: float) -> QImage:
        if ratio != self._ratio:
            self._made.clear()
            self._ratio = ratio
        if look not in self._made:
            self._made[look] = tag_picture(look, ratio)
        return self._made[look]


def tag_picture(look: Look, ratio: float) -> QImage:
    """The names of a box side by side, each on its colour, within a dark rim of one pixel."""
    metrics = QFontMetricsF(tag_font())
    parts = tag_parts(look)
    texts = [metrics.elidedText(text, Qt.TextElideMode.ElideRight, LONGEST) for text, _ in parts]
    widths = [np.ceil(metrics.horizontalAdvance(text)) + 2 * TAG_PADDING for text in texts]
    whole = QSizeF(sum(widths) + len(parts) + 1, TAG_HEIGHT + 2)
    picture = QImage((whole * ratio).toSize(), QImage.Format.Format_ARGB32_Premultiplied)
    picture.setDevicePixelRatio(ratio)
    picture.fill(QColor(8, 9, 12, 215))
    painter = QPainter(picture)
    painter.setFont(tag_font())
    left = 1.0
    for text, (_, ground), width in zip(texts, parts, widths, strict=True):
        part = QRectF(left, 1, width, TAG_HEIGHT)
        painter.fillRect(part, ground)
        painter.setPen(text_on(ground))
        painter.drawText(part, Qt.AlignmentFlag.AlignCenter, text)
        left += width + 1
    painter.end()
    return picture


def tag_parts(look: Look) -> list[tuple[str, QColor]]:
    """The words of a tag and what is behind each."""
    if not look:
        return [(NO_LABEL, QColor("#30343c"))]
    parts = [(name, QColor(color)) for name, color in look[:MOST_PARTS]]
    if len(look) > MOST_PARTS:
        parts.append((f"+{len(look) - MOST_PARTS}", QColor("#30343c")))
    return parts


def named_rows(rects: NDArray[np.float64], always: Iterable[int]) -> list[int]:
    """Of the boxes in sight (n, 4), in widget pixels, the rows that are named, those that matter most first."""
    chosen = list(dict.fromkeys(always))
    sizes = rects[:, 2:] - rects[:, :2]
    rows = np.arange(len(rects))
    if len(rects) > CROWD:
        rows = rows[(sizes[:, 0] >= ROOMY) & (sizes[:, 1] >= TAG_HEIGHT)]
    rows = rows[np.argsort(-sizes[rows].prod(axis=1), kind="stable")][:MOST_TAGS]
    return [*chosen, *(int(row) for row in rows if int(row) not in set(chosen))]


def place_tags(
    rects: NDArray[np.float64],
    sizes: dict[int, tuple[float, float]],
    bounds: QRectF,
    always: Sequence[int] = (),
    margin: float = 0.0,
) -> list[Tagged]:
    """Where the tags of the rows of `sizes` (width and height of each tag) go, first come first served.

    A tag goes above its box, or else below, beside or into it, where it lies on no other tag and buries no small box.
    Where there is no such place it is left out, unless its row is in `always`. A `margin` around the outline of its box
    is kept free, such as for the handles.
    """
    placed: list[Tagged] = []
    taken = _Taken()
    small = _SmallBoxes(rects, bounds)
    forced = set(always)
    for (row, size), rect in zip(sizes.items(), rects[list(sizes)].tolist(), strict=True):
        place = _free_place(tuple(rect), size, bounds, taken, small, margin)
        if place is None:
            if row not in forced:
                continue
            x1, y1, x2, y2 = rects[row] + np.array([-margin, -margin, margin, margin])
            at = tag_origin(QRectF(QPointF(x1, y1), QPointF(x2, y2)), QSizeF(*size), bounds)
            place = (at.x(), at.y())
        taken.add_rect(*place, place[0] + size[0], place[1] + size[1])
        placed.append(Tagged(row, *place))
    return placed


def _free_place(
    rect: Rect, size: tuple[float, float], bounds: QRectF, taken: _Taken, small: _SmallBoxes, margin: float = 0.0
) -> tuple[float, float] | None:
    (x1, y1, x2, y2), (width, height) = rect, size
    near, beside = 2 + margin, 3 + margin
    places = [
        (x1 - 2, y1 - height - near),
        (x1 - 2, y2 + near),
        (x2 + beside, y1 - 2),
        (x1 - width - beside, y1 - 2),
    ]
    if x2 - x1 > width + 12 + 2 * margin and y2 - y1 > 3 * height + 2 * margin:
        places.insert(1, (x1 + beside, y1 + beside))
    right, bottom = bounds.right() - width, bounds.bottom() - height
    for x, y in places:
        # Along the edge of the view a tag moves with it as long as it stays at its box.
        left, top = round(min(max(x, bounds.left()), right)), round(y)
        if not (bounds.top() <= top <= bottom) or abs(left - x) > max(width, x2 - x1):
            continue
        if taken.meets_rect(left, top, left + width, top + height):
            continue
        if not small.in_the_way(rect, left, top, left + width, top + height):
            return float(left), float(top)
    return None


def followed_tags(tags: Sequence[Tagged], before: NDArray[np.float64], now: NDArray[np.float64]) -> list[Tagged]:
    """Tags that keep to the corner of their boxes that they were at, where each box (n, 4) is drawn elsewhere now."""
    followed = []
    for tag, old, new in zip(tags, before.tolist(), now.tolist(), strict=True):
        across, down = 2 * (tag.x >= old[2]), 2 * (tag.y >= old[3]) + 1
        followed.append(Tagged(tag.row, new[across] + tag.x - old[across], new[down] + tag.y - old[down]))
    return followed


class _Taken:
    """Rectangles that are taken, by the cells that they lie on, so that a new one is held against its neighbours only."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, int], list[Rect]] = {}

    def add_rect(self, x1: float, y1: float, x2: float, y2: float) -> None:
        for cell in self._cells_of(x1, y1, x2, y2):
            self._cells.setdefault(cell, []).append((x1, y1, x2, y2))

    def meets_rect(self, x1: float, y1: float, x2: float, y2: float) -> bool:
        """Whether a part of this rectangle is taken."""
        return any(
            x1 < b2 and b1 < x2 and y1 < d2 and d1 < y2
            for cell in self._cells_of(x1, y1, x2, y2)
            for b1, d1, b2, d2 in self._cells.get(cell, ())
        )

    @staticmethod
    def _cells_of(x1: float, y1: float, x2: float, y2: float) -> list[tuple[int, int]]:
        columns = range(int(x1 // TAG_CELL), int(x2 // TAG_CELL) + 1)
        return [(column, row) for row in range(int(y1 // TAG_CELL), int(y2 // TAG_CELL) + 1) for column in columns]


class _SmallBoxes:
    """Counts the middles of small boxes in any rectangle in constant time: by a table of sums over cells."""

    def __init__(self, rects: NDArray[np.float64], bounds: QRectF) -> None:
        self._columns, self._rows = int(bounds.right()) // CELL + 2, int(bounds.bottom()) // CELL + 2
        sides = rects[:, 2:] - rects[:, :2]
        middles = (rects[:, :2] + rects[:, 2:])[(sides[:, 0] < SMALL[0]) & (sides[:, 1] < SMALL[1])] / (2 * CELL)
        counts, _, _ = np.histogram2d(
            middles[:, 1],
            middles[:, 0],
            bins=(self._rows, self._columns),
            range=((0, self._rows), (0, self._columns)),
        )
        sums = np.zeros((self._rows + 1, self._columns + 1))
        sums[1:, 1:] = counts.cumsum(axis=0).cumsum(axis=1)
        self._sums = sums

    def in_the_way(self, own: Rect, x1: float, y1: float, x2: float, y2: float) -> bool:
        """Whether a tag there would lie on the middle of a small box other than its own."""
        left, right = self._find_cell(x1, self._columns), self._find_cell(x2 + CELL, self._columns)
        top, bottom = self._find_cell(y1, self._rows), self._find_cell(y2 + CELL, self._rows)
        at = self._sums.item  # a list of lists would be faster to read, and takes longer to make than is ever saved
        inside = at(bottom, right) - at(top, right) - at(bottom, left) + at(top, left)
        if inside and own[2] - own[0] < SMALL[0] and own[3] - own[1] < SMALL[1]:
            x, y = (own[0] + own[2]) / (2 * CELL), (own[1] + own[3]) / (2 * CELL)
            inside -= left <= x < right and top <= y < bottom
        return inside > 0

    @staticmethod
    def _find_cell(value: float, count: int) -> int:
        return min(max(int(value) // CELL, 0), count)
