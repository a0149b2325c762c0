"""A strip that says what went wrong where the user is looking, without stopping them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from desktop.base.theme import GAP, PAD, icon_pixmap, notifier, theme
from desktop.kit.parts import icon_button, words

Kind = Literal["info", "warning", "error"]


class Notice(QFrame):
    """Hidden until `show_notice`; closed by its cross, by `clear`, or by itself when it only informs."""

    left = Signal()  # hidden while one of its buttons had the keys: they belong where the user works

    def __init__(self, parent: QWidget | None = None, *, closable: bool = True) -> None:
        super().__init__(parent)
        self.setProperty("role", "banner")
        self._kind: Kind = "info"
        self._offer: Callable[[], object] | None = None
        self._sign = QLabel()
        self._text = words(wrap=True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)  # names of files and labels are in it
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.button = QPushButton()
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keys where they are
        self.button.hide()
        self.button.clicked.connect(self._take_offer)
        close = icon_button("close", "Close this notice")
        close.clicked.connect(self.clear)
        if not closable:
            close.hide()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(PAD, 6, GAP, 6)
        layout.setSpacing(GAP)
        layout.addWidget(self._sign)
        layout.addWidget(self._text, 1)
        layout.addWidget(self.button)
        layout.addWidget(close)
        self._timer = QTimer(self, singleShot=True, interval=6000)
        self._timer.timeout.connect(self.clear)
        notifier.theme_changed.connect(self._tint_sign)
        self.hide()

    @property
    def text(self) -> str:
        return self._text.text()

    def show_notice(
        self,
        text: str,
        kind: Kind = "error",
        *,
        stays: bool = True,
        offer: tuple[str, Callable[[], object]] | None = None,
    ) -> None:
        """Show `text`; unless it `stays`, it leaves by itself after six seconds.

        `offer` is what a button beside it says and does.
        """
        self._kind = kind
        self._text.setText(text)
        self._offer = offer[1] if offer else None
        self.button.setText(offer[0] if offer else "")
        self.button.setVisible(offer is not None)
        self._tint_sign()
        self.show()
        if stays:
            self._timer.stop()
        else:
            self._timer.start()

    def clear(self) -> None:
        self._timer.stop()
        self.hide()

    def setVisible(self, visible: bool) -> None:
        focused = self.focusWidget()
        had_keys = not visible and focused is not None and focused.hasFocus()
        if had_keys and focused is not None:
            # Else Qt gives them to whatever comes next, such as a field that is then typed into.
            focused.clearFocus()
        super().setVisible(visible)
        if had_keys:
            self.left.emit()

    def _take_offer(self) -> None:
        if self._offer is not None:
            self._offer()

    def _tint_sign(self) -> None:
        colors = {"info": theme().accent, "warning": theme().warning, "error": theme().bad}
        self._sign.setPixmap(icon_pixmap(self._kind, colors[self._kind], 18, self.devicePixelRatioF()))
