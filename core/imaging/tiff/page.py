"""One page of a TIFF file: how its samples are stored, and whether that is a way that can be read.

What cannot be read is refused by its name: of the compression, the depth, the number of channels, the colours.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from core.imaging.errors import HeaderError, UnsupportedError
from core.imaging.tiff import directory as tag
from core.imaging.tiff.directory import Layout, Tags

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, SEPARATED, YCBCR, CIELAB = 0, 1, 2, 3, 5, 6, 8
NONE, CCITT_G4, LZW, OLD_JPEG, JPEG, DEFLATE, OLD_DEFLATE, PACKBITS, LZMA = 1, 4, 5, 6, 7, 8, 32946, 32773, 34925
# Those that are decoded here, so strictly that damage is noticed. The others are read by tifffile with imagecodecs.
STRICT = frozenset({NONE, CCITT_G4, LZW, JPEG, DEFLATE, OLD_DEFLATE, PACKBITS, LZMA})
# Those that only the package imagecodecs decodes.
BY_IMAGECODECS = {
    33005: "JPEG 2000 (Aperio)",
    34712: "JPEG 2000",
    34887: "LERC",
    34926: "Zstandard",
    34927: "WebP",
    34933: "PNG",
    34934: "JPEG XR",
    22610: "JPEG XR",
    50000: "Zstandard",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
_UNREADABLE = {
    2: "CCITT RLE",
    3: "CCITT Group 3",
    OLD_JPEG: "old-style JPEG",
    9: "JBIG",
    10: "JBIG",
    32766: "NeXT",
    32809: "ThunderScan",
    32895: "IT8",
    32908: "Pixar film",
    32909: "Pixar log",
    33003: "JPEG 2000 (Aperio, YCbCr)",
    33004: "JPEG 2000 (Aperio)",
    33007: "ALT JPEG",
    34661: "JBIG",
    34676: "SGI log",
    34677: "SGI log",
    34718: "Microsoft Document Imaging",
    34892: "lossy JPEG (DNG)",
    65000: "EER",
    65001: "EER",
    65002: "EER",
}
_COLOURS = {
    4: "a transparency mask",
    9: "ICC CIELAB colours",
    10: "ITU CIELAB colours",
    32803: "raw data of a camera sensor (CFA)",
    32844: "logarithmic luminance (LogL)",
    32845: "logarithmic colours (LogLuv)",
    34892: "raw data of a camera (linear)",
    51177: "a depth map",
    52527: "a semantic mask",
}
_READABLE_COLOURS = frozenset({WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, SEPARATED, YCBCR, CIELAB})
_USUAL_CHANNELS = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, SEPARATED: 4, YCBCR: 3, CIELAB: 3}
_MOST_CHANNELS = 5  # CMYK and transparency
_MOST_IN_SEGMENT = 2**26  # pixels of a tile; a decoder makes room for a whole tile, however little of it is used
_SAVE_AS = "save it as grey or RGB with 8 or 16 bits"
CMYK = "its CMYK colours are turned into RGB without their profile"
LAB = "its CIELAB colours are turned into RGB"
TRANSPARENT = "its transparency is dropped"


@dataclass(frozen=True, slots=True, eq=False)
class TiffPage:
    """How the samples of one page are stored."""

    place: int  # of its directory
    layout: Layout
    width: int
    height: int
    bits: int  # of a sample
    channels: int
    photometric: int
    compression: int
    predictor: int
    reversed_bits: bool
    separate: bool  # each channel in segments of its own
    tile: tuple[int, int] | None  # width and height; None: strips of the image's width
    rows_per_strip: int
    offsets: tuple[int, ...]
    counts: tuple[int, ...]
    jpeg_tables: bytes
    colour_map: tuple[int, ...]
    subsampling: tuple[int, int]
    transparent: bool
    max_sample: int

    @property
    def segment_size(self) -> tuple[int, int]:
        """Width and height of a tile or a strip in pixels."""
        return self.tile or (self.width, self.rows_per_strip)

    @property
    def grid(self) -> tuple[int, int]:
        """Segments in a row, and rows of segments, of one channel or of all."""
        width, height = self.segment_size
        return -(-self.width // width), -(-self.height // height)

    @property
    def colour_channels(self) -> int:
        """Channels that are shown; what follows them is transparency or unknown."""
        usual = _USUAL_CHANNELS[self.photometric]
        return 3 if usual == 1 and self.channels == 3 and self.photometric == BLACK_IS_ZERO else usual

    def notices(self) -> list[str]:
        """What a user should know of how the page is read."""
        found = []
        if self.photometric == SEPARATED:
            found.append(CMYK)
        elif self.photometric == CIELAB:
            found.append(LAB)
        if self.colour_channels == 3 and self.photometric == BLACK_IS_ZERO:
            found.append("its three channels, which the file does not call colours, are taken as red, green and blue")
        if self.channels > self.colour_channels:
            found.append(TRANSPARENT if self.transparent else "its last channel, which is no colour, is not used")
        return found


def read_page(tags: Tags, layout: Layout, place: int, file_size: int) -> TiffPage:
    """The page that `tags` describe; `check_segments` is still due.

    Raises HeaderError if it is damaged, UnsupportedError if it cannot be read.
    """
    width, height = (tags.get(key, (0,))[0] for key in (tag.WIDTH, tag.HEIGHT))
    if not width or not height:
        raise HeaderError("damaged, it holds no TIFF image")
    channels = max(1, tags.get(tag.CHANNELS, (1,))[0])
    compression = tags.get(tag.COMPRESSION, (NONE,))[0]
    photometric = tags.get(tag.PHOTOMETRIC, (RGB if channels >= 3 else BLACK_IS_ZERO,))[0]
    bits = _check_samples(tags, channels)
    _check_colours(tags, photometric, channels, bits, compression)
    tile = _tile_of(tags)
    rows = min(height, tags.get(tag.ROWS_PER_STRIP, (height,))[0] or height)
    tile_tags = tile is not None and tag.TILE_OFFSETS in tags
    offsets = tags.get(tag.TILE_OFFSETS if tile_tags else tag.STRIP_OFFSETS, ())
    counts = tags.get(tag.TILE_COUNTS if tile_tags else tag.STRIP_COUNTS, ())
    page = TiffPage(
        place,
        layout,
        width,
        height,
        bits,
        channels,
        photometric,
        compression,
        tags.get(tag.PREDICTOR, (1,))[0],
        tags.get(tag.FILL_ORDER, (1,))[0] == 2,
        tags.get(tag.PLANAR, (1,))[0] == 2 and channels > 1,
        tile,
        rows,
        offsets,
        counts or _missing_counts(offsets, file_size),
        bytes(tags.get(tag.JPEG_TABLES, ())),
        tags.get(tag.COLOUR_MAP, ()),
        _subsampling_of(tags, photometric),
        bool({1, 2} & set(tags.get(tag.EXTRA, ()))),
        max(tags.get(tag.MAX_SAMPLE, (0,))),
    )
    _check_compression(page)
    return page


def check_segments(page: TiffPage, file_size: int) -> None:
    """Every strip or tile is there, lies in the file and is not larger than any image. Raises HeaderError."""
    if page.tile is not None and math.prod(page.tile) > _MOST_IN_SEGMENT:
        raise HeaderError("damaged, its tiles are larger than any image")
    kind = "tiles" if page.tile is not None else "strips"
    needed = math.prod(page.grid) * (page.channels if page.separate else 1)
    if min(len(page.offsets), len(page.counts)) < needed:
        raise HeaderError(f"damaged, only {min(len(page.offsets), len(page.counts))} of its {needed} {kind} are stated")
    empty = 0
    for offset, count in zip(page.offsets[:needed], page.counts[:needed], strict=True):
        if offset + count > file_size:
            raise HeaderError("truncated, the TIFF data stops before its end")
        empty += not offset or not count
    if empty:
        raise HeaderError(f"damaged, {empty} of its {needed} {kind} are empty")


def name_compression(compression: int) -> str:
    """What people call a compression."""
    name = BY_IMAGECODECS.get(compression) or _UNREADABLE.get(compression)
    return f"{name} compression" if name else f"compression, number {compression},"


def _check_samples(tags: Tags, channels: int) -> int:
    """Bits of a sample, which all channels share."""
    depths = tags.get(tag.DEPTHS, (1,))
    kinds = set(tags.get(tag.SAMPLE_FORMAT, (1,))[:channels])
    if tags.get(tag.VOLUME_DEPTH, (1,))[0] > 1:
        raise UnsupportedError("it is a volume, not an image; save one of its slices as grey or RGB")
    if len(set(depths[:channels])) > 1:
        raise UnsupportedError(
            f"its channels have different depths ({', '.join(map(str, depths[:channels]))} bits); {_SAVE_AS}"
        )
    bits = depths[0]
    kind = next(iter(kinds)) if len(kinds) == 1 else 0
    if kind == 3:
        raise UnsupportedError(f"float{bits} samples cannot be used; save it with 8 or 16 bits a sample")
    if kind == 2:
        raise UnsupportedError(
            f"int{bits} samples (with a sign) cannot be used; save it with 8 or 16 bits a sample without a sign"
        )
    if kind in (5, 6):
        raise UnsupportedError("samples that are complex numbers cannot be used; save it with 8 or 16 bits a sample")
    if kind not in (1, 4):
        raise UnsupportedError(f"its channels have different kinds of samples; {_SAVE_AS}")
    if bits not in (1, 2, 4, *range(8, 17)):
        name = f"uint{bits}" if bits in (32, 64) else f"{bits}-bit"
        raise UnsupportedError(f"{name} samples cannot be used; save it with 8 or 16 bits a sample")
    return bits


def _check_colours(tags: Tags, photometric: int, channels: int, bits: int, compression: int) -> None:
    if photometric not in _READABLE_COLOURS:
        what = _COLOURS.get(photometric, f"colours of a kind, number {photometric}, that is not known")
        raise UnsupportedError(f"it holds {what}, which cannot be used; {_SAVE_AS}")
    usual = _USUAL_CHANNELS[photometric]
    if channels < usual:
        raise HeaderError(f"damaged, it has {channels} of the {usual} channels of its colours")
    extra = channels - usual
    three_greys = photometric == BLACK_IS_ZERO and channels == 3
    if channels > _MOST_CHANNELS or (extra > 1 and not three_greys):
        raise UnsupportedError(f"{channels} channels cannot be used; save it as grey or RGB")
    if photometric == PALETTE and (bits > 16 or len(tags.get(tag.COLOUR_MAP, ())) < 3 * 2**bits):
        raise HeaderError("damaged, its palette is not complete")
    if photometric == SEPARATED and (tags.get(tag.INK_SET, (1,))[0] != 1 or bits not in (8, 16)):
        raise UnsupportedError(f"its inks are not cyan, magenta, yellow and black of 8 or 16 bits; {_SAVE_AS}")
    name = "YCbCr" if photometric == YCBCR else "CIELAB"
    if photometric in (YCBCR, CIELAB) and bits != 8 and not (photometric == YCBCR and compression == JPEG):
        raise UnsupportedError(f"{name} colours of {bits} bits cannot be used; {_SAVE_AS}")
    if photometric == YCBCR and compression in BY_IMAGECODECS:
        raise UnsupportedError(f"{name} colours with {name_compression(compression)} cannot be used; {_SAVE_AS}")
    if photometric == YCBCR and compression != JPEG and (extra or tags.get(tag.PLANAR, (1,))[0] == 2):
        raise UnsupportedError(f"{name} colours with transparency or in planes cannot be used; {_SAVE_AS}")


def _check_compression(page: TiffPage) -> None:
    if page.compression not in STRICT and page.compression not in BY_IMAGECODECS:
        raise UnsupportedError(f"its {name_compression(page.compression)} cannot be read; save it with LZW or Deflate")
    if page.compression == JPEG and not page.separate and page.channels not in (1, 3, 4):
        raise UnsupportedError(f"JPEG compression with {page.channels} channels cannot be read; {_SAVE_AS}")
    if page.compression == CCITT_G4 and (page.bits != 1 or page.channels != 1):
        raise HeaderError("damaged, its CCITT Group 4 compression holds more than one bit a pixel")
    if page.compression in (LZW, DEFLATE, OLD_DEFLATE, LZMA) and (
        page.predictor not in (1, 2) or (page.predictor == 2 and page.bits not in (8, 16))
    ):
        raise UnsupportedError(
            f"its predictor, number {page.predictor} for {page.bits} bits, cannot be read; save it with LZW or Deflate"
        )


def _tile_of(tags: Tags) -> tuple[int, int] | None:
    if tag.TILE_WIDTH not in tags or tag.TILE_HEIGHT not in tags:
        return None
    width, height = tags[tag.TILE_WIDTH][0], tags[tag.TILE_HEIGHT][0]
    if not width or not height:
        raise HeaderError("damaged, its tiles have no size")
    return width, height


def _missing_counts(offsets: tuple[int, ...], file_size: int) -> tuple[int, ...]:
    """How long each segment can be at most: some old programs do not say."""
    ends = [*sorted(offsets), file_size]
    following = dict(itertools.pairwise(ends))
    return tuple(max(0, following[offset] - offset) for offset in offsets)


def _subsampling_of(tags: Tags, photometric: int) -> tuple[int, int]:
    if photometric != YCBCR:
        return (1, 1)
    found = tags.get(tag.SUBSAMPLING, (2, 2))
    across, down = (found[0], found[-1])
    if across not in (1, 2, 4) or down not in (1, 2, 4):
        raise HeaderError("damaged, its colours are stored for no whole number of pixels")
    return across, down
