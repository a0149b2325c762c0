"""Small words that can be pressed, and a layout that breaks them into lines."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QSizePolicy, QToolButton, QWidget

from desktop.base.theme import set_icon


def chip(text: str, *, removes: str = "") -> QToolButton:
    """A pressable word; with `removes`, which says what a press takes away, it carries a cross."""
    button = QToolButton()
    button.setProperty("role", "chip")
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setText(text)
    if removes:
        set_icon(button, "close", "muted", size=12)
        button.setIconSize(QSize(12, 12))
        button.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the cross stands behind the word
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setToolTip(removes)
        button.setAccessibleName(removes)
    return button


class FlowLayout(QLayout):
    """Lines of widgets at their own width, as words in a text. A widget wider than the line is cut to it."""

    def __init__(self, parent: QWidget | None = None, spacing: int = 4) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self.setSpacing(spacing)
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def clear(self) -> None:
        """Delete every widget in it."""
        while (item := self.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._arrange_items(QRect(0, 0, width, 0), place=False)

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._arrange_items(rect, place=True)

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        height = max((item.minimumSize().height() for item in self._items), default=0)
        return QSize(40, height)

    def _arrange_items(self, rect: QRect, *, place: bool) -> int:
        """The height that is needed; with `place` the widgets are put there."""
        top = rect.top()
        for line in self._break_lines(rect.width()):
            left, height = rect.left(), max(size.height() for _, size in line)
            for item, size in line:
                if place:
                    item.setGeometry(QRect(QPoint(left, top + (height - size.height()) // 2), size))
                left += size.width() + self.spacing()
            top += height + self.spacing()
        return max(0, top - self.spacing() - rect.top())

    def _break_lines(self, width: int) -> list[list[tuple[QLayoutItem, QSize]]]:
        """The items of each line, with their sizes; what is hidden takes no room."""
        lines: list[list[tuple[QLayoutItem, QSize]]] = []
        taken = 0
        for item in self._items:
            if item.isEmpty():
                continue
            size = item.sizeHint().boundedTo(QSize(width, item.sizeHint().height()))
            if not lines or taken + size.width() > width:
                lines.append([])
                taken = 0
            lines[-1].append((item, size))
            taken += size.width() + self.spacing()
        return lines


class Chips(QWidget):
    """A widget of chips."""

    def __init__(self) -> None:
        super().__init__()
        self.flow = FlowLayout(self)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
