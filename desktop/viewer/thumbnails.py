"""Small pictures of images, made in the background: what is on the screen now comes first."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QPixmap

from core.errors import InputError
from core.imaging.thumbnails import thumbnail
from core.project.camera_lookup import CameraLookup
from desktop.base.background import Tasks
from desktop.base.session import Session
from desktop.viewer.camera_following import follow_cameras
from desktop.viewer.pyramid import to_qimage

THUMBNAIL = 112  # longest side that the lists ask for, in pixels
KEPT = 3000  # pictures in memory; about 40 KB each
WAITING = 400  # requests that are remembered; older ones have scrolled out of sight
AT_ONCE = 2


class ThumbnailLoader(QObject):
    """`request` answers at once with what is in memory; `loaded` tells when more has come."""

    loaded = Signal(str, int)  # path, size
    failed = Signal(str, str)  # path, why

    def __init__(self, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._cache: Path | None = None
        self._cameras = CameraLookup()
        self._pictures: OrderedDict[tuple[str, int], QPixmap] = OrderedDict()
        self._waiting: OrderedDict[tuple[str, int], None] = OrderedDict()
        self._under_way: set[tuple[str, int]] = set()
        self._broken: dict[str, str] = {}

    def follow(self, session: Session) -> None:
        """Keep to the project's cameras, and its folder for what is kept on the disk."""

        def set_project() -> None:
            if (project := session.project) is not None:
                self.set_cache(None if project.read_only else project.folder / "cache" / "thumbnails")

        session.project_changed.connect(set_project)
        follow_cameras(session, self.set_cameras)

    def set_cameras(self, cameras: CameraLookup) -> None:
        """Show images above 8 bits through the windows of `cameras` from now on."""
        if cameras != self._cameras:
            self._cameras = cameras
            self.forget_all()

    def set_cache(self, folder: Path | None) -> None:
        """Keep pictures on the disk in `folder` (None: in memory only), and forget those of another project."""
        self._forget_picture()
        self._cache = folder

    def forget(self, path: Path | str) -> None:
        """Make the pictures of one file again, which was changed on the disk."""
        known = [key for key in (*self._pictures, *self._under_way, *self._waiting) if key[0] == str(path)]
        self._broken.pop(str(path), None)
        for key in known:
            self._pictures.pop(key, None)
            self._waiting.pop(key, None)
            if key in self._under_way:
                self._under_way.discard(key)
                self._tasks.cancel(_make_key(*key))
            self.loaded.emit(*key)

    def forget_all(self) -> None:
        """Make every picture again."""
        known = [*self._pictures, *self._under_way, *self._waiting]
        self._forget_picture()
        # Whoever shows them asks again.
        for key in known:
            self.loaded.emit(*key)

    def _forget_picture(self) -> None:
        for path, size in self._under_way:
            self._tasks.cancel(_make_key(path, size))
        self._under_way.clear()
        self._waiting.clear()
        self._pictures.clear()
        self._broken.clear()

    def request(self, path: Path | str, size: int) -> QPixmap | None:
        """The picture of `path`, at most `size` pixels on its longer side, or None while it is being made."""
        key = (str(path), size)
        if key in self._pictures:
            self._pictures.move_to_end(key)
            return self._pictures[key]
        if key not in self._under_way and key[0] not in self._broken:
            self._waiting[key] = None
            self._waiting.move_to_end(key)
            while len(self._waiting) > WAITING:
                self._waiting.popitem(last=False)
            self._start_loading()
        return None

    def problem(self, path: Path | str) -> str | None:
        """Why there is no picture of `path`, if it could not be read."""
        return self._broken.get(str(path))

    def _start_loading(self) -> None:
        while self._waiting and len(self._under_way) < AT_ONCE:
            key, _ = self._waiting.popitem(last=True)
            self._under_way.add(key)
            path, size = key
            # Pictures give way to an image that somebody is waiting for.
            self._tasks.run(
                _make_key(path, size),
                partial(thumbnail, Path(path), size, self._cache, self._cameras.scale_of(path)),
                partial(self._finish_loading, key),
                partial(self._give_up, key),
                priority=-1,
            )

    def _finish_loading(self, key: tuple[str, int], picture: NDArray[np.uint8]) -> None:
        self._under_way.discard(key)
        self._pictures[key] = QPixmap.fromImage(to_qimage(picture))
        while len(self._pictures) > KEPT:
            self._pictures.popitem(last=False)
        self.loaded.emit(*key)
        self._start_loading()

    def _give_up(self, key: tuple[str, int], error: Exception) -> None:
        self._under_way.discard(key)
        self._start_loading()
        if not isinstance(error, InputError | OSError):
            raise error
        self._broken[key[0]] = str(error)
        self.failed.emit(key[0], str(error))


def _make_key(path: str, size: int) -> str:
    return f"thumbnail {size} {path}"
