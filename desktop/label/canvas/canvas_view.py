"""The image of the Label page with all that stands around it: signs, overview, hint and cursor; it knows no boxes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtWidgets import QWidget

from core.imaging.adjust import Adjustment
from desktop.label.canvas import hints
from desktop.label.canvas.badges import Badges
from desktop.label.canvas.box_picture import CanvasStyle
from desktop.label.canvas.canvas_painting import CanvasPainting
from desktop.label.canvas.canvas_state import ViewState, badges
from desktop.label.canvas.minimap import Minimap, is_wanted
from desktop.label.canvas.overlay import RULER
from desktop.label.canvas.view_transform import ViewTransform
from desktop.viewer.pyramid import Pyramid
from desktop.viewer.view import ImageView

REMARK_STAYS = 3500  # ms
CORNER = 12  # widget pixels between the corner of the view and what is written there
BESIDE = 520  # widget pixels that the words about the next box need beside the signs

CURSORS: Mapping[hints.Cursor, Qt.CursorShape] = {
    "arrow": Qt.CursorShape.ArrowCursor,
    "cross": Qt.CursorShape.CrossCursor,
    "point": Qt.CursorShape.PointingHandCursor,
    "move": Qt.CursorShape.SizeAllCursor,
    "open hand": Qt.CursorShape.OpenHandCursor,
    "closed hand": Qt.CursorShape.ClosedHandCursor,
    "diagonal": Qt.CursorShape.SizeFDiagCursor,
    "counter": Qt.CursorShape.SizeBDiagCursor,
    "across": Qt.CursorShape.SizeHorCursor,
    "down": Qt.CursorShape.SizeVerCursor,
}


class CanvasView(ImageView):
    """Shows what `ViewState` says, and says it. A subclass tells by `hand` what the mouse would do."""

    hint_changed = Signal(str)  # what the hand can do now
    badge_clicked = Signal(str)  # the action that ends the state which a badge shows

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = ViewState()
        self._style = CanvasStyle()
        self._keys: Mapping[str, str] = hints.KEYS
        self._mm_per_pixel: float | None = None
        self._remark, self._hint = "", ""
        self._comparing: Adjustment | None = None  # set aside to see the image as it is
        self._painting = CanvasPainting()
        self._remark_timer = QTimer(self, singleShot=True, interval=REMARK_STAYS)
        self._remark_timer.timeout.connect(lambda: self.say(""))
        self._badges = Badges(self)
        self._badges.clicked.connect(self.badge_clicked)
        self._minimap = Minimap(self)
        self._minimap.wanted.connect(self.center_on)
        self._overview_known = False
        self.view_changed.connect(self._place_around)

    # -- what is shown

    def set_image(self, image: NDArray[np.uint8] | Pyramid | None, *, keep_view: bool = False) -> None:
        """Show an image, or nothing."""
        self._overview_known = False
        self._painting.grid.forget()
        super().set_image(image, keep_view=keep_view)
        self._place_around()

    def set_adjustment(self, adjustment: Adjustment | None) -> None:
        """Show images with other brightness, contrast or channels. None: as they are."""
        self._comparing = None
        self._adjust(adjustment)

    def compare(self, on: bool) -> None:
        """Show the image as it is for a moment, without its adjustment."""
        if on and self.adjustment is not None and self._comparing is None:
            self._comparing = self.adjustment
            self._adjust(None)
        elif not on and self._comparing is not None:
            self.set_adjustment(self._comparing)

    def _adjust(self, adjustment: Adjustment | None) -> None:
        self._overview_known = False
        super().set_adjustment(adjustment)
        self._place_around()
        self.refresh()

    def set_state(self, **switched: bool) -> None:
        """Switch what `ViewState` names: `set_state(hidden=True)`."""
        state = replace(self._state, **switched)
        if state != self._state:
            self._state = state
            self._place_around()
            self.say("")  # it may have been about what is switched now

    def set_style(self, style: CanvasStyle) -> None:
        self._style = style
        self.update()

    def set_keys(self, keys: Mapping[str, str]) -> None:
        """The keys of the actions that hints and badges name, by the action's name; empty for none."""
        self._keys = keys
        self.refresh()

    def set_mm_per_pixel(self, mm_per_pixel: float | None) -> None:
        """How large an image pixel is on the part, for lengths in mm; None where that is not known."""
        self._mm_per_pixel = mm_per_pixel
        self.update()

    @property
    def state(self) -> ViewState:
        return self._state

    @property
    def mm_per_pixel(self) -> float | None:
        return self._mm_per_pixel

    # -- hints

    def hand(self) -> hints.ToolState:
        """For subclasses: what decides on a click."""
        return hints.ToolState(has_image=self.has_image, panning=self.panning, held=self._pan_from is not None)

    def hint(self) -> str:
        """What the hand can do now, in one line."""
        return hints.hint(self.hand(), self._keys)

    def say(self, remark: str) -> None:
        """Show `remark` in place of the hint for a moment."""
        self._remark = remark
        if remark:
            self._remark_timer.start()
        self.refresh()

    def update_cursor(self) -> None:
        """Show by the cursor what the left button would do."""
        self.setCursor(CURSORS[hints.cursor(self.hand())])

    def refresh(self) -> None:
        """Let cursor, hint, badges and picture follow."""
        self.update_cursor()
        if (hint := self.hint()) != self._hint:
            self._hint = hint
            self.hint_changed.emit(hint)
        shown = tuple(
            badges(
                self._state,
                measuring=self.hand().tool == "measure",
                adjustment=self._comparing or self.adjustment,
                comparing=self._comparing is not None,
                keys=self._keys,
            )
        )
        if shown != self._badges.shown:
            self._badges.show_badges(shown)
            self._place_badges()
        self.update()

    # -- around the image

    def speaks_in_corner(self) -> bool:
        """For subclasses: whether there are words in the upper left corner."""
        return False

    def needs_room(self, area: QRectF) -> bool:
        """For subclasses: whether the hand is at work in a part of the view, so that nothing may cover it."""
        return False

    def port(self) -> ViewTransform:
        """Which part of the image is on the screen."""
        corner = self.to_widget(QPointF(0, 0))
        return ViewTransform(self.scale, corner.x(), corner.y(), self.width(), self.height(), self.devicePixelRatioF())

    def edge(self) -> int:
        """Where the image begins beside the rulers."""
        return int(RULER) if self._state.rulers else 0

    def _place_around(self) -> None:
        self._place_badges()
        size, seen = self.image_size, self.visible_rect()
        wanted = self._state.minimap and is_wanted(seen, size.width(), size.height(), self.size())
        if wanted:
            if not self._overview_known:
                self._overview_known = True
                self._minimap.show_image(self.overview(), size.width(), size.height())
            self._minimap.follow(seen)
        self._minimap.setVisible(wanted and not self.needs_room(QRectF(self._minimap.geometry())))

    def _place_badges(self) -> None:
        """In the upper right corner, or below other words where both have no room beside each other."""
        left = self.width() - self._badges.width() - CORNER
        down = 44 if self.speaks_in_corner() and left < BESIDE else 0
        self._badges.move(left, self.edge() + CORNER + down)
