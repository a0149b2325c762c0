"""The cache: one decode for each image, the same pixels from everywhere, and nothing that happens to its files matters."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.augmentation.warp import resize
from core.imaging.decode import ImageError, decode
from core.project.images.image_files import content_hash
from core.project.snapshot import SnapshotImage
from core.recipe.recipe import default_recipe, with_settings
from core.training.data import tile_file
from core.training.data.disk_store import DiskStore
from core.training.data.image_cache import ImageCache, physical_memory
from core.training.data.tile_file import DamagedTilesError, TileFile, write_tiles
from core.types import Split, Status
from tests.builders import picture, write_picture

NO_MEMORY = 0


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that images of a few kilobytes fall into tiles."""
    monkeypatch.setattr(tile_file, "TILE", 16)
    monkeypatch.setattr(tile_file, "ONE_TILE_BYTES", 3000)


def record(path: Path, width: int = 120, height: int = 90) -> SnapshotImage:
    return SnapshotImage(
        str(path),
        width,
        height,
        Status.CLEAN,
        Split.TRAIN,
        "",
        content_hash(path),
        np.zeros((0, 4), np.float32),
        np.zeros((0, 1), bool),
    )


@pytest.fixture
def shown(tmp_path: Path) -> SnapshotImage:
    return record(write_picture(tmp_path / "a.png", picture(120, 90, seed=3)))


def on_disk(tmp_path: Path, limit: int = 10**6) -> ImageCache:
    return ImageCache(NO_MEMORY, folder=tmp_path / "cache", disk_bytes=limit)


