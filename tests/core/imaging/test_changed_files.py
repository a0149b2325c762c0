"""Files with a few bytes changed or cut off: a whole picture, or a refusal that names the file; never anything else."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
import tifffile
from PIL import Image

from core.imaging.decode import ImageError, picture_of
from tests.builders import picture
from tests.core.imaging.test_format_matrix import bmp, by_jpeg, rows_of
from tests.core.imaging.tiff_files import page_of, tiff_bytes

RGB = picture(61, 43)
TRIES = 150


def tiff(**options: object) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, RGB, photometric="rgb", metadata=None, **options)  # type: ignore[arg-type]
    return out.getvalue()


def of_pillow(mode: str, compression: str) -> bytes:
    out = io.BytesIO()
    Image.fromarray(RGB).convert(mode).save(out, "TIFF", compression=compression)
    return out.getvalue()


FILES: dict[str, Callable[[], bytes]] = {
    **{
        name: lambda name=name: tiff(compression=name, rowsperstrip=16)
        for name in ("lzw", "deflate", "packbits", "lzma")
    },
    **{f"{name} tiles": lambda name=name: tiff(compression=name, tile=(32, 32)) for name in ("jpeg", "zstd", "webp")},
    "jpeg2000": lambda: tiff(compression="jpeg2000"),
    "plain": lambda: tiff(rowsperstrip=16),
    "pages, high byte first": lambda: tiff_bytes([page_of(RGB, more={254: [1]}), page_of(RGB[:30])], ">"),
    "pages of BigTIFF": lambda: tiff_bytes([page_of(RGB, more={254: [1]}), page_of(RGB[:30])], big=True),
    **{mode: lambda mode=mode: of_pillow(mode, "tiff_lzw") for mode in ("CMYK", "P", "YCbCr", "L")},
    "Group 4": lambda: of_pillow("1", "group4"),
    "BMP": lambda: bmp(24, rows_of(RGB)),
    "BMP of numbers": lambda: bmp(8, bytes(64 * 43), table=bytes(1024)),
    "BMP of masks": lambda: bmp(16, bytes(124 * 43), compression=3, after=b"\xff\0\0\0\0\xff\0\0\0\0\xff\0"),
    "JPEG": lambda: by_jpeg(progressive=True),
    "CMYK JPEG": lambda: by_jpeg("CMYK"),
}


@pytest.mark.parametrize("make", FILES.values(), ids=FILES.keys())
def test_a_changed_file_gives_a_picture_or_a_reason(make: Callable[[], bytes]) -> None:
    whole = make()
    assert picture_of(whole, "x").pixels.size
    rng = np.random.default_rng(0)
    for _ in range(TRIES):
        data = bytearray(whole)
        for _ in range(rng.integers(1, 5)):
            # Mostly where headers and directories are: at the start and at the end.
            near = int(rng.integers(min(len(data), 300)))
            data[(near, len(data) - 1 - near, int(rng.integers(len(data))))[rng.integers(3)]] = rng.choice(
                [0, 1, 127, 255, rng.integers(256)]
            )
        if rng.random() < 0.1:
            del data[int(rng.integers(len(data))) :]
        try:
            assert picture_of(bytes(data), "x").pixels.size
        except ImageError as error:
            assert str(error).startswith("x: ")
