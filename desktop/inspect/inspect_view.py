"""The image with what a model found drawn beside what is true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PySide6.QtCore import QObject, QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QMouseEvent, QPainter

from core import geometry
from core.inspection.marks import Mark, MarkFilter
from desktop.base import theme
from desktop.viewer.box_painter import TAG_HEIGHT, TAG_PADDING, paint_box, tag_font
from desktop.viewer.view import ImageView
from desktop.viewer.view_input import ViewInput

SWATCH = 5.0  # width of the label's own colour in a tag, in widget pixels
CROWD = 25  # with more marks than this, small ones keep their names to themselves
SMALL = 36.0  # widget pixels
ROWS = 5  # how far words move away from their box to make room for others

# The picture is the same in both versions of the window, and a dark line lies under every outline: the bright colours.
ON_IMAGE = theme.DARK
QUIET = QColor(20, 22, 27, 215)  # ground of words that judge nothing
Key = tuple[str, int]  # source and row of a mark


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


def identify_mark(mark: Mark) -> Key:
    """By which a mark is known among those of its image."""
    return (mark.source, mark.row)


def style_outline(mark: Mark, mark_filter: MarkFilter) -> tuple[list[QColor], bool]:
    """Colours of a mark's outline, and whether it is dashed: what is missed or ignored is dashed, mixed has two colours."""
    match mark.kind:
        case "tp":
            return [ON_IMAGE.good], False
        case "fp":
            return [ON_IMAGE.bad], False
        case "mixed":
            return [ON_IMAGE.good, ON_IMAGE.bad], False
        case "fn":
            return ([ON_IMAGE.warning], True) if mark_filter.fn else ([ON_IMAGE.series[0]], False)
        case "found":
            return [ON_IMAGE.series[0]], False
        case "ignored":  # quiet: neither right nor wrong
            return [ON_IMAGE.muted], mark.source == "truth"


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


class HoverInput(ViewInput):
    """Tells which mark the mouse is on; a click is the view's own."""

    def __init__(self, marks: InspectView) -> None:
        self._marks = marks

    def move_mouse(self, at: QPointF, event: QMouseEvent) -> None:
        self._marks.hover_mark(self._marks.mark_at(at))

    def leave_view(self) -> None:
        self._marks.hover_mark(None)

    def choose_cursor(self) -> Qt.CursorShape | None:
        on_mark = self._marks.is_on_mark and not self._marks.view.panning
        return Qt.CursorShape.PointingHandCursor if on_mark else None


