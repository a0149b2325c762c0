from __future__ import annotations

import os
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QRectF, QSizeF

from core.errors import InputError
from core.inference.predictions import PredictionSet
from core.inspection import inspect_data, prediction_cache
from core.inspection.inspect_data import InspectData, Mark, Show
from core.types import Detections, GroundTruth
from desktop.inspect.inspect_list import SORTS, order
from desktop.inspect.inspect_view import place_tag

NAMES = ("scratch", "stain")
BOX = (10, 10, 50, 50)
FAR = (100, 100, 140, 140)


def truth(*boxes: tuple[tuple[float, ...], tuple[int, ...]]) -> GroundTruth:
    labels = np.zeros((len(boxes), len(NAMES)), bool)
    for row, (_, present) in enumerate(boxes):
        labels[row, list(present)] = True
    return GroundTruth(np.array([box for box, _ in boxes], np.float32).reshape(-1, 4), labels)


def found(*boxes: tuple[tuple[float, ...], tuple[float, ...]], names: tuple[str, ...] = NAMES) -> Detections:
    scores = np.array([score for _, score in boxes], np.float32).reshape(-1, len(names))
    return Detections(np.array([box for box, _ in boxes], np.float32).reshape(-1, 4), scores, names)


def data_of(true: GroundTruth, detections: Detections, iou: float = 0.5) -> InspectData:
    return inspect_data.prepare([7], [true], [detections], NAMES, detections.label_names, iou)


def marks_of(data: InspectData, threshold: float = 0.5) -> list[Mark]:
    return inspect_data.marks(data, 0, data.table.at(threshold).image(0))


def test_right_about_one_label_and_wrong_about_another_is_mixed() -> None:
    data = data_of(truth((BOX, (0,))), found((BOX, (0.7, 0.9))))
    box, detection = marks_of(data)
    assert (box.source, box.kind) == ("truth", "found")
    assert (detection.kind, detection.labels, detection.verdicts) == ("mixed", (1, 0), (False, True))
    assert detection.texts(NAMES) == ["stain 0.90", "scratch 0.70"]
    assert inspect_data.explain(data, 0, detection, 0, True) == "right, IoU 1.00"
    assert inspect_data.explain(data, 0, detection, 1, False) == "false: what is there is scratch"


def test_a_true_box_of_which_one_label_is_missed_is_missed() -> None:
    data = data_of(truth((BOX, (0, 1))), found((BOX, (0.8, 0.2))))
    box, detection = marks_of(data)
    assert (box.kind, box.labels, box.verdicts) == ("missed", (0, 1), (True, False))
    assert (detection.kind, detection.labels) == ("right", (0,))
    lower = marks_of(data, 0.2)
    assert lower[0].kind == "found"
    assert lower[1].kind == "right"


def test_false_detections_tell_why() -> None:
    data = data_of(
        truth((BOX, (0,))), found((BOX, (0.9, 0)), (BOX, (0.8, 0)), (FAR, (0.7, 0)), ((10, 10, 50, 25), (0.6, 0)))
    )
    _, first, *false = marks_of(data)
    assert first.kind == "right"
    assert [inspect_data.explain(data, 0, mark, 0, False) for mark in false] == [
        "false: found already by a surer detection",
        "false: nothing is there",
        "false: overlaps scratch by IoU 0.38 only",
    ]


def test_a_box_without_a_label_yet_is_neither_missed_nor_found() -> None:
    data = data_of(truth((BOX, ())), found())
    assert marks_of(data) == []
    assert inspect_data.score(inspect_data.tally(data, 0.5)).missed == 0


