"""What a run finds on a few validation images, epoch by epoch."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from core.project.snapshot import SnapshotImage
from core.training.samples import FOLDER, SampleBox, SampleWriter, choose_samples, read_samples
from core.types import Detections, Split, Status
from tests.builders import picture

NAMES = ("scratch", "pit")


def make_image(
    name: str, boxes: list[tuple[float, float, float, float]], size: tuple[int, int] = (640, 480)
) -> SnapshotImage:
    labels = np.tile([[True, False]], (len(boxes), 1))
    xyxy = np.array(boxes, np.float32).reshape(-1, 4)
    return SnapshotImage(f"/x/{name}", *size, Status.LABELLED, Split.VAL, "", name, xyxy, labels.reshape(-1, 2))


IMAGES = [make_image(f"{number}.png", [(10, 20, 110, 220)] if number % 2 else []) for number in range(10)]


def find(score: float, pit: float = 0.0) -> Detections:
    return Detections(np.array([[20, 40, 220, 440]], np.float32), np.array([[score, pit]], np.float32), NAMES)


def test_the_images_are_chosen_by_the_seed_those_with_boxes_first_whatever_their_order() -> None:
    chosen = [IMAGES[place].path for place in choose_samples(IMAGES, 4, seed=1)]
    turned = list(reversed(IMAGES))
    assert {turned[place].path for place in choose_samples(turned, 4, seed=1)} == set(chosen)
    assert all(len(one.boxes) for one in IMAGES if one.path in chosen)
    assert len({tuple(choose_samples(IMAGES, 4, seed=seed)) for seed in range(20)}) > 1
    assert len(choose_samples(IMAGES, 7, seed=1)) == 7, "clean ones are shown where there are no others"
    assert choose_samples(IMAGES, 0, seed=1) == [] and len(choose_samples(IMAGES, 99, seed=1)) == 10


def write(folder: Path, epochs: dict[int, Detections], thresholds: dict[str, float]) -> None:
    image = make_image("a.png", [(10, 20, 110, 220)])
    writer = SampleWriter(folder, [make_image("clean.png", []), image], NAMES, seed=1, count=1)
    assert [one.path for one in writer.images] == ["/x/a.png"]
    if writer.needs_pictures:
        writer.write_pictures([picture(640, 480)])
    for epoch, found in epochs.items():
        writer.keep_found([Detections.empty(NAMES), found])
        writer.write_epoch(epoch, thresholds)


def test_what_is_written_is_small_and_read_as_it_was(tmp_path: Path) -> None:
    write(tmp_path, {1: find(0.4), 2: find(0.75, 0.625)}, {"scratch": 0.5, "pit": 0.6})
    samples = read_samples(tmp_path)
    assert samples is not None and samples.label_names == NAMES and samples.epochs == [1, 2]
    (image,) = samples.images
    assert (image.name, image.width, image.height) == ("a.png", 320, 240)
    assert cv2.imread(str(image.picture)).shape == (240, 320, 3)
    assert image.truth == (SampleBox((5, 10, 55, 110), (0,)),)
    assert samples.found[1] == ((),), "0.4 does not count as a scratch from 0.5 on"
    assert samples.found[2] == ((SampleBox((10, 20, 110, 220), (0, 1), 0.75),),)
    assert sum(path.stat().st_size for path in (tmp_path / FOLDER).iterdir()) < 60_000


def test_a_run_that_is_resumed_takes_back_the_epochs_that_it_repeats(tmp_path: Path) -> None:
    write(tmp_path, {epoch: find(0.75) for epoch in (1, 2, 3)}, {})
    before = (tmp_path / FOLDER / "0.jpg").read_bytes()
    write(tmp_path, {2: find(0.9)}, {})
    samples = read_samples(tmp_path)
    assert samples is not None and samples.epochs == [1, 2]
    assert samples.found[2][0][0].score == pytest.approx(0.9)
    assert (tmp_path / FOLDER / "0.jpg").read_bytes() == before


def test_files_that_are_torn_or_not_there_are_passed_over(tmp_path: Path) -> None:
    assert read_samples(tmp_path) is None
    write(tmp_path, {1: find(0.75), 2: find(0.75)}, {})
    (tmp_path / FOLDER / "epoch-0002.json").write_text('{"epoch": 2, "ima', "utf-8")
    (tmp_path / FOLDER / "epoch-0003.json").write_text('{"epoch": 3, "images": []}', "utf-8")
    samples = read_samples(tmp_path)
    assert samples is not None and samples.epochs == [1]
    (tmp_path / FOLDER / "samples.json").write_text("[]", "utf-8")
    assert read_samples(tmp_path) is None
