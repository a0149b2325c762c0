"""The life of runs: list, show, follow, pause, stop, export and delete them."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from core.commands.default_group import DefaultGroup
from core.commands.options import Json, ProjectFolder
from core.commands.running import LISTEN, find_out_states, print_lines, show_to_the_end
from core.console import complain, number, print_json, print_table, say
from core.errors import InputError
from core.jobs.events import Notice, RunStarted, to_json
from core.jobs.folder import ENDED, JobFolder
from core.jobs.process import AttachedJob, follow_events, follow_lines
from core.jobs.queue import list_jobs
from core.operations.resume_run import existing_run
from core.project.project import Project
from core.project.records import DATABASE_FILE, RunRecord
from core.project.runs import read_run, scanned_runs, write_words
from core.recipe.recipe import load_recipe
from core.streams import is_reader_gone
from core.training.tracking import export_csv, export_tensorboard

RunsFolder = Annotated[
    Path, typer.Argument(metavar="DIR", help="Project folder, or the folder of one run.", show_default=False)
]
RunName = Annotated[str | None, typer.Argument(metavar="[RUN]", help="The run, such as r003.")]

app = typer.Typer(
    cls=DefaultGroup,
    help="List the runs of a project, or look at one: also while it trains, on this machine or another.",
    epilog="`runs DIR` lists the runs, `runs DIR RUN` shows one: the word `show` may be left out.",
)


@app.command("list")
def list_runs(folder: ProjectFolder, json: Json = False) -> None:
    """List the runs of a project."""
    runs_folder = runs_folder_of(folder)
    find_out_states(list_jobs(runs_folder), LISTEN)
    _print_runs(scanned_runs(runs_folder), json=json)


@app.command("show")
def show_run(folder: RunsFolder, run: RunName = None, json: Json = False) -> None:
    """Show one run in full; without a run, list those of the project."""
    if run is None and not is_run(folder):
        list_runs(folder, json=json)
    else:
        found = _find_run(folder, run)
        find_out_states([found], LISTEN)
        _describe_run(found, json=json)


@app.command("follow")
def follow_run(folder: RunsFolder, run: RunName = None, json: Json = False) -> None:
    """Print what a run does until it ends. Ctrl+C leaves it running."""
    _follow_run(_find_run(folder, run), json=json)


@app.command("pause")
def pause_run(folder: RunsFolder, run: RunName = None, json: Json = False) -> None:
    """Ask a run to save, free the device and end; it can be resumed."""
    found = _find_running(folder, run)
    found.request_pause()
    _print_done(found, {"asked": "pause"}, json=json)


@app.command("stop")
def stop_run(folder: RunsFolder, run: RunName = None, json: Json = False) -> None:
    """Ask a run to end and keep what it has learnt."""
    found = _find_running(folder, run)
    found.request_stop()
    _print_done(found, {"asked": "stop"}, json=json)


@app.command("note")
def note_run(
    folder: RunsFolder,
    run: RunName = None,
    name: Annotated[str | None, typer.Option(help="Call the run by this name.")] = None,
    note: Annotated[str | None, typer.Option(help="Note this on the run.")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Take its name and its note away first.")] = False,
    json: Json = False,
) -> None:
    """Give a run a name and a note, which its recipe does not change by."""
    if name is None and note is None and not clear:
        raise InputError("runs note: give a name with --name or a note with --note, or take both away with --clear")
    found = _find_run(folder, run)
    before = read_run(found.path)
    kept = ("", "") if clear else (before.name, before.note)
    write_words(found.path, kept[0] if name is None else name, kept[1] if note is None else note)
    record = read_run(found.path)
    _print_done(found, {"name": record.name, "note": record.note}, json=json)


@app.command("export")
def export_run(
    folder: RunsFolder,
    run: RunName = None,
    csv: Annotated[Path | None, typer.Option(help="Write the run's epochs to this file, its steps beside it.")] = None,
    tensorboard: Annotated[Path | None, typer.Option(help="Write the run for TensorBoard into this folder.")] = None,
    json: Json = False,
) -> None:
    """Write the measures of a run for other programs."""
    if csv is None and tensorboard is None:
        raise InputError("runs export: name the file with --csv or the folder with --tensorboard")
    found = _find_run(folder, run)
    done: dict[str, str] = {}
    if csv is not None:
        done |= {"epochs": str(csv), "steps": str(export_csv(found.path, csv))}
    if tensorboard is not None:
        export_tensorboard(found.path, tensorboard, load_recipe(found.path / "recipe.yaml"))
        done["tensorboard --logdir"] = str(tensorboard)
    _print_done(found, done, json=json)


@app.command("delete")
def delete_run(folder: RunsFolder, run: RunName = None, json: Json = False) -> None:
    """Delete a run with its checkpoints, for good."""
    folder, name = _split_run(folder, run)
    find_out_states([JobFolder(runs_folder_of(folder) / name)])
    with Project.open(folder) as project:
        project.runs.sync_folders()
        checkpoints = [one.id for one in project.runs.list_checkpoints() if one.run == name]
        project.runs.delete_run(name)
    if json:
        print_json({"deleted": name, "checkpoints": checkpoints})
    else:
        say(f"deleted: {', '.join([name, *checkpoints])}")


def is_run(folder: Path) -> bool:
    """Whether `folder` is the folder of one run."""
    return (folder / "job.json").is_file()


def runs_folder_of(folder: Path, *, read: bool = False) -> Path:
    """The folder of a project's runs. One that is only read may have come without the rest of the project."""
    if not (folder / DATABASE_FILE).is_file() and not (read and (folder / "runs").is_dir()):
        raise InputError(f"{folder}: is not a project (no {DATABASE_FILE} in it)")
    return folder / "runs"


