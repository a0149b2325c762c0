"""What stands around the image on the canvas: the signs for what is switched on, and the overview."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPointF, QRectF

from desktop.label.canvas.badges import Badge, Badges
from desktop.label.canvas.minimap import Minimap, is_wanted
from desktop.viewer.view import ImageView

CORNER = 12  # widget pixels between the corner of the view and what is written there
BESIDE = 520  # widget pixels that the words about the next box need beside the signs
LINE = 44  # widget pixels that these words are high
AWAY = 40  # widget pixels that the overview keeps from the mouse at work


class Surroundings:
    """Children of the view, in its corners."""

    def __init__(self, view: ImageView, badge_clicked: Callable[[str], object]) -> None:
        """`badge_clicked` hears the action that ends the state which a badge shows."""
        self._view = view
        self._badges = Badges(view)
        self._badges.clicked.connect(badge_clicked)
        self._minimap = Minimap(view)
        self._minimap.wanted.connect(view.center_on)
        self._overview_known = False

    @property
    def badges(self) -> tuple[Badge, ...]:
        return self._badges.shown

    @property
    def shows_minimap(self) -> bool:
        return self._minimap.isVisible()

    def show_badges(self, badges: Sequence[Badge]) -> bool:
        """Whether these are others than before, so that they must be placed."""
        differ = tuple(badges) != self._badges.shown
        if differ:
            self._badges.show_badges(badges)
        return differ

    def forget_overview(self) -> None:
        """The image is another one, or looks different."""
        self._overview_known = False

    def place_badges(self, edge: int, *, words: bool) -> None:
        """In the upper right corner; below the words in the upper left one where both have no room beside each other.

        `edge`: where the image begins beside the rulers.
        """
        left = self._view.width() - self._badges.width() - CORNER
        down = LINE if words and left < BESIDE else 0
        self._badges.move(left, edge + CORNER + down)

    def place_minimap(self, *, wanted: bool, working_at: QPointF | None) -> None:
        """Show the overview where it helps, but not at the mouse while it works."""
        size, seen, minimap = self._view.image_size, self._view.visible_rect(), self._minimap
        helps = wanted and is_wanted(seen, size.width(), size.height(), self._view.size())
        if helps:
            if not self._overview_known:
                self._overview_known = True
                minimap.show_image(self._view.make_overview(), size.width(), size.height())
            minimap.show_visible(seen)
        area = QRectF(minimap.geometry()).adjusted(-AWAY, -AWAY, AWAY, AWAY)
        minimap.setVisible(helps and not (working_at is not None and area.contains(working_at)))
