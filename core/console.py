"""What the command line prints: tables and progress for users, JSON for programs."""

from __future__ import annotations

import json
import math
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from rich import box
from rich.console import Console, JustifyMethod
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from core.jobs.events import EpochDone, Event, Notice, PhaseBegun, RecipeNotice, RunStarted, StepDone
from core.streams import open_forgiving
from core.types import Problem

# Results go to stdout, so that a program can read them; progress and complaints go to stderr.
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

_PROBLEMS_SHOWN = 20
_LINE_BREAKS = re.compile(r"\s*[\r\n]\s*")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def print_json(value: Any) -> None:
    """One JSON value on one line of stdout, at once."""
    # Plain ASCII: the same in every terminal's encoding, and able to name files whose names are no valid text.
    print(json.dumps(value, allow_nan=False, default=str), flush=True)


def say(text: str, style: str = "") -> None:
    """Print one line of text on stdout; line breaks in `text`, such as in the name of a file, come out escaped."""
    out.print(Text(_escape_controls(text), style=style), soft_wrap=True)


def complain(text: str, style: str = "yellow") -> None:
    """Print one line on stderr; line breaks in `text` become spaces."""
    err.print(Text(_escape_controls(_LINE_BREAKS.sub(" ", text.strip())), style=style), soft_wrap=True)


def _escape_controls(text: str) -> str:
    """Nothing in a file's name moves the cursor, changes colours or begins a line; blanks stay as many as they are."""
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def complain_about(problems: Sequence[Problem]) -> None:
    """What was skipped or mended, on stderr; a long list is cut."""
    for problem in problems[:_PROBLEMS_SHOWN]:
        complain(f"{problem.file}: {problem.problem}")
    if len(problems) > _PROBLEMS_SHOWN:
        complain(f"... and {len(problems) - _PROBLEMS_SHOWN} more; --json lists them all")


def problems_to_json(problems: Iterable[Problem]) -> list[dict[str, str]]:
    return [{"file": problem.file, "problem": problem.problem} for problem in problems]


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """A table; columns whose name starts with ">" are set flush right."""
    table = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", title_style="bold", pad_edge=False)
    for column in columns:
        justify: JustifyMethod = "right" if column.startswith(">") else "left"
        # Only the last column holds sentences that may go over several lines.
        table.add_column(column.removeprefix(">"), justify=justify, no_wrap=column is not columns[-1])
    cells = [[_escape_controls(cell) for cell in row] for row in rows]
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    # Nothing is cut off, for it is typed or copied into the next command: rather the terminal breaks the lines.
    columns_of_cells = zip(columns, *cells, strict=True)
    *fixed, last = [max(map(len, column)) + 3 for column in columns_of_cells]
    needed = sum(fixed) + min(last, 24)
    wide = out if out.width >= needed else Console(file=out.file, highlight=False, width=needed)
    wide.print(table)


def number(value: float | None, digits: int = 3) -> str:
    """A measure, or a dash where there is none."""
    return "–" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def _bar() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[detail]}"),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )


@contextmanager
def progress_bar(title: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Yield `progress(done, total)`; it draws a bar on stderr unless `quiet`. Keeps image libraries from printing."""
    with _silent_libraries():
        if quiet:
            yield lambda done, total: None
            return
        yield from _drawn_progress(title)


@contextmanager
def _silent_libraries() -> Iterator[None]:
    """Keep what C libraries print past Python off the terminal.

    libpng and libjpeg write a line without the file's name for each fault that they meet; the command says the
    same with the name, and its stderr may be read by a program.
    """
    if sys.stderr is None or sys.stderr.closed:
        yield
        return
    sys.stderr.flush()
    before, kept = sys.stderr, os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        if _is_descriptor_2(before):
            sys.stderr = open_forgiving(kept, before)
        yield
    finally:
        sys.stderr.flush()
        sys.stderr = before
        os.dup2(kept, 2)
        os.close(kept)


def _is_descriptor_2(stream: TextIO) -> bool:
    try:
        return stream.fileno() == 2
    except (OSError, ValueError):  # a stream in memory
        return False


def _drawn_progress(title: str) -> Iterator[Callable[[int, int], None]]:
    with _bar() as bar:
        task = bar.add_task(title, total=None, detail="")
        yield lambda done, total: bar.update(task, completed=done, total=total or None)


def show_training(events: Iterable[Event]) -> Event | None:
    """Print a training as it goes on; its last event."""
    last: Event | None = None
    with _bar() as bar:
        task = bar.add_task("starting", total=None, detail="")
        for event in events:
            last = event
            if isinstance(event, StepDone):
                done = (event.epoch - 1) * event.steps + event.step
                detail = f"loss {number(event.loss)} · {event.images_per_second:.0f} images/s"
                bar.update(task, description=f"epoch {event.epoch}", completed=done, detail=detail)
            elif (line := _describe_event(event)) is not None:
                text, style = line
                bar.console.print(Text(text, style=style), soft_wrap=True)
            if isinstance(event, RunStarted):
                bar.update(task, total=event.epochs * event.steps_per_epoch)
    return last


def _describe_event(event: Event) -> tuple[str, str] | None:
    """A line and its style; None for an event that gets none."""
    match event:
        case RunStarted():
            text = f"{event.run}: {event.model} on {event.device}, {event.train_images:,} images to learn from, "
            return text + f"{event.val_images:,} to check by; {event.weights}", "bold"
        case EpochDone():
            return _describe_epoch(event), ""
        case PhaseBegun():
            stages = ", ".join(event.stages) or "the head alone"
            return f"from epoch {event.epoch} on {stages} learns: {event.trainable_parameters:,} parameters", ""
        case Notice():
            return describe_notice(event), "yellow" if event.level == "warning" else "cyan"
        case _:
            return None


def describe_notice(notice: Notice) -> str:
    """The words of a notice, and in brackets what `--set` takes for its mends."""
    return notice.text + (_describe_settings(notice) if isinstance(notice, RecipeNotice) else "")


def _describe_settings(notice: RecipeNotice) -> str:
    """What `--set` takes for the mends of a notice; of a change of the model, which brings many, the model."""
    changes = [mend.get("settings", {}) for mend in notice.mends]
    texts = [
        ", ".join(f"{name}={value}" for name, value in settings.items() if "model" not in settings or name == "model")
        for settings in changes
    ]
    return f" [{' | '.join(texts)}]" if texts else ""


def _describe_epoch(event: EpochDone) -> str:
    text = f"epoch {event.epoch}/{event.epochs}  loss {number(event.train_loss)}"
    if event.val_loss is not None:
        text += f"  validation {number(event.val_loss)}"
    if event.map50 is not None:
        text += f"  mAP@0.5 {event.map50:.3f}  mAP {number(event.map)}"
    elif (macro_f1 := event.metrics.get("macro_f1")) is not None:
        text += f"  mAP {number(event.map)}  macro F1 {number(macro_f1)}"
        text += f"  ROC-AUC {number(event.metrics.get('macro_roc_auc'))}"
    return text + f"  {event.images_per_second:.0f} images/s"
