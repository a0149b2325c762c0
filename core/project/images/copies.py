"""Images with the same content under several names: copies. They belong together, as a group does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from core.project.images.image_files import content_hash
from core.types import ImageRecord, Problem, Split

COPY = "copy"  # kind of the problem that tells of copies: nothing was left out for them


def find_copies(images: Iterable[ImageRecord]) -> list[list[ImageRecord]]:
    """The images whose files hold the same, together; in the order in which they come."""
    found: dict[str, list[ImageRecord]] = {}
    for image in images:
        if image.content_hash:
            found.setdefault(image.content_hash, []).append(image)
    return [alike for alike in found.values() if len(alike) > 1]


def bind_images(images: Sequence[ImageRecord]) -> list[list[ImageRecord]]:
    """The images that must not be divided: those of a group, and copies with all that they are in a group with."""
    places: dict[tuple[str, str], int] = {}  # of a group or a content: the bundle that has it
    parents = list(range(len(images)))

    def find_root(place: int) -> int:
        while parents[place] != place:
            parents[place] = parents[parents[place]]
            place = parents[place]
        return place

    for place, image in enumerate(images):
        for key in (("group", image.group), ("content", image.content_hash)):
            if key[1]:
                first, second = sorted((find_root(places.setdefault(key, place)), find_root(place)))
                parents[second] = first
    bundles: dict[int, list[ImageRecord]] = {}
    for place, image in enumerate(images):
        bundles.setdefault(find_root(place), []).append(image)
    return list(bundles.values())


def find_divided_copies(
    images: Iterable[ImageRecord], splits: Mapping[int, Split] | None = None
) -> list[list[ImageRecord]]:
    """The copies that are in more than one of train, val and test; `splits` by image id stands in place of theirs."""
    placed = splits or {}

    def count_places(alike: list[ImageRecord]) -> int:
        return len({placed.get(image.id, image.split) for image in alike} - {Split.NONE})

    return [alike for alike in find_copies(images) if count_places(alike) > 1]


def describe_copies(images: Iterable[ImageRecord], added: Iterable[ImageRecord]) -> list[Problem]:
    """What to say of the images `added` that hold the same as others of `images`; one problem, or none."""
    fresh = {image.id for image in added}
    found = [alike for alike in find_copies(images) if any(image.id in fresh for image in alike)]
    if not found:
        return []
    first, second, *_ = found[0]
    copy, original = (first, second) if second.id not in fresh else (second, first)
    count = sum(
        sum(image.id in fresh for image in alike) - all(image.id in fresh for image in alike) for alike in found
    )
    others = f", and {count - 1:,} more" if count > 1 else ""
    text = f"an exact copy of {original.path}{others}; splits keep copies together, remove those that you do not need"
    return [Problem(copy.path, text, COPY)]


def match_contents(images: Iterable[ImageRecord], files: Iterable[Path]) -> dict[Path, ImageRecord]:
    """Which of `files` hold the same as an image, and which image. Reads only files of the size of one."""
    by_content: dict[str, ImageRecord] = {}
    sizes = set()
    for image in images:
        if image.content_hash:
            by_content.setdefault(image.content_hash, image)
        sizes.add(image.size_bytes)
    found: dict[Path, ImageRecord] = {}
    for file in files:
        try:
            content = content_hash(file) if file.stat().st_size in sizes else ""
            if content in by_content:
                found[file] = by_content[content]
        except OSError:
            continue  # importing it says why
    return found
