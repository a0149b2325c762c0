"""What to train with: presets, the learning-rate range test and the transfer study."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from core.commands.options import Json, ProjectFolder
from core.commands.recipes import (
    DeviceName,
    Model,
    PresetName,
    RecipeFile,
    Settings,
    Start,
    asked_recipe,
    given,
    parse_settings,
)
from core.commands.running import why_it_failed
from core.console import number, print_json, print_table, progress_bar, say
from core.errors import InputError
from core.models.registry import MODELS
from core.operations.run_study import MODULE, create_study, find_study, report_study, studies_folder, study_job
from core.operations.start_run import prepare_range_test, run_training
from core.project.project import Project
from core.recipe.presets import load_presets
from core.study.report import HEADINGS, budget, duration, table, to_json
from core.study.results import StudyResult
from core.study.study import STRATEGIES, USUAL, Arm, load_study, study_folders, usual_arm
from core.study.variants import parse_variant
from core.training.lr_finder_result import STEPS


def presets(json: Json = False) -> None:
    """List the recipes to start from, and when to use each."""
    if json:
        print_json(
            {
                "presets": [
                    one.model_dump() | {"models": [name for name in MODELS if one.suits(name)]}
                    for one in load_presets()
                ]
            }
        )
        return
    for one in load_presets():
        fitting = ", ".join(one.models) or ("models with pre-trained weights" if one.needs_weights else "any model")
        say(f"{one.name}  ({fitting})", "bold")
        say(f"    {one.when}")


def range_test(
    folder: ProjectFolder,
    model: Model = None,
    preset: PresetName = None,
    recipe: RecipeFile = None,
    settings: Settings = None,
    start: Start = None,
    device: DeviceName = None,
    steps: Annotated[int, typer.Option(min=20, max=10_000, help="Steps from the lowest rate to the highest.")] = STEPS,
    low: Annotated[float | None, typer.Option(help="Lowest rate; chosen by the optimiser if left out.")] = None,
    high: Annotated[float | None, typer.Option(help="Highest rate; chosen by the optimiser if left out.")] = None,
    json: Json = False,
) -> None:
    """Find a learning rate: raise it from far too small to far too large and see where the loss falls and breaks."""
    with Project.open(folder) as project:
        wanted = asked_recipe(project, model, recipe, preset, start, parse_settings(settings) | given(device=device))
        job = prepare_range_test(project, wanted, None, steps, low, high)
    points: list[dict[str, Any]] = []
    result: dict[str, Any] = {}
    with progress_bar("raising the rate", quiet=json) as progress:
        for event in run_training(job):
            if event["event"] == "range_point":
                points.append(event)
                progress(len(points), steps)
            elif event["event"] == "range_result":
                result = event
            elif event["event"] == "failed":
                raise InputError(why_it_failed(event))
    if json:
        print_json({"points": points, "result": result or None})
        return
    _draw_curve(result.get("curve", []), result.get("proposed"))
    if not result:
        say(f"stopped after {len(points)} of {steps} steps: too early to tell", "yellow")
    elif result["proposed"] is None:
        say(result["why"], "yellow")
    else:
        say(f"optimizer.lr={result['proposed']:g}", "bold")
        say(result["why"])


def study(
    folder: ProjectFolder,
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
    model: Model = None,
    preset: PresetName = None,
    recipe: RecipeFile = None,
    settings: Settings = None,
    start: Start = None,
    device: DeviceName = None,
    resume: Annotated[str | None, typer.Option(help="Go on with a study that was cut short, such as s001.")] = None,
    report: Annotated[str | None, typer.Option(help="Only tell what a study found, such as s001.")] = None,
    listing: Annotated[bool, typer.Option("--list", help="List the studies of the project.")] = False,
    json: Json = False,
) -> None:
    """Does re-training the backbone help on MY data? Compares strategies on the same images, seeds and budget.

    Ctrl+C saves the run under way; --resume goes on. The report is in studies/, as Markdown, CSV and JSON.
    """
    if listing:
        _list(folder, json=json)
        return
    if report is not None:
        _tell(find_study(folder, report), report_study(find_study(folder, report)), json=json)
        return
    if resume is not None:
        path = find_study(folder, resume)
    else:
        wanted = parse_settings(settings) | given(epochs=epochs, minutes=minutes, device=device)
        with Project.open(folder) as project:
            base = asked_recipe(project, model, recipe, preset, start, wanted)
            arms = [usual_arm(name, base) for name in strategies.split(",") if name.strip()]
            arms += [_variant(text) for text in variant or []]
            path = create_study(project, base, arms, [base.seed + number for number in range(seeds)]).path
    stopped = _follow(run_training(study_job(path), module=MODULE), json=json)
    _tell(path, report_study(path), json=json)
    if stopped and not json:
        say(f"not complete; 'defectdesk study DIR --resume {path.name}' goes on", "yellow")


def _variant(text: str) -> Arm:
    name, colon, rest = text.partition(":")
    if not colon or not name.strip() or not rest.strip():
        raise InputError(f"--variant {text}: write it as NAME:KEY=VALUE,KEY=VALUE")
    return parse_variant(name, rest)


def _follow(events: Iterable[dict[str, Any]], *, json: bool) -> bool:
    """Print a study as it goes on; whether it was cut short."""
    stopped = False
    for event in events:
        stopped = bool(event.get("stopped"))
        if event["event"] == "failed":
            raise InputError(why_it_failed(event))
        if json:
            print_json(event)
        elif event["event"] == "study_run":
            say(f"{event['number']}/{event['of']}  {event['run']}: {event['strategy']}, seed {event['seed']}", "bold")
        elif event["event"] == "study_run_ended":
            done = event["state"] == "finished"
            spent = f" in {duration(event['seconds'])}" if event["seconds"] is not None else ""
            say(
                f"     {event['state']}{spent}, mAP {number(event['map'])}, mAP@0.5 {number(event['map50'])} {event['reason']}",
                "" if done else "yellow",
            )
        elif event["event"] == "notice" and event.get("level") == "warning":
            say(f"     {event['text']}", "yellow")
    return stopped


def _tell(path: Path, result: StudyResult, *, json: bool) -> None:
    if json:
        print_json(to_json(result))
        return
    say("")
    print_table(tuple(f">{heading}" if place else heading for place, heading in enumerate(HEADINGS)), table(result))
    for one in result.conclusions:
        say(one.text, "bold")
    for text in result.cautions:
        say(f"- {text}")
    say(f"report: {path / 'report.md'}")


def _list(folder: Path, *, json: bool) -> None:
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
                budget(one),
                one.created[:16].replace("T", " "),
            )
            for one in found
        ],
    )


def _draw_curve(curve: list[list[float]], proposed: float | None) -> None:
    """The loss over the rate, as bars: a terminal has no plot."""
    if not curve:
        return
    lowest, highest = min(loss for _, loss in curve), max(loss for _, loss in curve)
    every = max(1, len(curve) // 25)
    marked = False
    for rate, loss in curve[::every]:
        bar = "█" * round(1 + 50 * (loss - lowest) / max(highest - lowest, 1e-9))
        mark = proposed is not None and not marked and rate >= proposed
        marked = marked or mark
        say(f"{rate:8.1e}  {loss:8.3f}  {bar}{'  ← proposed' if mark else ''}")
