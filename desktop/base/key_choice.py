"""Which key does what: presets, the user's own changes, and what clashes. No window is needed for any of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from PySide6.QtGui import QKeySequence

from desktop.base.actions import SCOPES, ActionSpec

Keys = tuple[str, ...]

# What differs from the table of actions. From the programs' own documents and defaults.
PRESETS: Mapping[str, Mapping[str, Keys]] = {
    "defectdesk": {},
    "labelImg": {
        "window.add_folder": ("Ctrl+U", "Ctrl+Shift+I"),
        "label.draw": ("W",),
        "label.delete": ("Del",),
        "label.remove_image": ("Ctrl+Shift+D",),
        "label.fit": ("Ctrl+F",),
        "label.actual_size": ("Ctrl+=",),
        "label.zoom_in": ("Ctrl++",),
        "label.hide": ("Ctrl+H",),
        "label.hide_box": ("H",),
        "label.reviewed": ("Space",),
        "label.previous": ("A",),
        "label.next": ("D",),
    },
    "CVAT": {
        "window.settings": ("F2", "Ctrl+,"),
        **{f"window.page_{number}": (f"Alt+{number}",) for number in range(1, 6)},
        "label.draw": ("N",),
        "label.delete": ("Del",),
        "label.hide": ("T, H", "H"),
        "label.previous": ("D", "PgUp"),
        "label.next": ("F", "PgDown"),
        "label.next_unlabelled": ("Shift+F",),
        "label.previous_unlabelled": ("Shift+D",),
        "label.fit": ("Ctrl+F",),
        "label.actual_size": ("Alt+0",),
        **{f"label.digit_{digit}": (f"Ctrl+{digit}",) for digit in "1234567890"},
    },
}
PRESET_NOTES: Mapping[str, str] = {
    "defectdesk": "W or R draws, D and A go to the next and the previous image, digits toggle labels.",
    "labelImg": "W draws, D and A change the image, a tap of Space marks it reviewed; Space held still moves the image.",
    "CVAT": "N draws, F and D change the image, T then H hides, Ctrl with a digit toggles a label.",
}

# The image and the fields take these themselves: an action would never hear them, or would take them from there.
RESERVED: Mapping[str, str] = {
    "Tab": "goes from field to field, and through overlapping boxes",
    "Shift+Tab": "goes from field to field, and through overlapping boxes",
    "Backtab": "goes from field to field, and through overlapping boxes",
    "Return": "opens the labels of the selected box, and presses buttons",
    "Enter": "opens the labels of the selected box, and presses buttons",
    "Esc": "cancels what is under way",
    "F10": "opens the menus",
    **{
        f"{shift}{arrow}": "nudges the selected boxes, and goes through lists"
        for shift in ("", "Shift+")
        for arrow in ("Left", "Right", "Up", "Down")
    },
    **{
        f"Ctrl+{shift}{arrow}": "resizes the selected boxes"
        for shift in ("", "Shift+")
        for arrow in ("Left", "Right", "Up", "Down")
    },
    **{f"Alt+{letter}": "opens a menu" for letter in "PEVITCH"},
}


@dataclass(frozen=True, slots=True)
class KeyChoice:
    """A preset and what the user changed of it. Actions are named "scope.name": `label.draw`, `window.undo`."""

    preset: str
    changes: Mapping[str, Keys]

    def find_keys(self, action: str) -> Keys:
        """The keys of an action as portable text; several, one, or none."""
        return self.changes.get(action, self.preset_keys(action))

    def preset_keys(self, action: str) -> Keys:
        """The keys that the preset gives to an action."""
        return PRESETS[self.preset].get(action, spec_of(action).keys)

    def is_changed(self, action: str) -> bool:
        return action in self.changes

    def list_keys(self) -> dict[str, Keys]:
        """The keys of every action."""
        return {action: self.find_keys(action) for action in all_actions()}

    def list_clashes(self, action: str, key: str) -> list[str]:
        """The other actions that have `key` where `action` is heard, too."""
        return find_clashes(action, key, self.list_keys())

    def with_key(self, action: str, key: str) -> KeyChoice:
        """Give `key` to an action and take it from those that have it where this one is heard."""
        choice = self
        for other in self.list_clashes(action, key):
            kept = tuple(taken for taken in self.find_keys(other) if not do_overlap(key, taken))
            choice = choice._with_keys(other, kept)
        present = tuple(one for one in choice.find_keys(action) if not do_overlap(key, one))
        return choice._with_keys(action, (*present, to_portable(key)))

    def with_first_key(self, action: str, key: str) -> KeyChoice:
        """Give `key` to an action in place of its first one; its other keys stay."""
        made = self.with_key(action, key)
        new, others = made.find_keys(action)[-1], made.find_keys(action)[:-1]
        first = self.find_keys(action)[:1]
        return made._with_keys(action, (new, *(one for one in others if one not in first)))

    def without_keys(self, action: str) -> KeyChoice:
        return self._with_keys(action, ())

    def reset_keys(self, action: str) -> KeyChoice:
        """Give an action the preset's keys again, also where another has one of them by now."""
        return replace(self, changes={name: keys for name, keys in self.changes.items() if name != action})

    def _with_keys(self, action: str, keys: Keys) -> KeyChoice:
        if keys == self.preset_keys(action):
            return self.reset_keys(action)
        return replace(self, changes={**self.changes, action: keys})


