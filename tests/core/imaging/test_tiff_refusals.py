"""TIFF that is damaged or that cannot be read: the refusal says which of the two, and names the reason."""

from __future__ import annotations

import importlib.util
import io
import zlib
from collections.abc import Callable

import numpy as np
import pytest
import tifffile
from PIL import Image

from core.imaging.decode import ImageError, picture_of
from core.imaging.tiff import directory as tag
from tests.builders import picture
from tests.core.imaging.tiff_files import page_of, tiff_bytes

RGB = picture(120, 90)
GREY = RGB[..., :1]


def read(data: bytes) -> np.ndarray:
    return picture_of(data, "x.tif").pixels


def of_tifffile(image: np.ndarray, **options: object) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, image, metadata=None, **options)  # type: ignore[arg-type]
    return out.getvalue()


def with_tags(more: dict[int, list[int]], image: np.ndarray = RGB) -> bytes:
    page = page_of(image)
    page.tags.update(more)
    return tiff_bytes([page])


REFUSED: list[tuple[str, Callable[[], bytes], str]] = [
    ("JBIG", lambda: with_tags({tag.COMPRESSION: [34661]}), "JBIG compression"),
    ("old JPEG", lambda: with_tags({tag.COMPRESSION: [6]}), "old-style JPEG compression"),
    ("Group 3", lambda: with_tags({tag.COMPRESSION: [3]}), "CCITT Group 3 compression"),
    ("Aperio", lambda: with_tags({tag.COMPRESSION: [33003]}), "JPEG 2000 .Aperio, YCbCr. compression"),
    ("DNG JPEG", lambda: with_tags({tag.COMPRESSION: [34892]}), "lossy JPEG .DNG. compression"),
    ("unknown", lambda: with_tags({tag.COMPRESSION: [61234]}), "compression, number 61234,"),
    ("predictor", lambda: with_tags({tag.COMPRESSION: [5], tag.PREDICTOR: [7]}), "predictor, number 7"),
    ("float16", lambda: of_tifffile(np.ones((9, 9), np.float16)), "float16 samples"),
    ("float32", lambda: of_tifffile(np.ones((9, 9), np.float32), compression="lzw"), "float32 samples"),
    ("float64", lambda: of_tifffile(np.ones((9, 9))), "float64 samples"),
    ("int8", lambda: of_tifffile(np.ones((9, 9), np.int8)), "int8 samples .with a sign"),
    ("int16", lambda: of_tifffile(np.ones((9, 9), np.int16)), "int16 samples .with a sign"),
    ("uint32", lambda: of_tifffile(np.ones((9, 9), np.uint32)), "uint32 samples"),
    ("complex", lambda: of_tifffile(np.ones((9, 9), np.complex64)), "complex numbers"),
    ("24 bits", lambda: with_tags({tag.DEPTHS: [24]}, GREY), "24-bit samples"),
    (
        "JPEG of grey and alpha",
        lambda: with_tags({tag.COMPRESSION: [7]}, RGB[..., :2]),
        "JPEG compression with 2 channels",
    ),
    ("565", lambda: with_tags({tag.DEPTHS: [5, 6, 5]}), r"different depths \(5, 6, 5 bits\)"),
    ("5 channels", lambda: of_tifffile(np.ones((9, 9, 5), np.uint8), planarconfig="contig"), "5 channels"),
    ("7 planes", lambda: of_tifffile(np.ones((7, 9, 9), np.uint16), planarconfig="separate"), "7 channels"),
    ("sensor", lambda: with_tags({tag.PHOTOMETRIC: [32803]}, GREY), r"camera sensor \(CFA\)"),
    ("linear raw", lambda: with_tags({tag.PHOTOMETRIC: [34892]}), r"raw data of a camera"),
    ("LogLuv", lambda: with_tags({tag.PHOTOMETRIC: [32845]}), "LogLuv"),
    ("ICC Lab", lambda: with_tags({tag.PHOTOMETRIC: [9]}), "ICC CIELAB"),
    ("Lab 16", lambda: with_tags({tag.PHOTOMETRIC: [8], tag.DEPTHS: [16] * 3}), "CIELAB colours of 16 bits"),
    ("colours", lambda: with_tags({tag.PHOTOMETRIC: [777]}), "number 777"),
    ("inks", lambda: with_tags({tag.PHOTOMETRIC: [5], tag.INK_SET: [2]}, np.dstack([RGB, GREY])), "inks are not cyan"),
    ("volume", lambda: with_tags({tag.VOLUME_DEPTH: [4]}), "a volume"),
]


