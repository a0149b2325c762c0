"""The image with what a model found drawn beside what is true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from PySide6.QtCore import QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter

from core import geometry
from core.inspection.marks import Mark, MarkFilter
from desktop.inspect.mark_tags import ON_IMAGE, Names, PlacedTag, lay_tag, list_tags, paint_tags
from desktop.viewer.box_painter import paint_box
from desktop.viewer.view import ImageView
from desktop.viewer.view_input import ViewInput

CROWD = 25  # with more marks than this, small ones keep their names to themselves
MOST_NAMED = 60  # more words than that are read by nobody, and take long to be placed
SMALL = 36.0  # widget pixels
WHOLE = 0.98  # share of the image from which on a box is all of it
Key = tuple[str, int]  # source and row of a mark


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
        self._names_shown = True
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

    def show_names(self, shown: bool) -> None:
        """Whether words stand at every box, or only at what is pointed at."""
        self._names_shown = shown
        self.view.update()

    def set_selected(self, chosen: Key | None) -> None:
        self._selected = chosen
        self.view.update()

    def visible_marks(self) -> list[Mark]:
        """What is drawn, in the order of drawing: truth below, detections, what is missed, what is pointed at."""
        level = {"ignored": 0, "found": 0, "tp": 1, "mixed": 2, "fp": 2, "fn": 3}
        own = [mark for mark in self._marks if self._side in ("both", mark.source)]
        shown = [mark for one in own if (mark := self._filter.restrict(one)) is not None]
        return sorted(
            shown, key=lambda mark: (identify_mark(mark) in (self._selected, self._hovered), level[mark.kind])
        )

    # -- drawing

    def _paint_marks(self, painter: QPainter) -> None:
        shown = self.visible_marks()
        rects = [self.view.rect_to_widget(mark.xyxy) for mark in shown]
        for mark, rect in zip(shown, rects, strict=True):
            colors, dashed = style_outline(mark, self._filter)
            pointed = identify_mark(mark) in (self._selected, self._hovered)
            clear = self._is_whole_image(mark)  # a wash over all of the image would change what is looked at
            paint_box(painter, rect, colors, [], selected=pointed, dashed=dashed, tag=False, wash=not clear)
        # Words come after all outlines, so that no line runs through them; what is pointed at has the first choice.
        paint_tags(painter, self._lay_tags(shown, rects))

    def _lay_tags(self, shown: Sequence[Mark], rects: Sequence[QRectF]) -> list[PlacedTag]:
        """The words at these marks, which lie at `rects`, where there is room for them."""
        bounds = QRectF(self.view.rect())
        # Also those of the other side: what was not found is looked at as well.
        boxes = [self.view.rect_to_widget(mark.xyxy) for mark in self._marks]
        named = {identify_mark(mark) for mark in self.named_marks()}
        tags: list[PlacedTag] = []
        for mark, rect in reversed(list(zip(shown, rects, strict=True))):
            if identify_mark(mark) not in named:
                continue
            parts = list_tags(mark, self._names, self._filter)
            pointed = identify_mark(mark) in (self._selected, self._hovered)
            taken = [tag.place for tag in tags]
            tag = lay_tag(rect, parts, bounds, taken, boxes, below=self._goes_below(mark), always=pointed)
            if tag is not None:
                tags.append(tag)
        return tags

    def named_marks(self) -> list[Mark]:
        """What of the visible marks has words beside it."""
        shown = self.visible_marks()
        named = [mark for mark in shown if self._needs_tag(mark, shown)]
        if len(named) <= MOST_NAMED:
            return named
        kept = {identify_mark(mark) for mark in sorted(named, key=self._rank_for_words)[:MOST_NAMED]}
        return [mark for mark in named if identify_mark(mark) in kept]

    def _rank_for_words(self, mark: Mark) -> tuple[bool, float]:
        """What is pointed at first, then the largest."""
        x1, y1, x2, y2 = mark.xyxy
        return identify_mark(mark) not in (self._selected, self._hovered), -(x2 - x1) * (y2 - y1)

    def _needs_tag(self, mark: Mark, shown: Sequence[Mark]) -> bool:
        """Whether a mark has words: with names hidden, what is pointed at; in a crowd, what is large enough as well."""
        if identify_mark(mark) in (self._selected, self._hovered):
            return True
        if not self._names_shown:
            return False
        rect = self.view.rect_to_widget(mark.xyxy)
        if len(shown) > CROWD and max(rect.width(), rect.height()) < SMALL:
            return False
        return not (self._goes_below(mark) and mark.kind == "found" and _is_covered(mark, shown))

    def _goes_below(self, mark: Mark) -> bool:
        # Where a detection lies on the truth, its words would cover the truth's: those of a true box go below it.
        return mark.source == "truth" and self._side == "both"

    def _is_whole_image(self, mark: Mark) -> bool:
        """Whether a mark lies on all of the image, as the labels of an image do."""
        size = self.view.image_size
        x1, y1, x2, y2 = mark.xyxy
        return (x2 - x1) * (y2 - y1) >= WHOLE * size.width() * size.height()

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


def _is_covered(truth: Mark, shown: Sequence[Mark]) -> bool:
    """Whether a right detection that says the same lies on this true box: its words are enough."""
    return any(
        mark.source == "detection"
        and mark.kind in ("tp", "mixed")
        and set(truth.labels) <= set(mark.labels)
        and float(geometry.box_iou(_to_array(mark), _to_array(truth))[0, 0]) >= 0.3
        for mark in shown
    )


def _to_array(mark: Mark) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.asarray([mark.xyxy], np.float32)
