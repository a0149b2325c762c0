"""What a run measured, for other programs: tables in CSV, and event files for TensorBoard. Imports no torch."""

from __future__ import annotations

import csv
import io
import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import fields
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from core import files
from core.errors import InputError
from core.jobs.events import EpochDone, Event, Notice, RunStarted, StepDone
from core.jobs.folder import JobFolder
from core.recipe.recipe import Recipe

FOLDER = "tensorboard"  # in the run's folder
_PLAIN = tuple(field.name for field in fields(EpochDone) if field.name not in ("labels", "metrics", "event"))
_STEPS = tuple(field.name for field in fields(StepDone) if field.name != "event")
_FILES = count()


# -- tables ----------------------------------------------------------------------------------------------------


def final_events(events: Iterable[Event]) -> tuple[list[EpochDone], list[StepDone]]:
    """Epochs and steps of a run.

    A run that was resumed repeats what came after its checkpoint: what it says last counts.
    """
    epochs: list[EpochDone] = []
    steps: list[StepDone] = []
    for event in events:
        match event:
            case EpochDone() as epoch:
                while epochs and epochs[-1].epoch >= epoch.epoch:
                    epochs.pop()
                epochs.append(epoch)
            case StepDone() as step:
                while steps and (steps[-1].epoch, steps[-1].step) >= (step.epoch, step.step):
                    steps.pop()
                steps.append(step)
    return epochs, steps


def epochs_csv(epochs: Iterable[EpochDone]) -> str:
    """One row an epoch: losses, measures, and AP by label; a cell is empty where nothing was measured."""
    rows = list(epochs)
    metrics = list(dict.fromkeys(name for epoch in rows for name in epoch.metrics))
    labels = list(dict.fromkeys(name for epoch in rows for name in epoch.labels))
    return _write_csv(
        (*_PLAIN, *metrics, *(f"{_by_label(rows)} {name}" for name in labels)),
        (
            [getattr(epoch, name) for name in _PLAIN]
            + [epoch.metrics.get(name) for name in metrics]
            + [epoch.labels.get(name) for name in labels]
            for epoch in rows
        ),
    )


def _by_label(epochs: Iterable[EpochDone]) -> str:
    """What is measured of each label: labels of whole images have no boxes that could overlap by half."""
    return "AP@0.5" if any(epoch.map50 is not None for epoch in epochs) else "AP"


def steps_csv(steps: Iterable[StepDone]) -> str:
    """One row for each step that was told of."""
    return _write_csv(_STEPS, ([getattr(step, name) for name in _STEPS] for step in steps))


