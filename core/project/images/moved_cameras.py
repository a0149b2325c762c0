"""Cameras that are told by folders, kept where images come into other folders.

What an image looks like must not change because its file lies elsewhere: a camera for the new folder is added, with
the window that the images had.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from core.counting import format_count
from core.errors import InputError
from core.imaging.cameras import Camera, Cameras, Depth
from core.imaging.window import Window
from core.types import ImageRecord


class OtherScaleError(InputError):
    """Images would be seen through another depth scale than before."""


@dataclass(frozen=True, slots=True)
class PlacedImage:
    """An image, where it lies before and after a move, and what its file is; None where nobody looked at that yet."""

    path: str  # as the project names it, before
    before: Path
    after: Path
    group: str
    depth: Depth | None


@dataclass(frozen=True, slots=True)
class KeptCameras:
    """What a move makes of the cameras."""

    cameras: Cameras
    added: tuple[tuple[Camera, int], ...] = ()  # new cameras, each with how many images it keeps as they were
    lost: tuple[PlacedImage, ...] = ()  # images that would be seen through another window all the same


@dataclass(slots=True)
class _Class:
    """Images that every camera takes alike, before and after."""

    first: PlacedImage
    images: list[PlacedImage] = field(default_factory=list)

    def find_camera(self, cameras: Cameras, path: Path) -> Camera | None:
        depth = self.first.depth
        if depth is None:
            return next(iter(cameras.in_group(self.first.group).list_at(path)), None)
        return cameras.in_group(self.first.group).find(path, depth.kind, (depth.width, depth.height))

    def look(self, cameras: Cameras, path: Path) -> Window | str | None:
        """Equal where the images are seen alike."""
        if self.first.depth is None:
            return cameras.in_group(self.first.group).key_at(path)
        camera = self.find_camera(cameras, path)
        return None if camera is None else camera.window


def keep_cameras(cameras: Cameras, images: Sequence[PlacedImage]) -> KeptCameras:
    """Cameras by which images that come into other folders are seen as before. `images` are all that may be deep."""
    if not any(camera.folder for camera in cameras.cameras):
        return KeptCameras(cameras)
    classes = _sort_images(images)
    wanted = [one.look(cameras, one.first.before) for one in classes]

    def list_lost(tried: Cameras) -> set[int]:
        return {at for at, one in enumerate(classes) if one.look(tried, one.first.after) != wanted[at]}

    added: list[tuple[Camera, int]] = []
    kept, lost = cameras, list_lost(cameras)
    for at in sorted(lost):
        camera = classes[at].find_camera(cameras, classes[at].first.before)
        if at not in lost or camera is None:
            continue
        for folder in _list_tails(classes[at].first.after.parent):
            new = replace(camera, folder=folder)
            tried = replace(kept, cameras=(new, *(one for one in kept.cameras if one != new)))
            still = list_lost(tried)
            # Where they lay before they must look as they did, too: undo brings them back there.
            goes_back = all(one.look(tried, one.first.before) == wanted[at] for at, one in enumerate(classes))
            if at not in still and still < lost and goes_back:
                added.append((new, sum(len(classes[one].images) for one in lost - still)))
                kept, lost = tried, still
                break
    return KeptCameras(kept, tuple(added), tuple(image for at in sorted(lost) for image in classes[at].images))


def describe_kept(kept: KeptCameras) -> list[str]:
    """What to say of the cameras that were added."""
    return [
        f"{format_count(count, 'image')} in folder {camera.folder} now: the depth scale from {camera.window[0]:,} to "
        f"{camera.window[1]:,} that {'it' if count == 1 else 'they'} had is kept for that folder"
        for camera, count in kept.added
    ]


def describe_lost(kept: KeptCameras) -> str:
    """What to say of the images that would be seen otherwise; empty where there are none."""
    if not kept.lost:
        return ""
    images = format_count(len(kept.lost), "image")
    return (
        f"{kept.lost[0].path}: in {kept.lost[0].after.parent} the depth scale of {images} is another one than before, as "
        "images of several cameras lie there together"
    )


def describe_regrouped(
    before: Mapping[int, Window | None], after: Mapping[int, Window | None], images: Iterable[ImageRecord]
) -> list[str]:
    """What to say of images, by id, that another group lets be read through another window; one text, or none."""
    changed = [image for image in images if before.get(image.id) != after.get(image.id)]
    if not changed:
        return []
    first = changed[0]
    name = first.path.rsplit("/", 1)[-1]
    return [
        f"{format_count(len(changed), 'image')} of a camera that is told by its group: the depth scale is another one now, such as "
        f"{_name_window(after.get(first.id))} instead of {_name_window(before.get(first.id))} for {name}. "
        "'defectdesk depth' and the project's properties list the cameras."
    ]


def _name_window(window: Window | None) -> str:
    return "the whole range" if window is None else f"{window[0]:,} to {window[1]:,}"


def _sort_images(images: Sequence[PlacedImage]) -> list[_Class]:
    classes: dict[tuple[object, ...], _Class] = {}
    for image in images:
        depth = image.depth
        seen = None if depth is None else (depth.kind, depth.width, depth.height)
        key = (image.before.parent, image.after.parent, image.group, seen)
        classes.setdefault(key, _Class(image)).images.append(image)
    return list(classes.values())


def _list_tails(folder: PurePath) -> list[str]:
    """The last folder name, the last two, and so on: the fewest that tell the folder are enough."""
    names = [re.sub(r"([*?[])", r"[\1]", name) for name in folder.parts if name != folder.anchor]
    return ["/".join(names[-count:]) for count in range(1, len(names) + 1)]
