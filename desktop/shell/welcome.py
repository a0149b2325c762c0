"""What the window shows while no project is open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from core.counting import format_count
from core.project.records import DATABASE_FILE
from core.settings import RecentProject
from desktop.base.theme import GAP, PAD, icon_pixmap, notifier, theme
from desktop.kit import formatting
from desktop.kit.parts import ElidedLabel, icon_button, restyle, words
from desktop.viewer.thumbnails import ThumbnailLoader

WIDTH = 760
SHOWN = 8  # recent projects
PICTURES, PICTURE = 3, 40  # of a recent project, and the longer side of each in pixels


class Welcome(QWidget):
    """Ways to a project: new, open, sample, and the recent ones."""

    chosen = Signal(object)  # Path of a recent project
    forgotten = Signal(object)  # Path to take off the list

    def __init__(self, actions: Mapping[str, QAction], thumbnails: ThumbnailLoader) -> None:
        super().__init__()
        self._thumbnails = thumbnails
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
            ("import_as_project", "Import", "COCO, VOC, YOLO, CVAT and more"),
            ("sample_project", "Sample project", "Generated, already labelled"),
        ):
            ways.addWidget(_build_way(actions[name], text, about), 1)
        self._drop = _DropPlace()
        self._recent = QVBoxLayout()
        self._recent.setSpacing(2)
        self._recent_title = words("Recent projects", "section")
        column = QWidget()
        column.setObjectName("scrolled")
        column.setFixedWidth(WIDTH)
        inner = QVBoxLayout(column)
        inner.setContentsMargins(0, 3 * PAD, 0, 3 * PAD)
        inner.setSpacing(0)
        inner.addStretch(2)
        inner.addLayout(heading)
        inner.addSpacing(3 * PAD)
        inner.addLayout(ways)
        inner.addSpacing(PAD)
        inner.addWidget(self._drop)
        inner.addSpacing(2 * PAD)
        inner.addWidget(self._recent_title)
        inner.addSpacing(GAP)
        inner.addLayout(self._recent)
        inner.addStretch(3)
        # Eight recent projects are higher than a small window.
        scroll = QScrollArea(widgetResizable=True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # what is in it takes the keys
        scroll.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        scroll.setWidget(column)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)
        notifier.theme_changed.connect(self._tint_picture)
        self._tint_picture()

    def show_drop(self, over: bool) -> None:
        """Say whether what is dragged over the window can be let go."""
        restyle(self._drop, "over", over)

    def show_recent(self, projects: Sequence[tuple[Path, RecentProject]]) -> None:
        """List the projects that were open last, with what is known of each."""
        while (item := self._recent.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self._recent_title.setVisible(bool(projects))
        now = datetime.now(UTC).astimezone()
        for folder, known in projects[:SHOWN]:
            row = _Recent(folder, about_recent(folder, known, now), known.pictures, self._thumbnails)
            row.chosen.connect(self.chosen)
            row.forgotten.connect(self.forgotten)
            self._recent.addWidget(row)

    def _tint_picture(self) -> None:
        self._logo.setPixmap(icon_pixmap("logo", theme().accent, 52, self.devicePixelRatioF()))


def about_recent(folder: Path, known: RecentProject, now: datetime) -> str:
    """Size and last use of a project, as far as they are known; that it is gone, where it is."""
    if not (folder / DATABASE_FILE).exists():
        return "Not there any more"
    parts = [format_count(known.images, "image")] if known.opened else []
    parts += [formatting.date(known.opened, now)] if known.opened else []
    return "  ·  ".join(parts)


class _Recent(QFrame):
    """One recent project; greyed where its folder is gone."""

    chosen = Signal(object)
    forgotten = Signal(object)

    def __init__(self, folder: Path, about: str, pictures: Sequence[str], thumbnails: ThumbnailLoader) -> None:
        super().__init__()
        self._folder = folder
        self._thumbnails = thumbnails
        button = QPushButton()
        button.setProperty("role", "row")
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.setEnabled((folder / DATABASE_FILE).exists())
        button.setAccessibleName(f"Open {folder}")
        button.setAccessibleDescription(about)
        button.clicked.connect(lambda: self.chosen.emit(folder))
        inner = QHBoxLayout(button)
        inner.setContentsMargins(PAD, 0, PAD, 0)
        inner.setSpacing(PAD)
        self._picture = QLabel()
        self._picture.setFixedWidth(PICTURE)
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        # Of a project that is gone the images may be as well, or lie on a disk that takes long to say so.
        self._pictures = {path: QLabel() for path in (pictures if button.isEnabled() else ())}
        texts = QVBoxLayout()
        texts.setSpacing(1)
        texts.addStretch(1)
        texts.addWidget(words(folder.name))
        texts.addWidget(ElidedLabel(str(folder.parent), "small"))
        texts.addStretch(1)
        inner.addWidget(self._picture)
        inner.addLayout(texts, 1)
        for picture in self._pictures.values():
            inner.addWidget(picture)
        inner.addWidget(words(about, "small"))
        for label in button.findChildren(QLabel):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        forget = icon_button("close", f"Take {folder.name} off this list")
        forget.clicked.connect(lambda: self.forgotten.emit(folder))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(button, 1)
        layout.addWidget(forget)
        notifier.theme_changed.connect(self._tint_picture)
        thumbnails.loaded.connect(self._show_picture)
        self._tint_picture()
        for path in self._pictures:
            self._show_picture(path, PICTURE)

    def _tint_picture(self) -> None:
        self._picture.setPixmap(icon_pixmap("folder", theme().muted, 20, self.devicePixelRatioF()))

    def _show_picture(self, path: str, size: int) -> None:
        label = self._pictures.get(path)
        if label is None or size != PICTURE:
            return
        picture = self._thumbnails.request(path, PICTURE)
        if picture is not None:
            label.setPixmap(picture)
            label.setFixedSize(picture.size())


class _DropPlace(QFrame):
    """Says what can be dropped on the window; the window takes it."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "drop")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(PAD, PAD, PAD, PAD)
        text = "Drop a folder of images here to begin a project with it, or the folder of a project to open it."
        about = words(text, "muted", wrap=True)
        about.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout.addWidget(about)


def _build_way(action: QAction, text: str, about: str) -> QPushButton:
    """A large button with an icon, a name and a line below."""
    button = QPushButton()
    button.setProperty("role", "card")
    button.setAccessibleName(text)
    button.clicked.connect(action.trigger)
    picture = _Picture(action.objectName())
    inner = QVBoxLayout(button)
    inner.setContentsMargins(PAD + 2, PAD, PAD, PAD)
    inner.setSpacing(2)
    inner.addWidget(picture)
    inner.addStretch(1)
    inner.addWidget(words(text, "heading"))
    inner.addWidget(words(about, "small", wrap=True))
    for child in button.findChildren(QWidget):
        child.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        child.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return button


class _Picture(QLabel):
    """The icon of a way, in the accent's colour."""

    ICONS: ClassVar = {"sample_project": "sample", "import_as_project": "import"}

    def __init__(self, action: str) -> None:
        super().__init__()
        self._icon = self.ICONS.get(action, action.replace("_", "-"))
        notifier.theme_changed.connect(self._tint_picture)
        self._tint_picture()

    def _tint_picture(self) -> None:
        self.setPixmap(icon_pixmap(self._icon, theme().link, 26, self.devicePixelRatioF()))
