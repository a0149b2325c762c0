"""A run that was interrupted goes on as if nothing had happened."""

from __future__ import annotations

import errno
import itertools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from core.errors import InputError
from core.jobs import child_runtime
from core.jobs.events import (
    CheckpointSaved,
    EpochDone,
    Event,
    JobFinished,
    JobResumed,
    Notice,
    PhaseBegun,
    RunFinished,
    RunPaused,
    RunStarted,
    StepDone,
)
from core.jobs.folder import JobFolder
from core.models import checkpoint
from core.models.checkpoint import BEST, LAST
from core.project.snapshot import Snapshot
from core.recipe.recipe import Recipe, save_recipe
from core.training import child, saving
from core.training.loop import train
from tests.core.training.test_training import never, run, sample_snapshot, tiny


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return sample_snapshot(tmp_path_factory.mktemp("images"), train=6, val=2, size=64)


def after(looks: int) -> Callable[[], bool]:
    """True from the look numbered `looks` on."""
    counted = itertools.count(1)
    return lambda: next(counted) >= looks


def whole_state(folder: Path, name: str = LAST) -> dict[str, Any]:
    """All that a checkpoint holds, but what tells of the time."""
    path = folder / "checkpoints" / name
    loaded, state = checkpoint.load(path), checkpoint.load_state(path)
    held: dict[str, Any] = {f"model.{key}": tensor for key, tensor in loaded.tensors.items()}
    held["description"] = loaded.description.model_copy(update={"created": "", "run": "", "id": ""})
    if state is not None:
        held |= {f"optimizer.{key}": tensor for key, tensor in state.optimizer.items()}
        held |= {f"learning.{key}": tensor for key, tensor in state.learning.items()}
        progress = state.progress.model_dump(exclude={"seconds"})
        progress["sums"].pop("seconds")
        progress["best"].pop("id")
        held["progress"] = progress
    return held


def assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        same = torch.equal(value, other[name]) if isinstance(value, torch.Tensor) else value == other[name]
        assert same, f"{name} differs"


def interrupted(recipe: Recipe, snapshot: Snapshot, folder: Path, looks: int) -> list[Event]:
    """Pause the run again and again, after so many looks each time, until it is done; all its events."""
    events: list[Event] = []
    for _ in range(60):
        events += train(recipe, snapshot, folder, never, after(looks))
        if not isinstance(events[-1], RunPaused):
            return events
    raise AssertionError("the run makes no headway")


RECIPES: dict[str, dict[str, Any]] = {
    "plain": {},
    "averaged, accumulated, on a plateau": {
        "optimizer__ema": 0.9,
        "optimizer__accumulate": 2,
        "schedule__batch_size": 2,
        "schedule__decay": "plateau",
        "schedule__patience": 1,
        "evaluation__early_stop": 2,
        "schedule__epochs": 4,
    },
    "fp16": {"limits__precision": "fp16", "optimizer__kind": "sgd"},
}


@pytest.mark.parametrize("name", RECIPES)
def test_a_run_paused_in_the_middle_of_epochs_and_steps_ends_in_the_same_bits(
    name: str, snapshot: Snapshot, tmp_path: Path
) -> None:
    recipe = tiny(**({"schedule__batch_size": 2, "schedule__epochs": 3} | RECIPES[name]))
    straight = run(recipe, snapshot, tmp_path / "straight")
    pieces = interrupted(recipe, snapshot, tmp_path / "pieces", looks=75)
    pauses = [event for event in pieces if isinstance(event, RunPaused)]
    steps = next(event for event in straight if isinstance(event, RunStarted)).steps_per_epoch
    assert len(pauses) >= 3 and any(event.step % steps for event in pauses), "no pause was in the middle of an epoch"
    assert_same(whole_state(tmp_path / "straight"), whole_state(tmp_path / "pieces"))
    assert_same(whole_state(tmp_path / "straight", BEST), whole_state(tmp_path / "pieces", BEST))
    told = [
        {(e.epoch, e.train_loss, e.val_loss, e.map, e.lr) for e in events if isinstance(e, EpochDone)}
        for events in (straight, pieces)
    ]
    assert told[0] == told[1] and told[0]
    resumed = [event.resumed_at for event in pieces if isinstance(event, RunStarted)]
    assert resumed == [0, *(event.step for event in pauses)]


