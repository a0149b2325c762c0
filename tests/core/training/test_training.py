"""Real trainings of tiny networks on tiny pictures."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from core.errors import InputError
from core.geometry import box_iou
from core.imaging.decode import decode
from core.inference.predictor import Predictor
from core.jobs.events import (
    ActivityBegun,
    CheckpointSaved,
    EpochDone,
    Event,
    Notice,
    RunFailed,
    RunFinished,
    RunStarted,
    StepDone,
)
from core.models import checkpoint
from core.models.inputs import NORMALIZATIONS
from core.models.multilabel import LossSums, detection_loss
from core.models.networks.detector import Detector
from core.project.images.image_files import content_hash
from core.project.snapshot import Snapshot, SnapshotImage, make_snapshot
from core.recipe.recipe import Recipe, Schedule, default_recipe, with_settings
from core.recipe.schedule import rate_factor
from core.sample import SAMPLE_LABELS, generate_image
from core.training import loop
from core.training import run as run_module
from core.training.data.dataset import ImageCache, TrainingSet
from core.training.loop import train
from core.training.preparation import prepare_training
from core.training.samples import read_samples
from core.training.strategy import apply_strategy, set_rate
from core.training.tasks import detection
from core.training.tasks.validation_result import ValidationResult
from core.types import Split, Status
from tests.builders import write_picture


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return sample_snapshot(tmp_path_factory.mktemp("images"), train=6, val=3)


def sample_snapshot(folder: Path, train: int, val: int, size: int = 96) -> Snapshot:
    images = []
    for index in range(train + val):
        picture, boxes, sets = generate_image(index, 5, size)
        marks = np.array([[name in names for name in SAMPLE_LABELS] for names in sets], bool).reshape(
            -1, len(SAMPLE_LABELS)
        )
        path = write_picture(folder / f"{index}.png", picture)
        images.append(
            SnapshotImage(
                str(path),
                size,
                size,
                Status.LABELLED if len(boxes) else Status.CLEAN,
                Split.TRAIN if index < train else Split.VAL,
                "",
                content_hash(path),
                boxes,
                marks,
            )
        )
    return make_snapshot(tuple(SAMPLE_LABELS), ("#ff0000",) * len(SAMPLE_LABELS), tuple(images))


def tiny(model: str = "ssd_compact", **settings: Any) -> Recipe:
    quick = {
        "sampling.input_size": 64,
        "schedule.epochs": 2,
        "schedule.batch_size": 4,
        "schedule.warmup_steps": 2,
        "weights.source": "none",
        "strategy.kind": "scratch",
        "sampling.crops_per_image": 1,
        "device": "cpu",
        "limits.precision": "fp32",
    }
    if model != "ssd_compact":
        quick.pop("sampling.crops_per_image")
    return with_settings(
        default_recipe(model), quick | {name.replace("__", "."): value for name, value in settings.items()}
    )


def never() -> bool:
    return False


def run(recipe: Recipe, snapshot: Snapshot, folder: Path, stop: Callable[[], bool] = never) -> list[Event]:
    return list(train(recipe, snapshot, folder, stop))


@pytest.mark.parametrize("model", ["ssd_compact", "ssd300_vgg16", "ssdlite320_mobilenet_v3"])
def test_each_model_trains_and_its_checkpoint_alone_predicts(model: str, snapshot: Snapshot, tmp_path: Path) -> None:
    events = run(tiny(model, schedule__epochs=1), snapshot, tmp_path / "r001")
    started, finished = events[0], events[-1]
    assert isinstance(started, RunStarted) and started.train_images == 6 and started.val_images == 3
    assert isinstance(finished, RunFinished) and not finished.stopped and finished.epoch == 1
    epoch = next(event for event in events if isinstance(event, EpochDone))
    assert epoch.train_loss > 0 and epoch.val_loss is not None and epoch.val_loss > 0
    assert epoch.train_loss == pytest.approx(epoch.train_label_loss + epoch.train_box_loss)
    assert set(epoch.labels) == set(SAMPLE_LABELS)
    saved = {event.id: event for event in events if isinstance(event, CheckpointSaved)}
    assert set(saved) == {"r001-best", "r001-last"}
    predictor = Predictor.load(Path(saved["r001-best"].path), "cpu")
    found = predictor.predict(decode(Path(snapshot.images[-1].path)))
    assert predictor.label_names == tuple(SAMPLE_LABELS)
    assert found.scores.shape == (len(found), len(SAMPLE_LABELS))


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Event], list[Path], Path]:
    """A network that has learnt four pictures by heart: events, pictures, checkpoint."""
    folder = tmp_path_factory.mktemp("learnt")
    shown = sample_snapshot(folder / "images", train=4, val=0)
    again = tuple(
        SnapshotImage(i.path, i.width, i.height, i.status, Split.VAL, "", i.content_hash + "v", i.boxes, i.labels)
        for i in shown.images
    )
    still = {f"augmentation.{name}": 0 for name in ("brightness", "contrast", "horizontal_flip", "vertical_flip")}
    recipe = with_settings(
        tiny(schedule__epochs=90, sampling__input_size=96, optimizer__lr=0.003, evaluation__every=90), still
    )
    events = run(recipe, make_snapshot(shown.label_names, shown.label_colors, (*shown.images, *again)), folder / "r001")
    return events, [Path(image.path) for image in shown.images], folder / "r001" / "checkpoints" / "last.safetensors"


def test_learning_brings_the_loss_down_and_finds_defects_it_was_shown(
    learnt: tuple[list[Event], list[Path], Path],
) -> None:
    epochs = [event for event in learnt[0] if isinstance(event, EpochDone)]
    assert epochs[-1].train_loss < epochs[0].train_loss / 4
    assert epochs[-1].map50 is not None and epochs[-1].map50 > 0.9


def parameters(path: Path) -> dict[str, torch.Tensor]:
    return checkpoint.load(path).tensors


def test_a_run_tells_what_it_does_and_the_loss_of_the_epoch_so_far(snapshot: Snapshot, tmp_path: Path) -> None:
    events = run(tiny(schedule__epochs=2, evaluation__every=2, schedule__batch_size=2), snapshot, tmp_path / "r001")
    done = [event.activity for event in events if isinstance(event, ActivityBegun)]
    told = [name for name, _ in itertools.groupby(done)]
    assert told == ["learning", "judging", "saving"], "only the second epoch is judged"
    first = next(event for event in events if isinstance(event, ActivityBegun) and event.activity == "judging")
    assert (first.done, first.total) == (0, 3)
    steps = [event for event in events if isinstance(event, StepDone)]
    epochs = [event for event in events if isinstance(event, EpochDone)]
    for epoch in epochs:
        last = [step for step in steps if step.epoch == epoch.epoch][-1]
        assert last.epoch_loss == pytest.approx(epoch.train_loss)
    assert all(step.seconds_left is not None and step.seconds_left > 0 for step in steps)
    assert epochs[0].seconds_left > 0 and epochs[-1].seconds_left == 0
    assert all(epoch.memory_mb is not None and epoch.memory_mb > 0 for epoch in epochs)


def test_the_same_few_validation_images_are_shown_after_each_judged_epoch(snapshot: Snapshot, tmp_path: Path) -> None:
    wanted = tiny(schedule__epochs=3, evaluation__every=2, evaluation__samples=2)
    run(wanted, snapshot, tmp_path / "r001")
    samples = read_samples(tmp_path / "r001")
    assert samples is not None and samples.epochs == [2, 3] and len(samples.images) == 2
    val = {Path(image.path).name: image for image in snapshot.of_split(Split.VAL)}
    for image in samples.images:
        assert len(image.truth) == len(val[image.name].boxes) and image.picture.is_file()
    run(wanted, snapshot, tmp_path / "r002")
    again = read_samples(tmp_path / "r002")
    assert again is not None and again.found == samples.found
    assert [image.name for image in again.images] == [image.name for image in samples.images]
    run(tiny(schedule__epochs=1, evaluation__samples=0), snapshot, tmp_path / "r003")
    assert not (tmp_path / "r003" / "samples").exists()


def test_the_same_recipe_gives_the_same_model_whatever_the_workers(snapshot: Snapshot, tmp_path: Path) -> None:
    for name, workers in (("r001", 1), ("r002", 3)):
        run(tiny(limits__workers=workers), snapshot, tmp_path / name)
    first, second = (parameters(tmp_path / name / "checkpoints" / "last.safetensors") for name in ("r001", "r002"))
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())
    run(tiny(seed=1), snapshot, tmp_path / "r003")
    other = parameters(tmp_path / "r003" / "checkpoints" / "last.safetensors")
    assert not torch.equal(first["backbone.stem.0.weight"], other["backbone.stem.0.weight"])


def test_stopping_in_the_middle_of_a_step_keeps_what_was_learnt(snapshot: Snapshot, tmp_path: Path) -> None:
    looks = 0

    def stop() -> bool:
        nonlocal looks
        looks += 1
        return looks > 60

    events = run(tiny(schedule__epochs=50), snapshot, tmp_path / "r001", stop)
    assert isinstance(events[-1], RunFinished) and events[-1].stopped
    assert events[-1].epoch < 50
    assert looks < 70, "nothing may be computed after the stop but the saving"
    assert (
        Predictor.load(tmp_path / "r001" / "checkpoints" / "last.safetensors", "cpu").description.epoch
        == events[-1].epoch
    )


def test_a_frozen_backbone_does_not_change_and_the_rest_does(snapshot: Snapshot, tmp_path: Path) -> None:
    run(tiny(schedule__epochs=1), snapshot, tmp_path / "r001")
    start = tmp_path / "r001" / "checkpoints" / "last.safetensors"
    recipe = tiny(weights__source="checkpoint", weights__path=str(start), strategy__kind="frozen", schedule__epochs=1)
    events = run(recipe, snapshot, tmp_path / "r002")
    assert isinstance(events[0], RunStarted) and events[0].trainable_parameters < events[0].parameters
    before, after = parameters(start), parameters(tmp_path / "r002" / "checkpoints" / "last.safetensors")
    for name, tensor in before.items():
        if name.startswith("backbone."):
            assert torch.equal(tensor, after[name]), f"{name} of a frozen backbone changed"
    assert not torch.equal(before["heads.0.to_labels.weight"], after["heads.0.to_labels.weight"])


def test_fine_tuning_gives_the_backbone_a_smaller_rate_and_keeps_its_statistics(
    snapshot: Snapshot, tmp_path: Path
) -> None:
    recipe = tiny(
        "ssdlite320_mobilenet_v3",
        strategy__kind="fine_tune",
        strategy__backbone_lr_factor=0.25,
        schedule__batch_size=8,  # enough for BatchNorm
    )
    detector = prepare_training(recipe, snapshot).network
    plan = apply_strategy(detector, recipe, pretrained=True)
    set_rate(plan.optimizer, 0.1)
    stages = [m for ms in detector.backbone.stages().values() for m in ms]
    backbone = {id(p) for module in stages for p in module.parameters()}
    rates = {(id(p) in backbone): group["lr"] for group in plan.optimizer.param_groups for p in group["params"]}
    assert rates == {True: pytest.approx(0.025), False: pytest.approx(0.1)}
    assert all(
        p.ndim > 1 or group["weight_decay"] == 0 for group in plan.optimizer.param_groups for p in group["params"]
    )
    plan.training_mode()
    norms = [m for module in stages for m in module.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert norms and not any(norm.training for norm in norms)
    assert detector.heads["0"].training


def test_from_scratch_every_norm_learns(snapshot: Snapshot) -> None:
    recipe = tiny()
    detector = prepare_training(recipe, snapshot).network
    apply_strategy(detector, recipe, pretrained=False).training_mode()
    assert all(module.training for module in detector.modules())


def test_clean_images_are_trained_on_and_unlabelled_ones_are_not(snapshot: Snapshot) -> None:
    statuses = [image.status for image in snapshot.of_split(Split.TRAIN)]
    assert Status.UNLABELLED not in statuses
    unlabelled = make_snapshot(
        snapshot.label_names,
        snapshot.label_colors,
        tuple(
            SnapshotImage(
                i.path, i.width, i.height, Status.UNLABELLED, Split.TRAIN, "", i.content_hash, i.boxes, i.labels
            )
            for i in snapshot.images
        ),
    )
    with pytest.raises(InputError, match="none that is labelled"):
        prepare_training(tiny(), unlabelled)


def test_a_diverging_run_says_so_and_what_to_change(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = 0

    def exploding(*arguments: Any) -> LossSums:
        nonlocal steps
        steps += torch.is_grad_enabled()
        sums = detection_loss(*arguments)
        return LossSums(sums.labels * (float("inf") if steps > 7 else 1), sums.boxes, sums.positives)

    monkeypatch.setattr(detection, "detection_loss", exploding)
    events = run(tiny(schedule__epochs=10), snapshot, tmp_path / "r001")
    assert isinstance(events[-1], RunFailed)
    assert "became infinite or no number in epoch 4, step 2" in events[-1].reason
    assert "learning rate" in events[-1].reason and "Set Learning rate to 0.0004" in events[-1].advice
    assert "saved is still good" in events[-1].advice
    checkpoint.load(tmp_path / "r001" / "checkpoints" / "best.safetensors")  # whole and finite


def test_without_validation_images_the_last_checkpoint_is_the_best(tmp_path: Path) -> None:
    events = run(tiny(schedule__epochs=1), sample_snapshot(tmp_path / "images", train=3, val=0), tmp_path / "r001")
    assert any(isinstance(event, Notice) and "no validation images" in event.text for event in events)
    assert [event.best for event in events if isinstance(event, CheckpointSaved)] == [True, False]


def test_validation_images_without_boxes_do_not_make_the_first_epoch_the_best(
    snapshot: Snapshot, tmp_path: Path
) -> None:
    images = tuple(
        dataclasses.replace(image, status=Status.CLEAN, boxes=image.boxes[:0], labels=image.labels[:0])
        if image.split is Split.VAL
        else image
        for image in snapshot.images
    )
    without = make_snapshot(snapshot.label_names, snapshot.label_colors, images)
    run(tiny(schedule__epochs=2), without, tmp_path / "r001")
    assert checkpoint.load(tmp_path / "r001" / "checkpoints" / "best.safetensors").description.epoch == 2


def test_boxes_out_of_reach_are_announced_with_the_mend(tmp_path: Path) -> None:
    shown = sample_snapshot(tmp_path / "images", train=3, val=0, size=96)
    small = make_snapshot(
        shown.label_names,
        shown.label_colors,
        tuple(
            SnapshotImage(
                i.path,
                i.width,
                i.height,
                Status.LABELLED,
                i.split,
                "",
                i.content_hash,
                np.array([[x, x, x + 7, x + 7] for x in range(0, 80, 9)], np.float32),
                np.eye(9, 5, dtype=bool) | np.eye(9, 5, -5, dtype=bool),
            )
            for i in shown.images
        ),
    )
    (finding, *_) = prepare_training(tiny("ssdlite320_mobilenet_v3"), small).findings
    assert finding.code == "anchors_miss" and "reach only" in finding.text and "set Input size to" in finding.text


def test_a_stated_time_limit_is_kept_and_the_rate_still_falls(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count(0, 0.25)  # a quarter of a second passes between two looks, however busy the machine is
    for module in (loop, run_module):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    events = run(tiny(schedule__epochs=100_000, limits__time_minutes=0.75), snapshot, tmp_path / "r001")
    finished = events[-1]
    assert isinstance(finished, RunFinished) and 45 <= finished.seconds < 60
    rates = [event.lr for event in events if isinstance(event, StepDone)]
    assert len(rates) > 10 and rates[-1] < max(rates) / 5
    assert any(isinstance(event, Notice) and "time limit ended the run" in event.text for event in events)


def test_stages_that_a_time_limit_keeps_from_learning_are_told_after_the_first_epoch_and_at_the_end(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tiny(schedule__epochs=1), snapshot, tmp_path / "r001")
    start = {
        "weights__source": "checkpoint",
        "weights__path": str(tmp_path / "r001" / "checkpoints" / "best.safetensors"),
    }
    late = {"strategy__kind": "two_phase", "strategy__head_epochs": 5000, "strategy__last_stages": 1}
    clock = itertools.count(0, 0.25)
    for module in (loop, run_module):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    recipe = tiny(schedule__epochs=100_000, limits__time_minutes=0.5, **start, **late)
    events = run(recipe, snapshot, tmp_path / "r002")
    notices = [event.text for event in events if isinstance(event, Notice)]
    begun = [event.epoch for event in events if isinstance(event, EpochDone)]
    (early,) = [text for text in notices if "at this speed" in text]
    assert "before stage4 begin to learn in epoch 5001" in early
    assert events.index(Notice(early, "warning")) < next(
        at for at, event in enumerate(events) if isinstance(event, EpochDone) and event.epoch == 2
    )
    assert (
        f"ended the run in epoch {begun[-1]} of 100000; stage4, to learn from epoch 5001 on, never did" in notices[-1]
    )


def test_warm_up_rises_and_cosine_falls() -> None:
    schedule = Schedule(warmup_steps=10, decay="cosine")
    factors = [rate_factor(schedule, step, 100, step / 100) for step in range(101)]
    assert factors[0] < 0.02 and max(factors) > 0.95 and factors[-1] == pytest.approx(0.01)
    assert factors[:10] == sorted(factors[:10]) and factors[15:] == sorted(factors[15:], reverse=True)


def test_an_epoch_shows_every_image_and_epochs_differ(snapshot: Snapshot) -> None:
    data = TrainingSet(snapshot.of_split(Split.TRAIN), 5, tiny(schedule__batch_size=4), (64, 64), ImageCache())
    first, second = (list(data.batches(epoch)) for epoch in (1, 2))
    assert data.steps == len(first) == 2 and [len(batch.images_b3hw) for batch in first] == [4, 2]
    assert not torch.equal(first[0].images_b3hw, second[0].images_b3hw)
    again = list(data.batches(1))
    assert all(torch.equal(a.images_b3hw, b.images_b3hw) for a, b in zip(first, again, strict=True))


def test_warm_up_takes_no_more_than_a_tenth_of_a_short_run() -> None:
    schedule = Schedule(warmup_steps=500, decay="constant")
    assert [rate_factor(schedule, step, 20, step / 20) for step in (0, 2, 10)] == [pytest.approx(0.01), 1.0, 1.0]


def test_an_image_that_vanishes_ends_the_run_with_its_name_and_what_was_learnt(tmp_path: Path) -> None:
    shown = sample_snapshot(tmp_path / "images", train=6, val=2)
    events: list[Event] = []
    for event in train(tiny(schedule__epochs=3), shown, tmp_path / "r001", never):
        events.append(event)
        if isinstance(event, RunStarted):
            Path(shown.images[3].path).unlink()
    assert isinstance(events[-1], RunFailed) and "3.png" in events[-1].reason
    assert Predictor.load(tmp_path / "r001" / "checkpoints" / "last.safetensors", "cpu").label_names


def test_a_large_image_is_predicted_in_tiles_as_it_is_in_one_piece(
    learnt: tuple[list[Event], list[Path], Path],
) -> None:
    _, paths, path = learnt
    predictor = Predictor.load(path, "cpu")
    pictures = [decode(paths[index % 4]) for index in range(9)]
    mosaic = np.concatenate([np.concatenate(pictures[row * 3 : row * 3 + 3], axis=1) for row in range(3)])
    whole = predictor.predict(mosaic)
    tiled_input = predictor.description.input.model_copy(update={"tile": 160, "overlap": 64})
    runner = predictor.runner
    tiled = type(runner)(runner.network, tiled_input, runner.device, runner.precision, runner.decoding)
    boxes, scores = tiled.predict(mosaic)
    strong = whole.best > 0.3
    assert strong.any()
    # Context at a tile's edge differs, so not every weak detection is the same; strong ones are found again.
    overlap = box_iou(whole.boxes[strong], boxes[scores.max(axis=1) > 0.15])
    assert (overlap.max(axis=1) > 0.6).mean() > 0.9
    kept = boxes[scores.max(axis=1) > 0.3]
    doubled = box_iou(kept, kept) - np.eye(len(kept))
    assert doubled.max() < 0.9, "one defect was reported once for each tile"


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"strategy.kind": "frozen"}, "strategy.kind"),
        ({"weights.source": "imagenet"}, "weights.source"),
        ({"weights.source": "file"}, "weights.path"),
        ({"schedule.epochs": 0}, "schedule.epochs"),
        ({"schedule.epoch": 3}, "schedule.epoch: there is no such setting"),
        ({"model": "yolo"}, "choose one of ssd_compact"),
        ({"device": "gpu"}, "device"),
    ],
)
def test_recipes_that_cannot_work_are_refused_with_the_field(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError, match=field):
        with_settings(default_recipe("ssd_compact"), settings)


def test_normalisation_belongs_to_the_weights(snapshot: Snapshot, tmp_path: Path) -> None:
    from torchvision.models import vgg16

    path = tmp_path / "vgg16_features-amdegroot-88682ab5.pth"
    features = {name: t for name, t in vgg16(weights=None).state_dict().items() if name.startswith("features.")}
    torch.save(features, path)
    prepared = prepare_training(
        tiny("ssd300_vgg16", weights__source="file", weights__path=str(path), strategy__kind="frozen"), snapshot
    )
    assert (prepared.input.mean, prepared.input.std) == NORMALIZATIONS["caffe"]
    assert prepared.pretrained and isinstance(prepared.network, Detector)
    other = path.rename(tmp_path / "vgg16.pth")
    prepared = prepare_training(tiny("ssd300_vgg16", weights__source="file", weights__path=str(other)), snapshot)
    assert (prepared.input.mean, prepared.input.std) == NORMALIZATIONS["imagenet"]
    assert any("set Normalisation" in text for text in prepared.notices)


def ticking_run(
    recipe: Recipe, snapshot: Snapshot, folder: Path, monkeypatch: pytest.MonkeyPatch, judged: Callable[[int], float]
) -> list[str]:
    """What a run says by its clock, a quarter of a second from one look at it to the next, judged as `judged` says."""
    clock, judgements = itertools.count(0, 0.25), itertools.count(1)
    for module in (loop, run_module):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(clock)))

    def judge(*_: object) -> Generator[int, None, ValidationResult]:
        ap = judged(next(judgements))
        yield from ()
        return ValidationResult(label_loss=1.0, box_loss=1.0, rank=ap, map50=ap, map=ap)

    monkeypatch.setattr(run_module, "validate", judge)
    return [event.text for event in run(recipe, snapshot, folder) if isinstance(event, Notice)]


def test_a_limit_that_ends_a_run_on_the_rise_says_so_and_how_to_go_on(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = tiny(schedule__epochs=100_000, limits__time_minutes=0.3)
    (told,) = (
        text
        for text in ticking_run(wanted, snapshot, tmp_path / "r1", monkeypatch, lambda n: 0.05 * n)
        if "time limit ended" in text
    )
    assert "still getting better" in told and "larger Time limit" in told and "starting weights" in told
    flat = ticking_run(wanted, snapshot, tmp_path / "r2", monkeypatch, lambda _: 0.5)
    assert any(text.startswith("the time limit ended the run in epoch") for text in flat)
    assert not any("getting better" in text for text in flat)


def test_the_last_epoch_of_a_run_on_the_rise_says_so(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = ticking_run(tiny(schedule__epochs=3), snapshot, tmp_path / "r1", monkeypatch, lambda n: 0.1 * n)
    assert any("still getting better" in text and "larger Epochs" in text for text in told)


def test_a_limit_that_will_not_be_reached_and_epochs_that_will_not_be_are_told_after_the_first(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = ticking_run(
        tiny(schedule__epochs=2, limits__time_minutes=50), snapshot, tmp_path / "r1", monkeypatch, lambda _: 0.5
    )
    assert any("Time limit of 50 min will not be reached" in text for text in long)
    short = ticking_run(
        tiny(schedule__epochs=9_000, limits__time_minutes=0.3), snapshot, tmp_path / "r2", monkeypatch, lambda _: 0.5
    )
    assert any("Time limit of 0.3 min ends the run in about epoch" in text and "of 9000" in text for text in short)
