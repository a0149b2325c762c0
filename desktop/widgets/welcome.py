"""What the window shows while no project is open."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from core.project.database import FILE_NAME
from desktop.theme import GAP, PAD, icon_pixmap, notifier, set_icon, theme
from desktop.widgets.parts import ElidedLabel, icon_button, words

WIDTH = 620


class Welcome(QWidget):
    """Ways to a project: new, open, sample, and the recent ones."""

    chosen = Signal(object)  # Path of a recent project
    forgotten = Signal(object)  # Path to take off the list

    def __init__(self, actions: Mapping[str, QAction]) -> None:
        super().__init__()
        self.setObjectName("page")
        self._logo = QLabel()
        heading = QHBoxLayout()
        heading.setSpacing(PAD + 4)
        heading.addWidget(self._logo)
        title = QVBoxLayout()
        title.setSpacing(2)
        title.addWidget(words("DefectDesk", "title"))
        title.addWidget(words("Label defects, fine-tune a detector, and see what it misses.", "muted"))
        heading.addLayout(title, 1)
        ways = QHBoxLayout()
        ways.setSpacing(PAD)
        for name, text, about in (
            ("new_project", "New project", "From a folder of images"),
            ("open_project", "Open project", "A folder with project.sqlite"),
            ("sample_project", "Sample project", "Generated, already labelled"),
        ):
            ways.addWidget(_way(actions[name], text, about), 1)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(2)
        self._recent_title = words("Recent projects", "section")
        column = QWidget()
        column.setFixedWidth(WIDTH)
        inner = QVBoxLayout(column)
        inner.setContentsMargins(0, 3 * PAD, 0, 3 * PAD)
        inner.setSpacing(0)
        inner.addStretch(2)
        inner.addLayout(heading)
        inner.addSpacing(3 * PAD)
        inner.addLayout(ways)
        inner.addSpacing(3 * PAD)
        inner.addWidget(self._recent_title)
        inner.addSpacing(GAP)
        inner.addLayout(self._recent)
        inner.addStretch(3)
        layout = QHBoxLayout(self)
        layout.addStretch(1)
        layout.addWidget(column)
        layout.addStretch(1)
        notifier.theme_changed.connect(self._tint)
        self._tint()

    def show_recent(self, folders: list[Path]) -> None:
        """List the projects that were open last."""
        while (item := self._recent.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self._recent_title.setVisible(bool(folders))
        for folder in folders[:6]:
            row = _Recent(folder)
            row.chosen.connect(self.chosen)
            row.forgotten.connect(self.forgotten)
            self._recent.addWidget(row)

    def _tint(self) -> None:
        self._logo.setPixmap(icon_pixmap("logo", theme().accent, 52, self.devicePixelRatioF()))


class _Recent(QFrame):
    """One recent project; greyed where its folder is gone."""

    chosen = Signal(object)
    forgotten = Signal(object)

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        there = (folder / FILE_NAME).exists()
        button = QPushButton()
        button.setProperty("role", "row")
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.setEnabled(there)
        button.setAccessibleName(f"Open {folder}")
        button.clicked.connect(lambda: self.chosen.emit(folder))
        inner = QHBoxLayout(button)
        inner.setContentsMargins(PAD, 0, PAD, 0)
        inner.setSpacing(PAD)
        picture = QLabel()
        picture.setPixmap(icon_pixmap("folder", theme().muted, 20, self.devicePixelRatioF()))
        texts = QVBoxLayout()
        texts.setSpacing(1)
        texts.addStretch(1)
        texts.addWidget(words(folder.name))
        texts.addWidget(ElidedLabel(str(folder.parent) if there else f"{folder.parent}  (not there any more)", "small"))
        texts.addStretch(1)
        inner.addWidget(picture)
        inner.addLayout(texts, 1)
        for label in button.findChildren(QLabel):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        forget = icon_button("close", "Take off this list")
        forget.clicked.connect(lambda: self.forgotten.emit(folder))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(button, 1)
        layout.addWidget(forget)


def _way(action: QAction, text: str, about: str) -> QPushButton:
    """A large button with an icon, a name and a line below."""
    button = QPushButton()
    button.setProperty("role", "card")
    button.setAccessibleName(text)
    button.clicked.connect(action.trigger)
    picture = QToolButton()
    picture.setIconSize(QSize(26, 26))
    set_icon(picture, action.objectName().replace("_", "-").replace("sample-project", "sample"), "accent", size=26)
    inner = QVBoxLayout(button)
    inner.setContentsMargins(PAD + 2, PAD, PAD, PAD)
    inner.setSpacing(2)
    inner.addWidget(picture)
    inner.addStretch(1)
    inner.addWidget(words(text, "heading"))
    inner.addWidget(words(about, "small"))
    for child in button.findChildren(QWidget):
        child.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        child.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return button
