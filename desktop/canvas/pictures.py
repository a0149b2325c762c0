"""Whole images for the canvas, decoded in the background, with their neighbours fetched ahead."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.errors import InputError
from core.imaging.decode import decode
from core.types import ImageRecord
from desktop.canvas.pyramid import Pyramid, make_pyramid
from desktop.tasks import Tasks

KEPT_BYTES = 768 * 1024 * 1024
AHEAD_BYTES = KEPT_BYTES // 2  # of neighbours, so that fetching them never drops the image being looked at
BYTES_PER_PIXEL = 16 / 3  # of a Pyramid: four bytes, and a third more for the halvings


def worth_fetching(records: Sequence[ImageRecord]) -> list[ImageRecord]:
    """The first of `records` that fit in memory together."""
    fitting, total = [], 0.0
    for record in records:
        total += record.width * record.height * BYTES_PER_PIXEL
        if total > AHEAD_BYTES:
            break
        fitting.append(record)
    return fitting


class PictureLoader(QObject):
    """Keeps decoded images within a limit of memory; the one asked for last is decoded first."""

    ready = Signal(str)  # path; `get` has it now
    failed = Signal(str, str)  # path, why

    def __init__(self, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._pictures: OrderedDict[str, Pyramid] = OrderedDict()
        self._problems: dict[str, str] = {}
        self._under_way: set[str] = set()

    def get(self, path: Path) -> Pyramid | None:
        """The picture, if it is in memory."""
        key = str(path)
        if key in self._pictures:
            self._pictures.move_to_end(key)
        return self._pictures.get(key)

    def problem(self, path: Path) -> str | None:
        """Why the file cannot be shown, if that is known."""
        return self._problems.get(str(path))

    def want(self, path: Path | None, ahead: Sequence[Path] = ()) -> None:
        """Fetch `path` now and `ahead` after it; what was wanted before and has not begun is dropped."""
        wanted = [str(item) for item in ((path, *ahead) if path is not None else ahead)]
        for key in self._under_way - set(wanted):
            self._tasks.cancel(_task(key))
        self._under_way &= set(wanted)
        for rank, key in enumerate(wanted):
            if key not in self._pictures and key not in self._problems and key not in self._under_way:
                self._under_way.add(key)
                self._tasks.run(
                    _task(key),
                    partial(_load, Path(key)),
                    partial(self._keep, key),
                    partial(self._give_up, key),
                    priority=10 - rank,
                )

    def forget(self) -> None:
        """Drop everything, for another project."""
        self.want(None)
        self._pictures.clear()
        self._problems.clear()

    def _keep(self, key: str, picture: Pyramid) -> None:
        self._under_way.discard(key)
        self._pictures[key] = picture
        total = sum(kept.bytes for kept in self._pictures.values())
        # The newest stays however large it is.
        while total > KEPT_BYTES and len(self._pictures) > 1:
            total -= self._pictures.popitem(last=False)[1].bytes
        self.ready.emit(key)

    def _give_up(self, key: str, error: Exception) -> None:
        self._under_way.discard(key)
        if not isinstance(error, InputError | OSError):
            raise error
        self._problems[key] = str(error)
        self.failed.emit(key, str(error))


def _load(path: Path) -> Pyramid:
    return make_pyramid(decode(path))


def _task(key: str) -> str:
    return f"picture {key}"