def entries(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache").glob("*/*"))


# -- the file


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.booleans(), st.data())
def test_any_window_of_a_tile_file_is_that_of_the_image(
    tmp_path_factory: pytest.TempPathFactory, width: int, height: int, grey: bool, data: st.DataObject
) -> None:
    image = np.random.default_rng(width).integers(0, 256, (height, width) if grey else (height, width, 3), np.uint8)
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    right, bottom = data.draw(st.integers(left + 1, width)), data.draw(st.integers(top + 1, height))
    path = tmp_path_factory.getbasetemp() / "window.pixels"
    written = write_tiles(path, image)
    assert path.stat().st_size == written == tile_file.file_bytes(width, height, 1 if grey else 3)
    file = TileFile.open(path)
    assert file is not None and file.size == (width, height)
    assert np.array_equal(file.stored(left, top, right, bottom), image[top:bottom, left:right])
    rgb = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) if grey else image
    assert np.array_equal(file.part(left, top, right, bottom), rgb[top:bottom, left:right])


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 0.9999), st.integers(1, 255))
def test_no_changed_byte_of_a_tile_file_goes_unnoticed(
    tmp_path_factory: pytest.TempPathFactory, place: float, change: int
) -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    path = tmp_path_factory.getbasetemp() / "damaged.pixels"
    write_tiles(path, image)
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= change
    path.write_bytes(data)
    with pytest.raises(DamagedTilesError):
        file = TileFile.open(path)
        assert file is not None
        file.part(0, 0, 50, 40)


# -- one decode, and the same pixels


def test_an_image_is_decoded_once_and_found_in_memory(shown: SnapshotImage) -> None:
    cache = ImageCache(10**6)
    for _ in range(3):
        assert np.array_equal(cache.whole(shown), decode(shown.path))
    assert cache.decoded == 1
    small = [cache.whole(shown, (30, 20)) for _ in range(3)]
    assert all(np.array_equal(one, resize(decode(shown.path), (30, 20))) for one in small)
    assert cache.decoded == 2


def test_what_does_not_fit_in_memory_is_found_on_disk_by_this_run_and_the_next(
    shown: SnapshotImage, tmp_path: Path
) -> None:
    image = decode(shown.path)
    for run in range(2):
        cache = on_disk(tmp_path)
        for _ in range(3):
            assert np.array_equal(cache.pixels(shown).part(3, 5, 70, 81), image[5:81, 3:70])
        assert cache.decoded == (1 if run == 0 else 0)
    assert len(entries(tmp_path)) == 1 and not cache.problems()


def test_a_shrunk_image_is_kept_for_the_next_run_though_it_fits_in_memory(shown: SnapshotImage, tmp_path: Path) -> None:
    first, second = (ImageCache(10**6, folder=tmp_path / "cache", disk_bytes=10**6) for _ in range(2))
    small = first.whole(shown, (40, 30))
    assert np.array_equal(second.whole(shown, (40, 30)), small)
    assert (first.decoded, second.decoded) == (1, 0)
    # One that is as large on disk as decoded is quicker to decode than the disk is to fill.
    third = ImageCache(10**6, folder=tmp_path / "other", disk_bytes=10**6)
    third.whole(shown)
    assert not list((tmp_path / "other").glob("*/*"))


@pytest.mark.parametrize("limit", [0, 10**6])
def test_a_grey_image_takes_a_third_and_gives_the_pixels_of_its_rgb(tmp_path: Path, limit: int) -> None:
    grey = picture(120, 90, seed=1)[..., 0]
    shown = record(write_picture(tmp_path / "grey.png", grey))
    cache = ImageCache(limit, folder=tmp_path / "cache", disk_bytes=10**6)
    for size in (None, (50, 40)):
        for _ in range(2):
            wanted = decode(shown.path) if size is None else resize(decode(shown.path), size)
            assert np.array_equal(cache.whole(shown, size), wanted)
    mean = ImageCache(10**6).pixels(shown).mean_color()
    assert np.array_equal(cache.pixels(shown).mean_color(), mean) and mean.shape == (3,)
    if limit == 0:
        assert sum(path.stat().st_size for path in entries(tmp_path)) < (120 * 90 + 50 * 40) * 1.2


def test_images_are_told_apart_by_content_size_and_depth_window(tmp_path: Path) -> None:
    samples = np.linspace(0, 4000, 120 * 90).reshape(90, 120).astype(np.uint16)
    shown = record(write_picture(tmp_path / "deep.png", samples))
    seen = []
    for window in (None, (0, 4000), (1000, 3000)):
        cache = ImageCache(NO_MEMORY, window, tmp_path / "cache", 10**6)
        for _ in range(2):
            assert np.array_equal(cache.whole(shown), decode(shown.path, window))
        assert cache.decoded == 1
        seen.append(cache.whole(shown, (30, 20)).tobytes())
    assert len(set(seen)) == 3 and len(entries(tmp_path)) == 6
    copy = record(write_picture(tmp_path / "moved" / "elsewhere.png", samples))
    again = ImageCache(NO_MEMORY, (0, 4000), tmp_path / "cache", 10**6)
    again.whole(copy)
    assert again.decoded == 0, "the same content under another name"


def test_a_file_that_changed_is_not_taken_for_what_it_was(shown: SnapshotImage, tmp_path: Path) -> None:
    write_picture(Path(shown.path), picture(120, 90, seed=8))
    changed = decode(shown.path)
    assert np.array_equal(on_disk(tmp_path).whole(shown), changed)
    write_picture(Path(shown.path), picture(120, 90, seed=3))
    assert np.array_equal(on_disk(tmp_path).whole(shown), decode(shown.path)), (
        "found by the old content, not by its name"
    )


def test_a_file_of_another_size_than_its_boxes_were_drawn_on_is_refused_by_name(shown: SnapshotImage) -> None:
    write_picture(Path(shown.path), picture(60, 90))
    with pytest.raises(ImageError, match=r"a\.png: it is 60 x 90 pixels now and was 120 x 90"):
        ImageCache(10**6).pixels(shown, (30, 20))


def test_threads_that_want_one_image_decode_it_once(shown: SnapshotImage) -> None:
    cache, start = ImageCache(10**6), threading.Barrier(8)

    def read() -> bytes:
        start.wait(60)
        return cache.whole(shown, (40, 30)).tobytes()

    with ThreadPoolExecutor(8) as pool:
        results = [future.result() for future in [pool.submit(read) for _ in range(8)]]
    assert len(set(results)) == 1 and cache.decoded == 1


# -- limits


def test_the_memory_is_not_exceeded_and_keeps_what_came_first(tmp_path: Path) -> None:
    shown = [record(write_picture(tmp_path / f"{number}.png", picture(120, 90, seed=number))) for number in range(4)]
    cache = ImageCache(2 * 120 * 90 * 3 + 100)
    for _ in range(3):
        for one in shown:
            cache.whole(one)
    assert cache.decoded == 4 + 2 * 2


def test_on_disk_the_oldest_goes_first_but_nothing_that_the_run_has_used(tmp_path: Path) -> None:
    shown = [record(write_picture(tmp_path / f"{number}.png", picture(120, 90, seed=number))) for number in range(4)]
    one_file = tile_file.file_bytes(120, 90, 3)
    earlier = on_disk(tmp_path, 2 * one_file)
    for age, image in ((100, shown[0]), (50, shown[1])):
        known = set(entries(tmp_path))
        earlier.whole(image)
        (new,) = set(entries(tmp_path)) - known
        os.utime(new, (time.time() - age, time.time() - age))
        if image is shown[0]:
            oldest = new
    now = on_disk(tmp_path, 2 * one_file)
    now.whole(shown[2])
    assert oldest not in entries(tmp_path) and len(entries(tmp_path)) == 2
    now.whole(shown[1])
    assert now.decoded == 1
    for _ in range(2):
        now.whole(shown[3])
    assert now.decoded == 3, "no room: everything there is needed again"
    assert sum(path.stat().st_size for path in entries(tmp_path)) <= 2 * one_file


def test_what_a_killed_process_left_half_written_is_removed(shown: SnapshotImage, tmp_path: Path) -> None:
    left, fresh = tmp_path / "cache" / "ab" / ".x.pixels", tmp_path / "cache" / "ab" / ".y.pixels"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    fresh.write_bytes(b"being written by another process")
    os.utime(left, (0, 0))
    on_disk(tmp_path).whole(shown)
    assert not left.exists() and fresh.exists()


# -- damage


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-200] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def zeros(path: Path) -> None:
    path.write_bytes(b"\0" * path.stat().st_size)


