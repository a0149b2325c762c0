"""The sample: the same for the same seed, tight boxes, every label, and a project that is ready to train on."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.imaging.decode import decode
from core.project.snapshot import take_snapshot
from core.sample import SAMPLE_LABELS, generate_image, make_sample_project
from core.types import Status


def test_the_same_seed_gives_the_same_picture_and_another_gives_another() -> None:
    first, boxes, labels = generate_image(3, seed=7)
    again, same_boxes, same_labels = generate_image(3, seed=7)
    assert np.array_equal(first, again) and np.array_equal(boxes, same_boxes) and labels == same_labels
    assert not np.array_equal(first, generate_image(3, seed=8)[0])
    assert not np.array_equal(first, generate_image(4, seed=7)[0])


@pytest.mark.parametrize("size", [64, (100, 333), 1000])
def test_any_size_has_its_boxes_inside(size: int | tuple[int, int]) -> None:
    width, height = (size, size) if isinstance(size, int) else size
    seen = 0
    for index in range(8):
        picture, boxes, labels = generate_image(index, 1, size)
        assert picture.shape == (height, width, 3) and picture.dtype == np.uint8
        assert boxes.shape == (len(labels), 4) and boxes.dtype == np.float32
        assert (boxes[:, 2:] - boxes[:, :2] >= 2).all()
        assert (boxes[:, :2] >= 0).all() and (boxes[:, 2] <= width).all() and (boxes[:, 3] <= height).all()
        seen += len(boxes)
    assert seen > 0


def test_a_size_with_no_room_for_a_defect_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 64"):
        generate_image(0, size=32)


def test_a_larger_picture_has_more_defects_rather_than_huge_ones() -> None:
    large = [generate_image(index, 2, 1024)[1] for index in range(6)]
    usual = [generate_image(index, 2, 256)[1] for index in range(6)]
    assert sum(map(len, large)) > 2 * sum(map(len, usual))
    assert max(float((boxes[:, 2:] - boxes[:, :2]).max()) for boxes in large if len(boxes)) < 512


def test_all_labels_two_label_defects_and_clean_surfaces_turn_up() -> None:
    sets: Counter[frozenset[str]] = Counter()
    clean = 0
    for index in range(150):
        _, _, labels = generate_image(index)
        clean += not labels
        sets.update(frozenset(names) for names in labels)
    assert set().union(*sets) == set(SAMPLE_LABELS)
    for pair in ({"scratch", "stain"}, {"inclusion", "crack"}, {"pit", "stain"}):
        assert sets[frozenset(pair)] >= 2
    assert 10 <= clean <= 45


def test_a_box_differs_from_the_surface_around_it_and_is_not_much_too_large() -> None:
    """The colour inside a pit's or inclusion's box is off the surface's, and the box has no empty border."""
    checked = 0
    for index in range(60):
        picture, boxes, labels = generate_image(index)
        for (x1, y1, x2, y2), names in zip(boxes.astype(int).tolist(), labels, strict=True):
            if names not in ({"pit"}, {"inclusion"}):
                continue
            around = picture[max(y1 - 6, 0) : y2 + 6, max(x1 - 6, 0) : x2 + 6].astype(float)
            inside = picture[y1:y2, x1:x2].astype(float)
            border = np.median(around, axis=(0, 1))
            difference = np.abs(inside - border).sum(axis=2)
            assert difference.max() > 60, (index, names)
            checked += 1
    assert checked > 20


def test_a_picture_takes_milliseconds() -> None:
    generate_image(0)
    started = time.perf_counter()
    for index in range(10):
        generate_image(index)
    assert (time.perf_counter() - started) / 10 < 0.15


def test_a_sample_project_is_labelled_divided_and_the_same_every_time(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    with make_sample_project(
        tmp_path / "one", count=24, size=96, seed=5, progress=lambda *at: calls.append(at)
    ) as project:
        first = take_snapshot(project)
        counts = project.counts()
        assert counts.images == 24 and counts.boxes > 10
        assert set(counts.labels) == set(SAMPLE_LABELS)
        assert counts.status["clean"] > 0 and counts.status["unlabelled"] == 0
        assert min(counts.splits[name] for name in ("train", "val", "test")) >= 2 and counts.splits["none"] == 0
        clean = next(image for image in project.images() if image.status is Status.CLEAN)
        assert project.boxes(clean.id) == ()
        assert decode(project.image_path(clean)).shape == (96, 96, 3)
        assert {Path(image.path).suffix for image in project.images()} == {".png", ".jpg"}
    assert calls[-1] == (24, 24)
    with make_sample_project(tmp_path / "two", count=24, size=96, seed=5) as project:
        assert take_snapshot(project).hash == first.hash


def test_a_sample_replaces_no_picture_of_another_and_is_refused_before_work_begins(tmp_path: Path) -> None:
    mine = tmp_path / "images" / "surface-0001.png"
    mine.parent.mkdir()
    mine.write_bytes(b"mine")
    with pytest.raises(InputError, match=r"surface-0001\.png: exists and is not written over"):
        make_sample_project(tmp_path, count=4, size=64)
    assert mine.read_bytes() == b"mine"
    assert [path.name for path in tmp_path.rglob("*")] == ["images", mine.name]


def test_a_sample_that_is_cancelled_leaves_no_project_and_can_be_made_again(tmp_path: Path) -> None:
    def stop(done: int, _total: int) -> None:
        if done == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        make_sample_project(tmp_path, count=4, size=64, progress=stop)
    assert not (tmp_path / "project.sqlite").exists()
    with make_sample_project(tmp_path, count=4, size=64) as project:
        assert project.counts().images == 4


def test_a_folder_with_a_project_is_left_alone(tmp_path: Path) -> None:
    make_sample_project(tmp_path, count=2, size=64).close()
    with pytest.raises(InputError, match="there is a project"):
        make_sample_project(tmp_path, count=2, size=64)