def planned_epochs(record: RunRecord) -> str:
    schedule = record.recipe.get("schedule")
    return str(schedule.get("epochs", "?")) if isinstance(schedule, dict) else "?"


def _split_run(folder: Path, run: str | None) -> tuple[Path, str]:
    """The project's folder and the name of a run that is given by project and name, or by its folder alone."""
    if run is not None:
        return folder, run
    if is_run(folder):
        path = folder.absolute()
        return path.parent.parent, path.name
    raise InputError("run: name the run, such as r003; see 'defectdesk runs DIR'")


def _find_run(folder: Path, run: str | None) -> JobFolder:
    project_folder, name = _split_run(folder, run)
    return existing_run(runs_folder_of(project_folder, read=True), name)


def _find_running(folder: Path, run: str | None) -> JobFolder:
    found = _find_run(folder, run)
    find_out_states([found])
    if found.state() != "running":
        raise InputError(f"{found.path.name}: does not run, it is {found.state()}")
    return found


def _follow_run(run: JobFolder, *, json: bool) -> None:
    """Print the events of a run, past and to come. Whoever follows can leave; the run goes on."""
    find_out_states([run])
    process = AttachedJob(run) if run.state() not in ENDED else None
    if json:
        # A reader that has seen enough must not be waited for until the run ends.
        print_lines(itertools.takewhile(lambda _: not is_reader_gone(sys.stdout), follow_lines(run, process)))
    else:
        show_to_the_end(run, follow_events(run, process), json=False)


def _print_done(run: JobFolder, done: dict[str, str], *, json: bool) -> None:
    if json:
        print_json({"run": run.path.name} | done)
        return
    for what, value in done.items():
        say(f"{what}: {value}")


def _print_runs(records: list[RunRecord], *, json: bool) -> None:
    if json:
        print_json({"runs": [_run_to_json(record) for record in records]})
        return
    if not records:
        say("no runs yet; train a model first")
        return
    print_table(
        ("run", "name", "state", "model", ">epochs", ">mAP@0.5", ">mAP", "started"),
        [
            (
                one.id,
                one.name,
                _state_of(one),
                one.model,
                f"{one.epochs}/{planned_epochs(one)}",
                number(one.measures.get("map50")),
                number(one.measures.get("map")),
                one.created[:16].replace("T", " "),
            )
            for one in records
        ],
    )


def _state_of(record: RunRecord) -> str:
    return "queued" if record.place is not None else record.state


def _run_to_json(record: RunRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "name": record.name,
        "note": record.note,
        "state": record.state,
        "model": record.model,
        "epochs": record.epochs,
        "created": record.created,
        "snapshot_hash": record.snapshot_hash,
        "queued": record.place is not None,
        "measures": record.measures,
        "recipe": record.recipe,
    }


def _describe_run(run: JobFolder, *, json: bool) -> None:
    record = read_run(run.path)
    events = run.read_events()[0]
    started = next((event for event in reversed(events) if isinstance(event, RunStarted)), None)
    notices = [event for event in events if isinstance(event, Notice)]
    environment = started.environment if started else {}
    if json:
        about: dict[str, Any] = {"device": started.device if started else None, "environment": environment}
        about |= {"skipped": started.skipped if started else [], "notices": [to_json(notice) for notice in notices]}
        print_json(_run_to_json(record) | about)
        return
    say(f"{record.id}: {record.model}, {_state_of(record)}, epoch {record.epochs} of {planned_epochs(record)}", "bold")
    rows = [
        ("name", record.name),
        ("note", record.note),
        ("started", record.created),
        ("snapshot", record.snapshot_hash),
        ("device", started.device if started else ""),
    ]
    rows += [(name, str(value)) for name, value in environment.items()]
    rows += [(name, number(value)) for name, value in record.measures.items()]
    print_table(("", ""), [row for row in rows if row[1]])
    for line in yaml.safe_dump(record.recipe, sort_keys=False, allow_unicode=True).splitlines():
        say(line)
    for notice in notices:
        complain(notice.text)
