"""A field that takes the next key pressed, whatever it is."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QKeyCombination, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QLabel, QWidget

from desktop.base.key_choice import to_portable
from desktop.base.theme import mono_font

MODIFIERS = {
    Qt.Key.Key_Control,
    Qt.Key.Key_Shift,
    Qt.Key.Key_Alt,
    Qt.Key.Key_Meta,
    Qt.Key.Key_AltGr,
    Qt.Key.Key_CapsLock,
    Qt.Key.Key_NumLock,
    Qt.Key.Key_Super_L,
    Qt.Key.Key_Super_R,
    Qt.Key.Key_unknown,
}
# Keys by which the dialog around is used without a mouse.
LEFT_ALONE = {"Esc", "Return", "Enter", "Tab", "Shift+Tab", "Backtab", "Shift+Backtab"}


class KeyCapture(QLabel):
    """Shows the key that was pressed last while it has the focus. Esc, Enter and Tab go on to the dialog."""

    captured = Signal(str)  # the key as portable text

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Press a key", parent)
        self.setProperty("role", "capture")
        self.setFont(mono_font(18))
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumHeight(64)
        self.setAccessibleName("The new key: press it")

    def event(self, event: QEvent) -> bool:
        # Otherwise an action of the window that has this key would be set off.
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = pressed_key(event)
        if key is None:
            return
        if key in LEFT_ALONE:
            super().keyPressEvent(event)
            return
        self.captured.emit(key)


def pressed_key(event: QKeyEvent) -> str | None:
    """The key of an event as portable text; None for a modifier alone."""
    key = Qt.Key(event.key())
    if key in MODIFIERS:
        return None
    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    text = event.text()
    # A sign such as ? is typed with Shift on one keyboard and without it on another; the sign is the key.
    if text and text.isprintable() and not text.isalnum() and not text.isspace():
        modifiers &= ~Qt.KeyboardModifier.ShiftModifier
    return to_portable(QKeySequence(QKeyCombination(modifiers, key)).toString())
