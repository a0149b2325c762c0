from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from core.imaging.adjust import Adjustment, make_tone
from core.imaging.cameras import Cameras
from core.imaging.decode import decode
from core.project.camera_lookup import CameraLookup
from core.settings import Settings
from desktop.base.background import Tasks
from desktop.base.session import Session
from desktop.viewer.backdrop import Backdrop, Scene
from desktop.viewer.pictures import PictureLoader, Travel
from desktop.viewer.pyramid import Placing, make_pyramid, render, sample
from desktop.viewer.thumbnails import ThumbnailLoader
from tests.builders import picture, project_with_pictures, write_picture, write_pictures


@pytest.fixture
def tasks(qtbot: QtBot) -> Iterator[Tasks]:
    tasks = Tasks()
    yield tasks
    tasks.shut_down()


# -- drawing


def test_at_full_size_and_magnified_pixels_are_shown_as_they_are() -> None:
    image = picture(90, 70)
    pyramid = make_pyramid(image)
    assert np.array_equal(render(pyramid, Placing(1.0, 10, 20), (10, 20, 100, 90)), image)
    large = render(pyramid, Placing(4.0, 0, 0), (0, 0, 360, 280))
    assert np.array_equal(large, image.repeat(4, axis=0).repeat(4, axis=1))


def test_a_reduced_image_is_an_average_of_its_pixels() -> None:
    image = picture(2400, 1600)
    shown = render(make_pyramid(image), Placing(0.25, 0, 0), (0, 0, 600, 400))
    expected = cv2.resize(image, (600, 400), interpolation=cv2.INTER_AREA)
    assert np.abs(shown.astype(int) - expected).mean() < 1


@given(
    st.floats(0.05, 40),
    st.integers(-900, 200),
    st.integers(-900, 200),
    st.tuples(st.integers(0, 90), st.integers(0, 60), st.integers(1, 90), st.integers(1, 60)),
)
@settings(max_examples=80, deadline=None)
def test_a_part_of_the_screen_is_drawn_as_it_is_within_the_whole(
    scale: float, left: int, top: int, part: tuple[int, int, int, int]
) -> None:
    pyramid = make_pyramid(picture(1500, 1100))
    placing = Placing(scale, left, top)
    frame = placing.covered(1500, 1100)
    x1, y1 = max(frame[0], 0), max(frame[1], 0)
    x2, y2 = min(frame[2], 180), min(frame[3], 120)
    if x1 >= x2 or y1 >= y2:
        return
    whole = render(pyramid, placing, (x1, y1, x2, y2))
    a, b = min(x1 + part[0], x2 - 1), min(y1 + part[1], y2 - 1)
    c, d = min(a + part[2], x2), min(b + part[3], y2)
    difference = render(pyramid, placing, (a, b, c, d)).astype(int) - whole[b - y1 : d - y1, a - x1 : c - x1]
    # Neighbouring source pixels may be chosen differently where a screen pixel lies on their border.
    assert np.percentile(np.abs(difference), 90) <= 2


def scene_of(pyramid: object, left: float, top: float, scale: float = 1.5, tone: object = None) -> Scene:
    return Scene(pyramid, tone, Placing(scale, left, top), QSize(200, 150), 1.0, QColor("#102030"))  # type: ignore[arg-type]