@pytest.mark.parametrize(("make", "reason"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_is_only_not_supported_is_refused_by_its_name(make: Callable[[], bytes], reason: str) -> None:
    with pytest.raises(ImageError, match=f"x.tif: .*{reason}") as refused:
        read(make())
    assert "damaged" not in str(refused.value) and "save" in str(refused.value)


@pytest.mark.parametrize(
    ("compression", "name"), [("zstd", "Zstandard"), ("webp", "WebP"), ("jpeg2000", "JPEG 2000"), ("jpegxl", "JPEG XL")]
)
def test_without_imagecodecs_rare_compressions_are_refused_by_name_and_with_it_read(
    compression: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"compressionargs": {"lossless": True}} if compression == "webp" else {}
    data = of_tifffile(RGB, photometric="rgb", compression=compression, **options)
    assert np.abs(read(data).astype(int) - RGB).max() <= (0 if compression != "jpegxl" else 8)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(ImageError, match=f"{name} compression needs the Python package imagecodecs"):
        read(data)


# Damage


def of_pillow(image: np.ndarray, compression: str, mode: str = "RGB", **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(image).convert(mode).save(out, "TIFF", compression=compression, tiffinfo={278: 16}, **options)
    return out.getvalue()


COMPRESSED = {
    "LZW": lambda: of_pillow(RGB, "tiff_lzw"),
    "LZW with predictor": lambda: of_tifffile(RGB, compression="lzw", predictor=True, rowsperstrip=16),
    "LZW of 16 bits": lambda: of_tifffile(RGB.astype(np.uint16) * 256, compression="lzw", rowsperstrip=16),
    "Deflate": lambda: of_pillow(RGB, "tiff_adobe_deflate"),
    "PackBits": lambda: of_pillow(np.repeat(RGB[:, ::8], 8, axis=1), "packbits"),
    "LZMA": lambda: of_tifffile(RGB, compression="lzma", rowsperstrip=16),
    "Zstandard": lambda: of_tifffile(RGB, compression="zstd", rowsperstrip=16),
    "JPEG": lambda: of_pillow(RGB, "jpeg"),
    "Group 4": lambda: of_pillow(RGB, "group4", "1"),
    "tiles": lambda: of_tifffile(RGB, compression="lzw", tile=(32, 32), planarconfig="contig"),
    "planes": lambda: of_tifffile(
        np.moveaxis(RGB, 2, 0).copy(), compression="lzw", photometric="rgb", planarconfig="separate", rowsperstrip=16
    ),
}


def change_segment(data: bytes, index: int, change: Callable[[bytes], bytes]) -> bytes:
    """The file with one strip or tile changed, in its place."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        place, count = file.pages[0].dataoffsets[index], file.pages[0].databytecounts[index]
    changed = change(data[place : place + count])
    assert len(changed) == count
    return data[:place] + changed + data[place + count :]


def count_segments(data: bytes) -> int:
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        return len(file.pages[0].dataoffsets)


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "all zeros": lambda content: bytes(len(content)),
    "all ones": lambda content: b"\xff" * len(content),
    "second half zeros": lambda content: content[: len(content) // 2] + bytes(len(content) - len(content) // 2),
    "scrambled": lambda content: np.random.default_rng(3).permutation(np.frombuffer(content, np.uint8)).tobytes(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
@pytest.mark.parametrize("make", COMPRESSED.values(), ids=COMPRESSED.keys())
def test_a_damaged_strip_or_tile_is_noticed_wherever_it_is(
    make: Callable[[], bytes], change: Callable[[bytes], bytes]
) -> None:
    data = make()
    assert read(data).shape[:2] == (90, 120)
    segments = count_segments(data)
    for index in {0, segments // 2, segments - 1}:
        with pytest.raises(ImageError, match=r"x\.tif: (damaged|truncated).*copy or export it again"):
            read(change_segment(data, index, change))


@pytest.mark.parametrize("key", [tag.STRIP_COUNTS, tag.STRIP_OFFSETS])
def test_empty_strips_are_counted(key: int) -> None:
    page = page_of(RGB)
    data = bytearray(tiff_bytes([page]))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        place = file.pages[0].tags[key].valueoffset
    data[place : place + 8] = bytes(8)
    with pytest.raises(ImageError, match="2 of its 6 strips are empty"):
        read(bytes(data))


def test_missing_strips_are_counted() -> None:
    page = page_of(RGB)
    page.segments = page.segments[:-2]
    with pytest.raises(ImageError, match="only 4 of its 6 strips are stated"):
        read(tiff_bytes([page]))


def test_a_strip_that_inflates_without_end_is_refused_in_bounded_memory() -> None:
    page = page_of(RGB, compression=8)
    page.segments = [zlib.compress(bytes(2**25), 9), *page.segments[1:]]
    with pytest.raises(ImageError, match="does not hold the 5,760 bytes"):
        read(tiff_bytes([page]))


@pytest.mark.parametrize(("compression", "mark", "place"), [("jpeg2000", b"\xff\x4f\xff\x51", 8), ("png", b"IHDR", 4)])
def test_a_part_that_claims_to_be_huge_is_refused_before_it_is_decoded(
    compression: str, mark: bytes, place: int
) -> None:
    data = bytearray(of_tifffile(RGB, photometric="rgb", compression=compression))
    at = data.index(mark) + place
    data[at : at + 4] = int.to_bytes(400_000, 4, "big")
    with pytest.raises(ImageError, match="a part of 400,000 x"):
        read(bytes(data))
