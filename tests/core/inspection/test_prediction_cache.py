from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import InputError
from core.inference.predictions import PredictionSet
from core.inspection import prediction_cache
from tests.core.inspection.matched_builders import BOX, NAMES, found


def saved(
    root: Path,
    checkpoint: Path,
    split: str,
    snapshot: str,
    contents: dict[str, str],
    score: float = 0.9,
    checkpoint_id: str = "r001-best",
) -> Path:
    folder = prediction_cache.find_job_folder(root, checkpoint_id, checkpoint, split, snapshot)
    detections = tuple(found((BOX, (score, 0))) for _ in contents)
    PredictionSet(NAMES, str(checkpoint), snapshot, split, tuple(contents), detections, tuple(contents.values())).save(
        folder / prediction_cache.PREDICTIONS_FILE
    )
    return folder


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "best.safetensors"
    path.write_bytes(b"weights")
    return path


def test_predictions_are_reused_for_unchanged_images_of_any_split(tmp_path: Path, checkpoint: Path) -> None:
    root = tmp_path / "cache"
    assert prediction_cache.gather_predictions(root, "r001-best", checkpoint, {"/a": "1"}) is None
    saved(root, checkpoint, "val", "aaaa", {"/a": "1", "/b": "2"})
    saved(root, checkpoint, "test", "bbbb", {"/c": "3"})
    known = prediction_cache.gather_predictions(
        root, "r001-best", checkpoint, {"/a": "1", "/b": "changed", "/c": "3", "/d": "4"}
    )
    assert known is not None
    assert known.label_names == NAMES
    assert sorted(known.detections) == ["/a", "/c"] and known.outdated == {"/b"}
    # Once it was predicted anew, it is outdated no more; what was only predicted before is known as that.
    saved(root, checkpoint, "val", "cccc", {"/b": "changed"})
    known = prediction_cache.gather_predictions(root, "r001-best", checkpoint, {"/b": "changed", "/c": "other"})
    assert known is not None and list(known.detections) == ["/b"] and known.outdated == {"/c"}
    known = prediction_cache.gather_predictions(root, "r001-best", checkpoint, {"/c": "other"})
    assert known is not None and not known.detections and known.outdated == {"/c"}
    copy = checkpoint.with_name("copy.safetensors")
    copy.write_bytes(checkpoint.read_bytes())
    assert prediction_cache.gather_predictions(root, "r002-best", copy, {"/a": "1"}) is not None, "it is the same model"
    copy.write_bytes(b"other weights")
    assert prediction_cache.gather_predictions(root, "r001-best", copy, {"/a": "1"}) is None


def test_predictions_of_an_earlier_file_of_the_checkpoint_are_not_shown(tmp_path: Path, checkpoint: Path) -> None:
    root = tmp_path / "cache"
    folder = saved(root, checkpoint, "val", "aaaa", {"/a": "1"})
    other = saved(root, checkpoint, "val", "aaaa", {"/a": "1"}, checkpoint_id="r001-best-2")
    checkpoint.write_bytes(b"other weights")
    assert prediction_cache.gather_predictions(root, "r001-best", checkpoint, {"/a": "1"}) is None
    prediction_cache.discard_stale_predictions(root, "r001-best", checkpoint)
    assert not folder.exists() and other.exists()


def test_predictions_that_were_decoded_by_other_values_do_not_mix_with_todays(tmp_path: Path, checkpoint: Path) -> None:
    root = tmp_path / "cache"
    saved(root, checkpoint, "val", "aaaa", {"/a": "1"})
    file = saved(root, checkpoint, "val", "bbbb", {"/a": "1", "/b": "2"}) / prediction_cache.PREDICTIONS_FILE
    replace(PredictionSet.load(file), decoding="").save(file)  # as one that does not say how it was decoded
    known = prediction_cache.gather_predictions(root, "r001-best", checkpoint, {"/a": "1", "/b": "2"})
    assert known is not None and list(known.detections) == ["/a"]


def test_a_damaged_file_of_predictions_is_told_and_passed_over(tmp_path: Path, checkpoint: Path) -> None:
    root = tmp_path / "cache"
    folder = saved(root, checkpoint, "val", "aaaa", {"/a": "1"})
    saved(root, checkpoint, "val", "bbbb", {"/b": "2"})
    (folder / prediction_cache.PREDICTIONS_FILE).write_bytes(b"nothing")
    known = prediction_cache.gather_predictions(root, "r001-best", checkpoint, {"/a": "1", "/b": "2"})
    assert known is not None
    assert list(known.detections) == ["/b"]
    assert len(known.problems) == 1
    assert "predictions.npz" in known.problems[0]


def test_a_checkpoint_whose_file_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.safetensors"):
        prediction_cache.gather_predictions(tmp_path, "r001-best", tmp_path / "gone.safetensors", {})


def test_predictions_are_found_of_files_that_lie_elsewhere_and_hold_the_same(tmp_path: Path, checkpoint: Path) -> None:
    root = tmp_path / "cache"
    saved(root, checkpoint, "val", "aaaa", {"/old/a": "1", "/old/b": "2"})
    os.utime(checkpoint, ns=(5, 5))
    known = prediction_cache.gather_predictions(root, "r001-best", checkpoint, {"/new/a": "1", "/new/b": "changed"})
    assert known is not None and list(known.detections) == ["/new/a"]


def test_predictions_of_an_older_program_are_used_while_the_file_has_its_time(tmp_path: Path, checkpoint: Path) -> None:
    root = tmp_path / "cache"
    made = saved(root, checkpoint, "val", "aaaa", {"/a": "1"})
    older = made.rename(made.with_name(f"r001-best-val-aaaa-{checkpoint.stat().st_mtime_ns}"))
    known = prediction_cache.gather_predictions(root, "r001-best", checkpoint, {"/a": "1"})
    assert known is not None and list(known.detections) == ["/a"]
    assert prediction_cache.gather_predictions(root, "r001", checkpoint, {"/a": "1"}) is None
    prediction_cache.discard_stale_predictions(root, "r001-best", checkpoint)
    assert older.exists()
    os.utime(checkpoint, ns=(5, 5))  # copied: nobody can tell that it is the same
    assert prediction_cache.gather_predictions(root, "r001-best", checkpoint, {"/a": "1"}) is None
    prediction_cache.discard_stale_predictions(root, "r001-best", checkpoint)
    assert not older.exists()
