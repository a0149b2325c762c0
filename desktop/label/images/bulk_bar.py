"""What can be done to several chosen images at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QToolButton, QWidget

from core.counting import format_count
from core.types import Split, Status
from desktop.base.theme import GAP, PAD, icon, set_icon
from desktop.kit.parts import ElidedLabel
from desktop.label.images.image_delegate import status_pixmap


class ImageActs(Protocol):
    """What the page makes edits of."""

    def set_status(self, image_ids: list[int], status: Status) -> None: ...

    def set_split(self, image_ids: list[int], split: Split) -> None: ...

    def ask_group(self, image_ids: list[int]) -> None: ...

    def remove_images(self, image_ids: list[int]) -> None: ...


def fill_status_menu(menu: QMenu, image_ids: list[int], acts: ImageActs) -> None:
    """A verdict for the images."""
    ratio = menu.devicePixelRatioF()
    for status in (Status.REVIEWED, Status.LABELLED, Status.CLEAN, Status.UNLABELLED):
        sign = QIcon(status_pixmap(status, 16, ratio))
        menu.addAction(sign, f"Mark {status.value}", partial(acts.set_status, image_ids, status))


def fill_split_menu(menu: QMenu, image_ids: list[int], acts: ImageActs) -> None:
    """A split for the images."""
    for split in (Split.TRAIN, Split.VAL, Split.TEST, Split.NONE):
        text = "no split" if split is Split.NONE else split.value
        menu.addAction(text, partial(acts.set_split, image_ids, split))


def images_menu(parent: QWidget, image_ids: list[int], acts: ImageActs) -> QMenu:
    """Everything that can be done to the images."""
    menu = QMenu(parent)
    fill_status_menu(menu, image_ids, acts)
    menu.addSeparator()
    fill_split_menu(menu.addMenu(icon("shuffle"), "Move to split"), image_ids, acts)
    menu.addAction(icon("group"), "Set group…", lambda: acts.ask_group(image_ids))
    menu.addSeparator()
    text = format_count(len(image_ids), "image")
    menu.addAction(icon("delete"), f"Take {text} out of the project", lambda: acts.remove_images(image_ids))
    return menu


class BulkBar(QFrame):
    """Shown while several images are chosen."""

    def __init__(self, acts: ImageActs) -> None:
        super().__init__()
        self.setProperty("role", "foot")
        self._acts = acts
        self._ids: list[int] = []
        self._count = ElidedLabel()
        status = self._menu_button("status-reviewed", "Status of the chosen images", fill_status_menu)
        split = self._menu_button("shuffle", "Split of the chosen images", fill_split_menu)
        group = _make_button("group", "Group of the chosen images…")
        group.clicked.connect(lambda: acts.ask_group(self._ids))
        remove = _make_button("delete", "Take the chosen images out of the project")
        remove.clicked.connect(lambda: acts.remove_images(self._ids))
        self._changing = (status, split, group, remove)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(PAD, 4, GAP, 4)
        layout.setSpacing(2)
        layout.addWidget(self._count, 1)
        for button in self._changing:
            layout.addWidget(button)
        self.hide()

    @property
    def text(self) -> str:
        """How many images are chosen, in words."""
        return self._count.text()

    def fields(self) -> list[QToolButton]:
        """What takes the keys, in order."""
        return list(self._changing)

    def show_chosen(self, image_ids: list[int], *, editable: bool) -> None:
        """Offer what can be done to `image_ids`; nothing for a single one, which the page is about."""
        self._ids = image_ids
        self._count.setText(f"{len(image_ids):,} chosen")
        for button in self._changing:
            button.setEnabled(editable)
        self.setVisible(len(image_ids) > 1)

    def _menu_button(self, name: str, tip: str, fill: Callable[[QMenu, list[int], ImageActs], None]) -> QToolButton:
        button = _make_button(name, tip)
        menu = QMenu(button)

        def refill() -> None:
            menu.clear()
            fill(menu, self._ids, self._acts)

        menu.aboutToShow.connect(refill)
        button.setMenu(menu)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        return button


def _make_button(name: str, tip: str) -> QToolButton:
    button = QToolButton()
    set_icon(button, name, size=18)
    button.setIconSize(QSize(18, 18))
    button.setToolTip(tip)
    button.setAccessibleName(tip.rstrip("…"))
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
