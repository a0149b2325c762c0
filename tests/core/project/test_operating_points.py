from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.errors import InputError
from core.evaluation.operating_point import HAND, NOTHING, VAL
from core.project.operating_points import hand_file, load_point, save_hand_set

POINT = {"thresholds": {"scratch": 0.3, "pit": 0.6}, "review": None, "chosen_on": "val", "how": "by 8 images"}


def write_file(path: Path, **described: Any) -> Path:
    """A checkpoint of one byte with this description."""
    values = {"labels": ["scratch", "pit"], "run": "r001", "epoch": 4, "created": "2025-03-01"} | described
    header = {
        "__metadata__": {"defectdesk": json.dumps(values)},
        "w": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},
    }
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"x")
    return path


def test_what_a_training_chose_is_read(tmp_path: Path) -> None:
    stored = load_point(write_file(tmp_path / "best.safetensors", operating_point=POINT))
    assert stored.point.to_json() == POINT and stored.uses_validation and not stored.notices


def test_an_old_checkpoint_takes_the_thresholds_of_its_stored_validation(tmp_path: Path) -> None:
    metrics = {"thresholds": {"scratch": 0.4}, "label_ap50": {"scratch": 0.9, "pit": None}}
    stored = load_point(write_file(tmp_path / "best.safetensors", metrics=metrics))
    assert stored.point.thresholds == {"scratch": 0.4, "pit": 0.4} and stored.point.chosen_on == VAL
    assert "epoch 4" in stored.point.how and "pit: none there" in stored.point.how


def test_an_old_checkpoint_without_validation_says_its_fallback(tmp_path: Path) -> None:
    for metrics in ({}, None, {"thresholds": {}}):
        point = load_point(write_file(tmp_path / "last.safetensors", metrics=metrics)).point
        assert point.thresholds == {"scratch": 0.5, "pit": 0.5} and point.chosen_on == NOTHING
        assert "before thresholds were kept" in point.how


def test_what_a_user_set_is_kept_beside_the_checkpoint_and_taken_back(tmp_path: Path) -> None:
    path = write_file(tmp_path / "best.safetensors", operating_point=POINT)
    before = path.read_bytes()
    assert save_hand_set(path, {"pit": 0.2}) == load_point(path)
    stored = load_point(path)
    assert stored.point.thresholds == {"scratch": 0.3, "pit": 0.2} and stored.point.chosen_on == HAND
    assert stored.uses_validation, "scratch still has the threshold of the validation"
    assert not load_point(path).with_threshold(0.7).uses_validation
    assert path.read_bytes() == before
    assert save_hand_set(path, {}).point.to_json() == POINT and not hand_file(path).exists()


def test_thresholds_of_an_earlier_model_under_that_name_are_passed_over_and_named(tmp_path: Path) -> None:
    path = write_file(tmp_path / "best.safetensors", operating_point=POINT)
    save_hand_set(path, {"pit": 0.2})
    write_file(path, operating_point=POINT, epoch=9)
    stored = load_point(path)
    assert stored.point.to_json() == POINT and "best.thresholds.json" in stored.notices[0]


@pytest.mark.parametrize(
    "content", ["", "[]", '{"format": "defectdesk-thresholds", "version": 9}', '{"format": 1}', "\udcff"]
)
def test_a_damaged_file_of_thresholds_is_passed_over_and_named(tmp_path: Path, content: str) -> None:
    path = write_file(tmp_path / "best.safetensors", operating_point=POINT)
    hand_file(path).write_bytes(content.encode("utf-8", "surrogateescape"))
    stored = load_point(path)
    assert stored.point.to_json() == POINT
    assert "best.thresholds.json" in stored.notices[0] and "own thresholds are used" in stored.notices[0]


def test_what_is_no_threshold_is_refused(tmp_path: Path) -> None:
    path = write_file(tmp_path / "best.safetensors", operating_point=POINT)
    with pytest.raises(InputError, match="does not know 'dent'; it knows scratch, pit"):
        save_hand_set(path, {"dent": 0.2})
    with pytest.raises(InputError, match="threshold of pit: 1.2"):
        save_hand_set(path, {"pit": 1.2})
    with pytest.raises(InputError, match="operating point: thresholds"):
        load_point(write_file(path, operating_point=POINT | {"thresholds": {"pit": 7}}))
