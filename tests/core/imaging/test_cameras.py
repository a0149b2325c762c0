"""Cameras: which window an image is read through, and how windows are chosen from what images hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.imaging.cameras import Camera, Cameras, Kind, choose_window, find_top
from core.imaging.decode import decode, examine, read_picture
from tests.builders import write_picture

GREY, COLOUR = Kind(1, 16), Kind(3, 16)
SIZE = (64, 48)


def frame(background: int, brightest: int) -> np.ndarray:
    """A grey image with one value, and a few pixels that are brighter."""
    values = np.full((48, 64), background, np.uint16)
    values[10:14, 20:24] = brightest
    return values


def test_the_background_is_the_same_whatever_the_brightest_pixel(tmp_path: Path) -> None:
    cameras = Cameras((Camera((0, 4095), 1, 16),))
    shown = [
        decode(write_picture(tmp_path / f"{top}.png", frame(1000, top)), cameras)[0, 0, 0] for top in (1100, 4090, 4100)
    ]
    assert shown == [62, 62, 62]


@pytest.mark.parametrize(
    ("top", "bits"), [(0, 10), (1023, 10), (1024, 12), (4095, 12), (4096, 14), (16383, 14), (16384, 16), (65535, 16)]
)
def test_the_fewest_bits_that_reach_the_highest_value_are_taken(top: int, bits: int) -> None:
    assert choose_window(top) == (0, 2**bits - 1)


@given(st.integers(0, 47), st.integers(0, 63), st.sampled_from([(48, 64), (48, 64, 3), (1, 64), (48, 1)]))
def test_one_hot_pixel_anywhere_says_nothing(row: int, column: int, shape: tuple[int, ...]) -> None:
    values = np.full(shape, 900, np.uint16)
    values[min(row, shape[0] - 1), min(column, shape[1] - 1)] = 65535
    assert find_top(values) == 900


def test_a_scratch_of_one_pixels_width_counts_also_where_parts_of_a_large_image_meet() -> None:
    across, down = np.full((2000, 8), 900, np.uint16), np.full((2000, 8), 900, np.uint16)
    across[700, 3:5] = 3000
    down[511:513, 2] = 3000
    assert find_top(across) == find_top(down) == 3000


def test_the_smallest_images_have_a_highest_value() -> None:
    assert find_top(np.full((1, 1), 77, np.uint16)) == 77


def test_the_camera_that_says_more_of_the_place_counts() -> None:
    wide, narrow, grouped = Camera((0, 1)), Camera((0, 2), folder="line-2/cam*"), Camera((0, 3), 1, 16, group="B")
    cameras = Cameras((wide, narrow, grouped))
    assert cameras.find("/data/line-2/cam7/deep/a.png", GREY, SIZE) == narrow
    assert cameras.find("/data/line-2/other/cam7/a.png", GREY, SIZE) == wide
    assert cameras.in_group("B").find("/data/line-2/cam7/a.png", GREY, SIZE) == grouped
    assert cameras.in_group("B").find("/data/line-2/cam7/a.png", COLOUR, SIZE) == narrow
    assert cameras.in_group("C").find("/data/a.png", GREY, SIZE) == wide


def test_kind_and_size_tell_cameras_too() -> None:
    cameras = Cameras((Camera((0, 1), 3), Camera((0, 2), 1, 12), Camera((0, 3), 1, size=SIZE)))
    assert cameras.find("a", COLOUR, SIZE).window == (0, 1)  # type: ignore[union-attr]
    assert cameras.find("a", Kind(1, 12), (9, 9)).window == (0, 2)  # type: ignore[union-attr]
    assert cameras.find("a", GREY, SIZE).window == (0, 3)  # type: ignore[union-attr]
    assert cameras.find("a", GREY, (48, 64)) is None


def test_cameras_come_back_from_json_as_they_were() -> None:
    cameras = Cameras((Camera((3, 900), 1, 12, (640, 480), "a/b", "g"), Camera((0, 5))))
    assert Cameras.from_json(cameras.to_json(), "here") == cameras


@pytest.mark.parametrize(
    "value",
    [
        {},
        [3],
        [{}],
        [{"window": [5, 5]}],
        [{"window": [0, 9], "bits": "12"}],
        [{"window": [0, 9], "size": [3]}],
        [{"window": [0, 9], "size": 3}],
        [{"window": [0, 9], "folder": 7}],
        [{"window": [0, 9], "lens": "f"}],
    ],
)
def test_what_are_no_cameras_is_refused_by_name(value: object) -> None:
    with pytest.raises(InputError, match="somewhere: "):
        Cameras.from_json(value, "somewhere")


def test_an_image_of_no_camera_is_shown_over_the_whole_range_and_says_so(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png", frame(1000, 4000))
    shown = read_picture(path, Cameras((Camera((0, 4095), 3),)))
    assert shown.pixels[0, 0] == round(1000 * 255 / 65535)
    assert any("no depth scale" in text for text in shown.notices)


def test_values_above_the_window_are_said_but_not_for_a_hot_pixel(tmp_path: Path) -> None:
    cameras = Cameras.of_window((0, 4095))
    hot = frame(1000, 4000)
    hot[3, 3] = 60000
    assert read_picture(write_picture(tmp_path / "hot.png", hot), cameras).notices == ()
    (said,) = read_picture(write_picture(tmp_path / "above.png", frame(1000, 4100)), cameras).notices
    assert "above 4,095" in said


@pytest.mark.parametrize(("suffix", "colour"), [(".png", False), (".png", True), (".tiff", False), (".tiff", True)])
def test_an_examined_image_tells_its_kind_and_highest_value(tmp_path: Path, suffix: str, colour: bool) -> None:
    values = frame(1000, 4000)
    path = write_picture(tmp_path / f"a{suffix}", np.stack([values] * 3, axis=2) if colour else values)
    found = examine(path.read_bytes(), path)
    assert (found.width, found.height, found.top) == (64, 48, 4000)
    assert found.kind == (COLOUR if colour else GREY)
