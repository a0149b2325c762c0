"""Images as training sees them, decoded once: in memory as long as they fit, then on disk, at the size that is needed.

Which images are kept where changes the speed, never the pixels nor their order: of an image for which there is no room,
each crop decodes it, for to show its crops one after the other would fill a batch with one image. The memory keeps what
came first and never changes its mind: an epoch goes through all images, so forgetting the oldest would forget each one
just before it is needed.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.augmentation.pixels import Pixels, mean_color
from core.augmentation.warp import resize
from core.imaging.cameras import Cameras, DepthScale, name_scale
from core.imaging.decode import ImageError, as_rgb, picture_of, read_bytes
from core.project.images.image_files import hash_of
from core.project.snapshot import SnapshotImage
from core.project.snapshot_files import read_content
from core.recipe.recipe import Recipe
from core.training.data.disk_store import DiskStore, entry_name
from core.training.data.tile_file import DamagedTilesError, TileFile, as_three

Image = NDArray[np.uint8]
Size = tuple[int, int]

# What was shrunk by this much is kept on disk, too: reading it takes a small part of the time of decoding the image, so
# the next run on the same images starts without decoding.
_WORTH_KEEPING = 4
_LOCKS = 64
# Where a container's limit is told (version 2 of control groups, then version 1).
_CONTAINER_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


class ImageCache:
    """Decoded images of one run. May be used from several threads."""

    def __init__(
        self,
        limit_bytes: int | None = None,
        window: DepthScale = None,
        folder: Path | None = None,
        disk_bytes: int = 0,
    ) -> None:
        """`limit_bytes` of memory, by default a quarter of it; `disk_bytes` in `folder`, shared by all runs.

        `window`: through which images above 8 bits are read.
        """
        self._window = window
        self.limit_bytes = physical_memory() // 4 if limit_bytes is None else limit_bytes
        self._disk = DiskStore(folder, disk_bytes) if folder is not None and disk_bytes else None
        self.disk_bytes = disk_bytes if self._disk else 0
        self.decoded = 0  # images decoded so far, one each time
        self._used = 0
        self._kept: dict[tuple[str, Size | None], Pixels] = {}
        self._count = threading.Lock()
        # One thread decodes an image; the others that want it wait for it.
        self._locks = [threading.Lock() for _ in range(_LOCKS)]

    @classmethod
    def for_run(cls, recipe: Recipe, window: DepthScale, run_folder: Path, processes: int = 1) -> ImageCache:
        """The cache of a run in `run_folder`, one of `processes` on this machine.

        The disk is used only in a project, in its folder cache/training.
        """
        limits = recipe.limits
        memory = limits.ram_cache_mb * 2**20 or physical_memory() // 4
        project = run_folder.absolute().parent.parent
        folder = project / "cache" / "training" if (project / "project.sqlite").is_file() else None
        return cls(memory // processes, window, folder, limits.disk_cache_mb * 2**20)

    def pixels(self, record: SnapshotImage, size: Size | None = None) -> Pixels:
        """The image, shrunk to `size` (width, height) unless that is its own.

        Raises ImageError if it cannot be read, or is not of the size that the snapshot knows.
        """
        if size == (record.width, record.height):
            size = None
        return self._pixels((record.path, size), record)

    def whole(self, record: SnapshotImage, size: Size | None = None) -> Image:
        """All of the image (h, w, 3), stretched to `size` (width, height) if that is given, as the network sees it.

        Raises ImageError as `pixels` does.
        """
        if size is None or size[0] * size[1] >= record.width * record.height:
            own = _read_whole(self.pixels(record))
            return own if size is None else resize(own, size)
        return _read_whole(self.pixels(record, size))

    def problems(self) -> list[str]:
        """What a person should know, each told once."""
        return self._disk.problems() if self._disk else []

    def _pixels(self, key: tuple[str, Size | None], record: SnapshotImage) -> Pixels:
        kept = self._kept.get(key)
        if kept is not None:
            return kept
        with self._locks[hash(key) % _LOCKS]:
            kept = self._kept.get(key)
            if kept is None:
                kept = self._found(key, record) or self._decoded(key, record)
            return kept

    def _found(self, key: tuple[str, Size | None], record: SnapshotImage) -> Pixels | None:
        """The image from the disk, where it is there."""
        if self._disk is None:
            return None
        size = key[1] or (record.width, record.height)
        file = self._disk.open(entry_name(_find_content(record), size, self._name_scale(record)), size)
        if file is None:
            return None
        if file.bytes <= self.limit_bytes - self._used:
            try:
                image = file.stored(0, 0, *size)
            except DamagedTilesError:
                self._disk.drop(file.path)
                return None
            if self._fits(image):
                return self._keep(key, _InMemory.of(image))
        return self._keep(key, _OnDisk(self, key, record, file))

    def _decoded(self, key: tuple[str, Size | None], record: SnapshotImage) -> Pixels:
        """The image from its own file, kept where there is room."""
        image, content, own = self._decode(key, record)
        found = _InMemory.of(image)
        fits = self._fits(image)
        if fits:
            self._keep(key, found)
        shrunk = own[0] * own[1] >= _WORTH_KEEPING * image.shape[0] * image.shape[1]
        if self._disk is not None and (shrunk or not fits):
            size = found.size
            # By what was read: a file that has changed since the snapshot is not taken for what it was.
            file = self._disk.write(entry_name(content, size, self._name_scale(record)), image)
            if file is not None and not fits:
                self._keep(key, _OnDisk(self, key, record, file))
        return found

    def _decode(self, key: tuple[str, Size | None], record: SnapshotImage) -> tuple[Image, str, Size]:
        """Pixels (h, w, 3), or (h, w) of a grey file, at the wanted size; the content's hash; the file's own size."""
        path, size = key
        data = read_bytes(path)
        image = picture_of(data, path, window=self._scale_of(record)).pixels
        with self._count:
            self.decoded += 1
        own = image.shape[1], image.shape[0]
        if own != (record.width, record.height):
            raise ImageError(
                f"{path}: it is {own[0]} x {own[1]} pixels now and was {record.width} x {record.height} when its boxes "
                "were drawn; bring the old file back, or draw its boxes anew"
            )
        if size is not None:
            image = resize(image, size)
        content = hash_of(data)
        _check_content(record, content)
        return image, content, own

    def _scale_of(self, record: SnapshotImage) -> DepthScale:
        return self._window.in_group(record.group) if isinstance(self._window, Cameras) else self._window

    def _name_scale(self, record: SnapshotImage) -> str:
        return name_scale(self._scale_of(record), record.path)

    def again(self, damaged: _OnDisk) -> Pixels:
        """The image whose file on disk turned out damaged or gone, made anew."""
        assert self._disk is not None
        key = damaged.key
        with self._locks[hash(key) % _LOCKS]:
            kept = self._kept.get(key, damaged)
            if kept is not damaged:
                return kept  # another thread was first
            self._disk.drop(damaged.file.path)
            self._kept.pop(key, None)
            return self._decoded(key, damaged.record)

    def _fits(self, image: Image) -> bool:
        """Whether there is room in memory, which is then taken."""
        with self._count:
            if self._used + image.nbytes > self.limit_bytes:
                return False
            self._used += image.nbytes
            return True

    def _keep(self, key: tuple[str, Size | None], pixels: Pixels) -> Pixels:
        self._kept[key] = pixels
        return pixels


@dataclass(frozen=True, slots=True, eq=False)
class _InMemory:
    """An image (h, w, 3), or grey (h, w) at a third of the memory."""

    image: Image
    mean: Image

    @classmethod
    def of(cls, image: Image) -> _InMemory:
        return cls(image, mean_color(as_three(image)))

    @property
    def size(self) -> Size:
        return self.image.shape[1], self.image.shape[0]

    def part(self, left: int, top: int, right: int, bottom: int) -> Image:
        return as_rgb(self.image[top:bottom, left:right])

    def mean_color(self) -> Image:
        return self.mean


@dataclass(slots=True, eq=False)
class _OnDisk:
    """An image in a file of the cache, which may be damaged or deleted at any time."""

    cache: ImageCache
    key: tuple[str, Size | None]
    record: SnapshotImage
    file: TileFile

    @property
    def size(self) -> Size:
        return self.file.size

    def part(self, left: int, top: int, right: int, bottom: int) -> Image:
        try:
            return self.file.part(left, top, right, bottom)
        except DamagedTilesError:
            return self.cache.again(self).part(left, top, right, bottom)

    def mean_color(self) -> Image:
        return self.file.mean_color()


def _find_content(record: SnapshotImage) -> str:
    """The hash of what the file of `record` holds now, or held last. Raises ImageError if that is not what was labelled."""
    try:
        content = read_content(record)
    except FileNotFoundError:
        return record.content_hash  # what is kept of it was made from the very file
    except OSError as error:
        raise ImageError(f"{record.path}: cannot be read ({error.strerror})") from error
    _check_content(record, content)
    return content


def _check_content(record: SnapshotImage, content: str) -> None:
    if record.size_bytes and content != record.content_hash:
        raise ImageError(
            f"{record.path}: it holds another picture than when its boxes were drawn; bring the old file back, or let the "
            "project take the new one over and start a new run"
        )


def _read_whole(pixels: Pixels) -> Image:
    return pixels.part(0, 0, *pixels.size)


def physical_memory() -> int:
    """Bytes of memory that this process may use: the machine's or its container's; 8 GiB where the system does not say."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 8 * 2**30
    for name in _CONTAINER_LIMITS:
        try:
            memory = min(memory, int(Path(name).read_text(encoding="ascii")))
        except (OSError, ValueError):
            continue  # no such limit
    return memory
