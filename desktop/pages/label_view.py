"""How the Label page shows an image: zoom, and what is hidden."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtGui import QAction

from desktop.canvas.annotation_canvas import AnnotationCanvas
from desktop.theme import set_icon


class LabelView:
    """The actions of `desktop.actions.LABEL_VIEW`; none of them changes the project's boxes."""

    def __init__(self, canvas: AnnotationCanvas) -> None:
        self._canvas = canvas
        self._actions: Mapping[str, QAction] = {}

    def handlers(self) -> dict[str, Callable[..., object]]:
        """What each action does."""
        return {
            "fit": self._canvas.fit,
            "actual_size": self._canvas.actual_size,
            "zoom_in": lambda: self._canvas.zoom_by(1.25),
            "zoom_out": lambda: self._canvas.zoom_by(0.8),
            "hide": self._hide,
        }

    def use_actions(self, actions: Mapping[str, QAction]) -> None:
        """The actions that were made of `handlers`, whose look follows what they switch."""
        self._actions = actions

    def _hide(self, hidden: bool) -> None:
        self._canvas.set_hidden(hidden)
        set_icon(self._actions["hide"], "show" if hidden else "hide")