def test_tally_agrees_with_the_matches_of_every_image() -> None:
    random = np.random.default_rng(3)
    truths, detections = [], []
    for _ in range(40):
        low = random.uniform(0, 60, (random.integers(0, 6), 2))
        boxes = np.concatenate([low, low + random.uniform(8, 30, low.shape)], axis=1)
        truths.append(truth(*((tuple(box), (int(random.integers(2)),)) for box in boxes)))
        noise = np.concatenate([boxes, boxes]) + random.normal(0, 2, (2 * len(boxes), 4))
        detections.append(found(*((tuple(box), tuple(random.uniform(0, 1, 2))) for box in noise)))
    data = inspect_data.prepare(range(40), truths, detections, NAMES, NAMES, 0.5)
    for threshold in (0.01, 0.3, 0.62, 0.99):
        counts, matches = inspect_data.tally(data, threshold), data.table.at(threshold)
        np.testing.assert_array_equal(counts.right.sum(axis=1), matches.tp)
        np.testing.assert_array_equal(counts.false.sum(axis=1), matches.fp)
        np.testing.assert_array_equal(counts.missed.sum(axis=1), matches.fn)
        whole = inspect_data.score(counts)
        assert whole.right + whole.missed == sum(int(one.labels.sum()) for one in truths)
        assert sum(inspect_data.score(counts, label).false for label in (0, 1)) == whole.false
    assert counts.right.sum() < inspect_data.tally(data, 0.01).right.sum()


def test_the_best_threshold_has_the_best_f1_of_all_steps() -> None:
    random = np.random.default_rng(5)
    rows = [((x, 0, x + 10, 10), (float(random.beta(5, 2)), 0.0)) for x in range(0, 400, 20)]
    noise = [((x, 50, x + 10, 60), (float(random.beta(2, 5)), 0.0)) for x in range(0, 400, 10)]
    data = data_of(truth(*((box, (0,)) for box, _ in rows)), found(*rows, *noise))
    best = inspect_data.best_threshold(data)
    by_step = {step: inspect_data.score(inspect_data.tally(data, step / 100)).f1 for step in range(1, 100)}
    assert by_step[round(best * 100)] == max(by_step.values())
    assert inspect_data.best_threshold(data_of(truth((BOX, (0,))), found())) == 0.5


def test_measures_without_anything_to_judge_are_none() -> None:
    nothing = inspect_data.Score(0, 0, 0)
    assert (nothing.precision, nothing.recall, nothing.f1) == (None, None, None)
    some = inspect_data.Score(3, 1, 2)
    assert (some.precision, some.recall, some.f1) == (0.75, 0.6, pytest.approx(2 / 3))


def test_labels_are_brought_together_by_name() -> None:
    detections = found((BOX, (0.1, 0.8)), (FAR, (0.9, 0.0)), names=("dent", "scratch"))
    data = inspect_data.prepare([1], [truth((BOX, (0, 1)))], [detections], NAMES, ("dent", "scratch"), 0.5)
    assert data.label_names == ("scratch", "stain", "dent")
    assert (data.unknown_to_model, data.not_in_project) == (("stain",), ("dent",))
    counts = inspect_data.tally(data, 0.5)
    assert counts.right.tolist() == [[1, 0, 0]]
    assert counts.missed.tolist() == [[0, 1, 0]]
    assert counts.false.tolist() == [[0, 0, 1]]


def test_what_is_shown_follows_the_toggles() -> None:
    data = data_of(truth((BOX, (0,)), (FAR, (1,))), found((BOX, (0.7, 0.9)), ((60, 60, 80, 80), (0.9, 0))))
    shown = {
        name: Show(**{**dict.fromkeys(("right", "false", "missed", "truth"), False), name: True})
        for name in ("right", "false", "missed", "truth")
    }
    kinds = {name: [mark.kind for mark in marks_of(data) if show.accepts(mark)] for name, show in shown.items()}
    assert kinds == {
        "right": ["mixed"],
        "false": ["mixed", "false"],
        "missed": ["missed"],
        "truth": ["found", "missed"],
    }
    only = Show(label=1)
    assert [mark.kind for mark in marks_of(data) if only.accepts(mark)] == ["missed", "mixed"]


