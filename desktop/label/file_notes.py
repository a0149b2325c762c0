"""What the user should know of how the current file is read, in quiet sentences."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from desktop.base.theme import GAP, PAD, icon_pixmap, notifier, theme
from desktop.kit.formatting import sentence
from desktop.kit.parts import icon_button, words

DEPTH = "depth scale"  # a note that speaks of it can be followed by setting one


class FileNotes(QFrame):
    """Says whole sentences, and leads to where what they speak of is set. Hidden where there is nothing to say.

    What was closed once is not said again until the program is started again.
    """

    depth_wanted = Signal()  # the user wants to set the depth scale

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "bar")
        self._notes: tuple[str, ...] = ()
        self._closed: set[str] = set()
        self._sign = QLabel()
        self._text = words("", "small", wrap=True)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.depth_link = QPushButton("Set it…")  # short: beside the text it takes from its width
        self.depth_link.setToolTip("Set the depth scale")
        self.depth_link.setAccessibleName("Set the depth scale")
        self.depth_link.setProperty("role", "link")
        self.depth_link.clicked.connect(self.depth_wanted)
        close = icon_button("close", "Do not say this again")
        close.clicked.connect(self._close_notes)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(PAD, 1, GAP, 1)
        layout.setSpacing(GAP)
        layout.addWidget(self._sign)
        layout.addWidget(self._text, 1)
        layout.addWidget(self.depth_link)
        layout.addWidget(close)
        notifier.theme_changed.connect(self._tint_sign)
        self._tint_sign()
        self.hide()

    @property
    def text(self) -> str:
        """What is said now; empty where nothing is."""
        return self._text.text() if not self.isHidden() else ""

    def show_notes(self, notes: Sequence[str]) -> None:
        """Say these of the file, such as "has 4 pages; only the first is shown and used", as a sentence each."""
        self._notes = tuple(note for note in notes if note not in self._closed)
        self._text.setText(" ".join(map(make_sentence, self._notes)))
        self.depth_link.setVisible(any(DEPTH in note for note in self._notes))
        self.setVisible(bool(self._notes))

    def _close_notes(self) -> None:
        self._closed |= set(self._notes)
        self.show_notes(())

    def _tint_sign(self) -> None:
        self._sign.setPixmap(icon_pixmap("info", theme().muted, 14, self.devicePixelRatioF()))


def make_sentence(note: str) -> str:
    """A note about a file as a sentence: "its transparency is dropped", "has 4 pages", "16 bits, shown by the upper 8"."""
    first = note.split(" ", 1)[0]
    if first[:1].isdigit():
        begin = "This file has "
    elif first == "taken":
        begin = "This file is "
    elif first in ("has", "is", "holds", "starts", "says", "was"):
        begin = "This file "
    else:
        begin = ""
    return sentence(f"{begin}{note}")
