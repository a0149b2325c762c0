"""Following a run on the terminal, to its last word."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core import console
from core.console import print_json, say
from core.errors import InputError
from core.jobs.folder import JobFolder


def show_to_the_end(folder: JobFolder, events: Iterable[dict[str, Any]], *, json: bool) -> dict[str, Any]:
    """Print a run as it goes on, and how it ended; its last event. With `json`, one event a line.

    Raises InputError if it failed.
    """
    last: dict[str, Any] = {}
    if json:
        for last in events:
            print_json(last)
    else:
        last = console.show_training(events)
    if last.get("event") == "failed":
        raise InputError(why_it_failed(last))
    if not json:
        _say_how_it_ended(folder, last)
    return last


def why_it_failed(event: dict[str, Any]) -> str:
    """Reason and advice of an event "failed", as one text."""
    reason, advice = str(event["reason"]), str(event.get("advice") or "")
    return f"{reason}{'' if reason.endswith(('.', '?', '!')) else '.'} {advice}" if advice else reason


def _say_how_it_ended(folder: JobFolder, last: dict[str, Any]) -> None:
    run = folder.path.name
    if last.get("event") == "paused":
        say(f"{run} paused after step {last['step']}; 'defectdesk train DIR --resume {run}' goes on with it", "bold")
    elif last.get("event") == "finished":
        best = f", best mAP@0.5 {last['best_map50']:.3f}" if last.get("best_map50") is not None else ""
        say(f"{'stopped' if last['stopped'] else 'finished'} after {last['seconds']:.0f} s{best}", "bold")
        say(f"checkpoints: {folder.path / 'checkpoints'}")
    else:
        say(f"{run} ended without a last word; 'defectdesk train DIR --resume {run}' goes on with it", "bold yellow")
