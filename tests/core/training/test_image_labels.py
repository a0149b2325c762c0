"""Models that tell which defects are in an image: from a snapshot to labels of an image."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import pytest
import torch
from torchvision.models.vgg import cfgs

from core.inference.predictor import Predictor
from core.inference.runner import Runner
from core.jobs.events import CheckpointSaved, EpochDone, RunFinished, RunStarted
from core.models.anchors import NO_ANCHORS
from core.models.inputs import InputSpec
from core.models.multilabel import LossSettings, Targets
from core.models.networks.families import Architecture
from core.project.snapshot import Snapshot, SnapshotImage, make_snapshot
from core.recipe.recipe import Recipe, default_recipe, with_settings
from core.training.data.image_cache import ImageCache
from core.training.loop import train
from core.training.process_group import ProcessGroup
from core.training.tasks.classification import ClassificationTask
from core.training.tasks.validation_result import ValidationResult
from core.training.validation import validate
from core.types import Split, Status
from tests.builders import write_picture

LABELS = ("bright", "dark")


def run_to_end(judging: Generator[int, None, ValidationResult]) -> ValidationResult:
    """What a judgement comes to, once all images are looked at."""
    while True:
        try:
            next(judging)
        except StopIteration as end:
            result: ValidationResult = end.value
            return result


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    """Grey images with a bright square, a dark one, both or none."""
    images = []
    rng = np.random.default_rng(0)
    for index in range(16):
        pixels = rng.integers(118, 138, (64, 64, 3)).astype(np.uint8)
        boxes, sets = [], []
        for label, grey in enumerate((250, 5)):
            if index >> label & 1:
                x, y = rng.integers(2, 38, 2)
                pixels[y : y + 24, x : x + 24] = grey
                boxes.append([x, y, x + 24, y + 24])
                sets.append([label == 0, label == 1])
        path = tmp_path / f"{index}.png"
        cv2.imwrite(str(path), pixels)
        images.append(
            SnapshotImage(
                str(path),
                64,
                64,
                Status.LABELLED if boxes else Status.CLEAN,
                Split.VAL if index >= 12 else Split.TRAIN,
                "",
                str(index),
                np.array(boxes, np.float32).reshape(-1, 4),
                np.array(sets, np.bool_).reshape(-1, 2),
            )
        )
    return make_snapshot(LABELS, ("#ff0000", "#00ff00"), tuple(images))


@pytest.fixture
def thin(monkeypatch: pytest.MonkeyPatch) -> None:
    """VGG19 with its five stages, of one thin layer each, so that many steps cost little."""
    monkeypatch.setitem(cfgs, "E", [8, "M", 16, "M", 32, "M", 64, "M", 512, "M"])


def tiny(model: str, **settings: Any) -> Recipe:
    quick = {
        "sampling.input_size": 64,
        "schedule.epochs": 1,
        "schedule.batch_size": 6,
        "schedule.warmup_steps": 1,
        "weights.source": "none",
        "strategy.kind": "scratch",
        "device": "cpu",
        "limits.precision": "fp32",
    }
    return with_settings(
        default_recipe(model), quick | {name.replace("__", "."): value for name, value in settings.items()}
    )


@pytest.mark.parametrize("model", ["resnet50", "vgg19"])
def test_a_classifier_trains_and_its_checkpoint_alone_tells_the_labels_of_an_image(
    model: str, snapshot: Snapshot, tmp_path: Path
) -> None:
    recipe = tiny(model, optimizer__kind="sgd", evaluation__max_images=2)
    events = list(train(recipe, snapshot, tmp_path / "r001", lambda: False))
    assert isinstance(events[0], RunStarted) and isinstance(events[-1], RunFinished)
    epoch = next(event for event in events if isinstance(event, EpochDone))
    assert epoch.map50 is None and epoch.map is not None and epoch.train_box_loss == 0
    assert {"macro_f1", "micro_f1", "macro_roc_auc", "exact_match"} <= epoch.metrics.keys()
    assert set(epoch.labels) == set(LABELS)
    saved = [event for event in events if isinstance(event, CheckpointSaved)][-1]
    predictor = Predictor.load(Path(saved.path), "cpu")
    found = predictor.predict(np.full((50, 90, 3), 128, np.uint8))
    assert found.boxes.tolist() == [[0, 0, 90, 50]]
    assert found.scores.shape == (1, 2) and ((found.scores > 0) & (found.scores < 1)).all()


def test_a_classifier_learns_which_labels_an_image_carries(snapshot: Snapshot, thin: None, tmp_path: Path) -> None:
    recipe = tiny("vgg19", schedule__epochs=20, optimizer__lr=2e-3, evaluation__every=20)
    events = list(train(recipe, snapshot, tmp_path / "r001", lambda: False))
    epochs = [event for event in events if isinstance(event, EpochDone)]
    assert epochs[-1].train_loss < 0.5 * epochs[0].train_loss
    assert epochs[-1].metrics["macro_roc_auc"] is not None and epochs[-1].metrics["macro_roc_auc"] > 0.9


def test_the_validation_loss_of_an_image_that_is_shrunk_asks_for_the_labels_of_all_its_boxes(
    thin: None, tmp_path: Path
) -> None:
    """The box lies beyond the input's 64 pixels, but not beyond the image's."""
    path = write_picture(tmp_path / "large.png", np.full((256, 256, 3), 128, np.uint8))
    image = SnapshotImage(
        str(path),
        256,
        256,
        Status.LABELLED,
        Split.VAL,
        "",
        "0",
        np.array([[180, 180, 240, 240]], np.float32),
        np.array([[True, False]]),
    )
    task = ClassificationTask(LABELS, LossSettings("mined_bce"))
    network = Architecture("vgg19", NO_ANCHORS, len(LABELS)).build().eval()
    with torch.no_grad():
        network.get_parameter("head.to_labels.bias").copy_(torch.tensor([6.0, -6.0]))  # sure, and right
    spec = InputSpec(mode="whole", width=64, height=64, mean=(0.5,) * 3, std=(0.5,) * 3, overlap=0)
    runner = Runner(network, spec, torch.device("cpu"), "fp32")
    judging = validate(task, runner, [image], ImageCache(), ProcessGroup())
    assert run_to_end(judging).label_loss < 1


def test_crops_are_taught_and_told_by_what_is_in_them(snapshot: Snapshot, thin: None, tmp_path: Path) -> None:
    recipe = tiny("vgg19", sampling__mode="crops", sampling__crops_per_image=1)
    events = list(train(recipe, snapshot, tmp_path / "r001", lambda: False))
    saved = [event for event in events if isinstance(event, CheckpointSaved)][-1]
    predictor = Predictor.load(Path(saved.path), "cpu")
    large = np.full((80, 1500, 3), 128, np.uint8)
    runner = predictor.runner
    outputs = [output for one in runner.split_image(large) for output in runner.run_together([one])]
    scores = torch.cat([output.raw for output in outputs]).sigmoid().amax(dim=0)
    assert len(outputs) > 1
    found = predictor.predict(large)
    assert found.boxes.tolist() == [[0, 0, 1500, 80]]
    assert np.allclose(found.scores[0], scores.numpy(), atol=1e-6)


@pytest.mark.parametrize("kind", ["mined_bce", "focal"])
def test_the_loss_is_that_of_the_union_of_the_label_sets(kind: Literal["mined_bce", "focal"]) -> None:
    task = ClassificationTask(LABELS, LossSettings(kind))
    logits = torch.tensor([[8.0, -8.0], [-8.0, -8.0], [8.0, 8.0]])
    boxes = torch.tensor([0.0, 0, 9, 9]).expand(3, 2, 4)
    labels = torch.tensor([[[1.0, 0], [1, 0]], [[1, 1], [1, 1]], [[1, 0], [0, 1]]])
    valid = torch.tensor([[True, True], [False, False], [True, True]])
    right = task.loss_sums(logits, Targets(boxes, labels, valid))
    assert float(right.labels) < 0.01 and float(right.positives) == 3 and float(right.boxes) == 0
    wrong = task.loss_sums(-logits, Targets(boxes, labels, valid))
    assert float(wrong.labels) > 1


@pytest.mark.parametrize("kind", ["mined_bce", "focal"])
def test_labels_are_weighted_by_how_many_training_images_carry_them(
    kind: Literal["mined_bce", "focal"], snapshot: Snapshot
) -> None:
    """Of the training images three carry both labels three times over, and three more the first alone."""
    boxes = np.array([[0, 0, 9, 9]] * 3, np.float32)
    sets = [np.array([[True, True]] * 3), np.array([[True, False]])]
    train_images = snapshot.of_split(Split.TRAIN)[:6]
    images = [
        replace(image, boxes=boxes[: len(sets[index % 2])], labels=sets[index % 2])
        for index, image in enumerate(train_images)
    ]
    unequal = make_snapshot(LABELS, ("#ff0000", "#00ff00"), tuple(images))
    plain = ClassificationTask.of(tiny("vgg19", loss__kind=kind), unequal)
    weighted = ClassificationTask.of(tiny("vgg19", loss__kind=kind, loss__class_weights="balanced"), unequal)
    assert plain.loss.label_weights == () and weighted.loss.label_weights == pytest.approx((0.75, 1.5))
    targets = Targets(torch.zeros(1, 1, 4), torch.tensor([[[1.0, 0.0]]]), torch.tensor([[True]]))
    logits = torch.zeros(1, 2, requires_grad=True)
    slopes = [torch.autograd.grad(task.loss_sums(logits, targets).labels, logits)[0][0] for task in (plain, weighted)]
    # What an image carries counts by its label's weight; what it does not carry counts as before.
    assert (slopes[1] / slopes[0]).tolist() == pytest.approx([0.75, 1.0])