def test_a_stopped_run_goes_on_too_and_one_that_is_over_has_nothing_to_do(snapshot: Snapshot, tmp_path: Path) -> None:
    recipe = tiny(schedule__epochs=2)
    stopped = run(recipe, snapshot, tmp_path / "r001", after(50))
    assert isinstance(stopped[-1], RunFinished) and stopped[-1].stopped
    first, done = run(recipe, snapshot, tmp_path / "r001"), run(recipe, snapshot, tmp_path / "r001")
    assert isinstance(first[-1], RunFinished) and not first[-1].stopped and first[-1].epoch == 2
    assert not any(isinstance(event, (StepDone, EpochDone)) for event in done)
    assert isinstance(done[-1], RunFinished)
    assert (done[-1].best_map50, done[-1].best_checkpoint) == (first[-1].best_map50, "r001-best")
    run(recipe, snapshot, tmp_path / "straight")
    assert_same(whole_state(tmp_path / "straight"), whole_state(tmp_path / "r001"))


def test_a_run_that_lost_power_goes_on_from_its_last_save_in_the_middle_of_an_epoch(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tiny(schedule__batch_size=2, schedule__epochs=2)
    run(recipe, snapshot, tmp_path / "straight")
    monkeypatch.setattr(saving, "SAVES_APART", 0.0)
    monkeypatch.setattr(saving, "MOST_SAVING", 1e9)
    running = train(recipe, snapshot, tmp_path / "r001", never)
    for event in running:
        if isinstance(event, StepDone) and (event.epoch, event.step) == (2, 3):
            running.close()
    saved = checkpoint.load_state(tmp_path / "r001" / "checkpoints" / LAST)
    assert saved is not None and (saved.progress.epoch, saved.progress.epoch_step) == (2, 2)
    again = run(recipe, snapshot, tmp_path / "r001")
    assert isinstance(again[0], RunStarted) and again[0].resumed_at == saved.progress.step == 5
    assert_same(whole_state(tmp_path / "straight"), whole_state(tmp_path / "r001"))


def test_a_damaged_last_checkpoint_costs_only_the_time_since_the_one_before(snapshot: Snapshot, tmp_path: Path) -> None:
    recipe = tiny(schedule__epochs=3)
    interrupted(recipe, snapshot, tmp_path / "straight", looks=10_000)
    for looks in (60, 90):
        assert isinstance(list(train(recipe, snapshot, tmp_path / "r001", never, after(looks)))[-1], RunPaused)
    last = tmp_path / "r001" / "checkpoints" / LAST
    last.write_bytes(last.read_bytes()[:-100])
    events = run(recipe, snapshot, tmp_path / "r001")
    assert any("goes on from the checkpoint before" in event.text for event in events if hasattr(event, "text"))
    assert_same(whole_state(tmp_path / "straight"), whole_state(tmp_path / "r001"))


def test_phases_are_told_and_taken_up_again_without_what_the_run_started_from(
    snapshot: Snapshot, tmp_path: Path
) -> None:
    run(tiny(schedule__epochs=1), snapshot, tmp_path / "start")
    start = tmp_path / "start" / "checkpoints" / LAST
    recipe = tiny(
        weights__source="checkpoint",
        weights__path=str(start),
        strategy__kind="two_phase",
        strategy__head_epochs=1,
        strategy__last_stages=2,
        schedule__epochs=3,
    )
    straight = run(recipe, snapshot, tmp_path / "straight")
    [phase] = [event for event in straight if isinstance(event, PhaseBegun)]
    started = straight[0]
    assert isinstance(started, RunStarted) and [one["epoch"] for one in started.plan] == [1, 2]
    assert phase.epoch == 2 and phase.stages == ["stage3", "stage4"]
    assert started.trainable_parameters < phase.trainable_parameters < started.parameters
    first = list(train(recipe, snapshot, tmp_path / "pieces", never, after(150)))
    assert isinstance(first[-1], RunPaused) and first[-1].epoch > 1, "it was to be paused in the second phase"
    start.unlink()
    rest = run(recipe, snapshot, tmp_path / "pieces")
    again = rest[0]
    assert isinstance(again, RunStarted) and (again.weights, again.skipped) == (started.weights, started.skipped)
    assert_same(whole_state(tmp_path / "straight"), whole_state(tmp_path / "pieces"))


def test_a_folder_of_another_recipe_or_snapshot_is_refused(snapshot: Snapshot, tmp_path: Path) -> None:
    run(tiny(schedule__epochs=1), snapshot, tmp_path / "r001")
    with pytest.raises(InputError, match="begun with another optimizer"):
        run(tiny(schedule__epochs=1, optimizer__lr=0.5), snapshot, tmp_path / "r001")
    with pytest.raises(InputError, match="other annotations"):
        run(tiny(schedule__epochs=1), sample_snapshot(tmp_path / "i", train=2, val=0, size=64), tmp_path / "r001")
    run(tiny(schedule__epochs=1, limits__workers=1), snapshot, tmp_path / "r001")  # computed otherwise, but the same


def test_a_job_that_is_asked_to_pause_ends_with_its_state_and_goes_on_when_started_again(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "LOOK_EVERY", 0.0)  # a step looks for itself, however fast steps are here
    recipe = tiny(schedule__epochs=3)
    run(recipe, snapshot, tmp_path / "straight")
    folder = JobFolder.create(tmp_path / "r001", {"kind": "train"})
    save_recipe(recipe, folder.path / "recipe.yaml")
    snapshot.save(folder.path / "snapshot.json")
    told = []
    for event in child.main(folder, never):
        told.append(event)
        if isinstance(event, EpochDone):
            folder.request_pause()
    assert isinstance(told[-1], RunPaused) and sum(isinstance(event, EpochDone) for event in told) == 1
    (folder.path / "pause").unlink()
    *_, last = child.main(folder, never)
    assert isinstance(last, RunFinished) and not last.stopped
    assert_same(whole_state(tmp_path / "straight"), whole_state(folder.path))


def test_a_disk_that_is_full_for_a_while_does_not_end_a_job_or_lose_what_happened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = JobFolder.create(tmp_path / "r001", {"kind": "train"})
    append, tries = folder.append_event, 0

    def full_for_a_while(event: Event, *, durable: bool = False) -> None:
        nonlocal tries
        tries += 1
        if 2 <= tries <= 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        append(event, durable=durable)

    monkeypatch.setattr(folder, "append_event", full_for_a_while)
    monkeypatch.setattr(child_runtime.time, "sleep", lambda _: None)
    step = StepDone(1, 1, 1, 1.0, 0.5, 0.5, 1e-3, 9.0)
    told = [JobResumed(), Notice("an epoch"), step, CheckpointSaved("a", "a", 1, None, None, True), JobFinished()]
    assert child_runtime.do_job(lambda *_: iter(told), folder, threading.Event()) == 0
    assert folder.read_events()[0] == [event for event in told if event != step]


def count_threads(events: list[Event]) -> tuple[str, str]:
    """How many threads computed a run, and what said so, by its record."""
    environment = next(event for event in events if isinstance(event, RunStarted)).environment
    return environment["threads"], environment["threads_from"]


def find_thread_notices(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Notice) and "OMP_NUM_THREADS" in event.text]


def test_a_run_that_goes_on_with_another_number_of_threads_says_so(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, before = tiny(), torch.get_num_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    first = list(train(recipe, snapshot, tmp_path / "r001", never, after(30)))
    assert isinstance(first[-1], RunPaused) and count_threads(first) == ("3", "OMP_NUM_THREADS")
    assert torch.get_num_threads() == before, "what one training asked for holds for it alone"
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    second = list(train(recipe, snapshot, tmp_path / "r001", never, after(30)))
    assert count_threads(second) == ("1", "OMP_NUM_THREADS")
    [notice] = find_thread_notices(second)
    assert "3 threads so far and goes on with 1" in notice and "OMP_NUM_THREADS=3" in notice
    third = list(train(recipe, snapshot, tmp_path / "r001", never))
    assert isinstance(third[-1], RunFinished) and not find_thread_notices(third)


def test_the_threads_of_a_recipe_go_before_those_of_the_environment(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    events = list(train(tiny(limits__threads=3), snapshot, tmp_path / "r001", never))
    assert count_threads(events) == ("3", "limits.threads")
    assert next(event for event in events if isinstance(event, RunStarted)).device == "CPU, 3 threads"
