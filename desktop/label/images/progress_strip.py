"""How far the labelling of the project has come: a bar by status, and a number for each that filters when pressed."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from core.types import Status
from desktop.base.theme import notifier, theme
from desktop.kit import formatting
from desktop.kit.parts import ElidedLabel
from desktop.label.images.image_delegate import STATUS_COLORS, status_pixmap

HEIGHT = 8
LEAST = 3.0  # pixels that a status with any image has in the bar
# From the most that can be said about an image to nothing: what is done grows from the left.
ORDER = (Status.REVIEWED, Status.CLEAN, Status.LABELLED, Status.UNLABELLED)
# The bar is larger than a sign in the list: what still waits for its review is not to be louder than what is done.
STRENGTH = {Status.CLEAN: 0.6, Status.LABELLED: 0.55}


class ProgressStrip(QWidget):
    """Announces the status that is pressed."""

    pressed = Signal(object)  # Status

    def __init__(self) -> None:
        super().__init__()
        self._bar = _Bar()
        self._bar.pressed.connect(self.pressed)
        self._text = ElidedLabel("", "small")
        self._buttons = {status: self._make_button(status) for status in Status}
        self._lines = QGridLayout()
        self._lines.setSpacing(2)
        self._columns = 0
        self._arrange_buttons(len(self._buttons))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        layout.addWidget(self._bar)
        layout.addWidget(self._text)
        layout.addLayout(self._lines)
        notifier.theme_changed.connect(self._tint_icons)
        self._tint_icons()

    @property
    def text(self) -> str:
        """The progress in words."""
        return self._text.text()

    def fields(self) -> list[QToolButton]:
        """What takes the keys, in order."""
        return list(self._buttons.values())

    def show_counts(self, counts: Mapping[Status, int], asked: frozenset[Status]) -> None:
        """Show how many images have each status, and which of them the list is filtered by."""
        total = sum(counts.values())
        done = total - counts[Status.UNLABELLED]
        self._text.setText(f"{done:,} of {total:,} done · {_format_percent(done, total)}" if total else "No images yet")
        self._bar.show_counts(counts)
        for status, button in self._buttons.items():
            button.setText(formatting.short(counts[status]))
            button.setChecked(status in asked)
            tip = describe_status(status, counts)
            button.setToolTip(f"{tip}\nPress to show {'all again' if status in asked else 'only these'}")
            button.setAccessibleName(tip)
        self._fit_buttons()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_buttons()

    def minimumSizeHint(self) -> QSize:
        """Of two buttons: below that width the four stand in two lines."""
        widest = max(button.sizeHint().width() for button in self._buttons.values())
        return QSize(2 * widest + 2, super().minimumSizeHint().height())

    def _fit_buttons(self) -> None:
        """One line where all numbers fit into it, else two."""
        widest = max(button.sizeHint().width() for button in self._buttons.values())
        fits = 4 * widest + 3 * self._lines.spacing() <= self.width()
        self._arrange_buttons(len(self._buttons) if fits else 2)

    def _arrange_buttons(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._columns = columns
        for number, button in enumerate(self._buttons.values()):
            self._lines.addWidget(button, *divmod(number, columns))

    def _make_button(self, status: Status) -> QToolButton:
        button = QToolButton()
        button.setProperty("role", "chip")
        button.setCheckable(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setIconSize(QSize(14, 14))
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.clicked.connect(lambda: self.pressed.emit(status))
        return button

    def _tint_icons(self) -> None:
        for status, button in self._buttons.items():
            button.setIcon(QIcon(status_pixmap(status, 14, self.devicePixelRatioF())))
        self._bar.update()


class _Bar(QWidget):
    pressed = Signal(object)  # Status

    def __init__(self) -> None:
        super().__init__()
        self._counts: Mapping[Status, int] = dict.fromkeys(Status, 0)
        self.setFixedHeight(HEIGHT)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def show_counts(self, counts: Mapping[Status, int]) -> None:
        self._counts = counts
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        around = QPainterPath()
        around.addRoundedRect(QRectF(self.rect()), HEIGHT / 2, HEIGHT / 2)
        painter.setClipPath(around)
        painter.fillRect(self.rect(), theme().hover)
        for status, left, width in lay_out_segments(self._counts, self.width()):
            if status is not Status.UNLABELLED:
                painter.fillRect(QRectF(left, 0, max(width - 1, 1), HEIGHT), segment_color(status))
        painter.end()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        status = self._status_at(event.position().x())
        self.setToolTip(
            f"{describe_status(status, self._counts)}\nPress to show only these" if status is not None else ""
        )

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if (
            status := self._status_at(event.position().x())
        ) is not None and event.button() == Qt.MouseButton.LeftButton:
            self.pressed.emit(status)

    def _status_at(self, x: float) -> Status | None:
        found = lay_out_segments(self._counts, self.width())
        return next((status for status, left, width in found if left <= x < left + width), None)


def lay_out_segments(counts: Mapping[Status, int], width: float) -> list[tuple[Status, float, float]]:
    """(status, left, width) of each status that an image has; together they are `width` pixels wide."""
    present = [status for status in ORDER if counts[status]]
    total = sum(counts.values())
    if not present:
        return []
    # What is nearly nothing can still be seen and pressed.
    free = max(0.0, width - LEAST * len(present))
    found, left = [], 0.0
    for status in present:
        wide = LEAST + free * counts[status] / total
        found.append((status, left, wide))
        left += wide
    return found


def segment_color(status: Status) -> QColor:
    """Reviewed and clean have one colour in the list, and stand side by side here."""
    color = QColor(getattr(theme(), STATUS_COLORS[status]))
    color.setAlphaF(STRENGTH.get(status, 1.0))
    return color


def describe_status(status: Status, counts: Mapping[Status, int]) -> str:
    """How many images have a status, in words."""
    total = sum(counts.values())
    return f"{status.value.capitalize()}: {counts[status]:,} of {total:,} images ({_format_percent(counts[status], total)})"


def _format_percent(part: int, whole: int) -> str:
    """Never 0% where there is something, never 100% where something is left."""
    if not whole or part in (0, whole):
        return f"{100 if part and whole else 0}%"
    return f"{min(99, max(1, round(100 * part / whole)))}%"
