"""The cameras of a project: decided once from its images, then kept, and what was decided is said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath

from core.counting import format_count
from core.errors import InputError, StorageError
from core.imaging.cameras import Camera, Cameras, Depth, Kind, choose_window
from core.imaging.decode import examine, read_bytes
from core.imaging.window import Window
from core.project.edits.edit import ImageFile
from core.project.images import image_files
from core.project.images.moved_cameras import OtherScaleError, PlacedImage, describe_kept, describe_lost, keep_cameras
from core.project.parts.project_cache import ProjectCache
from core.project.parts.project_database import ProjectDatabase
from core.project.records import CAMERAS, CameraImages
from core.threads import count_cores
from core.types import ImageRecord

SAMPLE = 16  # files of a kind that an older project's scale is decided from
# Files of other suffixes have 8 bits. The ones of one row are sampled together.
_DEEP_SUFFIXES = ((".png",), (".tif", ".tiff"))
_MOST_FOLDERS = 6  # named in a notice


class ProjectDepths:
    """The cameras of an open project: `project.depths`."""

    def __init__(self, database: ProjectDatabase, cache: ProjectCache) -> None:
        self._database = database
        self._cache = cache
        self._decided: Cameras | None = None  # of a project that cannot be written
        self._notices: list[str] = []

    @property
    def is_settled(self) -> bool:
        """Whether cameras were ever decided on; otherwise `settle` does."""
        return self._kept() is not None

    def cameras(self) -> Cameras:
        """Those that were decided on. Raises InputError if what is kept there is none."""
        return self._kept() or Cameras()

    def set_cameras(self, cameras: Cameras) -> None:
        """Keep these; runs and checkpoints keep those that they were made with."""
        with self._database.writing() as store:
            store.set_setting(CAMERAS, cameras.to_json())

    def take_notices(self) -> list[str]:
        """What was decided or found since this was last called."""
        told, self._notices = self._notices, []
        return told

    def settle(self, without: Collection[int] = ()) -> Cameras:
        """The project's cameras, decided from a sample of its files if they never were; a notice says so then.

        A project from before cameras has its scale from now on; which files are looked at depends on their contents alone.
        Images `without` take no part: they are being added.
        """
        kept = self._kept()
        if kept is not None:
            return kept
        known = self.list_depths()
        with self._database.lock:
            images = [image for image in self._cache.listed_images() if image.id not in without]
        found = self.examine_files(_choose_sample(images, known))
        cameras, notices = self._complete(Cameras(), images, known | found)
        if images:
            self._keep(cameras, found)
            self._notices += notices
        return cameras

    def take_in(self, images: Sequence[ImageRecord], depths: Mapping[str, Depth]) -> None:
        """Follow the addition of `images`; `depths` by the hash of their content.

        A camera is added for a kind of image that none is there for, never changed: what exceeds one is said.
        """
        cameras = self.settle({image.id for image in images})
        more, notices = self._complete(cameras, images, depths)
        notices += [
            f"{format_count(one.above, 'image')} of the new ones {'has' if one.above == 1 else 'have'} values above "
            f"{one.camera.window[1]:,}, which the depth scale of {one.camera.name} shows as white, such as "
            f"{one.images[0].path}; if that is wrong, set it with 'defectdesk depth' or in the project's properties"
            for one in self._sort(cameras, images, depths)
            if one.camera is not None and one.above
        ]
        self._keep(more, depths)
        self._notices += notices

    def follow_moves(self, after: Mapping[int, ImageFile], found: Mapping[str, Depth], *, other_scale: bool) -> None:
        """Let images that will refer to the files `after`, by id, be seen as before; `found` by the hash of their content.

        A camera for the new folder is added where that is needed, and said. Raises OtherScaleError, with nothing changed,
        if it does not help; with `other_scale` that is said only.
        """
        kept = self._kept()
        if kept is None:
            return
        depths = {**self.list_depths(), **found}
        with self._database.lock:
            images = self._cache.listed_images()
        placed = []
        for image in images:
            file = after.get(image.id)
            depth = depths.get(file.content_hash if file is not None else image.content_hash)
            if depth.kind.is_deep if depth is not None else _may_be_deep(image):
                path = image_files.absolute_path(self._database.folder, image.path if file is None else file.path)
                placed.append(PlacedImage(image.path, self._path(image), path, image.group, depth))
        moved = keep_cameras(kept, placed)
        lost = describe_lost(moved)
        if lost and not other_scale:
            raise OtherScaleError(
                f"{lost}; nothing was changed: put those of each camera into a folder of their own, or say that the other "
                "scale is meant"
            )
        if moved.added:
            self.set_cameras(moved.cameras)
        self._notices += [*describe_kept(moved), *([lost] if lost else [])]

    def list_windows(self) -> dict[int, Window | None]:
        """The window that each image above 8 bits is read through, by id, as far as these were looked at."""
        return {
            image.id: one.camera.window if one.camera is not None else None
            for one in self.list_cameras()
            for image in one.images
        }

    def list_depths(self) -> dict[str, Depth]:
        """What is known of contents, by their hash."""
        with self._database.reading() as store:
            return store.depths.list_depths()

    def list_cameras(self) -> list[CameraImages]:
        """Each camera with its images, as far as these were looked at, and the images above 8 bits of none."""
        return self.list_cameras_of(self.cameras())

    def list_cameras_of(self, cameras: Cameras) -> list[CameraImages]:
        """The same for other cameras than those that are kept."""
        with self._database.lock:
            images = self._cache.listed_images()
        return self._sort(cameras, images, self.list_depths(), every=True)

    def count_unseen(self) -> int:
        """Images that may have more than 8 bits and were not looked at."""
        known = self.list_depths()
        with self._database.lock:
            return sum(one.content_hash not in known and _may_be_deep(one) for one in self._cache.images.values())

    def examine_all(self) -> int:
        """Look at every file that was not looked at yet and may have more than 8 bits; how many were read."""
        with self._database.lock:
            images = self._cache.listed_images()
        known = self.list_depths()
        found = self.examine_files([one for one in images if one.content_hash not in known and _may_be_deep(one)])
        with self._database.writing() as store:
            store.depths.keep_depths(found)
        return len(found)

    def bits_seen(self) -> tuple[int, ...]:
        """Bits of a sample that images of the project have, as far as these were looked at."""
        known = self.list_depths()
        with self._database.lock:
            hashes = {image.content_hash for image in self._cache.images.values()}
        return tuple(sorted({depth.kind.bits for name, depth in known.items() if name in hashes}))

    def _kept(self) -> Cameras | None:
        with self._database.reading() as store:
            values = store.setting(CAMERAS)
        if values is None:
            return self._decided
        return Cameras.from_json(values, f"{self._database.folder}: {CAMERAS}")

    def _keep(self, cameras: Cameras, depths: Mapping[str, Depth]) -> None:
        self._decided = cameras
        if self._database.read_only:
            return
        # A full disk: the same is decided again when there is room.
        with suppress(StorageError), self._database.writing() as store:
            store.depths.keep_depths(depths)
            store.set_setting(CAMERAS, cameras.to_json())

    def _path(self, image: ImageRecord) -> Path:
        return image_files.absolute_path(self._database.folder, image.path)

    def examine_files(self, images: Sequence[ImageRecord]) -> dict[str, Depth]:
        """Read the files of images; what is found by the hash of their content. Those that cannot be read are left out."""

        def look(image: ImageRecord) -> Depth | None:
            try:
                path = self._path(image)
                return examine(read_bytes(path), path)
            except InputError:
                return None  # said where it is used

        with ThreadPoolExecutor(count_cores(), thread_name_prefix="depth") as pool:
            found = zip(images, pool.map(look, images), strict=True)
            return {image.content_hash: depth for image, depth in found if depth is not None}

    def _complete(
        self, cameras: Cameras, images: Sequence[ImageRecord], depths: Mapping[str, Depth]
    ) -> tuple[Cameras, list[str]]:
        """With a camera for each kind of image that has none, and what was decided."""
        tops: dict[Kind, dict[str, int]] = defaultdict(dict)
        for one in self._sort(cameras, images, depths):
            if one.camera is None:
                for image in one.images:
                    depth = depths[image.content_hash]
                    tops[depth.kind][image.path] = depth.top
        notices = []
        for kind, by_path in sorted(tops.items()):
            top = max(by_path.values())
            camera = Camera(choose_window(top), kind.channels, kind.bits)
            cameras = replace(cameras, cameras=(*cameras.cameras, camera))
            notices.append(
                f"depth scale of {camera.name}: 0 to {camera.window[1]:,} from black to white, as {format_count(len(by_path), 'image')} "
                f"looked at {'reaches' if len(by_path) == 1 else 'reach'} {top:,}; it is used in the window, training and "
                "prediction, and changed with 'defectdesk depth' or in the project's properties"
            )
            notices += _advise_folders(by_path)
        return cameras, notices

    def _sort(
        self, cameras: Cameras, images: Iterable[ImageRecord], depths: Mapping[str, Depth], *, every: bool = False
    ) -> list[CameraImages]:
        """The images above 8 bits by camera, in the order of the cameras; with `every` also those without an image.

        The first image of each is one with values above the window, if there is one.
        """
        found: dict[Camera | None, list[ImageRecord]] = {camera: [] for camera in cameras.cameras} if every else {}
        for image in images:
            depth = depths.get(image.content_hash)
            if depth is not None and depth.kind.is_deep:
                size = (depth.width, depth.height)
                camera = cameras.in_group(image.group).find(self._path(image), depth.kind, size)
                found.setdefault(camera, []).append(image)
        result = []
        for camera, own in found.items():
            above = [one for one in own if camera is not None and depths[one.content_hash].top > camera.window[1]]
            if above:
                own = [above[0], *(one for one in own if one is not above[0])]
            top = max((depths[one.content_hash].top for one in own), default=0)
            result.append(CameraImages(camera, tuple(own), top, len(above)))
        return result


def _may_be_deep(image: ImageRecord) -> bool:
    return image.path.lower().endswith(tuple(suffix for row in _DEEP_SUFFIXES for suffix in row))


def _choose_sample(images: Iterable[ImageRecord], known: Mapping[str, Depth]) -> list[ImageRecord]:
    """A few images of each kind of file that may be deep, by their contents: neither order nor place changes them."""
    unknown = sorted(
        {
            image.content_hash: image for image in images if image.content_hash not in known and _may_be_deep(image)
        }.items()
    )
    sample = []
    for suffixes in _DEEP_SUFFIXES:
        sample += [image for _, image in unknown if image.path.lower().endswith(suffixes)][:SAMPLE]
    return sample


def _advise_folders(tops: Mapping[str, int]) -> list[str]:
    """What to say where folders fill different numbers of bits: they may be two cameras, or light and dark parts."""
    highest: dict[str, int] = {}
    for path, top in tops.items():
        folder = str(PurePosixPath(path).parent)
        highest[folder] = max(highest.get(folder, 0), top)
    bits = {folder: choose_window(top)[1].bit_length() for folder, top in highest.items()}
    if len(set(bits.values())) < 2:
        return []
    named = ", ".join(f"{folder} {used}" for folder, used in list(bits.items())[:_MOST_FOLDERS])
    return [
        f"folders use different numbers of bits ({named}): if they are of two cameras, give each its own scale with "
        "'defectdesk depth DIR --by folder'"
    ]
