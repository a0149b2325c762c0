from __future__ import annotations

import numpy as np
import pytest

from core.inspection.error_counts import PrecisionRecall, count_errors, sum_counts
from core.inspection.marks import MarkFilter
from core.inspection.matched_images import match_images
from tests.core.inspection.matched_builders import BOX, FAR, NAMES, data_of, found, marks_of, truth


def test_a_true_box_of_which_one_label_is_missed_is_missed() -> None:
    data = data_of(truth((BOX, (0, 1))), found((BOX, (0.8, 0.2))))
    box, detection = marks_of(data)
    assert (box.kind, box.labels, box.verdicts) == ("fn", (0, 1), (True, False))
    assert (detection.kind, detection.labels) == ("tp", (0,))
    lower = marks_of(data, 0.2)
    assert lower[0].kind == "found"
    assert lower[1].kind == "tp"


def test_a_box_without_a_label_yet_is_neither_missed_nor_found() -> None:
    data = data_of(truth((BOX, ())), found())
    assert marks_of(data) == []
    assert sum_counts(count_errors(data, 0.5)).fn == 0


def test_tally_agrees_with_the_matches_of_every_image() -> None:
    random = np.random.default_rng(3)
    truths, detections = [], []
    for _ in range(40):
        low = random.uniform(0, 60, (random.integers(0, 6), 2))
        boxes = np.concatenate([low, low + random.uniform(8, 30, low.shape)], axis=1)
        truths.append(truth(*((tuple(box), (int(random.integers(2)),)) for box in boxes)))
        noise = np.concatenate([boxes, boxes]) + random.normal(0, 2, (2 * len(boxes), 4))
        detections.append(found(*((tuple(box), tuple(random.uniform(0, 1, 2))) for box in noise)))
    data = match_images(range(40), truths, detections, NAMES, NAMES, 0.5)
    for threshold in (0.01, 0.3, 0.62, 0.99):
        counts, matches = count_errors(data, threshold), data.table.at(threshold)
        np.testing.assert_array_equal(counts.tp.sum(axis=1), matches.tp)
        np.testing.assert_array_equal(counts.fp.sum(axis=1), matches.fp)
        np.testing.assert_array_equal(counts.fn.sum(axis=1), matches.fn)
        whole = sum_counts(counts)
        assert whole.tp + whole.fn == sum(int(one.labels.sum()) for one in truths)
        assert sum(sum_counts(counts, label).fp for label in (0, 1)) == whole.fp
    assert counts.tp.sum() < count_errors(data, 0.01).tp.sum()


def test_measures_without_anything_to_judge_are_none() -> None:
    nothing = PrecisionRecall(0, 0, 0)
    assert (nothing.precision, nothing.recall, nothing.f1) == (None, None, None)
    some = PrecisionRecall(3, 1, 2)
    assert (some.precision, some.recall, some.f1) == (0.75, 0.6, pytest.approx(2 / 3))


def test_labels_are_brought_together_by_name() -> None:
    detections = found((BOX, (0.1, 0.8)), (FAR, (0.9, 0.0)), names=("dent", "scratch"))
    data = match_images([1], [truth((BOX, (0, 1)))], [detections], NAMES, ("dent", "scratch"), 0.5)
    assert data.label_names == ("scratch", "stain", "dent")
    assert (data.unknown_to_model, data.not_in_project) == (("stain",), ("dent",))
    counts = count_errors(data, 0.5)
    assert counts.tp.tolist() == [[1, 0, 0]]
    assert counts.fn.tolist() == [[0, 1, 0]]
    assert counts.fp.tolist() == [[0, 0, 1]]


def test_what_is_shown_follows_the_toggles() -> None:
    data = data_of(truth((BOX, (0,)), (FAR, (1,))), found((BOX, (0.7, 0.9)), ((60, 60, 80, 80), (0.9, 0))))
    shown = {
        name: MarkFilter(**{**dict.fromkeys(("tp", "fp", "fn", "truth"), False), name: True})
        for name in ("tp", "fp", "fn", "truth")
    }
    kinds = {name: [mark.kind for mark in marks_of(data) if show.accepts(mark)] for name, show in shown.items()}
    assert kinds == {
        "tp": ["mixed"],
        "fp": ["mixed", "fp"],
        "fn": ["fn"],
        "truth": ["found", "fn"],
    }
    only = MarkFilter(label=1)
    assert [mark.kind for mark in marks_of(data) if only.accepts(mark)] == ["fn", "mixed"]
