"""Two processes train together, over gloo on this machine: as one would, and ending together whatever happens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
Events = list[dict[str, Any]]

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are forked and looked for")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.core.training.distributed_processes", str(tmp_path_factory.mktemp("together"))],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {one["case"]: one["told"] for one in map(json.loads, done.stdout.splitlines())}


def of_kind(events: Events, kind: str) -> Events:
    assert isinstance(events, list), events
    return [event for event in events if event["event"] == kind]


def test_two_processes_learn_what_one_learns_from_batches_of_twice_the_size(told: dict[str, Any]) -> None:
    alike = told["alike"]
    assert alike["moved"] > 1e-3, "nothing was learnt, so nothing was compared"
    # The weights after four steps of plain gradient descent differ as sums in another order do.
    assert alike["two apart"] < 1e-4 * alike["moved"]
    assert alike["accumulated apart"] < 1e-4 * alike["moved"]


def test_losses_and_metrics_count_each_image_once(told: dict[str, Any]) -> None:
    """Three images to judge by, in two processes: one of them would be judged twice, were they filled up."""
    (one,), (first, second) = told["alike"]["one"], told["alike"]["two"]
    epochs = [of_kind(events, "epoch") for events in (one, first, second)]
    assert [len(found) for found in epochs] == [2, 2, 2]
    for alone, *together in zip(*epochs, strict=True):
        for other in together:
            assert other["val_loss"] == pytest.approx(alone["val_loss"], rel=1e-5)
            assert other["train_loss"] == pytest.approx(alone["train_loss"], rel=1e-4)
            assert (other["map50"], other["map"], other["labels"]) == (alone["map50"], alone["map"], alone["labels"])
    (started,) = of_kind(first, "started")
    assert started["world_size"] == 2 and started["val_images"] == 3


def test_only_the_main_process_saves(told: dict[str, Any]) -> None:
    for case in ("two", "averaged"):
        main, other = told["alike"][case]
        assert {event["id"] for event in of_kind(main, "checkpoint")} == {"r001-best", "r001-last"}
        assert not of_kind(other, "checkpoint")
        assert of_kind(main, "finished") and of_kind(other, "finished")


def test_each_picture_is_computed_by_one_process(told: dict[str, Any]) -> None:
    (alone,), (first, second) = told["pictures"]["one"], told["pictures"]["two"]
    pictures = [one for batch in alone for one in batch]
    assert len(set(pictures)) == len(pictures) == 11
    shared = [one for left, right in zip(first, second, strict=True) for one in (*left, *right)]
    assert shared == pictures, "in the order of one process, so that they learn the same at the same step"


def test_a_loss_that_is_no_number_in_one_process_ends_all_with_the_reason(told: dict[str, Any]) -> None:
    main, other = told["nan"]
    for events in (main, other):
        (failed,) = of_kind(events, "failed")
        assert "infinite or no number in epoch 1, step 2" in failed["reason"]
        assert len(of_kind(events, "step")) == 1


def test_too_little_memory_in_one_process_halves_the_batch_of_all(told: dict[str, Any]) -> None:
    for events in told["too_little_memory"]:
        assert of_kind(events, "finished")
        notices = [event["text"] for event in of_kind(events, "notice")]
        assert sum("too little memory for 2 pictures at once" in text for text in notices) == 1
    losses = [[event["train_loss"] for event in of_kind(events, "epoch")] for events in told["too_little_memory"]]
    usual = [event["train_loss"] for event in of_kind(told["alike"]["two"][0], "epoch")]
    # The schedule is longer here, so only the first step is the same: its mean with the second differs little.
    assert losses[0] == losses[1] and losses[0][0] == pytest.approx(usual[0], rel=1e-2)


def test_an_image_that_one_process_cannot_read_ends_all_with_its_name(told: dict[str, Any]) -> None:
    for events in told["lost_image"]:
        (failed,) = of_kind(events, "failed")
        assert "b.png" in failed["reason"]


def test_a_wish_to_stop_in_one_process_stops_all_and_keeps_what_was_learnt(told: dict[str, Any]) -> None:
    main, other = told["stopped"]
    for events in (main, other):
        (finished,) = of_kind(events, "finished")
        assert finished["stopped"] and len(of_kind(events, "step")) == 1
    assert of_kind(main, "checkpoint")


def test_when_the_launcher_is_killed_its_processes_save_and_end(told: dict[str, Any]) -> None:
    launched = told["launched"]
    assert launched["left"] == [], "processes are left over"
    assert launched["state"] == "stopped" and launched["events"][-1] == "finished"
    assert launched["step"] >= 1


def test_a_launch_of_the_same_name_goes_on_with_its_run_and_another_does_not(told: dict[str, Any]) -> None:
    launched = told["launched"]
    assert launched["found"] == "r001"
    assert not launched["other recipe"] and not launched["other launch"]
