"""Many images through one network: what is found does not depend on what they are shown together with."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from core.imaging.decode import decode
from core.inference.prediction_loop import ImagePrediction, ImageSource, predict_images
from core.inference.predictions import PredictionSet
from core.inference.predictor import Predictor
from core.inference.runner import PartInput, Runner, group_by_size
from core.jobs.events import Event, JobProgress, Notice, RunFinished
from core.jobs.folder import JobFolder
from core.models import checkpoint
from core.models.anchors import Anchors
from core.models.checkpoint import Description
from core.models.inputs import InputSpec
from core.models.networks.families import Architecture
from core.project.images.image_files import content_hash
from core.project.snapshot import SnapshotImage, make_snapshot
from core.training import child
from core.types import Split, Status
from tests.builders import picture, write_picture

LABELS = ("scratch", "pit")
SPEC = InputSpec(mode="whole", width=96, height=64, mean=(0.5,) * 3, std=(0.3,) * 3)
CROPS = InputSpec(mode="crops", width=64, height=64, mean=(0.5,) * 3, std=(0.3,) * 3, tile=128, overlap=32)


def make_predictor(spec: InputSpec = SPEC) -> Predictor:
    """A network that learnt nothing, and is sure of some things all the same."""
    torch.manual_seed(1)
    shapes = tuple(((24.0, 24.0), (40.0, 20.0)) for _ in range(3))
    architecture = Architecture("ssd_compact", Anchors((8, 16, 32), shapes), len(LABELS))
    network = architecture.build().eval()
    with torch.no_grad():
        for name, tensor in network.named_parameters():
            if "heads" in name and name.endswith("weight"):
                tensor.mul_(20)
    description = Description(
        id="r001-best",
        run="r001",
        model="ssd_compact",
        epoch=1,
        created="",
        labels=list(LABELS),
        label_colors=["#ff0000", "#00ff00"],
        architecture=architecture.to_json(),
        input=spec,
        recipe={"limits": {"precision": "fp32"}},
        snapshot_hash="",
    )
    return Predictor(description, Runner(network, spec, torch.device("cpu"), "fp32"))


def one_by_one(predictor: Predictor) -> Predictor:
    return replace(predictor, runner=replace(predictor.runner, most_pixels=1))


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Images of three sizes in turn; the largest falls into tiles."""
    folder = tmp_path_factory.mktemp("images")
    sizes = [(96, 64), (200, 170), (64, 64)] * 4
    return [str(write_picture(folder / f"{index}.png", picture(*size, seed=index))) for index, size in enumerate(sizes)]


def assert_alike(one: ImagePrediction, other: ImagePrediction) -> None:
    """Rounding may reorder what scores alike, and lift a score over the floor or not."""
    assert one.path == other.path and one.detections is not None and other.detections is not None
    for first, second in ((one.detections, other.detections), (other.detections, one.detections)):
        sure = first.best > 0.02
        assert sure.any()
        for box, scores in zip(first.boxes[sure], first.scores[sure], strict=True):
            gap = np.abs(second.boxes - box).max(axis=1) + np.abs(second.scores - scores).max(axis=1)
            assert gap.min() < 1e-2


@pytest.mark.parametrize("spec", [SPEC, CROPS], ids=["whole", "tiles"])
def test_detections_are_those_of_each_image_on_its_own(spec: InputSpec, paths: list[str]) -> None:
    predictor = make_predictor(spec)
    sources = [ImageSource(path) for path in paths]
    together = list(predict_images(predictor, sources))
    alone = list(predict_images(one_by_one(predictor), sources))
    assert [one.path for one in together] == paths
    for one, other in zip(together, alone, strict=True):
        assert_alike(one, other)


@pytest.mark.parametrize("spec", [SPEC, CROPS], ids=["whole", "tiles"])
def test_one_image_at_a_time_is_predicted_to_the_bit_as_by_itself(spec: InputSpec, paths: list[str]) -> None:
    predictor = one_by_one(make_predictor(spec))
    for one in predict_images(predictor, [ImageSource(path) for path in paths]):
        expected = predictor.predict(decode(one.path))
        assert one.detections is not None
        assert np.array_equal(one.detections.boxes, expected.boxes)
        assert np.array_equal(one.detections.scores, expected.scores)


def test_the_same_images_give_the_same_detections_to_the_bit(paths: list[str]) -> None:
    predictor, sources = make_predictor(CROPS), [ImageSource(path) for path in paths]
    for one, other in zip(predict_images(predictor, sources), predict_images(predictor, sources), strict=True):
        assert one.detections is not None and other.detections is not None
        assert np.array_equal(one.detections.boxes, other.detections.boxes)
        assert np.array_equal(one.detections.scores, other.detections.scores)


def test_an_image_that_cannot_be_used_has_a_reason_and_the_others_their_detections(
    paths: list[str], tmp_path: Path
) -> None:
    cut = tmp_path / "cut.png"
    cut.write_bytes(Path(paths[0]).read_bytes()[:300])
    true_hash = content_hash(Path(paths[0]))
    sources = [
        ImageSource(paths[0], (96, 64), true_hash),
        ImageSource(str(cut)),
        ImageSource(str(tmp_path / "gone.png")),
        ImageSource(paths[1], (96, 64)),
        ImageSource(paths[3], (96, 64), true_hash),
        ImageSource(paths[2], (64, 64)),
    ]
    found = list(predict_images(make_predictor(), sources))
    assert [one.path for one in found] == [source.path for source in sources]
    assert [one.detections is not None for one in found] == [True, False, False, False, False, True]
    reasons = ["", "cut.png: truncated", "gone.png: cannot be read", "200 x 170 now, its boxes were drawn on 96 x 64"]
    for one, reason in zip(found, [*reasons, "holds another picture", ""], strict=True):
        assert reason in str(one.error or "") and bool(one.error) == bool(reason)


