"""Whole images for the canvas, decoded in the background, with their neighbours fetched ahead."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.errors import InputError
from core.imaging.cancelling import CancelToken
from core.project.camera_lookup import CameraLookup
from core.settings import Settings
from core.types import ImageRecord
from desktop.base.background import Tasks
from desktop.base.session import Session
from desktop.viewer.camera_following import follow_cameras
from desktop.viewer.pyramid import Pyramid
from desktop.viewer.slow_pictures import FirstLook, load_picture, look_at_slow, look_first

MEGABYTE = 1024 * 1024
KEPT_BYTES = 1024 * MEGABYTE
BYTES_PER_PIXEL = 4  # of a Pyramid: three bytes, and a third more for the halvings
AHEAD, BEHIND = 3, 1  # neighbours fetched in and against the direction of travel


def worth_fetching(records: Sequence[ImageRecord], limit_bytes: float = KEPT_BYTES / 2) -> list[ImageRecord]:
    """The first of `records` that fit into `limit_bytes` together."""
    fitting, total = [], 0.0
    for record in records:
        total += record.width * record.height * BYTES_PER_PIXEL
        if total > limit_bytes:
            break
        fitting.append(record)
    return fitting


class Travel:
    """Guesses from the steps so far which rows of a list will be looked at next."""

    def __init__(self) -> None:
        self._at = -1
        self._direction = 1

    def next_rows(self, at: int, count: int) -> list[int]:
        """Rows around `at` in a list of `count`, what is likeliest first. Call it once for every image shown."""
        if self._at >= 0 and at != self._at:
            self._direction = 1 if at > self._at else -1
        self._at = at
        ahead = [at + self._direction * step for step in range(1, AHEAD + 1)]
        behind = [at - self._direction * step for step in range(1, BEHIND + 1)]
        # The one behind comes after the first ahead: people look back, but seldom twice.
        return [row for row in (*ahead[:1], *behind, *ahead[1:]) if 0 <= row < count]


class PictureLoader(QObject):
    """Keeps decoded images within a limit of memory; the one asked for last is decoded first.

    Of an image that takes long a first look comes before it, and no other image waits behind it.
    """

    ready = Signal(str)  # path; `get` has it now
    looked = Signal(str)  # path; it takes long, and `first_look` has what is known of it
    failed = Signal(str, str)  # path, why
    outdated = Signal()  # what was handed out is no longer how images are read: ask again

    def __init__(self, tasks: Tasks, parent: QObject | None = None, limit_bytes: int = KEPT_BYTES) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._limit = limit_bytes
        self._cameras = CameraLookup()
        self._pictures: OrderedDict[str, Pyramid] = OrderedDict()
        self._problems: dict[str, str] = {}
        self._under_way: set[str] = set()
        self._slow: dict[str, _SlowWork] = {}  # of these, what takes long
        self._looks: dict[str, FirstLook] = {}  # of the image that is wanted now
        self._wanted: tuple[str, ...] = ()

    # -- settings

    def follow(self, session: Session, settings: Settings, share: float = 1.0) -> None:
        """Keep to the project's cameras, and to a share of the memory that the settings allow."""

        def adopt_limit(names: frozenset[str] = frozenset({"picture_cache_mb"})) -> None:
            if "picture_cache_mb" in names:
                self.set_limit(round(settings.values.picture_cache_mb * MEGABYTE * share))

        settings.listen(adopt_limit)
        follow_cameras(session, self.set_cameras)
        adopt_limit()

    def set_limit(self, limit_bytes: int) -> None:
        """Keep no more than this, but always the image that is being looked at."""
        self._limit = limit_bytes
        self._make_room()

    def set_cameras(self, cameras: CameraLookup) -> None:
        """Read images above 8 bits through the windows of `cameras` from now on."""
        if cameras != self._cameras:
            self._cameras = cameras
            self.forget()
            self.outdated.emit()

    @property
    def ahead_bytes(self) -> float:
        """How much of the memory may be neighbours, so that fetching them never drops what is being looked at."""
        return self._limit / 2

    # -- pictures

    def get(self, path: Path) -> Pyramid | None:
        """The picture, if it is in memory."""
        key = str(path)
        if key in self._pictures:
            self._pictures.move_to_end(key)
        return self._pictures.get(key)

    def first_look(self, path: Path) -> FirstLook | None:
        """What is known of the image wanted last while it is being decoded, if that takes long."""
        return self._looks.get(str(path))

    def read_share(self, path: Path) -> float | None:
        """How much of an image that takes long is decoded; None where that is not known."""
        work = self._slow.get(str(path))
        return work.share if work is not None else None

    def problem(self, path: Path) -> str | None:
        """Why the file cannot be shown, if that is known."""
        return self._problems.get(str(path))

    def want(self, path: Path | None, ahead: Sequence[Path] = ()) -> None:
        """Fetch `path` now and `ahead` after it; what was wanted before and has not begun is dropped."""
        self._wanted = tuple(str(item) for item in ((path, *ahead) if path is not None else ahead))
        for key in self._under_way.difference(self._wanted):
            self._drop_work(key)
        for key in self._looks.keys() - self._wanted[:1]:
            del self._looks[key]
        if path is not None:
            key = str(path)
            if key in self._under_way and key not in self._looks:
                self._look_at(key)
            self._fetch_picture(key, urgent=True)
        self._fetch_ahead()

    def forget(self, path: Path | None = None) -> None:
        """Drop one file, such as one that was changed on the disk, or everything, for another project."""
        if path is not None:
            self._drop_work(str(path))
            self._pictures.pop(str(path), None)
            self._problems.pop(str(path), None)
            return
        self.want(None)
        self._pictures.clear()
        self._problems.clear()

    def read_again(self, paths: Iterable[Path]) -> None:
        """Drop files that were changed on the disk; `outdated` is emitted if one of them is being looked at."""
        keys = set()
        for path in paths:
            self.forget(path)
            keys.add(str(path))
        if keys.intersection(self._wanted[:1]):
            self.outdated.emit()

    def _fetch_ahead(self) -> None:
        """One neighbour at a time, so that an image that somebody waits for finds a core free."""
        if self._under_way - self._slow.keys():
            return
        for key in self._wanted:
            if self._fetch_picture(key, urgent=False):
                return

    def _fetch_picture(self, key: str, *, urgent: bool) -> bool:
        if key in self._pictures or key in self._problems or key in self._under_way:
            return False
        self._under_way.add(key)
        self._tasks.run(
            _name_task(key),
            partial(look_first, Path(key), self._cameras.scale_of(key)),
            partial(self._take_first, key, urgent=urgent),
            partial(self._give_up, key),
            priority=10 if urgent else 1,
            urgent=urgent,
        )
        return True

    def _look_at(self, key: str) -> None:
        """It was fetched ahead and is wanted now: if that takes long, show what can be shown."""

        def take_look(look: FirstLook | None) -> None:
            if look is not None and key in self._under_way:
                self._keep_look(key, look)

        # An error is the same that decoding meets, and is told there.
        look = partial(look_at_slow, Path(key), self._cameras.scale_of(key))
        self._tasks.run(_name_look(key), look, take_look, lambda _error: None, priority=10, urgent=True)

    def _take_first(self, key: str, found: Pyramid | FirstLook, *, urgent: bool) -> None:
        """Keep the picture; where it takes long, decode it aside."""
        if isinstance(found, Pyramid):
            self._keep_picture(key, found)
            return
        work = self._slow[key] = _SlowWork()
        self._tasks.run(
            _name_task(key),
            partial(load_picture, Path(key), self._cameras.scale_of(key), work.cancel, work.take_progress),
            partial(self._keep_picture, key),
            partial(self._give_up, key),
            priority=10 if urgent else 1,
            slow=True,
            stop=work.cancel,
        )
        self._keep_look(key, found)
        self._fetch_ahead()

    def _keep_look(self, key: str, look: FirstLook) -> None:
        if key in self._wanted[:1]:
            self._looks[key] = look
            self.looked.emit(key)

    def _drop_work(self, key: str) -> None:
        self._tasks.cancel(_name_task(key))
        self._tasks.cancel(_name_look(key))
        self._looks.pop(key, None)
        self._end_work(key)

    def _end_work(self, key: str) -> None:
        self._under_way.discard(key)
        self._slow.pop(key, None)

    def _keep_picture(self, key: str, picture: Pyramid) -> None:
        self._end_work(key)
        self._looks.pop(key, None)
        self._pictures[key] = picture
        self._make_room()
        self.ready.emit(key)
        self._fetch_ahead()

    def _make_room(self) -> None:
        total = sum(kept.bytes for kept in self._pictures.values())
        # What is wanted now goes last, the image being looked at never.
        shown, wanted = self._wanted[:1], set(self._wanted)
        spare = [key for key in self._pictures if key not in wanted]
        spare += [key for key in reversed(self._wanted) if key in self._pictures and key not in shown]
        for key in spare:
            if total <= self._limit:
                break
            total -= self._pictures.pop(key).bytes

    def _give_up(self, key: str, error: Exception) -> None:
        self._end_work(key)
        self._looks.pop(key, None)
        if not isinstance(error, InputError | OSError):
            raise error
        self._problems[key] = str(error)
        self.failed.emit(key, str(error))
        self._fetch_ahead()


class _SlowWork:
    """What is known in both threads of an image that is being decoded."""

    def __init__(self) -> None:
        self.cancel = CancelToken()
        self.share: float | None = None

    def take_progress(self, share: float) -> None:
        self.share = share


def _name_task(key: str) -> str:
    return f"picture {key}"


def _name_look(key: str) -> str:
    return f"first look at {key}"
