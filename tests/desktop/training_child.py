"""A small job module for tests of following: a real process, the real events, no network to train.

Its job.json may say {"kind": "train", "behaviour": ...}; the recipe beside it says how many epochs. While a file
HOLD_FILE lies in the folder of the runs, a run that has done an epoch waits.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from core.jobs.child_runtime import run_child
from core.jobs.events import (
    CheckpointSaved,
    EpochDone,
    Event,
    JobProgress,
    Notice,
    RunFailed,
    RunFinished,
    RunPaused,
    RunStarted,
    SpeedMeasured,
    StepDone,
)
from core.jobs.folder import JobFolder

STEPS = 4
HOLD_FILE = "hold"
FAIL_FILE = "fail"  # beside the folder of a trial of speed, which then fails
LABELS = ["scratch", "pit"]


def events(
    epochs: int, should_stop: Callable[[], bool], *, run: str = "r001", pause: float = 0.01, after: int = 0
) -> Iterator[Event]:
    """What a run of `epochs` epochs says, until it is asked to stop; `after` so many it is gone on with."""
    yield RunStarted(
        run, "ssd_compact", "CPU", epochs, STEPS, 12, 4, LABELS, 1000, 900, 0.97, "random", resumed_at=after * STEPS
    )
    yield Notice("Few boxes carry the label pit", "warning")
    done, stopped = after, False
    for epoch in range(after + 1, epochs + 1):
        for step in range(1, STEPS + 1):
            stopped = stopped or should_stop()
            if stopped:
                break
            time.sleep(pause)
            yield StepDone(epoch, step, STEPS, 2 / epoch, 1.5 / epoch, 0.5 / epoch, 1e-3, 50.0)
        if stopped:
            break
        done, good = epoch, 1 - 0.5**epoch
        yield EpochDone(
            epoch,
            epochs,
            2 / epoch,
            1.5 / epoch,
            0.5 / epoch,
            2.2 / epoch,
            1.6 / epoch,
            0.6 / epoch,
            good,
            good / 2,
            {"scratch": good, "pit": None},
            1e-3,
            50.0,
            pause * STEPS,
            pause * STEPS * (epochs - epoch),
        )
        yield CheckpointSaved(f"{run}-best", f"checkpoints/{run}-best.safetensors", epoch, good, good / 2, True)
    good = 1 - 0.5**done
    yield RunFinished(done, 1.0, stopped, good, good / 2, f"{run}-best" if done else "")


def main(folder: JobFolder, should_stop: Callable[[], bool]) -> Iterator[Event]:
    behaviour = folder.read_job().get("behaviour", "") or os.environ.get("TRAINING_BEHAVIOUR", "")
    if behaviour == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        yield Notice("deaf")
        time.sleep(600)
    if behaviour == "crash":
        yield Notice("about to crash")
        os.kill(os.getpid(), signal.SIGKILL)
    if behaviour == "flood":
        for step in range(1, 5001):
            yield StepDone(1, step, 5000, 1.0, 0.5, 0.5, 1e-3, 50.0)
        yield RunFinished(0, 1.0, stopped=False)
        return
    if folder.read_kind() == "speed":
        for step in range(1, STEPS + 1):
            time.sleep(0.01)
            yield JobProgress(step, STEPS)
        if (folder.path.parent / FAIL_FILE).exists():
            yield RunFailed("schedule.batch_size: too little memory", "Choose a smaller model.")
            return
        yield SpeedMeasured(0.02, 0.05, 8, 2, 1_200_820, 1_200_820, 0.97, 640.0, "CPU, 2 threads")
        yield RunFinished(0, 0.1, stopped=False)
        return
    recipe = Path(folder.path / "recipe.yaml")
    # Read as plain YAML: the recipe's own module takes half a second to load, in every child that a test starts.
    epochs = yaml.safe_load(recipe.read_text("utf-8"))["schedule"]["epochs"] if recipe.exists() else 2
    done = sum(isinstance(event, EpochDone) for event in folder.read_events()[0])
    hold = folder.path.parent / HOLD_FILE

    def should_end() -> bool:
        return should_stop() or folder.pause_requested()

    for event in events(epochs, should_end, run=folder.path.name, after=done):
        if isinstance(event, RunFinished) and event.stopped and not should_stop():
            yield RunPaused(event.epoch, event.epoch * STEPS, 1.0)
        else:
            yield event
        while isinstance(event, CheckpointSaved) and hold.exists() and not should_end():
            time.sleep(0.01)


if __name__ == "__main__":
    run_child(main, lambda: None)
