"""Evaluations are kept beside their checkpoint, and go with it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.inspection.evaluation_key import hash_truth
from core.project.evaluations import (
    EvaluationKey,
    StoredEvaluation,
    evaluation_file,
    load_evaluations,
    save_evaluation,
)
from core.project.snapshot import SnapshotImage
from core.types import Split, Status
from tests.builders import project_with_pictures
from tests.desktop.model_builders import write_checkpoint

KEY = EvaluationKey("model", "truth", "val", "score_floor=0.01", "mode=whole")
FIGURES = {"map50": 0.5, "map": 0.25, "labels": {"pit": {"ap50": 0.5, "ap": 0.25}, "crack": {"ap50": None}}}


def make_file(path: Path) -> Path:
    path.write_bytes(b"weights")
    return path


def made_evaluation(split: str = "val", made: str = "2026-01-01T00:00:00+00:00") -> StoredEvaluation:
    return StoredEvaluation(replace(KEY, split=split), "evaluate", 12, 1, FIGURES, made)


def test_what_is_kept_is_read_back_and_the_newest_of_a_split_is_the_one(tmp_path: Path) -> None:
    best, other = make_file(tmp_path / "best.safetensors"), make_file(tmp_path / "best-2.safetensors")
    save_evaluation(best, made_evaluation(made="2025-01-01T00:00:00+00:00"))
    newest = made_evaluation(made="2026-03-01T00:00:00+00:00")
    save_evaluation(best, newest)
    save_evaluation(best, made_evaluation("test"))
    save_evaluation(other, made_evaluation("all"))
    assert load_evaluations(best).found == (newest, made_evaluation("test"))
    assert [one.key.split for one in load_evaluations(other).found] == ["all"]
    assert newest.best_known == 0.5 and newest.label_ap == {"pit": 0.5, "crack": None}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "not JSON"),
        (b"[]", "not an evaluation"),
        (b"{}", "not an evaluation"),
        (json.dumps({"format": "defectdesk-evaluation", "version": 2}).encode(), "update"),
        (json.dumps({"format": "defectdesk-evaluation", "version": 1, "key": {}}).encode(), "lacks something"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_the_others_are_read(content: bytes, said: str, tmp_path: Path) -> None:
    best = make_file(tmp_path / "best.safetensors")
    save_evaluation(best, made_evaluation("test"))
    evaluation_file(best, "val").write_bytes(content)
    kept = load_evaluations(best)
    assert [one.key.split for one in kept.found] == ["test"]
    [problem] = kept.problems
    assert "best.evaluation-val.json" in problem and said in problem


def test_a_deleted_checkpoint_and_its_folder_do_not_come_back(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is gone"):
        save_evaluation(tmp_path / "r001" / "best.safetensors", made_evaluation())
    assert not (tmp_path / "r001").exists()


def test_an_evaluation_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    best = make_file(tmp_path / "best.safetensors")
    evaluation_file(best, "val").mkdir()  # nothing can take its place
    with pytest.raises(InputError, match="evaluation-val"):
        save_evaluation(best, made_evaluation())


def test_evaluations_are_deleted_with_their_checkpoint(tmp_path: Path) -> None:
    with project_with_pictures(tmp_path / "p", 1) as project:
        best, last = (write_checkpoint(project, "r001", name) for name in ("best", "last"))
        project.runs.sync_folders()
        for path in (best, last):
            save_evaluation(path, made_evaluation())
        project.runs.delete_checkpoint("r001-best")
    assert not load_evaluations(best).found and load_evaluations(last).found


def marked_image(**changes: object) -> SnapshotImage:
    boxes, labels = np.array([[1, 2, 8, 9], [3, 3, 5, 5]], np.float32), np.array([[True, False], [False, True]])
    image = SnapshotImage("/a.png", 20, 10, Status.LABELLED, Split.VAL, "", "content", boxes, labels)
    return replace(image, **changes)  # type: ignore[arg-type]


def hash_one(image: SnapshotImage) -> str:
    return hash_truth(("pit", "crack"), [image])


def test_the_truth_is_known_by_what_figures_depend_on() -> None:
    image = marked_image()
    same = [
        marked_image(path="/elsewhere/b.png", status=Status.REVIEWED, group="g", split=Split.TEST, modified_ns=5),
        marked_image(boxes=image.boxes[::-1], labels=image.labels[::-1]),
    ]
    other = [
        marked_image(content_hash="another"),
        marked_image(boxes=image.boxes + np.float32(0.5)),
        marked_image(labels=~image.labels),
        marked_image(boxes=image.boxes[:1], labels=image.labels[:1]),
        marked_image(
            boxes=image.boxes[:1], labels=image.labels[:1], ignored=image.boxes[1:], ignored_labels=image.labels[1:]
        ),
    ]
    assert {hash_one(one) for one in same} == {hash_one(image)}
    assert len({hash_one(one) for one in [image, *other]}) == 6
    assert hash_truth(("pit", "hole"), [image]) != hash_one(image)
