"""Colours and orders of bits that TIFF files may have, against other readers or against what was written."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from core.imaging.byte_source import ByteSource
from core.imaging.decode import Picture, as_rgb, picture_of, samples
from core.imaging.headers import read_header
from core.imaging.tiff import directory as tag
from core.imaging.tiff.colours import read_tiff
from tests.builders import picture
from tests.core.imaging.tiff_files import Directory, page_of, tiff_bytes

RGB = picture(101, 67)
GREY = RGB[..., 0]


def shown(data: bytes) -> Picture:
    return picture_of(data, "x.tif")


def by_tifffile(image: np.ndarray, **options: object) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, image, metadata=None, **options)  # type: ignore[arg-type]
    return out.getvalue()


def by_pillow(image: Image.Image, compression: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, "TIFF", compression=compression, **options)
    return out.getvalue()


@pytest.mark.parametrize("tile", [None, (32, 48)])
@pytest.mark.parametrize("photometric", ["rgb", "ycbcr", "minisblack"])
def test_jpeg_in_tiff_is_read_as_by_tifffile(photometric: str, tile: tuple[int, int] | None) -> None:
    image = GREY if photometric == "minisblack" else RGB
    for subsampling in ((1, 1), (2, 1), (2, 2)) if photometric == "ycbcr" else (None,):
        rows = {} if tile else {"rowsperstrip": 16}
        data = by_tifffile(
            image,
            photometric=photometric,
            compression="jpeg",
            compressionargs={"level": 95},
            subsampling=subsampling,
            tile=tile,
            **rows,
        )
        wanted = tifffile.imread(io.BytesIO(data))
        assert np.abs(shown(data).pixels.astype(int) - wanted).max() <= 1
        # tifffile takes what it writes for YCbCr already.
        assert photometric == "ycbcr" or np.abs(shown(data).pixels.astype(int) - image).mean() < 6


@pytest.mark.parametrize("quality", [75, 95])
def test_jpeg_with_shared_tables_is_read_as_by_pillow(quality: int) -> None:
    for image in (Image.fromarray(RGB), Image.fromarray(RGB).convert("YCbCr"), Image.fromarray(GREY)):
        data = by_pillow(image, "jpeg", quality=quality)
        wanted = Image.open(io.BytesIO(data)).convert("RGB")
        assert np.abs(as_rgb(shown(data).pixels).astype(int) - np.asarray(wanted)).max() <= 1


def test_jpeg_of_12_bits_is_read_by_imagecodecs() -> None:
    values = GREY.astype(np.uint16) << 4 | 5
    page = page_of(values[..., None], 12, more={tag.ROWS_PER_STRIP: [len(values)], tag.COMPRESSION: [7]})
    page.segments = [imagecodecs.jpeg_encode(values, level=98, bitspersample=12)]
    data = tiff_bytes([page])
    source = ByteSource.of_bytes(data)
    header = read_header(source)
    assert header is not None and header.page is not None
    found = read_tiff(source, header.page)
    assert found.dtype == np.uint16 and np.abs(found.astype(int) - (values.astype(int) << 4)).max() < 32 << 4


def test_cielab_becomes_rgb_with_a_notice() -> None:
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    lab = ImageCms.applyTransform(Image.fromarray(RGB), to_lab)
    assert lab is not None
    found = shown(by_pillow(lab, "tiff_lzw"))
    assert np.abs(found.pixels.astype(int) - RGB).mean() < 3
    assert "CIELAB" in " ".join(found.notices)


@pytest.mark.parametrize("compression", [1, 5, 8])
@pytest.mark.parametrize(("across", "down"), [(1, 1), (2, 1), (2, 2), (4, 1), (4, 4)])
def test_subsampled_ycbcr_without_jpeg_is_converted(compression: int, across: int, down: int) -> None:
    grey = picture(104, 64)[..., 0]
    blocks = grey.reshape(64 // down, down, 104 // across, across).swapaxes(1, 2).reshape(-1, across * down)
    # Cb and Cr of a blue: the same for all pixels.
    units = np.concatenate([blocks, np.full((len(blocks), 2), (150, 120), np.uint8)], axis=1).astype(np.uint8)
    page = page_of(np.zeros((64, 104, 3), np.uint8), photometric=6, more={tag.SUBSAMPLING: [across, down]})
    page.tags[tag.COMPRESSION] = [compression]
    code = {1: bytes, 5: imagecodecs.lzw_encode, 8: zlib.compress}[compression]
    strip = len(units) // 4
    page.segments = [code(units[start : start + strip].tobytes()) for start in range(0, len(units), strip)]
    found = shown(tiff_bytes([page])).pixels
    luma, blue, red = grey.astype(float), 150.0 - 128, 120.0 - 128
    wanted = np.stack([luma + 1.402 * red, luma - 0.34414 * blue - 0.71414 * red, luma + 1.772 * blue], axis=2)
    assert np.abs(found - np.clip(wanted, 0, 255)).max() <= 2


@pytest.mark.parametrize("compression", [1, 5, 8, 32773])
@pytest.mark.parametrize("bits", [1, 8, 12])
def test_reversed_bits_are_turned_back(compression: int, bits: int) -> None:
    values = (GREY >> (8 - min(8, bits)))[..., None].astype(np.uint16 if bits > 8 else np.uint8)
    page = page_of(values, bits, compression=compression, more={tag.FILL_ORDER: [2]})
    plain = page_of(values, bits, compression=compression)
    page.segments = [bytes(int(f"{byte:08b}"[::-1], 2) for byte in segment) for segment in page.segments]
    assert np.array_equal(shown(tiff_bytes([page])).pixels, shown(tiff_bytes([plain])).pixels)


@pytest.mark.parametrize("width", [1, 3, 7, 8, 9, 63, 64, 65, 200, 1000, 2560, 2700, 5300])
@pytest.mark.parametrize("ended", [True, False])
def test_group_4_of_any_width_is_read_as_by_pillow(width: int, ended: bool) -> None:
    image = Image.fromarray(np.tile(picture(max(64, width), 40)[..., 0], (1, 1))[:, :width]).convert("1")
    data = by_pillow(image, "group4")
    if not ended:
        data = _without_fax_end(data)
    assert np.array_equal(shown(data).pixels, np.asarray(image) * np.uint8(255))


def _without_fax_end(data: bytes) -> bytes:
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages[0]
        segments = [data[at : at + count] for at, count in zip(page.dataoffsets, page.databytecounts, strict=True)]
        tags = {
            key: [page.tags[key].value] if isinstance(page.tags[key].value, int) else list(page.tags[key].value)
            for key in (256, 257, 258, 259, 262, 277, 278)
            if key in page.tags
        }
    shorter = []
    for segment in segments:
        bits = "".join(f"{byte:08b}" for byte in segment).rstrip("0").removesuffix("000000000001" * 2)
        bits += "0" * (-len(bits) % 8)
        shorter.append(int(bits or "0", 2).to_bytes(len(bits) // 8, "big"))
    return tiff_bytes([Directory(tags, shorter)])


def test_a_palette_of_8_bits_in_its_table_is_read_as_it_is_meant() -> None:
    table = np.random.default_rng(0).integers(0, 256, (3, 256))
    data = tiff_bytes([page_of(GREY[..., None], photometric=3, more={tag.COLOUR_MAP: table.ravel().tolist()})])
    assert np.array_equal(shown(data).pixels, table.T[GREY])


def test_three_channels_that_are_called_grey_are_shown_as_colours_with_a_notice() -> None:
    found = shown(by_tifffile(RGB, photometric="minisblack", planarconfig="contig"))
    assert np.array_equal(found.pixels, RGB) and "taken as red, green and blue" in " ".join(found.notices)


@pytest.mark.parametrize(("extra", "notice"), [(0, "last channel"), (1, "transparency"), (2, "transparency")])
def test_a_channel_beyond_the_colours_is_dropped_with_a_notice(extra: int, notice: str) -> None:
    for colours in (RGB, GREY[..., None]):
        values = np.concatenate([colours, GREY[..., None] // 2], axis=2)
        photometric = 2 if colours.shape[2] == 3 else 1
        found = shown(tiff_bytes([page_of(values, photometric=photometric, more={tag.EXTRA: [extra]})]))
        assert np.array_equal(as_rgb(found.pixels), np.broadcast_to(colours, RGB.shape))
        assert notice in " ".join(found.notices)


def test_samples_of_white_is_zero_and_of_planes_are_the_values_that_are_shown(tmp_path: Path) -> None:
    values = GREY.astype(np.uint16) * 200 + 7
    (tmp_path / "white.tif").write_bytes(by_tifffile(65535 - values, photometric="miniswhite"))
    assert np.array_equal(samples(tmp_path / "white.tif"), values)
    colours = RGB.astype(np.uint16) * 200 + 7
    planes = np.moveaxis(colours, 2, 0).copy()
    (tmp_path / "planes.tif").write_bytes(by_tifffile(planes, photometric="rgb", planarconfig="separate"))
    assert np.array_equal(samples(tmp_path / "planes.tif"), colours)


def test_a_last_strip_filled_up_with_rows_beyond_the_image_is_read() -> None:
    for compression in (5, 8, 32773):
        page = page_of(RGB, compression=compression)
        full = np.pad(RGB, ((0, -len(RGB) % 16), (0, 0), (0, 0)), mode="edge")
        page.segments = page_of(full, compression=compression).segments
        assert np.array_equal(shown(tiff_bytes([page])).pixels, RGB)


def test_strips_without_their_lengths_are_read() -> None:
    page = page_of(RGB)
    data = tiff_bytes([page])
    offsets = data.index(int.to_bytes(tag.STRIP_COUNTS, 2, "little") + b"\x04\0")
    # The tag becomes one that nobody knows.
    changed = data[:offsets] + int.to_bytes(280, 2, "little") + data[offsets + 2 :]
    assert np.array_equal(shown(changed).pixels, RGB)


def test_a_dark_image_of_12_packed_bits_is_not_taken_for_one_of_fewer() -> None:
    dark = (GREY.astype(np.uint16) >> 1)[..., None]
    for more in ({}, {tag.MAX_SAMPLE: [4095]}):
        found = shown(tiff_bytes([page_of(dark, 12, more=more)]))
        assert np.array_equal(found.pixels, (dark[..., 0] >> 4).astype(np.uint8))
