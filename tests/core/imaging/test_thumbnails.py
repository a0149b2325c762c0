import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.imaging.decode import ImageError
from core.imaging.thumbnails import thumbnail
from tests.builders import picture, write_picture


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
