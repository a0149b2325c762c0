"""TIFF in all its ways of storing samples: the pixels are those that tifffile reads, or the refusal names the reason."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator

import numpy as np
import pytest
import tifffile

from core.imaging.byte_source import ByteSource
from core.imaging.decode import as_rgb, picture_of
from core.imaging.headers import read_header
from core.imaging.tiff import directory as tag
from core.imaging.tiff.colours import read_tiff
from tests.builders import picture
from tests.core.imaging.tiff_files import page_of, tiff_bytes

WIDTH, HEIGHT = 93, 70
PHOTOMETRICS = {"miniswhite": 0, "minisblack": 1, "rgb": 2, "palette": 3}
COMPRESSIONS = ("none", "lzw", "deflate", "packbits", "lzma", "zstd")
TILES = (None, (48, 32))
COLOUR_MAP = np.random.default_rng(5).integers(0, 65536, (3, 256)).astype(np.uint16)

# Bits, photometric, channels, planes apart
KINDS = [
    (1, "minisblack", 1, False),
    (1, "miniswhite", 1, False),
    *itertools.product((8, 16), ("minisblack", "miniswhite"), (1,), (False,)),
    *itertools.product((8, 16), ("rgb",), (3, 4), (False, True)),
    (8, "palette", 1, False),
    (16, "separated", 4, False),
    (8, "separated", 4, True),
]


def stored(bits: int, channels: int) -> np.ndarray:
    """Values (h, w, channels) of `bits` bits."""
    smooth = np.concatenate([picture(WIDTH, HEIGHT, seed) for seed in (0, 1)], axis=2)[..., :channels]
    fine = np.random.default_rng(1).integers(0, 256, smooth.shape)
    values = smooth.astype(np.uint32) << 8 | fine
    return (values >> (16 - bits)).astype(np.uint8 if bits <= 8 else np.uint16)


def written(values: np.ndarray, bits: int, photometric: str, *, apart: bool, **options: object) -> bytes:
    out = io.BytesIO()
    image = values[..., 0] if values.shape[2] == 1 else np.moveaxis(values, 2, 0) if apart else values
    if photometric == "palette":
        options["colormap"] = COLOUR_MAP
    if photometric in ("rgb", "separated"):
        options["planarconfig"] = "separate" if apart else "contig"
        options["extrasamples"] = ["unassalpha"] if values.shape[2] > 3 + (photometric == "separated") else None
    if bits == 1:
        image = image.astype(bool)
    tifffile.imwrite(out, image, photometric=photometric, metadata=None, **options)  # type: ignore[arg-type]
    return out.getvalue()


def expected(data: bytes, bits: int, photometric: str, *, apart: bool) -> np.ndarray:
    """What tifffile reads from the file, as colours: grey (h, w) or RGB (h, w, 3), of 8 or 16 bits."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        values = file.pages[0].asarray()
    values = np.moveaxis(values, 0, 2) if apart else values
    most = 2**bits - 1
    wide = values.astype(np.uint64)
    if photometric == "palette":
        return (COLOUR_MAP >> 8).astype(np.uint8).T[values]
    if photometric == "separated":
        wide = (most - wide[..., :3]) * (most - wide[..., 3:]) // most
    elif photometric == "rgb":
        wide = wide[..., :3]
    elif photometric == "miniswhite":
        wide = most - wide
    if bits < 8:
        wide = wide * 255 // most
    return (wide << (16 - bits)).astype(np.uint16) if bits > 8 else wide.astype(np.uint8)


def raw(data: bytes) -> np.ndarray:
    """What the program reads, before 16 bits become 8."""
    source = ByteSource.of_bytes(data)
    header = read_header(source)
    assert header is not None and header.page is not None
    return read_tiff(source, header.page)


def ways() -> Iterator[tuple[str, tuple[int, int] | None, str]]:
    yield from itertools.product(COMPRESSIONS, TILES, "<>")


@pytest.mark.parametrize(("bits", "photometric", "channels", "apart"), KINDS)
def test_samples_are_those_that_tifffile_reads(bits: int, photometric: str, channels: int, apart: bool) -> None:
    values = stored(bits, channels)
    for compression, tile, order in ways():
        for predictor in (False, True) if compression in ("lzw", "deflate", "zstd") and bits in (8, 16) else (False,):
            options = {"compression": compression, "tile": tile, "byteorder": order, "predictor": predictor}
            if tile is None:
                options["rowsperstrip"] = 16
            data = written(values, bits, photometric, apart=apart, **options)
            found = raw(data)
            wanted = expected(data, bits, photometric, apart=apart)
            assert found.dtype == wanted.dtype and found.shape == wanted.shape, options
            assert np.array_equal(found, wanted), options
            shown = as_rgb(picture_of(data, "x.tif").pixels)
            assert shown.shape == (HEIGHT, WIDTH, 3), options


PACKED = [
    *itertools.product((2, 4, 10, 12, 14), ("minisblack", "miniswhite"), (1,)),
    *itertools.product((2, 4, 10, 12, 14), ("rgb",), (3, 4)),
    *itertools.product((2, 4), ("palette",), (1,)),
]


@pytest.mark.parametrize(("bits", "photometric", "channels"), PACKED)
def test_packed_samples_are_those_that_tifffile_reads(bits: int, photometric: str, channels: int) -> None:
    values = stored(bits, channels)
    more: dict[int, list[int]] = {tag.EXTRA: [2]} if channels == 4 else {}
    if photometric == "palette":
        more[tag.COLOUR_MAP] = COLOUR_MAP[:, : 2**bits].ravel().tolist()
    for compression, tile, order in itertools.product((1, 5, 8, 32773), TILES, "<>"):
        page = page_of(
            values,
            bits,
            photometric=PHOTOMETRICS[photometric],
            compression=compression,
            tile=tile,
            order=order,
            more=more,
        )
        data = tiff_bytes([page], order)
        wanted = expected(data, bits, photometric, apart=False)
        assert np.array_equal(raw(data), wanted), (compression, tile, order)
