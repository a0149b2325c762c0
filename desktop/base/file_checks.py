"""What can be said of the images' files from listings of their folders. Runs in threads; knows no window."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from core.imaging.decode import IMAGE_SUFFIXES
from core.project.images import image_files
from core.types import ImageRecord

# A folder that was changed this recently may change again within the same tick of its clock (2 s on FAT).
_SETTLED_AFTER_NS = 3_000_000_000


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder that images of the project lie in."""

    path: str  # absolute
    ids: Mapping[str, int]  # image id by the file's name, as the platform compares names


@dataclass(frozen=True, slots=True)
class Listing:
    """What was found in a folder."""

    stamp: int  # the folder's time of change in ns; 0 where there is no such folder
    settled: bool  # False: the same stamp does not yet mean the same content
    missing: frozenset[int]  # ids of the images whose file is not there
    strangers: tuple[Path, ...]  # image files that the project does not refer to
    new: tuple[Path, ...]  # those of them that came later than was asked for


def folders_of(images: Iterable[ImageRecord], project_folder: Path) -> dict[str, Folder]:
    """The folders of the images by their paths."""
    found: dict[str, dict[str, int]] = {}
    for image in images:
        place, _, name = image.path.rpartition("/")
        found.setdefault(place, {})[os.path.normcase(name)] = image.id
    folders: dict[str, Folder] = {}
    for place, ids in found.items():
        path = str(image_files.absolute_path(project_folder, place or ("." if not place.startswith("/") else "/")))
        folders[path] = Folder(path, {**folders[path].ids, **ids} if path in folders else ids)
    return folders


def list_folder(folder: Folder, since_ns: int | None = None) -> Listing:
    """Look into a folder. With `since_ns` only files that came there later than this time (since 1970) are new."""
    try:
        stamp = Path(folder.path).stat().st_mtime_ns
        with os.scandir(folder.path) as entries:
            # A link may point to nothing.
            names = [entry.name for entry in entries if not entry.is_symlink() or entry.is_file()]
    except OSError:
        return Listing(0, True, frozenset(folder.ids.values()), (), ())
    present = set(map(os.path.normcase, names))
    missing = frozenset(image_id for name, image_id in folder.ids.items() if name not in present)
    strangers = tuple(Path(folder.path, name) for name in names if _is_candidate(name, folder.ids))
    new = tuple(file for file in strangers if since_ns is None or _came_after(file, since_ns))
    return Listing(stamp, time.time_ns() - stamp > _SETTLED_AFTER_NS, missing, strangers, new)


def stamp_of(path: str) -> int:
    """The time of a folder's last change in ns; 0 where there is no such folder."""
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return 0


def _is_candidate(name: str, ids: Mapping[str, int]) -> bool:
    return (
        PurePath(name).suffix.lower() in IMAGE_SUFFIXES
        and not name.startswith(".")
        and os.path.normcase(name) not in ids
        and image_files.is_text(name)
    )


def _came_after(file: Path, since_ns: int) -> bool:
    try:
        # A copied file keeps its time of change; the time of its entry is that of the copying.
        return file.stat().st_ctime_ns > since_ns
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What a look at sizes and times of files says."""

    changed: frozenset[int]  # of another size: surely not the file that was labelled
    touched: tuple[int, ...]  # written since they were read last: only their content can tell


def look_over(images: Collection[tuple[ImageRecord, Path]]) -> Suspicion:
    """Compare sizes and times of files with what the project noted. Files that are gone are passed over."""
    changed, touched = [], []
    for image, path in images:
        try:
            found = path.stat()
        except OSError:
            continue
        if image.size_bytes and found.st_size != image.size_bytes:
            changed.append(image.id)
        # Projects of older versions noted no times: what they refer to is read when it is looked at, not all at once.
        elif image.modified_ns and found.st_mtime_ns != image.modified_ns:
            touched.append(image.id)
    return Suspicion(frozenset(changed), tuple(touched))
