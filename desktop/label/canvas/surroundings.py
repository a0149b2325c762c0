"""What stands on the image: the overview."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF

from desktop.label.canvas.minimap import Minimap, is_wanted
from desktop.viewer.view import ImageView

AWAY = 40  # widget pixels that the overview keeps from the mouse at work


class Surroundings:
    """A child of the view, in its corner."""

    def __init__(self, view: ImageView) -> None:
        self._view = view
        self._minimap = Minimap(view)
        self._minimap.wanted.connect(view.center_on)
        self._overview_known = False

    @property
    def shows_minimap(self) -> bool:
        return self._minimap.isVisible()

    def forget_overview(self) -> None:
        """The image is another one, or looks different."""
        self._overview_known = False

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
