"""The depth scale of each camera of a project, seen through one of its images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from core.errors import InputError
from core.imaging.cameras import Cameras
from core.imaging.decode import samples
from core.imaging.window import HIGHEST, Window
from core.operations.depth import Division, propose_cameras
from core.project.project import Project
from core.project.records import CameraImages
from desktop.base.background import Tasks
from desktop.base.theme import GAP
from desktop.kit.dialog_frame import Paragraph, add_row, new_form
from desktop.kit.error_box import error_text
from desktop.kit.formatting import plural
from desktop.kit.parts import words
from desktop.project.depth_chooser import DepthChooser

KEY, DIVIDING = "samples of the image", "division of cameras"
NONE = "No image above 8 bits was found"
DIVISIONS: tuple[tuple[str, Division | None], ...] = (
    ("each camera as it is now", None),
    ("each kind of file", "kind"),
    ("each folder", "folder"),
    ("each group", "group"),
    ("each size of image", "size"),
)
ABOUT = (
    "Cameras of 10 to 16 bits fill only a part of the 65,536 values. What is between black and white here is shown, trained "
    "on and predicted from; images of 8 bits are not touched. Runs and checkpoints keep what they began with."
)


class CameraScales(QWidget):
    """A list of cameras, and the window of the chosen one."""

    def __init__(self, tasks: Tasks, project: Project, image: Path | None) -> None:
        """`image` is the file on the screen: its camera is chosen first, and seen through it."""
        super().__init__()
        self._tasks = tasks
        self._project = project
        self._image = image
        self._listed: list[CameraImages] = []
        self._windows: list[Window] = []  # of each
        self._choice = QComboBox()
        self._choice.setAccessibleName("Camera")
        self._division = QComboBox()
        self._division.setAccessibleName("One scale for")
        for text, by in DIVISIONS:
            self._division.addItem(text, by)
        self._division.setEnabled(not project.read_only)
        self._depth = DepthChooser()
        self._note = words("", "small", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 2 * GAP, 0, 0)
        column.setSpacing(GAP)
        column.addWidget(Paragraph(ABOUT, "muted"))
        form = new_form()
        add_row(form, "One scale for", self._division)
        add_row(form, "Camera", self._choice)
        column.addLayout(form)
        column.addWidget(self._depth, 1)
        column.addWidget(self._note)
        self._depth.changed.connect(self._keep_window)
        self._choice.currentIndexChanged.connect(lambda _row: self._show_camera())
        self._division.currentIndexChanged.connect(lambda _row: self._divide())
        self._list_cameras(project.depths.cameras())

    def read_cameras(self) -> Cameras | None:
        """The cameras with their new windows; None where nothing was changed."""
        rows = zip(self._listed, self._windows, strict=True)
        chosen = Cameras(tuple(replace(one.camera, window=window) for one, window in rows if one.camera is not None))
        return chosen if chosen != self._project.depths.cameras() else None

    def stop_reading(self) -> None:
        """Let go of what is still being read."""
        self._tasks.cancel(KEY)
        self._tasks.cancel(DIVIDING)

    def _list_cameras(self, cameras: Cameras) -> None:
        listed = self._project.depths.list_cameras_of(cameras)
        self._listed = [one for one in listed if one.camera is not None]
        self._windows = [one.camera.window for one in self._listed if one.camera is not None]
        with QSignalBlocker(self._choice):
            self._choice.clear()
            self._choice.addItems([_describe_camera(one) for one in self._listed] or [NONE])
            self._choice.setCurrentIndex(max(0, self._find_row_of_image()))
        self._choice.setEnabled(bool(self._listed))
        self._depth.setEnabled(bool(self._listed))
        self._show_camera()

    def _divide(self) -> None:
        by, project = self._division.currentData(), self._project
        self._tasks.cancel(DIVIDING)
        if by is None:
            self._list_cameras(project.depths.cameras())
            return
        self._note.setText("The files that were not looked at yet are being read…")
        self._tasks.run(DIVIDING, lambda: propose_cameras(project, by), self._list_cameras, self._say_why_none)

    def _find_row_of_image(self) -> int:
        for row, one in enumerate(self._listed):
            if any(self._project.image_path(image) == self._image for image in one.images):
                return row
        return -1

    def _show_camera(self) -> None:
        row = self._choice.currentIndex()
        path = self._image
        if self._listed:
            self._depth.set_window(self._windows[row])
            one = self._listed[row]
            self._note.setText(_describe_images(one))
            if row != self._find_row_of_image():
                path = self._project.image_path(one.images[0]) if one.images else None
        self._depth.show_samples(None)
        self._tasks.cancel(KEY)
        if path is not None:
            self._tasks.run(KEY, lambda: samples(path), self._show_samples, self._say_why_none)

    def _keep_window(self) -> None:
        if self._listed:
            self._windows[self._choice.currentIndex()] = self._depth.chosen

    def _show_samples(self, values: NDArray[np.uint16]) -> None:
        self._depth.show_samples(values)
        text = f"This image has values from {int(values.min()):,} to {int(values.max()):,}."
        self._note.setText(" ".join(part for part in (text, self._describe_chosen()) if part))

    def _describe_chosen(self) -> str:
        return _describe_images(self._listed[self._choice.currentIndex()]) if self._listed else ""

    def _say_why_none(self, error: Exception) -> None:
        if not isinstance(error, InputError | OSError):
            raise error
        self._note.setText(error_text(error))


def _describe_camera(one: CameraImages) -> str:
    return f"{one.name} ({plural(len(one.images), 'image')})"


def _describe_images(one: CameraImages) -> str:
    if not one.images or one.camera is None:
        return "None of the images that were looked at is of this camera."
    text = f"The images of this camera reach {one.top:,} of {HIGHEST:,}."
    return f"{text} {plural(one.above, 'image')} of them reach above white." if one.above else text