def pixels_of(backdrop: Backdrop, scene: Scene) -> np.ndarray:
    image = QImage(scene.size, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(scene.ratio)
    painter = QPainter(image)
    backdrop.paint(painter, scene)
    painter.end()
    return np.array(image.constBits()).astype(int).reshape(scene.size.height(), scene.size.width(), 4)


@given(
    st.floats(0.06, 1.9),
    st.floats(-3000, 150).map(round),
    st.floats(-2000, 100).map(round),
    st.sampled_from([(1500, 1100), (1501, 1103), (2311, 77)]),
    st.sampled_from([1.0, 1.4, 3.0]),
)
@settings(max_examples=60, deadline=None)
def test_the_quick_drawing_lies_where_the_sharp_one_does(
    scale: float, left: int, top: int, size: tuple[int, int], enlarged: float
) -> None:
    # A slope tells by its values where it lies.
    across = np.linspace(0, 255, size[0]) * 0.5
    down = np.linspace(0, 255, size[1]) * 0.5
    pyramid = make_pyramid(np.add.outer(down, across).round().astype(np.uint8))
    placing = Placing(scale, left, top)
    frame = placing.covered(*size)
    area = (max(frame[0], 0), max(frame[1], 0), min(frame[2], 400), min(frame[3], 300))
    if area[0] >= area[2] or area[1] >= area[3]:
        return
    sharp, quick = sample(pyramid, placing, area), sample(pyramid, placing, area, enlarged)
    assert quick.pixels <= sharp.pixels
    one, other = (found.sized(found.part).astype(float) for found in (sharp, quick))
    slope = 127.5 / (scale * np.array(size[::-1]))  # of a pixel of the screen
    assert abs(np.median(one - other)) <= 0.5 * slope.sum() + 0.6
    exact = np.add.outer(
        np.clip((np.arange(area[1], area[3]) + 0.5 - top) / scale - 0.5, 0, size[1] - 1) * 127.5 / (size[1] - 1),
        np.clip((np.arange(area[0], area[2]) + 0.5 - left) / scale - 0.5, 0, size[0] - 1) * 127.5 / (size[0] - 1),
    )
    for drawn in (one, other):
        # At the image's edges by up to half a pixel of the level.
        assert np.abs(drawn - exact).max() <= (enlarged + 0.5) * slope.sum() + 1.2


def test_a_large_adjusted_view_is_drawn_from_fewer_pixels_only_while_one_zooms() -> None:
    image = picture(2400, 1600)
    pyramid, tone = make_pyramid(image), make_tone(image, Adjustment(clahe=3))

    def scene(scale: float, *, hurried: bool) -> Scene:
        return Scene(pyramid, tone, Placing(scale, 10, 20), QSize(1400, 900), 1.0, QColor("#102030"), hurried)

    backdrop = Backdrop()
    sharp = pixels_of(Backdrop(), scene(0.6, hurried=False))
    quick = pixels_of(backdrop, scene(0.6, hurried=True))
    assert 0 < np.abs(quick - sharp).mean() < 6
    assert np.array_equal(pixels_of(backdrop, scene(0.6, hurried=False)), sharp)
    # What is sharp once is not blurred by another step.
    assert np.array_equal(pixels_of(backdrop, scene(0.6, hurried=True)), sharp)


@given(st.integers(-230, 230), st.integers(-180, 180), st.booleans())
@settings(max_examples=60, deadline=None)
def test_panning_draws_what_a_fresh_view_would_show(right: int, down: int, adjusted: bool) -> None:
    image = picture(160, 120)
    pyramid = make_pyramid(image)
    tone = make_tone(image, Adjustment(clahe=3, channel="grey")) if adjusted else None
    backdrop = Backdrop()
    pixels_of(backdrop, scene_of(pyramid, -20, -15, tone=tone))
    moved = scene_of(pyramid, -20 + right, -15 + down, tone=tone)
    panned, fresh = pixels_of(backdrop, moved), pixels_of(Backdrop(), moved)
    # Positions between pixels are rounded to 1/32 of one; equalisation enlarges what that makes of it.
    assert np.abs(panned - fresh).max() <= (8 if adjusted else 2) and np.abs(panned - fresh).mean() < 0.2


def test_another_image_or_zoom_is_drawn_anew() -> None:
    backdrop = Backdrop()
    first, second = make_pyramid(np.zeros((50, 50, 3), np.uint8)), make_pyramid(np.full((50, 50, 3), 200, np.uint8))
    assert pixels_of(backdrop, scene_of(first, 0, 0))[20, 20, :3].tolist() == [0, 0, 0]
    assert pixels_of(backdrop, scene_of(second, 0, 0))[20, 20, :3].tolist() == [200, 200, 200]
    assert pixels_of(backdrop, scene_of(second, 0, 0, scale=0.2))[20, 20, :3].tolist() == [0x30, 0x20, 0x10]


@pytest.mark.parametrize("size", [(60_000, 1), (1, 60_000), (40_000, 300)])
def test_images_beyond_the_sizes_that_qt_takes_are_drawn(size: tuple[int, int]) -> None:
    pyramid = make_pyramid(np.full((size[1], size[0], 3), (10, 200, 30), np.uint8))
    fitted = 190 / max(size)
    for scale in (fitted, 1.0, 8.0):
        for at in (0.0, 0.5, 0.999):
            placing = Placing(scale, 100 - at * size[0] * scale, 75 - at * size[1] * scale)
            pixels = pixels_of(Backdrop(), Scene(pyramid, None, placing, QSize(200, 150), 1.0, QColor(0, 0, 0)))
            assert (pixels[..., 1] == 200).sum() >= 1
            assert set(np.unique(pixels[..., 1])) <= {0, 200}


def test_a_grey_pyramid_is_a_third_in_memory_and_looks_the_same() -> None:
    grey = picture(1400, 900)[..., 0].copy()
    thin, thick = make_pyramid(grey), make_pyramid(grey[..., None].repeat(3, axis=2))
    assert 3 * thin.bytes == thick.bytes
    assert thin.rgb_at(5, 7) == thick.rgb_at(5, 7) == (int(grey[7, 5]),) * 3
    assert np.array_equal(thin.overview(), thick.overview())
    one, other = (pixels_of(Backdrop(), scene_of(each, -5, -9, 0.7)) for each in (thin, thick))
    assert np.abs(one - other).max() <= 1


# -- what is looked at next


def test_neighbours_are_guessed_in_the_direction_of_travel() -> None:
    travel = Travel()
    assert travel.next_rows(10, 100) == [11, 9, 12, 13]
    assert travel.next_rows(9, 100) == [8, 10, 7, 6]
    assert travel.next_rows(8, 100) == [7, 9, 6, 5]
    assert travel.next_rows(8, 100) == [7, 9, 6, 5]
    assert travel.next_rows(50, 100) == [51, 49, 52, 53]


def test_there_are_no_neighbours_beyond_the_ends() -> None:
    assert Travel().next_rows(0, 1) == []
    assert Travel().next_rows(0, 3) == [1, 2]
    assert Travel().next_rows(2, 3) == [1]


# -- loading


def test_the_wanted_image_comes_first_and_its_neighbours_after_it(qtbot: QtBot, tasks: Tasks, tmp_path: Path) -> None:
    paths = write_pictures(tmp_path, 4)
    loader, came = PictureLoader(tasks), list[str]()
    loader.ready.connect(came.append)
    loader.want(paths[2], [paths[3], paths[1]])
    qtbot.waitUntil(lambda: len(came) == 3)
    assert came == [str(paths[2]), str(paths[3]), str(paths[1])]
    shown = loader.get(paths[2])
    assert shown is not None and np.array_equal(shown.levels[0], decode(paths[2]))


def test_memory_is_bounded_and_the_image_being_looked_at_stays(qtbot: QtBot, tasks: Tasks, tmp_path: Path) -> None:
    paths = write_pictures(tmp_path, 5)
    each = 64 * 48 * 3
    loader = PictureLoader(tasks, limit_bytes=3 * each)
    for at in range(5):
        loader.want(paths[at])
        qtbot.waitUntil(lambda at=at: loader.get(paths[at]) is not None)
    assert [loader.get(path) is not None for path in paths] == [False, False, True, True, True]
    loader.set_limit(1)
    assert [loader.get(path) is not None for path in paths] == [False, False, False, False, True]


def test_another_window_makes_what_was_handed_out_outdated(qtbot: QtBot, tasks: Tasks, tmp_path: Path) -> None:
    path = write_picture(tmp_path / "deep.png", np.full((20, 30), 2000, np.uint16))
    loader = PictureLoader(tasks)
    loader.want(path)
    qtbot.waitUntil(lambda: loader.get(path) is not None)
    assert loader.get(path).notices  # type: ignore[union-attr]
    with qtbot.waitSignal(loader.outdated):
        loader.set_cameras(CameraLookup(Cameras.of_window((0, 2000))))
    assert loader.get(path) is None
    loader.want(path)
    qtbot.waitUntil(lambda: loader.get(path) is not None)
    assert loader.get(path).rgb_at(3, 3) == (255, 255, 255)  # type: ignore[union-attr]


def test_it_follows_the_project_and_the_settings(qtbot: QtBot, tasks: Tasks, tmp_path: Path) -> None:
    session, preferences, loader = Session(), Settings(tmp_path / "config"), PictureLoader(tasks)
    loader.follow(session, preferences)
    preferences.update(picture_cache_mb=100)
    assert loader.ahead_bytes == 50 * 2**20
    session.adopt(project_with_pictures(tmp_path / "p", 1))
    with qtbot.waitSignal(loader.outdated):
        session.set_setting("cameras", Cameras.of_window((5, 900)).to_json())
    with qtbot.waitSignal(loader.outdated):
        session.close()


def test_a_file_that_was_mended_is_read_again(qtbot: QtBot, tasks: Tasks, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"broken")
    loader = PictureLoader(tasks)
    with qtbot.waitSignal(loader.failed):
        loader.want(path)
    write_picture(path)
    loader.forget(path)
    assert loader.problem(path) is None
    with qtbot.waitSignal(loader.ready):
        loader.want(path)


def test_thumbnails_are_made_anew_through_another_window(qtbot: QtBot, tasks: Tasks, tmp_path: Path) -> None:
    path = write_picture(tmp_path / "deep.png", np.full((40, 40), 3000, np.uint16))
    loader = ThumbnailLoader(tasks)
    with qtbot.waitSignal(loader.loaded):
        loader.request(path, 32)
    assert loader.request(path, 32).toImage().pixelColor(5, 5).red() < 200  # type: ignore[union-attr]
    with qtbot.waitSignal(loader.loaded):
        loader.set_cameras(CameraLookup(Cameras.of_window((0, 3000))))
    assert loader.request(path, 32) is None
    with qtbot.waitSignal(loader.loaded):
        pass
    assert loader.request(path, 32).toImage().pixelColor(5, 5) == QColor(255, 255, 255)  # type: ignore[union-attr]


def test_only_a_change_of_the_file_being_looked_at_makes_the_view_outdated(
    qtbot: QtBot, tasks: Tasks, tmp_path: Path
) -> None:
    paths = write_pictures(tmp_path, 2)
    loader = PictureLoader(tasks)
    loader.want(paths[0], [paths[1]])
    qtbot.waitUntil(lambda: all(loader.get(path) is not None for path in paths))
    with qtbot.assertNotEmitted(loader.outdated):
        loader.read_again([paths[1]])
    assert loader.get(paths[1]) is None and loader.get(paths[0]) is not None
    with qtbot.waitSignal(loader.outdated):
        loader.read_again([paths[0]])
