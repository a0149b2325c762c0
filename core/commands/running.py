"""Following a run on the terminal, to its last word."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core import console
from core.console import complain, print_json, say
from core.errors import InputError
from core.jobs.events import Event, RunFailed, RunFinished, RunPaused, from_json, to_json
from core.jobs.folder import JobFolder, await_decisions
from core.jobs.pulse import SILENT_AFTER

WHO_TRAINS = "a window that has the project open trains what waits; without one, 'defectdesk queue DIR run' does"
LISTEN = 3.0  # seconds, three beats of a heart: enough to list what lives


def find_out_states(jobs: Iterable[JobFolder], patience: float = SILENT_AFTER) -> None:
    """Wait until it is known which of the jobs that another machine began still run there, saying what is waited for."""

    def tell(job: JobFolder) -> None:
        complain(
            f"{job.path.name}: was last worked on by {job.owner_host() or 'another machine'}; looking if it still is"
        )

    await_decisions(jobs, patience, tell)


def show_to_the_end(folder: JobFolder, events: Iterable[Event], *, json: bool) -> None:
    """Print a run as it goes on, and how it ended. With `json`, one event a line. Raises InputError if it failed."""
    if json:
        print_lines(map(to_json, events))
        return
    last = console.show_training(events)
    if isinstance(last, RunFailed):
        raise InputError(why_it_failed(last))
    _say_how_it_ended(folder, last)


def print_lines(lines: Iterable[dict[str, Any]]) -> None:
    """Print the events of a run as they stand in its file. Raises InputError if it failed."""
    last: dict[str, Any] = {}
    for last in lines:
        print_json(last)
    event = from_json(last)
    if isinstance(event, RunFailed):
        raise InputError(why_it_failed(event))


def why_it_failed(event: RunFailed) -> str:
    """Reason and advice, as one text."""
    reason = event.reason
    return f"{reason}{'' if reason.endswith(('.', '?', '!')) else '.'} {event.advice}" if event.advice else reason


def _say_how_it_ended(folder: JobFolder, last: Event | None) -> None:
    run = folder.path.name
    match last:
        case RunPaused():
            say(f"{run} paused after step {last.step}; 'defectdesk train DIR --resume {run}' goes on with it", "bold")
        case RunFinished():
            best = f", best mAP@0.5 {last.best_map50:.3f}" if last.best_map50 is not None else ""
            say(f"{'stopped' if last.stopped else 'finished'} after {last.seconds:.0f} s{best}", "bold")
            say(f"checkpoints: {folder.path / 'checkpoints'}")
        case _:
            say(
                f"{run} ended without a last word; 'defectdesk train DIR --resume {run}' goes on with it", "bold yellow"
            )
