"""What is proposed for data of different kinds, and that it says why."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.jobs.events import SpeedMeasured
from core.models.device import mixed_precision
from core.project.snapshot import Snapshot, SnapshotImage, make_snapshot
from core.recipe.recipe import Recipe, default_recipe, parse_recipe, with_settings
from core.training import speed_trial
from core.training.data.proposal import ENOUGH_PICTURES, Proposal, choose_model, list_changes, propose
from core.training.data.speed import (
    Speed,
    estimate_duration,
    judged_pixels,
    learnt_pixels,
    load_speed,
    save_speed,
    speed_key,
)
from core.training.speed_trial import try_speed
from core.types import Split, Status
from tests.core.training.small_training import small_recipe, small_snapshot

BASE = default_recipe("ssd_compact")
SPEED = Speed(learning=1.0, judging=0.3)  # seconds for a million pixels

Sides = Callable[[np.random.Generator], tuple[float, float]]


def make_images(size: tuple[int, int], sides: Sides, train: int = 60, val: int = 10, boxes: int = 3) -> Snapshot:
    """Images of (width, height) with boxes of random sides, which exist nowhere."""
    random = np.random.default_rng(0)
    images = []
    for index in range(train + val):
        rows = []
        for _ in range(boxes):
            width, height = sides(random)
            x, y = random.uniform(0, size[0] - width), random.uniform(0, size[1] - height)
            rows.append((x, y, x + width, y + height))
        split = Split.TRAIN if index < train else Split.VAL
        labels = np.ones((boxes, 1), np.bool_)
        path = f"{index}.png"
        images.append(SnapshotImage(path, *size, Status.LABELLED, split, "", path, np.array(rows, np.float32), labels))
    return make_snapshot(("pit",), ("#ff0000",), tuple(images))


def square(low: float, high: float) -> Sides:
    def sides(random: np.random.Generator) -> tuple[float, float]:
        side = random.uniform(low, high)
        return side, side * random.uniform(0.8, 1.25)

    return sides


def proposed(snapshot: Snapshot, minutes: float = 4, speed: Speed = SPEED, device: str = "cpu") -> Proposal:
    recipe, chosen = choose_model(BASE, device, [], minutes)
    return propose(recipe, chosen, snapshot, minutes, speed)


SMALL_WITH_LARGE = make_images((200, 200), square(60, 140), boxes=1)
LARGE_WITH_SMALL = make_images((4000, 3000), square(14, 60), train=12, val=3, boxes=20)


def test_small_images_with_large_boxes_are_shown_whole_and_smaller_where_time_is_short() -> None:
    short, long = proposed(SMALL_WITH_LARGE, 3), proposed(SMALL_WITH_LARGE, 240)
    assert short.recipe.sampling.mode == long.recipe.sampling.mode == "whole"
    assert 96 <= short.recipe.sampling.input_size < long.recipe.sampling.input_size == 200


def test_small_defects_on_huge_images_keep_their_pixels_and_are_judged_seldom() -> None:
    found = proposed(LARGE_WITH_SMALL)
    assert (found.recipe.sampling.mode, found.recipe.sampling.input_size) == ("crops", 256)
    judged = found.recipe.schedule.epochs // found.recipe.evaluation.every
    assert judged * found.duration.judging <= 0.25 * found.recipe.schedule.epochs * found.duration.learning


def test_boxes_that_do_not_fit_into_crops_ask_for_more_than_crops_of_the_usual_size() -> None:
    found = proposed(make_images((900, 900), square(230, 500)), 60)
    assert found.recipe.sampling.mode == "whole" or found.recipe.sampling.input_size >= 512
    assert "too_large_for_crops" not in [one.code for one in found.findings]


def test_a_run_of_few_steps_has_smaller_batches_at_a_higher_rate() -> None:
    short, long = proposed(SMALL_WITH_LARGE, 1).recipe, proposed(SMALL_WITH_LARGE, 240).recipe
    assert (short.schedule.batch_size, short.optimizer.lr) == (8, 2 * BASE.optimizer.lr)
    assert (long.schedule.batch_size, long.optimizer.lr) == (16, BASE.optimizer.lr)
    assert short.optimizer.ema == 0 and long.optimizer.ema == 0.999


def test_the_epochs_fill_the_minutes_and_the_limit_is_the_users() -> None:
    found = proposed(LARGE_WITH_SMALL, 20)
    seconds = found.recipe.schedule.epochs * found.duration.learning
    assert seconds >= 20 * 60 * 0.8 and found.recipe.limits.time_minutes == 20
    assert found.duration.run_seconds(found.recipe) <= 20 * 60 + found.duration.judging
    assert proposed(SMALL_WITH_LARGE, 60 * 24, Speed(0.01, 0.003)).recipe.schedule.epochs == ENOUGH_PICTURES // 60


def test_boxes_that_lie_one_way_are_not_turned() -> None:
    def lying(random: np.random.Generator) -> tuple[float, float]:
        return random.uniform(60, 90), random.uniform(15, 25)

    fast = Speed(0.05, 0.02)
    assert proposed(make_images((640, 640), lying), 60, fast).recipe.augmentation.quarter_turn == 0
    assert proposed(make_images((640, 640), square(30, 60)), 60, fast).recipe.augmentation.quarter_turn == 0.5


@pytest.mark.parametrize("snapshot", [SMALL_WITH_LARGE, LARGE_WITH_SMALL])
@pytest.mark.parametrize("minutes", [0.1, 5, 2_000])
def test_every_choice_has_a_reason_and_the_recipe_says_what_they_say(snapshot: Snapshot, minutes: float) -> None:
    found = proposed(snapshot, minutes)
    about = [choice.about for choice in found.choices if choice.about != "Averaging"]
    assert about == ["Model", "Input", "Batch and rate", "Length", "Augmentation", "Anchors"]
    assert all(len(choice.why) > 20 and ", because " in choice.sentence for choice in found.choices)
    told = {name: value for choice in found.choices for name, value in choice.settings.items()}
    assert with_settings(found.recipe, told) == found.recipe
    values = found.to_json(BASE)
    assert with_settings(BASE, values["changes"]) == found.recipe == parse_recipe(values["recipe"], "here")


def test_changes_name_only_what_differs() -> None:
    assert list_changes(BASE, with_settings(BASE, {"schedule.epochs": 3, "seed": 4})) == {
        "schedule.epochs": 3,
        "seed": 4,
    }


def test_a_gpu_takes_a_larger_network_only_where_its_weights_are_here_and_time_is_enough() -> None:
    file = "ssd300_vgg16_coco-b556d3b4.pth"
    tuned, chosen = choose_model(with_settings(BASE, {"seed": 7}), "cuda", [file], 30)
    assert (tuned.model, tuned.weights.source, tuned.seed) == ("ssd300_vgg16", "coco", 7)
    assert "a GPU is here" in chosen.why
    for ready, minutes in ([], 30), ([file], 2):
        assert choose_model(BASE, "cuda", ready, minutes)[0].model == "ssd_compact"
    assert file in choose_model(BASE, "cuda", [], 30)[1].why


# -- speed ----------------------------------------------------------------------------------------------------------


def test_an_epoch_takes_as_long_as_its_pictures_and_judging_as_its_pixels() -> None:
    snapshot = make_images((512, 512), square(20, 40), train=4, val=2)
    train, val = snapshot.of_split(Split.TRAIN), snapshot.of_split(Split.VAL)
    found = estimate_duration(BASE, train, val, SPEED)
    assert (found.pictures, found.val_images) == (8, 2)  # two crops of 256 px cover half of 512 x 512
    assert found.learning == pytest.approx(8 * learnt_pixels(BASE, (256, 256)) / 1e6)
    assert learnt_pixels(BASE, (256, 256)) > 256 * 256  # reading, the loss and the optimiser cost something besides
    assert found.judging == pytest.approx(2 * 512 * 512 / 1e6 * 0.3)
    assert judged_pixels(BASE, (256, 256), (2048, 1024)) > 2048 * 1024  # tiles overlap
    twice = with_settings(BASE, {"schedule.epochs": 10, "evaluation.every": 2})
    assert found.run_seconds(twice) == pytest.approx(10 * found.learning + 5 * found.judging)


def test_a_judgement_takes_as_long_as_it_was_measured_where_not_all_images_are_judged() -> None:
    small, large = (make_images((side, side), square(20, 40), train=1, val=1) for side in (512, 2048))
    train, val = small.of_split(Split.TRAIN), [*small.of_split(Split.VAL), *large.of_split(Split.VAL)]
    first = with_settings(BASE, {"evaluation.max_images": 1})
    found = SpeedMeasured(0.1, 0.25, 6, 1, 100, 90, 1.0, 50.0, "CPU, 2 threads")
    assert estimate_duration(first, train, val, Speed.of_measured(found, first, train, val)).judging == pytest.approx(
        0.25
    )


def test_a_trial_measures_a_picture_and_counts_what_a_training_has(tmp_path: Path) -> None:
    snapshot = small_snapshot(tmp_path, 6, 2)
    *_, found = try_speed(small_recipe(), snapshot, lambda: False, seconds=0.1)
    assert isinstance(found, SpeedMeasured)
    assert (found.pictures, found.val_images) == (6, 2)
    assert 0 < found.trainable_parameters <= found.parameters and found.memory_mb > 0
    assert 0 < found.seconds_per_picture < 10 and 0 < found.seconds_per_image < 10
    train, val = snapshot.of_split(Split.TRAIN), snapshot.of_split(Split.VAL)
    speed = Speed.of_measured(found, small_recipe(), train, val)
    again = estimate_duration(small_recipe(), train, val, speed)
    assert again.learning == pytest.approx(6 * found.seconds_per_picture)
    assert again.judging == pytest.approx(2 * found.seconds_per_image)
    assert list(try_speed(small_recipe(), snapshot, lambda: True)) == []


def test_a_trial_judges_in_the_precision_of_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def record(device: torch.device, precision: str) -> AbstractContextManager[Any]:
        asked.append(precision)
        return mixed_precision(device, precision)

    monkeypatch.setattr(speed_trial, "mixed_precision", record)
    list(try_speed(small_recipe(limits__precision="fp32"), small_snapshot(tmp_path, 4, 2), lambda: False, seconds=0.1))
    assert asked == ["fp32"]


def test_a_measurement_is_remembered_for_its_machine_model_and_size(tmp_path: Path) -> None:
    found = SpeedMeasured(0.1, 0.2, 6, 2, 100, 90, 1.0, 50.0, "CPU, 2 threads")
    path = tmp_path / "cache" / "speed.json"
    values = {name: getattr(found, name) for name in found.__dataclass_fields__}
    key = speed_key(BASE)
    save_speed(path, key, values)
    assert load_speed(path, key) == found
    other: list[Recipe] = [with_settings(BASE, {"sampling.input_size": 320}), default_recipe("ssd300_vgg16")]
    other.append(with_settings(BASE, {"sampling.mode": "whole"}))  # large images are judged in tiles, or shrunk
    assert (
        all(load_speed(path, speed_key(recipe)) is None for recipe in other)
        and load_speed(path, speed_key(with_settings(BASE, {"limits.threads": 7}))) is None
    )
    path.write_text("[1,")
    assert load_speed(path, key) is None
    path.write_text(json.dumps({key: {"seconds_per_picture": 1}}))
    assert load_speed(path, key) is None
