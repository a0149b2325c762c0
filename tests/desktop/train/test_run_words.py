"""What is said of runs in words: in what they differ, and what goes with one that is deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop.train.run.run_about import RunAbout
from desktop.train.run.run_deletion import deletion_question
from desktop.train.run.run_differences import differences_text, list_differences
from desktop.train.run.run_history import RunHistory
from tests.desktop.training_child import events


def told(run: str, recipe: str, snapshot: str = "aaaa", epochs: int = 2) -> tuple[RunAbout, RunHistory]:
    history = RunHistory.of(list(events(epochs, lambda: False, pause=0)))
    return RunAbout(run, None, "", snapshot, recipe), history


def test_only_what_is_not_the_same_in_all_runs_is_listed() -> None:
    runs = [
        told("r001", "model: ssd_compact\noptimizer: {lr: 0.002, ema: 0.0}\nstrategy: {unfreeze: []}\nseed: 1\n"),
        told("r002", "model: ssd_compact\noptimizer: {lr: 0.0005, ema: 0.0}\nstrategy: {unfreeze: []}\nseed: 1\n"),
        told(
            "r003",
            "model: ssd_compact\noptimizer: {lr: 0.002}\nstrategy: {unfreeze: [{stage: a, epoch: 2}]}\nseed: 1\n",
        ),
    ]
    assert list_differences(runs) == [
        ("optimizer.lr", "0.002", "0.0005", "0.002"),
        ("optimizer.ema", "0", "0", "–"),
        ("strategy.unfreeze", "none", "none", "a 2"),
    ]
    assert list_differences([runs[0], told("r004", runs[0][0].recipe, "bbbb")]) == [("snapshot", "aaaa", "bbbb")]


def test_the_text_stands_in_columns_with_the_results_first() -> None:
    text = differences_text(
        [told("r002", "weights: {path: " + "folder/" * 9 + "best.safetensors}"), told("r001", "seed: 1")]
    )
    lines = text.splitlines()
    assert [line.split("  ")[0] for line in lines] == [
        "",
        "best mAP@0.5",
        "best mAP",
        "in epoch",
        "weights.path",
        "seed",
    ]
    column = lines[0].index("r001")
    assert all(line[column - 1] == " " and line[column] != " " for line in lines)
    assert "…" in lines[4] and "best.safetensors" in lines[4]


def test_a_checkpoint_is_called_as_everywhere() -> None:
    path = "/parts/runs/r001/checkpoints/best.safetensors"
    assert "r001-best" in differences_text([told("r002", "weights: {path: " + path + "}"), told("r001", "seed: 1")])


def test_runs_that_are_alike_are_said_to_be_and_one_alone_is_not_compared() -> None:
    one, other = told("r001", "seed: 1"), told("r002", "seed: 1")
    assert differences_text([one, other]).endswith("Data and settings are the same.")
    assert differences_text([one]) == ""


def test_a_recipe_that_cannot_be_read_differs_in_all_that_it_does_not_say() -> None:
    assert list_differences([told("r001", "seed: 1"), told("r002", "seed: [")]) == [("seed", "1", "–")]


def test_the_size_of_a_run_is_told_while_its_files_are_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("kept", "replaced"):
        (tmp_path / name).write_bytes(bytes(2000))
    there = Path.is_file

    def replaced_now(path: Path) -> bool:
        found = there(path)
        if path.name == "replaced":
            path.unlink(missing_ok=True)
        return found

    monkeypatch.setattr(Path, "is_file", replaced_now)
    assert deletion_question(tmp_path) == f"Delete {tmp_path.name} (2.0 kB)?"