def test_pixels_come_with_the_detections_where_they_are_asked_for(paths: list[str]) -> None:
    sources = [ImageSource(path) for path in paths[:3]]
    for one in predict_images(make_predictor(), sources, keep_pixels=True):
        assert one.pixels is not None and np.array_equal(one.pixels, decode(one.path))
    assert all(one.pixels is None for one in predict_images(make_predictor(), sources))


def reading_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("read-ahead")]


def test_it_stops_before_the_next_pass_and_leaves_no_thread(paths: list[str]) -> None:
    told: list[str] = []
    for one in predict_images(
        one_by_one(make_predictor()), [ImageSource(path) for path in paths], lambda: len(told) > 1
    ):
        told.append(one.path)
    assert told == paths[:2]
    assert reading_threads() == []


def test_whoever_loses_interest_leaves_no_thread(paths: list[str]) -> None:
    predictions = predict_images(one_by_one(make_predictor()), [ImageSource(path) for path in paths])
    next(predictions)
    predictions.close()
    assert reading_threads() == []


def test_a_pass_that_does_not_fit_in_memory_is_taken_in_halves(paths: list[str]) -> None:
    predictor = make_predictor()
    sources = [ImageSource(path) for path in paths[:9]]
    expected = list(predict_images(predictor, sources))
    sizes: list[int] = []

    def refuse(_module: nn.Module, inputs: tuple[Any, ...]) -> None:
        sizes.append(len(inputs[0]))
        if len(inputs[0]) > 3:
            raise RuntimeError("CUDA out of memory. Tried to allocate 3 GiB")

    with predictor.runner.network.register_forward_pre_hook(refuse):
        found = list(predict_images(predictor, sources))
    assert sizes == [9, 4, 2, 2, 5, 2, 3]
    for one, other in zip(found, expected, strict=True):
        assert_alike(one, other)


def test_an_image_says_from_which_score_on_all_its_detections_are_there(paths: list[str]) -> None:
    predictor = make_predictor(CROPS)
    limited = replace(predictor.runner.decoding, max_detections=3, sure_score=2.0)
    for decoding, cut in ((predictor.runner.decoding, False), (limited, True)):
        chosen = replace(predictor, runner=replace(predictor.runner, decoding=decoding))
        for one in predict_images(chosen, [ImageSource(path) for path in paths[:2]]):
            assert (one.cut_at > 0) == cut and one.detections is not None and len(one.detections) > 0


def test_parts_of_one_size_go_together_as_many_as_there_is_room_for() -> None:
    predictor = make_predictor(CROPS)
    images = [np.zeros((height, 64, 3), np.uint8) for height in (64, 100, 64, 64, 100)]
    inputs: list[PartInput] = [one for image in images for one in predictor.runner.split_image(image)]
    assert group_by_size(inputs, 2 * 64 * 64) == [[0, 2], [3], [1], [4]]
    assert group_by_size(inputs, 1) == [[0], [2], [3], [1], [4]]
    assert group_by_size([], 1) == []


def predict_job(folder: Path, predictor: Predictor, images: list[SnapshotImage]) -> Iterator[Event]:
    checkpoint.save(folder / "model.safetensors", predictor.runner.network, predictor.description)
    make_snapshot(LABELS, ("#ff0000", "#00ff00"), tuple(images)).save(folder / "snapshot.json")
    job = {"kind": "predict", "checkpoint": str(folder / "model.safetensors"), "split": "all", "device": "cpu"}
    return child.main(JobFolder.create(folder, job), lambda: False)


def test_predicting_for_the_window_passes_over_a_damaged_image_and_keeps_the_others(
    paths: list[str], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n")
    none = np.zeros((0, 4), np.float32), np.zeros((0, 2), np.bool_)
    images = [
        SnapshotImage(path, 96, 64, Status.UNLABELLED, Split.NONE, "", hashed, *none)
        for path, hashed in [
            (paths[0], content_hash(Path(paths[0]))),
            (str(bad), "1"),
            (paths[3], content_hash(Path(paths[3]))),
        ]
    ]
    predictor = make_predictor()
    events = list(predict_job(tmp_path, predictor, images))
    notice = next(event for event in events if isinstance(event, Notice))
    assert notice.text.startswith(f"skipped: {bad}: ")
    done = events[-2]
    assert isinstance(done, JobProgress) and (done.done, done.total) == (3, 3)
    assert isinstance(events[-1], RunFinished) and not events[-1].stopped
    kept = PredictionSet.load(tmp_path / "predictions.npz")
    assert kept.paths == (paths[0], paths[3])
    expected = list(predict_images(predictor, [ImageSource(paths[0]), ImageSource(paths[3])]))
    for own, other in zip(kept.detections, expected, strict=True):
        assert other.detections is not None and np.array_equal(own.boxes, other.detections.boxes)
