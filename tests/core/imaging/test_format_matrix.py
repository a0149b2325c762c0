"""PNG, JPEG and BMP in all their ways of storing pixels: those of another reader, or refused with the reason."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from core.imaging.decode import ImageError, as_rgb, picture_of, upright_samples
from tests.builders import picture
from tests.core.imaging.tiff_files import packed

WIDTH, HEIGHT = 61, 43
RGB = picture(WIDTH, HEIGHT)
PALETTE = np.random.default_rng(2).integers(0, 256, (256, 3), np.uint8)


def shown(data: bytes) -> np.ndarray:
    return as_rgb(picture_of(data, "x").pixels)


def by_pillow(data: bytes, mode: str = "RGB") -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert(mode))


# PNG

GREY, COLOUR, NUMBERS, GREY_ALPHA, COLOUR_ALPHA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, COLOUR: 3, NUMBERS: 1, GREY_ALPHA: 2, COLOUR_ALPHA: 4}
DEPTHS = {GREY: (1, 2, 4, 8, 16), COLOUR: (8, 16), NUMBERS: (1, 2, 4, 8), GREY_ALPHA: (8, 16), COLOUR_ALPHA: (8, 16)}
ADAM_7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(values: np.ndarray, depth: int, colour: int, *, interlaced: bool = False, extra: bytes = b"") -> bytes:
    passes = [values[y::down, x::across] for x, y, across, down in ADAM_7] if interlaced else [values]
    rows = b""
    for part in passes:
        if part.size:
            content = packed(part, depth, ">")
            length = len(content) // len(part)
            rows += b"".join(b"\0" + content[at : at + length] for at in range(0, len(content), length))
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], depth, colour, 0, 0, int(interlaced))
    table = chunk(b"PLTE", PALETTE[: 2**depth].tobytes()) if colour == NUMBERS else b""
    parts = chunk(b"IHDR", head) + (extra if colour != NUMBERS else table + extra)
    return b"\x89PNG\r\n\x1a\n" + parts + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def values_of(depth: int, channels: int) -> np.ndarray:
    most = 2**depth
    return np.random.default_rng(depth).integers(0, most, (HEIGHT, WIDTH, channels)).astype(np.uint16)


EXTRAS = {
    "plain": lambda colour, depth: b"",
    "transparent colour": lambda colour, depth: chunk(
        b"tRNS", {GREY: b"\0\1", COLOUR: b"\0\1\0\1\0\1", NUMBERS: b"\0\x80"}.get(colour, b"")
    ),
    "gamma, white and resolution": lambda colour, depth: (
        chunk(b"gAMA", struct.pack(">I", 100_000))
        + chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000))
        + chunk(b"pHYs", struct.pack(">IIB", 2835, 2835, 1))
    ),
    "fewer significant bits": lambda colour, depth: chunk(
        b"sBIT",
        bytes(
            [min(depth, 8) if colour == NUMBERS else max(1, depth - 4)] * (3 if colour == NUMBERS else CHANNELS[colour])
        ),
    ),
}


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("extra", EXTRAS.values(), ids=EXTRAS.keys())
@pytest.mark.parametrize(("colour", "depth"), [(colour, depth) for colour in DEPTHS for depth in DEPTHS[colour]])
def test_png_samples_are_those_that_were_written(
    colour: int, depth: int, extra: Callable[[int, int], bytes], interlaced: bool
) -> None:
    values = values_of(depth, CHANNELS[colour])
    added = extra(colour, depth)
    if colour in (GREY_ALPHA, COLOUR_ALPHA) and b"tRNS" in added:
        added = b""
    data = png(values, depth, colour, interlaced=interlaced, extra=added)
    if colour == NUMBERS:
        wanted = PALETTE[values[..., 0]]
    else:
        wanted = values[..., : 3 if colour in (COLOUR, COLOUR_ALPHA) else 1]
        wanted = wanted if depth == 16 else (wanted * 255 // (2**depth - 1)).astype(np.uint8)
    found = upright_samples(data, "x.png")
    found = np.broadcast_to(found[..., None], (*found.shape, 1)) if found.ndim == 2 else found
    assert found.dtype == wanted.dtype and np.array_equal(found, np.broadcast_to(wanted, found.shape))
    if depth < 16:
        assert np.array_equal(shown(data), by_pillow(data, "RGBA")[..., :3])
    else:
        assert np.array_equal(imagecodecs.png_decode(data).reshape(HEIGHT, WIDTH, -1)[..., : wanted.shape[2]], wanted)


# JPEG


def by_jpeg(mode: str = "RGB", **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(RGB).convert(mode).save(out, "JPEG", quality=90, **options)
    return out.getvalue()


JPEG_OPTIONS: dict[str, dict[str, object]] = {
    **{f"4:{rest}": {"subsampling": f"4:{rest}"} for rest in ("4:4", "2:2", "2:0", "1:1")},
    "kept as RGB": {"keep_rgb": True},
    "progressive": {"progressive": True},
    "optimised": {"optimize": True},
    "with restarts": {"restart_marker_blocks": 2},
    "with restarts, progressive": {"restart_marker_rows": 1, "progressive": True},
}


@pytest.mark.parametrize("options", JPEG_OPTIONS.values(), ids=JPEG_OPTIONS.keys())
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_jpeg_pixels_are_those_of_pillow(mode: str, options: dict[str, object]) -> None:
    if mode != "RGB":
        # Pillow would store the first of four inks at another size than the others.
        options = {key: value for key, value in options.items() if key not in ("keep_rgb", "subsampling")}
    data = by_jpeg(mode, **options)
    assert np.array_equal(shown(data), by_pillow(data))


@pytest.mark.parametrize(("name", "place", "value"), [(b"JFIF", 5, 9), (b"Adobe", 11, 77)])
def test_odd_parameters_of_a_jpeg_do_no_harm(name: bytes, place: int, value: int) -> None:
    data = bytearray(by_jpeg("RGB" if name == b"JFIF" else "CMYK"))
    data[data.index(name) + place] = value
    assert shown(bytes(data)).shape == RGB.shape


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_damage_in_the_middle_of_a_jpeg_of_any_colours_is_noticed(mode: str, progressive: bool) -> None:
    data = by_jpeg(mode, progressive=progressive)
    middle = data.find(b"\xff\xda") + 40
    broken = data[:middle] + bytes(200) + data[middle + 200 :]
    with pytest.raises(ImageError, match="x: damaged"):
        shown(broken)


def test_ycck_is_read_as_by_pillow() -> None:
    inks = 255 - np.asarray(Image.fromarray(RGB).convert("CMYK"))
    data = imagecodecs.jpeg8_encode(np.ascontiguousarray(inks), colorspace="CMYK", outcolorspace="YCCK", level=95)
    assert np.array_equal(shown(data), by_pillow(data))


@pytest.mark.parametrize("image", [RGB, RGB[..., 0]], ids=["RGB", "grey"])
def test_lossless_jpeg_is_read(image: np.ndarray) -> None:
    data = imagecodecs.jpeg8_encode(np.ascontiguousarray(image), lossless=True)
    assert np.abs(shown(data).astype(int) - (image if image.ndim == 3 else image[..., None])).max() <= 2


def test_kinds_of_jpeg_that_cannot_be_read_are_named() -> None:
    usual = by_jpeg()
    frame = usual.index(b"\xff\xc0")
    cases = {
        "JPEG-LS": imagecodecs.jpegls_encode(RGB),
        "12 bits a sample": imagecodecs.jpeg8_encode(RGB.astype(np.uint16) << 4, bitspersample=12),
        "hierarchical JPEG": usual[: frame + 1] + b"\xc5" + usual[frame + 2 :],
        "lossless JPEG with arithmetic coding": usual[: frame + 1] + b"\xcb" + usual[frame + 2 :],
        "2 channels": usual[: frame + 9] + b"\2" + usual[frame + 10 :],
    }
    for name, data in cases.items():
        with pytest.raises(ImageError, match=name) as refused:
            shown(data)
        assert "damaged" not in str(refused.value) and "truncated" not in str(refused.value)


def test_jpeg_with_odd_fractions_of_colour_is_refused_by_name() -> None:
    data = by_jpeg(subsampling="4:4:4")
    frame = data.index(b"\xff\xc0")
    # Cb at half the width, Cr at half the height.
    odd = data[: frame + 10] + b"\1\x22\0\2\x21\1\3\x12\1" + data[frame + 19 :]
    with pytest.raises(ImageError, match="unusual fraction") as refused:
        shown(odd)
    assert "damaged" not in str(refused.value)


# BMP


def bmp(
    bits: int,
    rows: bytes,
    *,
    compression: int = 0,
    after: bytes = b"",
    table: bytes = b"",
    header: int = 40,
    top_down: bool = False,
    inside: bytes = b"",
) -> bytes:
    height = -HEIGHT if top_down else HEIGHT
    if header == 12:
        head = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, bits)
    else:
        head = struct.pack("<IiiHHIIiiII", header, WIDTH, height, 1, bits, compression, len(rows), 0, 0, 0, 0) + inside
        head = head.ljust(header, b"\0")
    place = 14 + len(head) + len(after) + len(table)
    return b"BM" + struct.pack("<IHHI", place + len(rows), 0, 0, place) + head + after + table + rows


def rows_of(values: np.ndarray) -> bytes:
    rows = [row.tobytes() for row in values]
    return b"".join(row + bytes(-len(row) % 4) for row in rows)


def random(dtype: str) -> np.ndarray:
    return np.random.default_rng(4).integers(0, np.iinfo(dtype).max, (HEIGHT, WIDTH), dtype, endpoint=True)


@pytest.mark.parametrize("top_down", [False, True])
@pytest.mark.parametrize("header", [12, 40, 56, 64, 108, 124])
@pytest.mark.parametrize("bits", [1, 4, 8, 24])
def test_bmp_of_every_header_is_read_as_by_pillow(bits: int, header: int, top_down: bool) -> None:
    if header == 12:
        top_down = False
    table = PALETTE[: 2**bits] if bits <= 8 else PALETTE[:0]
    colours = table[:, ::-1].tobytes() if header == 12 else np.pad(table[:, ::-1], ((0, 0), (0, 1))).tobytes()
    if bits == 24:
        stored = rows_of(RGB)
    else:
        numbers = random("uint8") >> (8 - bits)
        stored = rows_of(np.frombuffer(packed(numbers[..., None], bits), np.uint8).reshape(HEIGHT, -1))
    data = bmp(bits, stored, table=colours, header=header, top_down=top_down)
    assert np.array_equal(shown(data), by_pillow(data))


MASKS = {
    "555": (16, (0x7C00, 0x3E0, 0x1F)),
    "565": (16, (0xF800, 0x7E0, 0x1F)),
    "565 with red below": (16, (0x1F, 0x7E0, 0xF800)),
    "444": (16, (0xF00, 0xF0, 0xF)),
    "332": (16, (0xE0, 0x1C, 0x3)),
    "blue below": (32, (0xFF0000, 0xFF00, 0xFF)),
    "red below": (32, (0xFF, 0xFF00, 0xFF0000)),
    "green below": (32, (0xFF00, 0xFF, 0xFF0000)),
    "above": (32, (0xFF000000, 0xFF0000, 0xFF00)),
    "10 bits": (32, (0x3FF00000, 0xFFC00, 0x3FF)),
    "11 11 10": (32, (0x7FF, 0x3FF800, 0xFFC00000)),
}


@pytest.mark.parametrize(("bits", "masks"), MASKS.values(), ids=MASKS.keys())
def test_bmp_masks_are_honoured(bits: int, masks: tuple[int, int, int]) -> None:
    pixels = random(f"uint{bits}")
    wanted = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    for channel, mask in enumerate(masks):
        low, size = (mask & -mask).bit_length() - 1, mask.bit_count()
        value = (pixels.astype(np.uint64) & mask) >> low
        wanted[..., channel] = value >> (size - 8) if size > 8 else value * 255 // (2**size - 1)
    stated = struct.pack("<III", *masks)
    for header, place in ((40, "after"), (52, "inside"), (56, "inside"), (108, "inside"), (124, "inside")):
        parts = {place: stated if place == "after" else stated + bytes(4)}
        data = bmp(bits, rows_of(pixels[::-1]), compression=3, header=header, **parts)  # type: ignore[arg-type]
        assert np.array_equal(shown(data), wanted), header
        try:
            other = by_pillow(data)
        except OSError:
            continue  # Pillow knows a few masks only
        assert np.array_equal(other, wanted)


def test_bmp_with_an_alpha_mask_loses_its_transparency_with_a_notice() -> None:
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    data = bmp(32, rows_of(random("uint32")), compression=3, header=108, inside=masks)
    assert "transparency" in " ".join(picture_of(data, "x").notices)
    assert np.array_equal(shown(data), by_pillow(data))


def run_length_coded(bits: int) -> bytes:
    """Runs, literal runs and steps over pixels in each row."""
    run, literal, step, end = bytes([20, 0x21]), bytes([0, 4, 0x12, 0x31, 7, 9]), bytes([0, 2, 3, 0]), b"\0\0"
    if bits == 4:
        literal = bytes([0, 4, 0x12, 0x31])
    return (run + literal + step + run + end) * HEIGHT + b"\0\1"


@pytest.mark.parametrize(("bits", "compression"), [(8, 1), (4, 2)])
def test_run_length_coded_bmp_is_read_as_by_pillow(bits: int, compression: int) -> None:
    table = np.pad(PALETTE[: 2**bits][:, ::-1], ((0, 0), (0, 1))).tobytes()
    data = bmp(bits, run_length_coded(bits), compression=compression, table=table)
    assert np.array_equal(shown(data), by_pillow(data))


def test_kinds_of_bmp_that_cannot_be_read_are_named() -> None:
    cases = {
        "JPEG compression": bmp(24, by_jpeg(), compression=4),
        "PNG compression": bmp(24, bytes(9), compression=5),
        "CMYK compression": bmp(32, bytes(9), compression=11),
        "compression, number 77,": bmp(24, bytes(9), compression=77),
        "RLE24 compression": bmp(24, bytes(9), compression=4, header=64),
        "Huffman compression": bmp(1, bytes(9), compression=3, header=64),
        "64 bits a pixel": bmp(64, bytes(8 * WIDTH * HEIGHT)),
        "in no bits": bmp(16, bytes(124 * HEIGHT), compression=3, after=bytes(12)),
        "beside each other": bmp(16, bytes(9999), compression=3, after=struct.pack("<III", 0xF0F0, 0xF, 0xF00)),
    }
    for name, data in cases.items():
        with pytest.raises(ImageError, match=name) as refused:
            shown(data)
        assert "damaged" not in str(refused.value) or name == "in no bits"


# WebP


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_webp_pixels_are_those_of_pillow(lossless: bool, mode: str) -> None:
    out = io.BytesIO()
    image = Image.fromarray(RGB).convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.fromarray(RGB[..., 1]))
    image.save(out, "WEBP", lossless=lossless, exact=True)
    assert np.array_equal(shown(out.getvalue()), by_pillow(out.getvalue(), "RGBA")[..., :3])


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"P5\n9 9\n255\n", "a Netpbm image"),
        (b"II\xbc\x01", "JPEG XR"),
        (b"\0\0\1\0\1\0", "an icon"),
        (b"\x8aMNG\r\n", "MNG"),
        (b"qoif\0\0\0\1", "QOI"),
        (b"icns\0\0\1\0", "an icon"),
        (b"\x01\xda\1\1", "SGI"),
        (b"\x0a\5\1\x08", "PCX"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"\xffO\xffQ\0\x2f", "JPEG 2000"),
        (b"\xff\x0a", "JPEG XL"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\4CgBI", "as Apple changes it"),
    ],
)
def test_other_kinds_of_files_are_named(start: bytes, name: str) -> None:
    with pytest.raises(ImageError, match=name):
        shown(start + bytes(200))
