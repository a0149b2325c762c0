"""Small versions of large images, and stopping the decoding of one that nobody waits for."""

from __future__ import annotations

import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from core.imaging import decode as decoding
from core.imaging import preview as previews
from core.imaging.cancelling import CancelledError, CancelToken
from core.imaging.decode import ImageError, read_picture
from core.imaging.preview import read_preview
from core.imaging.tiff import directory as tag
from tests.builders import picture, write_picture
from tests.core.imaging.test_decode import with_jpeg_exif
from tests.core.imaging.test_format_matrix import chunk
from tests.core.imaging.tiff_files import page_of, tiff_bytes

IMAGE = picture(1201, 803)


def assert_small_version(path: Path, whole: np.ndarray, tolerance: float = 12.0) -> None:
    found = read_preview(path, 300)
    assert found is not None
    assert (found.width, found.height) == (whole.shape[1], whole.shape[0])
    assert 300 <= max(found.pixels.shape[:2]) < 610 and found.pixels.ndim == whole.ndim
    expected = cv2.resize(whole, found.pixels.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(found.pixels.astype(int) - expected).mean() < tolerance


@pytest.mark.parametrize("image", [IMAGE, IMAGE[..., 0]], ids=["RGB", "grey"])
@pytest.mark.parametrize("suffix", [".jpg", ".bmp", ".tiff"])
def test_a_preview_is_a_small_version_of_the_image(tmp_path: Path, suffix: str, image: np.ndarray) -> None:
    assert_small_version(write_picture(tmp_path / f"a{suffix}", image), image)


@pytest.mark.parametrize("quarter_turns", [6, 8])
def test_a_preview_is_upright(tmp_path: Path, quarter_turns: int) -> None:
    path = write_picture(tmp_path / "a.jpg", IMAGE)
    path.write_bytes(with_jpeg_exif(path.read_bytes(), quarter_turns))
    assert_small_version(path, read_picture(path).pixels)


def test_the_first_pass_of_a_progressive_jpeg_is_its_preview(tmp_path: Path) -> None:
    large = picture(2500, 1700)
    data = cv2.imencode(".jpg", large[..., ::-1], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    (tmp_path / "a.jpg").write_bytes(data)
    assert_small_version(tmp_path / "a.jpg", large)


@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "packbits", "jpeg"])
@pytest.mark.parametrize("tile", [None, (128, 128)])
@pytest.mark.parametrize("apart", [False, True])
def test_rows_of_a_tiff_make_its_preview(
    tmp_path: Path, compression: str | None, tile: tuple[int, int] | None, apart: bool
) -> None:
    image = np.moveaxis(IMAGE, 2, 0).copy() if apart else IMAGE
    strips = {} if tile else {"rowsperstrip": 7 if compression != "jpeg" else 8}
    tifffile.imwrite(
        tmp_path / "a.tif",
        image,
        photometric="rgb",
        planarconfig="separate" if apart else "contig",
        compression=compression,
        tile=tile,
        metadata=None,
        **strips,
    )
    found = read_preview(tmp_path / "a.tif", 300)
    assert found is not None
    exact = IMAGE[::4, ::4]
    assert np.abs(found.pixels.astype(int) - exact).mean() < (0.01 if compression != "jpeg" else 6)


def test_a_smaller_version_in_a_tiff_is_its_preview(tmp_path: Path) -> None:
    main = page_of(IMAGE, compression=5)
    halves = [np.full((803 >> n, 1201 >> n, 3), 50 + n, np.uint8) for n in (1, 2, 3)]
    main.children = [page_of(half, more={tag.SUBFILE: [1]}) for half in halves]
    (tmp_path / "a.tif").write_bytes(tiff_bytes([main]))
    for longest, value in ((100, 53), (280, 52), (500, 51)):
        found = read_preview(tmp_path / "a.tif", longest)
        assert found is not None and (found.pixels == value).all()


def test_16_bits_are_previewed_through_the_window(tmp_path: Path) -> None:
    deep = IMAGE[..., 0].astype(np.uint16) * 100
    path = write_picture(tmp_path / "a.tiff", deep)
    found = read_preview(path, 300, (0, 25500))
    assert found is not None and np.array_equal(found.pixels, IMAGE[::4, ::4, 0])


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_formats_that_must_be_decoded_whole_have_no_preview(tmp_path: Path, suffix: str) -> None:
    assert read_preview(write_picture(tmp_path / f"a{suffix}", IMAGE), 300) is None


