"""What a click will do, told by one line of words and by the shape of the cursor: pure functions of one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from desktop.label.canvas import interaction as act
from desktop.label.canvas.shaping import Handle

Cursor = Literal["arrow", "cross", "point", "move", "open hand", "closed hand", "diagonal", "counter", "across", "down"]

HANDLE_CURSORS: Mapping[Handle, Cursor] = {
    "nw": "diagonal",
    "se": "diagonal",
    "ne": "counter",
    "sw": "counter",
    "n": "down",
    "s": "down",
    "e": "across",
    "w": "across",
}
# Of the actions that hints name; the user may have other keys, and none.
KEYS: Mapping[str, str] = {
    "draw": "W",
    "hide": "H",
    "lock": "L",
    "lock_box": "Shift+L",
    "measure": "M",
    "delete": "Del",
}


@dataclass(frozen=True, slots=True)
class ToolState:
    """All that decides what the mouse does next."""

    has_image: bool = True
    editable: bool = True  # the project may be written
    locked: bool = False  # boxes may not be moved, resized or drawn by mistake
    hidden: bool = False  # the boxes are
    tool: act.Tool = "select"
    gesture: act.Gesture | None = None
    fits: bool = True  # what is being drawn is large enough to be a box
    under: act.Target = act.NOTHING
    selected: frozenset[int] = frozenset()
    add: bool = False  # Ctrl or Shift is held
    again: bool = False  # the last click was here
    panning: bool = False  # Space is held, or the image is
    held: bool = False  # a button is down and holds the image
    remark: str = ""  # why what was tried last did nothing

    @property
    def changes(self) -> bool:
        """Whether boxes can be changed by the mouse."""
        return not explain_refusal(self)


def describe_click(state: ToolState, keys: Mapping[str, str] = KEYS) -> str:
    """What mouse and keys can do now. `keys`: those of the actions draw, hide, lock, measure and delete; empty for none."""
    if not state.has_image:
        return ""
    if state.held:
        return "Drag to move the image · letting go of the button leaves it there"
    if state.panning:
        return "Drag to move the image · letting go of Space goes back to the boxes"
    if state.gesture is not None:
        return _describe_gesture(state, state.gesture)
    if state.remark:
        return state.remark
    if state.tool == "measure":
        return _join_parts(
            "Drag to measure, with Shift straight", _name_key(keys, "measure", "{} or Esc ends measuring", "Esc ends")
        )
    if state.hidden:
        return _join_parts("The boxes are hidden", _name_key(keys, "hide", "{} shows them"), "drag moves the image")
    if state.tool == "draw":
        return "Drag, or click two corners, to draw a box, also over other boxes · Enter draws one here · Esc cancels"
    if not state.editable:
        return _join_parts("Read-only", _describe_looking(state))
    if state.locked:
        return _join_parts("Locked", _describe_looking(state), _name_key(keys, "lock", "{} unlocks"))
    return _describe_free(state, keys)


def _describe_free(state: ToolState, keys: Mapping[str, str]) -> str:
    """With nothing under way and nothing forbidden."""
    count = len(state.selected)
    if state.add:
        return _describe_adding(state)
    if isinstance(state.under, act.OnHandle):
        return "Drag to resize the box · Alt: without snapping · Ctrl+arrows resize it by 1 px"
    if isinstance(state.under, act.OnBoxes):
        there = len(state.under.box_ids)
        if not state.selected.intersection(state.under.box_ids):
            return _join_parts(
                "Click selects the box, drag moves it", "Ctrl+click adds it to the selection" if count else ""
            )
        if count > 1:
            return f"Drag moves the {count:,} boxes · Ctrl+click takes this one out · digits toggle labels on all"
        if there > 1:
            next_one = f"Click again for the next of {there:,} boxes here"
            click = next_one if state.again else f"Click selects the smallest of {there:,} boxes here, again the next"
            return f"{click} · drag moves the selected one · digits toggle its labels"
        delete = _name_key(keys, "delete", "{} deletes it")
        return _join_parts(
            "Drag moves the box, arrows nudge it",
            "digits toggle its labels",
            "Enter or a double click lists them",
            delete,
        )
    if count:
        what = "its labels" if count == 1 else f"labels on all {count:,}"
        return f"Drag draws a new box · click lets go of the selection · digits toggle {what}"
    over = _name_key(keys, "draw", "{} draws over boxes")
    return _join_parts("Drag to draw a box", over, "Ctrl+drag frames boxes", "digits set the next box's labels")


def _describe_adding(state: ToolState) -> str:
    """With Ctrl or Shift held, which selects and never changes a box."""
    frame = "drag adds what its frame touches"
    if isinstance(state.under, act.OnBoxes):
        taken = state.under.box_ids[0] in state.selected
        return _join_parts(
            "Click takes the box out of the selection" if taken else "Click adds the box to the selection", frame
        )
    return (
        "Drag to frame boxes: adds them to the selection" if state.selected else "Drag to frame boxes and select them"
    )


def _describe_gesture(state: ToolState, gesture: act.Gesture) -> str:
    """In the middle of a gesture."""
    match gesture:
        case act.Drawing(by_clicks=True):
            if not state.fits:
                return "Too small for a box: click the opposite corner farther away · Esc cancels"
            return "Click the opposite corner · Alt: without snapping · Esc cancels"
        case act.Drawing():
            if not state.fits:
                return "Too small for a box: letting go here draws nothing"
            return "Let go to draw the box · Alt: without snapping · Esc cancels"
        case act.Moving(box_ids=ids):
            what = "box" if len(ids) == 1 else f"{len(ids):,} boxes"
            return f"Let go to put the {what} here · Alt: without snapping · Esc cancels"
        case act.Resizing():
            return "Let go to keep this size · Alt: without snapping · Esc cancels"
        case act.Banding():
            return f"Let go to select what the frame touches: {len(state.selected):,} so far · Esc cancels"
        case act.Measuring():
            return "Let go to keep the measure · Shift: straight · Esc cancels"


def _describe_looking(state: ToolState) -> str:
    if state.add:
        return _describe_adding(state)
    if isinstance(state.under, act.OnBoxes):
        there = len(state.under.box_ids)
        if state.again and there > 1 and state.selected.intersection(state.under.box_ids):
            return f"click again for the next of {there:,} boxes here"
        return "click selects the box"
    return "drag frames boxes to select them, click lets go"


def explain_refusal(state: ToolState, keys: Mapping[str, str] = KEYS) -> str:
    """Why boxes cannot be changed now and how to go on; empty where they can."""
    if not state.editable:
        return "The project was opened read-only: nothing can be changed"
    if state.locked:
        return _join_parts("The boxes are locked", _name_key(keys, "lock", "{} unlocks them"))
    if state.hidden:
        return _join_parts("The boxes are hidden", _name_key(keys, "hide", "{} shows them"))
    return ""


def explain_locked(count: int, keys: Mapping[str, str] = KEYS) -> str:
    """Why boxes that are locked by themselves or by their label cannot be changed, and how to go on."""
    what = "The box is locked" if count == 1 else f"The {count:,} boxes are locked"
    return _join_parts(what, _name_key(keys, "lock_box", "{} unlocks it" if count == 1 else "{} unlocks them"))


def find_hovered(state: ToolState) -> int | None:
    """The box that a click would take, where that is marked: not one that is selected already."""
    if state.gesture is not None or state.tool != "select" or state.panning or not isinstance(state.under, act.OnBoxes):
        return None
    return state.under.box_ids[0] if state.under.box_ids[0] not in state.selected else None


def shows_guides(state: ToolState, always: bool) -> bool:
    """Whether lines through the mouse help; `always`: wanted while nothing is drawn, too."""
    if state.panning or isinstance(state.gesture, act.Moving | act.Banding):
        return False
    working = state.tool != "select" or isinstance(state.gesture, act.Drawing | act.Resizing)
    return working or (always and state.changes)


def choose_cursor(state: ToolState) -> Cursor:
    """The shape that says what the left button would do, or does."""
    if not state.has_image:
        return "arrow"
    if state.panning:
        return "closed hand" if state.held else "open hand"
    match state.gesture:
        case act.Resizing(handle=handle):
            return HANDLE_CURSORS[handle]
        case act.Moving():
            return "move"
        case act.Drawing() | act.Measuring():
            return "cross"
        case act.Banding():
            return "arrow"
    if state.tool == "measure":
        return "cross"
    if state.hidden:
        return "open hand"
    if state.tool == "draw":
        return "cross"
    if state.add and state.changes:
        return "point" if isinstance(state.under, act.OnBoxes) else "arrow"
    if isinstance(state.under, act.OnHandle) and state.changes:
        return HANDLE_CURSORS[state.under.handle]
    if isinstance(state.under, act.OnBoxes | act.OnHandle):
        ids = state.under.box_ids if isinstance(state.under, act.OnBoxes) else (state.under.box_id,)
        return "move" if state.changes and state.selected.intersection(ids) else "point"
    return "cross" if state.changes else "arrow"


def _name_key(keys: Mapping[str, str], action: str, text: str, without: str = "") -> str:
    return text.format(keys[action]) if keys.get(action) else without


def _join_parts(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
