"""The queue of runs that are trained one after the other."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from core.commands.options import Json, ProjectFolder
from core.commands.running import LISTEN, WHO_TRAINS, find_out_states, show_to_the_end
from core.commands.runs import planned_epochs, runs_folder_of
from core.console import complain, print_json, print_table, say
from core.errors import InputError
from core.jobs import queue as jobs
from core.jobs.folder import JobFolder
from core.jobs.pulse import SILENT_AFTER
from core.operations.launcher import make_launcher
from core.operations.resume_run import existing_run, run_to_resume
from core.operations.start_run import prepare_run, run_training
from core.project.project import Project
from core.project.runs import read_run
from core.recipe.recipe import load_recipe

_LOOK = 0.5  # seconds between looks at a queue whose turn is somebody else's


class QueueVerb(StrEnum):
    """What is done with the queue."""

    LIST = "list"
    ADD = "add"
    RUN = "run"
    REMOVE = "remove"
    FIRST = "first"


def manage_queue(
    folder: ProjectFolder,
    verb: Annotated[QueueVerb, typer.Argument(help="What to do.", show_default=False)] = QueueVerb.LIST,
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN|RECIPE...]", help="Runs, such as r003; for add also recipe files.", show_default=False
        ),
    ] = None,
    background: Annotated[
        bool, typer.Option("--background", help="For run: go on when the terminal is closed.")
    ] = False,
    json: Json = False,
) -> None:
    """Train runs one after the other. `add` takes recipe files and runs to go on with; `train --queue` adds one, too."""
    runs_folder = runs_folder_of(folder)
    given = what or []
    if verb in (QueueVerb.ADD, QueueVerb.REMOVE, QueueVerb.FIRST) and not given:
        raise InputError(
            f"queue {verb}: name the runs, such as r003{', or recipe files' if verb is QueueVerb.ADD else ''}"
        )
    if verb in (QueueVerb.LIST, QueueVerb.RUN) and given:
        raise InputError(
            f"queue {verb}: takes all that waits, no names; 'queue DIR first {given[0]}' lets a run go first"
        )
    if background and verb is not QueueVerb.RUN:
        raise InputError(f"--background: belongs to queue run, not to queue {verb}; leave it out")
    find_out_states(jobs.list_jobs(runs_folder), LISTEN if verb is QueueVerb.LIST else SILENT_AFTER)
    if verb is QueueVerb.ADD:
        _add_to_queue(folder, given)
        if not json:
            say(WHO_TRAINS)
    elif verb is QueueVerb.RUN:
        _work_off(runs_folder, background=background, json=json)
        return
    for one in [_find_waiting(runs_folder, name) for name in given if verb in (QueueVerb.REMOVE, QueueVerb.FIRST)]:
        if verb is QueueVerb.REMOVE:
            one.leave_queue()
        else:
            jobs.move_job(one, -len(jobs.list_waiting(runs_folder)))
    _show_queue(runs_folder, json=json)


def _add_to_queue(folder: Path, given: list[str]) -> None:
    """Runs wait as they are; a recipe file becomes a new run, on the annotations as they are now."""
    for name in given:
        if (folder / "runs" / name / "job.json").is_file():
            jobs.put_last(run_to_resume(folder / "runs", name))
            continue
        if not Path(name).is_file():
            raise InputError(f"queue add: {name} is neither a run of {folder} nor a recipe file")
        recipe = load_recipe(Path(name))
        with Project.open_beside(folder) as project:
            jobs.put_last(prepare_run(project, recipe))


def _find_waiting(runs_folder: Path, run: str) -> JobFolder:
    one = existing_run(runs_folder, run)
    if one.read_place() is None:
        raise InputError(f"{run}: does not wait in the queue; see 'defectdesk queue DIR list'")
    return one


def _show_queue(runs_folder: Path, *, json: bool) -> None:
    now = [read_run(job.path) for job in jobs.list_running(runs_folder)]
    then = [read_run(job.path) for job in jobs.list_waiting(runs_folder)]
    if json:
        print_json({"running": [one.id for one in now], "waiting": [one.id for one in then]})
        return
    if not now and not then:
        say("no run waits; 'defectdesk train DIR --queue' adds one")
        return
    rows = [
        (place, one.id, one.model, f"{one.epochs}/{planned_epochs(one)}")
        for place, one in [("now", one) for one in now] + [(str(n), one) for n, one in enumerate(then, start=1)]
    ]
    print_table((">place", "run", "model", ">epochs"), rows)


def _work_off(runs_folder: Path, *, background: bool, json: bool) -> None:
    if background:
        process = jobs.start_worker(runs_folder, make_launcher())
        if json:
            print_json({"process": process.pid})
        else:
            say(f"process {process.pid} works the queue off; 'defectdesk runs DIR' shows how far it is")
        return
    interrupted: list[bool] = []
    failed: list[str] = []
    while not interrupted:
        if (job := jobs.claim_next(runs_folder)) is not None:
            try:
                show_to_the_end(job, run_training(job, make_launcher(), lambda: interrupted.append(True)), json=json)
            except InputError as error:
                complain(f"{job.path.name}: {error}", "red")
                failed.append(job.path.name)
        elif jobs.list_running(runs_folder):
            time.sleep(_LOOK)  # one that somebody else has started
        elif not jobs.list_waiting(runs_folder):
            break
    if failed:
        raise InputError(f"{', '.join(failed)}: failed; the other runs of the queue were trained")