def _write_csv(header: Iterable[str], rows: Iterable[list[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    # What was not finite was not measured, and None is an empty cell.
    writer.writerows(
        [None if isinstance(cell, float) and not math.isfinite(cell) else cell for cell in row] for row in rows
    )
    return text.getvalue()


def steps_path(path: Path) -> Path:
    """Where `export_csv` writes the steps when it writes the epochs to `path`."""
    return path.with_name(f"{path.stem}-steps{path.suffix}")


def find_free_csv(wanted: Path) -> Path:
    """`wanted`, or with a number behind it where `export_csv` would meet a file."""
    return files.find_free_path(wanted, lambda path: [steps_path(path)])


def export_csv(run: Path, path: Path) -> Path:
    """Write the epochs of the run in folder `run` to `path`, and its steps beside it; the path of the steps.

    Raises InputError, with nothing written, if the run has measured nothing yet, if one of the two files is there
    already, or if one cannot be written.
    """
    epochs, steps = final_events(JobFolder(run).read_events()[0])
    if not epochs and not steps:
        raise InputError(f"{run.name}: has measured nothing yet; there is nothing to export")
    beside = steps_path(path)
    try:
        files.write_new_texts({path: epochs_csv(epochs), beside: steps_csv(steps)})
    except FileExistsError as error:
        raise InputError(
            f"{error.filename2 or error.filename}: exists and is not written over; choose another name, or take it away"
        ) from error
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); choose another place") from error
    return beside


# -- TensorBoard -----------------------------------------------------------------------------------------------


class EventFile:
    """An event file of TensorBoard. The x axis counts the steps of the whole run, for epochs too."""

    def __init__(self, folder: Path, recipe: Recipe | None = None) -> None:
        """Raises OSError if the file cannot be made."""
        # Loaded late: it asks whether torch is there, which takes seconds.
        from tensorboardX.event_file_writer import EventsWriter  # noqa: PLC0415

        folder.mkdir(parents=True, exist_ok=True)
        # Two in one second must not take each other's name.
        self._writer = EventsWriter(str(folder / "events"), filename_suffix=f".{os.getpid()}.{next(_FILES)}")
        self._recipe = recipe
        self._steps = 1  # of an epoch

    def add(self, event: Event) -> None:
        """Write what the event measures, if anything. Raises OSError if the disk is full."""
        match event:
            case RunStarted():
                self._steps = max(1, event.steps_per_epoch)
                self._start(event)
            case StepDone():
                self._steps = event.steps
                names = ("loss", "label_loss", "box_loss", "lr", "images_per_second")
                self._scalars(
                    (event.epoch - 1) * event.steps + event.step,
                    {f"step/{name}": getattr(event, name) for name in names},
                )
            case EpochDone():
                values = {f"epoch/{name}": getattr(event, name) for name in _PLAIN if name not in ("epoch", "epochs")}
                values |= {f"epoch/{name}": value for name, value in event.metrics.items()}
                values |= {f"{_by_label([event])}/{name}": value for name, value in event.labels.items()}
                self._scalars(event.epoch * self._steps, values)
                self._writer.flush()

    def close(self) -> None:
        self._writer.close()

    def _start(self, event: RunStarted) -> None:
        from tensorboardX.proto.event_pb2 import Event as Written  # noqa: PLC0415
        from tensorboardX.proto.event_pb2 import SessionLog  # noqa: PLC0415

        # What a former process wrote beyond its last checkpoint is not shown.
        self._writer.write_event(
            Written(wall_time=time.time(), step=event.resumed_at + 1, session_log=SessionLog(status=SessionLog.START))
        )
        about = {"run": event.run, "model": event.model, "device": event.device, "weights": event.weights}
        # Versions are texts of a kind of their own, which YAML refuses.
        about |= {name: str(text) for name, text in event.environment.items()}
        self._text("run", yaml.safe_dump(about, sort_keys=False, allow_unicode=True))
        if self._recipe is not None:
            self._text("recipe", yaml.safe_dump(self._recipe.model_dump(), sort_keys=False, allow_unicode=True))

    def _scalars(self, step: int, values: Mapping[str, float | None]) -> None:
        from tensorboardX.proto.event_pb2 import Event as Written  # noqa: PLC0415
        from tensorboardX.proto.summary_pb2 import Summary  # noqa: PLC0415

        known = [
            Summary.Value(tag=name, simple_value=value)
            for name, value in values.items()
            if value is not None and math.isfinite(value)
        ]
        self._writer.write_event(Written(wall_time=time.time(), step=step, summary=Summary(value=known)))

    def _text(self, tag: str, text: str) -> None:
        from tensorboardX.proto.event_pb2 import Event as Written  # noqa: PLC0415
        from tensorboardX.summary import text as text_summary  # noqa: PLC0415

        # Four spaces: shown as it stands, for TensorBoard reads Markdown.
        shown = "".join(f"    {line}\n" for line in text.splitlines())
        self._writer.write_event(Written(wall_time=time.time(), step=0, summary=text_summary(tag, shown)))


def track_events(events: Iterable[Event], recipe: Recipe, run_folder: Path) -> Iterator[Event]:
    """`events` as they come; TensorBoard's files are written on the way if the recipe asks for them.

    A disk that refuses them does not end the training: a notice says so, and no more are written.
    """
    if not recipe.tracking.tensorboard:
        yield from events
        return
    try:
        file = EventFile(run_folder / FOLDER, recipe)
    except OSError as error:
        yield _explain_refusal(error)
        yield from events
        return
    writing = True
    with closing(file):
        for event in events:
            if writing:
                try:
                    file.add(event)
                except OSError as error:
                    writing = False
                    yield _explain_refusal(error)
            yield event


def _explain_refusal(error: OSError) -> Notice:
    return Notice(f"TensorBoard's files cannot be written ({error.strerror}); the training goes on without", "warning")


def export_tensorboard(run: Path, folder: Path, recipe: Recipe | None = None) -> None:
    """Write an event file into `folder` for a run that is over, or as far as it is.

    Raises InputError if the run has measured nothing yet, or the file cannot be written.
    """
    events = JobFolder(run).read_events()[0]
    epochs, steps = final_events(events)
    if not epochs and not steps:
        raise InputError(f"{run.name}: has measured nothing yet; there is nothing to export")
    starts = [event for event in events if isinstance(event, RunStarted)]
    try:
        with closing(EventFile(folder, recipe)) as file:
            told: list[Event] = [*starts[:1], *steps, *epochs]
            for event in told:
                file.add(event)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}); choose another place") from error
