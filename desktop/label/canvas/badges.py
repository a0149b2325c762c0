"""Signs beside the image for every state that one could forget: hidden, locked, adjusted. A click ends the state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from desktop.base.theme import icon

HEIGHT = 26


@dataclass(frozen=True, slots=True)
class Badge:
    """One state that is on."""

    name: str  # of the action that ends it; empty where nothing does
    text: str
    icon: str
    tip: str
    loud: bool = True  # it changes what is seen, so it may not be overlooked


class Badges(QWidget):
    """A row of signs."""

    clicked = Signal(str)  # the badge's name

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._shown: tuple[Badge, ...] = ()
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(6)
        self.hide()

    @property
    def shown(self) -> tuple[Badge, ...]:
        return self._shown

    def show_badges(self, badges: Sequence[Badge]) -> None:
        """Show these in this order; with none the row is gone."""
        if tuple(badges) == self._shown:
            return
        self._shown = tuple(badges)
        while (item := self._row.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        self.setVisible(bool(self._shown))
        for badge in self._shown:
            button = self._make_button(badge)
            self._row.addWidget(button)
            button.show()

    def fit_width(self, room: int) -> None:
        """Show the words of the signs where all have room, else the signs alone."""
        styles = Qt.ToolButtonStyle
        buttons = self.findChildren(QToolButton, options=Qt.FindChildOption.FindDirectChildrenOnly)
        there = [button for button in buttons if not button.isHidden()]
        for button in there:
            button.setToolButtonStyle(styles.ToolButtonTextBesideIcon)
        if self._row.sizeHint().width() > room:
            for button in there:
                button.setToolButtonStyle(styles.ToolButtonIconOnly)

    def _make_button(self, badge: Badge) -> QToolButton:
        button = QToolButton(self)
        button.setProperty("role", "badge")
        button.setProperty("loud", badge.loud)
        button.setText(f" {badge.text}")  # Qt leaves no room between icon and words
        button.setToolTip(badge.tip)
        button.setAccessibleName(f"{badge.text}. {badge.tip}")
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setIcon(icon(badge.icon, QColor("#14161a" if badge.loud else "#f2f4f8"), size=16))
        button.setIconSize(QSize(16, 16))
        button.setFixedHeight(HEIGHT)
        # The keys stay with the image: each state has its own key.
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        button.clicked.connect(lambda: self.clicked.emit(badge.name))
        return button
