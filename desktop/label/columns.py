"""The three columns of the Label page: their widths are kept, and the outer ones can be folded away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QSplitter, QVBoxLayout, QWidget

from core.settings import Settings
from desktop.kit.parts import surface

Side = Literal["left", "right"]
LEFT, RIGHT = 270, 280  # widths at first, in pixels
LEAST_LEFT, LEAST_RIGHT, LEAST_MIDDLE = 210, 230, 420
WIDE = 1700  # pixels of the whole from which on the outer columns begin wider


class Columns(QSplitter):
    """Left, middle and right."""

    def __init__(self, left: QWidget, middle: QWidget, right: QWidget, settings: Settings) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._settings = settings
        self._sides: dict[Side, QWidget] = {"left": panel(left), "right": panel(right)}
        self.setChildrenCollapsible(False)
        fill(self, (self._sides["left"], 0), (middle, 1), (self._sides["right"], 0))
        self._sides["left"].setMinimumWidth(LEAST_LEFT)
        self._sides["right"].setMinimumWidth(LEAST_RIGHT)
        middle.setMinimumWidth(LEAST_MIDDLE)
        kept = settings.values.label_splitter
        self._chosen = len(kept) == 3 and all(kept)
        self.setSizes(list(kept) if self._chosen else [LEFT, 3000, RIGHT])
        for side in settings.values.label_folded:
            if side in self._sides:
                self._sides[side].hide()
        self.splitterMoved.connect(self._keep_widths)

    def folded(self, side: Side) -> bool:
        """Whether a column is folded away."""
        return self._sides[side].isHidden()

    def fold(self, side: Side, away: bool) -> None:
        """Fold a column away, or bring it back as wide as it was."""
        if self.folded(side) != away:
            self._sides[side].setVisible(not away)
            hidden = tuple(name for name in self._sides if self.folded(name))
            self._settings.update(label_folded=hidden)

    def fit(self, width: int) -> None:
        """Give the outer columns their part of a large window, until the user has chosen widths."""
        if not self._chosen and width >= WIDE:
            share = min(1.5, width / WIDE)
            self.setSizes([round(LEFT * share), width, round(RIGHT * share)])

    def _keep_widths(self) -> None:
        # A folded column has no width; the one that it will come back with is not to be forgotten.
        if not any(self.folded(side) for side in self._sides):
            self._chosen = True
            self._settings.update(label_splitter=tuple(self.sizes()))


def panel(content: QWidget) -> QFrame:
    """`content` on the ground of the side columns."""
    frame = surface("panel")
    layout = QVBoxLayout(frame)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(content)
    return frame


def fill(splitter: QSplitter, *parts: tuple[QWidget, int]) -> None:
    """Add widgets, each with its share of the room that is left over."""
    for place, (widget, stretch) in enumerate(parts):
        splitter.addWidget(widget)
        splitter.setStretchFactor(place, stretch)


def kept_sizes(sizes: Sequence[int], count: int) -> list[int] | None:
    """Sizes of a splitter of `count` parts as they were kept, if they can be used."""
    return list(sizes) if len(sizes) == count and all(size > 0 for size in sizes) else None
