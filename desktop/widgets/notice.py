"""A strip that says what went wrong where the person is looking, without stopping them."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from desktop.theme import GAP, PAD, icon_pixmap, notifier, theme
from desktop.widgets.parts import icon_button, words

Kind = Literal["info", "warning", "error"]


class Notice(QFrame):
    """Hidden until `show_notice`; closed by its cross, by `clear`, or by itself when it only informs."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "banner")
        self._kind: Kind = "info"
        self._sign = QLabel()
        self._text = words(wrap=True)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.button = QPushButton()
        self.button.hide()
        close = icon_button("close", "Close this notice")
        close.clicked.connect(self.clear)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(PAD, 6, GAP, 6)
        layout.setSpacing(GAP)
        layout.addWidget(self._sign)
        layout.addWidget(self._text, 1)
        layout.addWidget(self.button)
        layout.addWidget(close)
        self._timer = QTimer(self, singleShot=True, interval=6000)
        self._timer.timeout.connect(self.clear)
        notifier.theme_changed.connect(self._tint)
        self.hide()

    @property
    def text(self) -> str:
        return self._text.text()

    def show_notice(self, text: str, kind: Kind = "error", *, stays: bool = True) -> None:
        """Show `text`; unless it `stays`, it leaves by itself after six seconds."""
        self._kind = kind
        self._text.setText(text)
        self._tint()
        self.show()
        if stays:
            self._timer.stop()
        else:
            self._timer.start()

    def clear(self) -> None:
        self._timer.stop()
        self.hide()

    def _tint(self) -> None:
        colors = {"info": theme().accent, "warning": theme().warning, "error": theme().bad}
        self._sign.setPixmap(icon_pixmap(self._kind, colors[self._kind], 18, self.devicePixelRatioF()))
