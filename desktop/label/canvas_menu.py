"""What the right button offers on the canvas: for the selected boxes, or for the image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF
from PySide6.QtGui import QAction, QContextMenuEvent
from PySide6.QtWidgets import QMenu

from desktop.label.canvas.annotation_canvas import AnnotationCanvas

LINE = ""
ON_BOX = (
    *("labels_menu", "difficult", LINE, "duplicate", "copy", "cut", "delete", LINE),
    *("hide_box", "only_box", "lock_box", "show_hidden", LINE, "zoom_selection"),
)
ON_IMAGE = (
    *("draw", "paste", "paste_previous", "select_all", LINE),
    *("clean", "reviewed", "note", LINE),
    *("fit", "actual_size", "hide", "show_hidden", "lock", "adjust", LINE),
    *("open_folder", "copy_path"),
)


class CanvasMenu(QObject):
    """Opens at the mouse, or by the menu key."""

    def __init__(self, canvas: AnnotationCanvas, actions: Mapping[str, QAction]) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._actions = actions
        self.menu = QMenu(canvas.view)
        canvas.view.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.ContextMenu or not isinstance(event, QContextMenuEvent):
            return False
        self.open_menu(event.pos(), by_key=event.reason() == QContextMenuEvent.Reason.Keyboard)
        return True

    def open_menu(self, at: QPoint, *, by_key: bool = False) -> None:
        """Select the box at a place of the view, if there is one, and offer what can be done; by the key for the boxes
        that are selected.
        """
        if not self._canvas.view.has_image or not self._canvas.is_free:
            return
        on_box = bool(self._canvas.selected) if by_key else self._canvas.select_for_menu(QPointF(at))
        names = ON_BOX if on_box else ON_IMAGE
        self.menu.clear()
        fill_menu(self.menu, self._actions, names)
        self.menu.popup(self._canvas.view.mapToGlobal(at))


def fill_menu(menu: QMenu, actions: Mapping[str, QAction], names: Sequence[str]) -> None:
    """Add actions by name, with lines between them."""
    for name in names:
        if name == LINE:
            menu.addSeparator()
        else:
            menu.addAction(actions[name])
