"""Directories of a TIFF file: their tags, and which of them holds the picture.

Sources: TIFF 6.0, the BigTIFF proposal, Adobe PageMaker 6.0 TIFF technical notes (trees of directories).
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

from core.imaging.byte_source import ByteSource
from core.imaging.errors import HeaderError

Tags = dict[int, tuple[int, ...]]

SUBFILE, OLD_SUBFILE, WIDTH, HEIGHT, DEPTHS, COMPRESSION, PHOTOMETRIC = 254, 255, 256, 257, 258, 259, 262
FILL_ORDER, STRIP_OFFSETS, ORIENTATION, CHANNELS, ROWS_PER_STRIP, STRIP_COUNTS = 266, 273, 274, 277, 278, 279
MAX_SAMPLE, PLANAR, PREDICTOR, COLOUR_MAP, TILE_WIDTH, TILE_HEIGHT = 281, 284, 317, 320, 322, 323
TILE_OFFSETS, TILE_COUNTS, SUB_DIRECTORIES, INK_SET, EXTRA, SAMPLE_FORMAT = 324, 325, 330, 332, 338, 339
JPEG_TABLES, SUBSAMPLING, VOLUME_DEPTH = 347, 530, 32997

_PLACEMENT = frozenset({SUBFILE, OLD_SUBFILE, WIDTH, HEIGHT, ORIENTATION, SUB_DIRECTORIES, PHOTOMETRIC})
_OF_A_PAGE = _PLACEMENT | {
    *(DEPTHS, COMPRESSION, FILL_ORDER, STRIP_OFFSETS, CHANNELS, ROWS_PER_STRIP, STRIP_COUNTS, MAX_SAMPLE, PLANAR),
    *(PREDICTOR, COLOUR_MAP, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_COUNTS, INK_SET, EXTRA, SAMPLE_FORMAT),
    *(JPEG_TABLES, SUBSAMPLING, VOLUME_DEPTH),
}

_TYPES = {1: "B", 3: "H", 4: "I", 7: "B", 13: "I", 16: "Q", 18: "Q"}
_MOST_TAGS = 4096
_MOST_PAGES = 10_000
_MOST_SUB_DIRECTORIES = 64
# A page up to this long and wide may be a thumbnail that does not say so.
_THUMBNAIL = 512
_REDUCED, _MASK, _OLD_REDUCED, _MASK_COLOURS = 1, 4, 2, 4


@dataclass(frozen=True, slots=True)
class Layout:
    """How numbers are stored in a TIFF file."""

    order: str  # of bytes, as struct and numpy write it
    big: bool = False  # BigTIFF: places of 8 bytes

    @classmethod
    def of_file(cls, source: ByteSource) -> Self:
        start = source.read_at(0, 4)
        return cls("<" if start[:2] == b"II" else ">", start[2:4] in (b"+\0", b"\0+"))

    def first_directory(self, source: ByteSource) -> int:
        place: int = source.unpack_at(self.order + ("Q" if self.big else "I"), 8 if self.big else 4)[0]
        return place


@dataclass(frozen=True, slots=True)
class Placement:
    """What is told of a page by where it stands and what it says of its purpose."""

    place: int
    number: int  # of the page, from 1
    width: int
    height: int
    reduced: bool  # a smaller version of another page
    mask: bool
    orientation: int  # as stored; 0: not told
    children: tuple[int, ...] = ()  # places of its sub-directories

    def is_picture(self) -> bool:
        return not self.reduced and not self.mask and self.width > 0 and self.height > 0

    def is_small_copy_of(self, other: Placement) -> bool:
        """Whether this page has the shape of `other` at half its size or less, and the size of a thumbnail."""
        if max(self.width, self.height) > _THUMBNAIL or not other.is_picture() or not self.is_picture():
            return False
        if other.width < 2 * self.width or other.height < 2 * self.height:
            return False
        # Of the same shape, as far as whole pixels can be.
        slack = max(other.width / self.width, other.height / self.height)
        return abs(self.width * other.height / other.width - self.height) <= 1 + slack * 1e-6


@dataclass(frozen=True, slots=True)
class MainPage:
    """The directory that holds the picture, and what else there is."""

    page: Placement
    pictures: int = 1  # pages that are no smaller versions of others
    after_thumbnail: bool = False  # the first page looks like a thumbnail but does not say so
    smaller: tuple[int, ...] = ()  # places of directories with smaller versions of the picture


def read_tags(
    source: ByteSource,
    layout: Layout,
    place: int,
    wanted: frozenset[int] = _OF_A_PAGE,
    *,
    first_only: bool = False,
) -> tuple[Tags, int]:
    """Whole-number tags of the directory at `place`, and where the next one is (0: there is none).

    With `first_only`, only the first value of each. Raises HeaderError and struct.error where the file ends.
    """
    offset, count_layout, entry_layout, inline = ("Q", "Q", "HHQ", 8) if layout.big else ("I", "H", "HHI", 4)
    order = layout.order
    entry_size = struct.calcsize("<" + entry_layout) + inline
    if place + struct.calcsize("<" + count_layout) > source.size:
        raise HeaderError("truncated, the TIFF data stops before its end")
    (count,) = source.unpack_at(order + count_layout, place)
    place += struct.calcsize("<" + count_layout)
    entries = source.read_at(place, min(count, _MOST_TAGS) * entry_size)
    tags: Tags = {}
    for entry in range(0, min(count, _MOST_TAGS) * entry_size, entry_size):
        tag, kind, number = struct.unpack_from(order + entry_layout, entries, entry)
        letter = _TYPES.get(kind)
        if letter is None or not number or tag not in wanted:
            continue
        values_at = place + entry + entry_size - inline
        if number * struct.calcsize("<" + letter) > inline:
            (values_at,) = struct.unpack_from(order + offset, entries, entry + entry_size - inline)
        if first_only and tag != SUB_DIRECTORIES:
            number = 1
        if values_at + number * struct.calcsize("<" + letter) > source.size:
            raise HeaderError("truncated, the TIFF data stops before its end")
        tags[tag] = source.unpack_at(f"{order}{number}{letter}", values_at)
    end, width = place + count * entry_size, struct.calcsize("<" + offset)
    following = source.unpack_at(order + offset, end)[0] if end + width <= source.size else 0
    return tags, following


def find_main_page(source: ByteSource, layout: Layout, *, to_end: bool) -> MainPage:
    """The directory that holds the picture: thumbnails and masks are passed over, wherever they stand.

    Without `to_end` the file is looked through only as far as it must be to know which directory that is.
    Raises HeaderError and struct.error.
    """
    first, following = _placement(source, layout, layout.first_directory(source), 1)
    small = max(first.width, first.height) <= _THUMBNAIL and bool(following or first.children)
    if not to_end and first.is_picture() and not small:
        return MainPage(first)
    pages = [first, *_further_pages(source, layout, first.place, following)]
    below = list(_sub_directories(source, layout, pages[:_MOST_SUB_DIRECTORIES]))
    everything = [*pages, *below]
    pictures = [page for page in pages if page.is_picture()]
    main, hidden = first, False
    if not first.is_picture():
        main = max(
            [page for page in everything if page.is_picture()] or [first],
            key=lambda page: (page.width * page.height, -page.number),
        )
    else:
        larger = [page for page in everything if first.is_small_copy_of(page)]
        if larger:
            main, hidden = max(larger, key=lambda page: (page.width * page.height, -page.number)), True
            pictures.remove(first)
    # Of a picture in a sub-directory, only the first page says how it was held.
    main = replace(main, orientation=main.orientation or first.orientation)
    smaller = tuple(page.place for page in everything if page.reduced and not page.mask and page.width < main.width)
    return MainPage(main, max(1, len(pictures)), hidden, smaller)


def _placement(source: ByteSource, layout: Layout, place: int, number: int) -> tuple[Placement, int]:
    tags, following = read_tags(source, layout, place, _PLACEMENT, first_only=True)
    kind = tags.get(SUBFILE, (0,))[0]
    mask = bool(kind & _MASK) or tags.get(PHOTOMETRIC, (1,))[0] == _MASK_COLOURS
    reduced = bool(kind & _REDUCED) or tags.get(OLD_SUBFILE, (0,))[0] == _OLD_REDUCED
    found = Placement(
        place,
        number,
        tags.get(WIDTH, (0,))[0],
        tags.get(HEIGHT, (0,))[0],
        reduced,
        mask,
        tags.get(ORIENTATION, (0,))[0],
        tags.get(SUB_DIRECTORIES, ())[:_MOST_SUB_DIRECTORIES],
    )
    return found, following


def _further_pages(source: ByteSource, layout: Layout, first: int, place: int) -> Iterator[Placement]:
    """Pages after the first; a chain that is damaged or goes in a circle ends there."""
    seen = {first}
    for number in itertools.count(2):
        if not place or place in seen or number > _MOST_PAGES:
            return
        seen.add(place)
        try:
            page, place = _placement(source, layout, place, number)
        except (struct.error, HeaderError):
            return
        yield page


def _sub_directories(source: ByteSource, layout: Layout, pages: list[Placement]) -> Iterator[Placement]:
    places = itertools.islice(((page, place) for page in pages for place in page.children), _MOST_SUB_DIRECTORIES)
    for page, place in places:
        try:
            yield _placement(source, layout, place, page.number)[0]
        except (struct.error, HeaderError):
            continue


def valid_orientation(orientation: int) -> int:
    """An Exif orientation; 1 for what is none."""
    return orientation if 1 <= orientation <= 8 else 1
