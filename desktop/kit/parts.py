"""Small pieces that the window is put together from."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QColor, QFontMetrics, QIcon, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QToolButton, QWidget

from desktop.base.theme import set_icon, theme
from desktop.kit.eliding import elide_name


def words(text: str = "", role: str = "", *, wrap: bool = False) -> QLabel:
    """A label in one of the style sheet's roles."""
    label = QLabel(text)
    if role:
        label.setProperty("role", role)
    label.setWordWrap(wrap)
    return label


def surface(role: str) -> QFrame:
    """A frame in one of the style sheet's roles."""
    frame = QFrame()
    frame.setProperty("role", role)
    return frame


def divider() -> QFrame:
    """An upright line between groups of a bar."""
    line = surface("divider")
    line.setFixedHeight(20)
    return line


def bar_button(action: QAction, *, text: bool = False) -> QToolButton:
    """A button of a tool bar. It never takes the keys away from the image."""
    button = _BarButton()
    button.setProperty("role", "bar")
    button.setDefaultAction(action)
    button.setIconSize(QSize(18, 18))
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if text else Qt.ToolButtonStyle.ToolButtonIconOnly
    button.setToolButtonStyle(style)
    return button


class _BarButton(QToolButton):
    def sizeHint(self) -> QSize:
        hint = super().sizeHint()
        if self.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonTextBesideIcon:
            # Qt's own hint forgets the gap that it then draws between icon and text.
            hint.setWidth(self.fontMetrics().horizontalAdvance(self.text()) + self.iconSize().width() + 26)
        return hint

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()


def icon_button(icon: str, tip: str, size: int = 16) -> QToolButton:
    """A small button with an icon only; `tip` is also its name for a screen reader."""
    button = QToolButton()
    set_icon(button, icon, "muted", size=size)
    button.setIconSize(QSize(size, size))
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


def restyle(widget: QWidget, name: str, value: object) -> None:
    """Set a property that the style sheet asks for, and let it take effect."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


class ElidedLabel(QLabel):
    """One line that is cut where there is no room, in the middle beside its number unless `cut` says otherwise; the whole
    is the tool tip."""

    def __init__(self, text: str = "", role: str = "", cut: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle) -> None:
        super().__init__(text)
        self._cut = cut
        self.setToolTip(text)
        if role:
            self.setProperty("role", role)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

    def setText(self, text: str) -> None:
        super().setText(text)
        self.setToolTip(text)

    def minimumSizeHint(self) -> QSize:
        return QSize(24, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(self.font())
        painter.setPen(self.palette().windowText().color())
        room = self.contentsRect()
        metrics = QFontMetrics(self.font())
        if self._cut == Qt.TextElideMode.ElideMiddle:
            shown = elide_name(self.text(), metrics, room.width())
        else:
            shown = metrics.elidedText(self.text(), self._cut, room.width())
        painter.drawText(room, int(self.alignment() | Qt.AlignmentFlag.AlignVCenter), shown)
        painter.end()


def swatch(color: QColor, size: int = 20) -> QIcon:
    """A rounded square of one colour."""
    pixmap = QPixmap(size * 2, size * 2)
    pixmap.fill(QColor(0, 0, 0, 0))
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(color)
    painter.setPen(QPen(theme().border, 1))
    painter.drawRoundedRect(pixmap.rect().adjusted(2, 2, -3, -3), 8, 8)
    painter.end()
    pixmap.setDevicePixelRatio(2)
    return QIcon(pixmap)
