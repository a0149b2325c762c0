"""Batches: the same pictures whatever prepares them, and wherever a run is taken up again."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from core.augmentation.config import PRESETS, AugmentationConfig
from core.augmentation.draws import Draws, either_way
from core.augmentation.pipeline import View, augment
from core.augmentation.warp import resize
from core.imaging.decode import decode
from core.project.images.image_files import content_hash
from core.project.snapshot import SnapshotImage
from core.recipe.recipe import Recipe, default_recipe, with_settings
from core.training.data import tile_file
from core.training.data.crops import kept_size, picture_seed
from core.training.data.dataset import Batch, ImageCache, TrainingSet
from core.types import Split, Status
from tests.builders import picture, write_picture

WIDTH, HEIGHT = 160, 120
SIZE = (48, 36)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[SnapshotImage]:
    folder, made = tmp_path_factory.mktemp("images"), []
    for number in range(11):
        path = write_picture(folder / f"{number}.png", picture(WIDTH, HEIGHT, seed=number))
        count = number % 4
        corners = np.random.default_rng(number).integers(0, 90, (count, 2))
        boxes = np.concatenate([corners, corners + 25], axis=1).astype(np.float32)
        labels = np.eye(3, dtype=bool)[np.arange(count) % 3] | (np.arange(3) == number % 3)
        status = Status.LABELLED if count else Status.CLEAN
        made.append(
            SnapshotImage(
                str(path), WIDTH, HEIGHT, status, Split.TRAIN, "", content_hash(path), boxes, labels.reshape(count, 3)
            )
        )
    return made


def recipe(mode: str = "whole", **changes: Any) -> Recipe:
    quick = {
        "sampling.input_size": 64,
        "sampling.mode": mode,
        "schedule.batch_size": 4,
        "schedule.epochs": 4,
        "augmentation": PRESETS["Medium"].model_dump(),
        "mixing.off_for_last": 1,
    }
    return with_settings(
        default_recipe("ssd_compact"), quick | {name.replace("__", "."): value for name, value in changes.items()}
    )


EVERYTHING = {
    "mixing__mosaic": 0.4,
    "mixing__mixup": 0.3,
    "mixing__cutmix": 0.3,
    "sampling__rare_labels": 0.9,
    "sampling__empty_share": 0.6,
}


def dataset(images: list[SnapshotImage], chosen: Recipe, cache: ImageCache | None = None) -> TrainingSet:
    size = SIZE if chosen.sampling.mode == "whole" else (64, 64)
    return TrainingSet(images, 3, chosen, size, cache or ImageCache(10**8))


def tensors(batch: Batch) -> list[torch.Tensor]:
    return [batch.images_b3hw, batch.targets.boxes_bm4, batch.targets.labels_bmk, batch.targets.valid_bm]


def same(first: list[Batch], second: list[Batch]) -> bool:
    return len(first) == len(second) and all(
        torch.equal(a, b)
        for one, other in zip(first, second, strict=True)
        for a, b in zip(tensors(one), tensors(other), strict=True)
    )


def pictures(batches: list[Batch]) -> list[tuple[bytes, bytes, bytes]]:
    """Each picture of the batches with its boxes and labels, without padding."""
    found = []
    for batch in batches:
        for row, valid in enumerate(batch.targets.valid_bm):
            boxes, labels = batch.targets.boxes_bm4[row][valid], batch.targets.labels_bmk[row][valid]
            found.append((batch.images_b3hw[row].numpy().tobytes(), boxes.numpy().tobytes(), labels.numpy().tobytes()))
    return found


# -- the same whatever prepares them


@pytest.mark.parametrize(("mode", "placing"), [("whole", "random"), ("crops", "random"), ("crops", "tiles")])
def test_batches_are_the_same_whatever_the_workers_and_the_cache(
    images: list[SnapshotImage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, placing: str
) -> None:
    monkeypatch.setattr(tile_file, "TILE", 32)
    monkeypatch.setattr(tile_file, "ONE_TILE_BYTES", 1000)
    chosen = recipe(mode, sampling__placing=placing, **EVERYTHING)
    several, alone = (with_settings(chosen, {"limits.workers": workers}) for workers in (5, 1))
    expected = list(dataset(images, alone).batches(2))
    assert len(expected) >= 2 and same(expected, list(dataset(images, chosen).batches(2)))
    disk = ImageCache(0, folder=tmp_path, disk_bytes=10**8)
    assert same(expected, list(dataset(images, several, disk).batches(2)))
    decoded = disk.decoded
    assert decoded <= len(images)
    assert same(expected, list(dataset(images, several, disk).batches(2)))
    again = ImageCache(0, folder=tmp_path, disk_bytes=10**8)
    assert same(expected, list(dataset(images, several, again).batches(2)))
    assert disk.decoded == decoded and again.decoded == 0, "all is on the disk"
    assert same(expected, list(dataset(images, several, ImageCache(0)).batches(2)))


@pytest.mark.parametrize("first", [0, 1, 2])
def test_an_epoch_can_be_taken_up_at_any_step(images: list[SnapshotImage], first: int) -> None:
    data = dataset(images, recipe(**EVERYTHING))
    assert data.steps >= 3
    assert same(list(data.batches(3))[first:], list(dataset(images, recipe(**EVERYTHING)).batches(3, first_step=first)))


@pytest.mark.parametrize(("size", "each"), [(2, 2), (4, 1)])
def test_processes_share_the_pictures_of_the_batches_that_one_would_take(
    images: list[SnapshotImage], size: int, each: int
) -> None:
    data = dataset(images, recipe(**EVERYTHING))
    alone = list(data.batches(1))
    shares = [list(data.batches(1, rank=rank, size=size, batch_size=each)) for rank in range(size)]
    assert {len(share) for share in shares} == {data.batch_count(size, each)} == {len(alone)}
    for step, batch in enumerate(alone):
        together = [one for share in shares for one in pictures([share[step]])]
        assert together == pictures([batch])


def test_a_smaller_batch_shows_the_same_pictures_in_the_same_order(images: list[SnapshotImage]) -> None:
    data = dataset(images, recipe())
    assert pictures(list(data.batches(1, batch_size=2))) == pictures(list(data.batches(1)))
    assert data.batch_count(batch_size=2) == len(list(data.batches(1, batch_size=2))) == 6


def test_epochs_differ_and_the_seed_matters(images: list[SnapshotImage]) -> None:
    data, other = dataset(images, recipe()), dataset(images, recipe(seed=1))
    first = pictures(list(data.batches(1)))
    assert len(set(first)) == 11
    assert not set(first) & set(pictures(list(data.batches(2)))) and not set(first) & set(
        pictures(list(other.batches(1)))
    )


def test_batches_are_uint8_in_channels_last_order_with_padded_targets(images: list[SnapshotImage]) -> None:
    for batch in dataset(images, recipe()).batches(1):
        assert batch.images_b3hw.dtype == torch.uint8 and batch.images_b3hw.shape[1:] == (3, SIZE[1], SIZE[0])
        assert batch.images_b3hw.is_contiguous(memory_format=torch.channels_last)
        valid = batch.targets.valid_bm
        assert valid.sum(dim=1).max() == valid.shape[1] or not valid.any()
        assert (batch.targets.labels_bmk.sum(dim=2) > 0).equal(valid)
        boxes = batch.targets.boxes_bm4[valid]
        assert (boxes[:, 2:] > boxes[:, :2]).all() and (boxes <= torch.tensor([*SIZE, *SIZE])).all()


def test_a_consumer_that_leaves_early_leaves_no_thread_behind(images: list[SnapshotImage]) -> None:
    batches = dataset(images, recipe()).batches(1)
    next(batches)
    batches.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("augment")]


# -- mixing


def test_mixing_ends_for_the_last_epochs_and_changes_nothing_there(images: list[SnapshotImage]) -> None:
    plain, mixing = dataset(images, recipe()), dataset(images, recipe(mixing__mosaic=1.0))
    assert pictures(list(plain.batches(4))) == pictures(list(mixing.batches(4)))
    assert not set(pictures(list(plain.batches(3)))) & set(pictures(list(mixing.batches(3))))


def test_a_mosaic_is_made_of_pictures_of_the_same_epoch(images: list[SnapshotImage]) -> None:
    """Of plain coloured images the colours in a picture tell where it comes from."""
    data = dataset(images, recipe(mixing__mosaic=1.0, augmentation=PRESETS["None"].model_dump()))
    plain = dataset(images, recipe(augmentation=PRESETS["None"].model_dump()))
    whole = {number: plain.picture(1, number, 0).image.reshape(-1, 3) for number in range(11)}
    mixed = data.picture(1, 3, 0).image
    known = {tuple(color) for colors in whole.values() for color in colors.tolist()}
    assert {tuple(color) for color in mixed.reshape(-1, 3).tolist()} <= known
    assert not np.array_equal(mixed, plain.picture(1, 3, 0).image)


# -- what is kept small shows the same


def test_without_a_change_of_place_a_kept_image_gives_the_very_pixels_of_the_image(images: list[SnapshotImage]) -> None:
    chosen = recipe(augmentation=PRESETS["Light"].model_dump())
    data = dataset(images, chosen)
    for number, record in enumerate(images):
        assert kept_size(chosen.augmentation, View(SIZE, "whole"), (WIDTH, HEIGHT)) == SIZE
        seed = picture_seed(chosen, 1, number, 0)
        expected = augment(
            decode(record.path), record.boxes, record.labels, chosen.augmentation, seed, View(SIZE, "whole")
        )
        found = data.picture(1, number, 0)
        assert np.array_equal(found.image, expected.image) and np.array_equal(found.boxes, expected.boxes)


@pytest.mark.parametrize("preset", ["Medium", "Strong"])
def test_a_kept_image_moves_boxes_as_the_image_does_and_differs_only_in_sharpness(preset: str) -> None:
    config, view = PRESETS[preset].model_copy(update={"noise": 0.0}), View((100, 75), "whole")
    image = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (900, 1200, 3), np.uint8), (0, 0), 12)
    image = cv2.normalize(image, None, 0, 255, cv2.NORM_MINMAX)
    boxes = np.array([[100, 100, 300, 250], [800, 600, 1000, 820]], np.float32)
    labels = np.ones((2, 1), bool)
    small = resize(image, kept_size(config, view, (1200, 900)))
    assert small.size <= image.size / 9
    for seed in range(20):
        whole = augment(image, boxes, labels, config, seed, view)
        kept = augment(small, boxes, labels, config, seed, view, (1200, 900))
        assert np.array_equal(whole.hulls, kept.hulls) and np.array_equal(whole.boxes, kept.boxes)
        difference = np.abs(whole.image.astype(int) - kept.image)
        # The image uses all 256 grey levels.
        assert difference.mean() < 3 and np.quantile(difference, 0.99) < 12


def test_where_augmentation_enlarges_most_a_pixel_is_still_a_pixel_of_what_is_kept() -> None:
    """A pattern as fine as the picture's own pixels must survive the largest enlargement."""
    config = AugmentationConfig(horizontal_flip=0, vertical_flip=0, brightness=0, contrast=0, scale=0.5)
    view = View((64, 64), "whole")
    # Stripes as wide as a pixel of the plain view, up to two when the image is enlarged.
    stripes = np.repeat(((np.arange(640) // 10) % 2 * 255).astype(np.uint8)[None], 640, axis=0)
    image = np.repeat(stripes[..., None], 3, axis=2)
    small = resize(image, kept_size(config, view, (640, 640)))
    assert small.shape[0] == 128
    none = np.zeros((0, 4), np.float32), np.zeros((0, 1), bool)
    enlarged = 0
    for seed in range(60):
        factor = 2 ** either_way(Draws.of(np.random.Generator(np.random.SFC64(seed))).scale, 1)
        if factor > 1.5:
            enlarged += 1
            whole = augment(image, *none, config, seed, view).image[32, 8:56, 0].astype(float)
            kept = augment(small, *none, config, seed, view, (640, 640)).image[32, 8:56, 0].astype(float)
            assert kept.std() > 0.85 * whole.std() and kept.std() > 60
    assert enlarged > 5
