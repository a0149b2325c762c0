"""What a picture shows of a defect that is cut too much to be taught is neither a defect nor background."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from core.augmentation.config import PRESETS
from core.augmentation.pipeline import Augmented, View, augment
from core.inference.runner import Output, Part
from core.models.anchors import fit_enough
from core.models.box_coder import DELTAS, POINTS, Coding
from core.models.losses import LossSettings
from core.models.multilabel import Targets, detection_loss
from core.models.networks.detector import grid_anchors
from core.models.registry import MODELS
from core.project.snapshot import SnapshotImage
from core.training.data.crops import training_view
from core.training.data.dataset import ImageCache, TrainingSet, padded_targets
from core.training.data.mixing import Picture
from core.training.validation import part_targets
from core.types import Split, Status
from tests.builders import picture, write_picture
from tests.core.training.small_training import small_recipe

SIDE = 256
SCRATCH = (40.0, 300.0, 940.0, 340.0)  # 900 x 40: no crop of 256 px shows half of it
DETECTORS = [name for name, spec in MODELS.items() if spec.task == "detect"]
FAMILY_SHAPES = np.array([[0, 0, 20, 20], [0, 0, 40, 40], [0, 0, 90, 40], [0, 0, 40, 120], [0, 0, 200, 40]], np.float32)


def crop_of(boxes: list[tuple[float, ...]], centre: tuple[float, float], clipped: str = "ignore") -> Augmented:
    rows = np.array(boxes, np.float32).reshape(-1, 4)
    view = replace(training_view(small_recipe(sampling__clipped=clipped), (SIDE, SIDE)), centre=centre)
    image = np.full((640, 1000, 3), 90, np.uint8)
    return augment(image, rows, np.ones((len(rows), 2), np.bool_), PRESETS["None"], 1, view)


def targets_of(seen: Augmented) -> Targets:
    shown = Picture.of(seen)
    return padded_targets([(shown.boxes, shown.labels)], 2)


def family_grid(model: str) -> tuple[Tensor, Coding]:
    """All anchors, or points, of a model on a picture of SIDE, and how it gives them to boxes."""
    spec = MODELS[model]
    anchors = fit_enough(FAMILY_SHAPES, spec.strides, spec.anchors)
    grids = [
        grid_anchors((-(-SIDE // stride),) * 2, stride, shapes, 0.0 if anchors.points else 0.5)
        for stride, shapes in zip(anchors.strides, anchors.shapes, strict=True)
        if shapes
    ]
    return torch.cat(grids), POINTS if anchors.points else DELTAS


def lie_on(anchors_a4: Tensor, region: NDArray[np.float32]) -> Tensor:
    """Whose centre lies in the region."""
    centre = (anchors_a4[:, :2] + anchors_a4[:, 2:]) / 2
    low, high = torch.from_numpy(region[:2]), torch.from_numpy(region[2:])
    return ((centre >= low) & (centre < high)).all(dim=1)


def test_a_part_too_small_to_be_taught_is_spared() -> None:
    seen = crop_of([SCRATCH, (10, 10, 30, 30)], (490, 320))
    assert (seen.cut, len(seen.boxes)) == (1, 0)
    assert seen.spared.tolist() == [[0, 108, 256, 148]]
    shown = targets_of(seen)
    assert shown.boxes_bm4.shape[1] == 0 and shown.ignored_bj4.tolist() == [[[0, 108, 256, 148]]]


@pytest.mark.parametrize("model", DETECTORS)
def test_no_anchor_and_no_point_on_it_is_a_negative(model: str) -> None:
    seen = crop_of([SCRATCH], (490, 320))
    anchors_a4, coding = family_grid(model)
    on_a = lie_on(anchors_a4, seen.spared[0])
    blank = padded_targets([(np.zeros((0, 4), np.float32), np.zeros((0, 2), np.bool_))], 2)
    before = coding.match(anchors_a4, blank).negative_ba[0]
    after = coding.match(anchors_a4, targets_of(seen)).negative_ba[0]
    assert int(before[on_a].sum()) == int(on_a.sum()) > 0
    assert int(after[on_a].sum()) == 0
    assert after.any()  # beside it the picture teaches that nothing is there


@pytest.mark.parametrize("kind", ["focal", "mined_bce"])
@pytest.mark.parametrize("model", DETECTORS)
def test_no_loss_teaches_that_it_is_background(model: str, kind: str) -> None:
    seen = crop_of([SCRATCH, (400, 380, 440, 420)], (490, 320))
    anchors_a4, coding = family_grid(model)
    torch.manual_seed(1)
    logits = torch.randn(1, len(anchors_a4), 2)
    shown = targets_of(seen)
    on_a = lie_on(anchors_a4, seen.spared[0]) & ~coding.match(anchors_a4, shown).positive_ba[0]
    logits[0, on_a] += 9  # the hardest of all, if they were negatives
    logits.requires_grad_(True)
    numbers = torch.randn(1, len(anchors_a4), coding.numbers)
    detection_loss(logits, numbers, anchors_a4, shown, LossSettings(kind=kind)).labels.backward()
    assert logits.grad is not None and not logits.grad[0, on_a].any()
    assert logits.grad[0, ~on_a].any()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["whole", "crop"]), st.sampled_from([0.0, 0.5, 0.9]))
def test_every_visible_bit_of_a_defect_is_taught_or_spared(seed: int, mode: str, min_visible: float) -> None:
    """Whatever turned, cut or moved it: the pixels of a defect are never among what is taken for background."""
    rng = np.random.default_rng(seed)
    boxes = np.concatenate([rng.uniform(0, 90, (5, 2)), np.zeros((5, 2))], axis=1)
    boxes[:, 2:] = boxes[:, :2] + rng.uniform(2, 110, (5, 2))
    changes = PRESETS["Strong"].model_copy(update={"min_visible": min_visible, "quarter_turn": 0.5, "rotation": 45})
    view = View((64, 64), mode, 0.5)  # type: ignore[arg-type]
    result = augment(picture(200, 200, 1), boxes.astype(np.float32), np.ones((5, 1), np.bool_), changes, seed, view)
    assert len(result.boxes) + len(result.spared) == (result.visible > 0).sum() and result.cut == len(result.spared)
    hulls = result.hulls[result.visible > 0].clip(0, 64)
    rows = np.concatenate([result.boxes, result.spared])
    assert np.allclose(hulls[np.lexsort(hulls.T)], rows[np.lexsort(rows.T)], atol=1e-4)


def test_mixed_pictures_carry_it_too(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png", picture(1000, 640, 3))
    scratch = np.array([SCRATCH], np.float32)
    image = SnapshotImage(
        str(path), 1000, 640, Status.LABELLED, Split.TRAIN, "", "a", scratch, np.ones((1, 2), np.bool_)
    )
    recipe = small_recipe(mixing__mosaic=1, mixing__cutmix=1, mixing__mixup=1, mixing__off_for_last=0)
    data = TrainingSet([image], 2, recipe, (64, 64), ImageCache())
    for turn in range(20):
        shown = data.picture(1, 0, turn)
        assert not shown.labels.any()  # no picture of 64 px shows half of it
    assert any(len(data.picture(1, 0, turn).boxes) for turn in range(20))


def test_a_validation_tile_does_not_judge_it_either() -> None:
    image = SnapshotImage(
        "a", 1000, 640, Status.LABELLED, Split.VAL, "", "a", np.array([SCRATCH], np.float32), np.ones((1, 2), np.bool_)
    )
    output = Output(Part(0, 200, SIDE, 200 + SIDE, 1.0, 1.0), None, (SIDE, SIDE))
    shown = part_targets(output, image)
    assert not shown.valid_bm.any() and shown.ignored_bj4.tolist() == [[[40, 100, 256, 140]]]


def test_the_clipped_part_of_a_long_defect_can_be_taught() -> None:
    seen = crop_of([SCRATCH], (490, 320), "teach")
    assert seen.boxes.tolist() == [[0, 108, 256, 148]] and seen.labels.all() and not len(seen.spared)
    # Less of it than it is wide, or less than half of its breadth: nobody would know it for a scratch.
    assert crop_of([SCRATCH], (40 - 128 + 39, 320), "teach").spared.tolist() == [[217, 108, 256, 148]]
    assert crop_of([SCRATCH], (490, 340 - 19 + 128), "teach").spared.tolist() == [[0, 0, 256, 19]]
    # A large square is not long and thin: a crop from its middle does not show what it is.
    assert crop_of([(200, 100, 700, 600)], (450, 350), "teach").spared.tolist() == [[0, 0, 256, 256]]


def test_parts_of_whole_images_are_not_taught_as_boxes() -> None:
    boxes = np.array([[-700, 20, 60, 40]], np.float32)
    view = View((64, 64), "whole", clipped="teach")
    seen = augment(picture(64, 64, 1), boxes, np.ones((1, 1), np.bool_), PRESETS["None"], 1, view)
    assert not len(seen.boxes) and len(seen.spared) == 1
