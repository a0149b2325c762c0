"""The line above the image: the labels of the next box, and a sign for every state that one could forget."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QWidget

from desktop.base.theme import GAP, text_on, theme
from desktop.label.canvas.badges import Badge, Badges
from desktop.viewer.box_painter import TAG_PADDING, tag_font

HEIGHT = 34
LEAST_NAME = 40.0  # widget pixels that are left of a name, however little room there is
WORDS_ROOM = 190  # widget pixels of the words beside the signs, at least

Part = tuple[str, QColor | None]  # what is written, and the colour behind it


class StateStrip(QFrame):
    """Always there, and beside the image: what is said in it hides nothing, and nothing moves when it changes."""

    clicked = Signal(str)  # a sign: the action that ends its state

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "bar")
        self.setFixedHeight(HEIGHT)
        self._words = _NextWords()
        self.badges = Badges(self)
        self.badges.clicked.connect(self.clicked)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GAP, 0, GAP, 0)
        layout.setSpacing(GAP)
        layout.addWidget(self._words, 1)
        layout.addWidget(self.badges)

    @property
    def words(self) -> str:
        """What is said of the next box."""
        return self._words.accessibleName()

    def show_badges(self, badges: Sequence[Badge]) -> None:
        self.badges.show_badges(badges)
        self._fit_badges()

    def show_next(self, names: Sequence[str], colors: Sequence[QColor], *, kept: bool, off_key: str) -> None:
        """Say which labels the next box will carry; loudly where they are kept for every box to come."""
        self._words.show_parts(list(zip(names, colors, strict=True)), kept=kept, off_key=off_key)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_badges()

    def _fit_badges(self) -> None:
        """Signs without their words where those have no room; a tool tip has them."""
        self.badges.fit_width(self.width() - WORDS_ROOM - 3 * GAP)


class _NextWords(QWidget):
    """Painted: names on the colours of their labels."""

    def __init__(self) -> None:
        super().__init__()
        self._names: list[tuple[str, QColor]] = []
        self._kept, self._off_key = False, ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.show_parts([], kept=False, off_key="")

    def show_parts(self, names: list[tuple[str, QColor]], *, kept: bool, off_key: str) -> None:
        self._names, self._kept, self._off_key = names, kept, off_key
        said = " ".join([self._heading, ", ".join(name for name, _ in names) or self._nothing, self._end]).strip()
        self.setAccessibleName(said)
        self.setToolTip(said)
        self.update()

    @property
    def _heading(self) -> str:
        return "KEEPING for every next box:" if self._kept else "Next box:"

    @property
    def _nothing(self) -> str:
        return "the labels that you give next" if self._kept else "no label yet"

    @property
    def _end(self) -> str:
        if not self._kept:
            return "· Esc clears" if self._names else ""
        return f"· {self._off_key} stops it" if self._off_key else "· stop it beside the labels"

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        font = tag_font()
        font.setBold(self._kept)
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        loud = theme().warning
        parts: list[Part] = [(self._heading, loud if self._kept else None)]
        parts += self._names or [(self._nothing, None)]
        parts.append((self._end, None))
        if not _fits(parts, metrics, self.width()):
            # The tool tip has all of it.
            middle = parts[1:-1] if self._names else [("none yet", None)]
            parts = [(self._heading.partition(" ")[0].removesuffix(":") + ":", parts[0][1]), *middle]
        self._paint_parts(painter, metrics, parts)
        painter.end()

    def _paint_parts(self, painter: QPainter, metrics: QFontMetricsF, parts: Sequence[Part]) -> None:
        left, top, height = 0.0, (self.height() - HEIGHT + 10) / 2, HEIGHT - 10
        for place, (text, ground) in enumerate(parts):
            if not text:
                continue
            rest = len(parts) - place - 1
            room = max(LEAST_NAME, self.width() - left - rest * (LEAST_NAME + 2 * TAG_PADDING + 2))
            wide = min(metrics.horizontalAdvance(text) + 2 * TAG_PADDING + 2, room)
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, wide - 2 * TAG_PADDING)
            part = QRectF(left, top, wide, height)
            if ground is not None:
                painter.fillRect(part, ground)
            painter.setPen(text_on(ground) if ground is not None else theme().muted)
            painter.drawText(part, Qt.AlignmentFlag.AlignCenter, shown)
            left = part.right() + 2


def _fits(parts: Sequence[Part], metrics: QFontMetricsF, room: float) -> bool:
    return sum(metrics.horizontalAdvance(text) + 2 * TAG_PADDING + 4 for text, _ in parts if text) <= room
