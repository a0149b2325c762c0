"""The cameras of a project: which of its images are read through which depth window.

A camera is told by what its files are (channels, bits of a sample, size of the image) and by where they lie (a folder,
a group). The windows are chosen once and kept: no image is ever scaled by its own values.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.imaging.window import HIGHEST, Window, checked_window

USED_BITS = (10, 12, 14, 16)  # that cameras have
_ROWS = 512  # looked at together: an image of 64 megapixels is not held twice
_CHANNELS = {1: "grey", 3: "colour"}


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """How the samples of an image are stored."""

    channels: int  # 1 or 3
    bits: int  # of a sample in the file: 8 or fewer count as 8

    @property
    def is_deep(self) -> bool:
        """Whether a window decides how it is seen."""
        return self.bits > 8

    def __str__(self) -> str:
        return f"{_CHANNELS[self.channels]}, {self.bits} bits"


@dataclass(frozen=True, slots=True)
class Depth:
    """What is to be known of an image for its scale."""

    width: int  # of the upright image
    height: int
    kind: Kind
    top: int  # highest value that two neighbours reach: a hot pixel alone says nothing; 0 of an image of 8 bits
    notices: tuple[str, ...] = field(
        default=(), compare=False
    )  # what is to be said of its file; known once it was read


@dataclass(frozen=True, slots=True)
class Camera:
    """Some images, by what is not empty here, and the window that all of them are read through."""

    window: Window
    channels: int = 0  # 0: any
    bits: int = 0  # 0: any
    size: tuple[int, int] | None = None  # width and height of the upright image
    folder: str = ""  # names of folders in a row, such as line-2/cam*, anywhere in the path
    group: str = ""

    @property
    def name(self) -> str:
        """The conditions in words."""
        parts = [_CHANNELS.get(self.channels, ""), f"{self.bits} bits" if self.bits else ""]
        parts += [f"{self.size[0]} x {self.size[1]}" if self.size else ""]
        parts += [f"folder {self.folder}" if self.folder else "", f"group {self.group}" if self.group else ""]
        return ", ".join(part for part in parts if part) or "all images above 8 bits"

    @property
    def rank(self) -> tuple[bool, int, bool, bool, bool]:
        """Of the cameras that an image may be of, the one of highest rank counts: what says more of where it was taken."""
        named = len(PurePath(self.folder).parts) if self.folder else 0
        return bool(self.group), named, self.size is not None, bool(self.bits), bool(self.channels)

    def takes_place(self, path: PurePath, group: str) -> bool:
        """Whether an image that lies there, in that group, may be of this camera."""
        return (not self.group or self.group == group) and (not self.folder or _lies_in(path, self.folder))

    def takes_kind(self, kind: Kind, size: tuple[int, int]) -> bool:
        """Whether an image like this may be of this camera."""
        return (
            self.channels in (0, kind.channels)
            and self.bits in (0, kind.bits)
            and (self.size is None or self.size == size)
        )

    def to_json(self) -> dict[str, Any]:
        values: dict[str, Any] = {"window": list(self.window)}
        values |= {one.name: getattr(self, one.name) for one in fields(self)[1:] if getattr(self, one.name)}
        return values | ({"size": list(self.size)} if self.size else {})

    @classmethod
    def from_json(cls, values: object, where: str) -> Self:
        """What `to_json` gave. Raises InputError naming `where`."""
        wrong = InputError(f"{where}: {values!r} is no camera; set it again with 'defectdesk depth'")
        if not isinstance(values, dict) or not values.keys() <= {one.name for one in fields(cls)}:
            raise wrong
        window = checked_window(values.get("window"), where)
        size = values.get("size", [])
        if not isinstance(size, list | tuple) or len(size) not in (0, 2):
            raise wrong
        numbers = [values.get(name, 0) for name in ("channels", "bits")] + list(size)
        texts = [values.get(name, "") for name in ("folder", "group")]
        if window is None or any(type(one) is not int or not 0 <= one <= 2**31 for one in numbers):
            raise wrong
        if not all(isinstance(text, str) for text in texts):
            raise wrong
        return cls(window, numbers[0], numbers[1], (size[0], size[1]) if size else None, texts[0], texts[1])


@dataclass(frozen=True, slots=True)
class Cameras:
    """All cameras of a project, a snapshot or a checkpoint, and the group of the image that is to be read."""

    cameras: tuple[Camera, ...] = ()
    group: str = ""

    @classmethod
    def of_window(cls, window: Window) -> Self:
        """One window for all images above 8 bits."""
        return cls((Camera(window),))

    @property
    def single_window(self) -> Window | None:
        """The window of all images, where there is one."""
        return self.cameras[0].window if self.cameras and self.cameras == (Camera(self.cameras[0].window),) else None

    @property
    def need_groups(self) -> bool:
        return any(camera.group for camera in self.cameras)

    def in_group(self, group: str) -> Cameras:
        """The same for an image of this group."""
        return replace(self, group=group) if self.need_groups else self

    def list_at(self, path: Path | str) -> list[Camera]:
        """Those that an image there may be of, the one that counts first."""
        place = PurePath(path)
        found = [camera for camera in self.cameras if camera.takes_place(place, self.group)]
        return sorted(found, key=lambda camera: camera.rank, reverse=True)

    def find(self, path: Path | str, kind: Kind, size: tuple[int, int]) -> Camera | None:
        """The camera of an image of `size` (width, height, upright); None if there is none."""
        return next((camera for camera in self.list_at(path) if camera.takes_kind(kind, size)), None)

    def key_at(self, path: Path | str) -> str:
        """Equal for two places where equal files give equal pixels."""
        found = [(camera.window, camera.channels, camera.bits, camera.size) for camera in self.list_at(path)]
        return repr(found)

    def to_json(self) -> list[dict[str, Any]]:
        return [camera.to_json() for camera in self.cameras]

    @classmethod
    def from_json(cls, values: object, where: str) -> Self:
        """What `to_json` gave. Raises InputError naming `where`."""
        if not isinstance(values, list):
            raise InputError(f"{where}: {values!r} is no list of cameras; set them again with 'defectdesk depth'")
        return cls(tuple(Camera.from_json(one, where) for one in values))


# Through what an image is read: its project's cameras, one window for every image, or None as before there were
# cameras, when each image above 8 bits was scaled by its own highest value: old runs and checkpoints go on so.
DepthScale = Window | Cameras | None


def name_scale(scale: DepthScale, path: Path | str) -> str:
    """A name for what `scale` makes of an image at `path`, for caches."""
    return scale.key_at(path) if isinstance(scale, Cameras) else str(scale)


def find_top(samples: NDArray[np.uint16]) -> int:
    """The highest value that two neighbours, beside or above each other, reach in one channel.

    Of `samples` (h, w) or (h, w, 3). A single hot pixel does not count, a scratch of one pixel's width does.
    """
    height, width = samples.shape[:2]
    if height * width < 2:
        return int(samples.max())
    top = 0
    for row in range(0, height, _ROWS):
        part = samples[row : row + _ROWS + 1]
        for first, second in ((part[:-1], part[1:]), (part[:, :-1], part[:, 1:])):
            if first.size and int(part.max()) > top:
                top = max(top, int(np.minimum(first, second).max()))
    return top


def choose_window(top: int) -> Window:
    """The range of the camera of fewest bits that reaches `top`."""
    bits = next((bits for bits in USED_BITS if top < 2**bits), USED_BITS[-1])
    return 0, 2**bits - 1


def whole_range() -> Window:
    """What an image is read through whose camera is not known: the same for all of them."""
    return 0, HIGHEST


def _lies_in(path: PurePath, folder: str) -> bool:
    wanted, names = PurePath(folder).parts, path.parts[:-1]
    return any(
        all(map(fnmatchcase, names[at : at + len(wanted)], wanted)) for at in range(len(names) - len(wanted) + 1)
    )
