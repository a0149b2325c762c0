"""An image that takes long holds up no other, and a look at it comes before it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from core.imaging.cancelling import CancelToken
from core.imaging.decode import decode
from core.imaging.png_bands import Progress
from core.imaging.window import Window
from desktop.base.background import Tasks
from desktop.viewer import pictures, slow_pictures
from desktop.viewer.pictures import PictureLoader
from desktop.viewer.pyramid import Placing, Pyramid, make_preview, make_pyramid, render
from desktop.viewer.slow_pictures import FirstLook, look_at_slow, look_first
from tests.builders import picture, write_pictures


@pytest.fixture
def tasks(qtbot: QtBot) -> Iterator[Tasks]:
    tasks = Tasks(threads=1)
    yield tasks
    tasks.shut_down()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Anything of more than 100,000 bytes takes long: until this is set."""
    monkeypatch.setattr(slow_pictures, "SLOW", 100_000)
    monkeypatch.setattr(slow_pictures, "PREVIEW", 200)
    gate, load = threading.Event(), slow_pictures.load_picture

    def load_late(path: Path, window: Window | None, cancel: CancelToken, progress: Progress | None) -> Pyramid:
        while not gate.wait(0.01):
            cancel.check()
        return load(path, window, cancel, progress)

    monkeypatch.setattr(pictures, "load_picture", load_late)
    yield gate
    gate.set()


def write_large(path: Path, width: int = 1600, height: int = 1200) -> Path:
    """A smooth picture, in which the place tells the value."""
    across, down = np.linspace(0, 127, width), np.linspace(0, 127, height)
    image = np.repeat(np.add.outer(down, across).astype(np.uint8)[..., None], 3, axis=2)
    assert cv2.imwrite(str(path), image)
    return path


def test_small_images_wait_for_no_large_ones(qtbot: QtBot, tasks: Tasks, tmp_path: Path, gate: threading.Event) -> None:
    large = [write_large(tmp_path / f"large{number}.png") for number in range(4)]
    small = write_pictures(tmp_path / "small", 3)
    loader = PictureLoader(tasks)
    for path in large:
        loader.want(path, large)
        qtbot.waitUntil(lambda path=path: loader.first_look(path) is not None)
    loader.want(small[0], [large[0], small[1], large[1], small[2]])
    qtbot.waitUntil(lambda: all(loader.get(path) is not None for path in small))
    assert all(loader.get(path) is None for path in large)


def test_of_a_jpeg_a_preview_comes_first_and_the_picture_after_it(
    qtbot: QtBot, tasks: Tasks, tmp_path: Path, gate: threading.Event
) -> None:
    path = write_large(tmp_path / "large.jpg")
    loader = PictureLoader(tasks)
    with qtbot.waitSignal(loader.looked):
        loader.want(path)
    look = loader.first_look(path)
    assert look is not None and look.preview is not None and (look.width, look.height) == (1600, 1200)
    assert (look.preview.width, look.preview.height) == (1600, 1200) and look.preview.is_preview
    with qtbot.waitSignal(loader.ready):
        gate.set()
    whole = loader.get(path)
    assert whole is not None and not whole.is_preview and loader.first_look(path) is None
    assert np.array_equal(whole.levels[0], decode(path))


def test_a_neighbour_that_is_fetched_already_is_looked_at_when_it_is_wanted(
    qtbot: QtBot, tasks: Tasks, tmp_path: Path, gate: threading.Event
) -> None:
    (small,), large = write_pictures(tmp_path / "small", 1), write_large(tmp_path / "large.jpg")
    loader = PictureLoader(tasks)
    loader.want(small, [large])
    qtbot.waitUntil(lambda: loader.get(small) is not None)
    assert loader.first_look(large) is None  # nobody looks at it
    with qtbot.waitSignal(loader.looked):
        loader.want(large, [small])
    look = loader.first_look(large)
    assert look is not None and look.preview is not None
    with qtbot.waitSignal(loader.ready):
        gate.set()


def test_a_look_belongs_to_the_image_that_is_wanted(
    qtbot: QtBot, tasks: Tasks, tmp_path: Path, gate: threading.Event
) -> None:
    large, small = write_large(tmp_path / "large.jpg"), write_pictures(tmp_path / "small", 1)[0]
    loader = PictureLoader(tasks)
    with qtbot.waitSignal(loader.looked):
        loader.want(large)
    with qtbot.waitSignal(loader.ready):
        loader.want(small)
    assert loader.first_look(large) is None
    loader.forget()
    gate.set()
    assert tasks.wait_idle() and loader.get(large) is None


def test_what_nobody_waits_for_any_more_is_stopped(
    qtbot: QtBot, tasks: Tasks, tmp_path: Path, gate: threading.Event
) -> None:
    large, small = [write_large(tmp_path / f"{number}.png") for number in range(5)], write_pictures(tmp_path / "s", 1)
    loader = PictureLoader(tasks)
    for path in large:
        loader.want(path)
        qtbot.waitUntil(lambda path=path: loader.first_look(path) is not None)
    loader.want(small[0])
    # Two are decoded at a time: had those before not been stopped, the last would never come to its turn.
    loader.want(large[-1])
    gate.set()
    qtbot.waitUntil(lambda: loader.get(large[-1]) is not None)
    assert all(loader.get(path) is None for path in large[:-1])


def test_how_much_is_read_is_known_while_a_png_is_decoded(
    qtbot: QtBot, tasks: Tasks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    monkeypatch.setattr(slow_pictures, "SLOW", 100_000)

    def load_by_halves(path: Path, window: Window | None, cancel: CancelToken, progress: Progress) -> Pyramid:
        progress(0.5)
        gate.wait(20)
        return slow_pictures.load_picture(path, window, cancel, progress)

    monkeypatch.setattr(pictures, "load_picture", load_by_halves)
    loader, path = PictureLoader(tasks), write_large(tmp_path / "large.png")
    loader.want(path)
    qtbot.waitUntil(lambda: loader.read_share(path) == 0.5)
    gate.set()
    qtbot.waitUntil(lambda: loader.get(path) is not None)
    assert loader.read_share(path) is None


def test_other_formats_tell_the_size_until_they_are_decoded(gate: threading.Event, tmp_path: Path) -> None:
    path = write_large(tmp_path / "large.png")
    assert look_first(path, None) == look_at_slow(path, None) == FirstLook(1600, 1200, None)
    (small,) = write_pictures(tmp_path / "small", 1)
    assert isinstance(look_first(small, None), Pyramid) and look_at_slow(small, None) is None


@pytest.mark.parametrize("scale", [0.1, 0.37, 1.0, 3.0])
def test_a_preview_lies_where_the_picture_does(scale: float) -> None:
    across, down = np.linspace(0, 127, 1603), np.linspace(0, 127, 1203)
    image = np.add.outer(down, across).astype(np.uint8)
    small = cv2.resize(image, (201, 151), interpolation=cv2.INTER_AREA)
    preview, whole = make_preview(np.asarray(small, np.uint8), (1603, 1203)), make_pyramid(image)
    area = (10, 10, round(1603 * scale) - 10, round(1203 * scale) - 10)
    drawn = [render(pyramid, Placing(scale, 0, 0), area).astype(int) for pyramid in (preview, whole)]
    assert np.abs(drawn[0] - drawn[1]).max() <= 3


def test_a_picture_that_is_no_preview_has_the_size_of_its_pixels() -> None:
    whole = make_pyramid(picture(90, 70))
    assert not whole.is_preview and (whole.width, whole.height) == (90, 70)
