"""Images with the same content under several names: copies. They belong together, as a group does."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from core.project.images.image_files import content_hash
from core.types import ImageRecord, Problem, Split

DIVIDED = "divided copies"  # the same of copies that are in several of train, val and test
_NAMED = 3  # copies that a text names before it says how many more there are
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


def torn_copies(images: Iterable[ImageRecord], moved: Collection[int], split: Split) -> list[int]:
    """The images that stay in another split though they hold the same as one of the images `moved` to `split`.

    An image that stays in no split divides nothing: it follows its copies when it is divided.
    """
    listed = list(images)
    chosen = frozenset(moved)
    contents = {image.content_hash for image in listed if image.id in chosen} - {""}
    if split is Split.NONE:
        return []
    return [
        image.id
        for image in listed
        if image.content_hash in contents and image.id not in chosen and image.split not in (split, Split.NONE)
    ]


def list_divided_contents(images: Iterable[ImageRecord]) -> frozenset[str]:
    """The contents whose copies are in more than one of train, val and test."""
    return frozenset(alike[0].content_hash for alike in find_divided_copies(images))


def describe_divided(divided: Sequence[Sequence[ImageRecord]]) -> str:
    """What to say of copies that are in more than one of train, val and test; empty where there are none."""
    if not divided:
        return ""
    names = [f"“{image.path.rsplit('/', 1)[-1]}”" for image in divided[0]]
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    count = "A picture is" if len(divided) == 1 else f"{len(divided):,} pictures are"
    return (
        f"{count} in more than one of train, val and test under several names, such as {', '.join(names[:_NAMED])}{more}: "
        "what is measured would be too good. Divide all images again to put copies together."
    )


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


def report_divided(images: Sequence[ImageRecord], splits: Mapping[int, Split]) -> list[Problem]:
    """What to say of copies that putting images, by id, into `splits` divides; one problem, or none."""
    before = list_divided_contents(images)
    divided = [alike for alike in find_divided_copies(images, splits) if alike[0].content_hash not in before]
    if not divided:
        return []
    return [Problem(divided[0][0].path, describe_divided(divided), DIVIDED)]


def describe_ungrouped(images: Iterable[ImageRecord]) -> list[str]:
    """What to say of copies that are in different groups; one text, or none."""
    found = [alike for alike in find_copies(images) if len({image.group for image in alike}) > 1]
    if not found:
        return []
    first, second = next((one, other) for one in found[0] for other in found[0] if one.group != other.group)
    where = [f"in group “{image.group}”" if image.group else "in no group" for image in (first, second)]
    count = "A picture is" if len(found) == 1 else f"{len(found):,} pictures are"
    return [
        f"{count} in several groups under several names, such as {first.path} {where[0]} and {second.path} {where[1]}: "
        "they are exact copies, so splits keep these groups together."
    ]


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
