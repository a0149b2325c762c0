"""The depth scale of each camera of a project, seen through one of its images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from core.counting import format_count
from core.errors import InputError
from core.imaging.cameras import Cameras
from core.imaging.decode import samples
from core.imaging.window import HIGHEST
from core.project.project import Project
from core.project.records import CameraImages
from desktop.base.background import Tasks
from desktop.base.theme import GAP
from desktop.kit.dialog_frame import Paragraph
from desktop.kit.error_box import error_text
from desktop.kit.parts import words
from desktop.project.depth_chooser import DepthChooser

KEY = "samples of the image"
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
        self._listed = [one for one in project.depths.list_cameras() if one.camera is not None]
        self._windows = [one.camera.window for one in self._listed if one.camera is not None]
        self._before = list(self._windows)
        self._choice = QComboBox()
        self._choice.setAccessibleName("Camera")
        self._choice.addItems([_describe_camera(one) for one in self._listed])
        self._row_of_image = self._find_row_of_image()
        self._depth = DepthChooser()
        self._note = words("", "small", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 2 * GAP, 0, 0)
        column.setSpacing(GAP)
        column.addWidget(Paragraph(ABOUT, "muted"))
        column.addWidget(self._choice)
        column.addWidget(self._depth, 1)
        column.addWidget(self._note)
        self._choice.setEnabled(bool(self._listed))
        self._depth.setEnabled(bool(self._listed))
        if not self._listed:
            self._choice.addItem("No camera: no image above 8 bits was found")
        self._choice.setCurrentIndex(max(0, self._row_of_image))
        self._depth.changed.connect(self._keep_window)
        self._choice.currentIndexChanged.connect(lambda _row: self._show_camera())
        self._show_camera()

    def read_cameras(self) -> Cameras | None:
        """The cameras with their new windows; None where nothing was changed."""
        if self._windows == self._before:
            return None
        rows = zip(self._listed, self._windows, strict=True)
        return Cameras(tuple(replace(one.camera, window=window) for one, window in rows if one.camera is not None))

    def stop_reading(self) -> None:
        """Let go of what is still being read."""
        self._tasks.cancel(KEY)

    def _find_row_of_image(self) -> int:
        """That of the image on the screen; -1 without one."""
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
            if row != self._row_of_image:
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
    return f"{one.name} ({format_count(len(one.images), 'image')})"


def _describe_images(one: CameraImages) -> str:
    if not one.images or one.camera is None:
        return "None of the images that were looked at is of this camera."
    text = f"The images of this camera reach {one.top:,} of {HIGHEST:,}."
    return f"{text} {format_count(one.above, 'image')} of them reach above white." if one.above else text
