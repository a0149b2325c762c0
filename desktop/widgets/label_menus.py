"""The menus of the Label page: labels of the selected boxes, and what is done to chosen images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtGui import QColor, QIcon
from PySide6.QtWidgets import QMenu, QWidget

from core.types import Box, Label, Split, Status
from desktop.canvas.interaction import tri_state
from desktop.theme import icon
from desktop.widgets.image_delegate import status_pixmap
from desktop.widgets.label_delegate import tick_icon


def labels_menu(
    parent: QWidget,
    labels: Sequence[Label],
    boxes: Sequence[Box],
    toggle: Callable[[int], object],
    add: Callable[[], object],
) -> QMenu:
    """Every label with its tick for `boxes`; choosing one calls `toggle` with its id."""
    menu = QMenu(parent)
    for label in labels:
        checked = tri_state([box.labels for box in boxes], label.id)
        text = f"{label.name}\t{label.shortcut}" if label.shortcut else label.name
        menu.addAction(tick_icon(QColor(label.color), checked), text, partial(toggle, label.id))
    menu.addSeparator()
    menu.addAction(icon("add"), "Add a label…", add)
    return menu


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
