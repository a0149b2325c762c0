"""The life of runs: listing, following, pausing, exporting, and the queue."""

from __future__ import annotations

import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from core.commands.options import Json, ProjectFolder
from core.commands.running import show_to_the_end
from core.console import complain, number, print_json, print_table, say
from core.errors import InputError
from core.jobs import queue as jobs
from core.jobs.folder import ENDED, JobFolder
from core.jobs.process import AttachedJob, follow
from core.operations.resume_run import existing_run, run_to_resume
from core.operations.start_run import prepare_run, run_training
from core.project.project import Project
from core.project.records import DATABASE_FILE, RunRecord
from core.project.runs import read_run, scanned_runs
from core.recipe.recipe import load_recipe
from core.training.tracking import export_csv, export_tensorboard

_LOOK = 0.5  # seconds between looks at a queue whose turn is somebody else's


def runs(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Project folder, or the folder of one run.", show_default=False)
    ],
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="One run, such as r003, in full.")] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Print the run as it goes on, until it ends.")] = False,
    pause: Annotated[bool, typer.Option("--pause", help="Let the run save, free the device and end.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Let the run end and keep what it has learnt.")] = False,
    csv: Annotated[Path | None, typer.Option(help="Write the run's epochs to this file, its steps beside it.")] = None,
    tensorboard: Annotated[Path | None, typer.Option(help="Write the run for TensorBoard into this folder.")] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete the run with its checkpoints, for good.")] = False,
    json: Json = False,
) -> None:
    """List the runs of a project, or look at one: also while it trains, on this machine or another."""
    if run is None and (folder / "job.json").is_file():
        folder, run = folder.absolute().parent.parent, folder.absolute().name
    if run is None:
        if follow or pause or stop or csv or tensorboard or delete:
            raise InputError("run: name the run, such as r003; see 'defectdesk runs DIR'")
        _list(scanned_runs(_runs_folder(folder)), json=json)
        return
    if pause and stop:
        raise InputError("--pause: a run that is to stop cannot pause; leave --pause or --stop out")
    if delete:
        if follow or pause or stop or csv or tensorboard:
            raise InputError("--delete: does nothing else; leave the other options out")
        _delete(folder, run, json=json)
        return
    one = existing_run(_runs_folder(folder, read=True), run)
    done: dict[str, str] = {}
    if pause or stop:
        done["asked"] = _ask(one, pause=pause)
    if csv is not None:
        done |= {"epochs": str(csv), "steps": str(export_csv(one.path, csv))}
    if tensorboard is not None:
        export_tensorboard(one.path, tensorboard, load_recipe(one.path / "recipe.yaml"))
        done["tensorboard --logdir"] = str(tensorboard)
    if done and json:
        print_json({"run": run} | done)
    elif done:
        for what, value in done.items():
            say(f"{what}: {value}")
    if follow:
        show_to_the_end(one, _followed(one), json=json)
    elif not done:
        _describe(one, json=json)


def _runs_folder(folder: Path, *, read: bool = False) -> Path:
    """The folder of a project's runs. One that is only read may have come without the rest of the project."""
    if not (folder / DATABASE_FILE).is_file() and not (read and (folder / "runs").is_dir()):
        raise InputError(f"{folder}: is not a project (no {DATABASE_FILE} in it)")
    return folder / "runs"


def _delete(folder: Path, run: str, *, json: bool) -> None:
    with Project.open(folder) as project:
        project.sync_runs()
        checkpoints = [one.id for one in project.checkpoints() if one.run == run]
        project.delete_run(run)
    if json:
        print_json({"deleted": run, "checkpoints": checkpoints})
    else:
        say(f"deleted: {', '.join([run, *checkpoints])}")


def _ask(run: JobFolder, *, pause: bool) -> str:
    if run.state() != "running":
        raise InputError(f"{run.path.name}: does not run, it is {run.state()}")
    run.request_pause() if pause else run.request_stop()
    return "pause" if pause else "stop"


def _followed(run: JobFolder) -> Iterator[dict[str, Any]]:
    """All that a run said and says. The person who follows can leave; the run goes on."""
    yield from follow(run, AttachedJob(run)) if run.state() not in ENDED else run.read()[0]


def _list(records: list[RunRecord], *, json: bool) -> None:
    if json:
        print_json({"runs": [_to_json(record) for record in records]})
        return
    if not records:
        say("no runs yet; train a model first")
        return
    print_table(
        ("run", "state", "model", ">epochs", ">mAP@0.5", ">mAP", "begun"),
        [
            (
                one.id,
                _state(one),
                one.model,
                f"{one.epochs}/{_planned(one)}",
                number(one.measures.get("map50")),
                number(one.measures.get("map")),
                one.created[:16].replace("T", " "),
            )
            for one in records
        ],
    )


