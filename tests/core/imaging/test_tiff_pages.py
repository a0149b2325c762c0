"""Which page of a TIFF file is the picture, and what is said of the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.formats.frames import read_frame
from core.imaging.decode import image_size, read_picture
from core.imaging.tiff import directory as tag
from tests.builders import picture
from tests.core.imaging.tiff_files import Directory, page_of, tiff_bytes

MAIN = picture(640, 480)
REDUCED, MASK = {tag.SUBFILE: [1]}, {tag.SUBFILE: [4]}


def small(width: int = 32, height: int = 24, more: dict[int, list[int]] | None = None) -> Directory:
    return page_of(np.full((height, width, 3), 9, np.uint8), more=more)


def assert_main(path: Path, pages: list[Directory], notice: str = "", *, big: bool = False) -> None:
    path.write_bytes(tiff_bytes(pages, big=big))
    found = read_picture(path)
    assert np.array_equal(found.pixels, MAIN)
    assert notice in " ".join(found.notices) and bool(notice) == bool(found.notices)
    assert image_size(path) == (640, 480)
    frame = read_frame(path)
    assert (frame.width, frame.height) == (640, 480)


@pytest.mark.parametrize("big", [False, True])
def test_the_picture_below_a_thumbnail_is_taken(tmp_path: Path, big: bool) -> None:
    first = small(more=REDUCED)
    first.children = [page_of(MAIN, more={tag.SUBFILE: [0]})]
    assert_main(tmp_path / "a.tif", [first], big=big)


@pytest.mark.parametrize("flag", [REDUCED, MASK, {tag.OLD_SUBFILE: [2]}, {tag.SUBFILE: [5]}])
def test_the_picture_after_a_thumbnail_or_a_mask_is_taken(tmp_path: Path, flag: dict[int, list[int]]) -> None:
    assert_main(tmp_path / "a.tif", [small(more=flag), page_of(MAIN)])


def test_a_thumbnail_that_does_not_say_so_is_passed_over_with_a_notice(tmp_path: Path) -> None:
    assert_main(tmp_path / "a.tif", [small(160, 120), page_of(MAIN)], "page 2 is shown")


def test_smaller_versions_after_the_picture_are_no_pages(tmp_path: Path) -> None:
    first = page_of(MAIN)
    first.children = [small(320, 240, REDUCED)]
    assert_main(tmp_path / "a.tif", [first, small(160, 120, REDUCED)])


def test_a_picture_before_a_larger_one_of_another_shape_is_the_picture(tmp_path: Path) -> None:
    other = page_of(picture(2000, 600))
    assert_main(tmp_path / "a.tif", [page_of(MAIN), other], "has 2 pages; only the first")


def test_a_first_page_of_another_shape_is_no_thumbnail(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff_bytes([page_of(picture(100, 100)), page_of(MAIN)]))
    assert np.array_equal(read_picture(path).pixels, picture(100, 100))
    assert "has 2 pages; only the first" in " ".join(read_picture(path).notices)


def test_the_orientation_of_a_picture_below_is_that_of_the_first_page(tmp_path: Path) -> None:
    first = small(more={**REDUCED, tag.ORIENTATION: [6]})
    first.children = [page_of(MAIN)]
    path = tmp_path / "a.tif"
    path.write_bytes(tiff_bytes([first]))
    assert np.array_equal(read_picture(path).pixels, np.rot90(MAIN, -1))
    assert read_frame(path).orientation == 6


def test_sub_directories_in_a_circle_end(tmp_path: Path) -> None:
    first = small(more=REDUCED)
    data = bytearray(tiff_bytes([Directory({**first.tags, tag.SUB_DIRECTORIES: [8]}, first.segments)]))
    path = tmp_path / "a.tif"
    path.write_bytes(data)
    assert read_picture(path).pixels.shape == (24, 32, 3)
