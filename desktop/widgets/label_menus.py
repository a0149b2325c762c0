"""The menus of the Label page: what is done to chosen images."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QMenu, QWidget

from core.types import Split, Status
from desktop.theme import icon
from desktop.widgets.image_delegate import status_pixmap


def images_menu(
    parent: QWidget,
    count: int,
    set_status: Callable[[Status], object],
    set_split: Callable[[Split], object],
    remove: Callable[[], object],
) -> QMenu:
    """What can be done to `count` chosen images."""
    menu = QMenu(parent)
    ratio = parent.devicePixelRatioF()
    for status in (Status.REVIEWED, Status.CLEAN, Status.UNLABELLED):
        menu.addAction(QIcon(status_pixmap(status, 16, ratio)), f"Mark {status.value}", partial(set_status, status))
    menu.addSeparator()
    splits = menu.addMenu("Move to split")
    for split in Split:
        splits.addAction("none" if split is Split.NONE else split.value, partial(set_split, split))
    menu.addSeparator()
    text = "Take out of the project" if count == 1 else f"Take {count:,} images out of the project"
    menu.addAction(icon("delete"), text, remove)
    return menu
