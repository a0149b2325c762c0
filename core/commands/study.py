"""Transfer studies: compare strategies on the same images, seeds and budget."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from core.commands.options import Json, ProjectFolder
from core.commands.recipes import RecipeOptions, choose_fitted_recipe, given, with_recipe_options
from core.commands.running import find_out_states, why_it_failed
from core.commands.runs import runs_folder_of
from core.console import number, print_json, print_table, say
from core.errors import InputError
from core.jobs.events import Event, Notice, RunFailed, RunFinished, StudyRunEnded, StudyRunStarted, to_json
from core.jobs.folder import JobFolder
from core.operations.launcher import make_launcher
from core.operations.run_study import create_study, find_study, report_study, studies_folder, study_job
from core.operations.start_run import run_training
from core.project.project import Project
from core.study.report import HEADINGS, describe_budget, format_duration, list_rows, result_to_json
from core.study.results import StudyResult
from core.study.study import STRATEGIES, USUAL, Arm, load_study, study_folders, usual_arm
from core.study.variants import parse_variant

StudyName = Annotated[str | None, typer.Argument(metavar="[STUDY]", help="Such as s001; the latest if left out.")]

app = typer.Typer(
    help="Does re-training the backbone help on MY data? Compare strategies on the same images, seeds and budget.",
)


@app.command("run")
@with_recipe_options
def run_study(
    folder: ProjectFolder,
    options: RecipeOptions,
    strategies: Annotated[
        str, typer.Option(help=f"Which to compare, by commas, of {', '.join(STRATEGIES)}.")
    ] = ",".join(USUAL),
    variant: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME:KEY=VALUE,...", help="A strategy of your own, such as slow:strategy.backbone_lr_factor=0.01."
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, max=100, help="How often each is trained, each time with another seed.")
    ] = 3,
    epochs: Annotated[int | None, typer.Option(help="Budget of each run.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0, help="Time limit of each run, besides.")] = None,
    json: Json = False,
) -> None:
    """Train every strategy with every seed, and report what helps.

    Ctrl+C saves the run under way; `study resume` goes on. The report is in studies/, as Markdown, CSV and JSON.
    """
    with Project.open_beside(folder) as project:
        base, fitted = choose_fitted_recipe(project, options, given(epochs=epochs, minutes=minutes))
        arms = [usual_arm(name, base) for name in strategies.split(",") if name.strip()]
        arms += [_parse_arm(text) for text in variant or []]
        path = create_study(project, base, arms, [base.seed + number for number in range(seeds)], notices=fitted).path
    _train_study(path, json=json)


@app.command("resume")
def resume_study(folder: ProjectFolder, study: StudyName = None, json: Json = False) -> None:
    """Go on with a study that was cut short, in the middle of a run."""
    _train_study(find_study(folder, study), json=json)


@app.command("report")
def print_report(folder: ProjectFolder, study: StudyName = None, json: Json = False) -> None:
    """Say what a study found."""
    path = find_study(folder, study)
    _print_result(path, report_study(path), json=json)


@app.command("list")
def list_studies(folder: ProjectFolder, json: Json = False) -> None:
    """List the studies of a project."""
    runs_folder_of(folder)  # refuses what is no project
    found = [load_study(path) for path in study_folders(studies_folder(folder))]
    if json:
        print_json({"studies": [one.model_dump(mode="json") for one in found]})
        return
    if not found:
        say("no studies yet")
        return
    print_table(
        ("study", "model", "strategies", ">runs", "budget", "made"),
        [
            (
                one.id,
                one.recipe.model,
                ", ".join(arm.name for arm in one.arms),
                str(len(one.runs)),
                describe_budget(one),
                one.created[:16].replace("T", " "),
            )
            for one in found
        ],
    )


def _train_study(path: Path, *, json: bool) -> None:
    find_out_states([JobFolder(path)])
    stopped = _print_events(run_training(study_job(path), make_launcher()), json=json)
    _print_result(path, report_study(path), json=json)
    if stopped and not json:
        say(f"not complete; 'defectdesk study resume DIR {path.name}' goes on", "yellow")


def _parse_arm(text: str) -> Arm:
    name, colon, rest = text.partition(":")
    if not colon or not name.strip() or not rest.strip():
        raise InputError(f"--variant {text}: write it as NAME:KEY=VALUE,KEY=VALUE")
    return parse_variant(name, rest)


def _print_events(events: Iterable[Event], *, json: bool) -> bool:
    """Print a study as it goes on; whether it was cut short."""
    stopped = False
    for event in events:
        stopped = isinstance(event, RunFinished) and event.stopped
        if isinstance(event, RunFailed):
            raise InputError(why_it_failed(event))
        if json:
            print_json(to_json(event))
        else:
            _say_event(event)
    return stopped


def _say_event(event: Event) -> None:
    match event:
        case StudyRunStarted():
            say(f"{event.number}/{event.of}  {event.run}: {event.strategy}, seed {event.seed}", "bold")
        case StudyRunEnded():
            spent = f" in {format_duration(event.seconds)}" if event.seconds is not None else ""
            measured = f"mAP {number(event.map)}, mAP@0.5 {number(event.map50)} {event.reason}"
            say(f"     {event.state}{spent}, {measured}", "" if event.state == "finished" else "yellow")
        case Notice(level="warning"):
            say(f"     {event.text}", "yellow")


def _print_result(path: Path, result: StudyResult, *, json: bool) -> None:
    if json:
        print_json(result_to_json(result))
        return
    say("")
    print_table(tuple(f">{heading}" if place else heading for place, heading in enumerate(HEADINGS)), list_rows(result))
    for one in result.conclusions:
        say(one.text, "bold")
    for text in result.cautions:
        say(f"- {text}")
    say(f"report: {path / 'report.md'}")
