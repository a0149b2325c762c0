"""Images whose files are gone or hold something else now: telling which, and finding the files again.

A file is the same image only if it has the same content. What merely has the same name is told as such, and is
never taken without the user saying so: boxes must not slip onto another picture.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Literal

from core.imaging.decode import IMAGE_SUFFIXES
from core.project.images import image_files
from core.project.project import Project
from core.threads import count_cores
from core.types import ImageRecord

By = Literal["content", "name and size", "name"]
Progress = Callable[[int, int], None]

_BATCH = 64  # files that are read between two calls of `progress`


@dataclass(frozen=True, slots=True)
class Found:
    """A file that may be the lost one of an image."""

    image_id: int
    path: Path  # absolute
    by: By  # only "content" is certain: by name, the file holds another picture


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    name: str  # as the platform compares names
    size: int


def find_missing(project: Project, ids: Collection[int] | None = None) -> list[int]:
    """The images, of `ids` or all, whose file is not there, in their order. Lists each folder once."""
    records = _list_records(project, ids)
    listings: dict[str, frozenset[str]] = {}
    lost = []
    for record in records:
        folder, name = os.path.split(project.image_path(record))
        if folder not in listings:
            listings[folder] = _names_of_files(folder)
        if os.path.normcase(name) not in listings[folder]:
            lost.append(record.id)
    return lost


def find_changed(project: Project, ids: Collection[int] | None = None, progress: Progress | None = None) -> list[int]:
    """The images, of `ids` or all, whose file holds another content than when it was added; in their order.

    A file of the noted size and time is taken for unchanged; others are read. Missing files are left out.
    `progress(done, total)` counts the files that are read; what it raises ends the search.
    """
    suspects: list[tuple[ImageRecord, Path, int]] = []
    different: set[int] = set()
    records = _list_records(project, ids)
    for record in records:
        path = project.image_path(record)
        try:
            found = path.stat()
        except OSError:
            continue
        if found.st_size != record.size_bytes:
            different.add(record.id)
        elif found.st_mtime_ns != record.modified_ns:
            suspects.append((record, path, found.st_mtime_ns))
    hashes = _hash_files([str(path) for _, path, _ in suspects], progress)
    same: dict[int, int] = {}
    for record, path, modified_ns in suspects:
        content = hashes[str(path)]
        if content == record.content_hash:
            same[record.id] = modified_ns
        elif content is not None:
            different.add(record.id)
    if same and not project.read_only:
        # So that the next time these files need not be read.
        project.files.note_unchanged(same)
    return [record.id for record in records if record.id in different]


def find_moved(
    project: Project, image_ids: Collection[int], folder: Path, progress: Progress | None = None
) -> list[Found]:
    """Files in `folder` and below it that may be the lost ones of the images; at most one for each, none twice.

    Only files of the size of a lost one are read. Of several with the same content, one of the same name is taken,
    then one that lies in folders of the same names. `progress(done, total)` counts the files that are read; what
    it raises ends the search. Give `ProjectFiles.relocate_images` those that are right.
    """
    wanted = _list_records(project, image_ids)
    sizes = {record.size_bytes for record in wanted}
    names = {_name_of(record.path) for record in wanted}
    taken = project.files.ids_by_path()
    lost = {record.id for record in wanted}
    present = [
        file
        for file in _walk_folder(folder)
        if (file.size in sizes or file.name in names) and taken.get(os.path.normcase(file.path), -1) in {-1, *lost}
    ]
    hashes = _hash_files([file.path for file in present if file.size in sizes], progress)
    by_content: dict[str, list[_File]] = {}
    by_name: dict[str, list[_File]] = {}
    for file in present:
        content = hashes.get(file.path)
        if content is not None:
            by_content.setdefault(content, []).append(file)
        by_name.setdefault(file.name, []).append(file)
    return _match_files(wanted, by_content, by_name)


def _match_files(
    wanted: list[ImageRecord], by_content: dict[str, list[_File]], by_name: dict[str, list[_File]]
) -> list[Found]:
    used: set[str] = set()
    found: dict[int, Found] = {}

    def take(record: ImageRecord, files: Iterable[_File], by: By) -> None:
        free = [file for file in files if file.path not in used]
        if record.id not in found and free:
            best = max(free, key=lambda file: (_rate_likeness(record.path, file.path), file.path))
            used.add(best.path)
            found[record.id] = Found(record.id, Path(best.path), by)

    # Certain before uncertain, so that a guess for one image never takes what another is certain of; among equals
    # the names decide, so that copies of one picture keep their places.
    for record in wanted:
        equal = by_content.get(record.content_hash, ())
        take(record, [file for file in equal if file.name == _name_of(record.path)], "content")
    for record in wanted:
        take(record, by_content.get(record.content_hash, ()), "content")
    for record in wanted:
        alike = by_name.get(_name_of(record.path), ())
        take(record, [file for file in alike if file.size == record.size_bytes], "name and size")
    for record in wanted:
        take(record, by_name.get(_name_of(record.path), ()), "name")
    return [found[record.id] for record in wanted if record.id in found]


def _rate_likeness(old: str, new: str) -> int:
    """How many parts of the two paths agree, from the end."""
    count = 0
    for one, other in zip(reversed(PurePath(old).parts), reversed(PurePath(new).parts), strict=False):
        if os.path.normcase(one) != os.path.normcase(other):
            break
        count += 1
    return count


def _list_records(project: Project, ids: Collection[int] | None) -> list[ImageRecord]:
    if ids is None:
        return project.images()
    wanted = frozenset(ids)
    if len(wanted) < _BATCH:
        return [project.image(image_id) for image_id in dict.fromkeys(ids)]
    return [record for record in project.images() if record.id in wanted]


def _name_of(path: str) -> str:
    return os.path.normcase(PurePath(path).name)


def _names_of_files(folder: str) -> frozenset[str]:
    try:
        with os.scandir(folder) as entries:
            # A link may point to nothing.
            return frozenset(os.path.normcase(entry.name) for entry in entries if entry.is_file())
    except OSError:
        return frozenset()


def _walk_folder(folder: Path) -> Iterator[_File]:
    """Image files below `folder`; what cannot be listed holds none that could be used."""
    waiting = [os.fspath(Path(os.path.abspath(folder)))]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.name.startswith(".") or not image_files.is_text(entry.name):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif PurePath(entry.name).suffix.lower() in IMAGE_SUFFIXES and entry.is_file():
                        yield _File(entry.path, os.path.normcase(entry.name), entry.stat().st_size)
        except OSError:
            continue


def _hash_files(paths: list[str], progress: Progress | None) -> dict[str, str | None]:
    """The hash of each file's content; None for one that cannot be read."""
    found: dict[str, str | None] = {}
    with ThreadPoolExecutor(count_cores(), thread_name_prefix="hash") as pool:
        for start in range(0, len(paths), _BATCH):
            part = paths[start : start + _BATCH]
            found |= zip(part, pool.map(_hash_or_none, part), strict=True)
            if progress is not None:
                progress(len(found), len(paths))
    return found


def _hash_or_none(path: str) -> str | None:
    try:
        return image_files.content_hash(Path(path))
    except OSError:
        return None
