"""Files of every kind that are cut off, lie on their side or say more than pixels: refused, turned, or read as they are."""

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, ImageOps

from core.imaging.decode import ImageError, as_rgb, picture_of
from tests.builders import picture

RGB = picture(161, 143)
KINDS: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: of_pillow("JPEG"),
    "progressive JPEG": lambda: of_pillow("JPEG", progressive=True),
    "JPEG with restarts": lambda: of_pillow("JPEG", restart_marker_rows=1),
    "grey JPEG": lambda: of_pillow("JPEG", "L"),
    "CMYK JPEG": lambda: of_pillow("JPEG", "CMYK"),
    "PNG": lambda: of_pillow("PNG"),
    "palette PNG": lambda: of_pillow("PNG", "P"),
    "1-bit PNG": lambda: of_pillow("PNG", "1"),
    "BMP": lambda: of_pillow("BMP"),
    "palette BMP": lambda: of_pillow("BMP", "P"),
    "WebP": lambda: of_pillow("WEBP"),
    "lossless WebP": lambda: of_pillow("WEBP", lossless=True),
    "transparent WebP": lambda: of_pillow("WEBP", "RGBA"),
    "WebP with Exif": lambda: of_pillow("WEBP", exif=exif_of(6)),
    "animated WebP": lambda: of_pillow("WEBP", save_all=True, append_images=[Image.fromarray(RGB[::-1].copy())]),
    "Group 4 TIFF": lambda: of_pillow("TIFF", "1", compression="group4"),
    "16-bit TIFF": lambda: of_tifffile(RGB.astype(np.uint16) * 257, "lzw", None),
    **{
        f"TIFF of {compression} in {'tiles' if tile else 'strips'}": lambda compression=compression, tile=tile: (
            of_tifffile(RGB, compression, tile)
        )
        for compression in (None, "lzw", "deflate", "packbits", "lzma", "zstd", "jpeg", "jpeg2000", "webp", "jpegxl")
        for tile in (None, (48, 48))
    },
}


def of_pillow(form: str, mode: str = "RGB", **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(RGB).convert(mode).save(out, form, **options)
    return out.getvalue()


def of_tifffile(image: np.ndarray, compression: str | None, tile: tuple[int, int] | None) -> bytes:
    out = io.BytesIO()
    rows = None if tile else 16
    tifffile.imwrite(
        out, image, photometric="rgb", compression=compression, tile=tile, rowsperstrip=rows, metadata=None
    )
    return out.getvalue()


def exif_of(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[274] = orientation
    return exif


# Cut off


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS.keys())
def test_a_file_that_is_cut_off_anywhere_is_refused_or_whole_all_the_same(make: Callable[[], bytes]) -> None:
    data = make()
    whole = picture_of(data, "x").pixels
    for share in np.linspace(0.02, 0.999, 30):
        try:
            # What is behind the pixels may be missing.
            assert np.array_equal(picture_of(data[: int(len(data) * share)], "x").pixels, whole), share
        except ImageError as error:
            assert any(word in str(error) for word in ("truncated", "damaged", "not an image")), share
            assert str(error).startswith("x: ") and "\n" not in str(error)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.endswith("WebP")])
def test_a_webp_that_is_cut_off_and_says_so_itself_is_refused(kind: str) -> None:
    data = KINDS[kind]()
    whole = picture_of(data, "x").pixels
    for share in np.linspace(0.1, 0.99, 30):
        try:
            assert np.array_equal(picture_of(webp_as_if_whole(data[: int(len(data) * share)]), "x").pixels, whole)
        except ImageError as error:
            assert any(word in str(error) for word in ("truncated", "damaged", "not an image")), share


def webp_as_if_whole(data: bytes) -> bytes:
    """With lengths in its header and its last part that fit what is there."""
    cut = bytearray(data)
    struct.pack_into("<I", cut, 4, len(cut) - 8)
    place = 12
    while place + 8 <= len(cut):
        (length,) = struct.unpack_from("<I", cut, place + 4)
        if place + 8 + length > len(cut):
            struct.pack_into("<I", cut, place + 4, len(cut) - place - 8)
        place += 8 + length + length % 2
    return bytes(cut)