def _state(record: RunRecord) -> str:
    return "queued" if record.place is not None else record.state


def _planned(record: RunRecord) -> str:
    schedule = record.recipe.get("schedule")
    return str(schedule.get("epochs", "?")) if isinstance(schedule, dict) else "?"


def _to_json(record: RunRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "state": record.state,
        "model": record.model,
        "epochs": record.epochs,
        "created": record.created,
        "snapshot_hash": record.snapshot_hash,
        "queued": record.place is not None,
        "measures": record.measures,
        "recipe": record.recipe,
    }


def _describe(run: JobFolder, *, json: bool) -> None:
    record = read_run(run.path)
    events = run.read()[0]
    started: dict[str, Any] = next((event for event in reversed(events) if event.get("event") == "started"), {})
    notices = [event for event in events if event.get("event") == "notice"]
    environment = started.get("environment") or {}
    if json:
        about = {"device": started.get("device"), "environment": environment, "skipped": started.get("skipped", [])}
        print_json(_to_json(record) | about | {"notices": notices})
        return
    say(f"{record.id}: {record.model}, {_state(record)}, epoch {record.epochs} of {_planned(record)}", "bold")
    rows = [("begun", record.created), ("snapshot", record.snapshot_hash), ("device", str(started.get("device", "")))]
    rows += [(name, str(value)) for name, value in environment.items()]
    rows += [(name, number(value)) for name, value in record.measures.items()]
    print_table(("", ""), [row for row in rows if row[1]])
    say(yaml.safe_dump(record.recipe, sort_keys=False, allow_unicode=True))
    for notice in notices:
        complain(str(notice.get("text", "")))


# -- the queue -------------------------------------------------------------------------------------------------


class QueueVerb(StrEnum):
    """What is done with the queue."""

    LIST = "list"
    ADD = "add"
    RUN = "run"
    REMOVE = "remove"
    FIRST = "first"


def queue(
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
    runs_folder = _runs_folder(folder)
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
    if verb is QueueVerb.ADD:
        _add(folder, given)
    elif verb is QueueVerb.RUN:
        _work_off(runs_folder, background=background, json=json)
        return
    for one in [_waiting(runs_folder, name) for name in given if verb in (QueueVerb.REMOVE, QueueVerb.FIRST)]:
        if verb is QueueVerb.REMOVE:
            one.unqueue()
        else:
            jobs.move(one, -len(jobs.waiting(runs_folder)))
    _show_queue(runs_folder, json=json)


def _add(folder: Path, given: list[str]) -> None:
    """Runs wait as they are; a recipe file becomes a new run, on the annotations as they are now."""
    for name in given:
        if (folder / "runs" / name / "job.json").is_file():
            jobs.put_last(run_to_resume(folder / "runs", name))
            continue
        if not Path(name).is_file():
            raise InputError(f"queue add: {name} is neither a run of {folder} nor a recipe file")
        recipe = load_recipe(Path(name))
        with Project.open(folder) as project:
            jobs.put_last(prepare_run(project, recipe))


def _waiting(runs_folder: Path, run: str) -> JobFolder:
    one = existing_run(runs_folder, run)
    if one.queued() is None:
        raise InputError(f"{run}: does not wait in the queue; see 'defectdesk queue DIR list'")
    return one


def _show_queue(runs_folder: Path, *, json: bool) -> None:
    now = [read_run(job.path) for job in jobs.running(runs_folder)]
    then = [read_run(job.path) for job in jobs.waiting(runs_folder)]
    if json:
        print_json({"running": [one.id for one in now], "waiting": [one.id for one in then]})
        return
    if not now and not then:
        say("no run waits; 'defectdesk train DIR --queue' adds one")
        return
    rows = [
        (place, one.id, one.model, f"{one.epochs}/{_planned(one)}")
        for place, one in [("now", one) for one in now] + [(str(n), one) for n, one in enumerate(then, start=1)]
    ]
    print_table((">place", "run", "model", ">epochs"), rows)


def _work_off(runs_folder: Path, *, background: bool, json: bool) -> None:
    if background:
        process = jobs.start_worker(runs_folder)
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
                show_to_the_end(job, run_training(job, lambda: interrupted.append(True)), json=json)
            except InputError as error:
                complain(f"{job.path.name}: {error}", "red")
                failed.append(job.path.name)
        elif jobs.running(runs_folder):
            time.sleep(_LOOK)  # one that somebody else has started
        elif not jobs.waiting(runs_folder):
            break
    if failed:
        raise InputError(f"{', '.join(failed)}: failed; the other runs of the queue were trained")
