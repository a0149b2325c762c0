"""What is kept of a run's events, without a window."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.jobs.events import (
    ActivityBegun,
    CheckpointSaved,
    EpochDone,
    Event,
    PhaseBegun,
    RunFailed,
    RunPaused,
    StepDone,
    from_json,
    to_json,
)
from desktop.kit.formatting import format_duration
from desktop.train.run.run_about import RunAbout, list_facts
from desktop.train.run.run_curves import Mark, find_marks, shown_epochs, smooth_values
from desktop.train.run.run_history import RunHistory
from desktop.train.run.run_status import best_checkpoint, describe_place, summarize_run
from tests.desktop.training_child import events


def said(epochs: int = 3, stop_after: int | None = None) -> list[Event]:
    """The lines of a run; asked to stop after a number of steps."""
    asked = iter(range(1_000_000))
    stop = (lambda: next(asked) >= stop_after) if stop_after is not None else (lambda: False)
    return list(events(epochs, stop, pause=0))


def test_steps_lie_between_the_epochs_that_they_belong_to() -> None:
    x, loss = RunHistory.of(said(2)).steps()
    assert x.tolist() == [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0]
    assert loss.tolist() == [2, 2, 2, 2, 1, 1, 1, 1]


def test_batches_of_any_size_give_the_same_history() -> None:
    lines = said(3)
    whole, single = RunHistory.of(lines), RunHistory()
    for line in lines:
        single.add([line])
    assert single.epochs == whole.epochs
    assert single.log == whole.log
    for one, other in zip(single.steps(), whole.steps(), strict=True):
        assert np.array_equal(one, other)


def test_thousands_of_steps_are_kept() -> None:
    history = RunHistory()
    history.add(StepDone(1, step, 5000, 1.0, 0.5, 0.5, 1e-3, 10.0) for step in range(1, 5001))
    assert len(history.steps()[0]) == 5000


def test_a_resumed_run_replaces_what_it_repeats() -> None:
    lines = said(3)
    history = RunHistory.of(lines)
    again = next(line for line in lines if isinstance(line, EpochDone) and line.epoch == 2)
    step = next(line for line in lines if isinstance(line, StepDone) and line.epoch == 2)
    history.add([step, again])
    assert [epoch.epoch for epoch in history.epochs] == [1, 2]
    assert history.steps()[0].tolist() == [0.25, 0.5, 0.75, 1.0, 1.25]


def test_an_epoch_that_was_not_judged_leaves_no_point() -> None:
    lines = said(2)
    first = next(at for at, line in enumerate(lines) if isinstance(line, EpochDone))
    lines[first] = replace(lines[first], map50=None, map=None, val_loss=None)
    history = RunHistory.of(lines)
    assert history.epoch_curve("map50")[0].tolist() == [2]
    assert history.epoch_curve("train_loss")[0].tolist() == [1, 2]
    assert history.label_curve("pit")[0].tolist() == []


def test_a_loss_that_was_not_finite_leaves_a_gap_and_no_crash() -> None:
    lines = said(1)
    lines[3] = from_json(to_json(lines[3]) | {"loss": None})
    x, loss = RunHistory.of(lines).steps()
    assert math.isnan(loss[1])
    assert np.isfinite(smooth_values(loss, 20)).all()
    assert len(x) == 4


@settings(deadline=None)
@given(values=st.lists(st.floats(-1e3, 1e3) | st.just(math.nan), max_size=40), steps=st.integers(1, 50))
def test_a_smoothed_step_is_the_mean_of_the_last_steps(values: list[float], steps: int) -> None:
    found = smooth_values(np.array(values), steps)
    for end, value in enumerate(found.tolist(), start=1):
        known = [one for one in values[max(0, end - steps) : end] if not math.isnan(one)]
        if known:
            assert value == pytest.approx(sum(known) / len(known), abs=1e-9)
        else:
            assert math.isnan(value)


def test_phases_are_marked_where_they_begin_and_planned_ones_until_then() -> None:
    plan = [
        {"epoch": 1, "stages": []},
        {"epoch": 3, "stages": ["s4"]},
        {"epoch": 5, "stages": ["s3", "s4"]},
    ]
    lines = said(4)[:2]
    lines[0] = replace(lines[0], plan=plan)
    history = RunHistory.of(lines)
    assert find_marks(history) == [Mark(0, "head", True), Mark(2, "+s4", True), Mark(4, "+s3", True)]
    history.add([PhaseBegun(1, [], 10), PhaseBegun(3, ["s4"], 20)])
    assert [mark.planned for mark in find_marks(history)] == [False, False, True]


def test_the_plots_show_some_more_than_is_done_and_the_next_change() -> None:
    lines = said(100)
    epochs = [at for at, line in enumerate(lines) if isinstance(line, EpochDone)]

    def shown(done: int, plan: tuple[int, ...] = ()) -> int:
        begun = replace(lines[0], plan=[{"epoch": epoch, "stages": [f"s{epoch}"]} for epoch in (1, *plan)])
        told = RunHistory.of([begun, *lines[1 : epochs[done - 1] + 1]])
        return shown_epochs(find_marks(told), told)

    assert [shown(done) for done in (1, 9, 12, 30, 60, 99, 100)] == [10, 10, 20, 40, 100, 100, 100]
    assert shown(2, (26,)) == 40 and shown(30, (26,)) == 40
    long = RunHistory.of(lines[: epochs[50] + 1])
    assert shown_epochs([], RunHistory.of(said(5)), [long]) == 100, "the one that it is compared with, too"


def test_a_run_whose_parts_all_learn_from_the_beginning_has_no_marks() -> None:
    lines = said(2)
    lines[0] = replace(lines[0], plan=[{"epoch": 1, "stages": ["s1", "s2"]}])
    assert find_marks(RunHistory.of(lines)) == []


def test_a_run_that_is_gone_on_with_is_marked_and_its_time_left_counts_from_there() -> None:
    lines, now = said(4), [0.0]
    history = RunHistory(lambda: now[0])
    history.add(lines[:4])  # two of sixteen steps
    history.add([RunPaused(1, 2, 3.0)])
    assert history.paused is not None
    now[0] = 1000.0
    history.add([replace(lines[0], resumed_at=2)])
    assert history.paused is None
    assert find_marks(history) == [Mark(0.5, "resumed")]
    now[0] = 1003.0
    history.add(lines[4:6])  # two more steps in three seconds; twelve are left
    assert history.seconds_left == pytest.approx(18.0)


def test_a_paused_run_says_so_and_what_it_has_learnt() -> None:
    history = RunHistory.of([*said(3)[:8], RunPaused(2, 5, 3.0)])
    assert summarize_run(history, "paused").startswith(
        "Paused in epoch 2 of 3; the device is free. Best epoch 1: mAP@0.5 0.500"
    )


def test_a_checkpoint_that_a_pause_saves_once_more_is_told_once() -> None:
    saved = CheckpointSaved("r001-last", "last.safetensors", 2, None, None, False)
    history = RunHistory.of([saved, saved, RunPaused(2, 5, 3.0), saved])
    told = [line.text for line in history.log]
    assert told == ["Saved r001-last in epoch 2", "Paused in epoch 2; the device is free", "Saved r001-last in epoch 2"]


def test_what_begins_to_learn_is_told_with_the_head_that_always_does() -> None:
    lines = RunHistory.of([PhaseBegun(3, ["conv4", "conv5"], 2_000_000), PhaseBegun(1, [], 1_000_000)])
    assert [line.text for line in lines.log] == [
        "From epoch 3 on the head and conv4, conv5 learn: 2.00 million parameters",
        "From epoch 1 on the head alone learns: 1.00 million parameters",
    ]


def test_what_is_told_of_a_run_names_its_data_and_its_machine(tmp_path: Path) -> None:
    lines = said(1)
    environment = {"torch": "2.15", "gpu_memory": "8 GB"}
    lines[0] = replace(lines[0], environment=environment, skipped=["head.weight: another shape"])
    about = RunAbout("r001", tmp_path, "2026-03-04T09:30:00+00:00", "abc123", "model: x")
    found = dict(list_facts(about, RunHistory.of(lines)))
    assert (found["Snapshot"], found["Torch"], found["Gpu memory"]) == ("abc123", "2.15", "8 GB")
    assert found["Not taken over"] == "head.weight: another shape"
    assert "Processes" not in found


def test_a_run_that_writes_for_tensorboard_says_how_to_look_at_it(tmp_path: Path) -> None:
    for number, text in enumerate(
        ("tracking: {tensorboard: true}", "tracking: {tensorboard: false}", "tracking: [", "")
    ):
        (folder := tmp_path / f"r 00{number}").mkdir()
        (folder / "recipe.yaml").write_text(text, "utf-8")
    told = [
        dict(list_facts(RunAbout.of(tmp_path / f"r 00{number}"), RunHistory())).get("TensorBoard")
        for number in range(4)
    ]
    assert told == [f"tensorboard --logdir '{tmp_path}/r 000/tensorboard'", None, None, None]


def test_lines_of_a_newer_version_are_passed_over() -> None:
    history = RunHistory.of(
        [*map(from_json, ({"event": "dream"}, {"event": "step", "colour": "red"}, {"no": "event"})), *said(1)]
    )
    assert len(history.epochs) == 1


def test_progress_and_time_left_shrink_to_nothing() -> None:
    lines, now = said(4), [0.0]
    history = RunHistory(lambda: now[0])
    assert (history.progress, history.seconds_left) == (0.0, None)
    history.add(lines[:2])
    now[0] = 3.0
    history.add(lines[2:4])  # two of sixteen steps in three seconds
    assert history.progress == 2 / 16
    assert history.seconds_left == pytest.approx(21.0)
    history.add(lines[4:7])
    assert history.progress == 0.25
    assert history.seconds_left == history.epochs[-1].seconds_left
    history.add(lines[7:])
    assert history.progress == 1.0


def test_the_time_left_is_what_the_run_says_judging_included() -> None:
    lines = said(4)
    history = RunHistory.of(lines[:2])
    history.add([ActivityBegun("learning"), replace(lines[2], seconds_left=90.0)])
    assert history.seconds_left == 90
    history.add([ActivityBegun("judging", 1, 12, 80.0)])
    assert history.seconds_left == 80
    history.add([next(line for line in lines if isinstance(line, EpochDone))])
    assert history.seconds_left == history.epochs[-1].seconds_left


def test_the_loss_of_the_epoch_is_a_mean_and_not_that_of_one_batch() -> None:
    first, *steps = [line for line in said(2) if isinstance(line, StepDone)][:4]
    history = RunHistory.of([replace(first, loss=4.0, epoch_loss=4.0), replace(steps[0], loss=1.0, epoch_loss=2.5)])
    assert history.epoch_loss == 2.5
    old = RunHistory.of([replace(first, loss=4.0), replace(steps[0], loss=1.0), replace(steps[1], loss=math.nan)])
    assert old.epoch_loss == 2.5, "of a run of an earlier version: of the steps that it told of"
    done = RunHistory.of(said(2))
    assert done.epoch_loss == done.epochs[-1].train_loss
    assert RunHistory().epoch_loss is None


def test_the_best_epoch_is_the_one_whose_checkpoint_was_saved_as_best() -> None:
    history = RunHistory.of(said(2))
    assert history.best is not None
    assert history.best.epoch == 2
    better_by_map_only = replace(history.epochs[-1], epoch=3, map=0.99)
    history.add([better_by_map_only])
    assert history.best.epoch == 2
    assert best_checkpoint(history) == "r001-best"


@pytest.mark.parametrize(
    ("state", "lines", "text"),
    [
        ("running", said(2), ""),
        ("finished", said(2), "Finished after 1 s. Best epoch 2: mAP@0.5 0.750, mAP@[.5:.95] 0.375."),
        ("stopped", said(9, stop_after=6), "Stopped after 1 s. Best epoch 1: mAP@0.5 0.500, mAP@[.5:.95] 0.250."),
        ("stopped", said(9, stop_after=2), "Stopped after 1 s. Nothing was judged on validation images."),
        (
            "failed",
            [RunFailed("Out of memory.", "Use a smaller batch.")],
            "Out of memory. Use a smaller batch.",
        ),
    ],
)
def test_the_summary_says_how_a_run_ended(state: str, lines: list[Event], text: str) -> None:
    assert summarize_run(RunHistory.of(lines), state) == text


def test_the_place_is_told_by_step_while_it_trains_and_by_epoch_afterwards() -> None:
    history = RunHistory.of(said(3)[:4])
    assert describe_place(history) == "epoch 1 of 3 · step 2 of 4"
    assert describe_place(RunHistory.of(said(3)), ended=True) == "epoch 3 of 3"
    assert isinstance(history.epochs, list) and not any(isinstance(epoch, EpochDone) for epoch in history.epochs)


def test_the_place_says_what_the_run_does() -> None:
    lines = said(3)
    history = RunHistory.of([ActivityBegun("loading")])
    assert describe_place(history) == "loading"
    history.add(lines[:4])
    history.add([ActivityBegun("judging", 12, 1000)])
    assert describe_place(history) == "epoch 1 of 3 · judging 12 of 1,000 images"
    history.add([ActivityBegun("saving")])
    assert describe_place(history) == "epoch 1 of 3 · saving"
    assert describe_place(history, ended=True) == "epoch 1 of 3"
    history.add([lines[4]])
    assert describe_place(history) == "epoch 1 of 3 · step 3 of 4"


def test_a_pause_in_the_middle_of_an_epoch_is_told_of_that_epoch_everywhere() -> None:
    """One epoch is done, and the second was under way."""
    lines = said(4, stop_after=6)
    history = RunHistory.of([*lines[:-1], RunPaused(2, 6, 1.0)])
    assert describe_place(history, ended=True) == "epoch 2 of 4"
    assert summarize_run(history, "paused").startswith("Paused in epoch 2 of 4;")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (0.4, "0 s"), (59.6, "1 min 0 s"), (310, "5 min 10 s"), (3000, "50 min"), (12_000, "3 h 20 min")],
)
def test_durations_read_as_a_person_says_them(seconds: float | None, text: str) -> None:
    assert format_duration(seconds) == text
