"""A box without a label is neither a defect nor background: its pixels teach nothing, on whatever way they come."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.augmentation.config import PRESETS
from core.augmentation.pipeline import View, augment
from core.models.losses import LossSettings
from core.models.multilabel import Targets, detection_loss
from core.operations.start_run import prepare_run
from core.project.edits import image_edits
from core.project.snapshot import SnapshotImage, take_snapshot
from core.recipe.recipe import default_recipe
from core.training.data.dataset import ImageCache, TrainingSet, padded_targets
from core.training.data.mixing import Picture, paste_patch
from core.training.tasks.classification import ClassificationTask
from core.types import Split, Status
from tests.builders import draw, picture, project_with_pictures, write_picture
from tests.core.models.detection_targets import ANCHORS, answer, clean
from tests.core.training.small_training import small_recipe

HALF_KNOWN = (np.array([[2, 2, 18, 18], [30, 30, 46, 46]], np.float32), np.array([[True, False], [False, False]]))


def test_boxes_without_a_label_are_apart_in_a_split_and_keep_the_image(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 2) as project:
        first, second = project.image_ids()
        draw(project, first, (1, 1, 9, 9), ("pit",))
        draw(project, first, (20, 20, 30, 30), ())
        draw(project, second, (20, 20, 30, 30), ())  # nothing is said of it at all: left out
        project.apply(image_edits.set_split(project, [first, second], Split.TRAIN))
        (image,) = take_snapshot(project).of_split(Split.TRAIN)
    assert image.boxes.tolist() == [[1, 1, 9, 9]] and image.ignored.tolist() == [[20, 20, 30, 30]]
    assert image.truth.ignored.tolist() == [[20, 20, 30, 30]] and image.truth.ignored_by_label().all()


def test_padded_targets_hold_them_apart() -> None:
    found = padded_targets([HALF_KNOWN, (HALF_KNOWN[0][:1], HALF_KNOWN[1][:1])], 2)
    assert found.boxes_bm4.shape == (2, 1, 4) and found.valid_bm.all()
    assert found.ignored_bj4.tolist() == [[[30, 30, 46, 46]], [[0, 0, 0, 0]]]


@pytest.mark.parametrize("kind", ["focal", "mined_bce"])
def test_no_gradient_comes_from_their_pixels(kind: str) -> None:
    region = [24.0, 24.0, 48.0, 48.0]
    logits, codes = answer(1)
    truth = replace(clean(1), ignored_bj4=torch.tensor([[region]]))
    settings = LossSettings(kind=kind)
    detection_loss(logits, codes, ANCHORS, truth, settings).labels.backward()
    assert logits.grad is not None
    inside = ((ANCHORS[:, :2] >= 24) & (ANCHORS[:, 2:] <= 48)).all(dim=1)
    assert inside.any() and not logits.grad[0, inside].any()
    assert logits.grad.any()  # elsewhere the image teaches that there is nothing


def test_the_least_bit_of_one_in_a_picture_is_ignored() -> None:
    image = picture(64, 64, 1)
    boxes, labels = np.array([[4, 4, 20, 20], [28, 0, 64, 30]], np.float32), HALF_KNOWN[1]
    view = View((32, 32), "crop", centre=(16, 16))
    seen = augment(image, boxes, labels, PRESETS["None"], 1, view)
    assert seen.boxes.tolist() == [[4, 4, 20, 20], [28, 0, 32, 30]] and seen.cut == 0
    assert seen.labels.tolist() == labels.tolist()


def test_pictures_are_the_same_with_and_without_them(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png", picture(96, 96, 3))
    image = SnapshotImage(
        str(path), 96, 96, Status.LABELLED, Split.TRAIN, "", "a", HALF_KNOWN[0][:1], HALF_KNOWN[1][:1]
    )
    ignoring = replace(image, ignored=HALF_KNOWN[0][1:], ignored_labels=HALF_KNOWN[1][1:])
    recipe = small_recipe(augmentation=PRESETS["Strong"].model_dump())
    pictures = [TrainingSet([one], 2, recipe, (64, 64), ImageCache()).picture(1, 0, 0) for one in (image, ignoring)]
    assert np.array_equal(pictures[0].image, pictures[1].image)
    known = pictures[1].labels.any(axis=1)
    assert np.array_equal(pictures[0].boxes, pictures[1].boxes[known])


def test_what_a_patch_leaves_of_one_is_still_ignored() -> None:
    blank = np.zeros((64, 64, 3), np.uint8)
    under = Picture(blank, np.array([[0, 0, 64, 64]], np.float32), np.zeros((1, 2), bool), np.ones(1, np.float32))
    over = Picture(blank, np.zeros((0, 4), np.float32), np.zeros((0, 2), bool), np.zeros(0, np.float32))
    mixed = paste_patch(under, over, 0.9, np.random.default_rng(1))
    assert len(mixed.boxes) == 1 and not mixed.labels.any()


def test_a_classifier_is_not_taught_that_a_hidden_label_is_absent() -> None:
    task = ClassificationTask(("a", "b"), LossSettings(kind="mined_bce"))
    logits = torch.zeros(2, 2, requires_grad=True)
    task.loss_sums(logits, padded_targets([HALF_KNOWN, (HALF_KNOWN[0][:1], HALF_KNOWN[1][:1])], 2)).labels.backward()
    assert logits.grad is not None
    assert logits.grad[0, 1] == 0 and logits.grad[0, 0] < 0 and (logits.grad[1] != 0).all()


def test_a_part_of_a_batch_keeps_the_ignored_boxes_of_its_images() -> None:
    assert Targets(
        torch.zeros(3, 0, 4), torch.zeros(3, 0, 2), torch.zeros(3, 0, dtype=torch.bool)
    ).ignored_bj4.shape == (
        3,
        0,
        4,
    )


def test_a_run_says_how_many_there_are(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 4) as project:
        ids = project.image_ids()
        for image_id in ids:
            draw(project, image_id, (1, 1, 20, 20), ("pit",))
        draw(project, ids[0], (30, 30, 40, 40), ())
        project.apply(image_edits.set_split(project, ids[:3], Split.TRAIN))
        project.apply(image_edits.set_split(project, ids[3:], Split.VAL))
        folder = prepare_run(project, default_recipe("ssd_compact"))
        events, _ = folder.read_events()
    texts = [getattr(event, "text", "") for event in events]
    assert any(text.startswith("1 box has no label yet: ignored in training and validation") for text in texts)
