"""Decoded images in a folder of files, shared by all runs of a project. It may be deleted or damaged at any time."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.recipe.field_words import describe_change
from core.training.data.tile_file import DamagedTilesError, TileFile, file_bytes, write_tiles

_VERSION = 1  # of how images are decoded and shrunk: raise it to have them made anew
_SUFFIX = ".pixels"
_LEFT_OVER = 3600.0  # seconds after which a temporary file belongs to nobody any more


def entry_name(content: str, size: tuple[int, int], scale: str = "None") -> str:
    """The file of an image with this content hash, at `size` (width, height), through the `scale` of this name."""
    text = f"{_VERSION}\0{content}\0{size}\0{scale}"
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest() + _SUFFIX


class DiskStore:
    """The files in `folder`, at most `limit` bytes. May be used from several threads, and processes.

    Where there is no room, what was not used for longest goes first, but nothing that this run has used: it would be
    needed again in the next epoch.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._lock = threading.Lock()
        self._mine: set[str] = set()
        self._others: list[tuple[float, Path, int]] | None = None  # by time of last use, latest first
        self._used = 0
        self._closed = False
        self._problems: list[str] = []

    def open(self, name: str, size: tuple[int, int]) -> TileFile | None:
        """The image of that name; None if it is not there, or no good, and then it is removed."""
        path = self._path(name)
        try:
            file = TileFile.open(path)
        except DamagedTilesError:
            file = None
            self.drop(path)
        if file is None:
            return None
        if file.size != size:
            self.drop(path)
            return None
        with self._lock:
            self._mine.add(name)
        with suppress(OSError):  # a cache that can only be read is still one
            os.utime(path)
        return file

    def write(self, name: str, image: NDArray[np.uint8]) -> TileFile | None:
        """Keep `image`, (h, w, 3) or grey (h, w), if there is room; None if there is none."""
        path = self._path(name)
        needed = file_bytes(image.shape[1], image.shape[0], 1 if image.ndim == 2 else 3)
        with self._lock:
            if self._closed or not self._has_room(needed):
                return None
            self._used += needed
            self._mine.add(name)
        try:
            write_tiles(path, image)
            return TileFile.open(path)
        except OSError as error:
            self._close(
                f"{self._folder}: images cannot be kept on disk ({error.strerror}), so some are decoded again in "
                f"each epoch; make room, or {describe_change({'limits.disk_cache_mb': 0})}"
            )
        except DamagedTilesError:
            self.drop(path)
        return None

    def drop(self, path: Path) -> None:
        """Remove a file that is no good."""
        with suppress(OSError):
            path.unlink(missing_ok=True)

    def problems(self) -> list[str]:
        """What a person should know, each told once."""
        with self._lock:
            told, self._problems = self._problems, []
        return told

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name

    def _close(self, problem: str) -> None:
        with self._lock:
            if not self._closed:
                self._problems.append(problem)
            self._closed = True

    def _has_room(self, needed: int) -> bool:
        """Make room for `needed` bytes, if that is possible."""
        if needed > self._limit:
            return False
        if self._others is None:
            self._others = self._listed()
            self._used = sum(size for _, _, size in self._others)
        while self._used + needed > self._limit and self._others:
            _, path, size = self._others.pop()
            if path.name in self._mine:
                continue
            self.drop(path)
            self._used -= size
        return self._used + needed <= self._limit

    def _listed(self) -> list[tuple[float, Path, int]]:
        """All files, the one used last first. What killed processes left behind is removed."""
        found = []
        for path in self._folder.glob("*/*"):
            with suppress(OSError):  # another process has just removed it
                stat = path.stat()
                if path.name.startswith("."):
                    if time.time() - stat.st_mtime > _LEFT_OVER:
                        self.drop(path)
                elif path.suffix == _SUFFIX:
                    found.append((stat.st_mtime, path, stat.st_size))
        return sorted(found, reverse=True)