def test_words_at_boxes_give_way_to_each_other_and_stay_inside() -> None:
    bounds, size = QRectF(0, 0, 300, 200), QSizeF(80, 18)
    taken: list[QRectF] = []
    for box in [
        QRectF(50, 60, 40, 40),
        QRectF(52, 62, 40, 40),
        QRectF(54, 64, 40, 40),
        QRectF(290, 2, 8, 8),
        QRectF(0, 195, 9, 4),
    ]:
        taken.append(place_tag(box, size, bounds, taken))
    assert taken[0].bottom() <= 60
    assert all(bounds.contains(rect) for rect in taken)
    assert not any(first.intersects(second) for first, second in combinations(taken, 2))
    assert place_tag(QRectF(50, 60, 40, 40), size, bounds, [], below=True).top() >= 100


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("Most errors", [2, 0, 1]),
        ("Most missed", [2, 0, 1]),
        ("Most false", [0, 2, 1]),
        ("Most right", [1, 0, 2]),
        ("Name", [0, 1, 2]),
    ],
)
def test_images_are_sorted_as_asked_and_equal_ones_by_name(sort: str, expected: list[int]) -> None:
    missed, false, right = np.array([0, 0, 4]), np.array([2, 0, 1]), np.array([1, 5, 1])
    assert sort in SORTS
    assert order(missed, false, right, sort, np.ones(3, bool)).tolist() == expected
    assert order(missed, false, right, sort, np.array([True, False, True])).tolist() == [
        row for row in expected if row != 1
    ]


# -- the cache


def saved(
    root: Path, checkpoint: Path, split: str, snapshot: str, contents: dict[str, str], score: float = 0.9
) -> Path:
    folder = prediction_cache.job_folder(root, "r001-best", checkpoint, split, snapshot)
    detections = tuple(found((BOX, (score, 0))) for _ in contents)
    PredictionSet(NAMES, str(checkpoint), snapshot, split, tuple(contents), detections, tuple(contents.values())).save(
        folder / prediction_cache.FILE
    )
    return folder


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "best.safetensors"
    path.write_bytes(b"weights")
    return path


def test_predictions_are_reused_for_unchanged_images_of_any_split(tmp_path: Path, checkpoint: Path) -> None:
    root = tmp_path / "cache"
    assert prediction_cache.gather(root, "r001-best", checkpoint, {"/a": "1"}) is None
    saved(root, checkpoint, "val", "aaaa", {"/a": "1", "/b": "2"})
    saved(root, checkpoint, "test", "bbbb", {"/c": "3"})
    known = prediction_cache.gather(root, "r001-best", checkpoint, {"/a": "1", "/b": "changed", "/c": "3", "/d": "4"})
    assert known is not None
    assert known.label_names == NAMES
    assert sorted(known.detections) == ["/a", "/c"]
    assert prediction_cache.gather(root, "r001", checkpoint, {"/a": "1"}) is None
    assert prediction_cache.gather(root, "r001-best-2", checkpoint, {"/a": "1"}) is None


def test_predictions_of_an_earlier_file_of_the_checkpoint_are_not_shown(tmp_path: Path, checkpoint: Path) -> None:
    root = tmp_path / "cache"
    folder = saved(root, checkpoint, "val", "aaaa", {"/a": "1"})
    checkpoint.write_bytes(b"other weights")
    os.utime(checkpoint, ns=(1, 1))
    assert prediction_cache.gather(root, "r001-best", checkpoint, {"/a": "1"}) is None
    prediction_cache.discard_stale(root, "r001-best", checkpoint)
    assert not folder.exists()


def test_a_damaged_file_of_predictions_is_told_and_passed_over(tmp_path: Path, checkpoint: Path) -> None:
    root = tmp_path / "cache"
    folder = saved(root, checkpoint, "val", "aaaa", {"/a": "1"})
    saved(root, checkpoint, "val", "bbbb", {"/b": "2"})
    (folder / prediction_cache.FILE).write_bytes(b"nothing")
    known = prediction_cache.gather(root, "r001-best", checkpoint, {"/a": "1", "/b": "2"})
    assert known is not None
    assert list(known.detections) == ["/b"]
    assert len(known.problems) == 1
    assert "predictions.npz" in known.problems[0]


def test_a_checkpoint_whose_file_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.safetensors"):
        prediction_cache.gather(tmp_path, "r001-best", tmp_path / "gone.safetensors", {})
