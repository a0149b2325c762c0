"""The number row by its place, for layouts that type something else there: AZERTY, Czech, Slovak, Lithuanian.

A key such as `1` or `Ctrl+1` is looked for by the character that a press types. On these layouts the number row types
characters, and digits only with Shift: the place of the press says which digit is meant. What the layout types at a
place is learned from the press itself, right before Qt looks for the action of it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from desktop.base.keymap import Keymap

# Where the digits are: key codes of X11 and Wayland, scan codes of Windows, virtual key codes of macOS.
LINUX: Mapping[int, str] = dict(zip(range(10, 20), "1234567890", strict=True))
WINDOWS: Mapping[int, str] = dict(zip(range(2, 12), "1234567890", strict=True))
MACOS: Mapping[int, str] = dict(
    zip((0x12, 0x13, 0x14, 0x15, 0x17, 0x16, 0x1A, 0x1C, 0x19, 0x1D), "1234567890", strict=True)
)
# A press that types something else at such a place: Shift types the digit itself, and AltGr a third character.
OTHERS = (
    Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.GroupSwitchModifier
)
DIGITS = range(Qt.Key.Key_0, Qt.Key.Key_9 + 1)


def find_digit(scan_code: int, virtual_key: int, platform: str = sys.platform) -> str | None:
    """The digit of the number row that stands where a key was pressed, whatever the layout types there."""
    if platform == "darwin":
        return MACOS.get(virtual_key)
    return (WINDOWS if platform == "win32" else LINUX).get(scan_code)


class DigitPlaces(QObject):
    """Watches what the keys of a window are asked for, and tells the keymap what the number row types."""

    def __init__(self, window: QWidget, keymap: Keymap) -> None:
        super().__init__(window)
        self._keymap = keymap
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # It comes here from whatever has the focus, unless that types it.
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            self._note_press(event)
        return False

    def _note_press(self, event: QKeyEvent) -> None:
        if not event.nativeScanCode():
            return  # made by a program, at no place
        typed = dict(self._keymap.typed_for_digits)
        digit = find_digit(event.nativeScanCode(), event.nativeVirtualKey())
        if event.modifiers() & OTHERS:
            digit = None
        # The layout may have changed since: what comes from elsewhere now is not that digit any more.
        for known, key in list(typed.items()):
            if known == digit or key == event.key():
                del typed[known]
        if digit is not None and event.key() not in DIGITS and event.key() != Qt.Key.Key_unknown:
            typed[digit] = event.key()
        self._keymap.set_typed_for_digits(typed)
