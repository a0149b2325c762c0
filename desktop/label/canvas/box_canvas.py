"""The boxes of an image on the canvas: which are shown, which are selected, what is under the mouse, how it looks."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from core.types import Box, Label
from desktop.label.canvas import hints, shaping
from desktop.label.canvas import interaction as act
from desktop.label.canvas.canvas_painting import OverlayScene
from desktop.label.canvas.canvas_view import CanvasView
from desktop.label.canvas.measure import Measure
from desktop.viewer.pyramid import Pyramid

ADDING = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier


class BoxCanvas(CanvasView):
    """Shows boxes and a gesture with them. The gestures themselves are made by `AnnotationCanvas`."""

    selection_changed = Signal()
    boxes_changed = Signal()  # they are shown elsewhere, or others are, also in the middle of a gesture

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._saved_boxes = act.Boxes(())
        self._preview_boxes: act.Boxes | None = None  # in the middle of a gesture or a sequence of nudges
        self._selected: frozenset[int] = frozenset()
        self._next_labels: frozenset[int] = frozenset()
        self._labels_kept = False
        self._off_key = ""
        self._highlighted: int | None = None
        self._tool: act.Tool = "select"
        self._gesture: act.Gesture | None = None
        self._dragged = False  # the gesture has gone farther than a click may
        self._pointer: QPointF | None = None
        self._clicked_at: QPointF | None = None  # where the last click selected something
        self._under: act.Target = act.NOTHING
        self._modifiers = Qt.KeyboardModifier.NoModifier
        self._measure: Measure | None = None
        self.setAccessibleName("Image with its boxes")

    # -- what is shown

    def set_image(self, image: NDArray[np.uint8] | Pyramid | None, *, keep_view: bool = False) -> None:
        """Show an image, or nothing; a measure on another image is gone."""
        self._measure = None
        super().set_image(image, keep_view=keep_view)

    def set_boxes(self, boxes: Sequence[Box]) -> None:
        """Show the boxes as they are in the project."""
        self._saved_boxes = act.Boxes(tuple(boxes))
        self._gesture, self._preview_boxes = None, None
        if not self._selected <= self._saved_boxes.rows.keys():
            self.select(self._selected & self._saved_boxes.rows.keys())
        self.boxes_changed.emit()
        self._look_under()

    def set_labels(self, labels: Sequence[Label]) -> None:
        self._painting.boxes.set_labels(labels)
        self.update()

    def set_next_labels(self, labels: frozenset[int], *, kept: bool = False, off_key: str = "") -> None:
        """The labels that the next box will carry, shown large in the corner while there are any.

        `kept`: every box will carry them until that is switched off (by `off_key`); said loudly, and always.
        """
        self._next_labels, self._labels_kept, self._off_key = labels, kept, off_key
        self._place_badges()
        self.update()

    def set_highlighted(self, box_id: int | None) -> None:
        """The box that the mouse is on in a list."""
        self._highlighted = box_id
        self.update()

    def set_editable(self, editable: bool) -> None:
        """Whether the project may be changed; otherwise boxes can only be selected."""
        self.set_state(editable=editable)

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The boxes as shown, in the middle of a gesture too."""
        return self._now.all

    @property
    def chosen(self) -> list[Box]:
        """The selected boxes as shown."""
        return self._now.chosen(self._selected)

    @property
    def selected(self) -> frozenset[int]:
        return self._selected

    @property
    def armed(self) -> bool:
        """Whether the next drag draws a box whatever is under the mouse."""
        return self._tool == "draw"

    @property
    def measuring(self) -> bool:
        """Whether the mouse measures distances."""
        return self._tool == "measure"

    @property
    def measure(self) -> Measure | None:
        """What was measured last, while it is shown."""
        return self._measure

    @property
    def _now(self) -> act.Boxes:
        return self._preview_boxes if self._preview_boxes is not None else self._saved_boxes

    # -- selection

    def select(self, ids: Collection[int]) -> None:
        chosen = frozenset(ids)
        if chosen != self._selected:
            self.finish_nudging()
            self._selected = chosen
            self._look_under()
            self.selection_changed.emit()

    def select_all(self) -> None:
        """Select every box of the image, unless something is in the hand."""
        if self._gesture is None:
            self.select(self._now.rows)

    def finish_nudging(self) -> None:
        """For subclasses: announce the nudges made so far, before anything else reads the boxes."""

    def cycle(self, step: int) -> None:
        """Select the next of the boxes that overlap under the mouse, or of all where there are none; and show it."""
        if self._gesture is not None:
            return
        target = act.NOTHING if self._pointer is None or self._state.hidden else self._target(self._pointer, ())
        here = target.box_ids if isinstance(target, act.OnBoxes) and len(target.box_ids) > 1 else ()
        self.select(act.cycled(here or [box.id for box in self.boxes], self._selected, step))
        if chosen := self._now.chosen(self._selected):
            self._bring_into_view(self.rect_to_widget(chosen[0].xyxy))

    def zoom_to_selection(self) -> None:
        """Bring the selected boxes into the middle, as large as leaves some surroundings visible."""
        if chosen := self._now.chosen(self._selected):
            self.show_rect(shaping.union(chosen))
        else:
            self.say("Select a box first, then this brings it near")

    def _bring_into_view(self, rect: QRectF) -> None:
        room = QRectF(self.rect()).adjusted(30, 30, -30, -30)
        if not room.intersects(rect):
            self.pan_by(room.center() - rect.center())

    # -- drawing

    def paint_overlay(self, painter: QPainter) -> None:
        gesture, pointer = self._gesture, self._pointer
        drawing = gesture if isinstance(gesture, act.Drawing) and (self._dragged or gesture.by_clicks) else None
        hand = self.hand()
        under = self._under.box_ids[0] if isinstance(self._under, act.OnBoxes) else None
        free = gesture is None and self._tool == "select" and not hand.panning
        now = OverlayScene(
            port=self.port(),
            still=self._saved_boxes,
            shown=self._now,
            selected=self._selected,
            hovered=under if free and not self._selected.intersection({under}) else None,
            handles=hand.changes and self._tool == "select",
            gesture=gesture,
            pointer=pointer,
            new=self._drawn(drawing, pointer) if drawing is not None and pointer is not None else None,
            guides=self._guides(hand),
            measure=self._measure,
            highlighted=self._highlighted,
            next_labels=self._next_labels,
            labels_kept=self._labels_kept,
            off_key=self._off_key,
            size=(self.image_size.width(), self.image_size.height()),
            mm_per_pixel=self._mm_per_pixel,
            edge=self.edge(),
            hurried=self.hurried,
        )
        self._painting.paint(painter, now, self._state, self._style, self.rgb_at)

    def _guides(self, hand: hints.ToolState) -> bool:
        if hand.panning or isinstance(self._gesture, act.Moving | act.Banding):
            return False
        working = self.armed or self.measuring or isinstance(self._gesture, act.Drawing | act.Resizing)
        return working or (self._style.guides and hand.changes)

    def speaks_in_corner(self) -> bool:
        return self._labels_kept or bool(self._next_labels and not self._selected)

    def needs_room(self, area: QRectF) -> bool:
        if self._gesture is None or self._pointer is None:
            return False
        return area.adjusted(-40, -40, 40, 40).contains(self._pointer)

    def hand(self) -> hints.ToolState:
        """What decides on a click."""
        fits = True
        if isinstance(self._gesture, act.Drawing) and self._pointer is not None:
            xyxy = self._drawn(self._gesture, self._pointer)
            fits = xyxy is not None and shaping.is_meant(xyxy, self.scale)
        state = self._state
        # Space moves the image with the next press of the button, not with one that holds something else.
        moves_image = self._pan_from is not None or (self._space_held and not self._button_holds())
        return hints.ToolState(
            has_image=self.has_image,
            editable=state.editable,
            locked=state.locked,
            hidden=state.hidden,
            tool=self._tool,
            gesture=self._gesture,
            fits=fits,
            under=self._under,
            selected=self._selected,
            add=bool(self._modifiers & ADDING),
            again=self._is_again(self._pointer),
            panning=moves_image,
            held=self._pan_from is not None,
            remark=self._remark,
        )

    def _button_holds(self) -> bool:
        """Whether the gesture under way ends when the button is let go."""
        gesture = self._gesture
        return gesture is not None and not (isinstance(gesture, act.Drawing) and gesture.by_clicks)

    def _is_again(self, at: QPointF | None) -> bool:
        """Whether a click there would be at the place of the last one."""
        return at is not None and self._clicked_at is not None and not far(at, self._clicked_at)

    # -- what is under the mouse

    def _drawn(self, gesture: act.Drawing, at: QPointF) -> act.XYXY | None:
        return shaping.drawn(gesture.start, self._image_point(at), self._bounds(), self._snap())

    def _look_under(self, *, moved: bool = False) -> None:
        """Find out anew what is under the mouse; after a mere move nothing is drawn where nothing looks different."""
        before = self._under
        if self._gesture is not None or not self._minimap.isVisible():
            self._place_around()
        self._under = act.NOTHING if self._pointer is None else self._target(self._pointer)
        still = moved and before == self._under and self._gesture is None
        if still and not (self._guides(self.hand()) or self._state.rulers):
            return
        self.refresh()

    def _target(self, at: QPointF, selected: Collection[int] | None = None) -> act.Target:
        if self._state.hidden or not self.has_image:
            return act.NOTHING
        # Handles are there only where they can be used.
        usable = self._selected if self._hand_free() else ()
        chosen = usable if selected is None else selected
        return act.target_at(self._image_point(at), self._now, chosen, self.scale)

    def _hand_free(self) -> bool:
        return self._state.editable and not self._state.locked

    def _image_point(self, at: QPointF) -> act.Point:
        point = self.to_image(at)
        return (point.x(), point.y())

    def _bounds(self) -> act.Point:
        return (float(self.image_size.width()), float(self.image_size.height()))

    def _snap(self) -> float:
        """How near, in image pixels, the image's border draws an edge to it."""
        free = self._modifiers & Qt.KeyboardModifier.AltModifier
        return 0.0 if free else act.SNAP_REACH / self.scale


def far(one: QPointF, other: QPointF) -> bool:
    """Whether two places of the widget are too far apart for one click."""
    return (one - other).manhattanLength() >= act.CLICK_REACH
