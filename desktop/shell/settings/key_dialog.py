"""Asks for a new key of an action, and says what else it does."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from desktop.base.key_choice import KeyChoice, spec_of, to_native, why_reserved
from desktop.base.theme import GAP, PAD
from desktop.kit.key_capture import KeyCapture
from desktop.kit.parts import restyle, words


class KeyDialog(QDialog):
    """`key` is what was pressed once the dialog was accepted. Enter takes it, another key replaces it."""

    def __init__(self, choice: KeyChoice, action: str, parent: QWidget | None = None, *, instead: bool = False) -> None:
        """`instead`: the key takes the place of the first that the action has, which is said."""
        super().__init__(parent)
        self._instead = instead
        self._choice = choice
        self._action = action
        self.key = ""
        name = spec_of(action).text.rstrip("…")
        self.setWindowTitle(f"A key for “{name}”")
        self.setMinimumWidth(460)
        self.capture = KeyCapture()
        self.capture.captured.connect(self.try_key)
        self.about = words("", "muted", wrap=True)
        self.about.setMinimumHeight(40)
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.take = self._buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.take.setMinimumWidth(96)  # of the longest of its texts, so that nothing moves
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * PAD, 2 * PAD, 2 * PAD, PAD + GAP)
        layout.setSpacing(PAD)
        layout.addWidget(words(name, "heading"))
        layout.addWidget(self.capture)
        layout.addWidget(self.about)
        layout.addWidget(self._buttons)
        self._show_state(
            "Press the key, alone or with Ctrl, Alt or Shift. Esc leaves everything as it is.", "muted", "Use it"
        )
        self.capture.setFocus()

    def try_key(self, key: str) -> None:
        """Consider `key`, given as portable text."""
        self.key = ""
        (shown,) = to_native([key])
        self.capture.setText(shown)
        others = self._choice.list_clashes(self._action, key)
        if reason := why_reserved(self._action, key):
            self._show_state(f"{shown} {reason}: it cannot be given away. Press another key.", "error", "Use it")
            return
        self.key = key
        if others:
            names = " and ".join(f"“{_action_text(other)}”" for other in others)
            self._show_state(
                f"{shown} belongs to {names}. Taking it leaves that without it.{self._describe_replaced()}",
                "warning",
                "Take it",
            )
        elif key in self._choice.find_keys(self._action):
            self._show_state(f"{shown} is its key already.", "muted", "Keep it")
        elif key == "Space":
            self._show_state(
                f"A tap does it. Space held down still moves the image.{self._describe_replaced()}", "muted", "Use it"
            )
        else:
            self._show_state(f"{shown} is free.{self._describe_replaced()}", "good", "Use it")

    def _describe_replaced(self) -> str:
        """Which key of the action goes, and which stay; empty where none goes."""
        first, *rest = to_native(self._choice.find_keys(self._action)) or ("",)
        if not self._instead or not first:
            return ""
        stay = f"; {' and '.join(rest)} {'stays' if len(rest) == 1 else 'stay'}" if rest else ""
        return f" It takes the place of {first}{stay}."

    def _show_state(self, text: str, role: str, take: str) -> None:
        self.about.setText(text)
        restyle(self.about, "role", role)
        self.take.setText(take)
        self.take.setEnabled(bool(self.key))


def _action_text(action: str) -> str:
    return spec_of(action).text.rstrip("…")
