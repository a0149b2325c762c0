"""What mouse and keys do to boxes on the canvas, without a widget: gestures, tools, nudges, and what they come to.

What the mouse does is decided in `interaction`, where boxes come to lie in `shaping`, and what is said about it in
`hints`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from PySide6.QtCore import QPointF, QRectF, Qt

from core.types import Box
from desktop.label.canvas import hints, shaping
from desktop.label.canvas import interaction as act
from desktop.label.canvas.box_rules import BoxRules
from desktop.label.canvas.canvas_boxes import CanvasBoxes
from desktop.label.canvas.canvas_state import ViewState
from desktop.label.canvas.edge_scroll import find_scroll_step
from desktop.label.canvas.gesture_ports import EdgeTimer, GestureEvents, GestureView, NudgeSequence
from desktop.label.canvas.measure import Measure, straighten_line
from desktop.label.canvas.mouse_place import ADDING, NO_MODIFIER, MousePlace, are_apart
from desktop.label.canvas.shaping import XYXY


class GestureController:
    """One per canvas. Places are widget positions; they become image pixels at the zoom of the moment."""

    def __init__(
        self,
        view: GestureView,
        boxes: CanvasBoxes,
        events: GestureEvents,
        nudging: NudgeSequence,
        edge_timer: EdgeTimer,
    ) -> None:
        self._view = view
        self._boxes = boxes
        self._mouse = MousePlace(view, boxes)
        self._events = events
        self._nudging = nudging
        self._nudge_name = "Nudge"
        self._edge_timer = edge_timer
        self._state = ViewState()
        self._keys: Mapping[str, str] = hints.KEYS
        self._tool: act.Tool = "select"
        self._gesture: act.Gesture | None = None
        self._pressed_at: QPointF | None = None
        self._dragged = False  # the gesture has gone farther than a click may
        self._measure: Measure | None = None

    # -- what is asked

    @property
    def tool(self) -> act.Tool:
        return self._tool

    @property
    def gesture(self) -> act.Gesture | None:
        """What is under way."""
        return self._gesture

    @property
    def mouse(self) -> MousePlace:
        """Where the mouse is, and what lies under it."""
        return self._mouse

    @property
    def measure(self) -> Measure | None:
        """What was measured last, while it is shown."""
        return self._measure

    @property
    def drawn_box(self) -> XYXY | None:
        """The box that is being drawn, as it would be if the drawing ended here."""
        gesture, pointer = self._gesture, self._mouse.at
        if isinstance(gesture, act.Drawing) and pointer is not None and (self._dragged or gesture.by_clicks):
            return self._shape_drawn(gesture, pointer)
        return None

    def tool_state(self, remark: str = "") -> hints.ToolState:
        """What decides on a click."""
        fits = True
        if isinstance(self._gesture, act.Drawing) and self._mouse.at is not None:
            xyxy = self._shape_drawn(self._gesture, self._mouse.at)
            fits = xyxy is not None and shaping.is_meant(xyxy, self._view.scale)
        return hints.ToolState(
            has_image=self._view.has_image,
            editable=self._state.editable,
            locked=self._state.locked,
            hidden=self._state.hidden,
            tool=self._tool,
            gesture=self._gesture,
            fits=fits,
            under=self._mouse.under,
            selected=self._boxes.selected,
            add=self._mouse.adds,
            again=self._mouse.is_again(self._mouse.at),
            # Space moves the image with the next press of the button, not with one that holds something else.
            panning=self._view.holds_image or (self._view.panning and not self._button_holds()),
            held=self._view.holds_image,
            remark=remark,
        )

    def may_change(self) -> bool:
        """Whether boxes may be changed now; where they may not, a remark says why and how to go on."""
        state = self.tool_state()
        self._events.remarked(hints.explain_refusal(state, self._keys))
        return state.changes

    # -- what is given

    def set_keys(self, keys: Mapping[str, str]) -> None:
        """The keys of the actions that remarks name."""
        self._keys = keys

    def set_state(self, state: ViewState) -> None:
        """Follow what is switched on and off. Where boxes cannot be changed any more, what was begun is given up."""
        self._state = state
        if not self.tool_state().changes:
            if self._gesture is not None:
                self.cancel()
            self.arm(False)
        self.look_under()

    def set_boxes(self, boxes: Sequence[Box]) -> None:
        """Show the boxes as they are in the project. What is being dragged stays so, unless it is elsewhere now."""
        held, fresh, known = self._held_boxes(), act.Boxes(tuple(boxes)), self._boxes
        if fresh.all == known.saved.all and (held or self._gesture is not None):
            return  # something else has changed, such as the list of images
        if held and known.are_in_place(held, fresh):
            known.set_saved_under(fresh, held)
        else:
            known.drop_preview()
            self._pressed_at = None
            self._nudging.end()
            known.set_saved(fresh)
            self._gesture = None
        self.select_boxes(known.selected & fresh.rows.keys())
        self._events.boxes_changed()
        self.look_under()

    def leave_image(self) -> None:
        """Another image is shown: what was under way on the one before is given up."""
        self._drop_gesture()
        self._measure = None

    def _held_boxes(self) -> frozenset[int]:
        """The boxes that are dragged, or nudged by keys."""
        if isinstance(self._gesture, act.Moving):
            return self._gesture.box_ids
        if isinstance(self._gesture, act.Resizing):
            return frozenset({self._gesture.box_id})
        return self._boxes.selected if self._boxes.has_preview else frozenset()

    # -- selection

    def select_boxes(self, box_ids: Collection[int]) -> None:
        chosen = frozenset(box_ids)
        if chosen != self._boxes.selected:
            self.finish_nudging()
            self._boxes.set_selected(chosen)
            self.look_under()
            self._events.selection_changed()

    def select_all(self) -> None:
        """Select every box of the image, unless something is under way."""
        if self._gesture is None:
            self.select_boxes(self._boxes.visible.rows)

    def select_next(self, step: int) -> None:
        """Select the next of the boxes that overlap under the mouse, or of all where there are none; and show it."""
        if self._gesture is not None:
            return
        target = act.NOTHING if self._mouse.at is None else self._mouse.find_target(self._mouse.at, self._state, ())
        here = target.box_ids if isinstance(target, act.OnBoxes) and len(target.box_ids) > 1 else ()
        every = [box.id for box in self._boxes.visible.all]
        self.select_boxes(act.select_next(here or every, self._boxes.selected, step))
        if chosen := self._boxes.chosen:
            self._view.bring_into_view(chosen[0].xyxy)

    # -- tools

    def arm(self, armed: bool) -> None:
        """Draw with the next drag, also over boxes; where boxes may not be changed, say why not."""
        if armed and not self.may_change():
            # What asked for it, such as a button that is pressed down now, shows again what is.
            self._events.tool_changed("draw", self._tool)
        elif armed != (self._tool == "draw"):
            self._use_tool("draw" if armed else "select")

    def set_measuring(self, on: bool) -> None:
        """Measure distances with the mouse until that is switched off."""
        if on != (self._tool == "measure"):
            self._use_tool("measure" if on else "select")

    def _use_tool(self, tool: act.Tool) -> None:
        self.finish_nudging()
        before, self._tool = self._tool, tool
        self._drop_gesture()
        if tool != "measure":
            self._measure = None
        self.look_under()
        self._events.tool_changed(before, tool)

    def cancel(self) -> bool:
        """Give up the innermost thing under way: gesture, tool, measure, selection. False when there was none."""
        if self._gesture is not None:
            self.let_go()
            self._measure = None
            self.arm(False)
        elif self._tool == "measure" and self._measure is not None:
            self._measure = None
        elif self._tool != "select":
            self._use_tool("select")
        elif self._boxes.selected:
            self.select_boxes(())
        else:
            return False
        self.look_under()
        return True

    def let_go(self) -> None:
        """Leave the boxes as they were before the gesture under way; the tool stays chosen."""
        gesture = self._gesture
        if gesture is None:
            return
        self._drop_gesture()
        if isinstance(gesture, act.Banding):
            self.select_boxes(gesture.before)
        self._events.boxes_changed()
        self.look_under()

    def _drop_gesture(self) -> None:
        self._gesture, self._pressed_at = None, None
        self._boxes.drop_preview()

    # -- nudging

    def nudge(self, dx: float, dy: float, *, stretch: bool = False) -> None:
        """Shift the selected boxes, or with `stretch` their right and lower sides; one edit when the nudging pauses."""
        if not self._boxes.selected or self._gesture is not None or not self.may_change():
            return
        movable = self._boxes.find_movable(self._boxes.selected)
        if not movable:
            self._events.remarked(hints.explain_locked(len(self._boxes.selected), self._keys))
            return
        change = shaping.stretch_boxes if stretch else shaping.move_boxes
        self._boxes.set_preview(change(self._boxes.shown.all, movable, dx, dy, self._mouse.bounds))
        self._nudge_name = "Resize" if stretch else "Nudge"
        self._nudging.begin()
        self._events.boxes_changed()
        self.look_under()

    def finish_nudging(self) -> None:
        """Announce the nudges made so far, before anything else reads the boxes."""
        self._nudging.end()

    def end_nudging(self) -> None:
        """A sequence of nudges is over: it is one edit."""
        if self._boxes.has_preview and self._gesture is None:
            self._announce_edit(self._nudge_name)

    def _announce_edit(self, verb: str) -> None:
        if (boxes := self._boxes.keep_preview()) is not None:
            count = len(self._boxes.selected)
            self._events.edited(boxes, f"{verb} box" if count == 1 else f"{verb} {count:,} boxes")
        self.look_under()

    # -- mouse

    def press_button(self, at: QPointF, modifiers: Qt.KeyboardModifier) -> bool:
        """The left button went down; False where it moves the image."""
        if not self._view.has_image:
            return True
        self.finish_nudging()
        self._events.remarked("")
        if self._state.hidden and self._tool != "measure":
            return False
        self._mouse.modifiers = modifiers
        self._pressed_at, self._dragged, self._mouse.at = at, False, at
        self._boxes.drop_preview()
        if isinstance(self._gesture, act.Drawing) and self._gesture.by_clicks:
            return True
        gesture, selected = act.begin_gesture(
            self._mouse.find_target(at, self._state),
            self._mouse.to_image(at),
            self._boxes.selected,
            tool=self._tool,
            changes=self.tool_state().changes,
            add=self._mouse.adds,
        )
        self.select_boxes(selected)
        self._gesture = self._spare_locked(gesture)
        self._events.look_changed(False)
        return True

    def _spare_locked(self, gesture: act.Gesture) -> act.Gesture:
        """Move without the locked boxes; where there are no others, the drag frames boxes and moves none."""
        if not isinstance(gesture, act.Moving):
            return gesture
        movable = self._boxes.find_movable(gesture.box_ids)
        if not movable:
            self._events.remarked(hints.explain_locked(len(gesture.box_ids), self._keys))
            target = act.OnBoxes(tuple(gesture.box_ids))
            return act.Banding(gesture.start, frozenset(), target, add=False)
        return act.Moving(gesture.start, movable)

    def select_for_menu(self, at: QPointF) -> bool:
        """Select the box at `at`, unless it is selected already. Whether there is one."""
        target = self._mouse.find_target(at, self._state, ())
        if not isinstance(target, act.OnBoxes):
            return False
        if not self._boxes.selected.intersection(target.box_ids):
            self.select_boxes({target.box_ids[0]})
        return True

    def set_rules(self, rules: BoxRules) -> None:
        """Hide and lock boxes. What is being moved is given up."""
        self.let_go()
        self._boxes.set_rules(rules)
        self._events.boxes_changed()
        self.look_under()

    def move_mouse(self, at: QPointF, modifiers: Qt.KeyboardModifier, *, is_down: bool) -> None:
        """The mouse moved; `is_down`: with the left button down."""
        self._mouse.modifiers = modifiers
        if self._button_holds() and not is_down:
            # The button came up where nobody heard of it, such as over a dialog: what was under way is not meant.
            self.cancel()
        if self._pressed_at is not None and not self._dragged and are_apart(at, self._pressed_at):
            self._dragged = True
            if isinstance(self._gesture, act.Drawing):
                # From the first move on, labels that are chosen are the new box's and no other's.
                self.select_boxes(())
        self._point_at(at)
        if self._gesture is not None and not QRectF(self._view.rect()).contains(at):
            self._edge_timer.start()

    def release_button(self, at: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        """The left button went up."""
        gesture, dragged = self._gesture, self._dragged
        if self._pressed_at is None or gesture is None:
            return
        self._mouse.modifiers = modifiers
        self._pressed_at = None
        self._edge_timer.stop()
        if isinstance(gesture, act.Drawing):
            self._end_drawing(gesture, at, dragged)
        elif isinstance(gesture, act.Measuring):
            self._gesture = None
            self._measure = self._measure if dragged else None
        elif isinstance(gesture, act.Moving | act.Resizing) and dragged:
            self._follow_gesture(at)
            self._gesture = None
            self._announce_edit("Resize" if isinstance(gesture, act.Resizing) else "Move")
        else:
            self._gesture = None
            self._boxes.drop_preview()
            if not dragged:
                self._end_click(gesture, at)
        self.look_under()

    def picks_box(self, at: QPointF, modifiers: Qt.KeyboardModifier) -> bool:
        """Whether a double click at `at` is about the box that its first click selected."""
        free = self._tool == "select" and self._gesture is None and not modifiers & ADDING
        target = self._mouse.find_target(at, self._state, ()) if free else act.NOTHING
        return isinstance(target, act.OnBoxes) and bool(self._boxes.selected.intersection(target.box_ids))

    def _end_click(self, gesture: act.Gesture, at: QPointF) -> None:
        """The button was let go where it went down."""
        again = self._mouse.is_again(at)
        self._mouse.clicked_at = at
        selected = self._boxes.selected
        if isinstance(gesture, act.Moving):
            self.select_boxes(
                act.select_by_click(self._mouse.find_target(at, self._state, ()), selected, add=False, again=again)
            )
        elif isinstance(gesture, act.Banding):
            self.select_boxes(act.select_by_click(gesture.over, selected, add=gesture.add, again=again))

    def _end_drawing(self, gesture: act.Drawing, at: QPointF, dragged: bool) -> None:
        if not dragged and not gesture.by_clicks:
            self._gesture = act.Drawing(gesture.start, by_clicks=True) if self._tool == "draw" else None
            if self._gesture is None:
                self._mouse.clicked_at = at
            self.select_boxes(())
            return
        xyxy = self._shape_drawn(gesture, at)
        if xyxy is not None and shaping.is_meant(xyxy, self._view.scale):
            self._gesture = None
            self.arm(False)
            self._events.drawn(xyxy)
        elif not gesture.by_clicks:
            self._gesture = None
            self._events.remarked("Nothing was drawn: that is too small for a box. Draw farther, or zoom in")

    def leave_view(self) -> None:
        """The mouse is elsewhere now."""
        self._mouse.leave_view()
        self._events.pointer_moved(None)
        self._events.look_changed(False)

    def follow_view(self) -> None:
        """The image was zoomed or moved under the mouse."""
        self._mouse.clicked_at = None
        if self._mouse.at is not None:
            self._point_at(self._mouse.at)

    def scroll_at_edge(self) -> None:
        """Let the image come when something is dragged beyond the view."""
        room, at = QRectF(self._view.rect()), self._mouse.at
        if self._gesture is None or self._pressed_at is None or at is None or room.contains(at):
            self._edge_timer.stop()
            return
        self._view.scroll_by(find_scroll_step(room, at))

    def _point_at(self, at: QPointF) -> None:
        self._mouse.at = at
        if self._gesture is not None:
            self._follow_gesture(at)
        self._events.pointer_moved(self._mouse.find_point(at))
        self.look_under(moved=True)

    def _follow_gesture(self, at: QPointF) -> None:
        """Let the gesture under way go on to a place of the widget."""
        gesture, point = self._gesture, self._mouse.to_image(at)
        if not self._dragged:
            return
        if isinstance(gesture, act.Measuring):
            end = straighten_line(gesture.start, point) if self._mouse.is_straight else point
            self._measure = Measure(gesture.start, end)
        elif isinstance(gesture, act.Banding):
            self.select_boxes(act.select_in_frame(self._boxes.visible_saved, gesture, point))
        elif isinstance(gesture, act.Moving | act.Resizing):
            saved = self._boxes.saved.all
            self._boxes.set_preview(
                act.preview_gesture(saved, gesture, point, self._mouse.bounds, self._mouse.snap_reach)
            )
            self._events.boxes_changed()

    # -- keys

    def confirm(self) -> bool:
        """Enter: end a drawing by clicks here, or draw a box by keys alone. False where it has neither to do."""
        gesture = self._gesture
        if gesture is not None:
            if isinstance(gesture, act.Drawing) and gesture.by_clicks and self._mouse.at is not None:
                self._end_drawing(gesture, self._mouse.at, dragged=True)
            return True
        if self._tool != "draw":
            return False
        # A box in the middle of what is seen, to be nudged and stretched into place.
        seen = self._view.visible_rect()
        corners = (seen.left(), seen.top(), seen.right(), seen.bottom())
        xyxy = shaping.shape_box_amid(corners, self._mouse.bounds)
        self.arm(False)
        if xyxy is not None:
            self._events.drawn(xyxy)
        return True

    def change_modifier(self, modifier: Qt.KeyboardModifier, *, held: bool) -> bool:
        """Snapping, straightness and what is said of a click follow their keys without a move of the mouse.

        Whether a gesture takes notice.
        """
        self._mouse.modifiers = self._mouse.modifiers | modifier if held else self._mouse.modifiers & ~modifier
        if self._gesture is None:
            return False
        if self._mouse.at is not None:
            self._follow_gesture(self._mouse.at)
        return True

    def lose_focus(self) -> None:
        """Keys go elsewhere from now on."""
        self.finish_nudging()
        self._mouse.modifiers = NO_MODIFIER

    # -- what is under the mouse

    def look_under(self, *, moved: bool = False) -> None:
        """Find out again what is under the mouse; `moved`: nothing else has changed."""
        differs = self._mouse.look_under(self._state)
        self._events.look_changed(moved and not differs and self._gesture is None)

    def _button_holds(self) -> bool:
        """Whether the gesture under way ends when the button is let go."""
        gesture = self._gesture
        return gesture is not None and not (isinstance(gesture, act.Drawing) and gesture.by_clicks)

    def _shape_drawn(self, gesture: act.Drawing, at: QPointF) -> XYXY | None:
        mouse = self._mouse
        return shaping.shape_drawn_box(gesture.start, mouse.to_image(at), mouse.bounds, mouse.snap_reach)
