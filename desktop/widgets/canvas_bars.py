"""The bars above and below the canvas of the Label page."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QPointF
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from core.types import ImageRecord, Status
from desktop.models import wording
from desktop.theme import GAP, PAD, mono_font, notifier
from desktop.widgets.image_delegate import status_pixmap
from desktop.widgets.parts import ElidedLabel, bar_button, divider, words

GROUPS = (("draw", "delete"), ("fit", "actual_size", "hide"))


class CanvasBar(QFrame):
    """Steps through the images on the left, tools in the middle, verdicts on the right."""

    def __init__(self, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "bar")
        self._record: ImageRecord | None = None
        self._place = words("", "muted")
        self._name = ElidedLabel()
        self._sign = QLabel()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GAP, 6, GAP, 6)
        layout.setSpacing(2)
        layout.addWidget(bar_button(actions["previous"]))
        layout.addWidget(bar_button(actions["next"]))
        layout.addSpacing(GAP)
        layout.addWidget(self._place)
        layout.addSpacing(GAP)
        layout.addWidget(self._sign)
        layout.addSpacing(2)
        layout.addWidget(self._name, 1)
        layout.addSpacing(GAP)
        for group in GROUPS:
            for name in group:
                layout.addWidget(bar_button(actions[name]))
            layout.addSpacing(4)
            layout.addWidget(divider())
            layout.addSpacing(4)
        layout.addWidget(bar_button(actions["clean"], text=True))
        layout.addWidget(bar_button(actions["reviewed"], text=True))
        notifier.theme_changed.connect(self._tint)

    def show_record(self, record: ImageRecord | None, place: int, count: int) -> None:
        """Show which image it is, and what was said about it."""
        self._record = record
        self._place.setText(f"{place:,} / {count:,}" if place else "")
        self._name.setText(record.path.rsplit("/", 1)[-1] if record else "")
        self._sign.setToolTip(record.status.value if record else "")
        self._tint()

    def _tint(self) -> None:
        self._sign.setVisible(self._record is not None)
        status = self._record.status if self._record else Status.UNLABELLED
        self._sign.setPixmap(status_pixmap(status, 18, self.devicePixelRatioF()))


class PointerBar(QFrame):
    """Where the mouse is in the image, and the zoom."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "foot")
        self._boxes = words("", "small")
        self._at = words("", "small")
        self._zoom = words("", "small")
        for number in (self._at, self._zoom):
            number.setFont(mono_font(11))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(PAD, 4, PAD, 4)
        layout.setSpacing(PAD)
        layout.addWidget(self._boxes)
        layout.addStretch(1)
        layout.addWidget(self._at)
        layout.addWidget(self._zoom)

    def show_boxes(self, count: int, selected: int) -> None:
        text = wording.plural(count, "box", "boxes") if count else "no boxes"
        self._boxes.setText(f"{text}, {selected:,} selected" if selected else text)

    def show_pointer(self, at: QPointF | None) -> None:
        self._at.setText(f"x {at.x():.0f}  y {at.y():.0f}" if at is not None else "")

    def show_scale(self, scale: float, *, image: bool) -> None:
        self._zoom.setText(f"{scale:.0%}" if image else "")

    def clear(self) -> None:
        self._boxes.clear()
        self._at.clear()
        self._zoom.clear()
