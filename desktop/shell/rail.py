"""The column of pages at the left edge of the window."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QButtonGroup, QFrame, QToolButton, QVBoxLayout

from desktop.base.theme import GAP, icon, notifier, theme

WIDTH = 92


class Rail(QFrame):
    """One button a page; the page in front is marked."""

    chosen = Signal(int)

    def __init__(self, pages: Sequence[tuple[str, str]], choices: Sequence[QAction]) -> None:
        """`pages`: title and icon of each; `choices`: the actions that do the same, whose tool tips name the keys."""
        super().__init__()
        self.setObjectName("rail")
        self.setFixedWidth(WIDTH)
        self._icons = [icon_name for _, icon_name in pages]
        self._group = QButtonGroup(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, GAP, 6, GAP)
        layout.setSpacing(4)
        for number, ((title, _), choice) in enumerate(zip(pages, choices, strict=True)):
            button = QToolButton()
            button.setText(title)
            button.setCheckable(True)
            button.setProperty("role", "rail")
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            button.setIconSize(QSize(24, 24))
            button.setFixedSize(WIDTH - 13, 58)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            _follow_tool_tip(button, choice)
            self._group.addButton(button, number)
            layout.addWidget(button)
        layout.addStretch(1)
        self._group.idClicked.connect(self.chosen)
        notifier.theme_changed.connect(self._tint_icons)
        self._tint_icons()

    def show_page(self, number: int) -> None:
        """Mark a page as the one in front; a negative number hides the rail."""
        self.setEnabled(number >= 0)
        self.setVisible(number >= 0)
        if number >= 0:
            self._group.button(number).setChecked(True)
            self._tint_icons()

    @property
    def marked_page(self) -> int:
        """The number of the page that is marked."""
        return self._group.checkedId()

    def _tint_icons(self) -> None:
        for button, name in zip(self._group.buttons(), self._icons, strict=True):
            button.setIcon(icon(name, theme().link if button.isChecked() else theme().muted, size=24))


def _follow_tool_tip(button: QToolButton, action: QAction) -> None:
    """Say what the action says: its keys can be changed while the window is open."""

    def copy_tool_tip() -> None:
        button.setToolTip(action.toolTip())

    action.changed.connect(copy_tool_tip)
    copy_tool_tip()
