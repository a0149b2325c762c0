"""Small pictures of images, made in the background: what is on the screen now comes first.

Those of images that take long to decode are made one at a time beside the others, and give way to what somebody waits for.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QPixmap

from core.errors import InputError
from core.imaging.cameras import DepthScale
from core.imaging.cancelling import CancelToken
from core.imaging.thumbnails import find_kept, fit, keep, thumbnail
from core.project.camera_lookup import CameraLookup
from desktop.base.background import Tasks
from desktop.base.session import Session
from desktop.viewer.camera_following import follow_cameras
from desktop.viewer.pyramid import to_qimage
from desktop.viewer.slow_pictures import is_slow

THUMBNAIL = 112  # longest side that the lists ask for, in pixels
KEPT = 3000  # pictures in memory; about 40 KB each
WAITING = 400  # requests that are remembered; older ones have scrolled out of sight
AT_ONCE = 2
LONG = 4  # times as long as what the canvas decodes aside: a PNG of 27 megapixels, a JPEG of 80
PAUSE = 0.02  # seconds between two looks whether others still have to be let by

Key = tuple[str, int]  # path, longest side


class ThumbnailLoader(QObject):
    """`request` answers at once with what is in memory; `loaded` tells when more has come."""

    loaded = Signal(str, int)  # path, size
    failed = Signal(str, str)  # path, why

    def __init__(self, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._cache: Path | None = None
        self._cameras = CameraLookup()
        self._pictures: OrderedDict[Key, QPixmap] = OrderedDict()
        self._waiting: OrderedDict[Key, None] = OrderedDict()
        self._under_way: set[Key] = set()
        self._long: OrderedDict[Key, None] = OrderedDict()  # that take long, and wait for their turn
        self._long_under_way: Key | None = None
        self._broken: dict[str, str] = {}

    def follow(self, session: Session) -> None:
        """Keep to the project's cameras, and its folder for what is kept on the disk."""

        def set_project() -> None:
            project = session.project
            if project is None or project.read_only:
                self.set_cache(None)
            else:
                self.set_cache(project.folder / "cache" / "thumbnails")

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
        known = [key for key in self._list_known() if key[0] == str(path)]
        self._broken.pop(str(path), None)
        for key in known:
            self._pictures.pop(key, None)
            self._waiting.pop(key, None)
            self._drop_work(key)
            self.loaded.emit(*key)

    def forget_all(self) -> None:
        """Make every picture again."""
        known = self._list_known()
        self._forget_picture()
        # Whoever shows them asks again.
        for key in known:
            self.loaded.emit(*key)

    def _list_known(self) -> list[Key]:
        under_way = [self._long_under_way] if self._long_under_way is not None else []
        return [*self._pictures, *self._under_way, *self._waiting, *self._long, *under_way]

    def _drop_work(self, key: Key) -> None:
        self._long.pop(key, None)
        self._tasks.cancel(_make_key(*key))
        self._end_work(key)

    def _end_work(self, key: Key) -> None:
        self._under_way.discard(key)
        if key == self._long_under_way:
            self._long_under_way = None

    def _forget_picture(self) -> None:
        for key in self._list_known():
            self._drop_work(key)
        self._waiting.clear()
        self._pictures.clear()
        self._broken.clear()

    def request(self, path: Path | str, size: int) -> QPixmap | None:
        """The picture of `path`, at most `size` pixels on its longer side, or None while it is being made."""
        key = (str(path), size)
        if key in self._pictures:
            self._pictures.move_to_end(key)
            return self._pictures[key]
        if key in self._long:
            self._long.move_to_end(key)
        elif key not in self._under_way and key != self._long_under_way and key[0] not in self._broken:
            self._waiting[key] = None
            self._waiting.move_to_end(key)
            while len(self._waiting) > WAITING:
                self._waiting.popitem(last=False)
            self._start_loading()
        return None

    def problem(self, path: Path | str) -> str | None:
        """Why there is no picture of `path`, if it could not be read."""
        return self._broken.get(str(path))

    def take_picture(self, path: str, overview: NDArray[np.uint8]) -> None:
        """Make what is still missing of an image that takes long from its `overview`, now that somebody decoded it."""
        keys = [key for key in (*self._long, self._long_under_way) if key is not None and key[0] == path]
        for key in keys:
            self._drop_work(key)
            if max(overview.shape[:2]) < key[1]:
                self._long[key] = None
                continue
            self._under_way.add(key)
            work = partial(_keep_fitted, overview, Path(path), key[1], self._cache, self._cameras.scale_of(path))
            self._tasks.run(
                _make_key(*key), work, partial(self._finish_loading, key), partial(self._give_up, key), priority=-1
            )
        self._start_long()

    def _start_loading(self) -> None:
        while self._waiting and len(self._under_way) < AT_ONCE:
            key, _ = self._waiting.popitem(last=True)
            self._under_way.add(key)
            path, size = key
            # Pictures give way to an image that somebody is waiting for.
            self._tasks.run(
                _make_key(path, size),
                partial(_make_quickly, Path(path), size, self._cache, self._cameras.scale_of(path)),
                partial(self._take_quick, key),
                partial(self._give_up, key),
                priority=-1,
            )

    def _take_quick(self, key: Key, picture: NDArray[np.uint8] | None) -> None:
        if picture is not None:
            self._finish_loading(key, picture)
            return
        self._end_work(key)
        self._long[key] = None
        while len(self._long) > WAITING:
            self._long.popitem(last=False)
        self._start_loading()
        self._start_long()

    def _start_long(self) -> None:
        if self._long_under_way is not None or not self._long:
            return
        key, _ = self._long.popitem(last=True)
        self._long_under_way = key
        path, stop = Path(key[0]), _GivingWay(self._tasks)
        self._tasks.run(
            _make_key(*key),
            partial(thumbnail, path, key[1], self._cache, self._cameras.scale_of(path), stop),
            partial(self._finish_loading, key),
            partial(self._give_up, key),
            aside=True,
            stop=stop,
        )

    def _finish_loading(self, key: Key, picture: NDArray[np.uint8]) -> None:
        self._end_work(key)
        self._pictures[key] = QPixmap.fromImage(to_qimage(picture))
        while len(self._pictures) > KEPT:
            self._pictures.popitem(last=False)
        self.loaded.emit(*key)
        self._start_loading()
        self._start_long()

    def _give_up(self, key: Key, error: Exception) -> None:
        self._end_work(key)
        self._start_loading()
        self._start_long()
        if not isinstance(error, InputError | OSError):
            raise error
        self._broken[key[0]] = str(error)
        self.failed.emit(key[0], str(error))


class _GivingWay(CancelToken):
    """Stops for as long as somebody waits for an image that is being decoded."""

    __slots__ = ("_tasks",)

    def __init__(self, tasks: Tasks) -> None:
        super().__init__()
        self._tasks = tasks

    def check(self) -> None:
        super().check()
        while self._tasks.is_waited_for and not self._event.wait(PAUSE):
            pass
        super().check()


def _make_quickly(path: Path, size: int, cache: Path | None, window: DepthScale) -> NDArray[np.uint8] | None:
    """The thumbnail; None where that takes long. Raises ImageError."""
    if (kept := find_kept(path, size, cache, window)) is not None:
        return kept
    return None if is_slow(path, LONG) else thumbnail(path, size, cache, window)


def _keep_fitted(
    overview: NDArray[np.uint8], path: Path, size: int, cache: Path | None, window: DepthScale
) -> NDArray[np.uint8]:
    small = fit(overview, size)
    keep(small, path, size, cache, window)
    return small


def _make_key(path: str, size: int) -> str:
    return f"thumbnail {size} {path}"