def choice_of(preset: str, changes: Mapping[str, Sequence[str]]) -> KeyChoice:
    """What the settings hold."""
    return KeyChoice(preset, {action: tuple(keys) for action, keys in changes.items()})


def spec_of(action: str) -> ActionSpec:
    """The row of the table of actions. Raises KeyError for an unknown one."""
    scope, _, name = action.partition(".")
    return SCOPES[scope][name]


def all_actions() -> list[str]:
    """Every action that can carry keys, in the order of the tables."""
    return [f"{scope}.{name}" for scope, specs in SCOPES.items() for name in specs]


def find_clashes(action: str, key: str, keys: Mapping[str, Keys]) -> list[str]:
    """The other actions that `key` would set off at the same time as `action`, given the `keys` of all.

    Two pages are never in front together; the window's actions are heard on each. A sequence such as `T, H`
    clashes with its beginning.
    """
    scope = action.partition(".")[0]
    found = []
    for other, taken in keys.items():
        beside = other.partition(".")[0]
        together = scope == beside or "window" in (scope, beside)
        if other != action and together and any(do_overlap(key, one) for one in taken):
            found.append(other)
    return found


def keys_by_place(choice: KeyChoice, action: str, typed: Mapping[str, int]) -> Keys:
    """The keys of an action that end with a digit, with what the keyboard types at the place of that digit.

    `typed` has the keys by digit. What is a key of an action that is heard together with this one stays that one's.
    """
    found = []
    for key in choice.find_keys(action) if typed else ():
        modifiers, digit = key[:-1], key[-1:]
        if digit in typed and (not modifiers or modifiers.endswith("+")) and ", " not in key:
            other = modifiers + QKeySequence(typed[digit]).toString(QKeySequence.SequenceFormat.PortableText)
            if not choice.list_clashes(action, other) and why_reserved(action, other) is None:
                found.append(other)
    return tuple(found)


def why_reserved(action: str, key: str) -> str | None:
    """What `key` does everywhere, if it therefore cannot be given to `action`."""
    first = to_portable(key).split(", ")[0]
    if first == "Space" and not action.startswith("label."):
        return "presses the button or ticks the box that has the focus"
    return RESERVED.get(first)


def do_overlap(one: str, other: str) -> bool:
    """Whether two key sequences are the same, or one begins the other."""
    first, second = to_portable(one).split(", "), to_portable(other).split(", ")
    shorter = min(len(first), len(second))
    return first[:shorter] == second[:shorter]


@cache
def to_portable(key: str) -> str:
    """The key in one spelling, whatever the platform; empty if it is none."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.PortableText)


def to_native(keys: Iterable[str]) -> list[str]:
    """The keys as this platform writes them."""
    return [QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) for key in keys]