def other(path: Path) -> None:
    write_tiles(path, np.zeros((5, 5, 3), np.uint8))


@pytest.mark.parametrize("spoil", [flip, cut, empty, zeros, other, Path.unlink], ids=lambda spoil: spoil.__name__)
@pytest.mark.parametrize("memory", [0, 10**6])
def test_a_damaged_or_deleted_file_is_made_anew(shown: SnapshotImage, tmp_path: Path, spoil, memory: int) -> None:
    image = decode(shown.path)
    on_disk(tmp_path).whole(shown)
    (path,) = entries(tmp_path)
    good = path.read_bytes()
    spoil(path)
    cache = ImageCache(memory, folder=tmp_path / "cache", disk_bytes=10**6)
    for _ in range(2):
        assert np.array_equal(cache.whole(shown), image)
    assert cache.decoded == 1
    if not memory:
        assert path.read_bytes() == good


@pytest.mark.parametrize("spoil", [cut, empty, Path.unlink], ids=lambda spoil: spoil.__name__)
def test_a_file_that_goes_while_it_is_in_use_is_made_anew(shown: SnapshotImage, tmp_path: Path, spoil) -> None:
    cache = on_disk(tmp_path)
    pixels = cache.pixels(shown)
    pixels = cache.pixels(shown)
    (path,) = entries(tmp_path)
    spoil(path)
    assert np.array_equal(pixels.part(0, 0, 120, 90), decode(shown.path))
    assert np.array_equal(cache.whole(shown), decode(shown.path))
    assert cache.decoded == 2 and path.exists()


def test_a_disk_that_cannot_be_written_is_told_once_and_costs_only_time(shown: SnapshotImage, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    cache = on_disk(tmp_path)
    for _ in range(3):
        assert np.array_equal(cache.whole(shown), decode(shown.path))
    (told,) = cache.problems()
    assert "set Images on disk to 0 MB" in told and cache.problems() == [] and cache.decoded == 3


# -- where


def test_a_run_uses_its_projects_folder_and_none_outside_of_a_project(tmp_path: Path, shown: SnapshotImage) -> None:
    chosen = with_settings(default_recipe("ssd_compact"), {"limits.ram_cache_mb": 64, "limits.disk_cache_mb": 1})
    run = tmp_path / "project" / "runs" / "r001"
    outside = ImageCache.for_run(chosen, None, run)
    assert outside.disk_bytes == 0
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "project.sqlite").touch()
    cache = ImageCache.for_run(chosen, None, run, processes=4)
    assert (cache.limit_bytes, cache.disk_bytes) == (16 * 2**20, 2**20)
    cache.whole(shown, (30, 20))
    assert len(list((tmp_path / "project" / "cache" / "training").glob("*/*"))) == 1
    own = with_settings(chosen, {"limits.ram_cache_mb": 0})
    assert ImageCache.for_run(own, None, run).limit_bytes == physical_memory() // 4


def test_an_entry_of_another_size_under_a_name_is_not_used(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, 10**6)
    assert store.write("aa.pixels", np.zeros((5, 6, 3), np.uint8)) is not None
    assert store.open("aa.pixels", (6, 5)) is not None
    assert store.open("aa.pixels", (7, 5)) is None and store.open("aa.pixels", (6, 5)) is None


def test_moving_the_image_does_not_matter_while_it_is_kept(shown: SnapshotImage, tmp_path: Path) -> None:
    on_disk(tmp_path).whole(shown)
    gone = replace(shown, path=str(tmp_path / "gone.png"))
    Path(shown.path).unlink()
    assert on_disk(tmp_path).whole(gone).shape == (90, 120, 3)
    with pytest.raises(ImageError, match=r"gone\.png"):
        ImageCache(10**6).whole(gone)