def test_what_would_take_too_long_has_no_preview(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tifffile.imwrite(tmp_path / "a.tif", IMAGE, compression="deflate", rowsperstrip=803)
    assert read_preview(tmp_path / "a.tif", 300) is not None
    monkeypatch.setattr(previews, "_MOST_DECODED", 100_000)
    assert read_preview(tmp_path / "a.tif", 300) is None


def test_a_small_image_and_one_that_is_none_have_no_preview(tmp_path: Path) -> None:
    assert read_preview(write_picture(tmp_path / "a.jpg", picture(320, 200)), 300) is None
    assert read_preview(tmp_path / "missing.jpg") is None
    (tmp_path / "text.jpg").write_text("not a picture")
    assert read_preview(tmp_path / "text.jpg") is None


def test_a_damaged_image_has_no_preview_or_is_refused(tmp_path: Path) -> None:
    page = page_of(IMAGE, compression=8)
    page.segments = [bytes(len(segment)) for segment in page.segments]
    (tmp_path / "a.tif").write_bytes(tiff_bytes([page]))
    assert read_preview(tmp_path / "a.tif", 300) is None
    path = write_picture(tmp_path / "a.jpg", IMAGE)
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(ImageError, match="truncated"):
        read_preview(path, 300)


# Stopping


class StopsAfter(CancelToken):
    """Is cancelled when it was looked at so many times."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    def check(self) -> None:
        self.looks -= 1
        if self.looks <= 0:
            self.cancel()
        super().check()


@pytest.fixture
def large_png(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(decoding, "_LARGE_BITS", 1)
    monkeypatch.setattr("core.imaging.png_bands._BAND_BYTES", 100_000)
    return tmp_path / "a.png"


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_png_in_bands_is_the_one_decoded_at_once(large_png: Path, channels: int, depth: type) -> None:
    image = np.dstack([picture(400, 301), picture(400, 301, 1)])[..., :channels].astype(depth)
    image = image * 200 + 3 if depth is np.uint16 else image
    write_picture(large_png, image[..., 0] if channels == 1 else image)
    done: list[float] = []
    found = read_picture(large_png, cancel=CancelToken(), progress=done.append)
    whole = read_picture(large_png)
    assert np.array_equal(found.pixels, whole.pixels) and found.notices == whole.notices
    assert len(done) > 1 and done == sorted(done) and done[-1] == 1.0


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".bmp", ".jpg"])
def test_decoding_stops_when_it_is_not_wanted_any_more(large_png: Path, suffix: str) -> None:
    path = write_picture(large_png.with_suffix(suffix), IMAGE)
    never, already = CancelToken(), CancelToken()
    already.cancel()
    assert read_picture(path, cancel=never).pixels.shape == IMAGE.shape
    with pytest.raises(CancelledError):
        read_picture(path, cancel=already)
    with pytest.raises(CancelledError):
        read_picture(path, cancel=StopsAfter(3))


def test_a_png_that_is_cancelled_is_not_decoded_to_its_end(large_png: Path) -> None:
    write_picture(large_png, IMAGE)
    done: list[float] = []
    with pytest.raises(CancelledError):
        read_picture(large_png, cancel=StopsAfter(6), progress=done.append)
    assert 0 < done[-1] < 0.5


@pytest.mark.parametrize("change", ["cut", "filter", "checksum"])
def test_damage_in_a_png_is_noticed_in_bands_too(large_png: Path, change: str) -> None:
    rows = bytearray(b"".join(b"\0" + row.tobytes() for row in IMAGE))
    if change == "filter":
        rows[1 + 3 * 1201] = 99
    packed = zlib.compress(bytes(rows[: len(rows) // 2] if change == "cut" else rows))
    if change == "checksum":
        packed = packed[: len(packed) // 2] + bytes([packed[len(packed) // 2] ^ 0x55]) + packed[len(packed) // 2 + 1 :]
    head = (1201).to_bytes(4, "big") + (803).to_bytes(4, "big") + b"\x08\x02\0\0\0"
    large_png.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b""))
    with pytest.raises(ImageError, match="damaged"):
        read_picture(large_png, cancel=CancelToken())


def test_a_preview_that_is_cancelled_stops(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.jpg", IMAGE)
    already = CancelToken()
    already.cancel()
    with pytest.raises(CancelledError):
        read_preview(path, 300, cancel=already)
