"""What a click will do, told by one line of words and by the shape of the cursor: pure functions of one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from desktop.label.canvas import interaction as act

Cursor = Literal["arrow", "cross", "point", "move", "open hand", "closed hand", "diagonal", "counter", "across", "down"]

HANDLE_CURSORS: Mapping[act.Handle, Cursor] = {
    "nw": "diagonal",
    "se": "diagonal",
    "ne": "counter",
    "sw": "counter",
    "n": "down",
    "s": "down",
    "e": "across",
    "w": "across",
}
# Of the actions that hints name; a person may have other keys, and none.
KEYS: Mapping[str, str] = {"draw": "W", "hide": "H", "lock": "L", "measure": "M", "delete": "Del"}


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
        return not refusal(self)


def hint(hand: ToolState, keys: Mapping[str, str] = KEYS) -> str:
    """What the hand can do now. `keys`: those of the actions draw, hide, lock, measure and delete; empty for none."""
    if not hand.has_image:
        return ""
    if hand.held:
        return "Drag to move the image · letting go of the button leaves it there"
    if hand.panning:
        return "Drag to move the image · letting go of Space goes back to the boxes"
    if hand.gesture is not None:
        return _while(hand, hand.gesture)
    if hand.remark:
        return hand.remark
    if hand.tool == "measure":
        return _join(
            "Drag to measure, with Shift straight", _key(keys, "measure", "{} or Esc ends measuring", "Esc ends")
        )
    if hand.hidden:
        return _join("The boxes are hidden", _key(keys, "hide", "{} shows them"), "drag moves the image")
    if hand.tool == "draw":
        return "Drag, or click two corners, to draw a box, also over other boxes · Enter draws one here · Esc cancels"
    if not hand.editable:
        return _join("Read-only", _looking(hand))
    if hand.locked:
        return _join("Locked", _looking(hand), _key(keys, "lock", "{} unlocks"))
    return _free(hand, keys)


def _free(hand: ToolState, keys: Mapping[str, str]) -> str:
    """With nothing under way and nothing forbidden."""
    count = len(hand.selected)
    if hand.add:
        return _adding(hand)
    if isinstance(hand.under, act.OnHandle):
        return "Drag to resize the box · Alt: without snapping · Ctrl+arrows resize it by 1 px"
    if isinstance(hand.under, act.OnBoxes):
        there = len(hand.under.box_ids)
        if not hand.selected.intersection(hand.under.box_ids):
            return _join("Click selects the box, drag moves it", "Ctrl+click adds it to the selection" if count else "")
        if count > 1:
            return f"Drag moves the {count} boxes · Ctrl+click takes this one out · digits toggle labels on all"
        if there > 1:
            next_one = f"Click again for the next of {there} boxes here"
            click = next_one if hand.again else f"Click selects the smallest of {there} boxes here, again the next"
            return f"{click} · drag moves the selected one · digits toggle its labels"
        delete = _key(keys, "delete", "{} deletes it")
        return _join("Drag moves the box, arrows nudge it", "digits toggle its labels", "Enter lists them", delete)
    if count:
        what = "its labels" if count == 1 else f"labels on all {count}"
        return f"Drag draws a new box · click lets go of the selection · digits toggle {what}"
    over = _key(keys, "draw", "{} draws over boxes")
    return _join("Drag to draw a box", over, "Ctrl+drag frames boxes", "digits set the next box's labels")


def _adding(hand: ToolState) -> str:
    """With Ctrl or Shift held, which selects and never changes a box."""
    frame = "drag adds what its frame touches"
    if isinstance(hand.under, act.OnBoxes):
        taken = hand.under.box_ids[0] in hand.selected
        return _join(
            "Click takes the box out of the selection" if taken else "Click adds the box to the selection", frame
        )
    return "Drag to frame boxes: adds them to the selection" if hand.selected else "Drag to frame boxes and select them"


def _while(hand: ToolState, gesture: act.Gesture) -> str:
    """In the middle of a gesture."""
    match gesture:
        case act.Drawing(by_clicks=True):
            if not hand.fits:
                return "Too small for a box: click the opposite corner farther away · Esc cancels"
            return "Click the opposite corner · Alt: without snapping · Esc cancels"
        case act.Drawing():
            if not hand.fits:
                return "Too small for a box: letting go here draws nothing"
            return "Let go to draw the box · Alt: without snapping · Esc cancels"
        case act.Moving(box_ids=ids):
            what = "box" if len(ids) == 1 else f"{len(ids)} boxes"
            return f"Let go to put the {what} here · Alt: without snapping · Esc cancels"
        case act.Resizing():
            return "Let go to keep this size · Alt: without snapping · Esc cancels"
        case act.Banding():
            return f"Let go to select what the frame touches: {len(hand.selected)} so far · Esc cancels"
        case act.Measuring():
            return "Let go to keep the measure · Shift: straight · Esc cancels"


def _looking(hand: ToolState) -> str:
    if hand.add:
        return _adding(hand)
    if isinstance(hand.under, act.OnBoxes):
        there = len(hand.under.box_ids)
        if hand.again and there > 1 and hand.selected.intersection(hand.under.box_ids):
            return f"click again for the next of {there} boxes here"
        return "click selects the box"
    return "drag frames boxes to select them, click lets go"


def refusal(hand: ToolState, keys: Mapping[str, str] = KEYS) -> str:
    """Why boxes cannot be changed now and how to go on; empty where they can."""
    if not hand.editable:
        return "The project was opened read-only: nothing can be changed"
    if hand.locked:
        return _join("The boxes are locked", _key(keys, "lock", "{} unlocks them"))
    if hand.hidden:
        return _join("The boxes are hidden", _key(keys, "hide", "{} shows them"))
    return ""


def cursor(hand: ToolState) -> Cursor:
    """The shape that says what the left button would do, or does."""
    if not hand.has_image:
        return "arrow"
    if hand.panning:
        return "closed hand" if hand.held else "open hand"
    match hand.gesture:
        case act.Resizing(handle=handle):
            return HANDLE_CURSORS[handle]
        case act.Moving():
            return "move"
        case act.Drawing() | act.Measuring():
            return "cross"
        case act.Banding():
            return "arrow"
    if hand.tool == "measure":
        return "cross"
    if hand.hidden:
        return "open hand"
    if hand.tool == "draw":
        return "cross"
    if hand.add and hand.changes:
        return "point" if isinstance(hand.under, act.OnBoxes) else "arrow"
    if isinstance(hand.under, act.OnHandle) and hand.changes:
        return HANDLE_CURSORS[hand.under.handle]
    if isinstance(hand.under, act.OnBoxes | act.OnHandle):
        ids = hand.under.box_ids if isinstance(hand.under, act.OnBoxes) else (hand.under.box_id,)
        return "move" if hand.changes and hand.selected.intersection(ids) else "point"
    return "cross" if hand.changes else "arrow"


def _key(keys: Mapping[str, str], action: str, text: str, without: str = "") -> str:
    return text.format(keys[action]) if keys.get(action) else without


def _join(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