# On its side


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_every_kind_is_turned_upright_as_by_pillow(form: str, orientation: int) -> None:
    options: dict[str, object] = {"tiffinfo": {274: orientation}} if form == "TIFF" else {"exif": exif_of(orientation)}
    data = of_pillow(form, **options, **({"lossless": True} if form == "WEBP" else {}))
    with Image.open(io.BytesIO(data)) as image:
        wanted = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert np.array_equal(as_rgb(picture_of(data, "x").pixels), wanted)


# With a colour profile


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_a_colour_profile_changes_no_pixel(form: str) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    options = {"lossless": True} if form == "WEBP" else {}
    plain, described = of_pillow(form, **options), of_pillow(form, icc_profile=profile, **options)
    assert len(described) > len(plain)
    assert np.array_equal(picture_of(described, "x").pixels, picture_of(plain, "x").pixels)


# Coded arithmetically: 24 x 16 pixels written by libjpeg-turbo, at once and in passes

ARITHMETIC = (
    "|JeWF01!$>Nk#wx0RR9200961|JwjV01XKW3knDg3knMk4h;_zAQcl55)&sJ9v2`kDKRiEDJ?8BI!Zn>HbyrrEkIX6ModmpQ&KWM"
    "T47pHU`kO^PygEhLjevB4iga*CKVMXPc<zyPft%zPft%zPft%zPft%zPft%zPft%zPft%zPft%zPft%zPft%zPft%zPft%zPf!2J"
    "01*fP5C9kh0U`hb5di}c0sqVZ3IGrg1pyEd1^?Or3<CiG0ucid06zf#0HuF^?JS={i^s`ZQAjS}z_KI{V)xUkYrs?OP;Ucfxg5%L"
    ")DPPas$AIF0n8!ksm4JJ_xpn0Zbse@5i0-L"
)
ARITHMETIC_IN_PASSES = (
    "|JeWF01!$>Nk#wx0RR9200961|JwjV01XKW3knDg3knMk4h;_zAQcl55)&sJ9v2`kDKRiEDJ?8BI!Zn>HbyrrEkIX6ModmpQ&KWM"
    "T47pHU`kO^PygEhLjevB4iga*CKVMXPc<zyPft%zPft%zPft%zPft%zPft%zPft%zPft%zPft%zPft%zPft%zPft%zPft%zPf!2K"
    "01*fP5C9kh0U`hb5di}c0sqVZ1^^HN5dYc$3<CiG0uTcb0006107~DiNS8E?DnWeJ5dX{o1P}%P+5iXv0RRC70uuY}s=1y2%m4%t"
    "1^?Or2mu2D0Y3p0D!9quK>y4D1Q7-Q+5iXv0s#R(0Uir=Uka6||I7dc5C#9*00;pA00ut-!2iqu1P}%P+5iXv0RRC%A*MK=gQ$<K"
    "SFr!u01N{G00IC50000GzcByI00a>Q|Jncu0RsU6KM<~Fj{nR61Q7-Q+5iXv0s#R(5a}`!Ey{rZ%m4%s1^?Or2mt{A0Y4DePr0kt"
    "0_R+S|Je"
)


@pytest.mark.parametrize("coded", [ARITHMETIC, ARITHMETIC_IN_PASSES], ids=["at once", "in passes"])
def test_an_arithmetic_jpeg_is_read_and_it_is_said_that_damage_cannot_be_noticed(coded: str) -> None:
    data = base64.b85decode(coded)
    found = picture_of(data, "x")
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(found.pixels, np.asarray(image.convert("RGB")))
    assert "does not tell of damage" in " ".join(found.notices)
    for end in range(2, len(data) - 2, 5):
        with pytest.raises(ImageError, match="x: (truncated|damaged|not an image)"):
            picture_of(data[:end], "x")