class InspectView(QObject):
    """Draws marks over the image of `view`. `side` limits it to one source, for two views side by side."""

    hovered = Signal(object)  # Mark or None
    selected = Signal(object)  # Mark or None

    def __init__(self, side: Literal["both", "truth", "detection"] = "both") -> None:
        view = ImageView()
        super().__init__(view)
        self.view = view
        view.setAccessibleName("Image with labels and detections")
        self._side = side
        self._marks: tuple[Mark, ...] = ()
        self._names = Names((), ())
        self._filter = MarkFilter()
        self._hovered: Key | None = None
        self._selected: Key | None = None
        view.add_overlay(self._paint_marks)
        view.set_input(HoverInput(self))
        view.image_clicked.connect(self._select_at)

    def set_side(self, side: Literal["both", "truth", "detection"]) -> None:
        self._side = side
        self.view.update()

    def set_marks(self, marks: Sequence[Mark], names: Names) -> None:
        """Draw `marks` over the image; hover and selection stay where their marks still exist."""
        self._marks, self._names = tuple(marks), names
        self.view.update()

    def set_filter(self, mark_filter: MarkFilter) -> None:
        """Draw only what the filter accepts."""
        self._filter = mark_filter
        self.view.update()

    def set_selected(self, chosen: Key | None) -> None:
        self._selected = chosen
        self.view.update()

    def visible_marks(self) -> list[Mark]:
        """What is drawn, in the order of drawing: truth below, detections, what is missed, what is pointed at."""
        level = {"ignored": 0, "found": 0, "tp": 1, "mixed": 2, "fp": 2, "fn": 3}
        shown = [mark for mark in self._marks if self._accepts(mark)]
        return sorted(
            shown, key=lambda mark: (identify_mark(mark) in (self._selected, self._hovered), level[mark.kind])
        )

    def _accepts(self, mark: Mark) -> bool:
        return self._side in ("both", mark.source) and self._filter.accepts(mark)

    # -- drawing

    def _paint_marks(self, painter: QPainter) -> None:
        shown = self.visible_marks()
        crowded = len(shown) > CROWD
        for mark in shown:
            colors, dashed = style_outline(mark, self._filter)
            pointed = identify_mark(mark) in (self._selected, self._hovered)
            rect = self.view.rect_to_widget(mark.xyxy)
            paint_box(painter, rect, colors, [], selected=pointed, dashed=dashed, tag=False)
        # Words come after all outlines, so that no line runs through them; what is pointed at has the first choice.
        taken: list[QRectF] = []
        for mark in reversed(shown):
            rect = self.view.rect_to_widget(mark.xyxy)
            pointed = identify_mark(mark) in (self._selected, self._hovered)
            if pointed or not crowded or max(rect.width(), rect.height()) >= SMALL:
                self._paint_tags(painter, rect, mark, taken)

    def _paint_tags(self, painter: QPainter, rect: QRectF, mark: Mark, taken: list[QRectF]) -> None:
        # Where a detection lies on the truth, its words would cover the truth's: those of a true box go below it.
        below = mark.source == "truth" and self._side == "both"
        if below and mark.kind == "found" and self._is_covered(mark):
            return
        parts = list_tags(mark, self._names, self._filter)
        painter.save()
        painter.setFont(tag_font())
        metrics = QFontMetricsF(tag_font())
        widths = [metrics.horizontalAdvance(part.text) + 2 * TAG_PADDING + SWATCH for part in parts]
        whole = QSizeF(sum(widths) + len(widths) - 1, TAG_HEIGHT)
        place = place_tag(rect, whole, QRectF(self.view.rect()), taken, below=below)
        taken.append(place)
        left = place.x()
        for part, width in zip(parts, widths, strict=True):
            area = QRectF(left, place.y(), width, TAG_HEIGHT)
            painter.fillRect(area, part.ground)
            painter.fillRect(QRectF(left, place.y(), SWATCH, TAG_HEIGHT), part.swatch)
            painter.setPen(theme.text_on(part.ground))
            painter.drawText(area.adjusted(SWATCH, 0, 0, 0), Qt.AlignmentFlag.AlignCenter, part.text)
            left += width + 1
        painter.restore()

    def _is_covered(self, truth: Mark) -> bool:
        """Whether a right detection that says the same lies on this true box: its words are enough."""
        return any(
            mark.source == "detection"
            and mark.kind in ("tp", "mixed")
            and self._accepts(mark)
            and set(truth.labels) <= set(mark.labels)
            and float(geometry.box_iou(_to_array(mark), _to_array(truth))[0, 0]) >= 0.3
            for mark in self._marks
        )

    # -- mouse

    def mark_at(self, at: QPointF) -> Mark | None:
        """The mark under a widget position: the smallest, and of equal ones what is drawn last."""
        shown = self.visible_marks()[::-1]
        if not shown or not self.view.has_image:
            return None
        point = self.view.to_image(at)
        rows = geometry.hit_boxes(np.asarray([mark.xyxy for mark in shown], np.float32), point.x(), point.y())
        return shown[rows[0]] if rows else None

    @property
    def is_on_mark(self) -> bool:
        """Whether the mouse is on a mark."""
        return self._hovered is not None

    def hover_mark(self, mark: Mark | None) -> None:
        """The mouse is on this mark now, or on none."""
        wanted = identify_mark(mark) if mark else None
        if wanted != self._hovered:
            self._hovered = wanted
            self.view.update_cursor()
            self.hovered.emit(mark)
            self.view.update()

    def _select_at(self, at: QPointF) -> None:
        mark = self.mark_at(self.view.to_widget(at))
        self._selected = identify_mark(mark) if mark else None
        self.selected.emit(mark)
        self.view.update()


def place_tag(rect: QRectF, size: QSizeF, bounds: QRectF, taken: Sequence[QRectF], *, below: bool = False) -> QRectF:
    """Where the words of a box go: above it, or below; further off where other words lie; always inside `bounds`."""
    left = min(max(rect.left() - 1, bounds.left()), max(bounds.left(), bounds.right() - size.width()))
    first: QRectF | None = None
    for row in range(ROWS):
        away = row * (size.height() + 1)
        above, under = rect.top() - size.height() - 1 - away, rect.bottom() + 2 + away
        for top in (under, above) if below else (above, under):
            place = QRectF(round(left), round(top), size.width(), size.height())
            if not bounds.contains(place):
                continue
            first = first or place
            if not any(place.intersects(other) for other in taken):
                return place
    # No room above or below: a box as high as the view has its words inside.
    inside = max(bounds.top(), min(rect.top() + 1, bounds.bottom() - size.height()))
    return first or QRectF(round(left), round(inside), size.width(), size.height())


def _to_array(mark: Mark) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.asarray([mark.xyxy], np.float32)
