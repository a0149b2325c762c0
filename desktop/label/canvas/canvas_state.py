"""How the canvas shows an image, beyond zoom and place, and the signs that say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.imaging.adjust import Adjustment
from desktop.label.canvas.badges import Badge

CHANNELS: Mapping[str, str] = {
    "rgb": "All colours",
    "red": "Red only",
    "green": "Green only",
    "blue": "Blue only",
    "grey": "Grey",
}


@dataclass(frozen=True, slots=True)
class ViewState:
    """What is switched on and off by the user."""

    editable: bool = True  # the project may be written
    hidden: bool = False  # the boxes are
    names_hidden: bool = False  # the tags at the boxes are
    locked: bool = False
    pixel_grid: bool = True  # where the zoom is high enough
    rulers: bool = False  # along the edges
    minimap: bool = True  # where the image is larger than the view


def describe_adjustment(adjustment: Adjustment) -> str:
    """What is different from the image as it is, in a few words."""
    parts = []
    if adjustment.channel != "rgb":
        parts.append(CHANNELS[adjustment.channel].lower())
    if adjustment.stretch:
        parts.append(f"stretch {adjustment.low:g}–{adjustment.high:g} %")
    if adjustment.clahe:
        parts.append(f"local contrast {adjustment.clahe:g}")
    if adjustment.gamma != 1.0:
        parts.append(f"gamma {adjustment.gamma:g}")
    if adjustment.contrast:
        parts.append(f"contrast {adjustment.contrast:+d}")
    if adjustment.brightness:
        parts.append(f"brightness {adjustment.brightness:+d}")
    return ", ".join(parts)


def list_badges(
    state: ViewState,
    *,
    measuring: bool,
    adjustment: Adjustment | None,
    comparing: bool,
    keys: Mapping[str, str],
    out_of_sight: int = 0,
) -> list[Badge]:
    """The signs for what is on. `comparing`: the `adjustment` is set aside for a moment. `out_of_sight`: how many boxes
    were hidden one by one or by their label.
    """

    def name_end(name: str, what: str) -> str:
        key = keys.get(name)
        return f"Click, or press {key}, {what}" if key else f"Click {what}"

    found = []
    if state.hidden:
        found.append(Badge("hide", "Boxes hidden", "hide", name_end("hide", "to show the boxes")))
    elif out_of_sight:
        some = f"{out_of_sight:,} {'box' if out_of_sight == 1 else 'boxes'} hidden"
        found.append(Badge("show_hidden", some, "hide", name_end("show_hidden", "to show all boxes")))
    if adjustment is not None and not adjustment.is_neutral:
        if comparing:
            tip = name_end("compare", "to see the adjusted view again")
            found.append(Badge("compare", "As it is: adjustment off", "compare", tip))
        else:
            tip = f"{describe_adjustment(adjustment)}. For the eye alone: files and training are as they were. "
            tip += name_end("compare", "to see the image as it is")
            found.append(Badge("compare", "View adjusted", "adjust", tip))
    if not state.editable:
        found.append(Badge("", "Read-only", "lock", "The project was opened read-only: nothing can be changed", False))
    elif state.locked:
        found.append(Badge("lock", "Locked", "lock", name_end("lock", "to move, resize and draw boxes again"), False))
    if state.names_hidden and not state.hidden:
        found.append(Badge("hide_names", "Names hidden", "tag-off", name_end("hide_names", "to show the names"), False))
    if measuring:
        found.append(Badge("measure", "Measuring", "measure", name_end("measure", "to go back to the boxes"), False))
    return found
