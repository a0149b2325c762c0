"""The keys in force: those of a preset, and what the person changed of them. Actions follow at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QKeySequence

from core.settings import Settings
from desktop.actions import SCOPES, ActionSpec, tool_tip

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
        "label.reviewed": ("Space",),
        "label.previous": ("A",),
        "label.next": ("D",),
    },
    "CVAT": {
        "window.settings": ("F2", "Ctrl+,"),
        "window.shortcuts": ("F1", "?"),
        **{f"window.page_{number}": (f"Alt+{number}",) for number in range(1, 6)},
        "label.draw": ("N",),
        "label.delete": ("Del",),
        "label.hide": ("T, H", "H"),
        "label.previous": ("D", "PgUp"),
        "label.next": ("F", "PgDown"),
        "label.fit": ("Ctrl+F",),
        "label.duplicate": ("Ctrl+D",),
        **{f"label.digit_{digit}": (f"Ctrl+{digit}",) for digit in "1234567890"},
    },
}

# The image takes these itself, so an action on them would never be heard, or would take the hand's keys away.
RESERVED = {
    "Tab": "selects the next of overlapping boxes, and goes from field to field",
    "Shift+Tab": "selects the box before, and goes from field to field",
    "Return": "opens the labels of the selected box, and presses buttons",
    "Enter": "opens the labels of the selected box, and presses buttons",
    "Esc": "cancels what is under way",
    **{
        f"{shift}{arrow}": "nudges the selected boxes"
        for shift in ("", "Shift+")
        for arrow in ("Left", "Right", "Up", "Down")
    },
}


class Keymap(QObject):
    """Keys by action, named "scope.name": `label.draw`, `window.undo`."""

    changed = Signal()

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        settings.listen(self._follow)

    def keys(self, action: str) -> Keys:
        """The keys of an action as portable text; several, one, or none."""
        values = self._settings.values
        return keys_of(action, values.shortcut_preset, values.shortcuts)

    def attach(self, scope: str, owner: QObject, actions: Iterable[QAction]) -> None:
        """Give `actions`, made by `actions.build` for `owner`, their keys, now and whenever these change."""
        _Follower(owner, self, scope, list(actions))

    def _follow(self, names: frozenset[str]) -> None:
        if names & {"shortcut_preset", "shortcuts"}:
            self.changed.emit()


class _Follower(QObject):
    """Lives as a child of what owns the actions, so that the connection ends with it."""

    def __init__(self, owner: QObject, keymap: Keymap, scope: str, actions: Sequence[QAction]) -> None:
        super().__init__(owner)
        self._keymap, self._scope, self._actions = keymap, scope, actions
        keymap.changed.connect(self._give)
        self._give()

    def _give(self) -> None:
        specs = SCOPES[self._scope]
        for action in self._actions:
            spec = specs[action.objectName()]
            keys = self._keymap.keys(f"{self._scope}.{spec.name}")
            action.setShortcuts([QKeySequence(key) for key in keys])
            action.setToolTip(tool_tip(spec, keys))


def spec_of(action: str) -> ActionSpec:
    """The row of the table of actions. Raises KeyError for an unknown one."""
    scope, _, name = action.partition(".")
    return SCOPES[scope][name]


def all_actions() -> list[str]:
    """Every action that can carry keys, in the order of the tables."""
    return [f"{scope}.{name}" for scope, specs in SCOPES.items() for name in specs]


def keys_of(action: str, preset: str, changes: Mapping[str, Sequence[str]]) -> Keys:
    """The keys of `action` in `preset` with the person's own `changes`."""
    if action in changes:
        return tuple(changes[action])
    return PRESETS[preset].get(action, spec_of(action).keys)


def clashes(action: str, key: str, keys: Mapping[str, Keys]) -> list[str]:
    """The other actions that `key` would set off at the same time as `action`, given the `keys` of all.

    Pages are never in front together; the window's actions are heard on each. A sequence such as `T, H`
    clashes with its beginning.
    """
    scope = action.partition(".")[0]
    found = []
    for other, others in keys.items():
        beside = other.partition(".")[0]
        if other != action and (scope == beside or "window" in (scope, beside)):
            found += [other] if any(overlaps(key, taken) for taken in others) else []
    return found


def overlaps(one: str, other: str) -> bool:
    """Whether two key sequences are the same, or one begins the other."""
    first, second = portable(one).split(", "), portable(other).split(", ")
    shorter = min(len(first), len(second))
    return first[:shorter] == second[:shorter]


def portable(key: str) -> str:
    """The key in one spelling, whatever the platform; empty if it is none."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.PortableText)


def native(keys: Iterable[str]) -> list[str]:
    """The keys as this platform writes them."""
    return [QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) for key in keys]
