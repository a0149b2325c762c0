"""The column of pages at the left edge of the window."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QButtonGroup, QFrame, QToolButton, QVBoxLayout

from desktop.base.theme import GAP, icon, notifier, theme

WIDTH = 92
_RING = 15  # pixels across


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
        self._buttons: list[RailButton] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, GAP, 6, GAP)
        layout.setSpacing(4)
        for number, ((title, _), choice) in enumerate(zip(pages, choices, strict=True)):
            button = RailButton()
            button.setText(title)
            button.setCheckable(True)
            button.setProperty("role", "rail")
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            button.setIconSize(QSize(24, 24))
            button.setFixedSize(WIDTH - 13, 58)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.follow_tool_tip(choice)
            self._buttons.append(button)
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

    def show_work(self, page: int, share: float | None, text: str) -> None:
        """Mark a page on which something runs: how much of it is done, if that is known, and what it is in words."""
        self._buttons[page].show_work(share, text)

    def clear_work(self, page: int) -> None:
        """Nothing runs on a page."""
        self._buttons[page].clear_work()

    @property
    def buttons(self) -> list[RailButton]:
        """One for each page, in their order."""
        return list(self._buttons)

    @property
    def marked_page(self) -> int:
        """The number of the page that is marked."""
        return self._group.checkedId()

    def _tint_icons(self) -> None:
        for button, name in zip(self._group.buttons(), self._icons, strict=True):
            button.setIcon(icon(name, theme().link if button.isChecked() else theme().muted, size=24))


class RailButton(QToolButton):
    """A page's button. A ring in its corner says that something runs there, and how much of it is done."""

    def __init__(self) -> None:
        super().__init__()
        self._tip = ""
        self._work = ""
        self._share: float | None = None

    @property
    def work_text(self) -> str:
        """What runs on the page, in words; empty where nothing does."""
        return self._work

    @property
    def work_share(self) -> float | None:
        """How much of it is done; None where that is not known."""
        return self._share

    def show_work(self, share: float | None, text: str) -> None:
        self._share, self._work = share, text
        self._show_tip()
        self.update()

    def clear_work(self) -> None:
        self.show_work(None, "")

    def follow_tool_tip(self, action: QAction) -> None:
        """Say what the action says: its keys can be changed while the window is open."""

        def copy_tool_tip() -> None:
            self._tip = action.toolTip()
            self._show_tip()

        action.changed.connect(copy_tool_tip)
        copy_tool_tip()

    def _show_tip(self) -> None:
        self.setToolTip(f"{self._tip}\n{self._work}" if self._work else self._tip)
        self.setAccessibleDescription(self._work)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._work:
            return
        colors = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ring = QRectF(self.width() - _RING - 8, 6, _RING, _RING)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colors.panel)
        painter.drawEllipse(ring.adjusted(-2, -2, 2, 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colors.strong_border, 3))
        painter.drawEllipse(ring)
        painter.setPen(QPen(colors.good, 3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        # Qt counts sixteenths of a degree, against the clock from three o'clock; a sliver is seen from the start on.
        share = 0.25 if self._share is None else max(0.04, self._share)
        painter.drawArc(ring, 90 * 16, -round(share * 360 * 16))
        painter.end()
