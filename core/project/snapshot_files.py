"""Whether the files of a snapshot hold the pictures that their boxes were drawn on.

A picture that was replaced by another one would be trained and judged by boxes that are not its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from core.errors import InputError
from core.imaging.decode import image_size
from core.project.images.image_files import content_hash
from core.project.snapshot import Snapshot
from core.threads import count_cores


class NotedFile(Protocol):
    """What was noted of a file when its boxes were drawn, such as a SnapshotImage."""

    @property
    def path(self) -> str: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def content_hash(self) -> str: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def modified_ns(self) -> int: ...


def find_unfit(snapshot: Snapshot) -> dict[str, str]:
    """What is wrong with the files of images that can be trained or judged on, by path.

    A file of the noted size and time is taken for unchanged; others are read.
    """
    wanted = [image for image in snapshot.images if image.is_trainable]
    with ThreadPoolExecutor(count_cores(), thread_name_prefix="check") as pool:
        faults = pool.map(find_fault, wanted)
        return {image.path: fault for image, fault in zip(wanted, faults, strict=True) if fault}


def find_changes(images: Iterable[NotedFile]) -> list[str | None]:
    """What each file holds instead of what its boxes were drawn on, with the mend; None if it holds that, or is gone."""
    with ThreadPoolExecutor(count_cores(), thread_name_prefix="check") as pool:
        return list(pool.map(_find_change, images))


def find_fault(image: NotedFile) -> str | None:
    """What is wrong with the file of `image`, with the mend; None if it is the one that its boxes were drawn on."""
    try:
        return _describe_change(image)
    except FileNotFoundError:
        return "there is no such file any more"
    except OSError as error:
        return f"it cannot be read ({error.strerror})"


def _find_change(image: NotedFile) -> str | None:
    try:
        return _describe_change(image)
    except OSError:
        return None


def _describe_change(image: NotedFile) -> str | None:
    """What the file holds instead, with the mend; None if it holds what it did. Raises OSError if it cannot be read."""
    if not image.content_hash or read_content(image) == image.content_hash:
        return None
    try:
        size = image_size(image.path)
    except InputError as error:
        return str(error).removeprefix(f"{image.path}: ")
    stated = (image.width, image.height)
    if size != stated:
        return f"it is {size[0]} x {size[1]} now, its boxes were drawn on {stated[0]} x {stated[1]}"
    return "it holds another picture than when it was added; bring the old file back, or let the project take the new one over"


def read_content(image: NotedFile) -> str:
    """The hash of what the file of `image` holds now; it is read unless its size and time are those noted. Raises OSError."""
    path = Path(image.path)
    if image.size_bytes:
        found = path.stat()
        if (found.st_size, found.st_mtime_ns) == (image.size_bytes, image.modified_ns):
            return image.content_hash
    return content_hash(path)


def leave_out(snapshot: Snapshot, faults: Mapping[str, str]) -> Snapshot:
    """The snapshot without the images at these paths; its hash stays that of the whole."""
    images = tuple(image for image in snapshot.images if image.path not in faults)
    return replace(snapshot, images=images) if faults else snapshot


def describe_left_out(faults: Mapping[str, str]) -> str:
    """One sentence that counts the images at these paths."""
    path, fault = next(iter(faults.items()))
    if len(faults) == 1:
        return f"{path} is left out: {fault}"
    return f"{len(faults):,} labelled images are left out, such as {path}: {fault}"
