from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.imaging import decode as decoding
from core.imaging import png_bands, thumbnails
from core.imaging.cancelling import CancelledError, CancelToken
from core.imaging.decode import ImageError, read_bytes, read_picture
from core.imaging.thumbnails import find_kept, fit, thumbnail
from tests.builders import picture, write_picture
from tests.core.imaging.test_format_matrix import chunk


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_it_fits_into_the_square_and_keeps_its_shape(tmp_path: Path, suffix: str) -> None:
    path = write_picture(tmp_path / f"a{suffix}", picture(800, 400))
    small = thumbnail(path, 96, tmp_path / "cache")
    assert small.shape == (48, 96, 3)
    expected = cv2.resize(picture(800, 400), (96, 48), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - expected).mean() < 4


def test_a_small_image_is_not_enlarged(tmp_path: Path) -> None:
    assert thumbnail(write_picture(tmp_path / "a.png"), 200, None).shape == (48, 64, 3)


def test_a_very_thin_image_keeps_at_least_a_pixel(tmp_path: Path) -> None:
    assert thumbnail(write_picture(tmp_path / "a.png", picture(1000, 2)), 64, None).shape == (1, 64, 3)


def test_the_second_time_it_comes_from_the_cache(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png", picture(300, 300))
    first = thumbnail(path, 64, tmp_path / "cache")
    stat = path.stat()
    path.write_bytes(b"x" * stat.st_size)  # unreadable, yet of the same size and time
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    again = thumbnail(path, 64, tmp_path / "cache")
    assert np.abs(again.astype(int) - first).mean() < 4


def test_a_changed_file_gets_a_new_thumbnail(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png", np.zeros((300, 300, 3), np.uint8))
    assert thumbnail(path, 64, tmp_path / "cache").max() < 5
    write_picture(path, np.full((300, 300, 3), 255, np.uint8))
    assert thumbnail(path, 64, tmp_path / "cache").min() > 250


def test_a_file_that_changes_while_it_is_read_gets_a_new_thumbnail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_picture(tmp_path / "a.png", np.zeros((300, 300, 3), np.uint8))

    def read_and_change(read: Path) -> bytes:
        data = read_bytes(read)
        write_picture(path, np.full((300, 310, 3), 255, np.uint8))
        return data

    with monkeypatch.context() as patch:
        patch.setattr(thumbnails, "read_bytes", read_and_change)
        assert thumbnail(path, 64, tmp_path / "cache").max() < 5
    assert thumbnail(path, 64, tmp_path / "cache").min() > 250


def test_a_damaged_cache_is_mended(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png", picture(300, 300))
    first = thumbnail(path, 64, tmp_path / "cache")
    (cached,) = (tmp_path / "cache").rglob("*.jpg")
    cached.write_bytes(b"torn")
    assert np.array_equal(thumbnail(path, 64, tmp_path / "cache"), first)
    assert cached.stat().st_size > 100


def test_without_a_cache_that_can_be_written_there_are_thumbnails_all_the_same(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png", picture(300, 300))
    occupied = tmp_path / "cache"
    occupied.write_bytes(b"not a folder")
    assert np.array_equal(thumbnail(path, 64, occupied), thumbnail(path, 64, None))


def test_a_bad_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"")
    with pytest.raises(ImageError, match="bad.jpg"):
        thumbnail(tmp_path / "bad.jpg", 64, tmp_path / "cache")
    with pytest.raises(ImageError, match="gone.jpg"):
        thumbnail(tmp_path / "gone.jpg", 64, tmp_path / "cache")


# Of a long PNG


@pytest.fixture
def long_png(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Any PNG counts as long, and is read in bands of a few rows."""
    monkeypatch.setattr(decoding, "_LARGE_BITS", 1)
    monkeypatch.setattr(png_bands, "_BAND_BYTES", 50_000)
    return tmp_path / "a.png"


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", [(801, 403), (403, 801), (1000, 7)])
def test_of_a_long_png_it_is_made_band_by_band(
    long_png: Path, size: tuple[int, int], channels: int, depth: type
) -> None:
    image = np.dstack([picture(*size), picture(*size, 1)])[..., :channels].astype(depth)
    image = image * 257 if depth is np.uint16 else image
    write_picture(long_png, image[..., 0] if channels == 1 else image)
    small = thumbnail(long_png, 96, None, (0, 65535))
    whole = fit(read_picture(long_png, (0, 65535)).pixels, 96)
    assert small.shape == whole.shape
    assert np.abs(small.astype(int) - whole).mean() < 3


def test_of_a_long_png_that_lies_on_its_side_it_is_upright(long_png: Path) -> None:
    done, encoded = cv2.imencode(".png", picture(400, 300)[..., ::-1])
    assert done
    data = encoded.tobytes()
    exif = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 274, 3, 1, 6, 0, 0)
    long_png.write_bytes(data[:33] + chunk(b"eXIf", exif) + data[33:])
    small = thumbnail(long_png, 96, None)
    assert small.shape == (96, 72, 3)
    assert np.abs(small.astype(int) - fit(np.rot90(picture(400, 300), -1).copy(), 96)).mean() < 3


def test_a_long_png_is_not_read_on_when_its_thumbnail_is_not_wanted(
    long_png: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_picture(long_png, picture(1200, 800))
    stop, bands = CancelToken(), []
    decode_band = png_bands._decode_band

    def decode_and_stop(*arguments: object) -> object:
        bands.append(len(bands))
        if len(bands) == 3:
            stop.cancel()
        return decode_band(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(png_bands, "_decode_band", decode_and_stop)
    with pytest.raises(CancelledError):
        thumbnail(long_png, 96, long_png.parent / "cache", cancel=stop)
    assert len(bands) == 3 and not list((long_png.parent / "cache").rglob("*.jpg"))


def test_of_a_long_png_the_second_thumbnail_comes_from_the_cache(long_png: Path) -> None:
    write_picture(long_png, picture(1200, 800))
    first = thumbnail(long_png, 96, long_png.parent / "cache")
    stat = long_png.stat()
    long_png.write_bytes(b"x" * stat.st_size)
    os.utime(long_png, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    kept = find_kept(long_png, 96, long_png.parent / "cache")
    assert kept is not None and np.abs(kept.astype(int) - first).mean() < 4


@pytest.mark.parametrize("change", ["cut", "filter", "scrambled"])
def test_a_damaged_long_png_has_no_thumbnail(long_png: Path, change: str) -> None:
    image = picture(300, 200)
    rows = bytearray(b"".join(b"\0" + row.tobytes() for row in image))
    if change == "filter":
        rows[100 * 901] = 99
    packed = zlib.compress(bytes(rows[:-5000] if change == "cut" else rows))
    if change == "scrambled":
        packed = packed[:500] + bytes(300) + packed[800:]
    head = struct.pack(">IIBBBBB", 300, 200, 8, 2, 0, 0, 0)
    long_png.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b""))
    with pytest.raises(ImageError, match="a.png: damaged"):
        thumbnail(long_png, 96, None)
