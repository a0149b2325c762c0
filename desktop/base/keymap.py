"""The keys in force. Actions follow at once when a setting changes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QKeySequence

from core.settings import Settings
from desktop.base.actions import SCOPES, tool_tip
from desktop.base.key_choice import KeyChoice, Keys, choice_of, keys_by_place, spec_of, to_native


class Keymap(QObject):
    """Keys by action, named "scope.name": `label.draw`, `window.undo`."""

    changed = Signal()

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._typed: dict[str, int] = {}
        settings.listen(self._follow_settings)

    @property
    def choice(self) -> KeyChoice:
        """The preset and the user's changes."""
        values = self._settings.values
        return choice_of(values.shortcut_preset, values.shortcuts)

    def find_keys(self, action: str) -> Keys:
        """The keys of an action as portable text; several, one, or none."""
        return self.choice.find_keys(action)

    @property
    def typed_for_digits(self) -> Mapping[str, int]:
        """What the number row types where it does not type its digits, by digit: keys as Qt numbers them."""
        return self._typed

    def set_typed_for_digits(self, typed: Mapping[str, int]) -> None:
        """Let what the number row types work as the digits at these places, where it is no action's own key."""
        if typed != self._typed:
            self._typed = dict(typed)
            self.changed.emit()

    def fill_in_keys(self, text: str, **actions: str) -> str:
        """`text` with {name} replaced by the first key of that action; the action's name where it has none."""
        keys = {name: to_native(self.find_keys(action)) for name, action in actions.items()}
        return text.format(
            **{name: keys[name][0] if keys[name] else f"“{_action_words(actions[name])}”" for name in keys}
        )

    def attach_actions(self, scope: str, owner: QObject, actions: Iterable[QAction]) -> None:
        """Give `actions`, those of an `ActionSet` of `owner`, their keys, now and whenever these change."""
        _Follower(owner, self, scope, list(actions))

    def _follow_settings(self, names: frozenset[str]) -> None:
        if names & {"shortcut_preset", "shortcuts"}:
            self.changed.emit()


class _Follower(QObject):
    """Lives as a child of what owns the actions, so that the connection ends with it."""

    def __init__(self, owner: QObject, keymap: Keymap, scope: str, actions: Sequence[QAction]) -> None:
        super().__init__(owner)
        self._keymap, self._scope, self._actions = keymap, scope, actions
        keymap.changed.connect(self._give_keys)
        self._give_keys()

    def _give_keys(self) -> None:
        specs, choice = SCOPES[self._scope], self._keymap.choice
        for action in self._actions:
            spec = specs[action.objectName()]
            name = f"{self._scope}.{spec.name}"
            keys = choice.find_keys(name)
            # Keys by place are heard and not named: the digit is what stands on the key as well.
            heard = (*keys, *keys_by_place(choice, name, self._keymap.typed_for_digits))
            action.setShortcuts([QKeySequence(key) for key in heard])
            action.setToolTip(tool_tip(spec, keys))


def _action_words(action: str) -> str:
    return spec_of(action).text.rstrip("…")
