"""Events on both sides of the border between processes."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from core.jobs.events import (
    ActivityBegun,
    CheckpointSaved,
    EpochDone,
    Event,
    JobFinished,
    JobProgress,
    JobResumed,
    Notice,
    PhaseBegun,
    QueuedJobStarted,
    RangePoint,
    RangeProposed,
    RecipeNotice,
    RunFailed,
    RunFinished,
    RunPaused,
    RunStarted,
    StepDone,
    StudyEpochDone,
    StudyRunEnded,
    StudyRunStarted,
    StudyStarted,
    UnknownEvent,
    from_json,
    to_json,
)
from core.jobs.folder import JobFolder

STARTED = RunStarted("r001", "m", "CPU", 3, 1, 2, 1, ["a"], 100, 10, 1.0, "w", environment={"torch": "2"}, world_size=2)
STEP = StepDone(1, 2, 3, 0.5, 0.25, 0.25, 1e-3, 9.0)
EPOCH = EpochDone(1, 3, 1.0, 0.5, 0.5, None, None, None, None, 0.5, {"a": None}, 1e-3, 9.0, 1.0, 2.0, {"macro_f1": 0.5})

# What each event is on disk: the kind first, then its fields in their order. Runs of earlier versions are full of these.
LINES: list[tuple[Event, str]] = [
    (JobResumed(), "event"),
    (JobProgress(1, 2), "event done total seconds"),
    (Notice("a", "warning"), "event text level"),
    (JobFinished(stopped=True), "event stopped"),
    (RunFailed("a", "b"), "event reason advice"),
    (
        STARTED,
        "event run model device epochs steps_per_epoch train_images val_images labels parameters trainable_parameters "
        "reachable weights skipped plan environment resumed_at world_size",
    ),
    (
        RecipeNotice("few", "warning", code="anchors_miss", severity="high", labels={"pit": 3}, mends=[{"words": "a"}]),
        "event text level code severity labels mends",
    ),
    (PhaseBegun(2, ["s4"], 9), "event epoch stages trainable_parameters"),
    (ActivityBegun("judging", 3, 12, 8.0), "event activity done total seconds_left"),
    (STEP, "event epoch step steps loss label_loss box_loss lr images_per_second epoch_loss seconds_left"),
    (
        EPOCH,
        "event epoch epochs train_loss train_label_loss train_box_loss val_loss val_label_loss val_box_loss map50 map "
        "labels lr images_per_second seconds seconds_left metrics memory_mb",
    ),
    (CheckpointSaved("r001-best", "p", 1, None, 0.5, True), "event id path epoch map50 map best"),
    (RunPaused(1, 2, 3.0), "event epoch step seconds"),
    (
        RunFinished(1, 2.0, False),
        "event epoch seconds stopped best_map50 best_map best_checkpoint peak_memory_mb",
    ),
    (RangePoint(1, 1e-3, 0.5, 0.6), "event step lr loss raw"),
    (RangeProposed(None, "a", None, None, 1e-3, [[1e-3, 0.5]]), "event proposed why lowest middle current curve"),
    (StudyStarted("s001", 4), "event study runs"),
    (StudyRunStarted(1, 4, "r001", "frozen", 0), "event number of run strategy seed"),
    (
        StudyEpochDone("r001", "frozen", 0, 1, 3, None, 0.5, 2.0),
        "event run strategy seed epoch epochs map50 map seconds_left",
    ),
    (
        StudyRunEnded("finished", 0.5, None, 9.0, "", "r001", "frozen", 0),
        "event state map map50 seconds reason run strategy seed",
    ),
    (QueuedJobStarted("r001"), "event folder"),
]


@pytest.mark.parametrize(("event", "keys"), LINES, ids=lambda value: type(value).__name__)
def test_an_event_is_the_same_after_the_way_through_its_file(event: Event, keys: str, tmp_path: Path) -> None:
    assert " ".join(to_json(event)) == keys
    folder = JobFolder.create(tmp_path / "job", {})
    folder.append_event(event)
    assert folder.read_events()[0] == [event]
    assert [list(line) for line in folder.read_lines()[0]] == [keys.split()]


@pytest.mark.parametrize(
    "line",
    [
        {"event": "dream", "colour": "red"},
        {"event": "step"},
        {"event": "epoch", "epoch": "x"},
        to_json(EPOCH) | {"epoch": True},
        to_json(EPOCH) | {"labels": ["a"]},
        to_json(STARTED) | {"run": None},
        {"event": "notice", "text": "a", "level": "loud"},
        {"event": "notice", "text": "a", "level": ["info"]},
        {"event": "finished", "stopped": "no"},
        {"event": ["finished"]},
        {"no": "event"},
        {},
    ],
)
def test_what_is_unknown_or_damaged_is_kept_as_it_was_said(line: dict[str, object]) -> None:
    event = from_json(line)
    assert event == UnknownEvent(line) and to_json(event) == line


def test_lines_of_an_earlier_and_of_a_later_version_are_read() -> None:
    early = {name: value for name, value in to_json(STARTED).items() if name not in ("environment", "world_size")}
    assert from_json(early) == replace(STARTED, environment={}, world_size=1)
    assert from_json(to_json(STEP) | {"colour": "red"}) == STEP


def test_how_a_job_ended_is_known_also_where_the_rest_of_its_last_line_is_not() -> None:
    assert from_json({"event": "finished", "stopped": True, "epoch": "?"}) == JobFinished(stopped=True)
    assert from_json({"event": "failed"}) == RunFailed()
    assert from_json({"event": "paused"}) == RunPaused()


def test_a_number_that_json_does_not_have_is_null_on_disk_and_not_a_number_here() -> None:
    line = to_json(replace(STEP, loss=math.inf))
    assert json.loads(json.dumps(line, allow_nan=False))["loss"] is None
    event = from_json(line)
    assert isinstance(event, StepDone) and math.isnan(event.loss)
    assert to_json(replace(EPOCH, labels={"a": math.nan}))["labels"] == {"a": None}
    assert from_json(to_json(replace(EPOCH, map=None))) == replace(EPOCH, map=None)
